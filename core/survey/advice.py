"""What to look for at a site, in a few sentences from the attributes of its area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..satellite import LEFT, RIGHT
from ..texts import Message, joined

# A satellite that flies north and looks to the right looks east, one that flies south looks west; to the left, it is
# the other way round. What goes away from it goes the way it looks.
_LOOKS = {("ascending", RIGHT): ("east", "west"), ("descending", RIGHT): ("west", "east")}
_LOOKS.update({(orbit, LEFT): ways[::-1] for (orbit, _), ways in _LOOKS.items()})
_SLOPES = (
    (
        5.0,
        Message(
            "Nearly level ground: settlement, mining or a broad, slow deposit. Look for cracks in walls, roads "
            "and canals."
        ),
    ),
    (
        30.0,
        Message(
            "A slope where earth slides or flows: look for a scarp and tensile cracks at the upper edge, a bulging toe "
            "at the lower one, tilted trees, damaged roads and cracked houses."
        ),
    ),
    (
        90.0,
        Message(
            "Steep: look for open cracks above the edge, fresh scars and fallen blocks. Do not stand below; look from "
            "the opposite side."
        ),
    ),
)
_FAST = 100.0
_LARGE, _SMALL = 0.5, 0.02


def look_for(attributes: Mapping[str, Any], sign: str = "toward", look_side: str = RIGHT) -> str:
    """Advice from los_rate (mm/yr, positive ``sign`` the satellite), orbit, slope (degrees), area_km2 where known.

    ``look_side``: "right" or "left", to which side of its flight the satellite looks.
    """
    parts = []
    rate, slope, size = (attributes.get(name) for name in ("los_rate", "slope", "area_km2"))
    if rate:
        parts.append(_motion(float(rate), str(attributes.get("orbit") or ""), look_side, sign))
    if slope is not None:
        parts.append(next(text for limit, text in _SLOPES if slope <= limit or limit == _SLOPES[-1][0]))
    else:
        parts.append(
            Message("Look for scarps, tensile cracks, a bulging toe, tilted trees, damaged roads and cracked houses.")
        )
    if size is not None and size >= _LARGE:
        parts.append(Message("A large area: view all of it from afar first, then cross its edges."))
    elif size is not None and size < _SMALL:
        parts.append(Message("A small area: walk round all of it."))
    return joined(parts, " ")


def _motion(rate: float, orbit: str, look_side: str, sign: str) -> str:
    goes_away = (rate < 0) == (sign == "toward")
    heading = Message("away from") if goes_away else Message("toward")
    # An area that both orbits see keeps the rate of one of them, so that only up or down can be told.
    ways = _LOOKS.get((orbit, look_side))
    upright = Message("down") if goes_away else Message("up")
    sideways = Message("to the {way}", way=ways[0 if goes_away else 1]) if ways else Message("sideways")
    moves = Message(
        "The ground moves {heading} the satellite by up to {speed:.0f} mm a year: {upright} or {sideways}.",
        heading=heading,
        speed=abs(rate),
        upright=upright,
        sideways=sideways,
    )
    return joined([moves, Message("Fast: keep an eye on your way out.")], " ") if abs(rate) >= _FAST else moves
