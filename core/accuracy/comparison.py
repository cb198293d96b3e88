"""Networks × channel combinations on one test set, beside the classical detector.

The layout is that of Tables 5 and 6 and Fig. 5 of Wu et al. (2024), Remote Sens. 16, 1090. Needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..channels import COMBINATIONS, ChannelKind
from ..errors import InputError
from ..models import (
    IGNORED,
    Backend,
    LabelledTile,
    ModelCard,
    measured_pixels,
    network_input,
    open_backend,
    read_card,
)
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import Mask, PathLike
from .classical_tuning import ClassicalSetting, best_setting, classical_settings, tuning_ious
from .figures import CLASSICAL, Counts, DetectorScores, scores_of
from .tile_scores import area_pixels, tile_counts

EVERYTHING = "everything that the model takes"
BEST_CLASSICAL: str = Message("classical detector, tuned")
BEST_DOWNHILL: str = Message("classical detector of downhill motion, tuned")
# With fewer regions than this the tiles themselves are drawn.
_ENOUGH_REGIONS = 10


@dataclass(frozen=True)
class ComparisonRow:
    """One network with one combination of channels; ``scores`` are None where it can't serve it, for the ``reason``.

    ``coverage``: share of the test pixels on which the combination has a rate.
    """

    model: str
    combination: str
    scores: DetectorScores | None
    coverage: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """``rows`` model by model in the order of COMBINATIONS; ``classical`` has the classical detector's own rows.

    ``models``: name of each model → its card's description of itself. ``drawn``: what the intervals were drawn from.
    ``tuned_apart``: the classical detector was tuned on other tiles than those it is judged on.
    """

    rows: tuple[ComparisonRow, ...]
    classical: tuple[ComparisonRow, ...]
    models: Mapping[str, str]
    tiles: int
    drawn: str
    own_ground: bool
    tuned_apart: bool
    seed: int

    def of(self, model: str) -> tuple[ComparisonRow, ...]:
        """The rows of one model."""
        return tuple(row for row in self.rows if row.model == model)


@dataclass(frozen=True)
class _Task:
    """A network that serves a combination."""

    model: str
    combination: str
    card: ModelCard
    backend: Backend
    missing: frozenset[ChannelKind]
    min_area: float

    def counts(self, tile: LabelledTile, test: Mask, own_ground: bool) -> tuple[Counts, float]:
        """The counts of one tile on its ``test`` pixels, and on how many of these the combination has a rate."""
        bands, measured = network_input(tile, self.card, self.missing)
        height, width = tile.label.shape
        probability = self.backend.predict(bands[np.newaxis])[0, :height, :width]
        # As in a mapped scene: no probability where there is no rate.
        probability[~measured] = np.nan
        found = area_pixels(probability, self.card, tile.pixel_size)
        ground = test & measured if own_ground else test
        return tile_counts(found, tile, ground, self.min_area), float(np.count_nonzero(test & measured))


def compare_channels(
    models: Sequence[PathLike],
    tiles: Sequence[LabelledTile],
    progress: Progress = QUIET,
    own_ground: bool = False,
    seed: int = 1,
    tuning_tiles: Sequence[LabelledTile] = (),
) -> Comparison:
    """Judge each model with each channel combination on the same tiles, areas by the thresholds of its card.

    All rows are judged on the same pixels, those with any rate: where a combination has no rate, nothing is found. With
    ``own_ground`` each is judged only where it has a rate itself. Intervals are drawn from the tiles' regions
    (``metadata["region"]``) where there are ten or more of these, else from the tiles. Tiles are taken one at a time.
    The classical detector is tuned on ``tuning_tiles``, without any on the test tiles, which favours it. Raises
    InputError without models or tiles, or for a model that can't be read.
    """
    if not models or not len(tiles):
        raise InputError("A comparison needs at least one model and one test tile.")
    cards = _named_cards(models)
    first = tiles[0]
    tasks, unserved = _plan(cards, models, first, progress)
    # One smallest area for all rows, so that all are asked for the same areas.
    least = max(card.min_area for card in cards.values())
    tasks = [replace(task, min_area=least) for task in tasks]
    settings = classical_settings(first.layers)
    counts: list[list[Counts]] = [[] for _ in (*tasks, *settings)]
    covered, tested = np.zeros(len(tasks)), 0.0
    regions = []
    workers = max((task.backend.parallel for task in tasks), default=1)
    with ThreadPoolExecutor(workers) as pool:
        for number in range(len(tiles)):
            progress.report(0.85 * number / len(tiles))
            tile = tiles[number] if number else first
            test = measured_pixels(tile)
            tested += np.count_nonzero(test)
            regions.append(str(getattr(tile, "metadata", {}).get("region", "")))
            answers = [pool.submit(task.counts, tile, test, own_ground) for task in tasks]
            classical = [pool.submit(_classical_counts, setting, tile, test, least) for setting in settings]
            for index, answer in enumerate(answers):
                own, on_pixels = answer.result()
                counts[index].append(own)
                covered[index] += on_pixels
            for index, result in enumerate(classical, len(tasks)):
                counts[index].append(result.result())
    groups, drawn = _groups(regions)
    pooled = [_by_group(np.array(values), groups) for values in counts]
    rows = {
        (task.model, task.combination): ComparisonRow(
            task.model, task.combination, scores_of(task.model, own, seed), float(share)
        )
        for task, own, share in zip(tasks, pooled, covered / max(tested, 1))
    }
    order = [(name, combination) for name in cards for combination in (*COMBINATIONS, EVERYTHING)]
    rows.update({(row.model, row.combination): row for row in unserved})
    tuning = tuning_ious(settings, _counted(tuning_tiles, progress.part(0.85, 1.0))) if len(tuning_tiles) else []
    progress.report(1.0)
    return Comparison(
        rows=tuple(rows[key] for key in order if key in rows),
        classical=_classical_rows(settings, pooled[len(tasks) :], tuning, seed),
        models={name: f"{card.architecture}, version {card.version}" for name, card in cards.items()},
        tiles=len(tiles),
        drawn=drawn,
        own_ground=own_ground,
        tuned_apart=bool(tuning),
        seed=seed,
    )


def _named_cards(models: Sequence[PathLike]) -> dict[str, ModelCard]:
    """The card of each model by its name, with the file's name where two have the same."""
    cards = [read_card(path) for path in models]
    names = [card.name for card in cards]
    result: dict[str, ModelCard] = {}
    for path, card in zip(models, cards):
        name = card.name if names.count(card.name) == 1 else f"{card.name} ({Path(os.fspath(path)).stem})"
        while name in result:
            name += " again"
        result[name] = card
    return result


