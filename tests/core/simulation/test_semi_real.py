"""Semi-real scenes and tiles: real rates plus landslides whose truth is known."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.core.satellite import Viewing, to_los_rate, to_phase_rate
from ada_mapper.core.simulation import SemiRealOptions, SemiRealTiles, simulate_semi_real
from ada_mapper.core.simulation import tiles as tile_generator
from ada_mapper.core.simulation.atmosphere import power_law_field
from ada_mapper.core.simulation.landslides import LABEL_PEAK, LABEL_RATE
from ada_mapper.core.simulation.semi_real import make_semi_real
from ada_mapper.core.simulation.terrain import eroded_terrain
from ada_mapper.core.terrain import los_sensitivity_to_file
from ada_mapper.core.types import Array
from shared_data import shared_data
from small_rasters import square_grid, write

SIZE = 200
METRES = square_grid(SIZE, SIZE)
DEGREES = Grid("EPSG:4326", (8.5, 1 / 3600, 0.0, 46.6, 0.0, -1 / 3600), SIZE, SIZE)
VIEWING = Viewing(192, 38)
FILES = {
    "phase_rate.tif", "los_rate.tif", "dem.tif", "slope.tif", "los_sensitivity.tif", "true_areas.gpkg", "scene.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def heights() -> Array:
    return eroded_terrain(np.random.default_rng(8), 256, 30.0)[:SIZE, :SIZE].copy()


@pytest.fixture(scope="module")
def noise() -> Array:
    """Quiet rates (rad/yr) with a hole."""
    values = np.random.default_rng(2).normal(0.3, 0.1, (SIZE, SIZE)).astype(np.float32)
    values[:, 150:170] = np.nan
    values[5, 5] = np.nan
    return values


def inputs(folder: Path, noise: Array, heights: Array, grid: Grid, **tags: str) -> SemiRealOptions:
    rate = write(folder / "rate.tif", noise, "phase_rate", "rad/yr", grid, **{"SIGN": "away", **tags})
    dem = write(folder / "heights.tif", heights, "dem", "m", grid)
    return SemiRealOptions(rate, dem, VIEWING, seed=4, landslides=0.8)


def values(path: Path) -> Array:
    with BandReader(path) as reader:
        return reader.read()


def burned(path: Path, layer: str, grid: Grid) -> np.ndarray:
    raster = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1)
    raster.SetGeoTransform(grid.transform)
    source = ogr.Open(str(path))
    gdal.RasterizeLayer(raster, [1], source.GetLayerByName(layer), burn_values=[1])
    return np.asarray(raster.ReadAsArray()) == 1


def attributes(path: Path, layer: str) -> list[dict[str, object]]:
    source = ogr.Open(str(path))
    return [feature.items() for feature in source.GetLayerByName(layer)]


@pytest.mark.parametrize("grid", [METRES, DEGREES], ids=["metres", "degrees"])
def test_the_output_is_the_input_plus_the_landslides(tmp_path: Path, noise: Array, heights: Array, grid: Grid) -> None:
    options = inputs(tmp_path, noise, heights, grid)
    summary = simulate_semi_real(tmp_path / "scene", options)
    scene = make_semi_real(options)
    folder = summary.folder
    added = values(folder / "phase_rate.tif") - noise
    assert (np.isnan(added) == np.isnan(noise)).all()
    valid = np.isfinite(noise)
    np.testing.assert_allclose(added[valid], scene.added_phase_rate[valid], atol=2e-6)
    assert np.abs(added[valid]).max() > 1
    assert (scene.added_phase_rate[scene.landslides.identity == 0] == 0).mean() > 0.98
    # The LOS rate, made by equation 2, has the same landslides with the other sign.
    np.testing.assert_allclose(
        values(folder / "los_rate.tif")[valid], to_los_rate(noise + added)[valid], rtol=1e-5, atol=1e-4
    )
    # Motion is what the written sensitivity lets be seen of a motion down the slope.
    sensitivity = values(folder / "los_sensitivity.tif")
    inside = valid & (scene.landslides.identity > 0) & (scene.landslides.speed > 5)
    expected = scene.landslides.speed[inside] * sensitivity[inside]
    assert np.corrcoef(expected, scene.view.los_rate[inside])[0, 1] > 0.995
    assert {path.name for path in folder.iterdir()} == FILES
    assert Grid.of(folder / "phase_rate.tif").same_as(grid)


def test_labels_are_where_the_added_motion_is(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    summary = simulate_semi_real(tmp_path / "scene", options)
    file = summary.folder / "true_areas.gpkg"
    true, ignored = burned(file, "true_areas", METRES), burned(file, "ignored", METRES)
    motion = to_los_rate(values(summary.folder / "phase_rate.tif") - noise)
    assert summary.true_areas >= 3 and summary.landslides >= summary.true_areas
    assert np.isfinite(motion[true]).all()  # nothing is true where nothing was measured
    assert (np.abs(motion[true]) > LABEL_RATE - 0.01).all()
    assert (np.abs(motion[~true & ~ignored & np.isfinite(motion)]) < LABEL_PEAK).mean() > 0.99
    slope = values(summary.folder / "slope.tif")
    assert np.median(slope[true]) > 8
    layer = attributes(file, "true_areas")
    peaks = [feature["los_rate_peak_descending"] for feature in layer]
    assert len(peaks) == summary.true_areas and min(abs(peak) for peak in peaks) >= LABEL_PEAK
    assert {feature["seen_from"] for feature in layer} == {"descending"}
    text = (summary.folder / "scene.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    options_text = json.loads(text)["options"]
    assert (options_text["phase_rate"], options_text["dem"], options_text["seed"]) == ("rate.tif", "heights.tif", 4)
    with BandReader(summary.folder / "phase_rate.tif") as reader:
        assert reader.tags["SIGN"] == "away" and float(reader.tags["HEADING_DEGREES"]) == 192
        assert float(reader.tags["WAVELENGTH_METRES"]) == pytest.approx(0.055465763)


def test_units_signs_and_wavelengths_are_honoured(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    expected = make_semi_real(options)
    toward = write(tmp_path / "toward.tif", -noise, "phase_rate", "rad/yr", METRES, SIGN="toward")
    millimetres = write(tmp_path / "mm.tif", to_los_rate(noise), "phase_rate", "mm/yr", METRES, SIGN="toward")
    for path in (toward, millimetres):
        scene = make_semi_real(replace(options, phase_rate=path))
        np.testing.assert_allclose(scene.rates.phase_rate, noise, rtol=1e-5)
        np.testing.assert_allclose(scene.view.los_rate, expected.view.los_rate, atol=1e-5)
    l_band = write(tmp_path / "l.tif", noise, "phase_rate", "rad/yr", METRES, SIGN="away", WAVELENGTH_METRES="0.236")
    scene = make_semi_real(replace(options, phase_rate=l_band))
    np.testing.assert_allclose(to_los_rate(scene.rates.phase_rate), to_los_rate(noise, 0.236), rtol=1e-5)
    own = write(tmp_path / "own.tif", noise / 500, "los_rate", "m/yr", METRES, SIGN="away")
    scene = make_semi_real(replace(options, los_rate=own))
    np.testing.assert_allclose(scene.rates.los_rate, -2 * noise, rtol=1e-5)
    np.testing.assert_array_equal(scene.view.los_rate, expected.view.los_rate)


def test_excluded_areas_get_no_landslide_and_are_neither_right_nor_wrong(
    tmp_path: Path, noise: Array, heights: Array
) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    x_min, y_min, _, y_max = METRES.bounds
    half = x_min + 3000
    wkt = f"POLYGON (({x_min} {y_min},{half} {y_min},{half} {y_max},{x_min} {y_max},{x_min} {y_min}))"
    summary = simulate_semi_real(tmp_path / "scene", replace(options, excluded=wkt, excluded_crs=METRES.crs))
    added = values(summary.folder / "phase_rate.tif") - noise
    assert np.nanmax(np.abs(added[:, :100])) < 1e-6 < 0.5 < np.nanmax(np.abs(added[:, 101:]))
    file = summary.folder / "true_areas.gpkg"
    assert not burned(file, "true_areas", METRES)[:, :100].any()
    assert burned(file, "ignored", METRES)[:, :100].all()
    kinds = [feature["kind"] for feature in attributes(file, "ignored")]
    assert kinds.count("known motion") == 1


def test_the_same_seed_gives_the_same_files_and_another_does_not(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    first, second = (simulate_semi_real(tmp_path / name, options).folder for name in ("a", "b"))
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    simulate_semi_real(second, replace(options, seed=5))  # replaces the earlier scene
    assert (first / "phase_rate.tif").read_bytes() != (second / "phase_rate.tif").read_bytes()


def test_flat_regions_take_the_slopes_of_another_place(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, np.full((SIZE, SIZE), 20, np.float32), METRES)
    with pytest.raises(InputError, match="of another place"):
        make_semi_real(options)
    far = Grid("EPSG:32632", (600000.0, 40.0, 0.0, 5_000_000.0, 0.0, -40.0), 120, 90)
    foreign = replace(options, dem=write(tmp_path / "far.tif", heights[:90, :120], "dem", "m", far))
    with pytest.raises(InputError, match=r"far\.tif has no elevation where.*rate\.tif"):
        make_semi_real(foreign)
    messages: list[str] = []
    summary = simulate_semi_real(
        tmp_path / "scene", replace(foreign, elsewhere=True), Progress(on_info=messages.append)
    )
    assert summary.true_areas > 0
    assert np.nanmedian(values(summary.folder / "slope.tif")) > 8
    assert any("another place" in message for message in messages)
    assert any("counts as no landslide" in message for message in messages)


def test_wrong_input_is_said_and_leaves_nothing(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    nowhere = write(tmp_path / "nowhere.tif", noise, "phase_rate", "rad/yr", square_grid(SIZE, SIZE, ""))
    empty = write(tmp_path / "empty.tif", np.full((SIZE, SIZE), np.nan), "phase_rate", "rad/yr", METRES)
    wrong = write(tmp_path / "wrong.tif", noise, "phase_rate", "rad", METRES)
    for path, message in (
        (nowhere, r"nowhere\.tif.*coordinate reference system"),
        (empty, r"empty\.tif: the phase rate holds no data"),
        (wrong, r"wrong\.tif can't be used as phase rate"),
    ):
        with pytest.raises(InputError, match=message):
            simulate_semi_real(tmp_path / "scene", replace(options, phase_rate=path))
    with pytest.raises(InputError, match="exclude"):
        simulate_semi_real(tmp_path / "scene", replace(options, excluded="no geometry", excluded_crs=METRES.crs))
    with pytest.raises(InputError, match="landslides"):
        replace(options, landslides=0)
    with pytest.raises(CancelledError):
        simulate_semi_real(tmp_path / "scene", options, Progress(is_cancelled=lambda: True))
    assert not (tmp_path / "scene").exists()


# Tiles


@pytest.fixture(autouse=True)
def quick_terrain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terrain that is made at once: erosion takes long, and noise has slopes too."""

    def rough(rng: np.random.Generator, size: int, pixel_size: float) -> Array:
        return 400 * power_law_field(rng, size, pixel_size, (-3, -4.5), 2000.0, 8000.0)

    monkeypatch.setattr(tile_generator, "eroded_terrain", rough)


