"""Layers: features, marks, decisions of a review, as all tools write and read them.

Enters: core's tables and QGIS' layers; no tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from .areas import area_columns, read_areas, write_areas
    from .channel_layers import (
        add_layers,
        add_layers_of_other_orbit,
        chosen_layers,
        chosen_layers_of_other_orbit,
    )
    from .features import existing_field, fields_of, staged_sink, to_python, write_features
    from .judged import write_judged
    from .marks import ROLE_PROPERTY, RUN_PROPERTY, mark_role, mark_run, model_credit, role_mark, run_of
    from .polygons import check_polygons, polygon_features
    from .review import (
        ACCEPTED,
        DECISIONS,
        REJECTED,
        UNSURE,
        cannot_write,
        check_decisions,
        count_decisions,
        decide,
        decision_of,
        is_prepared_for_review,
        named_attributes,
        own_names,
        prepare_review,
        replace_outline,
        style_review,
        update_outlines,
        write_review,
    )
    from .sites import read_sites, result_labels, style_sites, table_of, write_sites
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ACCEPTED",
    "DECISIONS",
    "REJECTED",
    "ROLE_PROPERTY",
    "RUN_PROPERTY",
    "UNSURE",
    "add_layers",
    "add_layers_of_other_orbit",
    "area_columns",
    "cannot_write",
    "check_decisions",
    "check_polygons",
    "chosen_layers",
    "chosen_layers_of_other_orbit",
    "count_decisions",
    "decide",
    "decision_of",
    "existing_field",
    "fields_of",
    "is_prepared_for_review",
    "mark_role",
    "mark_run",
    "model_credit",
    "named_attributes",
    "own_names",
    "polygon_features",
    "prepare_review",
    "read_areas",
    "read_sites",
    "replace_outline",
    "result_labels",
    "role_mark",
    "run_of",
    "staged_sink",
    "style_review",
    "style_sites",
    "table_of",
    "to_python",
    "update_outlines",
    "write_areas",
    "write_features",
    "write_judged",
    "write_review",
    "write_sites",
]
