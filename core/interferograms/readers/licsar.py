"""COMET LiCSAR frames."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path

from ...satellite import SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import band_of, centre_value
from .dates import Pair, parse_date
from .files import Folder, nearest
from .metadata import finite_number, number_of, parameters_of, skipped, text_of
from .product import ProductReader

_FRAME = re.compile(r"(?<!\d)(\d{3})[AD]_\d{5}_\d{6}")
_UP = re.compile(r"\.geo\.U\.tif$")


class LicsarReader(ProductReader):
    """``20170302_20170314.geo.unw.tif`` and ``.geo.cc.tif`` (uint8 or float); ``baselines``; ``metadata.txt``."""

    title = "COMET LiCSAR"
    looks_for = "*.geo.unw.tif"
    interferogram_name = re.compile(r"^\d{8}_\d{8}\.geo\.unw\.tif$")
    coherence_name = re.compile(r"^\d{8}_\d{8}\.geo\.cc\.tif$")

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Differences of the frame's baselines by date; heading and incidence of the frame."""
        file = folder.named("baselines", path)
        baselines, unread = _baselines(text_of(file) if file else "")
        frame = parameters_of(folder.named("metadata.txt", path))
        first, second = (baselines.get(day) for day in dates)
        return Acquisition(
            perpendicular_baseline=None if first is None or second is None else second - first,
            wavelength=SENTINEL1_WAVELENGTH,
            heading=number_of(frame, "heading"),
            incidence=number_of(frame, "avg_incidence_angle") or self._incidence(path, folder),
            notes=skipped(file, unread),
            track=_track(path, folder),
        )

    def _incidence(self, path: Path, folder: Folder) -> float | None:
        up = nearest(folder.matching(_UP), path)
        cosine = centre_value(band_of(up)) if up else None
        return None if cosine is None or not -1 <= cosine <= 1 else math.degrees(math.acos(cosine))


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
            if day and value is not None:
                found[day] = value
            elif not unread or unread[-1] is not line:
                unread.append(line)
    return found, unread
