"""Layers of polygons: the one check that a layer is one, and its outlines flat and valid, with what was mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsGeometry,
    QgsProcessingFeatureSource,
    QgsWkbTypes,
)

from ...core.errors import InputError
from ...core.progress import QUIET, Progress
from ..qgis_versions import unchecked_geometries
from ..texts import tr

_KINDS = QgsWkbTypes.GeometryType


def check_polygons(source: QgsFeatureSource) -> None:
    """InputError for a layer of points, of lines or without geometries. One of mixed or unknown kinds may hold some."""
    kind = QgsWkbTypes.geometryType(source.wkbType())
    found = {
        _KINDS.PointGeometry: tr("points"),
        _KINDS.LineGeometry: tr("lines"),
        _KINDS.NullGeometry: tr("no geometries"),
    }.get(kind)
    if found is not None:
        message = tr("The layer {} holds {} where polygons are needed. Choose a layer of polygons.")
        raise InputError(message.format(source.sourceName(), found))


def polygon_features(source: QgsFeatureSource, progress: Progress = QUIET) -> Iterator[tuple[QgsFeature, QgsGeometry]]:
    """Each feature of a layer of polygons with its outline as a valid multipolygon without Z and M.

    Invalid outlines are repaired, curves made straight, features that are no polygon left out; all of it is told at the
    end. Raises InputError for a layer of another kind, also where none of its features is a polygon.
    """
    check_polygons(source)
    counts: Counter[str] = Counter()
    request = QgsFeatureRequest()
    # QGIS would stop at invalid outlines, or leave them out.
    is_checked = isinstance(source, QgsProcessingFeatureSource)
    features = source.getFeatures(request, unchecked_geometries()) if is_checked else source.getFeatures(request)
    for number, feature in enumerate(features):
        if number % 256 == 0:
            progress.check()
        outline = _usable(feature.geometry(), counts)
        if outline is not None:
            counts["usable"] += 1
            yield feature, outline
    if counts["other"] and not counts["usable"]:
        message = tr("The layer {} holds no polygons, but other shapes. Choose a layer of polygons.")
        raise InputError(message.format(source.sourceName()))
    _tell(source.sourceName(), counts, progress)


def _usable(geometry: QgsGeometry, counts: Counter[str]) -> QgsGeometry | None:
    """The outline as it can be used; None, and counted why, for what is none."""
    if geometry.isNull() or geometry.isEmpty():
        counts["empty"] += 1
        return None
    outline = QgsGeometry(geometry)
    shape = outline.get()
    if QgsWkbTypes.isCurvedType(shape.wkbType()):
        counts["curved"] += 1
        outline = QgsGeometry(shape.segmentize())
        shape = outline.get()
    shape.dropZValue()
    shape.dropMValue()
    if outline.type() != _KINDS.PolygonGeometry:
        outline.convertGeometryCollectionToSubclass(_KINDS.PolygonGeometry)
        if outline.isEmpty() or outline.type() != _KINDS.PolygonGeometry:
            counts["other"] += 1
            return None
    if not outline.isGeosValid():
        outline = outline.makeValid()
        outline.convertGeometryCollectionToSubclass(_KINDS.PolygonGeometry)
        if outline.isEmpty() or outline.type() != _KINDS.PolygonGeometry or not outline.area() > 0:
            counts["broken"] += 1
            return None
        counts["repaired"] += 1
    outline.convertToMultiType()
    return outline


def _tell(name: str, counts: Counter[str], progress: Progress) -> None:
    for kind, text in (
        ("empty", tr("{}: {} features without a geometry are left out.")),
        ("other", tr("{}: {} features that are no polygons are left out.")),
        ("broken", tr("{}: {} outlines can't be repaired and are left out. Run Fix geometries on the layer.")),
        ("repaired", tr("{}: {} outlines that cross or touch themselves were repaired.")),
    ):
        if counts[kind]:
            progress.warning(text.format(name, counts[kind]))
    if counts["curved"]:
        progress.info(tr("{}: the curves of {} outlines were made straight lines.").format(name, counts["curved"]))
