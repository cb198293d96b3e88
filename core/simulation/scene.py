"""A whole simulated scene: terrain, land cover, landslides and subsiding plains, and how each orbit sees them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import HEIGHTS, BandReader, Grid, Transformation, Window, checked_band, spatial_reference, utm_zone
from ..satellite import ASCENDING_HEADING, DESCENDING_HEADING, Viewing
from ..terrain import turned_to_grid
from ..types import Array, PathLike
from .atmosphere import FieldPool
from .landslides import (
    Landslides,
    bowl_los_rate,
    draw_bowl,
    draw_landslides,
    label_landslides,
    landslide_los_rate,
)
from .surface import LandCover, draw_land_cover
from .terrain import Terrain, eroded_terrain

SCENE_ORBITS: Mapping[str, tuple[str, ...]] = {
    "ascending": ("ascending",),
    "descending": ("descending",),
    "both": ("ascending", "descending"),
}
_HEADINGS = {"ascending": ASCENDING_HEADING, "descending": DESCENDING_HEADING}
SMALLEST_SCENE, LARGEST_SCENE = 128, 4096
MOST_DATES, MOST_LANDSLIDES, _MOST_NOISE = 1000, 20.0, 100.0
# Where generated terrain is put: UTM zone 32 north, at no particular place.
_GENERATED_CRS, _GENERATED_CORNER = "EPSG:32632", (500_000.0, 5_000_000.0)


@dataclass(frozen=True)
class SceneOptions:
    """What to simulate; InputError for what can't be.

    ``size``: pixels a side. ``pixel_size``: metres. ``dem``: a DEM to use in place of generated terrain.
    ``dates``: number of acquisitions from ``first_date`` on, ``repeat_days`` apart. ``orbit``: ascending,
    descending or both. ``landslides``: how many are tried per km². ``noise`` multiplies atmosphere and
    decorrelation; 0 leaves pure motion, without holes. ``incidence`` in degrees.
    """

    seed: int = 1
    size: int = 1024
    pixel_size: float = 30.0
    dem: PathLike | None = None
    dates: int = 24
    orbit: str = "descending"
    first_date: date = date(2022, 1, 5)
    repeat_days: int = 12
    landslides: float = 0.045
    noise: float = 1.0
    incidence: float = 38.0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        if not SMALLEST_SCENE <= self.size <= LARGEST_SCENE:
            raise InputError(
                "A scene of {size} pixels a side can't be made; choose {smallest}–{largest}.",
                size=self.size,
                smallest=SMALLEST_SCENE,
                largest=LARGEST_SCENE,
            )
        if not 5 <= self.pixel_size <= 200:
            raise InputError(
                "A pixel size of {pixel_size:g} m can't be simulated; choose 5–200 m.", pixel_size=self.pixel_size
            )
        if self.dates < 2:
            raise InputError("An interferogram needs two dates; ask for at least 2.")
        if self.dates > MOST_DATES:
            raise InputError(
                "{dates} dates can't be simulated; ask for at most {most}.", dates=self.dates, most=MOST_DATES
            )
        if self.orbit not in SCENE_ORBITS:
            raise InputError(
                "The orbit “{orbit}” is unknown; choose one of {orbits}.",
                orbit=self.orbit,
                orbits=", ".join(SCENE_ORBITS),
            )
        if not 1 <= self.repeat_days <= 60:
            raise InputError(
                "A repeat of {repeat_days} days can't be simulated; choose 1–60.", repeat_days=self.repeat_days
            )
        if not (0 <= self.landslides <= MOST_LANDSLIDES and 0 <= self.noise <= _MOST_NOISE):
            raise InputError(
                "The number of landslides per km² ({landslides:g}) must be from 0 to {most_landslides:g}, and the "
                "noise ({noise:g}) from 0 to {most_noise:g}.",
                landslides=self.landslides,
                most_landslides=MOST_LANDSLIDES,
                noise=self.noise,
                most_noise=_MOST_NOISE,
            )
        if not 20 <= self.incidence <= 60:
            raise InputError(
                "An incidence angle of {incidence:g}° can't be simulated; choose 20–60°.", incidence=self.incidence
            )

    @property
    def acquisition_dates(self) -> tuple[date, ...]:
        """The dates of the acquisitions."""
        return tuple(self.first_date + timedelta(days=i * self.repeat_days) for i in range(self.dates))

    def as_json(self) -> dict[str, Any]:
        """The options as plain values."""
        dem = os.fspath(self.dem) if self.dem else None
        return {**asdict(self), "dem": dem, "first_date": self.first_date.isoformat()}


@dataclass(frozen=True)
class OrbitView:
    """What one orbit sees: true LOS rate (mm/yr, toward), layover and shadow, labels (1, 0, 255) and peaks."""

    name: str
    viewing: Viewing
    los_rate: Array
    hidden: NDArray[np.bool_]
    label: NDArray[np.uint8]
    peaks: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """The ground of a scene on its grid; ``bowls`` is the vertical rate (mm/yr) and number of what subsides."""

    options: SceneOptions
    grid: Grid
    terrain: Terrain
    landslides: Landslides
    cover: LandCover
    bowl_rate: Array
    bowl_identity: NDArray[np.int32]

    @property
    def bowl_count(self) -> int:
        """Number of subsidence bowls."""
        return int(self.bowl_identity.max())

    def seen_from(self, orbit: str) -> OrbitView:
        """The scene as the ascending or the descending orbit sees it."""
        viewing = Viewing(_HEADINGS[orbit], self.options.incidence)
        # The terrain's directions are those of the grid, whose columns may point elsewhere where a DEM is given.
        in_grid = turned_to_grid(viewing, self.grid) if self.options.dem else viewing
        hidden = in_grid.hidden(self.terrain.dem, self.terrain.pixel_size)
        slides = landslide_los_rate(self.landslides, self.terrain, in_grid)
        label, peaks = label_landslides(self.landslides, slides, hidden)
        los_rate = slides + bowl_los_rate(self.bowl_rate, self.terrain.pixel_size, in_grid)
        return OrbitView(orbit, viewing, los_rate, hidden, label, peaks)


def make_scene(options: SceneOptions, progress: Progress = QUIET) -> Scene:
    """The ground of a scene; the same options give the same scene."""
    grid, dem = _generated_ground(options) if not options.dem else _given_ground(options, options.dem, progress)
    progress.report(0.5)
    terrain = Terrain(dem, options.pixel_size)
    rng = np.random.default_rng([options.seed, 11])
    extent = max(1024, math.ceil(1.1 * options.size))
    shapes = FieldPool(options.seed + 2, options.pixel_size, extent, 2, (-2.8, -3.2), 600.0, 4_000.0)
    kilometres = (options.size * options.pixel_size / 1000) ** 2
    landslides = draw_landslides(rng, terrain, shapes, round(options.landslides * kilometres))
    if not landslides.count:
        progress.warning("No slope of 8–45° has room for a landslide: the scene holds none.")
    progress.report(0.7)
    bowl_rate, bowl_identity = _bowls(rng, terrain, shapes, 1 + round(kilometres / 1500))
    if not bowl_identity.any():
        progress.warning("The terrain has no wide level ground: the scene holds no subsidence bowl.")
    textures = FieldPool(options.seed + 1, options.pixel_size, extent, 2, (-2.4, -2.8), 900.0, 5_000.0)
    cover = draw_land_cover(rng, terrain, textures)
    progress.report(1.0)
    return Scene(options, grid, terrain, landslides, cover, bowl_rate, bowl_identity)


@gdal_raises()
def _generated_ground(options: SceneOptions) -> tuple[Grid, Array]:
    dem = eroded_terrain(np.random.default_rng([options.seed, 10]), options.size, options.pixel_size)
    corner_x, corner_y = _GENERATED_CORNER
    transform = (corner_x, options.pixel_size, 0.0, corner_y, 0.0, -options.pixel_size)
    crs = spatial_reference(_GENERATED_CRS).ExportToWkt()
    return Grid(crs, transform, options.size, options.size), dem


def _given_ground(options: SceneOptions, path: PathLike, progress: Progress) -> tuple[Grid, Array]:
    """The middle of a DEM: its own grid where that is metric and has the wanted pixels, else UTM."""
    own = Grid.of(path)
    crs = utm_zone(*own.centre_lonlat) if own.is_geographic else own.crs
    reader_grid = None
    size, pixel = options.size, options.pixel_size
    if not own.is_geographic and abs(own.pixel_size / pixel - 1) < 0.01:
        column, row = (own.width - size) // 2, (own.height - size) // 2
        x, dx, _, y, _, dy = own.transform
        grid = Grid(own.crs, (x + column * dx, dx, 0.0, y + row * dy, 0.0, dy), size, size)
        window = Window(column, row, size, size)
    else:
        grid = reader_grid = _centred_grid(own, crs, size, pixel)
        window = Window(0, 0, size, size)
        progress.info(
            "{path} was resampled to {size} × {size} pixels of {pixel:g} m.", path=path, size=size, pixel=pixel
        )
    with BandReader(checked_band(path, HEIGHTS), reader_grid, "cubic") as reader:
        dem = reader.read(window)
    missing = ~np.isfinite(dem)
    if missing.any():
        if missing.mean() > 0.02:
            raise InputError(
                "{path} covers only {mean:.0f} % of a scene of {size} × {size} pixels of "
                "{pixel:g} m around its middle. Choose a smaller size or a larger DEM.",
                path=path,
                mean=100 * (1 - missing.mean()),
                size=size,
                pixel=pixel,
            )
        progress.warning(
            "{sum} pixels without elevation in {path} were filled from their neighbours.", sum=missing.sum(), path=path
        )
        dem = _filled(dem, missing)
    return grid, dem


@gdal_raises()
def _centred_grid(own: Grid, crs: str, size: int, pixel_size: float) -> Grid:
    x_min, y_min, x_max, y_max = own.bounds
    x, y = Transformation(own.crs, crs, own.name).point((x_min + x_max) / 2, (y_min + y_max) / 2)
    half = size * pixel_size / 2
    left, top = round((x - half) / pixel_size) * pixel_size, round((y + half) / pixel_size) * pixel_size
    return Grid(spatial_reference(crs).ExportToWkt(), (left, pixel_size, 0.0, top, 0.0, -pixel_size), size, size)


def _filled(dem: Array, missing: NDArray[np.bool_]) -> Array:
    """Each missing height from the nearest one that exists."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: Array = dem[tuple(nearest)]
    return filled


def _bowls(
    rng: np.random.Generator, terrain: Terrain, shapes: FieldPool, count: int
) -> tuple[Array, NDArray[np.int32]]:
    """Vertical rates (mm/yr) of subsidence bowls on level ground, and the number of the bowl of each pixel."""
    rate = np.zeros_like(terrain.dem)
    identity = np.zeros(terrain.dem.shape, np.int32)
    for _ in range(count):
        bowl = draw_bowl(rng, terrain, shapes, smallest=(1500.0, 30.0), margin=terrain.dem.shape[0] // 12)
        strong = (np.abs(bowl) > 5) & (identity == 0)
        if strong.sum() >= 20:
            rate += bowl
            identity[strong] = identity.max() + 1
    return rate, identity
