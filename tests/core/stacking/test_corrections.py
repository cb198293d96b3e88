"""Reference phase, ramps and height-correlated delays: what they remove, and what they must leave."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import Stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Grid
from ada_mapper.core.robust import robust_fit
from ada_mapper.core.stacking import AtmosphereFilter, Corrections, Reference, StackOutputs, stack_to_files
from ada_mapper.core.stacking import rate as rate_of_pixels
from ada_mapper.core.stacking.gathering import StackSample, sample_positions, sample_step
from ada_mapper.core.stacking.reference_phase import _sample_without, _stable_window
from ada_mapper.core.stacking.results import StackingResult
from ada_mapper.core.stacking.trends import basis, fit_trends
from stacks import make_stack, network_days, read_raster, write_raster, years_of

DAYS = network_days(7, 3)
YEARS = years_of(DAYS)
# 200 × 240 pixels of 100 m: 20 × 24 km.
SHAPE = (200, 240)
ROWS, COLUMNS = np.indices(SHAPE)
GRID = Grid("EPSG:32632", (500_000.0, 100.0, 0, 5_000_000.0, 0, -100.0), SHAPE[1], SHAPE[0])


def bowl(row: float, column: float, radius: float, depth: float) -> np.ndarray:
    """A rate in rad/yr with the shape of a subsidence bowl."""
    return depth * np.exp(-((ROWS - row) ** 2 + (COLUMNS - column) ** 2) / (2 * radius**2))


def noise(seed: int, sigma: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (len(DAYS), *SHAPE))


def plane_ramps(seed: int, size: float, steady: float = 0.0) -> np.ndarray:
    """A plane per pair of up to ``size`` rad over the scene, plus one of ``steady`` rad/yr."""
    slopes = np.random.default_rng(seed).uniform(-size / 2, size / 2, (len(DAYS), 2))
    x, y = COLUMNS / SHAPE[1] - 0.5, ROWS / SHAPE[0] - 0.5
    steady_part = steady * YEARS[:, None, None] * (x - 0.7 * y)
    return slopes[:, 0, None, None] * x + slopes[:, 1, None, None] * y + steady_part


def stacked(
    folder: Path, phases: np.ndarray, corrections: Corrections, dem: str | None = None, said: list[str] | None = None
) -> tuple[np.ndarray, StackingResult]:
    stack = make_stack(folder / "in", phases, DAYS)
    return run(folder, stack, corrections, dem, said)


def run(
    folder: Path, stack: Stack, corrections: Corrections, dem: str | None = None, said: list[str] | None = None
) -> tuple[np.ndarray, StackingResult]:
    heard: list[str] = [] if said is None else said
    progress = Progress(on_info=heard.append, on_warning=heard.append)
    output = folder / "phase_rate.tif"
    result = stack_to_files(stack, StackOutputs(output), corrections, dem=dem, progress=progress)
    return read_raster(output), result


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_without_corrections_phases_stay_as_they_are(tmp_path: Path) -> None:
    rate, result = stacked(tmp_path, 5 * YEARS[:, None, None] + np.zeros(SHAPE), Corrections())
    np.testing.assert_allclose(rate, 5, rtol=1e-6)
    assert [note for note in result.notes if "Network estimator" not in note] == []


@pytest.mark.parametrize("mode", ["auto", "point", "area", "median"])
def test_reference_takes_the_offset_of_each_pair_away(tmp_path: Path, mode: str) -> None:
    truth = bowl(100, 150, 20, -30)
    offsets = np.random.default_rng(1).normal(0, 8, len(DAYS))[:, None, None]
    phases = YEARS[:, None, None] * truth + offsets + noise(2)
    geometry = {
        "point": "POINT (502000 4998000)",
        "area": "POLYGON ((501000 4999000, 504000 4999000, 504000 4996000, 501000 4996000, 501000 4999000))",
    }.get(mode)
    reference = Reference(mode, geometry, "EPSG:32632" if geometry else None)
    rate, result = stacked(tmp_path, phases, Corrections(reference))
    # The median of the scene lies a little off its stable part, because the bowl takes part in it.
    assert abs(np.median(rate - truth)) < (1.0 if mode == "median" else 0.5)
    assert any("Reference phase" in note for note in result.notes)
    assert any("median of the scene, which moves" in note for note in result.notes) == (mode == "median")


def test_automatic_reference_is_stable_coherent_and_said_where(tmp_path: Path) -> None:
    truth = bowl(60, 60, 30, -40)
    coherence = np.full(SHAPE, 0.3)
    coherence[150:190, 20:60] = 0.9
    # High coherence on moving ground must not attract the reference.
    coherence[45:75, 45:75] = 0.95
    scatter = np.where(coherence > 0.5, 0.1, 1.0)
    phases = YEARS[:, None, None] * truth + noise(3, 1.0) * scatter
    stack = make_stack(tmp_path / "in", phases, DAYS, [coherence] * len(DAYS))
    _, result = run(tmp_path, stack, Corrections(Reference("auto")))
    (note,) = [note for note in result.notes if note.startswith("Reference phase")]
    column, row = pixel_of(*numbers(note))
    assert 150 <= row < 190 and 20 <= column < 60


def numbers(note: str) -> tuple[float, float]:
    """Longitude and latitude in a note."""
    words = note.replace(",", " ").split()
    return float(words[words.index("longitude") + 1]), float(words[words.index("latitude") + 1])


def pixel_of(longitude: float, latitude: float) -> tuple[float, float]:
    from osgeo import osr

    from ada_mapper.core.raster import spatial_reference

    change = osr.CoordinateTransformation(spatial_reference("EPSG:4326"), spatial_reference("EPSG:32632"))
    x, y, _ = change.TransformPoint(longitude, latitude)
    return (x - 500_000) / 100, (5_000_000 - y) / 100


def test_a_pair_without_data_in_the_reference_is_left_out_and_said(tmp_path: Path) -> None:
    phases = 3 * YEARS[:, None, None] + noise(1, 0.1)
    phases[4, 10:40, 10:40] = np.nan
    said: list[str] = []
    stack = make_stack(tmp_path / "in", phases, DAYS)
    reference = Reference("point", "POINT (502000 4998000)")
    _, result = run(tmp_path, stack, Corrections(reference), said=said)
    name = stack.interferograms[4].name
    assert [pair for pair, _ in result.dropped] == [name]
    assert result.pairs_used == len(DAYS) - 1
    assert any(name in message and "no valid pixel in the reference" in message for message in said)


def test_no_pair_with_data_in_the_reference_is_an_error(tmp_path: Path) -> None:
    phases = np.ones((len(DAYS), *SHAPE))
    phases[:, 10:40, 10:40] = np.nan
    with pytest.raises(InputError, match="No pair has a valid pixel"):
        stacked(tmp_path, phases, Corrections(Reference("point", "POINT (502000 4998000)")))


def test_reference_in_another_crs(tmp_path: Path) -> None:
    truth = bowl(100, 150, 20, -30)
    phases = YEARS[:, None, None] * truth + 7
    reference = Reference("point", "POINT (9.03 45.13)", "EPSG:4326")
    rate, _ = stacked(tmp_path, phases, Corrections(reference))
    assert abs(rate[0, 0]) < 0.01


@pytest.mark.parametrize("dimension", ["", "Z", "M", "ZM", " Z", " ZM"])
@pytest.mark.parametrize("kind", ["Point", "MultiPoint", "Polygon", "MultiPolygon"])
def test_references_may_have_more_dimensions(tmp_path: Path, kind: str, dimension: str) -> None:
    """As QGIS writes them, "PointZ (1 2 3)", and with a space."""
    more = " 7" * len(dimension.strip())
    corners = [(501000, 4999000), (504000, 4999000), (504000, 4996000), (501000, 4996000), (501000, 4999000)]
    text = "502000 4998000" + more if "Point" in kind else "(" + ", ".join(f"{x} {y}{more}" for x, y in corners) + ")"
    if kind.startswith("Multi"):
        text = f"({text})"
    reference = Reference("point" if "Point" in kind else "area", f"{kind}{dimension} ({text})", "EPSG:32632")
    assert not reference.on_grid(GRID).Is3D() and not reference.on_grid(GRID).IsMeasured()
    rate, _ = stacked(tmp_path, YEARS[:, None, None] * bowl(150, 180, 12, -30) + 7, Corrections(reference))
    assert abs(rate[0, 0]) < 0.01


def test_the_first_of_several_points_is_used_and_said(tmp_path: Path) -> None:
    phases = YEARS[:, None, None] * 3.0 * (COLUMNS > 100) + 1
    reference = Reference("point", "MULTIPOINT ((502000 4998000), (520000 4998000))")
    rate, result = stacked(tmp_path, phases, Corrections(reference))
    assert abs(rate[0, 0]) < 1e-5
    assert any("the first of 2 points" in note for note in result.notes)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (("point", "POINT (0 0)"), "outside"),
        (("area", "POLYGON ((0 0, 1 0, 1 1, 0 0))"), "outside"),
    ],
)
def test_a_reference_outside_is_refused(tmp_path: Path, reference: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        stacked(tmp_path, np.ones((len(DAYS), *SHAPE)), Corrections(Reference(*reference)))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (("nowhere",), "must be one of none, .*, not “nowhere”"),
        (("point",), r"The reference point is missing\. Give a point on stable ground."),
        (("point", "POLYGON ((0 0, 1 0, 1 1, 0 0))"), r"must be a point\. Choose a layer of points\.$"),
        (("area", "nonsense"), r"The reference area can't be read as a geometry \(nonsense\). Draw it again.$"),
        (("area", "POLYGON ((0 0," + " 1 2," * 900), r"as a geometry \(POLYGON \(\(0 0, .{,30}…\). Draw it again.$"),
    ],
)
def test_references_check_themselves(reference: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Reference(*reference)


def test_a_reference_in_metres_that_declares_degrees_is_named(tmp_path: Path) -> None:
    reference = Reference("point", "POINT (502000 4998000)", "EPSG:4326")
    with pytest.raises(InputError, match=r"^The reference point declares a CRS in degrees, WGS 84"):
        stacked(tmp_path, np.ones((len(DAYS), *SHAPE)), Corrections(reference))


def test_a_motion_survives_the_removal_of_true_ramps(tmp_path: Path) -> None:
    """The peers' fault: a plane per pair of a small scene takes the motion itself away."""
    truth = bowl(70, 90, 25, -40) + bowl(150, 180, 12, 25)
    phases = YEARS[:, None, None] * truth + plane_ramps(3, 12.0, steady=40.0) + noise(1)
    rate, result = stacked(tmp_path, phases, Corrections(Reference("median"), ramp="plane"))
    assert correlation(rate, truth) > 0.98
    assert abs(rate - truth - np.median(rate - truth)).max() < 5
    uncorrected, _ = stacked(tmp_path / "raw", phases, Corrections(Reference("median")))
    assert correlation(uncorrected, truth) < 0.7
    assert any("rad/yr" in note for note in result.notes)


