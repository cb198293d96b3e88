"""The accuracy of found areas and of the probability that they came from, against true areas of the same ground.

Pixel scores come from one pooled confusion matrix of the ground that was mapped, object scores from polygons
(``accuracy.matched_areas``). The classical detector is judged on the same ground wherever a LOS rate is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from osgeo import ogr

from ..areas import AreaRules, ClassicalRules, classical_areas, extract_areas, outlines_of, rules_for
from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import EQUAL_AREA_CRS, LOS_RATE, PROBABILITY, Band, Grid, checked_band, limited_cache, require_crs
from ..satellite import Viewing
from ..texts import Message
from ..types import PathLike
from ..vectors import Burner, Outlines
from .calibration import ProbabilityCounts, Reliability, ThresholdCurve
from .figures import CLASSICAL, DOWNHILL, Column, Counts, DetectorScores, empty_counts, scores_of
from .ground import JudgedGround, Regions, grid_around, require_one_place
from .matching import MATCH_IOU, AreaMatches, matched_areas
from .measuring import AreaMeasurer, Properties
from .strata import BY_AREA, BY_ASPECT, BY_RATE, BY_SENSITIVITY, Stratum, stratify

FOUND: str = Message("areas found")
HIT, MISS, FALSE_ALARM, RIGHT, NOT_COUNTED = "hit", "miss", "false alarm", "hit as found", "not counted"
_MIN_MAPPED = 0.5
# Softmax sums in float32 may pass 1 by a little.
_FEW_REGIONS = 10
_MANY_PARTS = 4


@dataclass(frozen=True)
class AssessmentData:
    """What is judged and by what. Needs true areas, and found areas or a probability.

    ``found``: the areas to judge; without them they are extracted from the probability. ``ignored``: ground that is
    neither right nor wrong to report. ``extent``: the ground that was mapped; without it, where the probability (else
    the LOS rate) has data. ``los_rate`` and ``slope`` are for the classical detector beside it and for the strata by
    rate; ``los_sensitivity`` is for the classical detector of downhill motion and for the strata by orientation, and
    ``dem`` with ``viewing`` for these alone. Rasters may have any grid.
    """

    true: Outlines
    found: Outlines | None = None
    probability: PathLike | None = None
    ignored: Outlines | None = None
    extent: Outlines | None = None
    los_rate: PathLike | None = None
    slope: PathLike | None = None
    dem: PathLike | None = None
    los_sensitivity: PathLike | None = None
    viewing: Viewing | None = None

    def __post_init__(self) -> None:
        if self.found is None and self.probability is None:
            raise InputError("There is nothing to judge: give found areas, a probability raster, or both.")
        if not self.true.polygons:
            raise InputError(
                "The layer of true areas holds no polygons, so there is nothing to judge by. Check that it is the "
                "right layer and that no filter hides its features."
            )


@dataclass(frozen=True)
class AssessmentOptions:
    """``rules`` of the areas of the probability (None: as its model advises), the smallest intersection over union of a
    match, the side of the regions (m) and the seed of the intervals' bootstrap."""

    rules: AreaRules | None = None
    min_iou: float = MATCH_IOU
    region_metres: float = 5000.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.min_iou <= 1:
            raise InputError(
                "The smallest intersection over union ({min_iou:g}) must lie between 0 and 1.", min_iou=self.min_iou
            )
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        if not 0 < self.region_metres < math.inf:
            raise InputError("Regions of {region_metres:g} m are impossible.", region_metres=self.region_metres)


@dataclass(frozen=True)
class JudgedArea:
    """One outline (WKB in the grid's CRS) and what became of it: HIT, MISS (true areas), RIGHT, FALSE_ALARM (found
    ones) or NOT_COUNTED; ``iou`` is the largest with any area of the other set."""

    polygon: bytes
    is_true: bool
    result: str
    iou: float
    properties: Properties


@dataclass(frozen=True)
class Judgement:
    """One detector: its scores, those of areas that are alike, and each area."""

    scores: DetectorScores
    strata: tuple[Stratum, ...]
    areas: tuple[JudgedArea, ...]


@dataclass(frozen=True)
class Assessment:
    """All figures. ``judgements``: the found areas, the classical detector where a LOS rate was given, and that of
    downhill motion where a LOS sensitivity was, too.

    ``reliability`` and ``curve`` are None without a probability; ``threshold`` is then None too. ``sources`` are the
    inputs and settings as a person reads them, ``notes`` what should be known.
    """

    judgements: tuple[Judgement, ...]
    grid: Grid
    reliability: Reliability | None
    curve: ThresholdCurve | None
    threshold: float | None
    options: AssessmentOptions
    data: AssessmentData
    notes: tuple[str, ...]

    @property
    def found(self) -> Judgement:
        """The judgement of the found areas."""
        return self.judgements[0]

    @property
    def classical(self) -> Judgement | None:
        """That of the classical detector: of both, where there are two, the one of the higher IoU."""
        return max(self.judgements[1:], key=lambda own: np.nan_to_num(own.scores.figures["iou"].value), default=None)


