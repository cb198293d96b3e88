"""Small rasters for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ada_mapper.core.raster import BandDescription, Grid, write_array

CRS = "EPSG:32648"


def square_grid(height: int, width: int, crs: str = CRS, pixel_size: float = 30.0) -> Grid:
    """A grid of square pixels in UTM."""
    return Grid(crs, (500000.0, pixel_size, 0.0, 3500000.0, 0.0, -pixel_size), width, height)


def write(path: Path, values: np.ndarray, name: str, unit: str, grid: Grid | None = None, **tags: str) -> str:
    """Write an array as a described GeoTIFF; returns its path."""
    description = BandDescription(name, unit, tuple(tags.items()))
    write_array(path, grid or square_grid(*values.shape), values.astype(np.float32), description)
    return str(path)
