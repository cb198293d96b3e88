"""Whole scenes and their stacks of interferograms on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, BandReader, Grid, write_array
from ada_mapper.core.satellite import to_phase_rate
from ada_mapper.core.simulation import SceneOptions, simulate_scene
from ada_mapper.core.simulation.folder import written_together
from ada_mapper.core.simulation.landslides import Landslides
from ada_mapper.core.simulation.scene import Scene, make_scene
from ada_mapper.core.simulation.stack import PairSimulator, SceneSummary, scene_network
from ada_mapper.core.terrain import los_sensitivity_to_file
from ada_mapper.core.types import Array

QUIET_OPTIONS = SceneOptions(seed=2, size=192, dates=5, orbit="both", noise=0.0, landslides=0.4)
OPTIONS = SceneOptions(seed=5, size=160, dates=6, landslides=0.4)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[SceneSummary, Scene]:
    folder = tmp_path_factory.mktemp("quiet") / "scene"
    return simulate_scene(folder, QUIET_OPTIONS), make_scene(QUIET_OPTIONS)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> SceneSummary:
    return simulate_scene(tmp_path_factory.mktemp("noisy"), OPTIONS)


def stacked(folder: Path) -> Array:
    """Eq. 1 of all pairs of a folder, read with the product's own reader."""
    total, squares = 0.0, 0.0
    for pair in find_stack(folder).interferograms:
        with BandReader(pair.phase) as reader:
            total = total + reader.read() * pair.years
        squares += pair.years**2
    return np.asarray(total / squares, np.float32)


def features(path: Path, layer: str) -> list[ogr.Feature]:
    source = ogr.Open(str(path))
    return list(source.GetLayerByName(layer))


def burned(path: Path, layer: str, grid: Grid) -> np.ndarray:
    """The polygons of a layer as a mask of the grid's pixels."""
    raster = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1)
    raster.SetGeoTransform(grid.transform)
    raster.SetProjection(grid.crs)
    source = ogr.Open(str(path))
    gdal.RasterizeLayer(raster, [1], source.GetLayerByName(layer), burn_values=[1])
    return np.asarray(raster.ReadAsArray()) == 1


@pytest.mark.parametrize("orbit", ["ascending", "descending"])
def test_a_stack_without_noise_gives_back_the_motion(quiet: tuple[SceneSummary, Scene], orbit: str) -> None:
    summary, scene = quiet
    expected = to_phase_rate(scene.seen_from(orbit).los_rate)
    slow = np.abs(expected) * 48 / 365.25 < np.pi  # faster motion loses its cycles, as it does in nature
    assert np.abs(expected).max() > 3
    assert np.allclose(stacked(summary.stacks[orbit])[slow], expected[slow], atol=1e-4)


def test_the_two_orbits_see_the_same_ground_differently(quiet: tuple[SceneSummary, Scene]) -> None:
    summary, scene = quiet
    east, _ = scene.terrain.motion_gradient
    falls_east = east < -0.3
    assert falls_east.any()
    slide = Landslides(np.where(falls_east, np.float32(30), np.float32(0)), falls_east.astype(np.int32), 1)
    moving = replace(scene, landslides=slide)
    rates = {orbit: moving.seen_from(orbit).los_rate for orbit in ("ascending", "descending")}
    assert np.median(rates["ascending"][falls_east]) < 0
    assert np.median(rates["descending"][falls_east]) > np.median(rates["ascending"][falls_east])
    assert summary.folder.joinpath("ascending").is_dir()