@gdal_raises()
def assess(
    data: AssessmentData, options: AssessmentOptions = AssessmentOptions(), progress: Progress = QUIET
) -> Assessment:
    """Judge found areas; memory is bounded by a block of rows, apart from the polygons.

    An area counts when at least half of it lies on mapped ground. Raises InputError for inputs that can't be read or
    don't share any mapped ground.
    """
    notes: list[str] = []
    noting = _noting(progress, notes)
    data = replace(
        data,
        true=_with_area(data.true, Message("true areas"), noting),
        found=None if data.found is None else _with_area(data.found, Message("areas found"), noting),
    )
    rules = options.rules
    if data.probability is not None and rules is None:
        rules = rules_for(data.probability, progress=progress)
    detectors = {FOUND: _found(data, rules, progress.part(0.0, 0.2))}
    if data.los_rate is not None:
        detectors.update(_classical(data, data.los_rate, noting.part(0.2, 0.45)))
    else:
        noting.info("No LOS rate was given, so the classical detector can't stand beside these figures.")
    grid = _grid(data, detectors[FOUND])
    counter = None if data.probability is None else ProbabilityCounts()
    with limited_cache(), JudgedGround(grid, _mapped_by(data, noting), data.extent, data.true, progress) as ground:
        regions = Regions.not_too_many(grid, options.region_metres, noting)
        burners = {name: Burner(outlines, grid, progress=progress) for name, outlines in detectors.items()}
        _require_on_ground(ground.truth, burners[FOUND], data.found is not None)
        ignored = Burner(data.ignored, grid, progress=progress)
        if ignored.geometries and not ignored.meets_grid:
            noting.warning("None of the ignored ground lies on the ground that was mapped: nothing is ignored for it.")
        counts = _count_pixels(ground, regions, burners, ignored, counter, noting.part(0.45, 0.75))
        if not ground.is_known:
            noting.info("How much ground was mapped isn't known, so false alarms per 100 km² aren't either.")
        with AreaMeasurer(ground, data.los_rate, data.dem, data.los_sensitivity, data.viewing, noting) as measurer:
            true = measurer.measure(ground.truth, progress.part(0.75, 0.85))
            judgements = []
            for name, burner in burners.items():
                judged = _Judging(
                    true=_Side(True, data.true, ground.truth, true),
                    found=_Side(False, detectors[name], burner, measurer.measure(burner, progress.part(0.85, 0.95))),
                    ignored=data.ignored,
                )
                judgements.append(judged.judgement(name, counts[name], regions, options, progress))
    _remark(judgements[0], regions, noting)
    progress.report(1.0)
    return Assessment(
        judgements=tuple(judgements),
        grid=grid,
        reliability=None if counter is None else counter.reliability(),
        curve=None if counter is None else counter.curve(),
        threshold=None if counter is None or rules is None else rules.threshold,
        options=replace(options, rules=rules if data.found is None else options.rules),
        data=data,
        notes=tuple(dict.fromkeys(notes)),
    )


def _noting(progress: Progress, notes: list[str]) -> Progress:
    """The progress, with its messages also kept."""

    def info(message: str) -> None:
        notes.append(message)
        progress.info(message)

    def warning(message: str) -> None:
        notes.append(message)
        progress.warning(message)

    return replace(progress, on_info=info, on_warning=warning)


def _with_area(outlines: Outlines, name: str, progress: Progress) -> Outlines:
    """The outlines without those that cover nothing, such as lines drawn as polygons, which is told."""
    geometries = outlines.geometries(outlines.crs, progress)
    kept = tuple(polygon for polygon, geometry in zip(outlines.polygons, geometries) if not geometry.IsEmpty())
    if len(kept) < len(outlines.polygons):
        progress.warning(
            "Of the {name}, {count} cover no ground and are left out.",
            name=name,
            count=len(outlines.polygons) - len(kept),
        )
    return outlines if len(kept) == len(outlines.polygons) else replace(outlines, polygons=kept)


def _found(data: AssessmentData, rules: AreaRules | None, progress: Progress) -> Outlines:
    """The areas to judge, as given or from the probability."""
    if data.found is not None or data.probability is None or rules is None:
        return data.found or Outlines((), EQUAL_AREA_CRS)
    return outlines_of(extract_areas(data.probability, rules, progress=progress), Grid.of(data.probability).crs)


