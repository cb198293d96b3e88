"""Tiles of the second family: in its own noise, and in that of real rates."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...models import IGNORED
from ...satellite import DAYS_PER_YEAR, Viewing, to_los_rate, to_phase_rate
from ...types import Array, Mask, PathLike
from ..terrain import Terrain
from ..tiles import Tile
from .bodies import Body, draw_bodies
from .fields import JudgingField, crop, read_judging_fields
from .ground import HEADINGS, Ground, drawn_viewing, given_sensitivity
from .pairs import measure, motion_phases
from .surroundings import OTHER_KINDS, Surroundings, draw_surroundings

PER_KM2 = 0.1
"""Landslides that are tried per km², a tenth of the tiles being empty."""
LEAST_PEAK = 8.0
"""mm/yr along the line of sight that a landslide reaches at least, to be asked for."""
_LEAST_CONTRAST = 3.0
_STILL = 1.0
_OF_ONE_ORBIT = {"lost cycles", "snow"}
_INTERVALS = (6.0, 12.0, 12.0, 24.0, 24.0, 36.0)


@dataclass(frozen=True)
class HeldApartTile(Tile):
    """A tile with what each pixel is of: ``identity`` numbers landslides from 1 on, ``other_kinds`` indexes
    OTHER_KINDS. Metadata tells of each landslide its kind, peak LOS rate (mm/yr), area (km²) and whether its sign
    changes."""

    identity: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    other_kinds: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))


@dataclass(frozen=True)
class Slides:
    """The landslides of a tile: numbers, LOS rates (mm/yr toward) and speeds (mm/yr), all (h, w)."""

    bodies: tuple[Body, ...]
    identity: NDArray[np.int32]
    los_rate: Array
    speed: Array

    @classmethod
    def of(cls, bodies: tuple[Body, ...], viewing: Viewing, shape: tuple[int, ...]) -> Slides:
        """Bodies as a satellite sees them, on ground of a shape."""
        identity = np.zeros(shape, np.int32)
        los_rate, speed = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for number, body in enumerate(bodies, 1):
            identity[body.window][body.inside] = number
            los_rate[body.window] += body.los_rate(viewing.to_satellite)
            speed[body.window] += np.sqrt((body.velocity**2).sum(axis=0))
        return cls(bodies, identity, los_rate, speed)

    def facts(self, pixel_size: float) -> dict[str, Any]:
        """What metadata tell of each."""
        rates = [self.los_rate[self.identity == number] for number in range(1, len(self.bodies) + 1)]
        peaks = [float(np.abs(own).max()) for own in rates]
        return {
            "kinds": tuple(body.kind for body in self.bodies),
            "peaks": tuple(peaks),
            "areas": tuple(float(body.inside.sum()) * pixel_size**2 / 1e6 for body in self.bodies),
            "two_signs": tuple(bool(min(own.max(), -own.min()) > 0.25 * peak) for own, peak in zip(rates, peaks)),
        }


@dataclass(frozen=True)
class _Seen:
    """The ground of a tile and what one orbit sees there."""

    terrain: Terrain
    place: str
    viewing: Viewing
    hidden: Mask
    slides: Slides
    other: Surroundings


def truth(slides: Slides, hidden: Mask, noise: Array, pixel_size: float) -> NDArray[np.uint8]:
    """Labels (h, w): 1 on whole landslides, slow parts and both signs alike, 255 on what nobody could see.

    That is: pixels in layover or shadow, or that hardly move; landslides of which half is hidden, whose LOS rate stays
    under LEAST_PEAK, or is under three times what the noise (rad/yr) of squares of their size has against its
    surroundings.
    """
    label = np.zeros(slides.identity.shape, np.uint8)
    for number in range(1, len(slides.bodies) + 1):
        own = slides.identity == number
        seen = own & ~hidden
        label[own] = IGNORED
        if 2 * seen.sum() < own.sum() or float(np.abs(slides.los_rate[seen]).max()) < LEAST_PEAK:
            continue
        contrast = float(np.sqrt(np.mean(np.square(to_phase_rate(slides.los_rate[seen])))))
        if contrast < _LEAST_CONTRAST * _noise_of_squares(noise, math.sqrt(float(own.sum()))):
            continue
        label[seen & (slides.speed >= max(_STILL, 0.02 * float(slides.speed[own].max())))] = 1
    return label


def _noise_of_squares(noise: Array, side: float) -> float:
    """The spread of means over squares of that side in pixels against squares five times as wide."""
    from scipy.ndimage import uniform_filter

    width = max(1, round(0.7 * side))
    contrast = uniform_filter(noise, width) - uniform_filter(noise, min(5 * width, noise.shape[0] - 1))
    return float(1.4826 * np.median(np.abs(contrast)))


def _both_viewings(rng: np.random.Generator) -> tuple[Viewing, Viewing]:
    """An ascending and a descending one."""
    ascending, descending = (
        Viewing(float(heading + rng.normal(0, 1.5)), float(rng.uniform(31, 45))) for heading in HEADINGS
    )
    return ascending, descending


def _count(rng: np.random.Generator, size: int, pixel_size: float, per_km2: float) -> int:
    if rng.random() < 0.1:
        return 0
    return int(rng.poisson(per_km2 * (size * pixel_size / 1000) ** 2))


@dataclass
class SecondFamilyTiles:
    """Tile number ``index`` of the set of ``seed``: ground from DEMs, all else of the second family.

    Without ``dem_paths`` (files) the ground is generated. ``other_motion``: whether there is any. Pickles without what
    it has read.
    """

    seed: int
    dem_paths: Sequence[PathLike] = ()
    size: int = 256
    pixel_size: float = 30.0
    per_km2: float = PER_KM2
    other_motion: bool = True
    _ground: Ground | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ground": None}

    def __call__(self, index: int) -> HeldApartTile:
        """Tile number ``index`` ≥ 0."""
        rng = np.random.default_rng([self.seed, 5501, index])
        terrain, place = self._drawn_ground(rng)
        viewing = drawn_viewing(rng)
        hidden = viewing.hidden(terrain.dem, terrain.pixel_size)
        bodies = draw_bodies(rng, terrain, _count(rng, self.size, self.pixel_size, self.per_km2))
        slides = Slides.of(bodies, viewing, terrain.dem.shape)
        other = Surroundings.quiet(terrain.dem.shape)
        if self.other_motion:
            other = draw_surroundings(rng, terrain, viewing, slides.identity > 0)
        return self._seen(rng, _Seen(terrain, place, viewing, hidden, slides, other), index)

    def both_orbits(self, index: int) -> tuple[HeldApartTile, HeldApartTile]:
        """The same ground, landslides and other motion seen from the ascending and from the descending orbit.

        Noise, networks of pairs, lost cycles and snow are each orbit's own.
        """
        rng = np.random.default_rng([self.seed, 5503, index])
        terrain, place = self._drawn_ground(rng)
        bodies = draw_bodies(rng, terrain, _count(rng, self.size, self.pixel_size, self.per_km2))
        ascending, descending = (
            self._from_orbit(number, viewing, terrain, place, bodies, index)
            for number, viewing in enumerate(_both_viewings(rng))
        )
        return ascending, descending

    def _from_orbit(
        self, number: int, viewing: Viewing, terrain: Terrain, place: str, bodies: tuple[Body, ...], index: int
    ) -> HeldApartTile:
        """One of both orbits' tiles."""
        own, shared = (np.random.default_rng([self.seed, 5504 + part, index]) for part in (number, 2))
        hidden = viewing.hidden(terrain.dem, terrain.pixel_size)
        slides = Slides.of(bodies, viewing, terrain.dem.shape)
        other = Surroundings.quiet(terrain.dem.shape)
        if self.other_motion:
            taken, moving = slides.identity > 0, set(OTHER_KINDS) - _OF_ONE_ORBIT
            other = draw_surroundings(shared, terrain, viewing, taken, moving, other)
            other = draw_surroundings(own, terrain, viewing, taken, _OF_ONE_ORBIT, other)
        return self._seen(own, _Seen(terrain, place, viewing, hidden, slides, other), index)

    def _drawn_ground(self, rng: np.random.Generator) -> tuple[Terrain, str]:
        if self._ground is None:
            self._ground = Ground(self.seed, self.size, self.pixel_size, tuple(map(str, self.dem_paths)))
        return self._ground.draw(rng)

    def _seen(self, rng: np.random.Generator, seen: _Seen, index: int) -> HeldApartTile:
        """What pairs of one orbit make of it."""
        terrain, viewing, hidden, slides, other = seen.terrain, seen.viewing, seen.hidden, seen.slides, seen.other
        measured = measure(rng, terrain, slides.los_rate, slides.identity, other.los_rate, hidden, other.coherence)
        apparent = to_phase_rate(other.apparent_rate)
        phase_rate = measured.phase_rate + apparent
        gaps = other.gaps | (measured.coherence < rng.uniform(0.08, 0.2))
        if rng.random() < 0.5:
            gaps |= hidden
        los_rate = _reduced(rng, phase_rate, terrain.pixel_size)
        los_rate[gaps | (measured.coherence < rng.uniform(0.1, 0.3))] = np.nan
        layers = {
            "phase_rate": phase_rate + np.float32(rng.uniform(-4, 4)),
            "los_rate": los_rate,
            "standard_error": np.hypot(measured.standard_error, np.abs(other.apparent_rate) * other.unclosed),
            "coherence": measured.coherence.copy(),
            "closure": 1 - (1 - measured.closure) * (1 - other.unclosed),
        }
        for values in layers.values():
            values[gaps] = np.nan
        layers |= {
            "dem": terrain.dem,
            "slope": terrain.slope,
            "los_sensitivity": given_sensitivity(rng, terrain, viewing),
        }
        label = truth(slides, hidden, measured.noise, self.pixel_size)
        metadata = {
            "seed": self.seed,
            "index": index,
            "region": seen.place,
            "orbit": viewing.orbit,
            "heading": viewing.heading,
            "incidence": viewing.incidence,
            "landslides": len(slides.bodies),
            **slides.facts(self.pixel_size),
        }
        return HeldApartTile(
            {name: values.astype(np.float32) for name, values in layers.items()},
            label,
            slides.los_rate,
            other.los_rate,
            self.pixel_size,
            metadata,
            identity=slides.identity,
            other_kinds=other.kind.astype(np.uint8),
        )


