"""The classical detector: known scenes, its steps recomputed independently, blocks, faults."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr
from scipy import ndimage

from ada_mapper.core.areas import FIELDS, ClassicalRules, classical_areas, classical_mask
from ada_mapper.core.areas import classical as baseline
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter, gaussian_mean, write_array

UTM = Grid("EPSG:32648", (500_000.0, 30.0, 0.0, 3_000_000.0, 0.0, -30.0), 1, 1)


def raster(path: Path, values: np.ndarray, name: str = "los_rate", unit: str = "mm/yr", crs: str = UTM.crs) -> Path:
    grid = replace(UTM, crs=crs, width=values.shape[1], height=values.shape[0])
    write_array(path, grid, values.astype(np.float32), BandDescription(name, unit))
    return path


def scene(seed: int = 1, shape: tuple[int, int] = (200, 180)) -> np.ndarray:
    """Noise of 1 mm/yr on a ramp and an offset, with two discs of −30 and +20 mm/yr."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    values = rng.normal(0, 1, shape) + 0.02 * columns - 0.01 * rows + 15
    values[np.hypot(rows - 60, columns - 50) < 7] -= 30
    values[np.hypot(rows - 140, columns - 120) < 5] += 20
    return values.astype(np.float32)


def expected_mask(values: np.ndarray, rules: ClassicalRules, slope: np.ndarray | None = None) -> np.ndarray:
    """The published steps one by one, with plain loops where scipy offers another way."""
    finite = np.isfinite(values)
    sigma = rules.smooth_metres / 30
    weights = ndimage.gaussian_filter(finite.astype(float), sigma, mode="constant", truncate=3)
    mean = ndimage.gaussian_filter(np.where(finite, values, 0.0), sigma, mode="constant", truncate=3) / weights
    relief = values - mean
    middle = np.nanmedian(relief)
    spread = 1.4826 * np.nanmedian(abs(relief - middle))
    beyond = np.where(finite, abs(relief), 0) > rules.sigma * spread
    if slope is not None:
        beyond &= slope > rules.min_slope
    padded = np.pad(beyond, 1).astype(int)
    height, width = beyond.shape
    neighbours = sum(padded[r : r + height, c : c + width] for r in range(3) for c in range(3))
    joined = ndimage.binary_closing(np.pad(neighbours >= 5, 2), np.ones((3, 3)))[2:-2, 2:-2] & finite
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    result = np.zeros_like(joined)
    for number in range(1, count + 1):
        if (labels == number).sum() >= rules.min_pixels:
            result |= labels == number
    return result


def test_discs_in_noise_are_found_and_nothing_else() -> None:
    mask = classical_mask(scene(), 30.0, ClassicalRules())
    rows, columns = np.indices(mask.shape)
    discs = (np.hypot(rows - 60, columns - 50) < 7) | (np.hypot(rows - 140, columns - 120) < 5)
    assert (mask & discs).sum() / (mask | discs).sum() > 0.9
    assert ndimage.label(mask, np.ones((3, 3)))[1] == 2


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
def test_it_follows_the_published_steps(sigma: float) -> None:
    # A narrow Gaussian is exact, so every pixel must agree.
    rules = ClassicalRules(sigma=sigma, smooth_metres=330, min_pixels=8)
    values = scene()
    values[30:50, 100:140] = np.nan
    slope = np.random.default_rng(2).uniform(0, 30, values.shape)
    expected = expected_mask(values, rules, slope)
    assert expected.any()
    np.testing.assert_array_equal(classical_mask(values, 30.0, rules, slope.astype(np.float32)), expected)


def test_a_wide_gaussian_is_close_to_the_exact_one() -> None:
    values = scene()
    values[30:50, 100:140] = np.nan
    finite = np.isfinite(values)
    weights = ndimage.gaussian_filter(finite.astype(float), 40, mode="constant", truncate=3)
    exact = ndimage.gaussian_filter(np.where(finite, values, 0.0), 40, mode="constant", truncate=3) / weights
    error = gaussian_mean(values, (40.0, 40.0)) - exact
    assert abs(error).max() < 0.02
    assert np.sqrt(np.mean(error**2)) < 0.01


def test_pixels_that_are_not_square_are_measured_in_metres() -> None:
    values = np.random.default_rng(0).normal(size=(90, 120)).astype(np.float32)
    rules = ClassicalRules(smooth_metres=200)
    rows, columns = baseline._sigmas((20.0, 50.0), rules)
    assert (rows, columns) == (4.0, 10.0)
    mean = gaussian_mean(np.eye(61, dtype=np.float32)[30][:, None] * np.ones(3, np.float32), (4.0, 1.0))
    assert mean[30, 1] / mean[34, 1] == pytest.approx(np.exp(0.5), rel=1e-4)
    assert classical_mask(values, (20.0, 50.0), rules).shape == values.shape


