"""One file of interferogram as it was found, before files are put together to pairs and pairs to a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..raster import Band, Grid
from ..texts import Message, joined
from .model import Interferogram
from .readers import Pair

_NAMES_IN_A_NOTE = 5
# What GDAL reads beside a file: it tells units, what is no data, or how the numbers are stored.
_BESIDE = ("", ".aux.xml", ".msk", ".hdr", ".rsc", ".xml", ".vrt")

FileState = tuple[Optional[tuple[int, int]], ...]
"""When a file and what is read beside it were changed, in nanoseconds, and their bytes; None for what isn't there."""


@dataclass(frozen=True)
class Found:
    """An interferogram of one file with the file's grid, and what tells its orbit.

    ``track`` is the number of the relative orbit, ``seconds`` the UTC time of day of the pass, None where unknown.
    """

    interferogram: Interferogram
    grid: Grid
    file: Path
    is_ascending: bool | None = None
    track: int | None = None
    seconds: float | None = None

    @property
    def pair(self) -> Pair:
        """The two dates."""
        return self.interferogram.first_date, self.interferogram.second_date

    @property
    def phase(self) -> Band:
        """The band of the phases."""
        if not isinstance(self.interferogram.phase, Band):
            raise TypeError("The interferogram of a file has one band of phases.")
        return self.interferogram.phase

    @property
    def coherence(self) -> Band | None:
        """The band of the coherence, if there is one."""
        return self.interferogram.coherence if isinstance(self.interferogram.coherence, Band) else None

    @property
    def modified(self) -> int | None:
        """When the file was last changed, in nanoseconds; None for what isn't a file of its own."""
        try:
            return self.file.stat().st_mtime_ns
        except OSError:
            return None

    @property
    def label(self) -> str:
        """The file's name for messages."""
        return self.phase.label


def state_of(file: Path) -> FileState:
    """When a file, and what is read beside it, was changed, and their sizes; empty for what isn't a file of its own."""
    beside = (*(file.with_name(file.name + suffix) for suffix in _BESIDE), file.with_suffix(".hdr"))
    found: list[tuple[int, int] | None] = []
    for path in beside:
        try:
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size))
        except (OSError, ValueError):
            found.append(None)
    return () if found[0] is None else tuple(found)


def some(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    shown = joined(names[:_NAMES_IN_A_NOTE])
    if len(names) <= _NAMES_IN_A_NOTE:
        return shown
    return Message("{shown} and {count} more", shown=shown, count=len(names) - _NAMES_IN_A_NOTE)
