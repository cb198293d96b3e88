"""The chance that an area which a network finds is right, fitted on areas that were judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..accuracy import judged_areas
from ..areas import HECTARE, AreaCalibration, log_odds
from ..models import ModelCard
from ..types import Double
from .evaluation import Judged

FEWEST_AREAS = 10
"""Right ones and wrong ones, each, below which nothing is fitted."""
_PRIOR = (1.0, 0.0, 0.0)
_DOUBT = np.array([1.0, 0.01, 4.0])
"""How firmly the numbers of AreaCalibration are drawn to the prior, in areas: few must not make them boundless."""


@dataclass(frozen=True)
class FoundAreas:
    """Areas that a network found, all (n,): mean probability of their pixels, size (m²), and whether each is right."""

    mean_probability: Double
    square_metres: Double
    is_right: NDArray[np.bool_]


def found_areas(card: ModelCard, tiles: Sequence[Judged]) -> FoundAreas:
    """The areas of a network's answers by the card's rules, those that count; right as ``tile_objects`` judges them."""
    probabilities: list[float] = []
    pixels: list[int] = []
    right: list[bool] = []
    smallest = card.min_area / card.pixel_size**2
    for tile in tiles:
        for area in judged_areas(tile.found(card), tile.label, tile.counted, smallest):
            probabilities.append(float(tile.probability[area.pixels].mean(dtype=np.float64)))
            pixels.append(int(np.count_nonzero(area.pixels)))
            right.append(area.is_right)
    sizes = np.array(pixels, np.float64) * card.pixel_size**2
    return FoundAreas(np.array(probabilities, np.float64), sizes, np.array(right, bool))


def fit_area_calibration(areas: FoundAreas) -> AreaCalibration | None:
    """The calibration of the highest posterior, by Newton's method; None where there are too few areas to tell.

    A logistic regression on the log odds of the mean probability and the logarithm of the size (Platt 1999), drawn
    weakly to chances that are the mean probabilities.
    """
    right = areas.is_right.astype(np.float64)
    if min(right.sum(), len(right) - right.sum()) < FEWEST_AREAS:
        return None
    odds = np.array([log_odds(float(value)) for value in areas.mean_probability])
    design = np.stack([odds, np.ones_like(odds), np.log(areas.square_metres / HECTARE)])
    numbers = np.array(_PRIOR)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(numbers @ design, -50, 50)))
        gradient = design @ (chance - right) + _DOUBT * (numbers - _PRIOR)
        hessian = (design * (chance * (1 - chance))) @ design.T + np.diag(_DOUBT)
        step = np.linalg.solve(hessian, gradient)
        numbers -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    slope, offset, size = (float(value) for value in numbers)
    return AreaCalibration(max(slope, 0.0), offset, size)


def calibration_error(calibration: AreaCalibration | None, areas: FoundAreas, bins: int = 5) -> float:
    """The mean distance between the chance that is claimed and the share that is right, over bins of as many areas.

    NaN without areas. Without a calibration the mean probabilities are claimed.
    """
    if not len(areas.is_right):
        return float("nan")
    claimed = areas.mean_probability
    if calibration is not None:
        pairs = zip(areas.mean_probability, areas.square_metres)
        claimed = np.array([calibration.chance(float(probability), float(size)) for probability, size in pairs])
    order = np.argsort(claimed, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    distances = [abs(float(claimed[part].mean() - areas.is_right[part].mean())) * len(part) for part in parts]
    return float(sum(distances) / len(order))
