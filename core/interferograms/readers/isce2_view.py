"""What ISCE2's metadata tell of wavelength and view: XML of swaths, frames and tracks, .rsc files and shelves."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...satellite import LEFT, RIGHT
from .files import Folder, nearest
from .metadata import HEADING, INCIDENCE, WAVELENGTH, Metadata, finite_number, is_ascending

_SWATH = re.compile(r"^IW\d\.xml$")
# stripmapApp, alos2App and stripmapStack with alosStack name theirs so; images' own XML tells nothing of the radar.
_FRAME = re.compile(r"^(data|.*(reference|secondary|master|slave|track|frame|_raw|_slc).*)\.xml$")
_PARAMETERS = re.compile(r"^(data|IW\d|.*(reference|master|track).*)\.rsc$")
_SHELF = re.compile(r"^data(\.dat|\.db)?$")
_LOOKED_INTO = 8
_LARGEST_SHELF = 32 * 2**20
_PROPERTY = r'name="{}"[^>]*>\s*<value>\s*([^<\s]+)'
_XML = {
    name: re.compile(_PROPERTY.format(pattern), re.IGNORECASE)
    for name, pattern in (
        ("wavelength", "radar[_ ]?wavelength"),
        ("pass", "pass[_ ]?direction"),
        ("side", "pointing[_ ]?direction"),
    )
}
# A name, the note that pickling makes of it, and the number: a float in 8 bytes, -1 in 4, 1 in one, or a word.
_NOTED = rb"(?:q.|r.{4}|\x94)"
_PICKLED_WAVELENGTH = re.compile(rb"radarWavelen?gth" + _NOTED + rb"G(.{8})", re.DOTALL)
_PICKLED_SIDE = re.compile(rb"pointingDirection" + _NOTED + rb"(J\xff\xff\xff\xff|K\x01)", re.DOTALL)
_PICKLED_PASS = re.compile(rb"passDirection" + _NOTED + rb"(?:X.{4}|\x8c.)(ascend|descend)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class IsceView:
    """Metres, degrees, whether the orbit leads north and the look side; None where nothing tells them."""

    wavelength: float | None = None
    heading: float | None = None
    incidence: float | None = None
    ascending: bool | None = None
    look_side: str | None = None

    def over(self, other: IsceView) -> IsceView:
        """This one, with what it doesn't tell from the other."""
        mine = vars(self)
        return IsceView(**{name: value if mine[name] is None else mine[name] for name, value in vars(other).items()})


def view_of(path: Path, folder: Folder, told: Metadata) -> IsceView:
    """From the nearest file of each kind, the first kind that tells something; Sentinel-1 looks to the right.

    ``told`` gets what can't be right.
    """
    view = IsceView()
    swath = nearest(folder.matching(_SWATH), path)
    if swath is not None:
        view = _of_xml(swath, told).over(IsceView(look_side=RIGHT))
    rsc = nearest(folder.matching(_PARAMETERS), path)
    if rsc is not None:
        view = view.over(_of_parameters(rsc, told))
    if view.wavelength is None:
        view = view.over(_first(folder.matching(_FRAME), path, told))
    if view.wavelength is None:
        shelf = nearest(folder.matching(_SHELF), path)
        view = view if shelf is None else view.over(_of_shelf(shelf, told))
    return view


def _first(files: Sequence[Path], path: Path, told: Metadata) -> IsceView:
    """What the nearest of the files tells that tells a wavelength; of the nearest few, as a stack has many."""
    left = list(files)
    for _ in range(_LOOKED_INTO):
        file = nearest(left, path)
        if file is None:
            break
        if _XML["wavelength"].search(told.text(file)):
            return _of_xml(file, told)
        left.remove(file)
    return IsceView()


def _of_xml(path: Path, told: Metadata) -> IsceView:
    text = told.text(path)
    found = {name: match[1] for name, pattern in _XML.items() if (match := pattern.search(text))}
    number = found.get("wavelength", "")
    return IsceView(
        wavelength=told.checked(WAVELENGTH, path, finite_number(number), number),
        ascending=is_ascending(found.get("pass", "")),
        look_side={"-1": RIGHT, "1": LEFT}.get(found.get("side", ""))
        or told.side(path, found if found.get("side", "").isalpha() else {}, "side", left="left", right="right"),
    )


def _of_parameters(path: Path, told: Metadata) -> IsceView:
    header = told.parameters(path)
    return IsceView(
        wavelength=told.number(WAVELENGTH, path, header, "wavelength"),
        heading=told.number(HEADING, path, header, "heading_deg", "heading"),
        incidence=told.number(INCIDENCE, path, header, "center_incidence_angle"),
        ascending=is_ascending(header.get("orbit_direction", "")),
        look_side=told.side(path, header, "antenna_side", left="1", right="-1"),
    )


def _of_shelf(path: Path, told: Metadata) -> IsceView:
    try:
        status = path.stat()
    except OSError:
        return IsceView()
    if status.st_size > _LARGEST_SHELF:
        return IsceView()
    wavelength, ascending, look_side = _in_shelf(path, status.st_size, status.st_mtime_ns)
    return IsceView(told.checked(WAVELENGTH, path, wavelength), ascending=ascending, look_side=look_side)


@lru_cache(maxsize=64)
def _in_shelf(path: Path, size: int, modified: int) -> tuple[float | None, bool | None, str | None]:
    """Wavelength, whether the orbit leads north, and look side in a shelf of Python objects.

    Its bytes are searched: loading a pickle would run what it says, and needs ISCE2.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None, None, None
    wavelength, side, way = (pattern.search(content) for pattern in (_PICKLED_WAVELENGTH, _PICKLED_SIDE, _PICKLED_PASS))
    return (
        struct.unpack(">d", wavelength[1])[0] if wavelength else None,
        is_ascending(way[1].decode("ascii")) if way else None,
        None if side is None else RIGHT if side[1].startswith(b"J") else LEFT,
    )
