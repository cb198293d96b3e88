"""Layers: features, marks, decisions of a review, as all tools write and read them.

Enters: core's tables and QGIS' layers; no tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.doors import opened_when_asked

if TYPE_CHECKING:
    from . import review
    from .areas import read_areas, write_areas
    from .features import fields_of, to_python, write_features
    from .judged import write_judged
    from .marks import ROLE_PROPERTY, RUN_PROPERTY, mark_role, mark_run, model_credit, role_mark, run_of
    from .review import ACCEPTED, DECISIONS, REJECTED, UNSURE, decision_of
    from .sites import read_sites, style_sites, table_of, write_sites
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "ACCEPTED",
    "DECISIONS",
    "REJECTED",
    "ROLE_PROPERTY",
    "RUN_PROPERTY",
    "UNSURE",
    "decision_of",
    "fields_of",
    "mark_role",
    "mark_run",
    "model_credit",
    "read_areas",
    "read_sites",
    "review",
    "role_mark",
    "run_of",
    "style_sites",
    "table_of",
    "to_python",
    "write_areas",
    "write_features",
    "write_judged",
    "write_sites",
]
