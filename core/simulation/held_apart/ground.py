"""Where the second family stands: windows of DEMs, views, and the sensitivity that a user would give."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...satellite import Viewing
from ...terrain import LEVEL_SLOPE
from ...types import Array
from ..terrain import Terrain, eroded_terrain, read_dem

HEADINGS = (349.0, 191.0)
"""Degrees clockwise from north, of the ascending and of the descending orbit."""


@dataclass
class Ground:
    """Windows of DEMs, or of generated mountains where none is given."""

    seed: int
    size: int
    pixel_size: float
    dem_paths: tuple[str, ...]
    _dems: list[tuple[Array, str]] = field(default_factory=list, repr=False)

    def draw(self, rng: np.random.Generator) -> tuple[Terrain, str]:
        """A window without gaps, mirrored every other time, and the name of its DEM. InputError without one."""
        if not self._dems:
            self._dems = self._read()
        weights = np.sqrt([float(dem.size) for dem, _ in self._dems])
        for _ in range(20):
            dem, name = self._dems[rng.choice(len(self._dems), p=weights / weights.sum())]
            row, column = (int(rng.integers(0, length - self.size + 1)) for length in dem.shape)
            window = dem[row : row + self.size, column : column + self.size]
            if np.isfinite(window).all():
                turned = window[:, ::-1] if rng.random() < 0.5 else window
                return Terrain(np.ascontiguousarray(turned, np.float32), self.pixel_size), name
        raise InputError("The DEMs have gaps everywhere: no tile of {size} pixels is whole.", size=self.size)

    def _read(self) -> list[tuple[Array, str]]:
        files = [
            file
            for path in map(Path, self.dem_paths)
            for file in (sorted(path.glob("*.tif")) if path.is_dir() else [path])
        ]
        read = [(read_dem(path, self.pixel_size), path.stem) for path in files]
        large = [(dem, name) for dem, name in read if min(dem.shape) >= self.size]
        if read and not large:
            raise InputError("None of the DEMs is as large as a tile of {size} pixels.", size=self.size)
        if large:
            return large
        source = np.random.default_rng([self.seed, 907])
        return [(eroded_terrain(source, max(512, self.size), self.pixel_size), "generated")]


def drawn_viewing(rng: np.random.Generator) -> Viewing:
    """Sentinel-1 of either orbit, at an incidence of 31–45°."""
    return Viewing(float(rng.choice(HEADINGS) + rng.normal(0, 1.5)), float(rng.uniform(31, 45)))


def given_sensitivity(rng: np.random.Generator, terrain: Terrain, viewing: Viewing) -> Array:
    """As a user would give it: of the true view or of the orbit's usual one."""
    given = viewing if rng.random() < 0.5 else Viewing.usual(viewing.orbit)
    share = given.downslope_sensitivity(*terrain.motion_gradient)
    return np.where(terrain.motion_slope < LEVEL_SLOPE, np.float32(0), share)