def test_the_stack_reads_as_hyp3_with_all_that_belongs_to_it(noisy: SceneSummary) -> None:
    stack = find_stack(noisy.folder)
    assert len(stack.interferograms) == noisy.pairs == 5 + 4 + 3 + 2
    simulator = PairSimulator(make_scene(OPTIONS), make_scene(OPTIONS).seen_from("descending"))
    for pair in stack.interferograms:
        assert pair.product == "hyp3"
        assert pair.days in (12, 24, 36, 48)
        assert pair.coherence is not None
        assert pair.incidence == pytest.approx(38, abs=1e-4)
        assert pair.heading == pytest.approx(-168)
        first, second = ((day - date(2022, 1, 5)).days // 12 for day in (pair.first_date, pair.second_date))
        expected = simulator.baselines[second] - simulator.baselines[first]
        assert pair.perpendicular_baseline == pytest.approx(expected, abs=1e-3)
    assert stack.grid.same_as(Grid.of(noisy.folder / "dem.tif"))
    assert stack.grid.pixel_size == 30
    assert "32632" in stack.grid.crs


def test_phase_and_coherence_have_noise_and_holes(noisy: SceneSummary) -> None:
    holes = 0
    for pair in find_stack(noisy.folder).interferograms:
        assert pair.coherence is not None
        with BandReader(pair.phase) as phase_reader, BandReader(pair.coherence) as reader:
            phase, coherence = phase_reader.read(), reader.read()
        assert 0 < coherence.min() < 0.5 < coherence.max() <= 1
        assert np.nanstd(phase) > 0.3
        holes += int(np.isnan(phase).sum())
        assert np.isnan(phase).mean() < 0.5
    assert holes > 0


def test_the_same_seed_gives_the_same_files_and_another_does_not(noisy: SceneSummary, tmp_path: Path) -> None:
    again = simulate_scene(tmp_path / "again", OPTIONS)
    files = sorted(path.relative_to(noisy.folder) for path in noisy.folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again.folder) for path in again.folder.rglob("*") if path.is_file())
    assert len(files) == 3 + 4 * noisy.pairs
    for file in files:
        assert (noisy.folder / file).read_bytes() == (again.folder / file).read_bytes(), file
    other = simulate_scene(tmp_path / "other", replace(OPTIONS, seed=6, dates=2))
    assert (other.folder / "dem.tif").read_bytes() != (noisy.folder / "dem.tif").read_bytes()


def test_the_phase_of_a_date_does_not_depend_on_the_order_of_pairs() -> None:
    scene = make_scene(OPTIONS)
    view = scene.seen_from("descending")
    forward = PairSimulator(scene, view)
    phases = [forward.pair(i, i + 1)[0] for i in range(5)]
    assert np.array_equal(PairSimulator(scene, view).pair(4, 5)[0], phases[4])


def test_truth_lies_on_pixel_edges_and_follows_the_label_rule(quiet: tuple[SceneSummary, Scene]) -> None:
    summary, scene = quiet
    path = summary.folder / "true_areas.gpkg"
    views = {orbit: scene.seen_from(orbit) for orbit in ("ascending", "descending")}
    labels = {orbit: view.label == 1 for orbit, view in views.items()}
    either = labels["ascending"] | labels["descending"]
    assert either.any()
    assert np.array_equal(burned(path, "true_areas", scene.grid), either)
    for orbit in views:
        assert np.array_equal(burned(path, f"true_areas_{orbit}", scene.grid), labels[orbit])
    areas = features(path, "true_areas")
    assert len(areas) == summary.true_areas
    for area in areas:
        geometry = area.geometry()
        assert geometry.IsValid()
        assert geometry.GetGeometryType() == ogr.wkbMultiPolygon
        pixels = geometry.GetArea() / 900
        assert pixels == pytest.approx(round(pixels), abs=1e-6)
        assert area["area_km2"] == pytest.approx(geometry.GetArea() / 1e6, rel=0.01)
        assert area["kind"] == "landslide"
        peaks = area["los_rate_peak_ascending"], area["los_rate_peak_descending"]
        assert max(map(abs, peaks)) >= 8
        assert area["speed_max"] >= max(map(abs, peaks)) - 1e-3
        assert area["seen_from"] in ("ascending", "descending", "both")


def test_subsidence_lies_on_level_ground_and_is_no_landslide(quiet: tuple[SceneSummary, Scene]) -> None:
    summary, scene = quiet
    assert summary.bowls >= 1
    bowls = burned(summary.folder / "true_areas.gpkg", "not_landslides", scene.grid)
    assert np.median(scene.terrain.slope[bowls]) < 5
    assert scene.bowl_rate[bowls].min() < -15
    for orbit in ("ascending", "descending"):
        view = scene.seen_from(orbit)
        assert not (view.label[bowls & (scene.landslides.identity == 0)] == 1).any()
        assert np.median(view.los_rate[bowls]) < 0


def test_the_description_says_that_nothing_is_real(noisy: SceneSummary) -> None:
    text = json.loads((noisy.folder / "scene.json").read_text(encoding="utf-8"))
    assert "simulated" in text["what"]
    assert text["options"]["seed"] == 5
    assert text["interferograms"] == noisy.pairs
    assert "14 simulated interferograms" in str(noisy)


