"""The attributes of an area in plain words, with units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...processing.qgis_versions import is_null
from ...processing.texts import compass, number, tr


def area_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, text) of what is known of an area, by the names of core.areas.FIELDS or core.orbits.MERGED_FIELDS."""
    known = {name: value for name, value in attributes.items() if _is_known(value)}
    found = [(tr("Size"), _size(known.get("area_km2")))]
    views = [(end, text) for end, text in _views().items() if f"los_rate_mean{end}" in known or end == ""]
    for end, view in views:
        found.append((_of(tr("LOS rate"), view), _mean_and(known, "los_rate", "extreme", 1, tr("mm/yr"), end)))
        found.append((_of(tr("Fast motion"), view), str(known.get(f"fast_motion{end}", ""))))
        found.append((_of(tr("Probability"), view), _mean_and(known, "probability", "max", 2, "", end)))
        found.append((_of(tr("Chance to be right"), view), _chance(known, end)))
    for name in ("", "_ascending", "_descending"):
        ground = _ground(known, name)
        if any(text for _, text in ground):
            found += ground
            break
    found.append((tr("Orbit"), _orbit(known.get("seen_from", known.get("orbit")))))
    found.append((tr("Agreement of orbits"), str(known.get("agreement", ""))))
    found.append((tr("Place"), _place(known.get("latitude"), known.get("longitude"))))
    return [(name, text) for name, text in found if text]


def review_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, text) of who decided when, and whether the outline was redrawn."""
    found = []
    day, reviewer = (attributes.get(name) for name in ("reviewed_on", "reviewer"))
    if isinstance(day, str) and day:
        by = isinstance(reviewer, str) and reviewer
        found.append((tr("Reviewed"), tr("{} by {}").format(day, reviewer) if by else day))
    if isinstance(attributes.get("outline_changed"), (bool, int)) and attributes["outline_changed"]:
        found.append((tr("Outline"), tr("redrawn")))
    return found


def area_size(square_kilometres: float) -> str:
    """An area as people write it: square metres, hectares or square kilometres."""
    if square_kilometres < 0.01:
        return tr("{} m²").format(number(1e6 * square_kilometres, 0))
    if square_kilometres < 1:
        return tr("{} hectares").format(number(100 * square_kilometres, 1))
    return tr("{} km²").format(number(square_kilometres, 2))


def _views() -> dict[str, str]:
    """The endings of attributes that belong to one orbit, and what that orbit is called."""
    return {"": "", "_ascending": tr("ascending"), "_descending": tr("descending")}


def _of(name: str, view: str) -> str:
    return f"{name}, {view}" if view else name


def _is_known(value: Any) -> bool:
    return not (is_null(value) or (isinstance(value, float) and not math.isfinite(value)))


def _size(value: Any) -> str:
    return "" if value is None else area_size(float(value))


def _mean_and(known: Mapping[str, Any], name: str, other: str, decimals: int, unit: str, end: str) -> str:
    """The mean of a quantity and its extreme."""
    mean, extreme = known.get(f"{name}_mean{end}"), known.get(f"{name}_{other}{end}")
    suffix = f" {unit}" if unit else ""
    if mean is None:
        return "" if extreme is None else number(extreme, decimals) + suffix
    text = tr("{} on average").format(number(mean, decimals) + suffix)
    if extreme is None:
        return text
    # A rate may be negative, of which "at most" would say the opposite.
    both = tr("{}, extreme {}") if other == "extreme" else tr("{}, at most {}")
    return both.format(text, number(extreme, decimals) + suffix)


def _chance(known: Mapping[str, Any], end: str) -> str:
    """The calibrated probability of an area; "" for the mean of its pixels, which is told already."""
    chance = known.get(f"area_probability{end}")
    if chance is None or chance == known.get(f"probability_mean{end}"):
        return ""
    return tr("{} %").format(number(100 * float(chance)))


def _ground(known: Mapping[str, Any], end: str) -> list[tuple[str, str]]:
    """Slope, heights and direction of fall."""
    slope, low, high = (known.get(f"{name}{end}") for name in ("slope_mean", "elevation_min", "elevation_max"))
    aspect = known.get(f"aspect{end}")
    steepness = "" if slope is None else tr("{}° on average").format(number(slope, 0))
    if steepness and known.get(f"slope_max{end}") is not None:
        steepness = tr("{}, at most {}°").format(steepness, number(known[f"slope_max{end}"], 0))
    if aspect is not None:
        fall = tr("falls to the {}").format(compass(float(aspect)))
        steepness = f"{steepness}, {fall}" if steepness else fall
    heights = "" if low is None or high is None else tr("{} to {} m").format(number(low, 0), number(high, 0))
    return [(tr("Slope"), steepness), (tr("Elevation"), heights)]


def _orbit(value: Any) -> str:
    names = {
        "ascending": tr("ascending"),
        "descending": tr("descending"),
        "both": tr("seen from both orbits"),
        "unknown": tr("unknown"),
    }
    return "" if value is None else names.get(str(value), str(value))


def _place(latitude: Any, longitude: Any) -> str:
    if latitude is None or longitude is None:
        return ""
    north = tr("{}° N") if latitude >= 0 else tr("{}° S")
    east = tr("{}° E") if longitude >= 0 else tr("{}° W")
    return f"{north.format(number(abs(latitude), 5))}, {east.format(number(abs(longitude), 5))}"
