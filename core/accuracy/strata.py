"""What areas are like (rate, size, orientation to the line of sight), and the scores of those that are alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..texts import Message
from .measuring import Properties
from .scores import ObjectScores

_OCTANTS = (
    Message("north"), Message("north-east"), Message("east"), Message("south-east"), Message("south"),
    Message("south-west"), Message("west"), Message("north-west"),
)  # fmt: skip


class Classes(NamedTuple):
    """A property divided into classes: class i holds limits[i] ≤ value < limits[i + 1]."""

    key: str
    title: str
    limits: tuple[float, ...]
    labels: tuple[str, ...]

    def of(self, properties: Properties) -> str:
        """The label of the class; "unknown" where the property is."""
        value = getattr(properties, self.key)
        if self.key == "aspect":
            value = (value + 22.5) % 360
        elif self.key == "los_sensitivity":
            value = abs(value)
        if not math.isfinite(value):
            return UNKNOWN
        return self.labels[int(np.searchsorted(self.limits, value, "right")) - 1]


UNKNOWN = Message("unknown")
BY_RATE = Classes(
    "los_rate",
    Message("|LOS rate| (mm/yr; 95th percentile of the area's pixels)"),
    (0.0, 5.0, 10.0, 20.0, 50.0),
    (Message("below 5"), "5–10", "10–20", "20–50", Message("above 50")),
)
BY_AREA = Classes(
    "area_km2",
    Message("Area (km²)"),
    (0.0, 0.02, 0.05, 0.2),
    (Message("below 0.02"), "0.02–0.05", "0.05–0.2", Message("above 0.2")),
)
BY_SENSITIVITY = Classes(
    "los_sensitivity",
    Message("Orientation: share of downslope motion that the line of sight sees, |LOS sensitivity|"),
    (0.0, 0.25, 0.5, 0.75),
    (Message("below 0.25"), "0.25–0.5", "0.5–0.75", Message("above 0.75")),
)
BY_ASPECT = Classes("aspect", Message("Orientation: direction of descent"), tuple(45.0 * i for i in range(8)), _OCTANTS)


class Stratum(NamedTuple):
    """The areas of one class, found and true ones each by their own property."""

    classes: Classes
    label: str
    objects: ObjectScores


def stratify(
    classes: Classes,
    true: Iterable[tuple[Properties, bool]],
    found: Iterable[tuple[Properties, bool]],
) -> list[Stratum]:
    """The scores of each class, in order, those of unknown property last where there are any.

    ``true``: the true areas that count and whether each was found; ``found``: the found ones and whether each is right.
    """
    of_true: Sequence[tuple[str, bool]] = [(classes.of(properties), hit) for properties, hit in true]
    of_found: Sequence[tuple[str, bool]] = [(classes.of(properties), hit) for properties, hit in found]
    strata = []
    for label in (*classes.labels, UNKNOWN):
        hits = [hit for own, hit in of_true if own == label]
        right = [hit for own, hit in of_found if own == label]
        if label != UNKNOWN or hits or right:
            strata.append(Stratum(classes, label, ObjectScores(len(hits), len(right), sum(hits), sum(right))))
    return strata
