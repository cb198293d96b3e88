"""The small text files that products keep their metadata in, and the numbers of them that can be right."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from osgeo import gdal

from ...gdal_errors import gdal_raises
from ...satellite import LEFT, RIGHT, SPEED_OF_LIGHT
from ...texts import Message

_LARGEST_TEXT = 32 * 2**20
_LARGEST_KEPT = 2**18
_SHOWN = 60
_DECIMAL_COMMA = re.compile(r"^[-+]?\d+,\d+$")
# What SNAP writes where it doesn't know.
_NOT_KNOWN = 99999.0

LARGEST_BASELINE = 20_000.0
"""Metres; no two images of a radar satellite that lie further apart make an interferogram."""


@dataclass(frozen=True)
class Quantity:
    """What a number of the metadata tells, and between which values it can be right."""

    title: Message
    least: float
    most: float
    unit: str

    def holds(self, value: float | None) -> bool:
        """Whether this can be right; not None, NaN or infinite."""
        return value is not None and self.least <= value <= self.most


HEADING = Quantity(Message("heading"), -360, 360, "°")
INCIDENCE = Quantity(Message("incidence angle"), 5, 70, "°")
WAVELENGTH = Quantity(Message("radar wavelength"), 0.02, 1, "m")
BASELINE = Quantity(Message("perpendicular baseline"), -LARGEST_BASELINE, LARGEST_BASELINE, "m")


FREQUENCY = Quantity(
    Message("radar frequency"), SPEED_OF_LIGHT / WAVELENGTH.most / 1e9, SPEED_OF_LIGHT / WAVELENGTH.least / 1e9, "GHz"
)


class Metadata:
    """The numbers that the metadata of one pair tell. What can't be right counts as not told, and ``notes`` say so."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each number that was skipped."""
        return tuple(self._notes)

    def note(self, *notes: str) -> None:
        """Add sentences of others."""
        self._notes.extend(notes)

    def number(self, quantity: Quantity, path: Path | None, parameters: Mapping[str, str], *keys: str) -> float | None:
        """The number that the first of these keys tells that has one that can be right; ``path`` is for the notes."""
        for key in keys:
            text = parameters.get(key, "").strip()
            if text and path is not None:
                value = self.checked(quantity, path, number_of(parameters, key), text)
                if value is not None:
                    return value
        return None

    def checked(self, quantity: Quantity, path: Path, value: float | None, text: str = "") -> float | None:
        """A value that can be right, else None; ``text`` stands in the file, and None without it is no fault."""
        if quantity.holds(value):
            return value
        if value != _NOT_KNOWN and (text or value is not None):
            self._notes.append(
                Message(
                    "{path}: the {quantity} “{text}” isn't a number from {least:g} to {most:g} {unit}; it is skipped.",
                    path=path,
                    quantity=quantity.title,
                    text=text[:_SHOWN] or f"{value:g}",
                    least=quantity.least,
                    most=quantity.most,
                    unit=quantity.unit,
                )
            )
        return None

    def wavelength(
        self, path: Path | None, parameters: Mapping[str, str], key: str, hertz: float = 1.0
    ) -> float | None:
        """The radar wavelength in metres from a frequency in units of so many hertz."""
        text = parameters.get(key, "").strip()
        if not text or path is None:
            return None
        frequency = number_of(parameters, key)
        value = SPEED_OF_LIGHT / (frequency * hertz) if frequency and frequency > 0 else None
        if WAVELENGTH.holds(value):
            return value
        return None if frequency == _NOT_KNOWN else self.checked(FREQUENCY, path, math.inf, text)

    def side(self, path: Path | None, parameters: Mapping[str, str], key: str, left: str, right: str) -> str | None:
        """The look side by how the text of a key begins, whatever its case; None where it tells neither."""
        text = parameters.get(key, "").strip().lower()
        if not text or path is None:
            return None
        for side, beginning in ((LEFT, left), (RIGHT, right)):
            if text.startswith(beginning):
                return side
        self._notes.append(
            Message("{path}: “{text}” tells no look side; it is skipped.", path=path, text=text[:_SHOWN])
        )
        return None

    def text(self, path: Path | None) -> str:
        """The text of a file; "" without one, and where it can't be read, which the notes then say."""
        if path is None:
            return ""
        text = text_of(path)
        if not text and not _can_be_read(path):
            self._notes.append(Message("{path} can't be read; what it tells is not used.", path=path))
        return text

    def parameters(self, path: Path | None) -> Mapping[str, str]:
        """The parameters of a file, as ``parameters_of`` gives them."""
        return parameters_in(self.text(path))


