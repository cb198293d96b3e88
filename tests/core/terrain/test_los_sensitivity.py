"""LOS sensitivity: known answers, any grid, blocks, and where the view comes from."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import Interferogram
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band, BandReader, Grid, smoothed
from ada_mapper.core.satellite import Viewing, find_viewing, viewing_tags
from ada_mapper.core.simulation import Terrain, smooth
from ada_mapper.core.simulation.terrain import eroded_terrain
from ada_mapper.core.stacking.stacking import stack_tags
from ada_mapper.core.terrain import LEVEL_SLOPE, los_sensitivity_to_file, turned_to_grid
from ada_mapper.core.terrain import los_sensitivity as module
from ada_mapper.core.types import Array
from small_rasters import square_grid, write

ASCENDING, DESCENDING = Viewing(348, 38), Viewing(192, 38)


def plane(grid: Grid, slope: float, aspect: float) -> Array:
    """Heights of ground that falls toward ``aspect`` everywhere at this slope (degrees), on a small grid."""
    dx, dy = grid.metres_per_pixel()
    east = np.arange(grid.width) * dx.mean()
    north = -np.cumsum(dy)[:, None]
    azimuth, fall = math.radians(aspect), math.tan(math.radians(slope))
    return (3000 - fall * (east * math.sin(azimuth) + north * math.cos(azimuth))).astype(np.float32)


def by_hand(viewing: Viewing, slope: float, aspect: float) -> float:
    """The scalar product of the unit vectors down the slope and to the satellite."""
    slope, aspect, heading, incidence = map(math.radians, (slope, aspect, viewing.heading, viewing.incidence))
    down = (math.cos(slope) * math.sin(aspect), math.cos(slope) * math.cos(aspect), -math.sin(slope))
    sight = (
        -math.sin(incidence) * math.cos(heading),
        math.sin(incidence) * math.sin(heading),
        math.cos(incidence),
    )
    return sum(a * b for a, b in zip(down, sight))


def computed(folder: Path, dem: Array, grid: Grid, viewing: Viewing, **options: str) -> Array:
    path = write(folder / "dem.tif", dem, "dem", "m", grid)
    los_sensitivity_to_file(path, folder / "sensitivity.tif", viewing, **options)  # type: ignore[arg-type]
    with BandReader(folder / "sensitivity.tif") as reader:
        return reader.read()


DEGREES = Grid("EPSG:4326", (8.5, 1 / 3600, 0.0, 60.6, 0.0, -1 / 3600), 60, 50)
METRES = square_grid(50, 60)
MERCATOR = Grid("EPSG:3857", (950000.0, 50.0, 0.0, 8000000.0, 0.0, -50.0), 60, 50)


@pytest.mark.parametrize("grid", [METRES, DEGREES, MERCATOR], ids=["metres", "degrees", "mercator"])
@pytest.mark.parametrize("viewing", [ASCENDING, DESCENDING], ids=["ascending", "descending"])
@pytest.mark.parametrize("aspect", [90, 270, 0, 200])
def test_a_plane_has_the_sensitivity_of_its_own_direction(
    tmp_path: Path, grid: Grid, viewing: Viewing, aspect: float
) -> None:
    values = computed(tmp_path, plane(grid, 30, aspect), grid, viewing)
    assert values == pytest.approx(by_hand(viewing, 30, aspect), abs=6e-3)


def test_an_east_slope_goes_away_from_ascending_and_comes_toward_descending(tmp_path: Path) -> None:
    dem = plane(METRES, 30, 90)
    # cos 30° sin 38° cos 12° ∓ … by hand: ascending −0.521 − 0.394, descending +0.521 − 0.394.
    assert computed(tmp_path, dem, METRES, ASCENDING).mean() == pytest.approx(-0.9155, abs=1e-3)
    assert computed(tmp_path, dem, METRES, DESCENDING).mean() == pytest.approx(0.1275, abs=1e-3)


def test_level_ground_has_none(tmp_path: Path) -> None:
    assert (computed(tmp_path, plane(METRES, 0.8, 90), METRES, ASCENDING) == 0).all()
    assert (computed(tmp_path, np.full((50, 60), 12, np.float32), METRES, ASCENDING) == 0).all()
    assert (np.abs(computed(tmp_path, plane(METRES, 1.2, 90), METRES, ASCENDING)) > 0.5).all()


@pytest.fixture(scope="module")
def mountains() -> Array:
    return eroded_terrain(np.random.default_rng(4), 256, 30.0)[:211, :173].copy()


@pytest.mark.parametrize("pixel", [30.0, 10.0, 60.0])
def test_it_is_what_simulated_landslides_are_seen_with(tmp_path: Path, mountains: Array, pixel: float) -> None:
    terrain = Terrain(mountains, pixel)
    expected = ASCENDING.downslope_sensitivity(*terrain.motion_gradient)
    expected[terrain.motion_slope < LEVEL_SLOPE] = 0
    values = computed(tmp_path, mountains, square_grid(211, 173, pixel_size=pixel), ASCENDING)
    clear = np.abs(terrain.motion_slope - LEVEL_SLOPE) > 1e-3
    # The grid lies a little east of its zone's middle, so that north turns by 0.01°.
    assert np.allclose(values[clear], expected[clear], atol=1e-3)
    assert values.std() > 0.2


@pytest.mark.parametrize("rows", [1, 37])
def test_blocks_give_what_the_whole_gives(
    tmp_path: Path, mountains: Array, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    dem = mountains.copy()
    dem[60:90, 40:70] = np.nan
    dem[100, 100] = np.nan
    grid = square_grid(*dem.shape)
    whole = computed(tmp_path, dem, grid, ASCENDING, visibility_output=str(tmp_path / "a.tif"))
    monkeypatch.setattr(module, "_BLOCK_PIXELS", rows * grid.width)
    parts = computed(tmp_path, dem, grid, ASCENDING, visibility_output=str(tmp_path / "b.tif"))
    np.testing.assert_allclose(parts, whole, atol=2e-6)
    assert (np.isnan(whole) == np.isnan(dem)).all()
    with BandReader(tmp_path / "a.tif") as first, BandReader(tmp_path / "b.tif") as second:
        np.testing.assert_array_equal(first.read(), second.read())


def test_no_hole_changes_the_plane_around_it(tmp_path: Path) -> None:
    dem = plane(METRES, 25, 60)
    dem[20:30, 20:30] = np.nan
    values = computed(tmp_path, dem, METRES, DESCENDING)
    assert values[np.isfinite(dem)] == pytest.approx(by_hand(DESCENDING, 25, 60), abs=2e-3)


def test_smoothing_is_that_of_simulated_terrain() -> None:
    noise = np.random.default_rng(1).standard_normal((40, 50)).astype(np.float32)
    for sigma in (0.8, 2.4, 2.6, 3.0, 9.0):
        np.testing.assert_allclose(smoothed(noise, (sigma, sigma)), smooth(noise, sigma), atol=1e-6)


def test_true_north_is_found_in_a_turned_projection(tmp_path: Path) -> None:
    # Polar stereographic at 45° east: true north is up, turned by 45 + 45 = 90 degrees in the grid.
    grid = Grid("EPSG:3413", (1_500_000.0, 50.0, 0.0, 200.0 * 50, 0.0, -50.0), 60, 50)
    turned = turned_to_grid(ASCENDING, grid)
    assert turned.heading == pytest.approx((348 - 90) % 360, abs=0.5)
    messages: list[str] = []
    turned_to_grid(ASCENDING, grid, Progress(on_info=messages.append))
    assert "True north" in messages[0]
    assert turned_to_grid(ASCENDING, DEGREES) == ASCENDING
    # A slope that truly falls to the east falls down the rows there (or up): its sensitivity stays that of east.
    aspect_in_grid = 90 - 90
    values = computed(tmp_path, plane(grid, 30, aspect_in_grid), grid, ASCENDING)
    assert values == pytest.approx(by_hand(ASCENDING, 30, 90), abs=2e-2)


def test_a_raster_of_incidence_takes_the_place_of_the_angle(tmp_path: Path) -> None:
    angles = np.full((50, 60), 40, np.float32)
    angles[:, :20], angles[:, 50:] = 30, np.nan
    dem = plane(METRES, 30, 90)
    for unit, scale in (("degree", 1.0), ("", 1.0), ("rad", math.pi / 180), ("", math.pi / 180)):
        path = write(tmp_path / "incidence.tif", angles * np.float32(scale), "incidence", unit, METRES)
        values = computed(tmp_path, dem, METRES, DESCENDING, incidence=path)
        assert values[:, :20] == pytest.approx(by_hand(Viewing(192, 30), 30, 90), abs=2e-3)
        assert values[:, 20:50] == pytest.approx(by_hand(Viewing(192, 40), 30, 90), abs=2e-3)
        assert np.isnan(values[:, 50:]).all()


def test_classes_of_visibility(tmp_path: Path) -> None:
    dem = plane(METRES, 30, 90)
    dem[:14] = 100
    dem[45:, 30] = np.nan
    computed(tmp_path, dem, METRES, DESCENDING, visibility_output=str(tmp_path / "classes.tif"))
    with BandReader(tmp_path / "classes.tif") as reader:
        classes = reader.read()
    assert (classes[:4] == 4).all()
    assert (classes[24:40, 5:55] == 2).all()  # 0.13 of the motion is seen
    assert np.isnan(classes[45:, 30]).all()
    computed(tmp_path, dem, METRES, ASCENDING, visibility_output=str(tmp_path / "classes.tif"))
    with BandReader(tmp_path / "classes.tif") as reader:
        assert (reader.read()[20:40, 5:55] == 1).all()
    # A wall that faces the descending satellite's ray (coming from the east) steeper than the incidence lies over.
    wall = np.zeros((50, 60), np.float32)
    wall[:, :30] = 500
    computed(tmp_path, wall, METRES, DESCENDING, visibility_output=str(tmp_path / "classes.tif"))
    with BandReader(tmp_path / "classes.tif") as reader:
        hidden = reader.read() == 3
    expected = DESCENDING.hidden(wall, 30.0)
    assert expected[:, 27:34].any() and not expected[:, 55:].any()
    np.testing.assert_array_equal(hidden, expected)


def test_wrong_input_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    output = tmp_path / "out" / "s.tif"
    output.parent.mkdir()
    nowhere = write(tmp_path / "nowhere.tif", np.ones((20, 20), np.float32), "dem", "m", square_grid(20, 20, ""))
    with pytest.raises(InputError, match=r"nowhere\.tif.*coordinate reference system"):
        los_sensitivity_to_file(nowhere, output, ASCENDING)
    dem = write(tmp_path / "dem.tif", plane(METRES, 30, 90), "dem", "m", METRES)
    horizontal = write(tmp_path / "wrong.tif", np.full((50, 60), 2, np.float32), "incidence", "degree", METRES)
    with pytest.raises(InputError, match=r"wrong\.tif.*2°"):
        los_sensitivity_to_file(dem, output, ASCENDING, horizontal)
    with pytest.raises(InputError, match="incidence angle"):
        Viewing(348, 90)
    with pytest.raises(CancelledError):
        los_sensitivity_to_file(dem, output, ASCENDING, progress=Progress(is_cancelled=lambda: True))
    assert list(output.parent.iterdir()) == []


def test_heights_in_feet_are_converted(tmp_path: Path) -> None:
    dem = plane(METRES, 30, 90)
    write(tmp_path / "feet.tif", dem / np.float32(0.3048), "dem", "ft", METRES)
    los_sensitivity_to_file(tmp_path / "feet.tif", tmp_path / "s.tif", ASCENDING)
    with BandReader(tmp_path / "s.tif") as reader:
        assert reader.read() == pytest.approx(by_hand(ASCENDING, 30, 90), abs=2e-3)
        assert reader.tags["HEADING_DEGREES"] == "348" and reader.tags["unit"] == "1"


@given(st.floats(0, 360), st.floats(20, 60), st.floats(2, 60), st.floats(0, 360))
def test_a_mirrored_scene_in_a_mirrored_view_is_the_same(
    heading: float, incidence: float, slope: float, aspect: float
) -> None:
    viewing = Viewing(heading, incidence)
    expected = by_hand(viewing, slope, aspect)
    assert by_hand(viewing.mirrored, slope, -aspect) == pytest.approx(expected, abs=1e-9)
    assert abs(expected) <= 1
    steep = math.tan(math.radians(slope))
    gradient = [np.float32([-steep * f(math.radians(aspect))]) for f in (math.sin, math.cos)]
    assert viewing.downslope_sensitivity(*gradient)[0] == pytest.approx(expected, abs=1e-4)


def pair(heading: float | None, incidence: float | None) -> Interferogram:
    return Interferogram(Band("x"), date(2020, 1, 1), date(2020, 1, 13), "hyp3", heading=heading, incidence=incidence)


def test_the_tags_of_a_stack_are_what_its_products_agree_on() -> None:
    assert dict(stack_tags([pair(-12.5, 37), pair(347.5, 39), pair(None, None)])) == {
        "HEADING_DEGREES": "347.5", "INCIDENCE_DEGREES": "38",
    }  # fmt: skip
    assert dict(stack_tags([pair(348, None), pair(192, 40)])) == {"INCIDENCE_DEGREES": "40"}
    assert stack_tags([pair(None, None)]) == ()
    assert dict(viewing_tags(find_viewing(tags=dict(stack_tags([pair(-168, 35)])))))["HEADING_DEGREES"] == "192"


def test_the_view_is_the_given_one_else_that_of_the_products_else_that_of_the_orbit() -> None:
    said: list[str] = []
    warned: list[str] = []
    progress = Progress(on_info=said.append, on_warning=warned.append)
    tags = {"HEADING_DEGREES": "190.5", "INCIDENCE_DEGREES": "33"}
    assert find_viewing("descending", 195, 40, tags, progress) == Viewing(195, 40)
    assert find_viewing("unknown", None, None, tags, progress) == Viewing(190.5, 33)
    assert find_viewing("ascending", None, None, {}, progress) == Viewing(348, 38)
    assert "assumed" in said[-1] and "348" in said[-1] and "38" in said[-1] and not warned
    assert find_viewing("unknown", None, 38, {"INCIDENCE_DEGREES": "33"}) is None
    assert find_viewing("ascending", None, None, tags, progress) == Viewing(190.5, 33)
    assert "descending" in warned[-1]
