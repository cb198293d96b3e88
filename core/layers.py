"""One input raster of the composite: where it is, and what its numbers mean."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .channels import UNITS, Channel, ChannelKind
from .errors import InputError
from .progress import Progress
from .raster import Array, Band, BandReader, Grid, PathLike, Window, open_raster

SENTINEL1_WAVELENGTH = 0.055465763
"""Metres."""
UNREAL = 1e30
"""Larger numbers stand for no data in some files."""
_UNDECLARED_NODATA = (-9999.0, -32768.0, -99999.0)
_SAMPLE_SIDE, _SAMPLE_STEPS = 128, 6
_UNIT_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("rad/yr", "rad/year", "rad/a", "radian/year", "radians/year", "rad yr-1"), "rad/yr"),
    **dict.fromkeys(("mm/yr", "mm/year", "mm/a", "mm/y", "mm yr-1", "millimeter/year", "millimetre/year"), "mm/yr"),
    **dict.fromkeys(("cm/yr", "cm/year", "cm/a", "cm/y", "cm yr-1"), "cm/yr"),
    **dict.fromkeys(("m/yr", "m/year", "m/a", "m/y", "m yr-1", "meter/year", "metre/year"), "m/yr"),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("ft", "foot", "feet"), "ft"),
    **dict.fromkeys(("degree", "degrees", "deg", "°"), "degree"),
    **dict.fromkeys(("percent", "%"), "percent"),
    **dict.fromkeys(("rad", "radian", "radians"), "rad"),
    "1": "1",
}
_METRES = {"mm/yr": 1e-3, "cm/yr": 1e-2, "m/yr": 1.0}
_DEFAULT_UNIT = {**{kind: units[0] for kind, units in UNITS.items()}, ChannelKind.LOS_RATE: "mm/yr"}
_DEFAULT_SIGN = {ChannelKind.PHASE_RATE: "away", ChannelKind.LOS_RATE: "toward"}
_PLAUSIBLE = {"rad/yr": 500.0, "mm/yr": 3000.0, "cm/yr": 300.0, "m/yr": 3.0, "m": 9000.0, "degree": 90.0, "1": 1.0}


@dataclass(frozen=True)
class Layer:
    """One input raster's band: what its numbers mean. ``nodata`` holds what stands for no data undeclared."""

    kind: ChannelKind
    path: str
    index: int
    grid: Grid
    unit: str
    sign: str
    wavelength: float | None
    nodata: tuple[float, ...]

    def factor(self, channel: Channel) -> float:
        """What the layer's numbers are multiplied by to be in the channel's unit and sign. InputError if none is."""
        if channel.unit == self.unit and channel.sign == self.sign:
            return 1.0
        if channel.kind.is_rate:
            ours, theirs = (
                _metres_away(unit, sign, self.wavelength or SENTINEL1_WAVELENGTH)
                for unit, sign in ((self.unit, self.sign), (channel.unit, channel.sign))
            )
            return ours / theirs
        if (self.unit, channel.unit) == ("ft", "m"):
            return 0.3048
        raise InputError(
            f"{self.path}: the {self.kind.label} is in {self.unit}, and the model needs it in {channel.unit}. "
            "Convert it first."
        )


def _metres_away(unit: str, sign: str, wavelength: float) -> float:
    """Metres a year away from the satellite that one such unit stands for (Wu et al. 2024, Eq. 2)."""
    metres = wavelength / (4 * math.pi) if unit == "rad/yr" else _METRES[unit]
    return metres if sign == "away" else -metres


def open_layer(kind: ChannelKind, path: PathLike, progress: Progress) -> Layer:
    """The layer in a file, its unit and sign from the band's tags or assumed; assumptions are told."""
    name = os.fspath(path)
    dataset = open_raster(name)
    described = [dataset.GetRasterBand(index + 1).GetDescription() for index in range(dataset.RasterCount)]
    index = described.index(kind.value) + 1 if kind.value in described else 1
    declared = dataset.GetRasterBand(index).GetNoDataValue() is not None
    grid = Grid.of(name)
    with BandReader(Band(name, index)) as reader:
        tags = reader.tags
        sample = np.concatenate([reader.read(window).ravel() for window in sample_windows(reader.grid)])
    unit, sign = _unit(kind, name, tags, progress), _sign(kind, name, tags, progress)
    wavelength = _wavelength(tags)
    nodata = () if declared else _undeclared_nodata(kind, name, sample, progress)
    layer = Layer(kind, name, index, grid, unit, sign, wavelength, nodata)
    _check_plausible(layer, sample, progress)
    return layer