def test_flat_ground_is_left_out_where_a_slope_is_given() -> None:
    values = scene()
    slope = np.full(values.shape, 20, np.float32)
    slope[:100] = 4
    mask = classical_mask(values, 30.0, ClassicalRules(), slope)
    assert not mask[:100].any()
    assert mask[130:150].any()
    np.testing.assert_array_equal(
        classical_mask(values, 30.0, ClassicalRules(min_slope=None), slope),
        classical_mask(values, 30.0, ClassicalRules()),
    )


def test_a_change_of_unit_or_sign_or_an_offset_changes_nothing() -> None:
    values = scene()
    mask = classical_mask(values, 30.0, ClassicalRules())
    np.testing.assert_array_equal(classical_mask(-values / 1000, 30.0, ClassicalRules()), mask)
    np.testing.assert_array_equal(classical_mask(values + 64, 30.0, ClassicalRules()), mask)


@pytest.mark.parametrize("value", [0.0, 12.5])
def test_a_constant_scene_has_no_areas(value: float) -> None:
    assert not classical_mask(np.full((80, 80), value, np.float32), 30.0, ClassicalRules()).any()


def test_no_data_is_never_an_area() -> None:
    assert not classical_mask(np.full((80, 80), np.nan, np.float32), 30.0, ClassicalRules()).any()
    values = scene()
    values[60, 45:55] = np.nan
    mask = classical_mask(values, 30.0, ClassicalRules())
    assert not mask[60, 45:55].any()
    assert mask[59, 45:55].all()


def test_areas_from_a_file_are_those_of_the_mask(tmp_path: Path) -> None:
    values = scene()
    slope = np.full(values.shape, 20, np.float32)
    path = raster(tmp_path / "r.tif", values / 1000, unit="m/yr")
    slopes = raster(tmp_path / "s.tif", slope, "slope", "degree")
    areas = classical_areas(path, slopes, orbit="descending", dem=raster(tmp_path / "d.tif", slope, "dem", "m"))
    mask = classical_mask(values, 30.0, ClassicalRules(), slope)
    found = sum(ogr.CreateGeometryFromWkb(area.geometry).GetArea() for area in areas)
    assert found == pytest.approx(mask.sum() * 900)
    large, small = (area.attributes for area in areas)
    assert list(large) == [field.name for field in FIELDS]
    assert (large["id"], large["orbit"], small["id"]) == (1, "descending", 2)
    assert large["probability_mean"] is None
    assert large["los_rate_extreme"] == pytest.approx(values[50:70, 40:60].min(), rel=1e-5)
    assert large["slope_mean"] == 20
    assert large["elevation_max"] == 20


@pytest.mark.parametrize("smooth_metres", [300.0, 1200.0])
def test_blocks_of_rows_give_the_same_areas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smooth_metres: float
) -> None:
    values = np.concatenate([scene(seed, (150, 100)) for seed in range(4)])
    values[200:215, 20:50] = np.nan
    slope = raster(tmp_path / "s.tif", np.random.default_rng(3).uniform(2, 40, values.shape), "slope", "degree")
    path = raster(tmp_path / "r.tif", values)
    rules = ClassicalRules(sigma=1.5, smooth_metres=smooth_metres, min_pixels=4)
    monkeypatch.setattr(baseline, "rows_per_block", lambda grid: 10_000)
    whole = classical_areas(path, slope, rules)
    monkeypatch.setattr(baseline, "rows_per_block", lambda grid: 64)
    by_blocks = classical_areas(path, slope, rules)
    assert len(whole) > 5
    assert sorted(area.geometry for area in by_blocks) == sorted(area.geometry for area in whole)


def test_the_spread_of_a_sample_is_close_to_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    values = scene(shape=(400, 400))
    mask = classical_mask(values, 30.0, ClassicalRules())
    monkeypatch.setattr(baseline, "_SAMPLE_PIXELS", 10_000)
    sampled = classical_mask(values, 30.0, ClassicalRules())
    assert (mask ^ sampled).sum() < 0.05 * mask.sum()


