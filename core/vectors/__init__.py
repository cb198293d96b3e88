"""Polygons: outlines in a CRS, polygons on exact pixel edges, polygons to pixels, tables of features.

Enters: geometries and grids; nothing of what they outline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .burning import Burner, burn
    from .measures import GroundMeasures, boxes_of, boxes_that_meet
    from .ogr_memory import heard_errors, refusal, vector_memory
    from .outlines import Outlines, as_valid_multipolygon, read_polygons, to_crs, transformed
    from .polygons import polygonize, round_corners
    from .tables import point_geometry, write_layer
    from .written import check_written, tables_taken
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "Burner",
    "GroundMeasures",
    "Outlines",
    "as_valid_multipolygon",
    "boxes_of",
    "boxes_that_meet",
    "burn",
    "check_written",
    "heard_errors",
    "point_geometry",
    "polygonize",
    "read_polygons",
    "refusal",
    "round_corners",
    "tables_taken",
    "to_crs",
    "transformed",
    "vector_memory",
    "write_layer",
]