def _plan(
    cards: Mapping[str, ModelCard], models: Sequence[PathLike], tile: LabelledTile, progress: Progress
) -> tuple[list[_Task], list[ComparisonRow]]:
    """What is to be run, and what can't be. Models that take more than the four channels get a row with everything."""
    tasks, unserved = [], []
    for (name, card), path in zip(cards.items(), models):
        backend = open_backend(path, progress=progress)
        combinations = dict(COMBINATIONS)
        every = tuple(kind for kind in card.layers if kind.value in tile.layers)
        if set(every) not in [set(kinds) for kinds in combinations.values()]:
            combinations[EVERYTHING] = every
        for combination, kinds in combinations.items():
            reason = unserved_reason(card, kinds, tile)
            if reason:
                unserved.append(ComparisonRow(name, combination, None, reason=reason))
                continue
            missing = frozenset(channel.kind for channel in card.channels if channel.kind.layer not in kinds)
            tasks.append(_Task(name, combination, card, backend, missing, card.min_area))
    return tasks, unserved


def _groups(regions: Sequence[str]) -> tuple[NDArray[np.intp], str]:
    """The region of each tile as a number, and what these are called; each tile its own where regions are few."""
    names, numbers = np.unique(np.array(regions), return_inverse=True)
    if len(names) >= _ENOUGH_REGIONS:
        return numbers.ravel(), f"{len(names)} regions"
    return np.arange(len(regions)), f"{len(regions)} tiles"


def _by_group(counts: Counts, groups: NDArray[np.intp]) -> Counts:
    result = np.zeros((int(groups.max()) + 1, counts.shape[1]))
    np.add.at(result, groups, counts)
    return result


def _classical_counts(setting: ClassicalSetting, tile: LabelledTile, test: Mask, min_area: float) -> Counts:
    """The classical detector's counts of one tile on its ``test`` pixels."""
    return tile_counts(setting.found(tile), tile, test, min_area)


def _counted(tiles: Sequence[LabelledTile], progress: Progress) -> Iterator[tuple[LabelledTile, Mask]]:
    """The tiles, one at a time, with their pixels that have a rate and a label."""
    for number in range(len(tiles)):
        progress.report(number / len(tiles))
        tile = tiles[number]
        yield tile, measured_pixels(tile) & (tile.label != IGNORED)


def _classical_rows(
    settings: Sequence[ClassicalSetting], counts: Sequence[Counts], tuning: Sequence[float], seed: int
) -> tuple[ComparisonRow, ...]:
    """The detector as it is, and with the setting of the highest IoU, by ``tuning`` or else on these very tiles.

    That of downhill motion has a row of its own, where the tiles have a LOS sensitivity.
    """
    if not settings:
        return ()
    scores = [scores_of(setting.name, own, seed) for setting, own in zip(settings, counts)]
    ious = tuning or [own.figures["iou"].value for own in scores]
    rows = [ComparisonRow(CLASSICAL, settings[0].name, scores[0], 1.0)]
    for name, downhill in ((BEST_CLASSICAL, False), (BEST_DOWNHILL, True)):
        own = [number for number, setting in enumerate(settings) if setting.downhill == downhill]
        if own:
            best = own[best_setting([ious[number] for number in own])]
            rows.append(ComparisonRow(name, settings[best].name, scores[best], 1.0))
    return tuple(rows)


def unserved_reason(card: ModelCard, kinds: Sequence[ChannelKind], tile: LabelledTile) -> str:
    """Why a model can't be judged with just these layers; "" where it can."""
    layers = set(card.layers)
    unused = [kind.label for kind in kinds if kind not in layers]
    if unused:
        return Message("has no channel for the {unused}", unused=unused[0])
    absent = [kind.label for kind in kinds if kind.value not in tile.layers]
    if absent:
        return Message("the tiles have no {absent}", absent=absent[0])
    required = [channel for channel in card.channels if not channel.optional and channel.kind.layer not in kinds]
    return Message("needs the {label}", label=required[0].kind.label) if required else ""
