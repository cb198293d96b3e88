"""Semi-real scenes: simulated landslides added to real rates, so that their noise is a region's own.

Landslides are drawn on pixels that are square in metres: the rates' own where these are, else (as in degrees) ones
that differ only in their width. The rates themselves are never resampled: what is written minus what was read is the
landslides' rate.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..models import IGNORED
from ..progress import QUIET, Progress
from ..raster import BandDescription, Grid, RasterWriter, write_array
from ..satellite import Viewing, to_phase_rate, viewing_tags
from ..terrain import los_sensitivity_to_file, slope_to_file, turned_to_grid
from ..texts import Message
from ..types import Array, PathLike
from .atmosphere import FieldPool
from .folder import DONE, written_together
from .landslides import (
    SLOPE_LIMITS,
    Landslides,
    draw_landslides,
    ignore_drowned,
    label_landslides,
    landslide_los_rate,
)
from .real_ground import Columns, foreign_heights, heights_under, square_grid, without_gaps
from .real_rates import RealRates, pixels_of, read_rates
from .scene import OrbitView
from .terrain import Terrain
from .truth import write_truth

_LEAST_SEEN = 0.5
# The longest window that a landslide's outline is drawn in, metres.
_LONGEST_OUTLINE = 7_000.0
_FILES = ("phase_rate.tif", "los_rate.tif", "dem.tif", "slope.tif", "los_sensitivity.tif", "true_areas.gpkg")


@dataclass(frozen=True)
class SemiRealOptions:
    """What is added to what; InputError for what can't be.

    ``phase_rate`` and ``los_rate`` are the real rates, ``viewing`` from where they were seen. ``elsewhere``: the DEM is
    of another place, whose slopes are laid under the rates. ``landslides``: how many are tried per km² with data.
    ``excluded``: WKT of the areas known to move, in ``excluded_crs``, where none is put.
    """

    phase_rate: PathLike
    dem: PathLike
    viewing: Viewing
    los_rate: PathLike | None = None
    seed: int = 1
    landslides: float = 0.2
    elsewhere: bool = False
    excluded: str = ""
    excluded_crs: str = ""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        if not 0 < self.landslides <= 5:
            raise InputError(
                "{landslides:g} landslides per km² can't be placed; choose above 0 and up to 5.",
                landslides=self.landslides,
            )

    def as_json(self) -> dict[str, Any]:
        """The options as plain values, files by their names alone."""
        return {
            "seed": self.seed,
            "phase_rate": Path(self.phase_rate).name,
            "los_rate": None if self.los_rate is None else Path(self.los_rate).name,
            "dem": Path(self.dem).name,
            "dem_of_another_place": self.elsewhere,
            "heading": self.viewing.heading,
            "incidence": self.viewing.incidence,
            "landslides_per_km2": self.landslides,
            "excluded": self.excluded or None,
        }


@dataclass(frozen=True)
class SemiRealSummary:
    """What was written: landslides placed, true areas, and those that are too slow, hidden or lost in the noise."""

    folder: Path
    landslides: int
    true_areas: int

    def __str__(self) -> str:
        return Message(
            "{landslides} simulated landslides were added to the real rates in {folder}: {true_areas} "
            "true areas; the other {hidden} are too slow, hidden from the satellite or "
            "lost in the noise, and are in the layer “ignored”.",
            landslides=self.landslides,
            folder=self.folder,
            true_areas=self.true_areas,
            hidden=self.landslides - self.true_areas,
        )


@dataclass(frozen=True)
class _AllowedTerrain(Terrain):
    """Terrain that moves only where it may."""

    allowed: NDArray[np.bool_]

    @cached_property
    def motion_slope(self) -> Array:
        """Slope of the smoothed terrain in degrees, 0 where nothing may move."""
        slope: Array = np.where(self.allowed, super().motion_slope, np.float32(0))
        return slope


@dataclass(frozen=True)
class _Relief:
    dem: Array
    slope: Array


@dataclass(frozen=True)
class SemiRealScene:
    """Landslides among real rates, all (h, w) on the rates' grid; see SemiRealOptions and scene.OrbitView."""

    options: SemiRealOptions
    rates: RealRates
    terrain: _Relief
    landslides: Landslides
    view: OrbitView

    @property
    def grid(self) -> Grid:
        """That of the rates."""
        return self.rates.grid

    @property
    def bowl_rate(self) -> Array:
        """Nothing subsides that was not there before."""
        return np.zeros_like(self.rates.phase_rate)

    @property
    def bowl_identity(self) -> NDArray[np.int32]:
        """No bowls."""
        return np.zeros(self.rates.phase_rate.shape, np.int32)

    @property
    def added_phase_rate(self) -> Array:
        """The phase rate of the landslides, rad/yr, positive away."""
        return to_phase_rate(self.view.los_rate, self.rates.wavelength)


