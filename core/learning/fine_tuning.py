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
from numpy.typing import NDArray

from ..errors import InputError
from ..model_card import ModelCard
from ..progress import Progress
from ..raster import PathLike
from ..tile_scores import LabelledTile, TileSource
from .checkpoints import TrainingState
from .evaluation import best_threshold, calibrate, choose_thresholds, judged_tiles, probability_histogram, scores_at
from .mixtures import Concatenated, MixedTiles, spread
from .networks import Network
from .training import TrainingOptions, train

_QUIET = Progress()
SHARES = (0.25, 0.5, 0.75, 1.0)
TOLERATED_LOSS = 0.01
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
    """A mixture of weights, ``share`` of them tuned, and its pixel IoU on both grounds at one ``threshold``.

    ``simulated_best_iou`` is that at the threshold which suits it best on simulated tiles.
    """

    share: float
    threshold: float
    own_iou: float
    simulated_iou: float
    simulated_best_iou: float = 0.0


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

    The base's weights are kept where no mixture does better on the own validation tiles by LEAST_GAIN without
    losing more than TOLERATED_LOSS of IoU on the simulated ones. Thresholds are chosen and probabilities calibrated
    anew, on own and as many simulated validation tiles, where there are ENOUGH_TILES of the former with ENOUGH_AREAS;
    else they stay the base's. Raises InputError when the own validation tiles hold no area, so that nothing could be
    judged.
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
    enough = settles(own.validation, areas)
    candidates = _judged_mixtures(base, tuned, card, own.validation, simulated.validation, enough, rest)
    chosen = choose(candidates)
    _tell(candidates[0], chosen, rest)
    network = mixture(base, tuned, chosen.share)
    if enough:
        both = Concatenated((own.validation, spread(simulated.validation, len(own.validation))))
        calibrate(network, card, both)
        threshold, low = choose_thresholds(card, judged_tiles(network, card, both))
        card = replace(card, threshold=threshold, low_threshold=low)
    else:
        rest.info(
            f"{len(own.validation)} validation tiles with {areas} areas are too few to settle thresholds (it takes "
            f"{ENOUGH_TILES} tiles with {ENOUGH_AREAS} areas): those of the model that was started from stay."
        )
    return FineTuned(network, card, state, candidates, chosen, enough)


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
        and candidate.simulated_best_iou >= base.simulated_best_iou - TOLERATED_LOSS
        and candidate.own_iou >= base.own_iou + LEAST_GAIN
    ]
    return max(allowed, key=lambda candidate: candidate.own_iou, default=base)


def _judged_mixtures(
    base: Network,
    tuned: Network,
    card: ModelCard,
    own: Sequence[LabelledTile],
    simulated: Sequence[LabelledTile],
    free_threshold: bool,
    progress: Progress,
) -> tuple[Candidate, ...]:
    """The base and each mixture, at the threshold that suits the base on simulated tiles or, if free, each itself."""
    results = []
    usual = 0.5
    for index, share in enumerate((0.0, *SHARES)):
        progress.report(index / (len(SHARES) + 1))
        network = mixture(base, tuned, share)
        grounds = [_histogram(network, card, tiles, progress) for tiles in (own, simulated)]
        if share == 0 and grounds[1][1].any():
            usual = best_threshold(grounds[1])
        threshold = _common_threshold(grounds) if free_threshold else usual
        own_iou, simulated_iou = (float(np.nan_to_num(scores_at(ground, threshold).iou)) for ground in grounds)
        # At a threshold that suits nobody, all networks look alike: what was forgotten shows at the best.
        best_iou = float(np.nan_to_num(scores_at(grounds[1], best_threshold(grounds[1])).iou))
        results.append(Candidate(share, threshold, own_iou, simulated_iou, best_iou))
    return tuple(results)


def _histogram(
    network: Network, card: ModelCard, tiles: Sequence[LabelledTile], progress: Progress
) -> NDArray[np.int64]:
    histogram = np.zeros((2, 1000), np.int64)
    for tile in tiles:
        progress.check()
        histogram += probability_histogram(network, card, [tile])
    return histogram


def _common_threshold(grounds: Sequence[NDArray[np.int64]]) -> float:
    """The hundredth at which the mean IoU over the grounds is highest: one model, one threshold for both."""
    thresholds = np.arange(1, 100) / 100
    ious = [[np.nan_to_num(scores_at(ground, float(t)).iou) for t in thresholds] for ground in grounds]
    return float(thresholds[int(np.argmax(np.mean(ious, axis=0)))])


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
