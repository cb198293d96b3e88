"""OGR in memory, whatever the version calls its driver, and without its messages on the console."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from typing import Any

from osgeo import gdal

from ..errors import InputError
from ..gdal_errors import gdal_raises


@contextlib.contextmanager
def heard_errors() -> Iterator[list[str]]:
    """The errors that GDAL tells in the block in this thread, whoever calls it; none of them is raised by that."""
    told: list[str] = []

    def hear(severity: int, number: int, message: str) -> None:
        if severity >= gdal.CE_Failure:
            told.append(message)

    gdal.PushErrorHandler(hear)
    try:
        yield told
    finally:
        gdal.PopErrorHandler()


def refusal(told: Sequence[str]) -> OSError | None:
    """That the disk is full, where one of GDAL's errors tells so; what it then gives up may leave room on it."""
    if any(words in text.lower() for text in told for words in ("disk is full", "no space left")):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


@gdal_raises()
def vector_memory() -> Any:
    """An empty vector data set in memory, under the driver's old name or its new one (GDAL 3.11)."""
    for name in ("Memory", "MEM"):
        with contextlib.suppress(RuntimeError):
            driver = gdal.GetDriverByName(name)
            if driver is not None and driver.GetMetadataItem("DCAP_VECTOR"):
                return driver.Create("", 0, 0, 0, gdal.GDT_Unknown)
    raise InputError("This GDAL has no driver for vectors in memory; reinstall QGIS or GDAL.")
