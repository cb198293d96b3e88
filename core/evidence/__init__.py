"""What speaks for an area: its profile, and its displacement by date.

Enters: a line or an outline, layers, a stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .profile import Profile, area_profile
    from .time_series import TimeSeries, area_time_series, network_of
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "Profile",
    "TimeSeries",
    "area_profile",
    "area_time_series",
    "network_of",
]