def tiles(tmp_path: Path, noise: Array, **options: object) -> SemiRealTiles:
    path = write(tmp_path / "rate.tif", noise, "phase_rate", "rad/yr", METRES, SIGN="away")
    arguments: dict[str, object] = {"seed": 3, "size": 128, "landslides_per_km2": 0.15, **options}
    return SemiRealTiles(path, **arguments)  # type: ignore[arg-type]


def test_a_tile_is_a_crop_of_the_real_noise_plus_its_landslides(tmp_path: Path, noise: Array) -> None:
    source = tiles(tmp_path, noise)
    moving = 0
    for index in range(3):
        tile = source(index)
        assert set(tile.layers) == {"phase_rate", "los_rate", "dem", "slope", "coherence", "los_sensitivity"}
        rest = tile.layers["phase_rate"] - to_phase_rate(tile.motion)
        valid = np.isfinite(rest)
        known = np.sort(noise[np.isfinite(noise)])
        nearest = known[np.clip(np.searchsorted(known, rest[valid]), 0, len(known) - 1)]
        assert np.abs(nearest - rest[valid]).max() < 2e-2  # every value is one of the region's
        assert rest[valid].std() == pytest.approx(0.1, rel=0.1)
        los = tile.layers["los_rate"] - tile.motion
        assert abs(np.nanmedian(los)) < 0.1
        assert np.isnan(tile.layers["coherence"]).all()
        assert (np.abs(tile.motion[tile.label == 1]) > LABEL_RATE).all()
        moving += int((tile.label == 1).sum())
        assert tile.metadata["noise"] == "rate" and "years" not in tile.metadata
    assert moving > 100


