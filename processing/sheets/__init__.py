"""Survey maps: the plan, the layout and the text of printed sheets.

Enters: areas, sites, layers, templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .survey_maps import SurveyMaps
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "SurveyMaps",
]
