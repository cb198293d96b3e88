"""Numbers of the metadata that can't be right: skipped and told, never 0 and never used."""

from __future__ import annotations

import math
import os
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.interferograms.readers.files import Folder
from ada_mapper.core.interferograms.readers.gamma import perpendicular_of_orbits
from ada_mapper.core.interferograms.readers.metadata import (
    BASELINE,
    HEADING,
    INCIDENCE,
    WAVELENGTH,
    Metadata,
    number_of,
    text_of,
)
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH

NONSENSE = ["west", "nan", "1e308", "12;5"]


def replaced(folder, names, pattern, word):
    """Put a word in place of the number after a pattern, in all files of a name; how many were changed."""
    count = 0
    for path in folder.rglob("*"):
        if path.is_file() and re.search(names, path.name):
            text, found = re.subn(rf"({pattern})[-+.\de]+", rf"\g<1>{word}", path.read_text())
            path.write_text(text)
            count += found
    return count


HEADINGS = [
    (products.hyp3, r"\.txt$", "Heading: "),
    (products.licsar, "metadata.txt", "heading="),
    (products.gamma, r"slc\.par$", "heading: "),
    (products.roipac, r"unw\.rsc$", "HEADING_DEG   "),
    (products.snap, r"\.dim$", 'centre_heading" type="float64">'),
]
INCIDENCES = [
    (products.licsar, "metadata.txt", "avg_incidence_angle="),
    (products.gamma, r"slc\.par$", "incidence_angle: "),
    (products.snap, r"\.dim$", 'incidence_(?:near|far)" type="float64">'),
]
WAVELENGTHS = [
    (products.isce2, r"IW1\.xml$", "<value>"),
    (products.gmtsar, r"\.PRM$", "radar_wavelength = "),
    (products.roipac, r"unw\.rsc$", "WAVELENGTH   "),
]
FREQUENCIES = [
    (products.gamma, r"slc\.par$", "radar_frequency: "),
    (products.snap, r"\.dim$", 'frequency" type="float64">'),
]
BASELINES = [
    (products.hyp3, r"\.txt$", "Baseline: "),
    (products.isce2, r"^2016.*\.txt$", r"Bperp \(average\): "),
    (products.roipac, r"_baseline\.rsc$", r"P_BASELINE_(?:TOP|BOTTOM)_HDR   "),
    (products.licsar, "^baselines$", r"\n?20170107 \d{8} "),
    (products.gmtsar, r"^baseline_table\.dat$", r"S1_\S+ \S+ \d+ \S+ "),
    (products.snap, r"\.dim$", 'Perp Baseline" type="float64">'),
]  # fmt: skip


def told(stack, *words):
    """The notes that hold all words."""
    return [note for note in stack.notes if all(word in note for word in words)]


