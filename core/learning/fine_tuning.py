"""Fine-tuning: a trained network learns from a user's few labels without forgetting what it knew.

The tuned weights are drawn back toward those it came from as far as validation on both grounds, the user's and the
simulated one, says (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", CVPR).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..errors import InputError
from ..model_card import ModelCard
from ..progress import Progress
from ..raster import PathLike
from ..tile_scores import LabelledTile, TileSource
from .checkpoints import TrainingState
from .evaluation import calibrate, choose_thresholds, judge, judged_tiles
from .mixtures import Concatenated, MixedTiles
from .networks import Network
from .training import TrainingOptions, train

_QUIET = Progress()
SHARES = (0.25, 0.5, 0.75, 1.0)
TOLERATED_LOSS = 0.005
LEAST_GAIN = 0.005
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
    progress: Progress = _QUIET,
    identity: Mapping[str, str] | None = None,
) -> FineTuned:
    """Fine-tune ``base``, which isn't changed, on own tiles mixed with simulated ones.

    Of each mixture of weights the thresholds are chosen and the probabilities calibrated anew, on the own and the
    simulated validation tiles, where there are ENOUGH_TILES of the former with ENOUGH_AREAS; else they stay the base's.
    The base is kept, with its thresholds, where no mixture does better on the own validation tiles by LEAST_GAIN
    without losing more than TOLERATED_LOSS of IoU on the simulated ones. Raises InputError when the own validation
    tiles hold no area, so that nothing could be judged.
    """
    areas = count_areas(own.validation)
    if areas == 0:
        raise InputError(
            "The validation tiles of the sample set hold no labelled area, so nobody could tell whether fine-tuning "
            "helps. Create samples with a larger share of validation blocks, or label more areas."
        )
    tiles = MixedTiles(simulated_share, simulated.training, own.training)
    tuned, state = train(
        card, tiles, own.validation, options, checkpoint, progress.part(0, 0.9), start=base, identity=identity
    )
    rest = progress.part(0.9, 1)
    settling = None
    if settles(own.validation, areas):
        settling = Concatenated((own.validation, simulated.validation))
    else:
        rest.info(
            f"{len(own.validation)} validation tiles with {areas} areas are too few to settle thresholds (it takes "
            f"{ENOUGH_TILES} tiles with {ENOUGH_AREAS} areas): those of the model that was started from stay."
        )
    candidates = _candidates(base, tuned, card, own.validation, simulated.validation, settling, rest)
    chosen = choose(candidates)
    _tell(candidates[0], chosen, rest)
    network, card = _settled(base, tuned, card, chosen.share, settling)
    return FineTuned(network, card, state, candidates, chosen, chosen.share > 0 and settling is not None)


def settles(tiles: Sequence[LabelledTile], areas: int) -> bool:
    """Whether validation tiles that hold so many areas are enough to choose thresholds by."""
    return areas >= ENOUGH_AREAS and len(tiles) >= ENOUGH_TILES


def count_areas(tiles: Sequence[LabelledTile]) -> int:
    """The number of labelled areas (8-connected pixels) in the tiles; one on an edge between two counts twice."""
    from scipy.ndimage import label

    return sum(int(label(tile.label == 1, structure=np.ones((3, 3)))[1]) for tile in tiles)


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


def _settled(
    base: Network, tuned: Network, card: ModelCard, share: float, settling: Sequence[LabelledTile] | None
) -> tuple[Network, ModelCard]:
    """The mixture, calibrated, and the card with its thresholds; the base and whatever can't be settled keep theirs."""
    network = mixture(base, tuned, share)
    if share > 0 and settling is not None:
        calibrate(network, card, settling)
        threshold, low = choose_thresholds(card, judged_tiles(network, card, settling))
        card = replace(card, threshold=threshold, low_threshold=low)
    return network, card


def _candidates(
    base: Network,
    tuned: Network,
    card: ModelCard,
    own: Sequence[LabelledTile],
    simulated: Sequence[LabelledTile],
    settling: Sequence[LabelledTile] | None,
    progress: Progress,
) -> tuple[Candidate, ...]:
    """The base and each mixture, judged as it would be used: by its areas at its own thresholds."""
    results = []
    for index, share in enumerate((0.0, *SHARES)):
        progress.report(index / (len(SHARES) + 1))
        network, rules = _settled(base, tuned, card, share, settling)
        own_iou, simulated_iou = (_iou(network, rules, tiles, progress) for tiles in (own, simulated))
        results.append(Candidate(share, rules.threshold, rules.low_threshold, own_iou, simulated_iou))
    return tuple(results)


def _iou(network: Network, card: ModelCard, tiles: Sequence[LabelledTile], progress: Progress) -> float:
    """Pixel IoU of the areas that the card's rules give; 0 where it can't be told."""
    answers = []
    for tile in tiles:
        progress.check()
        answers += judged_tiles(network, card, [tile])
    return judge(card, answers).get("iou", 0.0)


def _tell(base: Candidate, chosen: Candidate, progress: Progress) -> None:
    if chosen is base:
        progress.warning(
            f"Fine-tuning did not improve the model on the validation tiles (IoU {base.own_iou:.3f}) without losing "
            "elsewhere: the weights it was started from are kept. More labels, or a longer training, may help."
        )
        return
    progress.info(
        f"Own validation tiles: IoU {base.own_iou:.3f} before, {chosen.own_iou:.3f} after. Simulated ones: "
        f"{base.simulated_iou:.3f} before, {chosen.simulated_iou:.3f} after. {100 * chosen.share:.0f} % of the way "
        "to the tuned weights."
    )