def test_tiles_are_deterministic_and_survive_pickling(tmp_path: Path, noise: Array) -> None:
    source = tiles(tmp_path, noise)
    first = source(1)
    for again in (pickle.loads(pickle.dumps(source))(1), tiles(tmp_path, noise)(1)):
        for name, layer in first.layers.items():
            np.testing.assert_array_equal(layer, again.layers[name])
        np.testing.assert_array_equal(first.label, again.label)
    assert not np.array_equal(first.layers["dem"], source(2).layers["dem"])


def test_small_regions_are_mirrored_and_excluded_areas_are_holes(tmp_path: Path, noise: Array) -> None:
    grid = square_grid(40, 50)
    path = write(tmp_path / "small.tif", noise[:40, :50], "phase_rate", "rad/yr", grid, SIGN="away")
    x_min, y_min, _, y_max = grid.bounds
    edge = x_min + 300
    wkt = f"POLYGON (({x_min} {y_min},{edge} {y_min},{edge} {y_max},{x_min} {y_max},{x_min} {y_min}))"
    tile = SemiRealTiles(path, size=128, landslides_per_km2=0)(0)
    assert np.isfinite(tile.layers["phase_rate"]).mean() > 0.99
    tile = SemiRealTiles(path, size=128, landslides_per_km2=0, excluded=wkt, excluded_crs=grid.crs)(0)
    assert np.isfinite(tile.layers["phase_rate"]).mean() == pytest.approx(0.8, abs=0.05)