def _unit(kind: ChannelKind, path: str, tags: Mapping[str, str], progress: Progress) -> str:
    text = tags.get("unit", "").strip()
    default = _DEFAULT_UNIT[kind]
    if not text:
        if kind is not ChannelKind.COHERENCE:
            progress.info(f"{path}: the {kind.label} has no unit in the file; {default} is assumed.")
        return default
    unit = _UNIT_NAMES.get(text.lower())
    if unit is None:
        progress.warning(
            f"{path}: the unit “{text}” of the {kind.label} isn't known to ADA Mapper; {default} is assumed."
        )
        return default
    if kind.is_rate and unit not in ("rad/yr", *_METRES):
        raise InputError(
            f"{path} can't be a {kind.label}: its unit is “{text}”. Choose a raster in rad/yr, mm/yr or m/yr."
        )
    return unit


def _sign(kind: ChannelKind, path: str, tags: Mapping[str, str], progress: Progress) -> str:
    default = _DEFAULT_SIGN.get(kind, "")
    text = tags.get("SIGN", "").strip().lower()
    if not default or text in ("away", "toward"):
        return text if default else ""
    if kind is ChannelKind.LOS_RATE:
        progress.info(f"{path}: the LOS rate doesn't tell its sign; positive {default} the satellite is assumed.")
    return default


def _wavelength(tags: Mapping[str, str]) -> float | None:
    """The wavelength in metres from the tags, None where they don't tell."""
    try:
        wavelength = float(tags.get("WAVELENGTH_METRES", "nan"))
    except ValueError:
        return None
    return wavelength if 0 < wavelength < 10 else None


def _undeclared_nodata(kind: ChannelKind, path: str, sample: Array, progress: Progress) -> tuple[float, ...]:
    """What the sample of a band without declared nodata shows to stand for it: a usual marker, or 0 in a rate.

    In a rate a single exact 0 may be its reference point; many of them are no measurement.
    """
    for marker in (*_UNDECLARED_NODATA, *((0.0,) if kind.is_rate else ())):
        share = float(np.mean(sample == marker))
        if share > (0.001 if marker == 0 else 0):
            progress.info(
                f"{path}: the {kind.label} declares no nodata value, and {share:.1%} of it is exactly {marker:g}: "
                "taken as no data."
            )
            return (marker,)
    return ()


def _check_plausible(layer: Layer, sample: Array, progress: Progress) -> None:
    """Warn when the numbers don't look like their unit."""
    sizes = np.abs(sample[np.isfinite(sample) & (np.abs(sample) < UNREAL) & ~np.isin(sample, layer.nodata)])
    limit = _PLAUSIBLE.get(layer.unit)
    if not sizes.size or limit is None:
        return
    largest, typical = float(np.percentile(sizes, 99.9)), float(np.percentile(sizes, 99))
    if largest > limit * (1 + 1e-6):
        progress.warning(
            f"{layer.path}: the {layer.kind.label} reaches {largest:.4g} {layer.unit}, which is hardly possible: "
            "check that its unit is right."
        )
    elif layer.unit == "mm/yr" and 0 < typical < 0.2:
        progress.warning(
            f"{layer.path}: the {layer.kind.label} hardly exceeds {typical:.2g} mm/yr: check that it isn't in m/yr."
        )


def sample_windows(grid: Grid) -> Iterator[Window]:
    """A few small windows spread over the grid, each starting on a block of the file where it can."""
    for row in _starts(grid.height):
        for column in _starts(grid.width):
            width, height = min(_SAMPLE_SIDE, grid.width - column), min(_SAMPLE_SIDE, grid.height - row)
            yield Window(column, row, width, height)


def _starts(size: int) -> list[int]:
    spread = np.linspace(0, max(size - _SAMPLE_SIDE, 0), _SAMPLE_STEPS)
    return sorted({int(start) // _SAMPLE_SIDE * _SAMPLE_SIDE for start in spread})
