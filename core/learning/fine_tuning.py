"""Fine-tuning: a trained network learns from a user's few labels without forgetting what it knew.

The tuned weights are drawn back toward those it came from as far as validation on both grounds, the user's and the
simulated one, says (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", CVPR).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ..areas import labelled
from ..errors import InputError
from ..models import LabelledTile, ModelCard, Network, TileSource
from ..progress import QUIET, Progress
from ..types import PathLike
from .checkpoints import TrainingState
from .evaluation import Judged, calibrate, choose_thresholds, judge, judged_tiles
from .mixtures import Concatenated, MixedTiles
from .training import TrainingOptions, train

SHARES = (0.25, 0.5, 0.75, 1.0)
TOLERATED_LOSS = 0.005
LEAST_GAIN = 0.005
_CALIBRATION_TILES = 48
ENOUGH_AREAS, ENOUGH_TILES = 10, 8
"""How many areas in how many validation tiles settle thresholds: ten areas of a single tile are one sample."""


@dataclass(frozen=True)
class Ground:
    """Tiles of one kind of ground: an endless source to train on, and tiles to validate on."""

    training: TileSource
    validation: Sequence[LabelledTile]


@dataclass(frozen=True)
class Candidate:
    """A mixture of weights, ``share`` of them tuned, its thresholds, and the pixel IoU of its areas on both grounds."""

    share: float
    threshold: float
    low_threshold: float
    own_iou: float
    simulated_iou: float


@dataclass(frozen=True)
class FineTuned:
    """What fine-tuning gave: the network, its card, how each candidate did (the base first) and which was taken."""

    network: Network
    card: ModelCard
    state: TrainingState
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    recalibrated: bool


def fine_tune(
    base: Network,
    card: ModelCard,
    own: Ground,
    simulated: Ground,
    simulated_share: float,
    options: TrainingOptions,
    checkpoint: PathLike | None = None,
    progress: Progress = QUIET,
    identity: Mapping[str, str] | None = None,
) -> FineTuned:
    """Fine-tune ``base``, which isn't changed, on own tiles mixed with simulated ones.

    Each mixture of weights is calibrated on the own and the simulated validation tiles, and its thresholds are chosen
    on them; where the own ones are fewer than ENOUGH_TILES or hold fewer areas than ENOUGH_AREAS, it is calibrated on
    the simulated ones and keeps the base's thresholds. The base is kept as it is where no mixture does better on the
    own validation tiles by LEAST_GAIN without losing more than TOLERATED_LOSS of IoU on the simulated ones. Raises
    InputError when the own validation tiles hold no area, so that nothing could be judged.
    """
    areas = count_areas(own.validation, progress)
    if areas == 0:
        raise InputError(
            "The validation tiles of the sample set hold no labelled area, so nobody could tell whether fine-tuning "
            "helps. Create samples with a larger share of validation blocks, or label more areas."
        )
    tiles = MixedTiles(simulated_share, simulated.training, own.training)
    start = _at_the_share_of(base, card, tiles, progress)
    tuned, state = train(
        card, tiles, own.validation, options, checkpoint, progress.part(0, 0.9), start=start, identity=identity
    )
    rest = progress.part(0.9, 1)
    enough = settles(own.validation, areas)
    if not enough:
        rest.info(
            "{count} validation tiles with {areas} areas are too few to settle thresholds (it takes "
            "{enough_tiles} tiles with {enough_areas} areas): those of the model that was started from stay.",
            count=len(own.validation),
            areas=areas,
            enough_tiles=ENOUGH_TILES,
            enough_areas=ENOUGH_AREAS,
        )
    judging = _Judging(base, start, tuned, card, own.validation, simulated.validation, enough)
    candidates = []
    for index, share in enumerate((0.0, *SHARES)):
        rest.report(index / (len(SHARES) + 1))
        candidates.append(judging.candidate(share, rest))
    chosen = choose(candidates)
    _tell(candidates[0], chosen, rest)
    network = judging.network(chosen.share, rest)
    card = replace(card, threshold=chosen.threshold, low_threshold=chosen.low_threshold)
    return FineTuned(network, card, state, tuple(candidates), chosen, enough and chosen.share > 0)


def _at_the_share_of(base: Network, card: ModelCard, tiles: TileSource, progress: Progress) -> Network:
    """The base, calibrated on training tiles: they hold more areas than nature, for which it was calibrated."""
    start = copy.deepcopy(base)
    shown = []
    for index in range(_CALIBRATION_TILES):
        progress.check()
        shown.append(tiles(index))
    _calibrate(start, card, shown, progress)
    return start


def _calibrate(network: Network, card: ModelCard, tiles: Sequence[LabelledTile], progress: Progress) -> None:
    """Calibrate the network on tiles, if they hold any area."""
    if count_areas(tiles, progress):
        calibrate(network, card, tiles, progress=progress)


@dataclass(frozen=True)
class _Judging:
    """Makes mixtures between what a training started from and what it gave, and judges them as they would be used."""

    base: Network
    start: Network
    tuned: Network
    card: ModelCard
    own: Sequence[LabelledTile]
    simulated: Sequence[LabelledTile]
    enough: bool

    def network(self, share: float, progress: Progress) -> Network:
        """The calibrated mixture; the base itself for a share of 0."""
        if share == 0:
            return mixture(self.base, self.base, 0.0)
        network = mixture(self.start, self.tuned, share)
        _calibrate(network, self.card, Concatenated((self.own if self.enough else (), self.simulated)), progress)
        return network

    def candidate(self, share: float, progress: Progress) -> Candidate:
        """How the mixture does at its thresholds on both grounds."""
        network, card = self.network(share, progress), self.card
        own, simulated = (
            [self._answer(network, tile, progress) for tile in tiles] for tiles in (self.own, self.simulated)
        )
        if share > 0 and self.enough:
            threshold, low = choose_thresholds(card, [*own, *simulated], progress)
            card = replace(card, threshold=threshold, low_threshold=low)
        ious = (judge(card, answers).get("iou", 0.0) for answers in (own, simulated))
        return Candidate(share, card.threshold, card.low_threshold, *ious)

    def _answer(self, network: Network, tile: LabelledTile, progress: Progress) -> Judged:
        progress.check()
        return judged_tiles(network, self.card, [tile])[0]


def settles(tiles: Sequence[LabelledTile], areas: int) -> bool:
    """Whether validation tiles that hold so many areas are enough to choose thresholds by."""
    return areas >= ENOUGH_AREAS and len(tiles) >= ENOUGH_TILES


def count_areas(tiles: Sequence[LabelledTile], progress: Progress = QUIET) -> int:
    """The number of labelled areas (8-connected pixels) in the tiles; one on an edge between two counts twice.

    ``progress`` may cancel at each tile.
    """
    count = 0
    for tile in tiles:
        progress.check()
        count += labelled(tile.label == 1)[1]
    return count


def mixture(base: Network, tuned: Network, share: float) -> Network:
    """A network whose weights are (1 − share)·base + share·tuned."""
    network = copy.deepcopy(base)
    other = tuned.state_dict()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(other[name], share)
    return network.train(False)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate that does best on the own ground among those that forget little; the first is the base."""
    base = candidates[0]
    allowed = [
        candidate
        for candidate in candidates[1:]
        if candidate.simulated_iou >= base.simulated_iou - TOLERATED_LOSS
        and candidate.own_iou >= base.own_iou + LEAST_GAIN
    ]
    return max(allowed, key=lambda candidate: candidate.own_iou, default=base)


def _tell(base: Candidate, chosen: Candidate, progress: Progress) -> None:
    if chosen is base:
        progress.warning(
            "Fine-tuning did not improve the model on the validation tiles (IoU {own_iou:.3f}) without losing "
            "elsewhere: the weights it was started from are kept. More labels, or a longer training, may help.",
            own_iou=base.own_iou,
        )
        return
    progress.info(
        "Own validation tiles: IoU {own_before:.3f} before, {own_after:.3f} after. Simulated ones: "
        "{simulated_before:.3f} before, {simulated_after:.3f} after. {share:.0f} % of the way to the tuned weights.",
        own_before=base.own_iou,
        own_after=chosen.own_iou,
        simulated_before=base.simulated_iou,
        simulated_after=chosen.simulated_iou,
        share=100 * chosen.share,
    )
