"""Real rates as noise for judging: fields as they lie in a folder, on pixels of a tile's size."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...gdal_errors import gdal_raises
from ...raster import BandReader
from ...types import Array, Mask, PathLike

# Fine fields keep their own pixels, for resampling would take away what is fine in their noise.
FINE = (20.0, 45.0)
"""Pixel sizes in metres of fields that are laid pixel on pixel."""
_LAYERS = ("phase_rate", "los_rate", "standard_error", "coherence", "closure")


@dataclass(frozen=True)
class JudgingField:
    """A field of real rates: its layers (h, w) by name, those it lacks being absent; pixels in metres as they were."""

    name: str
    place: str
    role: str
    pixel_metres: float
    layers: Mapping[str, Array]

    @property
    def is_fine(self) -> bool:
        """Whether its own pixels are near to a tile's."""
        return FINE[0] <= self.pixel_metres <= FINE[1]


@gdal_raises()
def read_judging_fields(
    folder: PathLike, roles: Collection[str], pixel_size: float = 30.0, places: Collection[str] = ()
) -> list[JudgingField]:
    """The fields of ``fields.json`` in the folder that have one of the roles (and places, where any are given).

    Fine ones are as they are, others brought to ``pixel_size``. InputError where there is none.
    """
    listed = Path(folder) / "fields.json"
    if not listed.exists():
        raise InputError("{folder} holds no fields.json. Choose a folder of noise fields.", folder=folder)
    found = []
    for entry in json.loads(listed.read_text(encoding="utf-8"))["fields"]:
        if entry["role"] in roles and (not places or entry["place"] in places):
            metres = float(entry["pixel_metres"])
            layers = {}
            for name in _LAYERS:
                path = Path(folder) / entry["path"] / f"{name}.tif"
                if path.exists():
                    layers[name] = _read(path, None if FINE[0] <= metres <= FINE[1] else pixel_size)
            found.append(JudgingField(entry["name"], entry["place"], entry["role"], metres, layers))
    if not found:
        raise InputError("{folder} holds no noise field for {roles}.", folder=folder, roles=", ".join(sorted(roles)))
    return found


def _read(path: Path, pixel_size: float | None) -> Array:
    with BandReader(path) as reader:
        values = reader.read()
        east, north = reader.grid.metres_per_pixel(np.array([reader.grid.height // 2]))
    if pixel_size is None:
        return values
    return resampled(values, (float(north[0]) / pixel_size, float(east[0]) / pixel_size))


def resampled(values: Array, factors: tuple[float, float]) -> Array:
    """Values linearly interpolated between pixels, a pixel becoming ``factors`` (rows, columns) of them; NaN stays."""
    from scipy.ndimage import zoom

    known: Mask = np.isfinite(values)
    total = zoom(np.where(known, values, 0), factors, order=1, grid_mode=True, mode="nearest")
    weight = zoom(known.astype(np.float32), factors, order=1, grid_mode=True, mode="nearest")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0.5, total / weight, np.nan).astype(np.float32)


def crop(rng: np.random.Generator, field: JudgingField, size: int) -> dict[str, Array]:
    """A window (size, size) of all layers, turned east–west at random; what the field is too small for is mirrored."""
    mirrored = {}
    height, width = field.layers["phase_rate"].shape
    for name, values in field.layers.items():
        beyond = [(0, max(size - length, 0)) for length in (height, width)]
        mirrored[name] = np.pad(values, beyond, mode="symmetric")
    known = np.isfinite(mirrored["phase_rate"])
    best, window = -1.0, (slice(0, size), slice(0, size))
    for _ in range(6):
        row, column = (int(rng.integers(0, length - size + 1)) for length in known.shape)
        tried = slice(row, row + size), slice(column, column + size)
        share = float(known[tried].mean())
        if share > best:
            best, window = share, tried
        if best > 0.5:
            break
    step = -1 if rng.random() < 0.5 else 1
    return {name: np.ascontiguousarray(values[window][:, ::step]) for name, values in mirrored.items()}
