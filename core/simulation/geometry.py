"""How a right-looking radar satellite sees motion of the ground: line of sight, layover and shadow.

Vectors are (east, north, up); angles are in degrees, headings clockwise from north; rates toward the satellite
are positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..interferograms.model import SENTINEL1_WAVELENGTH
from ..raster import Array

ASCENDING_HEADING = 348.0
DESCENDING_HEADING = 192.0


@dataclass(frozen=True)
class Viewing:
    """The direction of flight and the incidence angle of a right-looking radar, both in degrees."""

    heading: float
    incidence: float

    def __post_init__(self) -> None:
        if not 0 < self.incidence < 90:
            raise InputError(f"An incidence angle of {self.incidence}° is impossible; Sentinel-1 has 30–46°.")

    @property
    def orbit(self) -> str:
        """ "ascending" when the satellite flies northward, else "descending"."""
        return "ascending" if math.cos(math.radians(self.heading)) > 0 else "descending"

    @property
    def look(self) -> tuple[float, float]:
        """(east, north) of the horizontal unit vector away from the satellite, 90° right of the heading."""
        azimuth = math.radians(self.heading + 90)
        return math.sin(azimuth), math.cos(azimuth)

    @property
    def to_satellite(self) -> tuple[float, float, float]:
        """The unit vector from the ground to the satellite."""
        incidence = math.radians(self.incidence)
        east, north = self.look
        return -math.sin(incidence) * east, -math.sin(incidence) * north, math.cos(incidence)

    def downslope_sensitivity(self, gradient_east: Array, gradient_north: Array) -> Array:
        """LOS motion toward the satellite per unit of motion down the steepest slope, in [-1, 1].

        The gradients are dz/d(east) and dz/d(north), dimensionless; 0 where the ground is level.
        """
        east, north, up = self.to_satellite
        squared = gradient_east**2 + gradient_north**2
        length = np.sqrt(squared * (1 + squared))
        along = -(east * gradient_east + north * gradient_north + up * squared)
        sensitivity: Array = (along / np.maximum(length, 1e-9)).astype(np.float32)
        return sensitivity

    def hidden(self, dem: Array, pixel_size: float) -> NDArray[np.bool_]:
        """Layover and shadow, active and passive, along the rows of a DEM (metres, row 0 in the north).

        The ray is followed along the row although the orbit is inclined by about 12°, which misplaces the far
        ends of a mask by a fifth of its length at most. The ray's slant range falls, or its height over the
        wave front falls, behind a point that hides what follows.
        """
        incidence = math.radians(self.incidence)
        east = self.look[0]
        heights = dem if east > 0 else dem[:, ::-1]
        ground = np.arange(dem.shape[1], dtype=np.float32) * np.float32(pixel_size * abs(east))
        slant_range = ground * math.sin(incidence) - heights * math.cos(incidence)
        front = ground * math.cos(incidence) + heights * math.sin(incidence)
        layover = slant_range < np.maximum.accumulate(slant_range, axis=1)
        layover |= slant_range > np.minimum.accumulate(slant_range[:, ::-1], axis=1)[:, ::-1]
        shadow = front < np.maximum.accumulate(front, axis=1)
        mask = layover | shadow
        return mask if east > 0 else np.ascontiguousarray(mask[:, ::-1])


def to_phase_rate(los_rate: Array, wavelength: float = SENTINEL1_WAVELENGTH) -> Array:
    """Phase rate (rad/yr, positive away) of a LOS rate (mm/yr, positive toward): p = -4πr/λ."""
    return los_rate * np.float32(-4e-3 * math.pi / wavelength)


def to_los_rate(phase_rate: Array, wavelength: float = SENTINEL1_WAVELENGTH) -> Array:
    """LOS rate (mm/yr, positive toward) of a phase rate (rad/yr, positive away): r = -λp/4π."""
    return phase_rate * np.float32(-1e3 * wavelength / (4 * math.pi))