@pytest.mark.parametrize(("build", "names", "pattern"), HEADINGS, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("word", [*NONSENSE, "400", "-361"])
def test_a_heading_that_can_not_be(tmp_path, build, names, pattern, word):
    expected = build(tmp_path)
    assert replaced(tmp_path, names, pattern, word)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == len(expected.pairs)
    assert all(pair.heading is None for pair in stack.interferograms)
    (note,) = told(stack, "heading", "skipped")
    assert f"“{word}" in note and "from -360 to 360 °" in note and str(tmp_path) in note


@pytest.mark.parametrize(("build", "names", "pattern"), INCIDENCES, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("word", [*NONSENSE, "0.68", "390", "0", "-39"])
def test_an_incidence_that_can_not_be(tmp_path, build, names, pattern, word):
    build(tmp_path)
    assert replaced(tmp_path, names, pattern, word)
    stack = find_stack(tmp_path)
    assert all(pair.incidence is None for pair in stack.interferograms)
    (note,) = told(stack, "incidence angle", "skipped")
    assert f"“{word}" in note and "from 5 to 70 °" in note


@pytest.mark.parametrize(("build", "names", "pattern"), WAVELENGTHS, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("word", [*NONSENSE, "5.6", "0", "-0.0554", "55.4", "1e-9"])
def test_a_wavelength_that_can_not_be(tmp_path, build, names, pattern, word):
    build(tmp_path)
    assert replaced(tmp_path, names, pattern, word)
    stack = find_stack(tmp_path)
    assert all(pair.wavelength is None for pair in stack.interferograms)
    assert stack.wavelength == SENTINEL1_WAVELENGTH and told(stack, "Sentinel-1", "assumed")
    (note,) = told(stack, "radar wavelength “", "skipped")
    assert f"“{word}" in note and "from 0.02 to 1 m" in note


@pytest.mark.parametrize(("build", "names", "pattern"), FREQUENCIES, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("word", [*NONSENSE, "0", "-5405", "5.405"])
def test_a_frequency_that_can_not_be(tmp_path, build, names, pattern, word):
    build(tmp_path)
    assert replaced(tmp_path, names, pattern, word)
    stack = find_stack(tmp_path)
    assert all(pair.wavelength is None for pair in stack.interferograms)
    (note,) = told(stack, "radar frequency", "skipped")
    assert f"“{word}" in note and "GHz" in note


@pytest.mark.parametrize(("build", "names", "pattern"), BASELINES, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("word", [*NONSENSE, "1e6", "-20001"])
def test_a_baseline_that_can_not_be(tmp_path, build, names, pattern, word):
    build(tmp_path)
    assert replaced(tmp_path, names, pattern, word)
    stack = find_stack(tmp_path)
    assert {pair.perpendicular_baseline for pair in stack.interferograms} <= {None, 0.0}
    assert any(pair.perpendicular_baseline is None for pair in stack.interferograms)
    assert told(stack, word, "skipped")


@pytest.mark.parametrize("word", [*NONSENSE, "5.6", "0"])
def test_a_wavelength_of_a_tag(tmp_path, word):
    tags = {"WAVELENGTH_METRES": word, "INCIDENCE_DEGREES": word.replace("5.6", "0.56")}
    products.write_tif(tmp_path / "20180106_20180130_unw.tif", products.phases(0), tags=tags)
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.wavelength, pair.incidence) == (None, None)
    assert told(find_stack(tmp_path), "radar wavelength “", word) and told(find_stack(tmp_path), "incidence angle")


def test_an_elevation_angle_in_degrees_is_no_incidence(tmp_path):
    products.hyp3(tmp_path)
    for path in tmp_path.rglob("*_lv_theta.tif"):
        products.write_tif(path, np.full((products.HEIGHT, products.WIDTH), 50, np.float32))
    stack = find_stack(tmp_path)
    assert all(pair.incidence is None for pair in stack.interferograms)
    (note,) = told(stack, "incidence angle", "skipped")
    assert "lv_theta.tif" in note and "2 more files" in note


def test_the_first_key_that_tells_something_right_counts():
    file = Path("x.rsc")
    metadata = Metadata()
    assert (
        metadata.number(HEADING, file, {"heading_deg": "west", "heading": "-12.5"}, "heading_deg", "heading") == -12.5
    )
    assert metadata.number(INCIDENCE, file, {"incidence": ""}, "incidence") is None
    assert metadata.number(BASELINE, file, {"baseline": "-129,5 m"}, "baseline") == -129.5
    assert metadata.checked(WAVELENGTH, file, None) is None
    assert metadata.checked(HEADING, file, 99999.0) is None
    assert len(metadata.notes) == 1
    assert number_of({"a": "1.5, 2.5"}, "a") == 1.5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["metadata.txt", "baselines", "20170302_20170314.geo.cc.tif.aux.xml", "x.geo.U.tif"])
def test_a_pipe_among_the_metadata_is_not_waited_for(tmp_path, name):
    products.licsar(tmp_path)
    for path in [*tmp_path.rglob(name)]:
        path.unlink()
    os.mkfifo(tmp_path / "metadata" / name)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2
    (note,) = told(stack, "Left out", name)
    assert "isn't a file, but a pipe" in note
    assert text_of(tmp_path / "metadata" / name) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("suffix", ["", ".aux.xml", ".msk", ".ovr", ".rsc"])
def test_a_pipe_beside_an_interferogram_is_not_waited_for(tmp_path, suffix):
    products.hyp3(tmp_path)
    path = next(tmp_path.rglob("S1AA*_unw_phase.tif"))
    if not suffix:
        path.unlink()
    os.mkfifo(f"{path}{suffix}")
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) in (2, 3)
    assert told(stack, "Left out", f"{path.name}{suffix}")


def test_links_that_lead_nowhere_in_a_circle_or_elsewhere(tmp_path):
    products.licsar(tmp_path / "stack")
    products.licsar(tmp_path / "other")
    inside = tmp_path / "stack" / "GEOC"
    (inside / "circle").symlink_to(inside)
    (inside / "20180101_20180113.geo.unw.tif").symlink_to(inside / "20180101_20180113.geo.unw.tif")
    (inside / "gone.txt").symlink_to(tmp_path / "nothing")
    (inside / "far").symlink_to(tmp_path / "other")
    stack = find_stack(tmp_path / "stack")
    assert len(stack.interferograms) == 2
    assert told(stack, "20180101_20180113.geo.unw.tif isn't a file", "1 more files")
    (note,) = told(stack, "link to the folder")
    assert str(inside / "far") in note
    assert not told(stack, "circle")


def test_a_folder_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    expected = products.hyp3(tmp_path)
    scan = os.scandir

    def refusing(path):
        if "F8BF" in str(path):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == len(expected.pairs) - 1
    (note,) = told(stack, "F8BF", "can't be read")
    assert "Permission denied" in note


def test_metadata_that_may_not_be_read_are_told(tmp_path, monkeypatch):
    products.hyp3(tmp_path)
    (file,) = tmp_path.rglob("*F8BF.txt")
    refused = Path.open, Path.read_text
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: _refuse(self, file) or refused[0](self, *a, **k))
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: _refuse(self, file) or refused[1](self, *a, **k))
    stack = find_stack(tmp_path)
    assert [pair.perpendicular_baseline for pair in stack.interferograms] == [11.5, None, 12.5]
    assert told(stack, f"{file} can't be read; what it tells is not used")


