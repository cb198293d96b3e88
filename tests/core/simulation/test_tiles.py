"""Training tiles: repeatable, plausible, consistent between their layers."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import Tile, TileGenerator

LAYERS = ["phase_rate", "los_rate", "dem", "slope", "coherence", "los_sensitivity"]


@pytest.fixture(scope="module")
def generator() -> TileGenerator:
    return TileGenerator(3, size=160, terrain_count=2)


@pytest.fixture(scope="module")
def tiles(generator: TileGenerator) -> list[Tile]:
    return [generator(index) for index in range(60)]


def write_dem(path: Path, size: int, degrees: float) -> Path:
    rows, columns = np.indices((size, size))
    heights = 1500 + 400 * np.sin(rows / 9) * np.cos(columns / 13)
    grid = Grid("EPSG:4326", (72.0, degrees, 0, 34.0, 0, -degrees), size, size)
    write_array(path, grid, heights.astype(np.float32), BandDescription("dem", "m"))
    return path


def same(first: Tile, second: Tile) -> bool:
    equal = [np.array_equal(first.layers[name], second.layers[name], equal_nan=True) for name in LAYERS]
    return all(equal) and np.array_equal(first.label, second.label) and first.metadata == second.metadata


def test_the_same_seed_and_index_give_the_same_tile_in_any_order(generator: TileGenerator, tiles: list[Tile]) -> None:
    fresh = pickle.loads(pickle.dumps(generator))
    assert same(fresh(7), tiles[7])
    assert same(fresh(2), tiles[2])
    assert not same(tiles[2], tiles[7])
    assert not same(TileGenerator(4, size=160, terrain_count=1)(2), tiles[2])


def test_a_pickle_carries_no_caches(generator: TileGenerator, tiles: list[Tile]) -> None:
    assert tiles
    assert len(pickle.dumps(generator)) < 5000


def test_layers_have_their_types_and_ranges(tiles: list[Tile]) -> None:
    for tile in tiles:
        assert list(tile.layers) == LAYERS
        for values in tile.layers.values():
            assert values.dtype == np.float32
            assert values.shape == (160, 160)
            assert values.flags.c_contiguous
        for name in ("dem", "slope", "coherence"):
            assert np.isfinite(tile.layers[name]).all()
        assert tile.layers["coherence"].min() >= 0
        assert tile.layers["coherence"].max() <= 1
        assert tile.label.dtype == np.uint8
        assert set(np.unique(tile.label)) <= {0, 1, 255}
        assert tile.pixel_size == 30


def test_the_los_rate_has_gaps_wherever_the_phase_rate_has(tiles: list[Tile]) -> None:
    more = 0
    for tile in tiles:
        missing = np.isnan(tile.layers["phase_rate"])
        assert np.isnan(tile.layers["los_rate"])[missing].all()
        more += int(np.isnan(tile.layers["los_rate"]).sum() > missing.sum())
    assert more > 30


def test_areas_move_by_more_than_the_rule_asks_in_the_sign_of_their_peak(tiles: list[Tile]) -> None:
    """Averaged over many tiles the noise cancels and the motion stays: toward is a negative phase rate."""
    agreement = []
    for tile in tiles:
        area = tile.label == 1
        peaks = np.array(tile.metadata["peaks"])
        visible = peaks[np.abs(peaks) >= 8]
        if not area.any() or np.unique(np.sign(visible)).size != 1:
            continue
        rate = to_los_rate(tile.layers["phase_rate"])
        background = np.nanmedian(rate[tile.label == 0])
        agreement.append(np.sign(visible[0]) * (np.nanmedian(rate[area]) - background))
    assert len(agreement) >= 6
    assert np.median(agreement) > 4


def test_tiles_hold_areas_negatives_and_level_ground(tiles: list[Tile]) -> None:
    with_areas = np.mean([(tile.label == 1).any() for tile in tiles])
    with_plains = np.mean([(tile.layers["slope"] < 5).mean() > 0.1 for tile in tiles])
    assert 0.1 < with_areas < 0.8
    assert with_plains > 1 / 3
    assert {tile.metadata["orbit"] for tile in tiles} == {"ascending", "descending"}
    for tile in tiles:
        assert 30 <= tile.metadata["incidence"] <= 46
        if (tile.label == 1).any():
            assert np.median(tile.layers["slope"][tile.label == 1]) > 5


def test_noise_grows_with_the_gain_of_the_network(tiles: list[Tile]) -> None:
    gains = [tile.metadata["date_gain"] for tile in tiles]
    spreads = [np.nanstd(tile.layers["phase_rate"]) for tile in tiles]
    assert np.corrcoef(np.log(gains), np.log(spreads))[0, 1] > 0.3
    assert max(gains) / min(gains) > 4


def test_real_terrain_of_any_crs_and_resolution(tmp_path: Path) -> None:
    write_dem(tmp_path / "a.tif", 120, 1 / 1200)
    generator = TileGenerator(1, size=128, dem_paths=tmp_path, terrain_count=1)
    assert generator.dem_paths == (str(tmp_path / "a.tif"),)
    found = [generator(index) for index in range(12)]
    real = [tile for tile in found if tile.metadata["terrain"].startswith("dem")]
    assert 5 <= len(real) < 12
    plain = next(tile for tile in real if tile.metadata["terrain"] == "dem")
    # Gain of relief 0.7–1.4 on 800 m between crest and trough.
    assert 500 < np.ptp(plain.layers["dem"]) < 1150


def test_tiles_avoid_gaps_of_the_dem(tmp_path: Path) -> None:
    path = write_dem(tmp_path / "a.tif", 120, 1 / 1200)
    heights = np.full((120, 120), np.nan, np.float32)
    heights[:60] = 100
    write_array(path, Grid.of(path), heights, BandDescription("dem", "m"))
    generator = TileGenerator(1, size=128, dem_paths=[path], terrain_count=1)
    assert all(np.isfinite(generator(index).layers["dem"]).all() for index in range(6))


def test_dems_that_can_not_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no GeoTIFF"):
        TileGenerator(1, dem_paths=[tmp_path])
    small = write_dem(tmp_path / "small.tif", 20, 1 / 1200)
    with pytest.raises(InputError, match="larger DEM"):
        TileGenerator(1, dem_paths=small)._dem_crop(np.random.default_rng(0))
    with pytest.raises(InputError, match=r"missing\.tif"):
        TileGenerator(1, dem_paths=[tmp_path / "missing.tif"])._dem_crop(np.random.default_rng(0))


def test_impossible_tiles_are_refused() -> None:
    with pytest.raises(InputError, match="from 64 to 4096 pixels a side"):
        TileGenerator(1, size=32)
    with pytest.raises(InputError, match="5–200 m"):
        TileGenerator(1, pixel_size=1000)


def test_labels_follow_the_noise_when_asked() -> None:
    """More noise never adds a label, and over some tiles it takes labels away."""
    usual = TileGenerator(3, size=128, terrain_count=1, landslides_per_km2=0.5, labels_follow_noise=True)
    numbers = indices_with_labels(usual, 6)
    noisy, fixed = (replace(usual, noise=4.0, labels_follow_noise=follow) for follow in (True, False))
    taken = 0
    for index in numbers:
        label = usual(index).label
        np.testing.assert_array_equal(fixed(index).label, label)
        kept = noisy(index).label == 1
        assert not (kept & (label != 1)).any()
        taken += int((label == 1).sum() - kept.sum())
    assert taken > 0


def indices_with_labels(generator: TileGenerator, count: int) -> list[int]:
    """The numbers of the generator's first tiles that hold a label."""
    holders = (index for index in range(20 * count) if (generator(index).label == 1).any())
    return list(islice(holders, count))


def test_whole_labels_hold_what_the_usual_ones_do_and_more_and_change_nothing_else() -> None:
    usual, whole = (TileGenerator(3, 128, whole_labels=chosen, landslides_per_km2=0.3) for chosen in (False, True))
    added = kept = areas = 0
    for index in range(6):
        one, other = usual(index), whole(index)
        for name, values in one.layers.items():
            np.testing.assert_array_equal(values, other.layers[name])
        areas += int((one.label == 1).sum())
        kept += int(((one.label == 1) & (other.label == 1)).sum())
        added += int(((one.label == 0) & (other.label == 1)).sum())
    assert areas > 300
    assert kept > 0.9 * areas
    assert 0 < added < areas
