"""Maps of the delay of the air as GACOS gives them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

STEP = 1 / 1200
"""Degrees between the pixels of GACOS."""


def write_gacos(folder: Path, day: date, delay: np.ndarray, west: float = 8.95, north: float = 45.2) -> Path:
    """A ``.ztd`` with its ``.rsc``: metres (h, w), whose first value belongs to the point ``west``, ``north``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day:%Y%m%d}.ztd"
    path.write_bytes(np.asarray(delay, "<f4").tobytes())
    height, width = delay.shape
    path.with_name(f"{path.name}.rsc").write_text(
        f"WIDTH   {width}\nFILE_LENGTH   {height}\nXMIN          0\nXMAX          {width}\nYMIN          0\n"
        f"YMAX          {height}\nX_FIRST           {west:.7f}\nY_FIRST           {north:.7f}\n"
        f"X_STEP             {STEP:.15f}\nY_STEP            {-STEP:.15f}\nX_UNIT        degres\nY_UNIT        degres\n"
        "Z_OFFSET      0\nZ_SCALE       1\nPROJECTION    LATLON\nDATUM         WGS84\nTIME_OF_DAY 12.350000UTC\n",
        encoding="utf-8",
    )
    return path