def _refuse(path, file):
    if path == file:
        raise PermissionError(13, "Permission denied")


def test_a_listing_stops_when_it_is_cancelled(tmp_path):
    products.hyp3(tmp_path)
    with pytest.raises(CancelledError):
        Folder.of(tmp_path, Progress(is_cancelled=lambda: True).check)


def test_nisar_tells_its_view_its_layer_and_what_is_left_in_the_phase(tmp_path):
    expected = products.nisar(tmp_path)
    stack = find_stack(tmp_path)
    assert [pair.heading for pair in stack.interferograms] == [pytest.approx(340.0, abs=1e-4)] * 2
    assert [pair.look_side for pair in stack.interferograms] == ["left"] * 2
    assert [pair.first_date for pair in stack.interferograms] == [date(2025, 11, 3), date(2025, 11, 15)]
    assert told(stack, "frequencyA VV, frequencyB HH", "frequencyA HH is used")
    assert told(stack, "ionosphere")
    # Motion toward the satellite shortens the range: the LOS rate has the other sign than the phase.
    with BandReader(stack.interferograms[1].phase) as reader:
        np.testing.assert_array_equal(reader.read(), expected.pairs["20251115_20251127"].phase)


def test_a_nisar_radar_that_looks_to_the_right_has_its_own_heading(tmp_path):
    name = "NISAR_L2_PR_GUNW_1_A_20251103T124615_20251103T124650_20251115T124615_20251115T124650_X.h5"
    layers = {"frequencyA/HH": products.phases(0)}
    products.write_nisar(tmp_path / name, layers, products.coherences(0), 5.0, look="Right")
    stack = find_stack(tmp_path)
    assert stack.interferograms[0].look_side == "right"
    assert stack.interferograms[0].heading == pytest.approx(160.0, abs=1e-4)
    assert stack.wavelength == pytest.approx(299_792_458 / 1.257e9)
    assert math.isclose(stack.grid.transform[1], 40.0)