def test_real_flat_regions_give_tiles_and_scenes(tmp_path: Path) -> None:
    dem = shared_data("dem") / "bavarian_alps_srtmgl1_1arcsec.tif"
    folder = shared_data("stacks/west_texas_s1")
    from ada_mapper.core.interferograms import find_stack
    from ada_mapper.core.stacking import StackOutputs, stack_to_files

    stack_to_files(find_stack(folder), StackOutputs(tmp_path / "p.tif", tmp_path / "l.tif"))
    options = SemiRealOptions(
        tmp_path / "p.tif", dem, VIEWING, los_rate=tmp_path / "l.tif", elsewhere=True, landslides=0.5
    )
    summary = simulate_semi_real(tmp_path / "scene", options)
    assert summary.true_areas > 0
    added = values(summary.folder / "los_rate.tif") - values(tmp_path / "l.tif")
    true = burned(summary.folder / "true_areas.gpkg", "true_areas", Grid.of(tmp_path / "p.tif"))
    assert (np.abs(added[true & np.isfinite(added)]) > LABEL_RATE - 0.01).all()
    tile = SemiRealTiles(tmp_path / "p.tif", dem, los_rate=tmp_path / "l.tif")(0)
    assert np.isfinite(tile.layers["phase_rate"]).mean() > 0.5


def test_the_written_sensitivity_is_that_of_the_tool(tmp_path: Path, noise: Array, heights: Array) -> None:
    options = inputs(tmp_path, noise, heights, METRES)
    folder = simulate_semi_real(tmp_path / "scene", options).folder
    los_sensitivity_to_file(tmp_path / "heights.tif", tmp_path / "own.tif", VIEWING)
    np.testing.assert_array_equal(values(folder / "los_sensitivity.tif"), values(tmp_path / "own.tif"))
