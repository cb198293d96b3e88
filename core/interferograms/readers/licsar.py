"""COMET LiCSAR frames."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from ...raster import Band
from ...satellite import RIGHT, SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import band_of, centre_value, is_byte
from .dates import Pair, parse_date
from .files import Folder, nearest
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, finite_number, skipped
from .product import ProductReader

_FRAME = re.compile(r"(?<!\d)(\d{3})[AD]_\d{5}_\d{6}")
_UP = re.compile(r"\.geo\.U\.tif$")


class LicsarReader(ProductReader):
    """``20170302_20170314.geo.unw.tif`` and ``.geo.cc.tif`` (uint8 or float); ``baselines``; ``metadata.txt``."""

    title = "COMET LiCSAR"
    looks_for = "*.geo.unw.tif"
    interferogram_name = re.compile(r"^\d{8}_\d{8}\.geo\.unw\.tif$")
    coherence_name = re.compile(r"^\d{8}_\d{8}\.geo\.cc\.tif$")

    def coherence(self, path: Path, folder: Folder) -> Band:
        """From 0 to 255 in one byte, or from 0 to 1 in float32."""
        band = super().coherence(path, folder)
        return replace(band, scale=1 / 255) if is_byte(band) else band

    def incomplete(self, files: Sequence[Path], folder: Folder) -> tuple[str, ...]:
        """Pairs with coherence only."""
        expected = {path: path.name.replace(".geo.cc.", ".geo.unw.") for path in folder.matching(self.coherence_name)}
        return self._without_interferogram(expected, files)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Differences of the frame's baselines by date; heading and incidence of the frame."""
        told = Metadata()
        return frame_acquisition(
            path, dates, folder, told, SENTINEL1_WAVELENGTH, incidence=_incidence(path, folder, told)
        )


def frame_acquisition(
    path: Path,
    dates: Pair,
    folder: Folder,
    told: Metadata,
    wavelength: float,
    heading: float | None = None,
    incidence: float | None = None,
) -> Acquisition:
    """What ``baselines`` and ``metadata.txt`` of a frame tell; ``heading`` and ``incidence`` where they don't."""
    file = folder.named("baselines", path)
    baselines, unread = _baselines(told.text(file))
    metadata = folder.named("metadata.txt", path)
    frame = told.parameters(metadata)
    first, second = (baselines.get(day) for day in dates)
    told_heading = told.number(HEADING, metadata, frame, "heading")
    return Acquisition(
        perpendicular_baseline=None if first is None or second is None else second - first,
        wavelength=wavelength,
        heading=heading if told_heading is None else told_heading,
        incidence=told.number(INCIDENCE, metadata, frame, "avg_incidence_angle") or incidence,
        notes=(*told.notes, *skipped(file, unread)),
        track=_track(path, folder),
        look_side=RIGHT,
    )


def _incidence(path: Path, folder: Folder, told: Metadata) -> float | None:
    up = nearest(folder.matching(_UP), path)
    cosine = centre_value(band_of(up)) if up else None
    if up is None or cosine is None:
        return None
    return told.checked(INCIDENCE, up, math.degrees(math.acos(cosine)) if -1 <= cosine <= 1 else cosine)


def _track(path: Path, folder: Folder) -> int | None:
    """The track of the frame, by the folders that the pair lies in or by the frame's own files."""
    frames = [found for parent in path.parents if (found := _FRAME.search(parent.name))]
    up = None if frames else nearest(folder.matching(_UP), path)
    frame = frames[0] if frames else _FRAME.search(up.name) if up else None
    return int(frame[1]) if frame else None


def _baselines(text: str) -> tuple[dict[date, float], list[str]]:
    """Metres by date relative to one date, and the lines without them.

    From lines "reference date baseline days" or the older nine columns.
    """
    found: dict[date, float] = {}
    unread: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 9:
            entries = [(words[1], words[7]), (words[2], words[8])]
        elif len(words) >= 3:
            entries = [(words[1], words[2])]
            reference = parse_date(words[0])
            if reference:
                found.setdefault(reference, 0.0)
        else:
            continue
        for word, number in entries:
            day, value = parse_date(word), finite_number(number)
            if day and value is not None and BASELINE.holds(value):
                found[day] = value
            elif not unread or unread[-1] is not line:
                unread.append(line)
    return found, unread
