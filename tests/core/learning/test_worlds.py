"""Where the bundled model's tiles come from: what is learned from, chosen by and judged on never mixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

pytest.importorskip("torch")

from ada_mapper.core.learning import worlds
from ada_mapper.core.learning.mixtures import MixedTiles
from ada_mapper.core.learning.worlds import PLAIN, SECOND_FAMILY, SEMI_REAL, TerrainSplit, Worlds
from ada_mapper.core.models import LabelledTile, TileSource
from ada_mapper.core.simulation import (
    LANDSLIDES_PER_KM2,
    RealNoiseTiles,
    SecondFamilyInRealNoise,
    SecondFamilyTiles,
    TileGenerator,
    WideTiles,
)
from learning_tiles import DiscTiles

TERRAIN = TerrainSplit(("training.tif",), ("validation.tif",), ("test.tif",))
SEEN = Worlds(7, TERRAIN, "fields")
SIMULATED = Worlds(7, TERRAIN)
TILE = DiscTiles()(0)


class Counted:
    """A source that notes which of its tiles were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, index: int) -> LabelledTile:
        self.asked.append(index)
        return TILE


def counted(source: TileSource, leaves: list[tuple[TileSource, Counted]]) -> TileSource:
    """The same mixture of sources that count; ``leaves`` tells which stands for which."""
    if isinstance(source, MixedTiles):
        return MixedTiles(source.share, counted(source.first, leaves), counted(source.second, leaves))
    leaves.append((source, Counted()))
    return leaves[-1][1]


def asked(world: Worlds, count: int) -> list[tuple[TileSource, list[int]]]:
    leaves: list[tuple[TileSource, Counted]] = []
    mixture = counted(world.training(), leaves)
    for index in range(count):
        mixture(index)
    return [(source, own.asked) for source, own in leaves]


@pytest.fixture
def kept_sources(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, int]]:
    """The sources that sets of tiles are made of, with how many tiles each gives, instead of the tiles."""
    kept: list[tuple[object, int]] = []

    def made(source: object, count: int) -> tuple[()]:
        kept.append((source, count))
        return ()

    monkeypatch.setattr(worlds, "_made", made)
    return kept


def test_half_of_the_training_is_plain_and_half_of_the_rest_lies_in_real_noise() -> None:
    shares: Counter[tuple[type, float]] = Counter()
    for source, indices in asked(SEEN, 4000):
        assert indices == list(range(len(indices)))
        shares[type(source), getattr(source, "atmosphere", 1.0)] += len(indices)
    assert shares == {
        (TileGenerator, 1.0): 1700,
        (TileGenerator, 2.0): 300,
        (WideTiles, WideTiles(1).atmosphere): 1000,
        (RealNoiseTiles, RealNoiseTiles("fields").atmosphere): 1000,
    }


def test_without_real_noise_half_is_plain_and_half_of_the_wider_world() -> None:
    shares: Counter[type] = Counter()
    for source, indices in asked(SIMULATED, 400):
        shares[type(source)] += len(indices)
    assert shares == {TileGenerator: 200, WideTiles: 200}


def test_training_sees_dense_landslides_of_its_own_terrain_seeds_and_fields() -> None:
    sources = [source for source, _ in asked(SEEN, 1)]
    for source in sources:
        assert isinstance(source, TileGenerator)
        assert tuple(source.dem_paths) == TERRAIN.training
        plain = type(source) is TileGenerator
        assert source.landslides_per_km2 == pytest.approx((3 if plain else 6) * LANDSLIDES_PER_KM2)
        if plain:
            # as the tiles of the wider world are: two rules in one training teach nothing about rims
            assert source.whole_labels
        if isinstance(source, RealNoiseTiles):
            assert (source.fields, source.roles) == ("fields", ("train",))
    seeds = {source.seed for source in sources}
    assert len(seeds) == 4 and 7 in seeds


def test_nothing_of_the_second_family_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the second family was asked for")

    for name in ("SecondFamilyTiles", "SecondFamilyInRealNoise"):
        monkeypatch.setattr(worlds, name, refuse)
    for world in (SEEN, SIMULATED):
        assert callable(world.training())


def test_weights_are_chosen_and_calibrated_on_validation_terrain_and_fields_only(
    kept_sources: list[tuple[object, int]],
) -> None:
    SEEN.choosing()
    SEEN.calibrating()
    SIMULATED.choosing()
    SIMULATED.calibrating()
    forms = [(type(source), count) for source, count in kept_sources]
    assert forms == [
        (SecondFamilyInRealNoise, 64),
        (SecondFamilyTiles, 120),
        (SecondFamilyInRealNoise, 120),
        (SecondFamilyTiles, 64),
        (SecondFamilyTiles, 240),
    ]
    for source, _ in kept_sources:
        assert isinstance(source, (SecondFamilyTiles, SecondFamilyInRealNoise))
        assert tuple(source.dem_paths) == TERRAIN.validation
        if isinstance(source, SecondFamilyInRealNoise):
            assert (source.fields, tuple(source.roles)) == ("fields", ("validation",))
    # what fits the calibration isn't what the weights were chosen by
    choosing, calibrating = ({source.seed for source, _ in kept_sources[part]} for part in (slice(0, 1), slice(1, 3)))
    assert not choosing & calibrating


def test_the_model_is_judged_on_test_terrain_and_fields_of_which_nothing_else_knows(
    kept_sources: list[tuple[object, int]],
) -> None:
    names = [name for name, _ in SEEN.test()]
    assert names == [SECOND_FAMILY, SEMI_REAL, PLAIN]
    assert [type(source) for source, _ in kept_sources] == [SecondFamilyTiles, SecondFamilyInRealNoise, TileGenerator]
    assert [count for _, count in kept_sources] == [240, 240, 240]
    for source, _ in kept_sources:
        assert tuple(source.dem_paths) == TERRAIN.test  # type: ignore[attr-defined]
    semi_real = kept_sources[1][0]
    assert isinstance(semi_real, SecondFamilyInRealNoise)
    assert (semi_real.fields, tuple(semi_real.roles)) == ("fields", ("test",))
    judging = {source.seed for source, _ in kept_sources}  # type: ignore[attr-defined]
    kept_sources.clear()
    SEEN.choosing()
    SEEN.calibrating()
    others = {source.seed for source, _ in kept_sources}  # type: ignore[attr-defined]
    assert not judging & (others | {source.seed for source, _ in asked(SEEN, 1)})  # type: ignore[attr-defined]


def test_one_set_of_the_test_is_made_at_a_time(kept_sources: list[tuple[object, int]]) -> None:
    sets: Iterator[object] = SEEN.test()
    for number in (1, 2, 3):
        next(sets)
        assert len(kept_sources) == number
    kept_sources.clear()
    assert [name for name, _ in SIMULATED.test()] == [SECOND_FAMILY, PLAIN]


def test_cards_tell_the_shares_that_the_mixture_has() -> None:
    for world, share in ((SEEN, 0.25), (SIMULATED, 0.0)):
        facts = world.facts()
        own = asked(world, 4000)
        real = sum(len(indices) for source, indices in own if isinstance(source, RealNoiseTiles))
        assert facts["tiles_in_real_noise"] == real / 4000 == share
        plain = sum(len(indices) for source, indices in own if type(source) is TileGenerator)
        assert facts["plain_tiles"] == plain / 4000
        assert len(set(facts["seeds"].values())) == 3  # type: ignore[attr-defined]
    assert SEEN.facts()["terrain"] == {part: [part, "generated"] for part in ("training", "validation", "test")}
