"""From a recipe to a model file: train or fine-tune, calibrate, judge beside the classical detector, write."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable

from ..accuracy import ClassicalSetting
from ..errors import InputError
from ..models import LabelledTile, ModelCard, Network, export_onnx, load_network, read_card
from ..progress import QUIET, Progress
from ..raster import limited_cache
from ..texts import Message, joined
from ..types import PathLike
from .area_calibration import fit_area_calibration, found_areas
from .checkpoints import TrainingState
from .devices import choose_device
from .evaluation import (
    best_classical,
    calibrate,
    choose_thresholds,
    judge,
    judge_classical,
    judged_tiles,
)
from .fine_tuning import FineTuned, Ground, count_areas, fine_tune, settles
from .mixtures import Concatenated, MixedTiles, spread
from .recipe import OwnTiles, Recipe, SimulatedTiles, as_many, split_dems, starting_card
from .training import train

_WATCHED, _JUDGED, _CLASSICAL = 64, 256, 32
"""At most so many own tiles are looked at in each evaluation, in the end, and by each classical setting."""


@dataclass(frozen=True)
class _Trained:
    network: Network
    card: ModelCard
    state: TrainingState
    fine_tuned: FineTuned | None = None


@limited_cache()
def train_model(
    recipe: Recipe, progress: Progress = QUIET, place: Callable[[PathLike], PathLike] | None = None
) -> ModelCard:
    """Train what the recipe says and write the model; returns its card, whose ``training`` holds all figures.

    An unfinished training is kept beside the model and continued by the same call; when the model is written, it is
    deleted. With ``place`` the model is written where that says instead, when it is finished, and what was kept is
    left to the caller. Raises InputError for data that don't fit, CancelledError when the user stops.
    """
    progress.report(0.0)
    own = OwnTiles(recipe.samples) if recipe.samples else None
    card = starting_card(recipe, own)
    if recipe.start:
        load_network(recipe.start)  # what can't be trained is told before tiles are made
    terrain = split_dems(recipe.dem_folder)
    if recipe.dem_folder and not terrain.test:
        progress.warning("With fewer than three elevation models, all are trained on; judged on generated terrain.")
    size = own.tile_size if own else card.tile_size
    simulated = SimulatedTiles(recipe.options.seed, size, card.pixel_size, terrain)
    ground = _Grounds(recipe, card, own, simulated, progress)
    progress.info(ground.described())
    trained = _fine_tuned(ground, progress) if recipe.start else _fresh(ground, progress)
    trained, classical = _settled(ground, trained, progress.part(0.9, 0.93))
    judged = _judged(ground, trained, classical, progress.part(0.93, 1.0))
    facts = _facts(ground, trained, judged, classical)
    card = replace(trained.card, training=facts)
    output = recipe.output if place is None else place(recipe.output)
    export_onnx(trained.network.cpu(), card, output, half_storage=True, progress=progress)
    if place is None:
        with contextlib.suppress(OSError):
            recipe.checkpoint.unlink()
    progress.info("Written: {output}", output=recipe.output)
    progress.report(1.0)
    return card


class _Grounds:
    """The tiles of a recipe by what they are for."""

    def __init__(
        self,
        recipe: Recipe,
        card: ModelCard,
        own: OwnTiles | None,
        simulated: SimulatedTiles,
        progress: Progress = QUIET,
    ) -> None:
        self.progress = progress
        self.recipe, self.card, self.own, self.simulated = recipe, card, own, simulated
        self.kinds = tuple(dict.fromkeys(channel.kind.layer for channel in card.channels))
        needed = recipe.simulated_share > 0 or bool(recipe.start)
        self.simulated_validation = simulated.tiles("validation", recipe.simulated_tiles, progress) if needed else []
        self.own_validation = own.tiles("validation", self.kinds) if own else []

    def described(self) -> str:
        """The tiles in a sentence."""
        parts = []
        if self.own:
            training, validation, test = (len(self.own.tiles(role, ())) for role in ("training", "validation", "test"))
            parts.append(
                Message(
                    "Own tiles: {training} training, {validation} validation, {test} test.",
                    training=training,
                    validation=validation,
                    test=test,
                )
            )
        share = 100 * self.recipe.simulated_share
        parts.append(Message("{share:g} % of the tiles are simulated.", share=share))
        parts.append(Message("Channels: {names}.", names=", ".join(self.card.band_names)))
        return joined(parts, " ")

    def mixed(self) -> MixedTiles:
        """The endless source that a new network learns from."""
        share, seed = self.recipe.simulated_share, self.recipe.options.seed
        simulated = self.simulated.source()
        return MixedTiles(share, simulated, self.own.source(self.kinds, seed) if self.own else simulated)

    def test(self) -> dict[str, Sequence[LabelledTile]]:
        """What the finished model is judged on, by name; own validation tiles only where there are no test tiles."""
        sets: dict[str, Sequence[LabelledTile]] = {}
        if self.own:
            tiles, name = self.own.tiles("test", self.kinds), "own test tiles"
            if not len(tiles):
                tiles, name = self.own_validation, "own validation tiles (there are no test tiles)"
            if len(tiles):
                sets[name] = spread(tiles, _JUDGED)
        if self.simulated_validation:
            sets["simulated test tiles"] = self.simulated.tiles("test", self.recipe.simulated_tiles, self.progress)
        return sets


def _fresh(ground: _Grounds, progress: Progress) -> _Trained:
    """A new network, calibrated and with thresholds chosen on the validation tiles."""
    recipe, card = ground.recipe, ground.card
    validation = Concatenated((spread(ground.own_validation, _WATCHED), ground.simulated_validation))
    network, state = train(
        card,
        ground.mixed(),
        validation,
        recipe.options,
        recipe.checkpoint,
        progress.part(0.0, 0.85),
        identity=recipe.identity(),
    )
    network.to(choose_device(recipe.options.device))
    rest = progress.part(0.85, 0.9)
    settled = Concatenated((spread(ground.own_validation, _JUDGED), ground.simulated_validation))
    areas = count_areas(settled, rest)
    if not settles(settled, areas):
        rest.warning(
            "{count} validation tiles with {areas} areas are too few to settle thresholds: those of the card "
            "are the usual ones, and the probabilities aren't calibrated.",
            count=len(settled),
            areas=areas,
        )
        return _Trained(network, card, state)
    rest.report(0.2)
    calibrate(network, card, settled, progress=rest)
    rest.report(0.6)
    threshold, low = choose_thresholds(card, judged_tiles(network, card, settled, progress=rest), rest)
    return _Trained(network, replace(card, threshold=threshold, low_threshold=low), state)


def _fine_tuned(ground: _Grounds, progress: Progress) -> _Trained:
    recipe = ground.recipe
    if ground.own is None or recipe.start is None:
        raise InputError("Fine-tuning needs sample sets and a model to start from.")
    watched = ground.own.tiles("validation", ground.kinds, as_many(_WATCHED, ground.own.tile_size))
    own = Ground(ground.own.source(ground.kinds, recipe.options.seed), watched)
    simulated = Ground(ground.simulated.source(), ground.simulated_validation)
    result = fine_tune(
        load_network(recipe.start),
        ground.card,
        own,
        simulated,
        recipe.simulated_share,
        recipe.options,
        recipe.checkpoint,
        progress.part(0.0, 0.9),
        recipe.identity(),
    )
    return _Trained(result.network, result.card, result.state, result)


def _settled(ground: _Grounds, trained: _Trained, progress: Progress) -> tuple[_Trained, ClassicalSetting]:
    """With the chance that an area is right, and the setting of the classical detector, both from validation tiles."""
    validation = Concatenated((spread(ground.own_validation, _CLASSICAL), ground.simulated_validation[:_CLASSICAL]))
    progress.report(0.0)
    answers = judged_tiles(trained.network, trained.card, validation, progress=progress)
    calibration = fit_area_calibration(found_areas(trained.card, answers))
    card = replace(trained.card, area_calibration=calibration)
    return replace(trained, card=card), best_classical(validation, answers, progress)


def _judged(
    ground: _Grounds, trained: _Trained, classical: ClassicalSetting, progress: Progress
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by test set and by who answered."""
    card = trained.card
    device = choose_device(ground.recipe.options.device)
    contestants = {"model": (trained.network.to(device), card)}
    if ground.recipe.start and trained.fine_tuned:
        contestants["model it started from"] = (load_network(ground.recipe.start).to(device), ground.card)
    judged: dict[str, dict[str, dict[str, float]]] = {}
    test = ground.test()
    for number, (name, tiles) in enumerate(test.items()):
        progress.report(number / len(test))
        scores = judged[name] = {}
        for who, (network, rules) in contestants.items():
            answers = judged_tiles(network, rules, tiles, progress=progress)
            scores[who] = judge(rules, answers)
        scores["classical detector"] = judge_classical(classical, card, tiles, answers, progress)
        for who, values in scores.items():
            iou, recall, precision = (values.get(key, math.nan) for key in ("iou", "object_recall", "object_precision"))
            progress.info(
                "{name}, {who}: IoU {iou:.3f}, areas found {recall:.0%}, found areas right {precision:.0%}",
                name=name,
                who=who,
                iou=iou,
                recall=recall,
                precision=precision,
            )
    return judged


