"""Training: it learns, it stops, it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.accuracy import PixelScores
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.learning import TrainingOptions, own_settings, train, training
from ada_mapper.core.learning.checkpoints import TrainingRun
from ada_mapper.core.learning.evaluation import probability_histogram, scores_at
from ada_mapper.core.models import ModelCard, build_network
from ada_mapper.core.progress import Progress
from learning_tiles import CHANNELS, DiscTile, DiscTiles, make_card
from tiny_network import tiny_card, use_tiny_network

OPTIONS = TrainingOptions(steps=8, batch_size=2, views=2, half=False, learning_rate=1e-3, evaluate_every=0.25, seed=5)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)


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


def cancel_at(share: float) -> Progress:
    """A progress whose user stops the run at a share of the budget."""
    told: list[float] = []
    return Progress(on_fraction=told.append, is_cancelled=lambda: bool(told) and told[-1] >= share)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"average": 0.9, "patience": 3},
        {"frozen_statistics": True, "average": 0.5},
        {"patience": 1, "learning_rate": 1e-6},
    ],
    ids=["plain", "averaged, early stopping", "frozen statistics", "stopped early"],
)
# at 0.5 the network was just evaluated, at 0.625 one of the two views of a group is done
@pytest.mark.parametrize("share", [0.5, 0.625])
def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one(
    changes: dict[str, Any], share: float, tmp_path: Path
) -> None:
    card, tiles, options = tiny_card(), DiscTiles(), replace(OPTIONS, **changes)
    whole, whole_state = train(card, tiles, [tiles(99)], options)
    checkpoint = tmp_path / "run.pt"
    try:
        train(card, tiles, [tiles(99)], options, checkpoint, cancel_at(share))
    except CancelledError:
        assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    else:
        assert changes.get("patience") == 1  # it stopped before it could be cancelled
    resumed, state = train(card, tiles, [tiles(99)], options, checkpoint)
    assert state.step == whole_state.step
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    timeless = [[{**line, "minutes": 0} for line in run.history] for run in (state, whole_state)]
    assert timeless[0] == timeless[1]


def test_a_stop_during_an_evaluation_does_not_skip_it(tmp_path: Path) -> None:
    card, tiles = tiny_card(), DiscTiles()
    _, whole = train(card, tiles, [tiles(99)], OPTIONS)
    calls: list[int] = []

    class Stopping(list[DiscTile]):
        def __iter__(self) -> Iterator[DiscTile]:
            calls.append(1)
            if len(calls) == 2:
                raise CancelledError("stop")
            return super().__iter__()

    validation = Stopping([tiles(99)])
    with pytest.raises(CancelledError):
        train(card, tiles, validation, OPTIONS, tmp_path / "run.pt")
    _, state = train(card, tiles, validation, OPTIONS, tmp_path / "run.pt")
    assert [line["step"] for line in state.history] == [line["step"] for line in whole.history]


def test_the_average_is_that_of_the_weights_along_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    update = TrainingRun.update_average

    def watched(run: TrainingRun, decay: float) -> None:
        update(run, decay)
        seen.append(weights(run.network))

    monkeypatch.setattr(TrainingRun, "update_average", watched)
    options = replace(OPTIONS, steps=6, average=0.25)
    network, _ = train(tiny_card(), DiscTiles(), [], options)
    torch.manual_seed(options.seed)
    expected = build_network("tiny", 4).state_dict()
    for step, now in enumerate(seen, 1):
        share = min(0.25, (1 + step) / (10 + step))
        expected = {name: share * expected[name].double() + (1 - share) * now[name].double() for name in now}
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-4, atol=1e-6)
    assert not torch.equal(network.head.weight, seen[-1]["head.weight"])


def test_early_stopping_stops_and_returns_the_best_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.2, 0.6, 0.5, 0.6, 0.3, 0.9])
    at_evaluation: list[dict[str, torch.Tensor]] = []

    def scripted(histogram: Any, threshold: float) -> PixelScores:
        if threshold == 0.5:
            return PixelScores(0.1, 0.1, 0.1, 0.1)
        return PixelScores(next(scores), 0.5, 0.5, 0.5)

    def watched(network: torch.nn.Module, card: ModelCard, tiles: Any) -> Any:
        at_evaluation.append(weights(network))
        return probability_histogram(network, card, tiles)

    monkeypatch.setattr(training, "best_threshold", lambda histogram: 0.4)
    monkeypatch.setattr(training, "scores_at", scripted)
    monkeypatch.setattr(training, "probability_histogram", watched)
    said: list[str] = []
    options = replace(OPTIONS, steps=40, patience=3, evaluate_every=0.05)
    network, state = train(tiny_card(), DiscTiles(), [DiscTiles()(99)], options, None, Progress(on_info=said.append))
    assert len(state.history) == len(at_evaluation) == 5
    assert state.step == 10 and state.best == 1
    assert any("Stopped early" in line and "step 4 are kept (IoU 0.600)" in line for line in said)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, at_evaluation[1][name]), name


def test_without_areas_to_validate_on_the_last_weights_count(tmp_path: Path) -> None:
    tiles = DiscTiles()
    last, _ = train(tiny_card(), tiles, [], OPTIONS)
    patient, state = train(tiny_card(), tiles, [], replace(OPTIONS, patience=1))
    assert state.step == 8 and state.best is None
    assert all(torch.equal(tensor, patient.state_dict()[name]) for name, tensor in weights(last).items())


def test_frozen_statistics_stay_and_the_weights_learn_from_where_they_start() -> None:
    start = build_network("tiny", 4)
    before = weights(start)
    options = replace(OPTIONS, steps=2, frozen_statistics=True)
    network, _ = train(tiny_card(), DiscTiles(), [], options, start=start)
    after = network.state_dict()
    for name, tensor in before.items():
        assert torch.equal(tensor, start.state_dict()[name]), name
        if "running" in name or "num_batches" in name:
            assert torch.equal(tensor, after[name]), name
    assert not torch.equal(before["head.weight"], after["head.weight"])
    assert float((before["conv1.weight"] - after["conv1.weight"]).abs().max()) < 0.01


def test_the_remaining_time_is_told_and_the_random_state_left_alone() -> None:
    said: list[str] = []
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(tiny_card(), DiscTiles(), [], OPTIONS, None, Progress(on_info=said.append))
    assert any("about" in line and "left" in line for line in said)
    assert torch.equal(before, torch.get_rng_state())
    with own_settings(seed=1, threads=threads + 1):
        assert torch.get_num_threads() == threads + 1
    assert torch.get_num_threads() == threads
    assert [training._duration(seconds) for seconds in (40, 725, 7500)] == ["40 s", "12 min", "2 h 05 min"]


def test_a_diverging_training_is_said() -> None:
    with pytest.raises(InputError, match="lower learning rate"):
        train(tiny_card(), DiscTiles(), [], replace(OPTIONS, learning_rate=1e38))


def test_another_seed_gives_other_weights() -> None:
    tiles = DiscTiles()
    options = replace(OPTIONS, steps=2)
    first, _ = train(tiny_card(), tiles, [tiles(99)], options)
    second, _ = train(tiny_card(), tiles, [tiles(99)], replace(options, seed=6))
    assert not torch.equal(first.state_dict()["conv1.weight"], second.state_dict()["conv1.weight"])


def test_worker_processes_do_not_change_the_result() -> None:
    tiles = DiscTiles()
    options = replace(OPTIONS, steps=2)
    alone, _ = train(tiny_card(), tiles, [tiles(99)], options)
    helped, _ = train(tiny_card(), tiles, [tiles(99)], replace(options, workers=1))
    for name, tensor in weights(alone).items():
        assert torch.equal(tensor, helped.state_dict()[name]), name


def test_a_cancelled_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        train(
            tiny_card(),
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
    with pytest.raises(InputError, match=r"run\.pt.*damaged"):
        train(tiny_card(), DiscTiles(), [], OPTIONS, checkpoint)


def test_a_checkpoint_of_another_network_or_run_is_refused_naming_what_differs(tmp_path: Path) -> None:
    checkpoint, tiles = tmp_path / "run.pt", DiscTiles()
    train(tiny_card(), tiles, [], replace(OPTIONS, steps=2), checkpoint)
    with pytest.raises(InputError, match=r"tiny, not vgg16_unet"):
        train(make_card("vgg16_unet"), tiles, [], OPTIONS, checkpoint)
    with pytest.raises(InputError, match=r"channels was .*slope, now phase_rate, los_rate\)"):
        train(tiny_card(channels=CHANNELS[:2]), tiles, [], OPTIONS, checkpoint)
    with pytest.raises(InputError, match=r"\(loss was dice_cross_entropy, now dice\)"):
        train(tiny_card(), tiles, [], replace(OPTIONS, loss="dice"), checkpoint)
    with pytest.raises(InputError, match=r"\(samples was not set, now fields\)"):
        train(tiny_card(), tiles, [], OPTIONS, checkpoint, identity={"samples": "fields"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 1.0},
        {"steps": None},
        {"steps": None, "minutes": 0.0},
        {"loss": "hinge"},
        {"batch_size": 0},
        {"workers": -1},
        {"steps": 7},
        {"device": "abacus"},
        {"average": 1.0},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"weight_decay": float("nan")},
        {"steps": None, "minutes": float("nan")},
        {"steps": None, "minutes": float("inf")},
        {"seed": -1},
        {"batch_size": 10**9},
        {"threads": 10**9},
        {"average": float("nan")},
        {"evaluate_every": float("nan")},
    ],
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