@pytest.mark.parametrize(
    ("ramp", "radius"), [("plane", 15), ("plane", 30), ("plane", 40), ("quadratic", 15), ("quadratic", 30)]
)
def test_a_bowl_without_ramps_is_not_harmed(tmp_path: Path, ramp: str, radius: int) -> None:
    truth = bowl(110, 100, radius, -60)
    phases = YEARS[:, None, None] * truth + noise(4)
    rate, _ = stacked(tmp_path, phases, Corrections(ramp=ramp))
    assert correlation(rate, truth) > 0.98
    assert abs(rate - truth).max() < 0.15 * 60


def test_quadratic_ramps_are_removed(tmp_path: Path) -> None:
    x, y = COLUMNS / SHAPE[1] - 0.5, ROWS / SHAPE[0] - 0.5
    truth = bowl(70, 90, 15, -40)
    bent = YEARS[:, None, None] * (60 * x * x - 40 * x * y + 30 * y)
    phases = YEARS[:, None, None] * truth + bent + plane_ramps(5, 6.0) + noise(6)
    rate, result = stacked(tmp_path, phases, Corrections(Reference("median"), ramp="quadratic"))
    assert correlation(rate, truth) > 0.97
    assert any("A wide bowl of subsidence is bent like it" in note for note in result.notes)
    mask = write_raster(tmp_path / "mask.tif", (truth < -4).astype(float))
    _, result = stacked(tmp_path / "masked", phases, Corrections(ramp="quadratic", exclude_mask=mask))
    assert not any("wide bowl" in note for note in result.notes)