def simulate_semi_real(
    output_folder: PathLike,
    options: SemiRealOptions,
    progress: Progress = QUIET,
) -> SemiRealSummary:
    """Write a semi-real scene: rates with landslides, terrain, LOS sensitivity and ``true_areas.gpkg``.

    The folder must be new, empty, or hold an earlier simulated scene, which is replaced. The same options and files
    give the same scene. Nothing appears in the folder before all is written.
    """
    folder = Path(output_folder)
    with written_together(folder) as work:
        scene = make_semi_real(options, progress.part(0.0, 0.6))
        wavelength = ("WAVELENGTH_METRES", f"{scene.rates.wavelength:.10g}")
        view = viewing_tags(options.viewing)
        for name, values, unit, sign in (
            ("phase_rate", scene.rates.phase_rate + scene.added_phase_rate, "rad/yr", "away"),
            ("los_rate", scene.rates.los_rate + scene.view.los_rate, "mm/yr", "toward"),
        ):
            band = BandDescription(name, unit, (("SIGN", sign), wavelength, *view))
            with RasterWriter(work / f"{name}.tif", scene.grid, [band], compress=False) as writer:
                writer.write(values)
        write_array(work / "dem.tif", scene.grid, scene.terrain.dem, BandDescription("dem", "m"))
        slope_to_file(work / "dem.tif", work / "slope.tif", progress=progress.part(0.6, 0.7))
        sensitivity = work / "los_sensitivity.tif"
        los_sensitivity_to_file(work / "dem.tif", sensitivity, options.viewing, progress=progress.part(0.7, 0.8))
        true_areas = write_truth(work / "true_areas.gpkg", scene, [scene.view], progress.part(0.8, 1.0))
        summary = SemiRealSummary(folder, scene.landslides.count, true_areas)
        text = {
            "what": "Real rates with simulated landslides, made by ADA Mapper. Only the areas in true_areas are ours.",
            "options": options.as_json(),
            "landslides": summary.landslides,
            "true_areas": summary.true_areas,
            "contents": sorted([*_FILES, DONE]),
        }
        (work / DONE).write_text(json.dumps(text, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return summary


def make_semi_real(options: SemiRealOptions, progress: Progress = QUIET) -> SemiRealScene:
    """The landslides of a semi-real scene on its grid; the same options and files give the same."""
    rates = read_rates(options.phase_rate, options.los_rate, progress)
    progress.report(0.2)
    square, pixel_size = square_grid(rates.grid)
    columns = Columns(rates.grid.width, square.width)
    rng = np.random.default_rng([options.seed, 31])
    dem = _heights(options, square, pixel_size, rng, progress)
    known, dem = np.isfinite(dem), without_gaps(dem)
    excluded = np.zeros(rates.phase_rate.shape, bool)
    if options.excluded:
        excluded = pixels_of(options.excluded, options.excluded_crs, rates.grid)
    _tell(options, excluded, progress)
    progress.report(0.4)
    measured = np.isfinite(rates.phase_rate) & ~excluded
    allowed = columns.to_square(measured) & known
    terrain = _AllowedTerrain(dem, pixel_size, allowed)
    landslides = _place(rng, terrain, options, columns.to_square(excluded))
    progress.report(0.7)
    viewing = turned_to_grid(options.viewing, square, progress)
    hidden = viewing.hidden(dem, pixel_size)
    slides = landslide_los_rate(landslides, terrain, viewing)
    label, peaks = label_landslides(landslides, slides, hidden)
    noise = without_gaps(columns.to_square(rates.phase_rate))
    phase_of_slides = to_phase_rate(slides, rates.wavelength)
    label, _ = ignore_drowned(label, landslides, phase_of_slides, noise, pixel_size)
    seen = columns.linear(slides), columns.nearest(hidden), columns.nearest(label), peaks
    view = OrbitView(options.viewing.orbit, options.viewing, *seen)
    on_grid = Landslides(columns.linear(landslides.speed), columns.nearest(landslides.identity), landslides.count)
    known_heights = np.where(known, dem, np.float32(np.nan))
    relief = _Relief(columns.linear(known_heights), columns.linear(np.where(known, terrain.slope, np.float32(np.nan))))
    scene = SemiRealScene(options, rates, relief, *_with_known_motion(on_grid, view, excluded))
    progress.report(1.0)
    return scene


def _tell(options: SemiRealOptions, excluded: NDArray[np.bool_], progress: Progress) -> None:
    if options.elsewhere:
        progress.info(
            "The slopes of {dem} are laid under the rates of another place: noise that goes with the region's "
            "own relief doesn't go with these.",
            dem=options.dem,
        )
    if excluded.any():
        progress.info("No landslide is put on {mean:.1%} of the scene, which was excluded.", mean=excluded.mean())
    progress.info(
        "Whatever else moves in the real rates counts as no landslide: exclude areas that are known to move, or "
        "finding them is counted as a false alarm."
    )


def _heights(
    options: SemiRealOptions, square: Grid, pixel_size: float, rng: np.random.Generator, progress: Progress
) -> Array:
    """Heights in metres on square pixels, NaN where they are unknown."""
    if options.elsewhere:
        heights = foreign_heights(options.dem, (square.height, square.width), pixel_size, rng)
    else:
        heights = heights_under(square, options.dem, progress)
    if not np.isfinite(heights).any():
        raise InputError(
            "{dem} has no elevation where the phase rate ({phase_rate}) is. Choose a DEM of that "
            "place, or say that the DEM is of another place.",
            dem=options.dem,
            phase_rate=options.phase_rate,
        )
    return heights


def _place(
    rng: np.random.Generator, terrain: _AllowedTerrain, options: SemiRealOptions, excluded: NDArray[np.bool_]
) -> Landslides:
    """Landslides on allowed slopes, without what has no data; those that reach into excluded areas are left out."""
    slope = terrain.motion_slope
    if not ((slope > SLOPE_LIMITS[0]) & (slope < SLOPE_LIMITS[1])).any():
        raise InputError(
            "No slope of {least:g}–{most:g}° has both a rate and elevations, so no landslide can "
            "be placed. In a flat region, give a DEM of mountains and say that it is of another place.",
            least=SLOPE_LIMITS[0],
            most=SLOPE_LIMITS[1],
        )
    extent = max(1024, math.ceil(_LONGEST_OUTLINE / terrain.pixel_size))
    shapes = FieldPool(options.seed + 2, terrain.pixel_size, extent, 2, (-2.8, -3.2), 600.0, 4_000.0)
    kilometres = terrain.allowed.sum() * terrain.pixel_size**2 / 1e6
    drawn = draw_landslides(rng, terrain, shapes, max(1, round(options.landslides * kilometres)))
    pixels = np.bincount(drawn.identity.ravel(), minlength=drawn.count + 1)
    seen = np.bincount(drawn.identity[terrain.allowed], minlength=drawn.count + 1)
    kept = (seen >= _LEAST_SEEN * pixels) & ~np.isin(np.arange(drawn.count + 1), drawn.identity[excluded])
    kept[0] = False
    if not kept.any():
        raise InputError(
            "No landslide found room on the slopes that have data. Choose another seed or more landslides per km²."
        )
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    identity = np.where(terrain.allowed, numbers[drawn.identity], 0).astype(np.int32)
    return Landslides(np.where(identity > 0, drawn.speed, np.float32(0)), identity, int(kept.sum()))


def _with_known_motion(
    landslides: Landslides, view: OrbitView, excluded: NDArray[np.bool_]
) -> tuple[Landslides, OrbitView]:
    """The excluded areas as numbered objects above the landslides, labelled as neither right nor wrong."""
    from scipy import ndimage

    parts, _ = ndimage.label(excluded)
    identity = np.where(excluded, landslides.count + parts, landslides.identity).astype(np.int32)
    label = np.where(excluded, IGNORED, view.label).astype(np.uint8)
    labelled = OrbitView(view.name, view.viewing, view.los_rate, view.hidden, label, view.peaks)
    return Landslides(landslides.speed, identity, landslides.count), labelled
