"""Wavelength, heading, incidence and look side: what products tell, what a user gives instead, what is assumed."""

from __future__ import annotations

import dbm.dumb
import math
import pickle
import shelve
from dataclasses import dataclass

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import GivenView, find_stack
from ada_mapper.core.stacking import Corrections, StackOutputs, stack_to_files
from interferogram_products import METRES, coherences, phases, write_isce, write_text, write_tif
from stacks import read_raster

ALOS2 = 0.2424525


def notes(stack, *words):
    return [note for note in stack.notes if all(word in note for word in words)]


def replaced(folder, pattern, old, new):
    files = list(folder.rglob(pattern))
    assert files
    for file in files:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("build", "pattern", "right", "left"),
    [
        (products.gamma, "*_slc.par", "azimuth_angle: 90.0", "azimuth_angle: -90.0"),
        (products.roipac, "*.unw.rsc", "ANTENNA_SIDE   -1", "ANTENNA_SIDE   1"),
        (products.snap, "*.dim", 'antenna_pointing" type="ascii">right', 'antenna_pointing" type="ascii">left'),
        (products.gmtsar, "*.PRM", "lookdir = R", "lookdir = L"),
    ],
)
def test_a_product_tells_that_the_radar_looks_to_the_left(tmp_path, build, pattern, right, left):
    build(tmp_path)
    replaced(tmp_path, pattern, right, left)
    assert {pair.look_side for pair in find_stack(tmp_path).interferograms} == {"left"}


def test_a_geotiff_tells_its_view_in_tags(tmp_path):
    tags = {"WAVELENGTH_METRES": "0.2424", "HEADING_DEGREES": "-10", "INCIDENCE_DEGREES": "36", "LOOK_SIDE": "Left"}
    write_tif(tmp_path / "a_20200101-20200113_unw.tif", phases(0), METRES, 0.0, tags)
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.wavelength, pair.heading, pair.incidence, pair.look_side) == (0.2424, -10, 36, "left")


def test_a_word_that_tells_no_side_is_skipped_and_told(tmp_path):
    products.snap(tmp_path)
    replaced(tmp_path, "*.dim", 'ascii">right', 'ascii">nadir')
    stack = find_stack(tmp_path)
    assert {pair.look_side for pair in stack.interferograms} == {None}
    assert notes(stack, "“nadir” tells no look side") and notes(stack, "to the right is assumed")


def stripmap(folder, look=102.0):
    """A pair of stripmapStack on the map, with the line of sight beside it: incidence 34°, azimuth anticlockwise."""
    inside = folder / "Igrams" / "20200111_20200125"
    amplitude = np.full((products.HEIGHT, products.WIDTH), 7, np.float32)
    write_isce(inside / "filt.unw.geo", [amplitude, phases(0)])
    write_isce(inside / "filt.cor.geo", [coherences(0)])
    shape = amplitude.shape
    write_isce(folder / "geom_reference" / "los.rdr.geo", [np.full(shape, 34.0), np.full(shape, look)])
    write_text(
        folder / "baselines" / "20200111_20200125.txt",
        "PERP_BASELINE_BOTTOM 173.0\nPERP_BASELINE_TOP 175.0\n",
    )
    return folder


def test_the_line_of_sight_and_the_baseline_of_an_isce2_stripmap_stack(tmp_path):
    """The satellite stands 102° anticlockwise from north, in the west: a flight along -12° has its left there."""
    (pair,) = find_stack(stripmap(tmp_path)).interferograms
    assert pair.heading == pytest.approx(-12.0, abs=1e-4)
    assert pair.incidence == pytest.approx(34.0, abs=1e-4)
    assert pair.perpendicular_baseline == pytest.approx(174.0)


FRAME = (
    '<component name="frame"><property name="pass_direction"><value>DESCENDING</value></property>'
    '<component name="instrument"><property name="radar_wavelength">\n<value>0.2424525</value></property></component>'
    '<component name="platform"><property name="pointing_direction"><value>{}</value></property></component>'
    "</component>"
)


@pytest.mark.parametrize(("word", "side"), [("-1", "right"), ("1", "left"), ("left", "left"), ("right", "right")])
@pytest.mark.parametrize("name", ["data.xml", "200111.track.xml", "20200111_raw.xml", "reference_slc.xml"])
def test_the_xml_of_a_frame_tells_wavelength_and_look_side(tmp_path, name, word, side):
    write_text(stripmap(tmp_path) / "SLC" / name, FRAME.format(word))
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.wavelength, pair.look_side) == (ALOS2, side)


