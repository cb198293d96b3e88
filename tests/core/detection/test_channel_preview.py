"""The preview holds exactly what the network sees; larger views are thinned, cut, told; layers are judged alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.channels import MINMAX_CHANNELS, Channel, ChannelKind, Scaling
from ada_mapper.core.detection import Composite, OutsideError, Preview, inspect_layer, preview
from ada_mapper.core.detection.channel_preview import MAX_STEP
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.models import ModelCard
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Grid, Window
from small_rasters import CRS, square_grid, write

KIND = ChannelKind
CARD = ModelCard(
    "test",
    "1",
    "",
    (
        Channel(KIND.PHASE_RATE, "rad/yr", "away", Scaling("asinh", scale=2.0, local_radius=600.0)),
        Channel(KIND.DEM, "m", "", Scaling("asinh", scale=150.0, local_radius=300.0), optional=True),
        Channel(KIND.SLOPE, "degree", "", Scaling("minmax", low=0.0, high=60.0), optional=True, fill=-0.5),
    ),
)


@pytest.fixture
def scene(tmp_path: Path) -> dict[KIND, str]:
    """A phase rate with a hole, and a DEM, 150 × 200 pixels of 30 m."""
    rng = np.random.default_rng(1)
    rate = rng.normal(0, 3, (150, 200)).astype(np.float32)
    rate[40:60, 50:80] = np.nan
    return {
        KIND.PHASE_RATE: write(tmp_path / "rate.tif", rate, "phase_rate", "rad/yr", SIGN="away"),
        KIND.DEM: write(tmp_path / "dem.tif", rng.uniform(0, 900, (150, 200)), "dem", "m"),
    }


def _extent(grid: Grid, window: Window) -> tuple[float, float, float, float]:
    x, dx, _, y, _, dy = grid.transform
    left, top = x + window.column * dx, y + window.row * dy
    return left, top + window.height * dy, left + window.width * dx, top


def _values(result: Preview) -> np.ndarray:
    return np.stack([band.values for band in result.bands])


def test_a_small_extent_shows_each_pixel_as_the_network_sees_it(scene: dict[KIND, str]) -> None:
    window = Window(30, 20, 90, 70)
    result = preview(scene, CARD, _extent(square_grid(150, 200), window), CRS)
    with Composite(scene, CARD) as composite:
        assert np.array_equal(_values(result), composite.read(window), equal_nan=True)
    assert (result.window, result.step, result.is_cut) == (window, 1, False)
    assert [band.is_given for band in result.bands] == [True, True, False]
    assert result.base is KIND.PHASE_RATE and result.pixel_size == 30
    assert np.isnan(result.bands[0].values[25:35, 25:45]).all()
    assert result.bands[2].span is None and result.bands[2].fill == -0.5


def test_a_standard_error_is_shown_from_0_on_in_grey(scene: dict[KIND, str], tmp_path: Path) -> None:
    error = np.random.default_rng(2).uniform(1, 8, (150, 200))
    scene[KIND.STANDARD_ERROR] = write(tmp_path / "error.tif", error, "standard_error", "mm/yr")
    channel = Channel(KIND.STANDARD_ERROR, "mm/yr", "", Scaling("asinh", scale=1.0, limit=100.0), optional=True)
    band = preview(scene, replace(CARD, channels=(*CARD.channels, channel))).bands[-1]
    assert not band.is_diverging and band.limits[0] == 0
    assert band.limits[1] == pytest.approx(np.arcsinh(8), rel=0.01)


def test_a_larger_extent_gives_every_nth_pixel_of_the_same_values(scene: dict[KIND, str]) -> None:
    result = preview(scene, CARD, side=64)
    with Composite(scene, CARD) as composite:
        whole = composite.read(Window(0, 0, 200, 150))
    assert result.step == 4 and not result.is_cut
    assert np.allclose(_values(result), whole[:, ::4, ::4], atol=1e-5, equal_nan=True)


def test_beyond_the_largest_step_only_the_middle_is_shown_and_that_is_told(scene: dict[KIND, str]) -> None:
    result = preview(scene, CARD, side=10)
    assert result.step == MAX_STEP and result.is_cut
    assert result.window == Window(60, 35, 80, 80)
    assert result.bands[0].values.shape == (10, 10)


def test_an_extent_in_another_crs(scene: dict[KIND, str]) -> None:
    x_min, y_min, x_max, y_max = square_grid(150, 200).bounds
    from osgeo import osr

    from ada_mapper.core.raster import spatial_reference

    to_degrees = osr.CoordinateTransformation(spatial_reference(CRS), spatial_reference("EPSG:4326"))
    centre = to_degrees.TransformPoint((x_min + x_max) / 2, (y_min + y_max) / 2)
    east, north = 300 / (111_320 * math.cos(math.radians(centre[1]))), 300 / 110_900
    extent = (centre[0] - east, centre[1] - north, centre[0] + east, centre[1] + north)
    window = preview(scene, CARD, extent, "EPSG:4326").window
    assert abs(window.column - 90) <= 1 and abs(window.row - 65) <= 1
    assert 20 <= window.width <= 22 and 20 <= window.height <= 22


def test_an_extent_beside_the_scene_is_refused_with_what_to_do(scene: dict[KIND, str]) -> None:
    with pytest.raises(OutsideError, match="Zoom to one of them"):
        preview(scene, CARD, (0, 0, 100, 100), CRS)
    with pytest.raises(OutsideError, match="Zoom to one of them"):
        preview(scene, CARD, (-170, -80, -169, -79), "EPSG:4326")


def test_a_cancelled_preview_stops_before_it_reads(scene: dict[KIND, str]) -> None:
    with pytest.raises(CancelledError):
        preview(scene, CARD, progress=Progress(is_cancelled=lambda: True))


def test_mixed_grids_are_told(scene: dict[KIND, str], tmp_path: Path) -> None:
    degrees = Grid("EPSG:4326", (104.9, 0.0008333, 0.0, 31.7, 0.0, -0.0008333), 300, 300)
    coarse = np.random.default_rng(2).uniform(0, 900, (300, 300))
    scene[KIND.DEM] = write(tmp_path / "degrees.tif", coarse, "dem", "m", degrees)
    result = preview(scene, CARD)
    assert any("DEM is in WGS 84" in text and "resampled" in text for text in result.messages)
    assert result.crs == "WGS 84 / UTM zone 48N"


def test_a_missing_layer_is_told_as_composite_tells_it(scene: dict[KIND, str]) -> None:
    with pytest.raises(InputError, match="phase rate is missing"):
        preview({KIND.DEM: scene[KIND.DEM]}, CARD)


@pytest.mark.parametrize(
    ("unit", "tags", "factor", "assumed"),
    [
        ("rad/yr", {"SIGN": "away"}, 1.0, (False, False)),
        ("rad/yr", {"SIGN": "toward"}, -1.0, (False, False)),
        ("mm/yr", {"SIGN": "toward"}, -4 * math.pi / 55.465763, (False, False)),
        ("", {}, 1.0, (True, True)),
        ("furlong", {}, 1.0, (True, True)),
    ],
)
def test_unit_and_sign_of_a_rate(
    tmp_path: Path, unit: str, tags: dict[str, str], factor: float, assumed: tuple[bool, bool]
) -> None:
    path = write(tmp_path / "rate.tif", np.ones((30, 30)), "", unit, **tags)
    facts = inspect_layer(KIND.PHASE_RATE, path, CARD.channels[0])
    assert facts.factor == pytest.approx(factor)
    assert (facts.unit_is_assumed, facts.sign_is_assumed) == assumed
    assert facts.problem == "" and facts.pixel_size == 30 and facts.crs == "WGS 84 / UTM zone 48N"


def test_a_wrong_unit_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    slope = write(tmp_path / "slope.tif", np.full((30, 30), 20.0), "", "percent")
    facts = inspect_layer(KIND.SLOPE, slope, MINMAX_CHANNELS[KIND.SLOPE])
    assert facts.problem == (
        f"{slope} can't be used as slope: its unit is “percent”. Choose a raster in degrees or radians, or correct the "
        "unit of its band."
    )
    assert math.isnan(facts.factor)
    rate = write(tmp_path / "rate.tif", np.full((30, 30), 20.0), "", "m")
    assert "can't be used as phase rate" in inspect_layer(KIND.PHASE_RATE, rate, CARD.channels[0]).problem


def test_feet_are_converted_and_a_missing_crs_is_a_problem(tmp_path: Path) -> None:
    feet = write(tmp_path / "feet.tif", np.full((30, 30), 900.0), "", "ft")
    assert inspect_layer(KIND.DEM, feet, CARD.channels[1]).factor == pytest.approx(0.3048)
    lost = write(tmp_path / "lost.tif", np.ones((30, 30)), "", "m", square_grid(30, 30, crs=""))
    facts = inspect_layer(KIND.DEM, lost, CARD.channels[1])
    assert "no coordinate reference system" in facts.problem and facts.crs == ""


def test_a_truncated_file_is_a_problem_not_an_error(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "dem.tif", np.random.default_rng(1).normal(size=(600, 600)), "dem", "m"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in inspect_layer(KIND.DEM, path, CARD.channels[1]).problem
    with pytest.raises(InputError, match="truncated"):
        preview({KIND.PHASE_RATE: path}, CARD)


def test_a_file_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    assert "can't be read" in inspect_layer(KIND.DEM, tmp_path / "gone.tif", None).problem