def test_ramps_of_pairs_are_removed_where_pairs_are_missing(tmp_path: Path) -> None:
    """With all pairs valid the pairs' own ramps cancel; where some are missing they would not."""
    phases = plane_ramps(8, 20.0) + noise(1, 0.1)
    phases[:6, :, 150:] = np.nan
    rate, _ = stacked(tmp_path, phases, Corrections(Reference("median"), ramp="plane"))
    raw, _ = stacked(tmp_path / "raw", phases, Corrections(Reference("median")))
    assert rate[:, 150:].std() < 0.25 * raw[:, 150:].std()


def test_a_scene_too_small_for_a_ramp_keeps_it_and_says_so(tmp_path: Path) -> None:
    phases = plane_ramps(3, 12.0, 40.0)[:, :80, :]
    stack = make_stack(tmp_path / "in", phases, DAYS)
    said: list[str] = []
    rate, result = run(tmp_path, stack, Corrections(ramp="plane"), said=said)
    raw, _ = run(tmp_path, stack, Corrections())
    np.testing.assert_array_equal(rate, raw)
    assert any("No ramp was removed" in note and "10 km" in note for note in result.notes)


def test_an_excluded_area_does_not_take_part(tmp_path: Path) -> None:
    """Most of the scene moves; only the mask can tell what is stable."""
    truth = np.where(COLUMNS > 100, 0.35 * (COLUMNS - 100), 0.0)
    phases = YEARS[:, None, None] * truth + plane_ramps(2, 5.0) + noise(1)
    mask = write_raster(tmp_path / "mask.tif", (COLUMNS > 95).astype(float))
    rate, _ = stacked(tmp_path, phases, Corrections(ramp="plane", exclude_mask=mask))
    harmed, _ = stacked(tmp_path / "without", phases, Corrections(ramp="plane"))
    assert abs(rate - truth).max() < abs(harmed - truth).max()
    assert abs((rate - truth)[:, 120:]).mean() < 3


