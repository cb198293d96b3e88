"""ASF HyP3 products, made with GAMMA (scenes) or ISCE2 (bursts and multi-bursts)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...satellite import RIGHT, SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import band_of, centre_value
from .dates import Pair
from .files import Folder
from .metadata import BASELINE, HEADING, INCIDENCE, Metadata, number_of
from .product import ProductReader

# The relative orbit is the absolute one less this, modulo 175. Sentinel-1C was moved along its orbit in June 2026.
_FIRST_ORBITS = {"S1A": 73, "S1B": 27, "S1C": 172, "S1D": 42}
_MOVED = {"S1C": "20260601"}
_TRACKS = 175
# Bursts are numbered through the 12 days of a cycle, from a little before the first crossing of the equator.
_BURST_SECONDS, _FIRST_BURST = 2.758273, 2.298687
_ORBIT_SECONDS = 12 * 86400 / _TRACKS

_OF_SCENES = re.compile(r"^S1[A-Z]{2}_\d{8}T(\d{2})(\d{2})(\d{2})_")
_OF_BURST = re.compile(r"^S1_(\d+)_IW\d_")
_GRANULE = re.compile(r"\b(S1[ABCD])_\w+?_(\d{8})T\d{6}_\d{8}T\d{6}_(\d{6})_")
_OF_BURSTS = re.compile(r"^S1_(\d{3})_[0-9sn-]+_")
_LAYER = re.compile(r"_(unw_phase|corr)((?:_\w+)?\.tif)$")

_TEXT = re.compile(r"^S1[\w-]+_[0-9A-F]{4}\.txt$")


class HyP3Reader(ProductReader):
    """``*_unw_phase.tif`` and its clipped variants; ``*_corr.tif``; the product's ``.txt``."""

    title = "ASF HyP3"
    looks_for = "*_unw_phase.tif"
    interferogram_name = re.compile(r"^S1.*_unw_phase(_\w+)?\.tif$")
    coherence_name = re.compile(r"^S1.*_corr(_\w+)?\.tif$")

    def incomplete(self, files: Sequence[Path], folder: Folder) -> tuple[str, ...]:
        """Products with coherence, or with their text only."""
        expected = {path: _layer(path, "unw_phase") for path in folder.matching(self.coherence_name)}
        seen = {_LAYER.split(path.name)[0] for path in (*files, *expected)}
        texts = (path for path in folder.matching(_TEXT) if path.stem not in seen)
        expected.update({path: f"{path.stem}_unw_phase.tif" for path in texts})
        return self._without_interferogram(expected, files)

    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The layer of the same product, else another of the same dates."""
        same = folder.named(_layer(path, "corr"), path)
        return same or super().find_coherence(path, dates, folder)

    def find_components(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """``*_conncomp.tif``, which products made with ISCE2 have."""
        return folder.named(_layer(path, "conncomp"), path)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baseline and heading from the ``.txt``; incidence from the elevation angle of the line of sight."""
        told = Metadata()
        file = folder.named(f"{_LAYER.split(path.name)[0]}.txt", path)
        text = told.parameters(file)
        return Acquisition(
            perpendicular_baseline=told.number(BASELINE, file, text, "baseline"),
            wavelength=SENTINEL1_WAVELENGTH,
            heading=told.number(HEADING, file, text, "heading"),
            incidence=self._incidence(path, folder, told),
            track=_track(path.name, text),
            seconds=_seconds(path.name, text),
            look_side=RIGHT,
            notes=told.notes,
        )

    def _incidence(self, path: Path, folder: Folder, told: Metadata) -> float | None:
        elevation_angle = folder.named(_layer(path, "lv_theta"), path)
        theta = centre_value(band_of(elevation_angle)) if elevation_angle else None
        if elevation_angle is None or theta is None:
            return None
        return told.checked(INCIDENCE, elevation_angle, math.degrees(math.pi / 2 - theta))


def _track(name: str, text: Mapping[str, str]) -> int | None:
    """The relative orbit by the name of bursts, or by the number of the reference scene's orbit."""
    several, burst = _OF_BURSTS.match(name), _OF_BURST.match(name)
    if several:
        return int(several[1])
    if burst:
        return 1 + int(((int(burst[1]) - 1) * _BURST_SECONDS + _FIRST_BURST) / _ORBIT_SECONDS) % _TRACKS
    scene = _GRANULE.search(text.get("reference", ""))
    if scene is None or scene[2] >= _MOVED.get(scene[1], "9"):
        return None
    return (int(scene[3]) - _FIRST_ORBITS[scene[1]]) % _TRACKS + 1


def _seconds(name: str, text: Mapping[str, str]) -> float | None:
    """The UTC time of day in the name of a pair of scenes, else that of the metadata."""
    time = _OF_SCENES.match(name)
    if time:
        return 3600 * int(time[1]) + 60 * int(time[2]) + float(time[3])
    return number_of({"utc": text.get("utc", "").lower().removeprefix("time").lstrip(" :")}, "utc")


def _layer(path: Path, name: str) -> str:
    return _LAYER.sub(rf"_{name}\2", path.name)