def test_undeclared_nodata_does_not_count_in_the_scatter(tmp_path: Path) -> None:
    values = scene()
    expected = classical_areas(raster(tmp_path / "a.tif", np.where(np.indices(values.shape)[0] < 110, values, np.nan)))
    holed = values.copy()
    holed[110:] = 0
    grid = replace(UTM, width=values.shape[1], height=values.shape[0])
    with RasterWriter(tmp_path / "b.tif", grid, [BandDescription("los_rate", "mm/yr")], nodata=None) as writer:
        writer.write(holed)
    said: list[str] = []
    found = classical_areas(tmp_path / "b.tif", progress=Progress(on_info=said.append))
    assert len(found) == 1 and found == expected
    assert sum("doesn't declare as no data" in message for message in said) == 1


def test_a_scene_without_scatter_is_refused(tmp_path: Path) -> None:
    values = scene()
    values[50:] = 3.0
    with pytest.raises(InputError, match=r"r\.tif: more than half of its pixels"):
        classical_areas(raster(tmp_path / "r.tif", values), rules=ClassicalRules(smooth_metres=60))


def test_a_scene_without_crs_or_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r\.tif has no coordinate reference system"):
        classical_areas(raster(tmp_path / "r.tif", scene(), crs=""))
    with pytest.raises(InputError, match=r"e\.tif holds no data"):
        classical_areas(raster(tmp_path / "e.tif", np.full((30, 30), np.nan)))


@pytest.mark.parametrize(
    "wrong",
    [{"sigma": 0}, {"smooth_metres": -1}, {"min_pixels": 0}, {"min_sensitivity": 0.0}, {"min_sensitivity": 1.1}],
)
def test_impossible_rules(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ClassicalRules(**wrong)


FIRST, SECOND = (slice(50, 71), slice(40, 61)), (slice(135, 146), slice(115, 126))


def discs(mask: np.ndarray) -> tuple[bool, bool]:
    """Whether the disc of ``scene`` that moves away (−30 mm/yr) is found, and the one that comes nearer (+20)."""
    return bool(mask[FIRST].any()), bool(mask[SECOND].any())


@pytest.mark.parametrize("share", [-0.9, -0.3, -0.11, 0.11, 0.3, 0.9])
def test_only_downhill_motion_is_found_from_either_orbit(share: float) -> None:
    # Ground that moves down a slope comes nearer where the line of sight sees a positive share of it, else goes away.
    values = scene()
    mask = classical_mask(values, 30.0, ClassicalRules(), sensitivity=np.full(values.shape, share, np.float32))
    assert discs(mask) == (share < 0, share > 0)
    np.testing.assert_array_equal(mask, classical_mask(values, 30.0, ClassicalRules()) & mask)


def test_a_sense_that_changes_inside_a_scene_is_followed() -> None:
    values = scene()
    sensitivity = np.where(np.indices(values.shape)[0] < 100, -0.5, 0.5).astype(np.float32)
    both = classical_mask(values, 30.0, ClassicalRules(), sensitivity=sensitivity)
    assert discs(both) == (True, True)
    uphill = classical_mask(values, 30.0, ClassicalRules(), sensitivity=-sensitivity)
    assert discs(uphill) == (False, False)
    np.testing.assert_array_equal(
        classical_mask(-values, 30.0, ClassicalRules(), sensitivity=-sensitivity), both, "the other orbit's view"
    )


def test_ground_that_is_hardly_seen_or_unknown_is_left_out() -> None:
    values = scene()
    sensitivity = np.full(values.shape, -0.2, np.float32)
    rules = ClassicalRules(min_sensitivity=0.2)
    assert discs(classical_mask(values, 30.0, rules, sensitivity=sensitivity)) == (True, False)
    hardly = np.nextafter(sensitivity, np.float32(0))
    assert not classical_mask(values, 30.0, rules, sensitivity=hardly).any()
    assert not classical_mask(values, 30.0, rules, sensitivity=sensitivity * np.nan).any()
    plain = classical_mask(values, 30.0, ClassicalRules())
    np.testing.assert_array_equal(
        classical_mask(values, 30.0, ClassicalRules(min_sensitivity=None), sensitivity=hardly), plain
    )


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_the_downslope_rate_must_exceed_its_own_scatter(share: float) -> None:
    """Of a landslide of 9 scatters of the LOS rate downslope 8.1 are seen at a share of 0.9, and 2.7 at 0.3.

    7 seen scatters are found at any share: 23 downslope at 0.3 are as sure as 8 at 0.9.
    """
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (200, 180)).astype(np.float32)
    disc = np.hypot(*(np.indices(noise.shape) - np.array([100, 90])[:, None, None])) < 8
    sensitivity = np.full(noise.shape, share, np.float32)

    def found(downslope: float) -> float:
        values = noise + np.float32(downslope * share) * disc
        mask = classical_mask(values, 30.0, ClassicalRules(), sensitivity=sensitivity)
        assert not mask[~ndimage.binary_dilation(disc, iterations=2)].any()
        return float(mask[disc].mean())

    assert found(7 / share) > 0.9
    assert (found(9.0) > 0.9) == (share == 0.9)
    assert found(-30.0 / share) == 0


