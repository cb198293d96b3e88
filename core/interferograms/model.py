"""Interferograms, stacks of them, and what is known about a pair of acquisitions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from ..errors import InputError
from ..raster import BandOrMosaic, Grid, Mosaic
from ..satellite import DAYS_PER_YEAR, orbit_of


@dataclass(frozen=True)
class Acquisition:
    """What a product tells about a pair: metres and degrees, None where it doesn't tell.

    ``perpendicular_baseline`` belongs to the dates in the order of the product's own name. ``heading`` is the
    direction of flight clockwise from north, ``look_side`` the side of it to which the radar looks ("right" or "left"),
    ``incidence`` the angle between the line of sight and the vertical.
    ``ascending`` is for products that tell the orbit but not the heading, ``notes`` for what could not be read.
    ``track`` is the number of the relative orbit, ``seconds`` the UTC time of day at which the scene was passed.
    """

    perpendicular_baseline: float | None = None
    wavelength: float | None = None
    heading: float | None = None
    incidence: float | None = None
    ascending: bool | None = None
    track: int | None = None
    seconds: float | None = None
    look_side: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_ascending(self) -> bool | None:
        """True on the way north, False on the way south, None where nothing tells."""
        return self.ascending if self.heading is None else orbit_of(self.heading) == "ascending"


@dataclass(frozen=True)
class Interferogram:
    """One unwrapped interferogram of an earlier and a later date.

    ``phase`` is in radians and scaled so that φ > 0 means that range grew (motion away from the satellite) from the
    first to the second date; ``coherence`` is scaled to 0..1; both are mosaics where the pair consists of several
    files side by side. ``perpendicular_baseline`` (metres) is that of the second date relative to the first.
    ``components`` are the unwrapper's connected components, numbered from 1, those of the n-th file of a mosaic from
    1000·n, no data where a pixel belongs to none. Raises InputError for dates out of order.
    """

    phase: BandOrMosaic
    first_date: date
    second_date: date
    product: str
    perpendicular_baseline: float | None = None
    coherence: BandOrMosaic | None = None
    wavelength: float | None = None
    heading: float | None = None
    incidence: float | None = None
    look_side: str | None = None
    components: BandOrMosaic | None = None

    def __post_init__(self) -> None:
        if self.first_date >= self.second_date:
            raise InputError(
                "{label}: the first date {first_date} isn't before the second {second_date}.",
                label=self.phase.label,
                first_date=self.first_date,
                second_date=self.second_date,
            )
        if self.wavelength is not None and not 0 < self.wavelength < math.inf:
            raise InputError(
                "{label}: the radar wavelength {wavelength} m isn't positive.",
                label=self.phase.label,
                wavelength=self.wavelength,
            )

    @property
    def name(self) -> str:
        """The pair as "20180106_20180130"."""
        return f"{self.first_date:%Y%m%d}_{self.second_date:%Y%m%d}"

    @property
    def files(self) -> int:
        """How many files side by side the pair consists of."""
        return len(self.phase.parts) if isinstance(self.phase, Mosaic) else 1

    @property
    def days(self) -> int:
        """The temporal baseline in days."""
        return (self.second_date - self.first_date).days

    @property
    def years(self) -> float:
        """The temporal baseline in years of 365.25 days."""
        return self.days / DAYS_PER_YEAR


@dataclass(frozen=True)
class Stack:
    """Interferograms in the order of their dates, the grid to read them on, and what had to be assumed.

    Every band is read with ``BandReader(band, stack.grid)``. ``wavelength`` is in metres. ``notes`` are sentences
    for the log and the report. Raises InputError without interferograms or with a pair that occurs twice.
    """

    interferograms: tuple[Interferogram, ...]
    grid: Grid
    wavelength: float
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.interferograms:
            raise InputError("A stack needs at least one interferogram.")
        pairs = [(item.first_date, item.second_date) for item in self.interferograms]
        if pairs != sorted(set(pairs)):
            raise InputError("The interferograms of a stack must be in the order of their dates, each pair once.")

    @property
    def sources(self) -> list[str]:
        """What GDAL opens to read the stack, each once."""
        kept = [(item.phase, item.coherence, item.components) for item in self.interferograms]
        bands = [band for pair in kept for band in pair if band is not None]
        parts = [part.band for band in bands for part in (band.parts if isinstance(band, Mosaic) else ())]
        paths = [band.path for band in (*parts, *bands) if not isinstance(band, Mosaic)]
        return list(dict.fromkeys(paths))

    @property
    def dates(self) -> tuple[date, ...]:
        """All acquisition dates, in order."""
        return tuple(sorted({day for item in self.interferograms for day in (item.first_date, item.second_date)}))
