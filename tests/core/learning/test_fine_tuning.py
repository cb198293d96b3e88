"""Fine-tuning: it learns the region, does not forget, and keeps what it started from when nothing is gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.errors import InputError
from ada_mapper.core.learning import (
    TrainingOptions,
    count_areas,
    fine_tuning,
    judge,
    judged_tiles,
    to_input,
    train,
    usual_options,
)
from ada_mapper.core.learning.fine_tuning import Candidate, Ground, choose, fine_tune, mixture
from ada_mapper.core.learning.inputs import BatchSource
from ada_mapper.core.learning.mixtures import (
    CompletedSource,
    CompletedTiles,
    Concatenated,
    MixedTiles,
    completed,
    mixed_by_weight,
    spread,
)
from ada_mapper.core.learning.recipe import TUNING_RATE_SHARE, as_many, labelled_first
from ada_mapper.core.models import LabelledTile, ModelCard, Network, TileSource, build_network
from ada_mapper.core.progress import Progress
from ada_mapper.core.samples import RepeatedTiles, StoredTiles
from ada_mapper.core.samples.facts import TileRecord
from learning_tiles import CHANNELS, DiscTile, DiscTiles
from tiny_network import tiny_card, use_tiny_network

OPTIONS = TrainingOptions(
    steps=60, batch_size=4, half=False, learning_rate=3e-3, evaluate_every=0.1, seed=3, patience=10, average=0.8
)
CARD = tiny_card(CHANNELS[:1])


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)


@dataclass(frozen=True)
class Striped:
    """A region with stripes four pixels wide that rise as fast as areas do, and are none."""

    seed: int = 50

    def __call__(self, index: int) -> DiscTile:
        tile = DiscTiles(self.seed)(index)
        random = np.random.default_rng((self.seed, 9, index))
        phase_rate = tile.layers["phase_rate"].copy()
        for first in random.integers(0, 60, 2):
            stripe = phase_rate[:, first : first + 4]
            stripe[tile.label[:, first : first + 4] == 0] += 6
        return replace(tile, layers={**tile.layers, "phase_rate": phase_rate})


def mapped_iou(network: Network, card: ModelCard, tiles: Sequence[LabelledTile]) -> float:
    """Pixel IoU of the areas at the card's thresholds."""
    return judge(card, judged_tiles(network, card, tiles))["iou"]


@pytest.fixture(scope="module")
def base() -> Network:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_network(patch)
        options = replace(OPTIONS, steps=50, learning_rate=1e-2, patience=None)
        return train(CARD, DiscTiles(), [], options)[0]


def grounds(own: TileSource, areas: int = 12) -> tuple[Ground, Ground]:
    labelled = RepeatedTiles([own(index) for index in range(8)], seed=1)
    known = Ground(DiscTiles(), [DiscTiles(7)(index) for index in range(8)])
    return Ground(labelled, [own(index) for index in range(20, 20 + areas)]), known


def test_a_few_labels_of_a_region_help_there_and_cost_little_elsewhere(base: Network) -> None:
    own, known = grounds(Striped())
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    # Long enough for so small a network to learn both grounds well, whatever weights it began with.
    result = fine_tune(base, CARD, own, known, 0.5, replace(OPTIONS, steps=300, learning_rate=1e-2))
    assert all(torch.equal(tensor, base.state_dict()[name]) for name, tensor in before.items())
    region, elsewhere = [Striped(90)(index) for index in range(20)], [DiscTiles(91)(index) for index in range(20)]
    assert mapped_iou(result.network, result.card, region) > mapped_iou(base, CARD, region) + 0.3
    assert result.chosen.simulated_iou >= result.candidates[0].simulated_iou - fine_tuning.TOLERATED_LOSS
    assert mapped_iou(result.network, result.card, elsewhere) > mapped_iou(base, CARD, elsewhere) - 0.05
    assert result.recalibrated and 0 < result.card.low_threshold <= result.card.threshold < 1
    assert result.candidates[0].own_iou == mapped_iou(base, CARD, own.validation)
    assert result.chosen.own_iou == mapped_iou(result.network, result.card, own.validation)
    assert result.chosen.threshold == result.card.threshold
    areas = [answer.found(result.card).any() for answer in judged_tiles(result.network, result.card, region)]
    assert np.mean(areas) > 0.5