def test_a_mask_that_excludes_nothing_is_told_and_one_that_excludes_all_is_refused(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", plane_ramps(2, 5.0) + noise(1), DAYS)
    everywhere = write_raster(tmp_path / "everywhere.tif", np.full(SHAPE, 255.0))
    with pytest.raises(InputError, match=r"everywhere\.tif is above 0 on all the ground"):
        run(tmp_path, stack, Corrections(ramp="plane", exclude_mask=everywhere))
    nowhere = write_raster(tmp_path / "nowhere.tif", np.zeros(SHAPE))
    said: list[str] = []
    run(tmp_path, stack, Corrections(ramp="plane", exclude_mask=nowhere), said=said)
    assert [note for note in said if "nowhere.tif is nowhere above 0" in note]


def height_field() -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    rough = gaussian_filter(np.random.default_rng(7).normal(size=SHAPE), 12)
    return 1500 + 800 * rough / rough.std()


@pytest.mark.parametrize("ramp", ["none", "plane"])
def test_height_correlated_delay_is_removed_and_a_motion_stays(tmp_path: Path, ramp: str) -> None:
    truth = bowl(70, 90, 10, -40)
    heights = height_field()
    delay = np.random.default_rng(1).normal(0, 3, len(DAYS)) + 20 * YEARS
    phases = YEARS[:, None, None] * truth + delay[:, None, None] * heights / 1000 + noise(1, 0.15)
    if ramp != "none":
        phases += plane_ramps(5, 5.0, 20.0)
    dem = write_raster(tmp_path / "dem.tif", heights)
    rate, _ = stacked(tmp_path, phases, Corrections(Reference("median"), ramp, height=True), dem)
    assert correlation(rate, truth) > 0.95
    stable = abs(truth) < 0.1
    assert abs(np.corrcoef(rate[stable], heights[stable])[0, 1]) < 0.3


def test_height_correction_needs_a_dem_and_relief(tmp_path: Path) -> None:
    phases = np.ones((len(DAYS), *SHAPE))
    with pytest.raises(InputError, match="DEM"):
        stacked(tmp_path, phases, Corrections(height=True))
    flat = write_raster(tmp_path / "flat.tif", np.full(SHAPE, 2240.0))
    _, result = stacked(tmp_path, phases, Corrections(height=True), flat)
    assert any("relief" in note for note in result.notes)


def test_undeclared_nodata_of_the_dem_is_no_elevation(tmp_path: Path) -> None:
    heights = height_field()
    phases = YEARS[:, None, None] * 20 * heights / 1000 + noise(1, 0.1)
    heights[:40, :40] = -32768
    dem = write_raster(tmp_path / "dem.tif", heights)
    rate, _ = stacked(tmp_path, phases, Corrections(height=True), dem)
    assert np.isnan(rate[:40, :40]).all()
    assert np.nanstd(rate) < 0.5


def test_a_dem_of_a_part_of_the_scene_is_said(tmp_path: Path) -> None:
    heights = height_field()
    phases = YEARS[:, None, None] * 20 * heights / 1000 + noise(1, 0.1)
    phases[:, :50] = np.nan
    dem = write_raster(tmp_path / "dem.tif", heights[:, :180])
    said: list[str] = []
    rate, result = stacked(tmp_path, phases, Corrections(height=True), dem, said)
    # Of the 150 valid rows 60 of 240 columns.
    assert any(note.startswith("25.0 % of the pixels") and "no elevation" in note for note in result.notes)
    assert any("no elevation" in message for message in said)
    assert np.isfinite(rate[50:, :180]).all() and np.isnan(rate[:, 180:]).all()


def test_a_dem_beside_the_scene_is_refused(tmp_path: Path) -> None:
    dem = write_raster(tmp_path / "dem.tif", height_field(), top=6_000_000.0)
    with pytest.raises(InputError, match=r"dem\.tif has no elevation anywhere in the area"):
        stacked(tmp_path, np.ones((len(DAYS), *SHAPE)), Corrections(height=True), dem)


def test_a_dem_without_elevations_where_there_is_phase_is_said(tmp_path: Path) -> None:
    heights = height_field()
    heights[50:] = np.nan
    phases = np.ones((len(DAYS), *SHAPE))
    phases[:, :50] = np.nan
    dem = write_raster(tmp_path / "dem.tif", heights)
    _, result = stacked(tmp_path, phases, Corrections(height=True), dem)
    assert any("the DEM has no elevation where" in note for note in result.notes)


@pytest.mark.filterwarnings("error")
def test_a_stack_without_valid_phase_is_said_to_be_empty(tmp_path: Path) -> None:
    phases = np.full((len(DAYS), *SHAPE), np.nan)
    dem = write_raster(tmp_path / "dem.tif", height_field())
    said: list[str] = []
    corrections = Corrections(ramp="plane", height=True, atmosphere=AtmosphereFilter())
    rate, result = stacked(tmp_path, phases, corrections, dem, said)
    assert np.isnan(rate).all()
    assert not any("0.0 × 0.0" in note or "relief is" in note for note in result.notes)
    assert sum("no pixel has any valid phase" in note for note in result.notes) == 3
    assert any(message.startswith("No pixel has any valid phase") for message in said)


def test_unknown_ramp_is_refused() -> None:
    with pytest.raises(InputError, match="ramp"):
        Corrections(ramp="cubic")


def test_robust_fit_bears_a_third_of_one_sided_outliers() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, 3000)
    values = 2 + 3 * x + generator.normal(0, 0.1, 3000)
    values[:1000] += generator.uniform(1, 20, 1000)
    np.testing.assert_allclose(robust_fit(np.vstack([np.ones(3000), x]).T, values), [2, 3], atol=0.03)


