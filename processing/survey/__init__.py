"""The tools of the field survey.

Enters: parameters; each tool calls core once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .assess_survey import AssessSurvey
    from .merge_survey import MergeSurvey
    from .sample_sites import SampleSites
    from .survey_package import SurveyPackage
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AssessSurvey",
    "MergeSurvey",
    "SampleSites",
    "SurveyPackage",
]