def test_what_gains_nothing_is_dropped_and_said(base: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tuning, "LEAST_GAIN", 1.0)
    own, known = grounds(DiscTiles(40), areas=3)
    said: list[str] = []
    options = replace(OPTIONS, steps=4, learning_rate=1e-7, frozen_statistics=True)
    result = fine_tune(
        base, CARD, own, known, 0.5, options, progress=Progress(on_info=said.append, on_warning=said.append)
    )
    assert result.chosen.share == 0 and not result.recalibrated
    for name, tensor in base.state_dict().items():
        assert torch.equal(tensor, result.network.state_dict()[name]), name
    assert (result.card.threshold, result.card.low_threshold) == (CARD.threshold, CARD.low_threshold)
    assert any("weights it was started from are kept" in line for line in said)
    assert any("3 validation tiles with 3 areas are too few" in line for line in said)


def test_validation_without_areas_is_refused(base: Network) -> None:
    own, known = grounds(DiscTiles())
    empty = [replace(tile, label=np.zeros_like(tile.label)) for tile in own.validation]
    with pytest.raises(InputError, match="no labelled area"):
        fine_tune(base, CARD, Ground(own.training, empty), known, 0.5, OPTIONS)


def test_the_choice_weighs_gain_against_loss() -> None:
    base = Candidate(0.0, 0.5, 0.3, 0.50, 0.60)
    gains, forgets, best = (
        Candidate(0.25, 0.5, 0.3, 0.55, 0.599),
        Candidate(1.0, 0.5, 0.3, 0.70, 0.55),
        Candidate(0.5, 0.5, 0.3, 0.58, 0.596),
    )
    assert choose([base, gains, best, forgets]) is best
    assert choose([base, forgets]) is base
    assert choose([base, replace(gains, own_iou=0.504, simulated_iou=0.60)]) is base


def test_the_base_keeps_its_thresholds_when_nothing_is_gained(base: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tuning, "LEAST_GAIN", 1.0)
    own, known = grounds(DiscTiles(40))
    result = fine_tune(base, CARD, own, known, 0.5, replace(OPTIONS, steps=4))
    assert fine_tuning.settles(own.validation, count_areas(own.validation))
    assert result.chosen is result.candidates[0] and not result.recalibrated and result.card == CARD
    assert all(torch.equal(tensor, result.network.state_dict()[name]) for name, tensor in base.state_dict().items())


def test_usual_options_are_those_of_the_network_but_for_what_is_given() -> None:
    new, tuned = (usual_options("resnet50_unet", is_tuning, steps=4, seed=7) for is_tuning in (False, True))
    assert (new.steps, new.seed, new.learning_rate, new.frozen_statistics) == (4, 7, 5e-4, False)
    assert tuned.frozen_statistics and tuned.learning_rate == pytest.approx(5e-4 * TUNING_RATE_SHARE)
    assert usual_options("compact", True, minutes=1, learning_rate=0.1, patience=None).patience is None


@given(areas=st.lists(st.integers(0, 1), max_size=60), most=st.integers(1, 60))
@example(areas=[0, 1, 1, 1, 1], most=3)
def test_of_many_tiles_those_with_areas_are_kept_first(areas: list[int], most: int) -> None:
    records = tuple(
        TileRecord(f"t{number}", "s", "b", "validation", 0, 0, area, 9, 0, 9) for number, area in enumerate(areas)
    )
    tiles = StoredTiles(Path("set"), records, (), {}, 64)
    kept = labelled_first(tiles, most)
    assert len(kept) == min(most, len(tiles)) and list(kept.records) == sorted(kept.records, key=records.index)
    assert kept.holds_area.sum() == min(most, sum(areas))
    assert labelled_first(tiles, None) is tiles


def test_kept_tiles_are_spread_evenly() -> None:
    records = tuple(TileRecord(f"t{n}", "s", "b", "validation", 0, 0, int(n < 40), 9, 0, 9) for n in range(60))
    kept = labelled_first(StoredTiles(Path("set"), records, (), {}, 64), 10)
    assert [records.index(record) for record in kept.records] == list(range(0, 40, 4))
    kept = labelled_first(StoredTiles(Path("set"), records, (), {}, 64), 45)
    assert [records.index(record) for record in kept.records] == [*range(40), *range(40, 60, 4)]


def test_of_small_tiles_more_make_as_much_ground() -> None:
    assert [as_many(48, size) for size in (64, 128, 256, 512)] == [192, 192, 48, 48]


