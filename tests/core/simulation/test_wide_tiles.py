"""Tiles of the wider world: repeatable, with all layers, which agree."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import Tile, WideTiles
from ada_mapper.core.simulation.landslide_kinds import KINDS
from ada_mapper.core.simulation.other_motion import DRAWN, OTHER_KINDS, Occurrence

MEASURED = ["phase_rate", "los_rate", "standard_error", "coherence", "closure"]
NOTHING_ELSE = Occurrence(**dict.fromkeys(DRAWN, 0.0))
LAYERS = [*MEASURED, "dem", "slope", "los_sensitivity"]


def on_one_terrain(make_tile: WideTiles) -> WideTiles:
    """Making terrain is most of the time of few tiles."""
    make_tile.terrain_count = 1
    return make_tile


@pytest.fixture(scope="module")
def generator() -> WideTiles:
    return on_one_terrain(WideTiles(seed=3, size=128, landslides_per_km2=0.05))


@pytest.fixture(scope="module")
def tiles(generator: WideTiles) -> list[Tile]:
    return [generator(index) for index in range(60)]


def test_the_same_seed_and_index_give_the_same_tile_in_any_order(generator: WideTiles, tiles: list[Tile]) -> None:
    fresh = pickle.loads(pickle.dumps(generator))
    for index in (7, 2, 31):
        again = fresh(index)
        for name in LAYERS:
            assert np.array_equal(again.layers[name], tiles[index].layers[name], equal_nan=True)
        assert np.array_equal(again.label, tiles[index].label)
        assert again.metadata == tiles[index].metadata
    assert not np.array_equal(tiles[2].layers["dem"], tiles[7].layers["dem"])
    assert len(pickle.dumps(generator)) < 10_000


def test_layers_have_their_types_and_ranges(tiles: list[Tile]) -> None:
    for tile in tiles:
        assert sorted(tile.layers) == sorted(LAYERS)
        for values in tile.layers.values():
            assert values.dtype == np.float32
            assert values.shape == (128, 128)
            assert values.flags.c_contiguous
        for name in ("coherence", "closure"):
            known = tile.layers[name][np.isfinite(tile.layers[name])]
            assert known.min() >= 0
            assert known.max() <= 1
        assert np.nanmin(tile.layers["standard_error"]) > 0
        for name in ("dem", "slope", "los_sensitivity"):
            assert np.isfinite(tile.layers[name]).all()
        assert set(np.unique(tile.label)) <= {0, 1, 255}


def test_what_is_measured_lacks_the_same_pixels(tiles: list[Tile]) -> None:
    holed = 0
    for tile in tiles:
        missing = np.isnan(tile.layers["phase_rate"])
        holed += bool(missing.any())
        for name in MEASURED:
            if name != "los_rate":
                assert np.array_equal(np.isnan(tile.layers[name]), missing)
        assert np.isnan(tile.layers["los_rate"])[missing].all()
        assert not (tile.label[missing] == 1).any()
    assert 10 < holed < 60


def test_tiles_are_of_every_sort(tiles: list[Tile]) -> None:
    facts = [tile.metadata for tile in tiles]
    assert {fact["noise_family"] for fact in facts} == {"power law", "Matérn"}
    assert {fact["estimator"] for fact in facts} == {"equation 1", "network"}
    coarse = sum(fact["product_metres"] > 30 for fact in facts)
    assert 8 < coarse < 40
    drawn = {kind for fact in facts for kind in fact["kinds"]}
    assert len(drawn & set(KINDS)) > 5
    assert sum((tile.label == 1).any() for tile in tiles) > 12
    for tile in tiles:
        assert tile.other_kind is not None
        assert tile.other_kind.max() < len(OTHER_KINDS)
        assert len(tile.metadata["kinds"]) == tile.metadata["landslides"]
    assert any((tile.layers["closure"] == 0)[np.isfinite(tile.layers["closure"])].all() for tile in tiles)
    assert any(np.nanmax(tile.layers["closure"]) > 0.3 for tile in tiles)


def only_noise(size: int = 128) -> WideTiles:
    return on_one_terrain(WideTiles(5, size, occurrence=NOTHING_ELSE, landslides_per_km2=0.0))


def test_the_standard_error_is_that_of_the_noise() -> None:
    """In the mean over tiles; each one has one draw of air that is as wide as itself."""
    make_tile, ratios = only_noise(), []
    for tile in map(make_tile, range(70)):
        if tile.metadata["claimed"] != 1 or np.isfinite(tile.layers["los_rate"]).mean() < 0.3:
            continue
        rate, error = tile.layers["los_rate"], tile.layers["standard_error"]
        known = np.isfinite(rate)
        noise = rate[known] - np.median(rate[known])
        ratios.append(np.log(np.sqrt(np.mean(noise**2) / np.mean(error[known] ** 2))))
    assert len(ratios) > 30
    assert np.exp(np.median(ratios)) == pytest.approx(1, abs=0.25)
    assert np.std(ratios) < 0.6


def test_noise_correlates_between_pixels_as_its_sort_of_product_does() -> None:
    """As real fields do above their mean over 3 km: smooth ones 0.95–0.99, fine ones 0.79–0.84, points 0.47–0.59."""
    make_tile, found = only_noise(), {}
    for tile in map(make_tile, range(60)):
        rate = to_los_rate(tile.layers["phase_rate"])
        if np.isnan(rate).mean() > 0.3:
            continue
        relief = np.nan_to_num(rate - gaussian_mean(rate, 30.0))
        relief = np.clip(relief, *np.quantile(relief, [0.01, 0.99]))
        found.setdefault(tile.metadata["product"], []).append(
            float(np.corrcoef(relief[:, 1:].ravel(), relief[:, :-1].ravel())[0, 1])
        )
    assert np.median(found["smooth"]) > 0.92
    assert 0.7 < np.median(found["fine"]) < 0.92
    assert 0.3 < np.median(found["points"]) < 0.7


def gaussian_mean(values: np.ndarray, width: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(values).astype(float)
    return gaussian_filter(np.nan_to_num(values), width) / np.maximum(gaussian_filter(known, width), 1e-3)


def test_without_noise_the_rate_is_the_motion_but_for_what_the_product_does() -> None:
    make_tile = on_one_terrain(WideTiles(5, 128, occurrence=NOTHING_ELSE, landslides_per_km2=0.08, noise=0.0))
    compared = 0
    for tile in map(make_tile, range(40)):
        slow = np.abs(tile.motion).max() < 80
        if tile.metadata["product_metres"] > 30 or not slow or not (tile.label == 1).any():
            continue
        compared += 1
        rate = to_los_rate(tile.layers["phase_rate"])
        known = np.isfinite(rate)
        difference = rate[known] - tile.motion[known]
        assert np.ptp(difference) < 0.05
    assert compared > 3