def _classical(data: AssessmentData, los_rate: PathLike, progress: Progress) -> dict[str, Outlines]:
    """What the classical detector finds with its own rules, of any motion and of downhill motion, by name.

    One that can't be run is left out, which is told.
    """
    sensitivities = {CLASSICAL: None, DOWNHILL: data.los_sensitivity}
    if data.los_sensitivity is None:
        del sensitivities[DOWNHILL]
        progress.info("With the LOS sensitivity, the classical detector of downhill motion would stand beside, too.")
    found = {}
    for number, (name, sensitivity) in enumerate(sensitivities.items()):
        own = progress.part(number / len(sensitivities), (number + 1) / len(sensitivities))
        try:
            areas = classical_areas(los_rate, data.slope, ClassicalRules(), progress=own, los_sensitivity=sensitivity)
        except InputError as error:
            progress.warning("The {name} can't stand beside these figures: {error}", name=name, error=error)
            continue
        found[name] = outlines_of(areas, Grid.of(los_rate).crs)
    return found


def _require_on_ground(true: Burner, found: Burner, is_given: bool) -> None:
    """InputError where a layer lies wholly elsewhere than the ground that is judged."""
    for burner, name, is_asked in ((true, Message("true areas"), True), (found, Message("areas found"), is_given)):
        if is_asked and burner.geometries and not burner.meets_grid:
            raise InputError(
                "None of the {name} ({count}) lies on the ground that was mapped. Check that the layers show the same "
                "place and that their coordinate reference systems are right.",
                count=len(burner.geometries),
                name=name,
            )


def _grid(data: AssessmentData, found: Outlines) -> Grid:
    """The grid of the probability, else of the LOS rate, else one around the polygons."""
    for path in (data.probability, data.los_rate):
        if path is not None:
            grid = Grid.of(path)
            require_crs(grid, path)
            return grid
    if data.extent is None:
        require_one_place(data.true, found)
    around = grid_around([data.true, found] if data.extent is None else [data.extent])
    if around is None:
        raise InputError("There are no polygons at all: neither found nor true areas. Check the layers.")
    return around


def _mapped_by(data: AssessmentData, progress: Progress) -> Band | None:
    """The raster that tells where the ground was mapped."""
    if data.probability is not None:
        return checked_band(data.probability, PROBABILITY, progress)
    if data.los_rate is None or data.extent is not None:
        return None
    return checked_band(data.los_rate, LOS_RATE, progress)


def _count_pixels(
    ground: JudgedGround,
    regions: Regions,
    detectors: Mapping[str, Burner],
    ignored: Burner,
    counter: ProbabilityCounts | None,
    progress: Progress,
) -> dict[str, Counts]:
    """The pixel columns and the mapped ground of each region for each detector; true wins over ignored."""
    counts = {name: empty_counts(regions.count) for name in detectors}
    east, north = ground.grid.metres_per_pixel()
    km2 = east * north / 1e6
    for first, window in ground.blocks(progress):
        data = ground.data(window)
        truth = ground.truth.mask(window)
        counted = ground.mapped(window, data) & (truth | ~ignored.mask(window))
        if counter is not None and data is not None:
            counter.add(data, truth, counted)
        area = regions.sums(counted, first, km2[first : first + window.height])
        for name, burner in detectors.items():
            found = burner.mask(window)
            for column, mask in (
                (Column.TRUE_POSITIVE, found & truth),
                (Column.FALSE_POSITIVE, found & ~truth),
                (Column.FALSE_NEGATIVE, truth & ~found),
                (Column.TRUE_NEGATIVE, ~(truth | found)),
            ):
                counts[name][:, column] += regions.sums(mask & counted, first)
            counts[name][:, Column.MAPPED_KM2] += area if ground.is_known else np.nan
    if not any(np.nan_to_num(values).any() for values in counts.values()):
        raise InputError(
            "No ground can be judged: the mapped extent and the rasters have none in common, or hold no data. Check "
            "that they show the same place and that their coordinate reference systems are right."
        )
    return counts


@dataclass(frozen=True)
class _Side:
    """The true or the found areas: as given, on the grid, and measured."""

    is_true: bool
    outlines: Outlines
    burner: Burner
    properties: Sequence[Properties]

    def areas(self, results: Sequence[str], ious: Sequence[float]) -> list[JudgedArea]:
        """Each with its result; one that lies mostly outside the mapped ground is not counted."""
        items = zip(self.burner.geometries, results, ious, self.properties)
        return [
            JudgedArea(
                bytes(geometry.ExportToWkb()),
                self.is_true,
                result if properties.mapped >= _MIN_MAPPED else NOT_COUNTED,
                iou,
                properties,
            )
            for geometry, result, iou, properties in items
        ]


