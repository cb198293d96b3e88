"""Real rates as noise for judging: fields as they lie in a folder, on pixels of a tile's size."""

from __future__ import annotations

import json
import math
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
    """A field of real rates: its layers (h, w) by name, those it lacks being absent, on its own pixels.

    A pixel becomes ``factors`` (rows, columns) pixels of a tile.
    """

    name: str
    place: str
    role: str
    pixel_metres: float
    factors: tuple[float, float]
    layers: Mapping[str, Array]

    @property
    def is_fine(self) -> bool:
        """Whether its own pixels are near to a tile's."""
        return FINE[0] <= self.pixel_metres <= FINE[1]

    def whole(self) -> dict[str, Array]:
        """All layers on pixels of a tile."""
        return {name: resampled(values, self.factors) for name, values in self.layers.items()}


@gdal_raises()
def read_judging_fields(
    folder: PathLike, roles: Collection[str], pixel_size: float = 30.0, places: Collection[str] = ()
) -> list[JudgingField]:
    """The fields of ``fields.json`` in the folder that have one of the roles (and places, where any are given).

    Pixels of fine ones are taken as if they were of ``pixel_size``. InputError where there is none.
    """
    listed = Path(folder) / "fields.json"
    if not listed.exists():
        raise InputError("{folder} holds no fields.json. Choose a folder of noise fields.", folder=folder)
    found = []
    for entry in json.loads(listed.read_text(encoding="utf-8"))["fields"]:
        if entry["role"] in roles and (not places or entry["place"] in places):
            metres = float(entry["pixel_metres"])
            layers, factors = {}, (1.0, 1.0)
            for name in _LAYERS:
                path = Path(folder) / entry["path"] / f"{name}.tif"
                if path.exists():
                    with BandReader(path) as reader:
                        layers[name] = reader.read()
                        east, north = reader.grid.metres_per_pixel(np.array([reader.grid.height // 2]))
                    if not FINE[0] <= metres <= FINE[1]:
                        factors = float(north[0]) / pixel_size, float(east[0]) / pixel_size
            found.append(JudgingField(entry["name"], entry["place"], entry["role"], metres, factors, layers))
    if not found:
        raise InputError("{folder} holds no noise field for {roles}.", folder=folder, roles=", ".join(sorted(roles)))
    return found


def resampled(values: Array, factors: tuple[float, float]) -> Array:
    """Values linearly interpolated between pixels, a pixel becoming ``factors`` (rows, columns) of them; NaN stays."""
    from scipy.ndimage import zoom

    if factors == (1.0, 1.0):
        return values
    known: Mask = np.isfinite(values)
    total = zoom(np.where(known, values, 0), factors, order=1, grid_mode=True, mode="nearest")
    weight = zoom(known.astype(np.float32), factors, order=1, grid_mode=True, mode="nearest")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0.5, total / weight, np.nan).astype(np.float32)


def crop(rng: np.random.Generator, field: JudgingField, size: int) -> dict[str, Array]:
    """A window (size, size) of all layers, turned east–west at random; what the field is too small for is mirrored."""
    shape = tuple(math.ceil(size / factor) + (factor != 1) for factor in field.factors)
    own = field.layers["phase_rate"].shape
    beyond = [(0, max(wanted - length, 0)) for wanted, length in zip(shape, own)]
    mirrored = {name: np.pad(values, beyond, mode="symmetric") for name, values in field.layers.items()}
    known = np.isfinite(mirrored["phase_rate"])
    best, window = -1.0, (slice(0, shape[0]), slice(0, shape[1]))
    for _ in range(6):
        row, column = (int(rng.integers(0, length - wanted + 1)) for length, wanted in zip(known.shape, shape))
        tried = slice(row, row + shape[0]), slice(column, column + shape[1])
        share = float(known[tried].mean())
        if share > best:
            best, window = share, tried
        if best > 0.5:
            break
    step = -1 if rng.random() < 0.5 else 1
    cut = {name: resampled(values[window], field.factors)[:size, :size] for name, values in mirrored.items()}
    return {name: np.array(values[:, ::step]) for name, values in cut.items()}
