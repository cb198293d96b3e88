"""ASF HyP3 products, made with GAMMA (scenes) or ISCE2 (bursts and multi-bursts)."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ...satellite import SENTINEL1_WAVELENGTH
from ..model import Acquisition
from .bands import band_of, centre_value
from .dates import Pair
from .files import Folder
from .metadata import number_of, parameters_of
from .product import ProductReader

_LAYER = re.compile(r"_(unw_phase|corr)((?:_\w+)?\.tif)$")


class HyP3Reader(ProductReader):
    """``*_unw_phase.tif`` and its clipped variants; ``*_corr.tif``; the product's ``.txt``."""

    title = "ASF HyP3"
    looks_for = "*_unw_phase.tif"
    interferogram_name = re.compile(r"^S1.*_unw_phase(_\w+)?\.tif$")
    coherence_name = re.compile(r"^S1.*_corr(_\w+)?\.tif$")

    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The layer of the same product, else another of the same dates."""
        same = folder.named(_layer(path, "corr"), path)
        return same or super().find_coherence(path, dates, folder)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baseline and heading from the ``.txt``; incidence from the elevation angle of the line of sight."""
        text = parameters_of(folder.named(f"{_LAYER.split(path.name)[0]}.txt", path))
        return Acquisition(
            perpendicular_baseline=number_of(text, "baseline"),
            wavelength=SENTINEL1_WAVELENGTH,
            heading=number_of(text, "heading"),
            incidence=self._incidence(path, folder),
        )

    def _incidence(self, path: Path, folder: Folder) -> float | None:
        elevation_angle = folder.named(_layer(path, "lv_theta"), path)
        theta = centre_value(band_of(elevation_angle)) if elevation_angle else None
        return None if theta is None else math.degrees(math.pi / 2 - theta)


def _layer(path: Path, name: str) -> str:
    return _LAYER.sub(rf"_{name}\2", path.name)