@dataclass(frozen=True)
class _Judging:
    """Found areas of one detector against the true ones."""

    true: _Side
    found: _Side
    ignored: Outlines | None

    def judgement(
        self, name: str, counts: Counts, regions: Regions, options: AssessmentOptions, progress: Progress
    ) -> Judgement:
        """Scores, strata and each area; the areas' columns of ``counts`` are filled in."""
        matches = self._matches(options.min_iou, progress)
        true = self.true.areas([HIT if hit else MISS for hit in matches.true_found], matches.true_iou)
        found = self.found.areas(
            [
                RIGHT if right else FALSE_ALARM if counted else NOT_COUNTED
                for right, counted in zip(matches.found_right, matches.found_counted)
            ],
            matches.found_iou,
        )
        sides = (
            (true, HIT, Column.TRUE_COUNT, Column.MATCHED_TRUE),
            (found, RIGHT, Column.FOUND_COUNT, Column.MATCHED_FOUND),
        )
        for areas, good, every, matched in sides:
            for area in areas:
                if area.result != NOT_COUNTED:
                    region = regions.at(*area.properties.place)
                    counts[region, every] += 1
                    counts[region, matched] += area.result == good
        return Judgement(scores_of(name, counts, options.seed, progress), _strata(true, found), (*true, *found))

    def _matches(self, min_iou: float, progress: Progress) -> AreaMatches:
        ignored = () if self.ignored is None else self.ignored.geometries(EQUAL_AREA_CRS, progress)
        found, true = (side.outlines.geometries(EQUAL_AREA_CRS, progress) for side in (self.found, self.true))
        return matched_areas(found, true, min_iou, ignored, progress)


def _strata(true: Sequence[JudgedArea], found: Sequence[JudgedArea]) -> tuple[Stratum, ...]:
    """The scores by each property that is known of any area; by aspect where the sensitivity isn't."""
    of_true = [(area.properties, area.result == HIT) for area in true if area.result != NOT_COUNTED]
    of_found = [(area.properties, area.result == RIGHT) for area in found if area.result != NOT_COUNTED]
    every = [properties for properties, _ in (*of_true, *of_found)]
    known = [
        classes
        for classes in (BY_RATE, BY_AREA, BY_SENSITIVITY, BY_ASPECT)
        if np.isfinite([getattr(properties, classes.key) for properties in every]).any()
    ]
    if BY_SENSITIVITY in known and BY_ASPECT in known:
        known.remove(BY_ASPECT)
    return tuple(stratum for classes in known for stratum in stratify(classes, of_true, of_found))


def _remark(judgement: Judgement, regions: Regions, progress: Progress) -> None:
    """Tell what should be known about the figures of the found areas."""
    apart = [area for area in judgement.areas if area.result == NOT_COUNTED]
    for name, is_true in (("true", True), ("found", False)):
        outside = [a for a in apart if a.is_true == is_true and a.properties.mapped < _MIN_MAPPED]
        if outside:
            progress.info(
                "Mostly outside the mapped ground, and not counted: {count} {name} areas.",
                count=len(outside),
                name=name,
            )
    parts = [ogr.CreateGeometryFromWkb(a.polygon).GetGeometryCount() for a in judgement.areas if a.is_true]
    if max(parts, default=1) >= _MANY_PARTS:
        progress.info(
            "A true area of several parts counts as one: the largest number of parts is {parts}. If they are "
            "several landslides, separate them (Multipart to singleparts).",
            parts=max(parts),
        )
    weak = [area for area in apart if area.properties.mapped >= _MIN_MAPPED]
    if weak:
        progress.info(
            "Found areas that match none but touch ignored ground, and were not counted: {count}.", count=len(weak)
        )
    objects = judgement.scores.objects
    found = [area for area in judgement.areas if not area.is_true]
    if objects.true_count == 0:
        progress.warning("No true area lies on the mapped ground: recall and IoU can't be told.")
    elif not found:
        progress.warning("There are no areas found: all true areas count as missed.")
    elif not any(area.iou > 0 for area in found):
        progress.warning(
            "None of the areas found ({found}) touches any of the true areas ({true}). Check that both layers show the "
            "same place, and that their coordinate reference systems are right.",
            found=len(found),
            true=objects.true_count,
        )
    if judgement.scores.regions < _FEW_REGIONS:
        progress.info(
            "The intervals rest on {regions} regions of {side:g} km only: take them as rough.",
            regions=judgement.scores.regions,
            side=regions.side / 1000,
        )
