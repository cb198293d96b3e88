"""What areas are like (rate, size, orientation to the line of sight), and the scores of those that are alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

import numpy as np

from .accuracy import ObjectScores
from .area_attributes import Layers, los_rate_factor
from .components import Mask
from .judged_ground import Burner, JudgedGround, burn
from .nodata import with_undeclared_nodata
from .polygons import Ground
from .progress import Progress
from .raster import Array, BandReader, PathLike, Window
from .terrain import gradient, metres_per_unit
from .viewing import Viewing

_RATE_PERCENTILE = 95.0
_OCTANTS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class Properties:
    """What is measured of one outline, NaN where unknown.

    ``los_rate``: 95th percentile of |LOS rate| (mm/yr) over its pixels. ``los_sensitivity``: the share of downslope
    motion that the line of sight sees, −1…1. ``aspect``: direction of the mean downhill gradient, degrees clockwise
    from north. ``mapped``: the share of its pixels that was mapped. ``place``: its centroid as (row, column).
    """

    area_km2: float
    los_rate: float
    los_sensitivity: float
    aspect: float
    mapped: float
    place: tuple[float, float]
    longitude: float
    latitude: float


class Surveyor:
    """Measures outlines on the layers below them. Holds open files: use as a context manager, from one thread.

    ``los_sensitivity``: a raster of it; without one it comes from the DEM's mean gradient and ``viewing``.
    """

    def __init__(
        self,
        ground: JudgedGround,
        los_rate: PathLike | None,
        dem: PathLike | None,
        los_sensitivity: PathLike | None,
        viewing: Viewing | None,
        progress: Progress,
    ) -> None:
        self._ground, self._viewing, self._files = ground, viewing, ExitStack()
        bands = Layers(los_rate=los_rate, dem=dem).opened(progress)
        if los_sensitivity is not None:
            bands["los_sensitivity"] = with_undeclared_nodata(los_sensitivity, "LOS sensitivity", False, progress)
        self._readers = {name: self._files.enter_context(BandReader(band, ground.grid)) for name, band in bands.items()}
        self._factors = {"los_sensitivity": 1.0}
        if los_rate is not None:
            self._factors["los_rate"] = los_rate_factor(self._readers["los_rate"], progress)
        if dem is not None:
            self._factors["dem"] = metres_per_unit(self._readers["dem"].tags["unit"], dem, progress)
        self._on_ground = Ground(ground.grid.crs)

    def measure(self, outlines: Burner, progress: Progress) -> list[Properties]:
        """The properties of each outline, in order."""
        result = []
        for index in range(len(outlines.geometries)):
            if index % 64 == 0:
                progress.report(index / len(outlines.geometries))
            result.append(self._measured(outlines, index))
        return result

    def _measured(self, outlines: Burner, index: int) -> Properties:
        geometry, window = outlines.geometries[index], outlines.window(index)
        grid = self._ground.grid
        mask = burn([geometry], grid, window)
        if mask.size and not mask.any():
            # Smaller than a pixel, and no centre inside: the pixels that it touches stand for it.
            mask = np.ones_like(mask)
        longitude, latitude = self._on_ground.inner_point(geometry)
        centre = geometry.Centroid()
        x, dx, _, y, _, dy = grid.transform
        mapped = self._ground.mapped(window)[mask] if mask.any() else np.zeros(0, bool)
        sensitivity, aspect = self._orientation(window, mask)
        return Properties(
            area_km2=self._on_ground.area(geometry) / 1e6,
            los_rate=self._rate(window, mask),
            los_sensitivity=sensitivity,
            aspect=aspect,
            mapped=float(mapped.mean()) if mapped.size else 0.0,
            place=((centre.GetY() - y) / dy, (centre.GetX() - x) / dx),
            longitude=longitude,
            latitude=latitude,
        )

    def _values(self, name: str, window: Window, mask: Mask) -> Array | None:
        """The finite values of a layer in the mask, None where there are none."""
        if name not in self._readers or not mask.any():
            return None
        values = self._readers[name].read(window)[mask]
        finite = values[np.isfinite(values)]
        return finite * np.float32(self._factors[name]) if finite.size else None

    def _rate(self, window: Window, mask: Mask) -> float:
        rates = self._values("los_rate", window, mask)
        return math.nan if rates is None else float(np.percentile(np.abs(rates), _RATE_PERCENTILE))

    def _orientation(self, window: Window, mask: Mask) -> tuple[float, float]:
        """Sensitivity of the line of sight, and aspect."""
        east = north = math.nan
        if "dem" in self._readers and mask.any():
            padded = Window(window.column - 1, window.row - 1, window.width + 2, window.height + 2)
            heights = self._readers["dem"].read(padded) * np.float32(self._factors["dem"])
            dx, dy = self._ground.grid.metres_per_pixel(np.arange(window.row, window.row + window.height))
            to_east, to_south = gradient(heights, dx, dy)
            east, north = _mean(to_east[mask]), -_mean(to_south[mask])
        aspect = math.nan if east == north == 0 else math.degrees(math.atan2(-east, -north)) % 360
        given = self._values("los_sensitivity", window, mask)
        if given is not None:
            return float(given.mean()), aspect
        if self._viewing is None or not math.isfinite(aspect):
            return math.nan, aspect
        seen = self._viewing.downslope_sensitivity(np.array([east], np.float32), np.array([north], np.float32))
        return float(seen[0]), aspect

    def __enter__(self) -> Surveyor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan


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


UNKNOWN = "unknown"
BY_RATE = Classes(
    "los_rate",
    "|LOS rate| (mm/yr; 95th percentile of the area's pixels)",
    (0.0, 5.0, 10.0, 20.0, 50.0),
    ("below 5", "5–10", "10–20", "20–50", "above 50"),
)
BY_AREA = Classes(
    "area_km2", "Area (km²)", (0.0, 0.02, 0.05, 0.2), ("below 0.02", "0.02–0.05", "0.05–0.2", "above 0.2")
)
BY_SENSITIVITY = Classes(
    "los_sensitivity",
    "Orientation: share of downslope motion that the line of sight sees, |LOS sensitivity|",
    (0.0, 0.25, 0.5, 0.75),
    ("below 0.25", "0.25–0.5", "0.5–0.75", "above 0.75"),
)
BY_ASPECT = Classes("aspect", "Orientation: direction of descent", tuple(45.0 * i for i in range(8)), _OCTANTS)


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
