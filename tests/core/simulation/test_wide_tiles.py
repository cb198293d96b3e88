"""Tiles of the wider world: repeatable, with all layers, which agree."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ada_mapper.core.simulation import Tile, WideTiles
from ada_mapper.core.simulation.landslide_kinds import KINDS
from ada_mapper.core.simulation.other_motion import OTHER_KINDS

MEASURED = ["phase_rate", "los_rate", "standard_error", "coherence", "closure"]
LAYERS = [*MEASURED, "dem", "slope", "los_sensitivity"]


@pytest.fixture(scope="module")
def generator() -> WideTiles:
    return WideTiles(seed=3, size=128, landslides_per_km2=0.05)


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
