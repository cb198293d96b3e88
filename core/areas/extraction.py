"""Areas: polygons of connected pixels of a probability raster, on exact pixel edges, with their attributes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import PROBABILITY, Band, BandReader, Grid, Window, checked_band, limited_cache, require_crs
from ..types import Mask, PathLike
from ..vectors import GroundMeasures, polygonize, round_corners
from .agreement import FUSED_TAG
from .area import FIELDS, Area, numbered
from .attributes import Layers, measure
from .calibration import AREA_CALIBRATION_TAG, AreaCalibration, told_chance
from .components import MaskSource, find_components

# The nominal size of a projected pixel and its size on the ground may differ by this much.
_SIZE_TOLERANCE = 0.05


@dataclass(frozen=True)
class AreaRules:
    """What makes an area: pixels of at least ``low_threshold`` that hang together (8-connected) and hold one of
    at least ``threshold``, and at least ``min_area`` square metres of them on the ground. ``smooth`` rounds the
    corners of the polygons. Raises InputError for impossible numbers.
    """

    threshold: float = 0.5
    low_threshold: float = 0.3
    min_area: float = 5000.0
    smooth: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.low_threshold <= self.threshold <= 1:
            raise InputError(
                "The low threshold ({low_threshold:g}) and the threshold ({threshold:g}) must lie between "
                "0 and 1, and the low one must not be above the other.",
                low_threshold=self.low_threshold,
                threshold=self.threshold,
            )
        if not self.min_area >= 0:
            raise InputError("The smallest area ({min_area:g} m²) must not be negative.", min_area=self.min_area)


_RULE_NAMES = {
    "threshold": "Threshold {:g}",
    "low_threshold": "Lower threshold {:g}",
    "min_area": "Smallest area {:g} m²",
}


def rules_for(
    probability: PathLike,
    threshold: float | None = None,
    low_threshold: float | None = None,
    min_area: float | None = None,
    smooth: bool = False,
    progress: Progress = QUIET,
) -> AreaRules:
    """The rules with what is None taken from the probability's band, where its model advises it, or the defaults.

    The band tags are THRESHOLD, LOW_THRESHOLD and MIN_AREA. A low threshold that nobody chose is lowered to the
    threshold where it would lie above it.
    """
    with BandReader(probability) as reader:
        tags = reader.tags
    chosen = {"threshold": threshold, "low_threshold": low_threshold, "min_area": min_area}
    numbers: dict[str, float] = {}
    for name, value in chosen.items():
        if value is not None:
            numbers[name] = value
            continue
        try:
            numbers[name] = float(tags[name.upper()])
            progress.info("{format}, as the model advises.", format=_RULE_NAMES[name].format(numbers[name]))
        except (KeyError, ValueError):
            numbers[name] = getattr(AreaRules, name)
    if low_threshold is None:
        numbers["low_threshold"] = min(numbers["low_threshold"], numbers["threshold"])
    return AreaRules(**numbers, smooth=smooth)


def _are_advised(rules: AreaRules, tags: Mapping[str, str]) -> bool:
    """True where the thresholds are those that the model of a probability advises."""
    try:
        advised = [float(tags[name]) for name in ("THRESHOLD", "LOW_THRESHOLD")]
    except (KeyError, ValueError):
        return False
    return bool(np.allclose(advised, (rules.threshold, rules.low_threshold), atol=1e-6))


class _ProbabilityMasks:
    """The pixels above the two thresholds of a probability raster."""

    def __init__(self, reader: BandReader, rules: AreaRules) -> None:
        self._reader = reader
        self._rules = rules
        self.has_data = False

    @property
    def grid(self) -> Grid:
        return self._reader.grid

    def read(self, first: int, rows: int) -> tuple[Mask, Mask]:
        values = self._reader.read(Window(0, first, self.grid.width, rows))
        self.has_data = self.has_data or bool(np.isfinite(values).any())
        return values >= np.float32(self._rules.low_threshold), values >= np.float32(self._rules.threshold)


def extract_areas(
    probability: PathLike,
    rules: AreaRules = AreaRules(),
    orbit: str = "",
    los_rate: PathLike | None = None,
    slope: PathLike | None = None,
    dem: PathLike | None = None,
    progress: Progress = QUIET,
) -> tuple[Area, ...]:
    """The areas of a probability raster (0..1, NaN or nodata where unknown), the largest first.

    Polygons are in the CRS of the probability; the other layers may have any grid. No area is a valid result.
    Memory is bounded by a block of rows. Raises InputError for a raster without CRS, without data or with
    values outside 0..1.
    """
    source = checked_band(probability, PROBABILITY, progress, may_be_empty=True)
    layers = Layers(source, los_rate, slope, dem, *_bands_of_orbits(source))
    with limited_cache(), BandReader(source) as reader:
        require_crs(reader.grid, probability)
        masks = _ProbabilityMasks(reader, rules)
        calibration = AreaCalibration.from_text(reader.tags.get(AREA_CALIBRATION_TAG, ""))
        areas = vectorize(masks, layers, rules.min_area, 1, orbit, rules.smooth, progress, calibration)
        progress.info(told_chance(calibration, not _are_advised(rules, reader.tags)))
        if not masks.has_data:
            raise InputError(
                "{probability} holds no data at all. Check the layers that it was made from.", probability=probability
            )
    return areas


def _bands_of_orbits(probability: Band) -> tuple[Band, ...]:
    """The bands of each orbit beside a probability that was made of two; none beside others."""
    with BandReader(probability) as reader:
        if FUSED_TAG not in reader.tags or reader.band_count < probability.index + 2:
            return ()
    bands = (replace(probability, index=probability.index + number, kind=None) for number in (1, 2))
    return tuple(checked_band(band, PROBABILITY, may_be_empty=True) for band in bands)


@gdal_raises()
def vectorize(
    masks: MaskSource,
    layers: Layers,
    min_area: float,
    min_pixels: int,
    orbit: str,
    smooth: bool,
    progress: Progress,
    calibration: AreaCalibration | None = None,
) -> tuple[Area, ...]:
    """The connected pixels of the masks as areas of at least that many square metres and pixels.

    ``calibration`` makes of the mean probability the chance that an area is right; without one the two are the same.
    """
    grid = masks.grid
    east, north = grid.metres_per_pixel()
    largest_pixel = float((east * north).max()) * (1 + _SIZE_TOLERANCE)
    components = find_components(masks, max(min_pixels, min_area / largest_pixel), progress.part(0.0, 0.35))
    if components.count == 0:
        progress.report(1.0)
        return ()
    with tempfile.TemporaryDirectory(prefix="ada_mapper_") as folder:
        labels = Path(folder) / "labels.tif"
        statistics = measure(components, layers, labels, progress.part(0.35, 0.75))
        geometries = polygonize(labels, components.count, progress.part(0.75, 0.95))
    ground = GroundMeasures(grid.crs)
    areas = []
    for label, geometry in enumerate(geometries, 1):
        if label % 256 == 0:
            progress.report(0.95 + 0.05 * label / components.count)
        square_metres = ground.area(geometry)
        if square_metres < min_area:
            continue
        longitude, latitude = ground.inner_point(geometry)
        attributes = statistics.attributes(label)
        chance = attributes["probability_mean"]
        if calibration is not None and isinstance(chance, float):
            chance = calibration.chance(chance, square_metres)
        measured = {
            "orbit": orbit,
            "area_km2": square_metres / 1e6,
            "longitude": longitude,
            "latitude": latitude,
            "area_probability": chance,
            **attributes,
        }
        outline = round_corners(geometry, grid) if smooth else geometry
        areas.append(Area(bytes(outline.ExportToWkb()), measured))
    progress.report(1.0)
    return numbered(areas, [field.name for field in FIELDS])