def test_a_left_looking_frame_turns_the_heading_round(tmp_path):
    """A satellite in the west that looks to the left flies south."""
    write_text(stripmap(tmp_path) / "data.xml", FRAME.format("1"))
    (pair,) = find_stack(tmp_path).interferograms
    # The left of 168° is 78°, so the satellite stands at 258°, which is 102° anticlockwise from north.
    assert pair.heading == pytest.approx(168.0, abs=1e-4)


def test_an_rsc_beside_the_stack_tells_all(tmp_path):
    write_text(
        stripmap(tmp_path) / "referenceShelve" / "data.rsc",
        "WAVELENGTH 0.2424525\nHEADING -167.5\nCENTER_INCIDENCE_ANGLE 38.5\nANTENNA_SIDE 1\n",
    )
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.wavelength, pair.heading, pair.incidence, pair.look_side) == (ALOS2, -167.5, 38.5, "left")


@dataclass
class Platform:
    """As ISCE2 keeps it."""

    pointingDirection: int  # noqa: N815


@dataclass
class Frame:
    """As ISCE2 keeps it, with the spelling of its wavelength."""

    _radarWavelegth: float  # noqa: N815
    platform: Platform
    passDirection: str  # noqa: N815


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(("number", "side"), [(-1, "right"), (1, "left")])
def test_a_shelf_is_looked_through_but_never_loaded(tmp_path, monkeypatch, protocol, number, side):
    folder = stripmap(tmp_path) / "referenceShelve"
    folder.mkdir()
    with shelve.Shelf(dbm.dumb.open(str(folder / "data"), "n"), protocol) as shelf:
        shelf["frame"] = Frame(ALOS2, Platform(number), "DESCENDING")
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.wavelength, pair.look_side) == (ALOS2, side)


def test_a_shelf_that_tells_nothing_leaves_the_wavelength_unknown(tmp_path):
    write_text(stripmap(tmp_path) / "data.dat", "radarWavelegth is not in here")
    stack = find_stack(tmp_path)
    assert stack.interferograms[0].wavelength is None
    assert notes(stack, "No metadata tells the radar wavelength", "is assumed", "wavelength_m")


COLUMNS = "file,date1,date2,wavelength_m,heading_deg,incidence_deg,look_side\n"


def table(folder, *rows, columns=COLUMNS):
    write_tif(folder / "first.tif", phases(0))
    write_tif(folder / "second.tif", phases(1))
    return write_text(folder / "pairs.csv", columns + "".join(f"{row}\n" for row in rows))


def test_the_table_of_pairs_tells_wavelength_and_view(tmp_path):
    file = table(
        tmp_path,
        "first.tif,20180106,20180130,0.2424525,-169.5,36.25,Left",
        "second.tif,20180130,20180211,0.2424525,,,l",
    )
    stack = find_stack(None, pairs_file=file)
    first, second = stack.interferograms
    assert (first.wavelength, first.heading, first.incidence, first.look_side) == (ALOS2, -169.5, 36.25, "left")
    assert (second.heading, second.incidence, second.look_side) == (None, None, "left")
    assert stack.wavelength == ALOS2 and not notes(stack, "assumed")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("5.6,,,", "line 2: wavelength_m is “5.6”, which isn't a number from 0.02 to 1 m"),
        (",west,,", "line 2: heading_deg is “west”, which isn't a number from -360 to 360 °"),
        (",,0.6,", "line 2: incidence_deg is “0.6”, which isn't a number from 5 to 70 °"),
        (",,,down", "line 2: look_side is “down”. Write right or left"),
    ],
)
def test_a_view_that_can_not_be_is_refused_with_its_line(tmp_path, cells, words):
    file = table(tmp_path, f"first.tif,20180106,20180130,{cells}")
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        find_stack(None, pairs_file=file)


