"""The field survey: sites, the package for a phone or tablet, what comes back from it, and what it proves.

Enters: areas, a DEM, roads, and what surveyors wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .advice import look_for
    from .answers import AnswerReader, form_labels, labels_beside, result_of
    from .base_map import BaseMapFrame, frame_around, shows_any, write_hillshade, write_image
    from .copies import read_copy
    from .merge_report import summary_of, write_conflicts_csv, write_merge_report
    from .merging import merge_copies, with_photos
    from .package import GEOPACKAGE, PHOTO_FOLDER, PROJECT, building, write_geopackage, write_gpx, write_kml
    from .photos import copy_photos, remove_made
    from .results import Share, SurveyResult, assess_survey, mapped_share, meaning_of
    from .results_report import share_text, write_survey_csv, write_survey_report
    from .returned_file import lacks_log, missing_log
    from .roads import Roads
    from .sampling import District, SamplingRules, sample_sites
    from .sites import (
        CONFIRMED,
        FIELD_SIGNS,
        FORM_FIELDS,
        NOT_ACCESSIBLE,
        NOT_CONFIRMED,
        NOT_VISITED,
        PHOTOS,
        RESULTS,
        SITE_FIELDS,
        Site,
        completed_sites,
        degrees_minutes,
        one_line,
    )
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "CONFIRMED",
    "FIELD_SIGNS",
    "FORM_FIELDS",
    "GEOPACKAGE",
    "NOT_ACCESSIBLE",
    "NOT_CONFIRMED",
    "NOT_VISITED",
    "PHOTOS",
    "PHOTO_FOLDER",
    "PROJECT",
    "RESULTS",
    "SITE_FIELDS",
    "AnswerReader",
    "BaseMapFrame",
    "District",
    "Roads",
    "SamplingRules",
    "Share",
    "Site",
    "SurveyResult",
    "assess_survey",
    "building",
    "completed_sites",
    "copy_photos",
    "degrees_minutes",
    "form_labels",
    "frame_around",
    "labels_beside",
    "lacks_log",
    "look_for",
    "mapped_share",
    "meaning_of",
    "merge_copies",
    "missing_log",
    "one_line",
    "read_copy",
    "remove_made",
    "result_of",
    "sample_sites",
    "share_text",
    "shows_any",
    "summary_of",
    "with_photos",
    "write_conflicts_csv",
    "write_geopackage",
    "write_gpx",
    "write_hillshade",
    "write_image",
    "write_kml",
    "write_merge_report",
    "write_survey_csv",
    "write_survey_report",
]
