"""Pairs listed in a CSV."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.raster import BandReader
from interferogram_products import METRES, coherences, phases, valid, write_text, write_tif

HEADER = "file,date1,date2,perpendicular_baseline_m,coherence_file\n"


@pytest.fixture
def folder(tmp_path):
    write_tif(tmp_path / "data" / "first.tif", phases(0))
    write_tif(tmp_path / "data" / "second.tif", phases(1), nodata=-9999.0)
    write_tif(tmp_path / "quality.tif", np.round(coherences(0) * 255).astype(np.uint8))
    return tmp_path


def test_any_raster_is_read_as_told(folder):
    table = write_text(
        folder / "pairs.csv",
        f"{HEADER}data/first.tif,2018-01-06,20180130,-33.5,quality.tif\ndata/second.tif,2018-01-30,2018-02-11,,\n",
    )
    stack = find_stack(None, pairs_file=table)
    first, second = stack.interferograms
    assert (first.name, first.perpendicular_baseline) == ("20180106_20180130", -33.5)
    assert (second.name, second.perpendicular_baseline, second.coherence) == ("20180130_20180211", None, None)
    with BandReader(first.phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(0)))
    with BandReader(second.phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), phases(1))
    with BandReader(first.coherence, stack.grid) as reader:
        np.testing.assert_allclose(reader.read(), valid(coherences(0)), atol=0.5 / 255)
    assert any("wavelength" in note and "assumed" in note for note in stack.notes)


def test_dates_the_other_way_round_change_the_sign_and_are_said(folder):
    table = write_text(folder / "pairs.csv", f"{HEADER}data/first.tif,2018-01-30,2018-01-06,-33.5,\n")
    stack = find_stack("", pairs_file=table)
    (pair,) = stack.interferograms
    assert (pair.name, pair.perpendicular_baseline) == ("20180106_20180130", 33.5)
    with BandReader(pair.phase) as reader:
        np.testing.assert_array_equal(reader.read(), -valid(phases(0)))
    assert any("first.tif" in note and "other sign" in note for note in stack.notes)


def test_tables_of_a_spreadsheet_in_europe(folder):
    text = (
        "\ufefffile;Date1;date2;bperp_m;coherence\r\ndata/first.tif;2018-01-06;2018-01-30;12,5;quality.tif\r\n;;;;\r\n"
    )
    (folder / "pairs.csv").write_bytes(text.encode("utf-8"))
    (pair,) = find_stack(None, pairs_file=folder / "pairs.csv").interferograms
    assert pair.perpendicular_baseline == 12.5
    assert pair.coherence is not None


def test_products_in_a_table_keep_their_format_and_metadata(tmp_path):
    expected = products.roipac(tmp_path)
    table = write_text(
        tmp_path / "pairs.csv",
        f"{HEADER}geo_991218-000122.unw,1999-12-18,2000-01-22,,\ngeo_000122-000226.unw,2000-01-22,2000-02-26,99,\n",
    )
    stack = find_stack(None, pairs_file=table)
    assert stack.wavelength == expected.wavelength
    assert [pair.perpendicular_baseline for pair in stack.interferograms] == [1.0, 99.0]
    for pair in stack.interferograms:
        with BandReader(pair.phase, stack.grid) as reader:
            np.testing.assert_array_equal(reader.read(), expected.pairs[pair.name].phase)
        with BandReader(pair.coherence, stack.grid) as reader:
            np.testing.assert_array_equal(reader.read(), expected.pairs[pair.name].coherence)


def test_a_chosen_product_reads_files_of_any_name(tmp_path):
    phases(0).astype(">f4").tofile(tmp_path / "anything.dat")
    write_text(tmp_path / "grid_dem.par", products.dem_par(METRES))
    table = write_text(tmp_path / "pairs.csv", f"{HEADER}anything.dat,2018-01-06,2018-01-30,,\n")
    (pair,) = find_stack(tmp_path, "gamma", table).interferograms
    with BandReader(pair.phase) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(0)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,date1\n", r"line 1: the column date2 is missing"),
        ("", r"line 1: the column file is missing"),
        (HEADER, r"lists no interferograms"),
        (
            f"{HEADER}data/first.tif,2018-01-06,2018-01-30,,\n\ndata/first.tif,2018-02-30,2018-03-01,,\n",
            r"line 4: date1 is “2018-02-30”",
        ),
        (f"{HEADER}data/first.tif,2018-01-06,,,\n", r"line 2: date2 is “”"),
        (f"{HEADER}data/first.tif,2018-01-06\n", r"line 2: date2 is “”"),
        (f"{HEADER}data/first.tif,2018-01-06,2018-01-06,,\n", r"line 2: date1 and date2 are both"),
        (f"{HEADER}data/third.tif,2018-01-06,2018-01-30,,\n", r"line 2: .*third\.tif doesn't exist"),
        (f"{HEADER}data/first.tif,2018-01-06,2018-01-30,,no.tif\n", r"line 2: .*no\.tif doesn't exist"),
        (f"{HEADER}data/first.tif,2018-01-06,2018-01-30,near,\n", r"line 2: perpendicular_baseline_m is “near”"),
        (f"{HEADER},2018-01-06,2018-01-30,,\n", r"line 2: the file name is empty"),
    ],
)
def test_faults_in_the_table_name_their_line(folder, text, message):
    table = write_text(folder / "pairs.csv", text)
    with pytest.raises(InputError, match=message) as error:
        find_stack(None, pairs_file=table)
    assert "pairs.csv" in str(error.value)


def test_a_table_that_can_not_be_read(tmp_path):
    with pytest.raises(InputError, match=r"pairs\.csv can't be read"):
        find_stack(None, pairs_file=tmp_path / "pairs.csv")
    (tmp_path / "pairs.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(InputError, match=r"pairs\.csv can't be read"):
        find_stack(None, pairs_file=tmp_path / "pairs.csv")


def test_coherence_without_a_crs_is_told_with_its_name(folder):
    write_tif(folder / "bare.tif", coherences(0), replace(METRES, crs=""))
    table = write_text(folder / "pairs.csv", f"{HEADER}data/first.tif,2018-01-06,2018-01-30,,bare.tif\n")
    with pytest.raises(InputError, match=r"bare\.tif has no coordinate reference system"):
        find_stack(None, pairs_file=table)