def test_a_fast_landslide_loses_coherence_and_cycles_in_its_core() -> None:
    scene = make_scene(replace(OPTIONS, noise=0.2))
    view = scene.seen_from("descending")
    fast = replace(view, los_rate=np.full_like(view.los_rate, -300))
    # One fast pixel, so that as many random numbers are drawn for both.
    slow = replace(view, los_rate=np.zeros_like(view.los_rate))
    slow.los_rate[0, 0] = -300
    _, coherence = PairSimulator(scene, slow).pair(0, 3)
    phase, lost = PairSimulator(scene, fast).pair(0, 3)
    assert np.median(lost) < 0.6 * np.median(coherence)
    whole = 300 * 4e-3 * np.pi / 0.055465763 * 36 / 365.25
    still, _ = PairSimulator(scene, slow).pair(0, 3)
    shift = (phase - still)[(phase != 0) & (still != 0)]
    assert 0.2 < np.mean(np.abs(shift - whole) < 1.5) < 0.8
    assert 0.2 < np.mean(np.abs(shift - whole + 2 * np.pi) < 1.5) < 0.8


def test_pairs_are_near_in_time() -> None:
    assert scene_network(24, 12).intervals.max() == 48
    assert len(scene_network(24, 12).first) == 23 + 22 + 21 + 20
    assert list(scene_network(3, 50).intervals) == [50, 50]


def write_dem(path: Path, grid: Grid) -> Array:
    rows, columns = np.indices((grid.height, grid.width))
    heights = (1500 + 300 * np.sin(rows / 15) * np.cos(columns / 20)).astype(np.float32)
    write_array(path, grid, heights, BandDescription("dem", "m"))
    return heights


def test_a_given_dem_keeps_its_pixels(tmp_path: Path) -> None:
    grid = Grid("EPSG:32643", (400_000.0, 30.0, 0, 3_800_000.0, 0, -30.0), 200, 180)
    heights = write_dem(tmp_path / "dem.tif", grid)
    scene = make_scene(replace(OPTIONS, size=150, dem=tmp_path / "dem.tif"))
    assert scene.grid.transform == (400_000 + 25 * 30, 30, 0, 3_800_000 - 15 * 30, 0, -30)
    assert np.array_equal(scene.terrain.dem, heights[15:165, 25:175])
    assert scene.landslides.count > 0


def test_the_satellite_of_a_scene_on_a_polar_grid_flies_by_true_north(tmp_path: Path) -> None:
    """At 16° E the columns of this grid point 61° off north. The rate is what the true view sees of the motion."""
    grid = Grid("EPSG:3413", (1_100_000.0, 30.0, 0, -600_000.0, 0, -30.0), 200, 180)
    write_dem(tmp_path / "dem.tif", grid)
    scene = make_scene(replace(OPTIONS, size=150, dem=tmp_path / "dem.tif"))
    view = scene.seen_from("ascending")
    write_array(tmp_path / "used.tif", scene.grid, scene.terrain.dem, BandDescription("dem", "m"))
    los_sensitivity_to_file(tmp_path / "used.tif", tmp_path / "share.tif", view.viewing)
    share = gdal.Open(str(tmp_path / "share.tif")).ReadAsArray()
    moving = (scene.landslides.speed > 5) & (scene.bowl_rate == 0)
    assert moving.sum() > 20
    seen = view.los_rate[moving] / scene.landslides.speed[moving]
    # The tool reads slopes beyond the scene's edge as missing, the scene as level.
    assert np.median(np.abs(seen - share[moving])) < 0.01


def test_a_dem_in_degrees_is_put_on_utm(tmp_path: Path) -> None:
    degrees = 1 / 3600
    write_dem(tmp_path / "dem.tif", Grid("EPSG:4326", (72.0, degrees, 0, 34.0, 0, -degrees), 300, 260))
    scene = make_scene(replace(OPTIONS, size=150, dem=tmp_path / "dem.tif"))
    assert scene.grid.pixel_size == 30
    assert "UTM zone 43N" in scene.grid.crs
    assert 1150 < scene.terrain.dem.min() < scene.terrain.dem.max() < 1850
    longitude, latitude = scene.grid.centre_lonlat
    assert longitude == pytest.approx(72 + 150 * degrees, abs=2 * degrees)
    assert latitude == pytest.approx(34 - 130 * degrees, abs=2 * degrees)