def test_slopes_and_sensitivities_rule_together() -> None:
    values = scene()
    slope = np.full(values.shape, 20, np.float32)
    slope[:100] = 4
    sensitivity = np.where(np.indices(values.shape)[0] < 100, -0.5, 0.5).astype(np.float32)
    mask = classical_mask(values, 30.0, ClassicalRules(), slope, sensitivity)
    assert discs(mask) == (False, True)


def varied_sensitivity(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape)
    values = np.sin(rows / 17) * np.cos(columns / 23)
    values[20:30, 20:40] = np.nan
    return values.astype(np.float32)


@pytest.mark.parametrize("block", [10_000, 64])
def test_areas_that_move_downhill_from_a_file_are_those_of_the_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    values = np.concatenate([scene(seed, (150, 100)) for seed in range(3)])
    values[200:215, 20:50] = np.nan
    shares = varied_sensitivity(values.shape)
    slope = np.random.default_rng(3).uniform(2, 40, values.shape).astype(np.float32)
    rules = ClassicalRules(sigma=0.8, smooth_metres=300, min_pixels=4)
    monkeypatch.setattr(baseline, "rows_per_block", lambda grid: block)
    areas = classical_areas(
        raster(tmp_path / "r.tif", values),
        raster(tmp_path / "s.tif", slope, "slope", "degree"),
        rules,
        los_sensitivity=raster(tmp_path / "v.tif", shares, "los_sensitivity", "1"),
    )
    mask = classical_mask(values, 30.0, rules, slope, shares)
    assert len(areas) > 5 and len(areas) == ndimage.label(mask, np.ones((3, 3)))[1]
    found = sum(ogr.CreateGeometryFromWkb(area.geometry).GetArea() for area in areas)
    assert found == pytest.approx(mask.sum() * 900)


def test_a_sensitivity_on_another_grid_or_in_percent_is_read_as_it_is(tmp_path: Path) -> None:
    values = scene()
    path = raster(tmp_path / "r.tif", values)
    expected = classical_areas(path)[:1]
    coarse = replace(UTM, transform=(499_940.0, 90.0, 0.0, 3_000_060.0, 0.0, -90.0), width=70, height=80)
    write_array(
        tmp_path / "v.tif", coarse, np.full((80, 70), -40, np.float32), BandDescription("los_sensitivity", "percent")
    )
    assert classical_areas(path, los_sensitivity=tmp_path / "v.tif") == expected
    east = Grid("EPSG:4326", (104.9, 0.001, 0.0, 27.2, 0.0, -0.001), 400, 400)
    write_array(tmp_path / "g.tif", east, np.full((400, 400), -0.4, np.float32), BandDescription("los_sensitivity"))
    assert classical_areas(path, los_sensitivity=tmp_path / "g.tif") == expected


def test_what_is_no_sensitivity_or_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    path = raster(tmp_path / "r.tif", scene())
    with pytest.raises(InputError, match=r"s\.tif.*LOS sensitivity"):
        slope = raster(tmp_path / "s.tif", np.full((200, 180), 20.0), "los_sensitivity", "1")
        classical_areas(path, los_sensitivity=slope)
    elsewhere = replace(UTM, transform=(600_000.0, 30.0, 0.0, 3_000_000.0, 0.0, -30.0), width=50, height=50)
    write_array(tmp_path / "e.tif", elsewhere, np.full((50, 50), 0.4, np.float32), BandDescription("los_sensitivity"))
    with pytest.raises(InputError, match=r"e\.tif has no LOS sensitivity where there are LOS rates"):
        classical_areas(path, los_sensitivity=tmp_path / "e.tif")
    with pytest.raises(InputError, match=r"n\.tif has another grid .* no coordinate reference system"):
        classical_areas(
            path, los_sensitivity=raster(tmp_path / "n.tif", np.full((200, 180), 0.4), "los_sensitivity", "1", "")
        )


@pytest.mark.parametrize("after", [0, 2, 5, 8])
def test_cancelling_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    path = raster(tmp_path / "r.tif", scene())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(baseline, "rows_per_block", lambda grid: 64)
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(CancelledError):
        classical_areas(path, progress=Progress(is_cancelled=is_cancelled))
    assert list(scratch.iterdir()) == []