def _reduced(rng: np.random.Generator, phase_rate: Array, pixel_size: float) -> Array:
    """A LOS rate (mm/yr) less a part of its wide part, as filters leave it, and less its median."""
    from scipy.ndimage import uniform_filter

    los = to_los_rate(phase_rate)
    if rng.random() < 0.7:
        width = max(3, int(rng.uniform(1500, 6000) / pixel_size))
        los = los - np.float32(rng.uniform(0.3, 0.9)) * uniform_filter(los, width)
    return np.asarray(los - np.float32(np.median(los) + rng.normal(0, 1)), np.float32)


@dataclass
class SecondFamilyInRealNoise:
    """Tile number ``index`` of the set of ``seed``: landslides of the second family among real rates.

    ``fields``: a folder with ``fields.json``, of which those of the ``roles`` (and ``places``) are used, each place as
    often as another; ``fine``: only fine ones (True) or only others (False). Whatever moves in the fields counts as
    noise, so other motion isn't added. ``per_km2`` of 0 leaves the rates as they are.
    """

    seed: int
    dem_paths: Sequence[PathLike] = ()
    fields: PathLike = ""
    roles: Collection[str] = ("validation",)
    places: Collection[str] = ()
    fine: bool | None = None
    size: int = 256
    pixel_size: float = 30.0
    per_km2: float = PER_KM2
    _ground: Ground | None = field(default=None, repr=False)
    _fields: list[JudgingField] = field(default_factory=list, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ground": None, "_fields": []}

    def __call__(self, index: int) -> HeldApartTile:
        """Tile number ``index`` ≥ 0."""
        if not self._fields:
            read = read_judging_fields(self.fields, self.roles, self.pixel_size, self.places)
            self._fields = [own for own in read if self.fine is None or own.is_fine == self.fine]
            if not self._fields:
                raise InputError("{fields} holds no noise field with such pixels.", fields=self.fields)
        if self._ground is None:
            self._ground = Ground(self.seed, self.size, self.pixel_size, tuple(map(str, self.dem_paths)))
        rng = np.random.default_rng([self.seed, 5502, index])
        terrain, region = self._ground.draw(rng)
        viewing = drawn_viewing(rng)
        hidden = viewing.hidden(terrain.dem, terrain.pixel_size)
        bodies = draw_bodies(rng, terrain, _count(rng, self.size, self.pixel_size, self.per_km2))
        slides = Slides.of(bodies, viewing, terrain.dem.shape)
        place = str(rng.choice(sorted({own.place for own in self._fields})))
        of_place = [own for own in self._fields if own.place == place]
        noise_field = of_place[int(rng.integers(len(of_place)))]
        noise = crop(rng, noise_field, self.size)
        phase, kept = seen_in_pairs(rng, slides.los_rate, slides.identity)
        layers = {
            "phase_rate": noise["phase_rate"] + phase + np.float32(rng.uniform(-4, 4)),
            "los_rate": noise.get("los_rate", to_los_rate(noise["phase_rate"])) + to_los_rate(phase),
        }
        for name in ("standard_error", "coherence", "closure"):
            layers[name] = noise.get(name, np.full(hidden.shape, np.nan, np.float32)).copy()
        layers["coherence"] *= kept
        # A core that has lost its coherence has lost its rate, too, in some products.
        gone = (kept < 0.3) & (rng.random() < 0.4)
        if rng.random() < 0.5:
            gone |= hidden
        for values in layers.values():
            values[gone] = np.nan
        layers |= {
            "dem": terrain.dem,
            "slope": terrain.slope,
            "los_sensitivity": given_sensitivity(rng, terrain, viewing),
        }
        known = noise["phase_rate"]
        middle = np.nanmedian(known) if np.isfinite(known).any() else 0.0
        label = truth(slides, hidden, np.nan_to_num(known - np.float32(middle)), self.pixel_size)
        metadata = {
            "seed": self.seed,
            "index": index,
            "region": region,
            "noise": noise_field.name,
            "place": place,
            "orbit": viewing.orbit,
            "heading": viewing.heading,
            "incidence": viewing.incidence,
            "landslides": len(bodies),
            **slides.facts(self.pixel_size),
        }
        return HeldApartTile(
            {name: values.astype(np.float32) for name, values in layers.items()},
            label,
            slides.los_rate,
            np.zeros_like(terrain.dem),
            self.pixel_size,
            metadata,
            identity=slides.identity,
            other_kinds=np.full(hidden.shape, OTHER_KINDS.index("none"), np.uint8),
        )


def seen_in_pairs(rng: np.random.Generator, los_rate: Array, bodies: NDArray[np.int32]) -> tuple[Array, Array]:
    """The phase rate (rad/yr, away) that equation 1 makes of pairs of 6–36 days, and the share of coherence left."""
    intervals = np.array(_INTERVALS)
    years = intervals / DAYS_PER_YEAR
    seen = motion_phases(rng, los_rate, bodies, intervals)
    rate = np.einsum("i,ijk->jk", years, seen.phases) / (years @ years)
    return np.asarray(rate, np.float32), seen.coherence