def test_a_dem_that_is_too_small_is_refused(tmp_path: Path) -> None:
    write_dem(tmp_path / "dem.tif", Grid("EPSG:32643", (400_000.0, 30.0, 0, 3_800_000.0, 0, -30.0), 100, 100))
    with pytest.raises(InputError, match=r"dem\.tif covers only .* Choose a smaller size"):
        make_scene(replace(OPTIONS, size=150, dem=tmp_path / "dem.tif"))


def test_few_missing_heights_are_filled_and_flat_ground_is_reported(tmp_path: Path) -> None:
    grid = Grid("EPSG:32643", (400_000.0, 30.0, 0, 3_800_000.0, 0, -30.0), 150, 150)
    heights = np.full((150, 150), 300, np.float32)
    heights[5, 5] = np.nan
    write_array(tmp_path / "dem.tif", grid, heights, BandDescription("dem", "m"))
    said: list[str] = []
    scene = make_scene(replace(OPTIONS, size=150, dem=tmp_path / "dem.tif"), Progress(on_warning=said.append))
    assert np.all(scene.terrain.dem == 300)
    assert scene.landslides.count == 0
    assert scene.bowl_count >= 1
    assert any("1 pixels without elevation" in text for text in said)
    assert any("no landslide" in text or "room for a landslide" in text for text in said)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seed", -1, "negative"),
        ("size", 100, "128"),
        ("size", 20_000, "128"),
        ("pixel_size", 1.0, "5–200"),
        ("dates", 1, "at least 2"),
        ("orbit", "left", "ascending"),
        ("repeat_days", 0, "1–60"),
        ("landslides", -1.0, "from 0 to 20"),
        ("noise", -1.0, "from 0 to 100"),
        ("incidence", 80.0, "20–60"),
        ("landslides", float("nan"), "landslides per km"),
        ("landslides", 1e308, "landslides per km"),
        ("noise", float("inf"), "noise"),
        ("dates", 10**9, "at most 1000"),
        ("size", 10**9, "pixels a side"),
        ("pixel_size", float("nan"), "pixel size"),
        ("incidence", float("nan"), "incidence"),
    ],
)
def test_impossible_options_are_refused(field: str, value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(OPTIONS, **{field: value})


def test_a_cancelled_run_leaves_nothing(tmp_path: Path) -> None:
    fractions: list[float] = []
    progress = Progress(on_fraction=fractions.append, is_cancelled=lambda: bool(fractions) and fractions[-1] > 0.5)
    with pytest.raises(CancelledError):
        simulate_scene(tmp_path / "scene", OPTIONS, progress)
    assert not (tmp_path / "scene").exists()
    assert max(fractions) < 0.9


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    fractions: list[float] = []
    simulate_scene(tmp_path, replace(OPTIONS, dates=3), Progress(on_fraction=fractions.append))
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.9


def test_an_earlier_scene_stays_whole_when_the_new_one_cannot_be_moved_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scene"
    with written_together(folder) as work:
        (work / "scene.json").write_text('{"contents": ["scene.json", "dem.tif"]}')
        (work / "dem.tif").write_text("old")
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if Path(target) == folder / "dem.tif" and self.read_text() == "new":
            raise OSError("no space left")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OutputError, match=r"dem\.tif can.t be written"), written_together(folder) as work:
        (work / "scene.json").write_text("{}")
        (work / "dem.tif").write_text("new")
    assert sorted(path.name for path in folder.iterdir()) == ["dem.tif", "scene.json"]
    assert (folder / "dem.tif").read_text() == "old"


def test_an_earlier_scene_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    simulate_scene(folder, replace(OPTIONS, dates=3, orbit="both", noise=0.0))
    summary = simulate_scene(folder, replace(OPTIONS, dates=2, noise=0.0))
    assert sorted(path.name for path in folder.iterdir()) == ["dem.tif", "descending", "scene.json", "true_areas.gpkg"]
    assert len(list((folder / "descending").iterdir())) == summary.pairs == 1
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        simulate_scene(folder, replace(OPTIONS, dates=2))
    assert len(list(folder.iterdir())) == 5


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scene").write_text("")
    with pytest.raises(InputError, match="is a file"):
        simulate_scene(tmp_path / "scene", OPTIONS)
