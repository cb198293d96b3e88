"""Training: it learns, it stops, it goes on as if it had never stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.errors import CancelledError, InputError  # noqa: E402
from ada_mapper.core.learning.evaluation import probability_histogram, scores_at  # noqa: E402
from ada_mapper.core.learning.training import (  # noqa: E402
    TrainingOptions,
    train,
)
from ada_mapper.core.progress import Progress  # noqa: E402

from .learning_tiles import DiscTile, DiscTiles, make_card  # noqa: E402

OPTIONS = TrainingOptions(steps=8, batch_size=2, views=2, half=False, learning_rate=1e-3, evaluate_every=0.25, seed=5)


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


class EightTiles:
    """The same eight tiles again and again."""

    def __call__(self, index: int) -> DiscTile:
        return DiscTiles(size=64)(index % 8)


def test_the_compact_network_overfits_eight_tiles() -> None:
    card = make_card()
    tiles = [DiscTiles(size=64)(index) for index in range(8)]
    options = TrainingOptions(steps=30, batch_size=8, half=False, learning_rate=5e-3, evaluate_every=1.0)
    network, state = train(card, EightTiles(), tiles, options)
    assert state.step == 30
    assert scores_at(probability_histogram(network, card, tiles), 0.5).iou > 0.9


def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    card, tiles = make_card(), DiscTiles()
    whole, whole_state = train(card, tiles, [tiles(99)], OPTIONS)
    checkpoint = tmp_path / "run.pt"
    progress = Progress(is_cancelled=lambda: checkpoint.exists() and progress_told[-1:] == ["stop"])
    progress_told: list[str] = []

    def stop_after(fraction: float) -> None:
        if fraction >= 0.6:
            progress_told.append("stop")

    with pytest.raises(CancelledError):
        train(card, tiles, [tiles(99)], OPTIONS, checkpoint, replace(progress, on_fraction=stop_after))
    resumed, state = train(card, tiles, [tiles(99)], OPTIONS, checkpoint)
    assert state.step == whole_state.step == 8
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert [line["loss"] for line in state.history] == [line["loss"] for line in whole_state.history]


def test_another_seed_gives_other_weights() -> None:
    tiles = DiscTiles()
    options = replace(OPTIONS, steps=2)
    first, _ = train(make_card(), tiles, [tiles(99)], options)
    second, _ = train(make_card(), tiles, [tiles(99)], replace(options, seed=6))
    assert not torch.equal(first.state_dict()["conv1.weight"], second.state_dict()["conv1.weight"])


def test_worker_processes_do_not_change_the_result() -> None:
    tiles = DiscTiles()
    options = replace(OPTIONS, steps=2)
    alone, _ = train(make_card(), tiles, [tiles(99)], options)
    helped, _ = train(make_card(), tiles, [tiles(99)], replace(options, workers=1))
    for name, tensor in weights(alone).items():
        assert torch.equal(tensor, helped.state_dict()[name]), name


def test_a_cancelled_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        train(
            make_card(),
            DiscTiles(),
            [],
            OPTIONS,
            tmp_path / "run.pt",
            Progress(is_cancelled=lambda: True),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_foreign_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.pt"
    checkpoint.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"run\.pt"):
        train(make_card(), DiscTiles(), [], OPTIONS, checkpoint)


@pytest.mark.parametrize(
    "wrong", [{"minutes": 1.0}, {"steps": None}, {"loss": "hinge"}, {"batch_size": 0}, {"workers": -1}, {"steps": 7}]
)
def test_options_that_contradict_themselves_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(OPTIONS, **wrong)  # type: ignore[arg-type]


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [OPTIONS.rate(spent / 100) for spent in range(101)]
    assert rates.index(max(rates)) == 5
    assert max(rates) == pytest.approx(OPTIONS.learning_rate)
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert all(later <= earlier for earlier, later in zip(rates[5:], rates[6:]))


def test_a_budget_of_minutes_is_spent_by_the_clock_and_one_of_steps_by_steps() -> None:
    timed = TrainingOptions(minutes=2.0)
    assert timed.spent(step=10_000, seconds=30.0) == 0.25
    assert timed.spent(step=0, seconds=1e9) == 1.0
    assert OPTIONS.spent(step=4, seconds=1e9) == 0.5
