"""One input raster of the composite: where it is, and what its numbers mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import (
    METRES,
    YEARLY_METRES,
    Band,
    BandReader,
    Grid,
    band_unit,
    open_raster,
    read_sample,
    with_undeclared_nodata,
)
from ..satellite import SENTINEL1_WAVELENGTH, metres_away
from ..texts import Message
from ..types import Array, PathLike
from .channel import CHANNEL_UNITS, Channel
from .kinds import ChannelKind

UNREAL = 1e30
"""Larger numbers stand for no data in some files."""
_DEFAULT_UNIT = {**{kind: units[0] for kind, units in CHANNEL_UNITS.items()}, ChannelKind.LOS_RATE: "mm/yr"}
_RATES_OF_RANGE = ("rad/yr", *YEARLY_METRES)
_DEFAULT_SIGN = {ChannelKind.PHASE_RATE: "away", ChannelKind.LOS_RATE: "toward"}
# Wavelengths that differ by less are the same one, rounded differently.
_SAME_WAVELENGTH = 0.005
_PLAUSIBLE = {"rad/yr": 500.0, "mm/yr": 3000.0, "cm/yr": 300.0, "m/yr": 3.0, "m": 9000.0, "degree": 90.0, "1": 1.0}


@dataclass(frozen=True)
class Layer:
    """One input raster's band: what its numbers mean.

    ``nodata`` holds what stands for no data undeclared; ``tags`` as in BandReader.
    """

    kind: ChannelKind
    path: str
    index: int
    grid: Grid
    unit: str
    sign: str
    wavelength: float | None
    nodata: tuple[float, ...]
    tags: Mapping[str, str]

    @property
    def is_of_other_wavelength(self) -> bool:
        """True where a radian of the layer stands for another length than one of Sentinel-1, which models see."""
        ratio = (self.wavelength or SENTINEL1_WAVELENGTH) / SENTINEL1_WAVELENGTH
        return self.unit == "rad/yr" and abs(ratio - 1) > _SAME_WAVELENGTH

    def band(self, channel: Channel) -> Band:
        """The band that gives the layer in the channel's unit and sign. InputError if it can't be."""
        return Band(self.path, self.index, self.factor(channel), self.nodata)

    def factor(self, channel: Channel) -> float:
        """What the layer's numbers are multiplied by to be in the channel's unit and sign. InputError if none is.

        Radians of a channel are those of Sentinel-1: models see the same motion whatever the wavelength.
        """
        if channel.unit == self.unit and channel.sign == self.sign and not self.is_of_other_wavelength:
            return 1.0
        if channel.kind.is_rate:
            wavelength = SENTINEL1_WAVELENGTH
            if self.wavelength and (channel.unit != "rad/yr" or self.is_of_other_wavelength):
                wavelength = self.wavelength
            ours = metres_away(self.unit, self.sign, wavelength)
            theirs = metres_away(channel.unit, channel.sign, SENTINEL1_WAVELENGTH)
            return ours / theirs
        if self.unit in METRES and channel.unit == "m":
            return METRES[self.unit]
        raise InputError(
            "{path}: the {label} is in {unit}, and the model needs it in {wanted}. Convert it first.",
            path=self.path,
            label=self.kind.label,
            unit=self.unit,
            wanted=channel.unit,
        )


@gdal_raises()
def open_layer(kind: ChannelKind, path: PathLike, progress: Progress) -> Layer:
    """The layer in a file, its unit and sign from the band's tags or assumed; assumptions are told."""
    name = os.fspath(path)
    dataset = open_raster(name)
    described = [dataset.GetRasterBand(index + 1).GetDescription() for index in range(dataset.RasterCount)]
    index = described.index(kind.value) + 1 if kind.value in described else 1
    band = with_undeclared_nodata(Band(name, index), kind.label, kind.is_rate, progress)
    with BandReader(band) as reader:
        grid, tags, sample = reader.grid, reader.tags, read_sample(reader)
    unit, sign = _unit(kind, name, tags, progress), _sign(kind, name, tags, progress)
    layer = Layer(kind, name, index, grid, unit, sign, _wavelength(tags), band.nodata, tags)
    _check_plausible(layer, sample, progress)
    return layer


def _unit(kind: ChannelKind, path: str, tags: Mapping[str, str], progress: Progress) -> str:
    text, default = tags.get("unit", "").strip(), _DEFAULT_UNIT[kind]
    if not text and kind is ChannelKind.COHERENCE:
        return default
    # Other layers than rates are refused when they can't be converted to what the model wants.
    possible = _RATES_OF_RANGE if kind.is_rate else None
    return band_unit(text, path, kind.label, default, progress, possible, Message("rad/yr, mm/yr or m/yr"))


def _sign(kind: ChannelKind, path: str, tags: Mapping[str, str], progress: Progress) -> str:
    default = _DEFAULT_SIGN.get(kind, "")
    text = tags.get("SIGN", "").strip().lower()
    if not default or text in ("away", "toward"):
        return text if default else ""
    if kind is ChannelKind.LOS_RATE:
        progress.info(
            "{path}: the LOS rate doesn't tell its sign; positive toward the satellite is assumed.", path=path
        )
    return default


def _wavelength(tags: Mapping[str, str]) -> float | None:
    """The wavelength in metres from the tags, None where they don't tell."""
    try:
        wavelength = float(tags.get("WAVELENGTH_METRES", "nan"))
    except ValueError:
        return None
    return wavelength if 0 < wavelength < 10 else None


def _check_plausible(layer: Layer, sample: Array, progress: Progress) -> None:
    """Warn when the numbers don't look like their unit."""
    sizes = np.abs(sample[np.isfinite(sample) & (np.abs(sample) < UNREAL)])
    limit = _PLAUSIBLE.get(layer.unit)
    if not sizes.size or limit is None:
        return
    largest, typical = float(np.percentile(sizes, 99.9)), float(np.percentile(sizes, 99))
    if largest > limit * (1 + 1e-6):
        progress.warning(
            "{path}: the {label} reaches {largest:.4g} {unit}, which is hardly possible: check that its unit is right.",
            path=layer.path,
            label=layer.kind.label,
            largest=largest,
            unit=layer.unit,
        )
    elif layer.unit == "mm/yr" and 0 < typical < 0.2:
        progress.warning(
            "{path}: the {label} hardly exceeds {typical:.2g} mm/yr: check that it isn't in m/yr.",
            path=layer.path,
            label=layer.kind.label,
            typical=typical,
        )