def _facts(
    ground: _Grounds,
    trained: _Trained,
    judged: dict[str, dict[str, dict[str, float]]],
    classical: ClassicalSetting,
) -> dict[str, Any]:
    """What the card tells of the training, as plain JSON."""
    recipe, state = ground.recipe, trained.state
    facts: dict[str, Any] = {
        "data": ground.described(),
        "sample_sets": ground.own.facts() if ground.own else [],
        "simulated_share": recipe.simulated_share,
        "terrain": ground.simulated.terrain.to_json() if ground.simulated_validation else {},
        "seed": recipe.options.seed,
        "steps": state.step,
        "samples": state.step * recipe.options.batch_size,
        "minutes": round(state.seconds / 60, 1),
        "options": asdict(recipe.options),
        "judged": judged,
        "classical": {**classical.facts, "chosen_on": "validation tiles"},
        "history": [
            {key: round(value, 6) if math.isfinite(value) else None for key, value in line.items()}
            for line in state.history
        ],
    }
    if trained.fine_tuned and recipe.start:
        result, start = trained.fine_tuned, read_card(recipe.start)
        facts["fine_tuning"] = {
            "start": {"name": start.name, "version": start.version},
            "candidates": [asdict(candidate) for candidate in result.candidates],
            "chosen_share": result.chosen.share,
            "recalibrated": result.recalibrated,
        }
    return facts