@pytest.mark.parametrize("pairs", [1, 30, 256, 500, 2000])
@pytest.mark.parametrize("shape", [(200, 240), (10_000, 10_000), (15_000, 20_000), (1200, 30_000)])
def test_the_sample_is_bounded_in_pixels_and_in_phases(pairs: int, shape: tuple[int, int]) -> None:
    grid = Grid("EPSG:32632", (5e5, 100.0, 0, 5e6, 0, -100.0), shape[1], shape[0])
    step = sample_step(grid, pairs)
    pixels = len(sample_positions(shape[0], step)) * len(sample_positions(shape[1], step))
    assert pixels <= 1.03 * 2**16 and pairs * pixels <= 1.03 * 2**24
    assert step == 1 or pixels >= 0.2 * min(2**16, 2**24 // pairs)


def test_an_estimation_takes_a_few_times_the_memory_of_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_of_pixels, "_VALUES_AT_A_TIME", 2**15)
    side, years = 96, np.linspace(0.03, 0.1, 200)
    phases = np.random.default_rng(0).normal(size=(200, side, side)).astype(np.float32)
    phases[::7, :9] = np.nan
    positions = np.arange(side) * 10 + 5
    sample = StackSample(phases, None, None, np.zeros((side, side), bool), positions, positions, 10)
    grid = Grid("EPSG:32632", (5e5, 100.0, 0, 5e6, 0, -100.0), 10 * side, 10 * side)

    def surfaces(rows: np.ndarray, columns: np.ndarray, elevation: np.ndarray | None) -> np.ndarray:
        return np.tensordot(np.ones((200, 2)), basis(("x", "y"), rows, columns, elevation, grid), 1)

    def stop() -> None:
        raise CancelledError("The rest of the fit needs no memory.")

    def find_window() -> None:
        _stable_window(_sample_without(sample, surfaces), years, sample)

    def fit() -> None:
        everywhere = basis(("x", "y"), positions[:, None] + 0.0, positions[None, :] + 0.0, None, grid)
        with pytest.raises(CancelledError):
            fit_trends(phases, years, everywhere, sample.excluded, stop)

    for estimate in (find_window, fit):
        estimate()  # What is imported here and now is not counted.
        tracemalloc.start()
        estimate()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3.5 * phases.nbytes
