"""Pairs listed in a CSV."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from osgeo import gdal

import interferogram_products as products
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader, spatial_reference
from interferogram_products import DEGREES, HEIGHT, METRES, WIDTH, coherences, phases, valid, write_text, write_tif

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


ROW = "data/first.tif,2018-01-06,2018-01-30,12.5,quality.tif\n"
OTHER = "data/second.tif,2018-01-30,2018-02-11,-3.25,\n"


def pairs_of(table):
    """What a table says, in the order of the dates."""
    stack = find_stack(None, pairs_file=table)
    return [(pair.name, pair.perpendicular_baseline, pair.coherence is not None) for pair in stack.interferograms]


EXPECTED = [("20180106_20180130", 12.5, True), ("20180130_20180211", -3.25, False)]
QUOTED = ",".join(f'"{name}"' for name in HEADER.strip().split(",")) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        QUOTED + '"data/first.tif","2018-01-06","2018-01-30",12.5,"quality.tif"\n' + OTHER,
        '"",' + QUOTED + '"1",' + ROW + '"2",' + OTHER.replace(",\n", ",NA\n"),
        "'file','date1','date2','bperp_m','coherence'\n'data/first.tif','2018-01-06','2018-01-30','12.5','quality.tif'\n"
        + OTHER,
        "sep=;\n" + (HEADER + ROW.replace("12.5", "12,5X")).replace(",", ";").replace("12;5X", "12,5")
        + OTHER.replace(",", ";").replace("-3.25", "-3,25"),
        '"sep=,"\n' + HEADER + ROW + OTHER,
        "sep=\t\n" + (HEADER + ROW + OTHER).replace(",", "\t"),
        "\n \n,,,,\n" + HEADER + ROW + "\n" + OTHER,
        "# pairs of track 12, made by hand\n" + HEADER + ROW + OTHER,
        (HEADER + ROW + OTHER).replace(",", " , "),
        (HEADER + ROW + OTHER).replace(",", "|"),
        (HEADER + ROW + OTHER).replace(",", "\t").upper().replace("DATA/FIRST.TIF", "data/first.tif")
        .replace("DATA/SECOND.TIF", "data/second.tif").replace("QUALITY.TIF", "quality.tif"),
        (HEADER + ROW + OTHER).replace("\n", "\r\n"),
        (HEADER + ROW + OTHER).replace("\n", "\r"),
        HEADER.strip() + ",coherence\n" + ROW.strip() + ",0.73\n" + OTHER.strip() + ",0.5\n",
        HEADER.strip() + ",notes\n" + ROW.strip() + ",good\n" + OTHER.strip() + ",\n",
        HEADER + ROW.strip() + ",,\n" + OTHER,
        (HEADER + ROW + OTHER).replace("data/first.tif", "data\\first.tif"),
        (HEADER + ROW + OTHER).replace("2018-01-06", "2018-01-06 00:00:00").replace("2018-02-11", "2018/2/11"),
        (HEADER + ROW + OTHER).replace("2018-01-06", "20180106.0"),
    ],
    ids=[
        "quoted", "R", "single-quotes", "sep-decimal-commas", "sep-quoted", "sep-tab", "empty-first", "comment",
        "spaces", "bars", "capitals-tabs", "crlf", "cr", "mean-coherence", "more-columns", "empty-cells",
        "backslashes", "times",
        "pandas-float-date",
    ],
)  # fmt: skip
def test_tables_of_any_program(folder, text):
    (folder / "pairs.csv").write_text(text, encoding="utf-8", newline="")
    assert pairs_of(folder / "pairs.csv") == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_tables_in_any_encoding(folder, encoding):
    (folder / "data" / "first.tif").rename(folder / "data" / "Höhe.tif")
    text = HEADER + ROW.replace("first", "Höhe") + OTHER
    (folder / "pairs.csv").write_text(text, encoding=encoding)
    assert pairs_of(folder / "pairs.csv") == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + bytes(range(256)), r"file of another kind \(Excel or LibreOffice\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(300), r"file of another kind \(Excel"),
        (bytes(range(256)) * 4, "can't be read as a text file"),
        (bytes(5000), "can't be read as a text file"),
        (b"\xff\xfe\x00file", "can't be read as a text file"),
        (HEADER.encode() + b'"data/first.tif,2018-01-06\n' + b"x" * 200_000, r"line 2: the row can't be taken apart"),
        ((HEADER + "data/first.tif,2018-01-06,2018-01-30,12,5,quality.tif\n").encode(), "line 2 has 6 cells, more"),
        ((HEADER.strip() + ",file\n" + ROW).encode(), r"line 1: the column file is there twice"),
        (b"file,date1,date2,bperp_m,bperp_m\n", r"column perpendicular_baseline_m is there twice"),
        ((HEADER + ROW.replace("12.5", "1e308")).encode(), r"line 2: perpendicular_baseline_m is “1e308”"),
        ((HEADER + ROW.replace("12.5", "nan")).encode(), r"line 2: perpendicular_baseline_m is “nan”"),
        ((HEADER + ROW.replace("12.5", "-inf")).encode(), r"line 2: perpendicular_baseline_m is “-inf”"),
        ((HEADER + ROW.replace("2018-01-06", "06.01.2018")).encode(), r"line 2: date1 is “06.01.2018”"),
        ((HEADER + ROW.replace("2018-01-06", "0018-01-06")).encode(), r"line 2: date1 is “0018-01-06”"),
        ((HEADER + ROW.replace("2018-01-30", "9999-12-31")).encode(), r"line 2: date2 is “9999-12-31”"),
        ((HEADER + ROW.replace("data/first.tif", "data")).encode(), r"line 2: .*data is a folder"),
        ((HEADER + ROW.replace("first.tif", "first\0.tif")).encode(), r"can't be read as a text file"),
        ((HEADER + ROW.replace("first", "f" * 5000)).encode(), r"line 2: .* doesn't exist"),
        (
            (HEADER + ROW + OTHER + ROW.replace("2018-01-30", "2018-03-07")).encode(),
            r"line 4: .*first\.tif stands in line 2, too, with other dates",
        ),
        ((HEADER + ROW + ROW.replace("12.5", "13")).encode(), r"line 3: .*first\.tif stands in line 2, too"),
        ((HEADER + ROW.replace("quality", "data/first")).encode(), r"first\.tif is listed as the coherence of itself"),
    ],
)  # fmt: skip
def test_tables_that_are_none_are_told_in_one_sentence(folder, content, message):
    (folder / "pairs.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        find_stack(None, pairs_file=folder / "pairs.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_table_and_is_not_waited_for(folder):
    os.mkfifo(folder / "pairs.csv")
    with pytest.raises(InputError, match=r"pairs\.csv can't be read as a table: it isn't a file"):
        find_stack(None, pairs_file=folder / "pairs.csv")
    with pytest.raises(InputError, match="it isn't a file"):
        find_stack(None, pairs_file=folder / "data")


def test_many_equal_lines_are_one_pair_and_told_once(folder):
    (folder / "pairs.csv").write_text(HEADER + ROW * 100_000 + OTHER, encoding="utf-8")
    stack = find_stack(None, pairs_file=folder / "pairs.csv")
    assert len(stack.interferograms) == 2
    (note,) = (note for note in stack.notes if "repeat" in note)
    assert "pairs.csv has 99999 lines that repeat another one (first: line 3)" in note


def test_the_reading_of_a_long_table_can_be_cancelled(folder):
    (folder / "pairs.csv").write_text(HEADER + ROW * 1000, encoding="utf-8")
    asked = []
    progress = Progress(is_cancelled=lambda: asked.append(1) or len(asked) > 10)
    with pytest.raises(CancelledError):
        find_stack(None, pairs_file=folder / "pairs.csv", progress=progress)
    assert len(asked) == 11


def write_container(path, variables, placed=True):
    """A netCDF-4 file, which is HDF5 too, with variables on a lattice of degrees, or on one that nothing tells."""
    file = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path), [], ["FORMAT=NC4"])
    root = file.GetRootGroup()
    single = gdal.ExtendedDataType.Create(gdal.GDT_Float32)
    if placed:
        axes = [
            products._axis(root, "lat", products._latitudes(DEGREES), "degrees_north"),
            products._axis(root, "lon", products._longitudes(DEGREES), "degrees_east"),
        ]
    else:
        axes = [root.CreateDimension("y", "", "", HEIGHT), root.CreateDimension("x", "", "", WIDTH)]
    for name, values in variables.items():
        group, _, last = name.rpartition("/")
        place = root.CreateGroup(group) if group else root
        place.CreateMDArray(last, axes, single).Write(values)


@pytest.mark.parametrize(
    "name",
    ["s.nc:unwrapped", "NETCDF:s.nc:unwrapped", "NETCDF:\"s.nc\":unwrapped", "netcdf:\"{folder}/s.nc\":unwrapped",
     "HDF5:\"s.nc\"://unwrapped", "HDF5:s.nc://unwrapped", "{folder}/s.nc:/unwrapped"],
)  # fmt: skip
def test_a_variable_of_a_container_is_read(tmp_path, name):
    write_container(tmp_path / "s.nc", {"unwrapped": phases(0), "quality": coherences(0), "amplitude": phases(3)})
    cell = name.format(folder=tmp_path)
    coherence = cell.replace("unwrapped", "quality")
    write_text(tmp_path / "pairs.csv", f"file;date1;date2;coherence\n{cell};2018-01-06;2018-01-30;{coherence}\n")
    stack = find_stack(None, pairs_file=tmp_path / "pairs.csv")
    (pair,) = stack.interferograms
    assert stack.grid.same_as(DEGREES)
    with BandReader(pair.phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(0)))
    with BandReader(pair.coherence, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(coherences(0)))


@pytest.mark.parametrize("suffix", ["nc", "h5"])
def test_a_container_without_the_name_of_its_variable_lists_them(tmp_path, suffix):
    file = tmp_path / f"stack.{suffix}"
    write_container(file, {"coherence": coherences(0), "unwrappedPhase": phases(0)}, placed=False)
    table = write_text(tmp_path / "pairs.csv", f"file,date1,date2\n{file.name},2020-01-01,2020-01-13\n")
    with pytest.raises(InputError, match=rf"stack\.{suffix}:unwrappedPhase; there are unwrappedPhase, coherence\."):
        find_stack(None, pairs_file=table)
    write_text(table, f"file,date1,date2\n{file.name}:phase,2020-01-01,2020-01-13\n")
    with pytest.raises(InputError, match=r"has no variable phase. It has unwrappedPhase, coherence\."):
        find_stack(None, pairs_file=table)
    write_text(table, f"file,date1,date2\n{file.name}:unwrappedPhase,2020-01-01,2020-01-13\n")
    with pytest.raises(InputError, match="unwrappedPhase"):
        find_stack(None, pairs_file=table)


def test_variables_of_one_name_in_two_groups_are_told_apart(tmp_path):
    write_container(tmp_path / "s.nc", {"HH/unw": phases(0), "VV/unw": phases(1)})
    table = write_text(tmp_path / "pairs.csv", "file,date1,date2\ns.nc:unw,2018-01-06,2018-01-30\n")
    with pytest.raises(InputError, match=r"has several variables unw: HH/unw, VV/unw\."):
        find_stack(None, pairs_file=table)
    write_text(table, "file,date1,date2\ns.nc:VV/unw,2018-01-06,2018-01-30\n")
    # GDAL turns the rows of variables whose coordinates stand in another group; they must not come out upside down.
    (pair,) = find_stack(None, pairs_file=table).interferograms
    with BandReader(pair.phase) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(1)))


def test_of_a_file_with_several_bands_the_table_says_which(tmp_path):
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "two.tif"), WIDTH, HEIGHT, 2, gdal.GDT_Float32)
    dataset.SetGeoTransform(METRES.transform)
    dataset.SetProjection(spatial_reference(METRES.crs).ExportToWkt())
    for number in (1, 2):
        dataset.GetRasterBand(number).WriteArray(phases(number))
    dataset = None
    table = write_text(tmp_path / "pairs.csv", "file,date1,date2\ntwo.tif,2018-01-06,2018-01-30\n")
    with pytest.raises(InputError, match=r"two\.tif has 2 bands. .* as two\.tif:2\."):
        find_stack(None, pairs_file=table)
    write_text(table, "file,date1,date2\ntwo.tif:2,2018-01-06,2018-01-30\n")
    (pair,) = find_stack(None, pairs_file=table).interferograms
    with BandReader(pair.phase) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(2)))
    write_text(table, "file,date1,date2\ntwo.tif:3,2018-01-06,2018-01-30\n")
    with pytest.raises(InputError, match=r"two\.tif has no band 3, only 2\."):
        find_stack(None, pairs_file=table)


NISAR = "science/LSAR/GUNW/grids/frequencyB/unwrappedInterferogram/VV"


@pytest.mark.parametrize("name", ["{file}:unwrappedPhase", "{file}:/" + NISAR + "/unwrappedPhase",
                                  'HDF5:"{file}"://' + NISAR + "/unwrappedPhase"])  # fmt: skip
def test_a_variable_is_placed_by_the_coordinates_beside_it(tmp_path, name):
    products.write_nisar(tmp_path / "any.h5", {"frequencyB/VV": phases(0)}, coherences(0), 1.0)
    cell = name.format(file="any.h5")
    write_text(tmp_path / "pairs.csv", f"file;date1;date2\n{cell};2018-01-06;2018-01-30\n")
    stack = find_stack(None, pairs_file=tmp_path / "pairs.csv")
    assert stack.grid.same_as(METRES)
    with BandReader(stack.interferograms[0].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), phases(0))


def test_rows_from_south_to_north_are_read_the_right_way_round(tmp_path):
    products.write_nisar(tmp_path / "any.h5", {"frequencyA/HH": phases(0)[::-1]}, coherences(0), 1.0, rising=True)
    write_text(tmp_path / "pairs.csv", "file,date1,date2\nany.h5:unwrappedPhase,2018-01-06,2018-01-30\n")
    stack = find_stack(None, pairs_file=tmp_path / "pairs.csv")
    assert stack.grid.same_as(METRES)
    with BandReader(stack.interferograms[0].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), phases(0))


@pytest.mark.parametrize(("shift", "message"), [(0.03, None), (0.4, "aren't evenly spaced"), (np.nan, "evenly spaced")])
def test_coordinates_may_be_rounded_but_not_uneven(tmp_path, shift, message):
    products.write_nisar(tmp_path / "any.h5", {"frequencyA/HH": phases(0)}, coherences(0), 1.0, shift=shift)
    write_text(tmp_path / "pairs.csv", "file,date1,date2\nany.h5:unwrappedPhase,2018-01-06,2018-01-30\n")
    if message is None:
        assert find_stack(None, pairs_file=tmp_path / "pairs.csv").grid.same_as(METRES)
    else:
        with pytest.raises(InputError, match=message):
            find_stack(None, pairs_file=tmp_path / "pairs.csv")


def test_a_header_without_end_is_no_table(folder):
    (folder / "pairs.csv").write_bytes(b"file," + b"x" * 300_000)
    with pytest.raises(InputError, match=r"line 1: the row can't be taken apart"):
        find_stack(None, pairs_file=folder / "pairs.csv")


def test_a_variable_of_several_dates_is_refused(tmp_path):
    file = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(tmp_path / "s.nc"), [], ["FORMAT=NC4"])
    root = file.GetRootGroup()
    axes = [root.CreateDimension(name, "", "", size) for name, size in (("time", 3), ("y", HEIGHT), ("x", WIDTH))]
    single = gdal.ExtendedDataType.Create(gdal.GDT_Float32)
    for name in ("phase", "coherence"):
        root.CreateMDArray(name, axes, single).Write(np.ones((3, HEIGHT, WIDTH), np.float32))
    root = file = axes = None
    write_text(tmp_path / "pairs.csv", "file,date1,date2\ns.nc:phase,2018-01-06,2018-01-30\n")
    with pytest.raises(InputError, match=r"s\.nc:phase has 3 layers where an interferogram has one"):
        find_stack(None, pairs_file=tmp_path / "pairs.csv")


def test_a_container_without_a_raster_says_so(tmp_path):
    gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(tmp_path / "s.nc"), [], ["FORMAT=NC4"])
    write_text(tmp_path / "pairs.csv", "file,date1,date2\ns.nc,2018-01-06,2018-01-30\n")
    with pytest.raises(InputError, match=r"s\.nc (holds no raster|can't be read)"):
        find_stack(None, pairs_file=tmp_path / "pairs.csv")