def test_mixed_weights_lie_between(base: Network) -> None:
    torch.manual_seed(0)
    other = build_network("tiny", 1)
    half = mixture(base, other, 0.25)
    for name, tensor in base.state_dict().items():
        if tensor.is_floating_point():
            expected = 0.75 * tensor + 0.25 * other.state_dict()[name]
            torch.testing.assert_close(half.state_dict()[name], expected)
    assert all(
        torch.equal(mixture(base, other, 0.0).state_dict()[name], t)
        for name, t in base.state_dict().items()
        if t.is_floating_point()
    )


def test_many_areas_in_one_tile_settle_no_threshold() -> None:
    tiles = [DiscTiles()(index) for index in range(fine_tuning.ENOUGH_TILES)]
    assert fine_tuning.settles(tiles, fine_tuning.ENOUGH_AREAS)
    assert not fine_tuning.settles(tiles[:1], 100)
    assert not fine_tuning.settles(tiles * 10, fine_tuning.ENOUGH_AREAS - 1)


def test_areas_are_counted_by_tile() -> None:
    label = np.zeros((8, 8), np.uint8)
    label[0, 0] = label[1, 1] = label[4:6, 4] = 1
    label[7, 7] = 255
    assert count_areas([DiscTile({}, label), DiscTile({}, label)]) == 4


@dataclass(frozen=True)
class Numbers:
    """Tiles that tell which they are."""

    name: float

    def __call__(self, index: int) -> DiscTile:
        layer = np.full((2, 2), self.name + index, np.float32)
        return DiscTile({"phase_rate": layer}, np.zeros((2, 2), np.uint8))


def told(source: TileSource, count: int) -> list[float]:
    return [float(source(index).layers["phase_rate"][0, 0]) for index in range(count)]


@given(share=st.floats(0, 1), count=st.integers(1, 200))
def test_mixing_keeps_the_share_and_the_order_of_both_sources(share: float, count: int) -> None:
    numbers = told(MixedTiles(share, Numbers(0), Numbers(1000)), count)
    first, second = [n for n in numbers if n < 1000], [n - 1000 for n in numbers if n >= 1000]
    assert first == list(range(len(first))) and second == list(range(len(second)))
    assert abs(len(first) - share * count) < 1 + 1e-6
    assert numbers == told(MixedTiles(share, Numbers(0), Numbers(1000)), count)


def test_several_sets_are_joined_by_their_size() -> None:
    numbers = told(mixed_by_weight([Numbers(0), Numbers(1000), Numbers(2000)], [1, 1, 2]), 400)
    counts = [sum(low <= n < low + 1000 for n in numbers) for low in (0, 1000, 2000)]
    assert counts == pytest.approx([100, 100, 200], abs=2)
    assert told(mixed_by_weight([Numbers(5)], [3]), 2) == [5, 6]
    with pytest.raises(InputError):
        MixedTiles(1.5, Numbers(0), Numbers(1))


def test_a_layer_that_a_tile_lacks_is_as_good_as_dropped() -> None:
    tile = DiscTiles()(1)
    bare = replace(tile, layers={"phase_rate": tile.layers["phase_rate"]})
    card = tiny_card()
    kinds = tuple(channel.kind for channel in card.channels)
    missing = {ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE}
    for whole in (completed(bare, kinds), CompletedTiles([bare], kinds)[0], CompletedSource(lambda _: bare, kinds)(0)):
        for found, expected in zip(to_input(whole, card), to_input(tile, card, missing)):
            np.testing.assert_array_equal(found, expected)
    assert completed(tile, kinds) is tile


def test_sequences_of_tiles_are_chained_and_thinned() -> None:
    tiles = [DiscTiles()(index) for index in range(5)]
    chain = Concatenated((tiles[:2], [], tiles[2:]))
    assert list(chain) == tiles and list(chain[1:4]) == tiles[1:4]
    assert [len(spread(range(n), 4)) for n in (3, 4, 5, 8, 9)] == [3, 4, 3, 4, 3]  # type: ignore[arg-type]


def test_batches_of_a_mixture_are_the_same_each_time() -> None:
    own = RepeatedTiles([Striped()(index) for index in range(3)], seed=2)
    source = BatchSource(MixedTiles(0.5, DiscTiles(), own), CARD, 1, 4)
    for one, other in zip(source[3], source[3]):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
