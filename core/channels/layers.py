"""One input raster of the composite: where it is, and what its numbers mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import InputError
from ..gdal_errors import gdal_raises
from ..progress import Progress
from ..raster import (
    CLOSURE,
    COHERENCE,
    HEIGHTS,
    LOS_RATE,
    LOS_SENSITIVITY,
    METRES,
    PHASE_RATE,
    SLOPE,
    STANDARD_ERROR,
    YEARLY_METRES,
    Band,
    BandKind,
    BandReader,
    Grid,
    checked_band,
    open_raster,
    unit_of,
)
from ..satellite import SENTINEL1_WAVELENGTH, metres_away
from ..texts import Message
from ..types import PathLike
from .channel import Channel
from .kinds import ChannelKind

_BANDS = {
    ChannelKind.PHASE_RATE: PHASE_RATE,
    ChannelKind.LOS_RATE: LOS_RATE,
    ChannelKind.DEM: HEIGHTS,
    ChannelKind.SLOPE: SLOPE,
    ChannelKind.COHERENCE: COHERENCE,
    ChannelKind.LOS_SENSITIVITY: LOS_SENSITIVITY,
    ChannelKind.STANDARD_ERROR: STANDARD_ERROR,
    ChannelKind.CLOSURE: CLOSURE,
}
_DEFAULT_SIGN = {ChannelKind.PHASE_RATE: "away", ChannelKind.LOS_RATE: "toward"}
# Wavelengths that differ by less are the same one, rounded differently.
_SAME_WAVELENGTH = 0.005


@dataclass(frozen=True)
class Layer:
    """One input raster's band: what its numbers mean.

    ``source`` was checked (``checked_band``), ``unit`` is that of the file; ``tags`` as in BandReader.
    """

    kind: ChannelKind
    path: str
    grid: Grid
    unit: str
    sign: str
    wavelength: float | None
    source: Band
    tags: Mapping[str, str]

    @property
    def is_of_other_wavelength(self) -> bool:
        """True where a radian of the layer stands for another length than one of Sentinel-1, which models see."""
        ratio = (self.wavelength or SENTINEL1_WAVELENGTH) / SENTINEL1_WAVELENGTH
        return self.unit == "rad/yr" and abs(ratio - 1) > _SAME_WAVELENGTH

    def band(self, channel: Channel) -> Band:
        """The band that gives the layer in the channel's unit and sign. InputError if it can't be."""
        return self.source.in_unit(self.factor(channel), channel.unit)

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
        if self.unit in YEARLY_METRES and channel.unit in YEARLY_METRES:
            return YEARLY_METRES[self.unit] / YEARLY_METRES[channel.unit]
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
    with BandReader(Band(name, index)) as reader:
        grid, tags = reader.grid, reader.tags
    meant = _meant(kind, tags)
    unit, sign = unit_of(tags["unit"]) or meant.unit, _sign(kind, name, tags, progress)
    source = checked_band(Band(name, index), meant, progress, may_be_empty=True)
    return Layer(kind, name, grid, unit, sign, _wavelength(tags), source, tags)


def _meant(kind: ChannelKind, tags: Mapping[str, str]) -> BandKind:
    """What the band is meant to be: a rate of either kind may come in rad/yr or as a rate of a length."""
    meant = _BANDS[kind]
    if kind.is_rate:
        meant = {"rad/yr": PHASE_RATE, **dict.fromkeys(YEARLY_METRES, LOS_RATE)}.get(unit_of(tags["unit"]) or "", meant)
        meant = replace(meant, wanted=Message("rad/yr, mm/yr or m/yr"))
    return replace(meant, label=kind.label)


def _sign(kind: ChannelKind, path: str, tags: Mapping[str, str], progress: Progress) -> str:
    default = _DEFAULT_SIGN.get(kind, "")
    text = tags.get("SIGN", "").strip().lower()
    if not default or text in ("away", "toward"):
        return text if default else ""
    if kind is ChannelKind.PHASE_RATE and unit_of(tags["unit"]) in YEARLY_METRES:
        progress.warning(
            "{path}: the phase rate is in {unit}, so it was taken as a rate along the line of sight, positive toward "
            "the satellite, and turned into rad/yr.",
            path=path,
            unit=tags["unit"].strip(),
        )
        return "toward"
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