def _can_be_read(path: Path) -> bool:
    if is_virtual(path):
        return True
    try:
        with path.open("rb") if stat.S_ISREG(path.stat().st_mode) else path.parent.open("rb"):
            return path.stat().st_size <= _LARGEST_TEXT
    except OSError:
        return False


@lru_cache(maxsize=256)
def _kept_text(path: Path, size: int, modified: int) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def text_of(path: Path) -> str:
    """The text of a small file; "" when it can't be read or is too large for metadata."""
    if is_virtual(path):
        return _virtual_text(path)
    try:
        status = path.stat()
        if status.st_size > _LARGEST_TEXT or not stat.S_ISREG(status.st_mode):
            return ""
        if status.st_size > _LARGEST_KEPT:
            return path.read_text(encoding="utf-8", errors="replace")
        return _kept_text(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return ""


def is_virtual(path: Path) -> bool:
    """True for a file in an archive, by GDAL's name for it."""
    return path.as_posix().startswith("/vsi")


@gdal_raises()
def _virtual_text(path: Path) -> str:
    name = path.as_posix()
    try:
        status = gdal.VSIStatL(name)
        if status is None or status.size > _LARGEST_TEXT:
            return ""
        file = gdal.VSIFOpenL(name, "rb")
        try:
            return bytes(gdal.VSIFReadL(1, status.size, file) or b"").decode("utf-8", "replace")
        finally:
            gdal.VSIFCloseL(file)
    except RuntimeError:
        return ""


def parameters_of(path: Path | None) -> Mapping[str, str]:
    """``key: value``, ``key = value`` or ``KEY value`` lines of a text file, keys in lower case; the first counts."""
    return parameters_in(text_of(path) if path else "")


def parameters_in(text: str) -> Mapping[str, str]:
    """The parameters of a text, as ``parameters_of`` gives them."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        parts = re.split(r"\s*[:=]\s*|\s+", line.strip(), maxsplit=1)
        if len(parts) == 2 and not line.startswith("#"):
            found.setdefault(parts[0].lower(), parts[1].strip())
    return found


def number_of(parameters: Mapping[str, str], *keys: str) -> float | None:
    """The first number of the value of the first of these keys that has one."""
    for key in keys:
        values = numbers_of(parameters, key)
        if values:
            return values[0]
    return None


def numbers_of(parameters: Mapping[str, str], key: str) -> list[float]:
    """The numbers that a value starts with: "1.5 2.0 m m" gives [1.5, 2.0]."""
    values = []
    text = " ".join(
        word.replace(",", "." if _DECIMAL_COMMA.match(word) else " ") for word in parameters.get(key, "").split()
    )
    for word in text.split():
        value = finite_number(word)
        if value is None:
            break
        values.append(value)
    return values


def finite_number(word: str) -> float | None:
    """The number that a word is; None for anything else, "nan" and "inf" included."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_ascending(text: str) -> bool | None:
    """Whether a word for the direction of the orbit, such as "ASCENDING" or "D", leads north; None for others."""
    return {"a": True, "d": False}.get(text.strip().lower()[:1])


def skipped(path: Path | None, lines: Sequence[str]) -> tuple[str, ...]:
    """The note that baselines of a file were skipped, with the first one; none without lines."""
    if not lines:
        return ()
    return (
        Message(
            "{path}: baselines that can't be read were skipped, {count} in all (first: “{lines}”).",
            path=path,
            count=len(lines),
            lines=lines[0].strip(),
        ),
    )