def test_what_the_table_says_wins_over_the_product_and_is_told(tmp_path):
    tags = {"WAVELENGTH_METRES": "0.0555", "HEADING_DEGREES": "-12", "INCIDENCE_DEGREES": "38", "LOOK_SIDE": "right"}
    write_tif(tmp_path / "a_20180106-20180130_unw.tif", phases(0), METRES, 0.0, tags)
    text = f"{COLUMNS}a_20180106-20180130_unw.tif,20180106,20180130,{ALOS2},-169,36,left\n"
    stack = find_stack(None, pairs_file=write_text(tmp_path / "pairs.csv", text))
    (pair,) = stack.interferograms
    # 36° and 38° are of two places in one scene; the rest contradicts.
    assert (pair.wavelength, pair.heading, pair.incidence, pair.look_side) == (ALOS2, -169, 36, "left")
    assert notes(stack, "wavelength of 0.0555 m, but 0.242452 m was given")
    assert notes(stack, "heading of -12 °, but -169 ° was given")
    assert notes(stack, "looks to the right, but left was given")
    assert not notes(stack, "incidence")


def test_what_is_given_wins_over_table_and_product(tmp_path):
    file = table(tmp_path, "first.tif,20180106,20180130,0.0555,-12,38,right")
    stack = find_stack(None, pairs_file=file, view=GivenView(ALOS2, -169.0, 36.0, "left"))
    (pair,) = stack.interferograms
    assert (pair.wavelength, pair.heading, pair.incidence, pair.look_side) == (ALOS2, -169, 36, "left")
    assert stack.wavelength == ALOS2
    assert notes(stack, "wavelength of 0.0555 m, but 0.242452 m was given")


def test_a_heading_given_a_whole_turn_away_contradicts_nothing(tmp_path):
    file = table(tmp_path, "first.tif,20180106,20180130,0.0555,-12,38,right")
    assert not notes(find_stack(None, pairs_file=file, view=GivenView(heading=347.0)), "was given")


@pytest.mark.parametrize(
    "view", [{"wavelength": 5.6}, {"heading": math.nan}, {"incidence": 0.0}, {"look_side": "up"}, {"heading": 400}]
)
def test_an_impossible_view_is_refused(view):
    with pytest.raises(InputError):
        GivenView(**view)


def test_pairs_of_both_look_sides_are_no_stack(tmp_path):
    file = table(tmp_path, "first.tif,20180106,20180130,,,,left", "second.tif,20180130,20180211,,,,right")
    with pytest.raises(InputError, match=r"first\.tif is of a radar that looks to the left, .*second\.tif"):
        find_stack(None, pairs_file=file)


def test_dates_before_sentinel_1_can_not_have_its_wavelength(tmp_path):
    file = table(tmp_path, "first.tif,20080106,20080130", columns="file,date1,date2\n")
    assert notes(find_stack(None, pairs_file=file), "2008-01-06", "before Sentinel-1 flew")
    file = table(tmp_path, "first.tif,20180106,20180130", columns="file,date1,date2\n")
    assert not notes(find_stack(None, pairs_file=file), "before Sentinel-1 flew")


@pytest.mark.parametrize("way", ["table", "given"])
def test_the_rate_of_alos_2_has_its_own_wavelength(tmp_path, way):
    """-60 mm/yr toward the satellite are 4π/λ · 0.06 m of growing range a year: 3.11 rad/yr for 0.2424525 m."""
    rate = 4 * math.pi * 0.060 / ALOS2
    assert rate == pytest.approx(3.1098, abs=1e-4)
    rows, pairs = [], (("20180101", "20180401", 90), ("20180401", "20180630", 90), ("20180101", "20180630", 180))
    for first, second, days in pairs:
        values = np.full((products.HEIGHT, products.WIDTH), rate * days / 365.25, np.float32)
        write_tif(tmp_path / f"{first}_{second}.tif", values)
        rows.append(f"{first}_{second}.tif,{first},{second}" + (f",{ALOS2},-170,36,right" if way == "table" else ""))
    columns = COLUMNS if way == "table" else "file,date1,date2\n"
    file = write_text(tmp_path / "pairs.csv", columns + "\n".join(rows))
    view = GivenView(ALOS2) if way == "given" else GivenView()
    stack = find_stack(None, pairs_file=file, view=view)
    outputs = StackOutputs(tmp_path / "phase.tif", tmp_path / "los.tif")
    stack_to_files(stack, outputs, corrections=Corrections())
    np.testing.assert_allclose(read_raster(outputs.los_rate), -60.0, atol=0.01)