def test_a_nisar_file_without_phases_or_dates(tmp_path):
    write = products.write_nisar
    write(tmp_path / "GUNW_a.h5", {"frequencyA/HH": products.phases(0)}, products.coherences(0), 5.0)
    with pytest.raises(Exception, match=r"GUNW_a\.h5 has no two dates"):
        find_stack(tmp_path)
    name = tmp_path / "NISAR_GUNW_20251103T124615_20251103T124650_20251115T124615_20251115T124650_X.h5"
    write(name, {}, products.coherences(0), 5.0)
    (tmp_path / "GUNW_a.h5").unlink()
    with pytest.raises(Exception, match="holds no unwrappedPhase"):
        find_stack(tmp_path)
    name.write_bytes(name.read_bytes()[:900])
    with pytest.raises(Exception, match=r"X\.h5 can't be read"):
        find_stack(tmp_path)


HEADERS = [
    (products.gamma, "*_dem.par", "projection_zone: 47", "projection_zone: 99", "map projection UTM 99"),
    (products.gamma, "*_dem.par", "projection_zone: 47", "projection_zone: 1e308", "map projection UTM 1e"),
    (
        products.gamma,
        "*_dem.par",
        "post_north: -40",
        "post_north: 0",
        "6 × 5 pixels of 40 × 0, which can't",
    ),
    (products.gamma, "*_dem.par", "width: 6", "width: -6", "a grid of -6 × 5 pixels"),
    (products.gamma, "*_dem.par", "corner_east: ", "corner_east: west", "corner_east is missing"),
    (products.gamma, "*_dem.par", "corner_east: ", "corner_east: 1e30 ", "no coordinates"),
    (products.licsbas, "EQA.dem_par", "corner_lat: 3", "corner_lat: 93", "isn't a longitude and a latitude"),
    (products.licsbas, "EQA.dem_par", "corner_lat: 3", "corner_lat: nan", "corner_lat is missing"),
    (products.snap, "*.hdr", "101.0,31.0,", "1e308,31.0,", "no coordinates"),
    (products.snap, "*.hdr", "101.0,31.0,", "101.0,31.0e3,", "declares a CRS in degrees"),
    (products.snap, "*.hdr", "101.0,31.0,0.001,0.001", "101.0,31.0,nan,0.001", "not georeferenced"),
    (products.snap, "*.hdr", "Geographic Lat/Lon", "Arbitrary", "coordinate reference system"),
    (products.isce2, "*.geo.xml", "<value>101.0<", "<value>1e308<", "aren't longitude and latitude"),
    (products.roipac, "*.unw.rsc", "X_FIRST   101.0", "X_FIRST   1e308", "no coordinates"),
    (products.roipac, "*.unw.rsc", "WIDTH   6", "WIDTH   1e308", r"\.unw"),
    (products.roipac, "*.unw.rsc", "WIDTH   6", "WIDTH   six", "doesn't give WIDTH"),
]


@pytest.mark.parametrize(("build", "names", "text", "other", "message"), HEADERS)
def test_a_header_that_describes_no_place_on_earth(tmp_path, build, names, text, other, message):
    build(tmp_path)
    changed = [path for path in tmp_path.rglob(names) if text in path.read_text()]
    for path in changed:
        path.write_text(path.read_text().replace(text, other))
    assert changed
    with pytest.raises(InputError, match=message) as error:
        find_stack(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("build", [products.gmtsar, products.aria, products.nisar], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kept", [0, 8, 200, 0.5, 0.9])
def test_a_container_that_is_cut_short(tmp_path, build, kept):
    build(tmp_path)
    for path in [item for item in tmp_path.rglob("*") if item.suffix in (".grd", ".nc", ".h5")]:
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content)) if 0 < kept < 1 else kept])
    with pytest.raises(InputError, match=r"\.(grd|nc|h5)"):
        find_stack(tmp_path)


def test_an_orbit_that_is_no_triangle_gives_no_baseline():
    image = {"sar_to_earth_center": "1e308", "earth_radius_below_sensor": "6.4e6", "center_range_slc": "8e5"}
    base = {"precision_baseline(tcn)": "1 2 3"}
    assert perpendicular_of_orbits(base, image) is None
    assert perpendicular_of_orbits(base, {**image, "sar_to_earth_center": "0"}) is None
