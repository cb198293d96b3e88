"""The review of areas in their layer: its fields, writing decisions, outlines that changed, and how it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsFillSymbol,
    QgsGeometry,
    QgsProperty,
    QgsRendererCategory,
    QgsSymbolLayer,
    QgsVectorDataProvider,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate, Qt
from qgis.PyQt.QtGui import QColor

from ...core.errors import OutputError
from ...core.fields import folded, found_columns
from ...core.progress import Progress
from ..layer_sources import crs_text
from ..qgis_versions import is_null, symbol_property
from ..styles import ORBIT_COLOURS
from ..texts import tr
from .features import TYPES

ACCEPTED, REJECTED, UNSURE = DECISIONS = ("accepted", "rejected", "unsure")
STYLE = "review"
REVIEW_FIELDS: tuple[tuple[str, str, int, str], ...] = (
    ("review", "str", 20, "Decision of the reviewer: accepted, rejected or unsure; empty: not reviewed"),
    ("review_note", "str", 0, "Note of the reviewer"),
    ("reviewed_on", "str", 10, "Date of the decision, YYYY-MM-DD"),
    ("reviewer", "str", 0, "Who decided"),
    ("outline_changed", "bool", 0, "True where the outline was redrawn"),
)
"""Name, type, longest text (0: any) and meaning of the fields that a review adds."""
_GREY = "#8a8f98"


def own_names(fields: QgsFields) -> dict[str, str]:
    """The columns of a layer by the attributes of areas and of a review, also those whose names a Shapefile cut."""
    from ...core.areas import FIELDS, MERGED_FIELDS

    own = [name for name, *_ in REVIEW_FIELDS]
    tables = [[*(field.name for field in table), *own] for table in (FIELDS, MERGED_FIELDS)]
    return dict(found_columns([field.name() for field in fields], *tables).names)


def named_attributes(feature: QgsFeature) -> dict[str, Any]:
    """The attributes of an area by their own names, whole where a Shapefile cut them."""
    values = dict(zip(feature.fields().names(), feature.attributes()))
    return {**values, **{name: values[column] for name, column in own_names(feature.fields()).items()}}


def check_decisions(source: QgsFeatureSource, progress: Progress) -> None:
    """Warn of decisions in a layer that are none of DECISIONS and count as none."""
    column = own_names(source.fields()).get("review")
    if column is None:
        return
    index = source.fields().indexOf(column)
    unknown = {str(value) for value in source.uniqueValues(index) if _is_answer(value) and decision_of(value) is None}
    if unknown:
        message = tr("{}: decisions of the review that say nothing known count as none: {}.")
        progress.warning(message.format(source.sourceName(), ", ".join(f"“{text[:40]}”" for text in sorted(unknown))))


def _is_answer(value: Any) -> bool:
    """Whether something was written."""
    return not is_null(value) and str(value).strip() != ""


def prepare_review(layer: QgsVectorLayer) -> None:
    """Add the fields of a review that the layer doesn't have. OutputError where it can't be written to."""
    missing = [entry for entry in REVIEW_FIELDS if layer.fields().indexOf(entry[0]) < 0]
    if not missing:
        return
    provider = layer.dataProvider()
    # A Shapefile would cut the names, and notes, too.
    can_add = provider.capabilities() & QgsVectorDataProvider.Capability.AddAttributes
    if not can_add or provider.storageType() == "ESRI Shapefile":
        raise OutputError(cannot_write(layer))
    fields = []
    for name, kind, length, meaning in missing:
        field = QgsField(name, TYPES[kind], len=length)
        field.setComment(meaning)
        fields.append(field)
    added = provider.addAttributes(fields)
    layer.updateFields()
    if not added or not is_prepared_for_review(layer):
        raise OutputError(cannot_write(layer))


def is_prepared_for_review(layer: QgsVectorLayer) -> bool:
    """True when the layer has all fields of a review."""
    return all(layer.fields().indexOf(name) >= 0 for name, *_ in REVIEW_FIELDS)


def write_review(layer: QgsVectorLayer, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Save attributes, by feature id and name, in the layer at once; those of fields it doesn't have are left out.

    A layer that is being edited stays in its session, whose edits are neither saved nor lost. OutputError, and nothing
    changed, where it can't be written to.
    """
    indices = {name: layer.fields().indexOf(column) for name, column in own_names(layer.fields()).items()}
    by_index = {
        feature: {indices[name]: value for name, value in attributes.items() if name in indices}
        for feature, attributes in values.items()
    }
    if layer.isEditable():
        _write_beside_session(layer, by_index)
        return
    if not layer.startEditing():
        raise OutputError(cannot_write(layer))
    is_done = all(layer.changeAttributeValues(feature, attributes) for feature, attributes in by_index.items())
    if is_done and layer.commitChanges():
        return
    reason = "; ".join(layer.commitErrors())
    layer.rollBack()
    raise OutputError(cannot_write(layer, reason))


def _write_beside_session(layer: QgsVectorLayer, values: dict[int, dict[int, Any]]) -> None:
    """Save attributes, by feature id and index, past the edits of the session that the layer is in."""
    if any(feature < 0 for feature in values):
        message = tr("This area is not saved in the layer {} yet: save the edits of the layer first.")
        raise OutputError(message.format(layer.name()))
    if not layer.dataProvider().changeAttributeValues(values):
        raise OutputError(cannot_write(layer))
    layer.dataChanged.emit()


def decide(layer: QgsVectorLayer, feature: int, decision: str | None, reviewer: str, note: str | None = None) -> None:
    """Save a decision (one of DECISIONS, None takes it back) with today's date; ``note`` None leaves the note alone."""
    prepare_review(layer)
    values: dict[str, Any] = {
        "review": decision,
        "reviewed_on": None if decision is None else QDate.currentDate().toString(Qt.DateFormat.ISODate),
        "reviewer": None if decision is None else reviewer or None,
    }
    if note is not None:
        values["review_note"] = note.strip() or None
    write_review(layer, {feature: values})


def update_outlines(layer: QgsVectorLayer, features: Iterable[int]) -> None:
    """Measure areas whose outlines were redrawn: size, inner point, and the mark that they changed."""
    from osgeo import ogr

    from ...core.gdal_errors import gdal_raises
    from ...core.vectors import GroundMeasures, as_valid_multipolygon

    crs = crs_text(layer.crs())
    ground = GroundMeasures(crs) if crs else None
    values: dict[int, dict[str, Any]] = {}
    request = QgsFeatureRequest().setFilterFids(list(features)).setNoAttributes()
    for feature in layer.getFeatures(request):
        measured: dict[str, Any] = {"outline_changed": True}
        geometry = feature.geometry()
        if ground is not None and not geometry.isEmpty():
            with gdal_raises():
                outline = as_valid_multipolygon(ogr.CreateGeometryFromWkb(bytes(geometry.asWkb())))
            measured["area_km2"] = ground.area(outline) / 1e6
            measured["longitude"], measured["latitude"] = ground.inner_point(outline)
        values[feature.id()] = measured
    if values:
        prepare_review(layer)
        write_review(layer, values)


def replace_outline(layer: QgsVectorLayer, feature: int, geometry: QgsGeometry) -> None:
    """Save another outline, in the layer's CRS, for an area and measure it. OutputError where that can't be.

    In a layer that is being edited it becomes one of the edits, to be saved with them, and is not measured yet.
    """
    outline = QgsGeometry(geometry)
    outline = outline if outline.isGeosValid() else outline.makeValid()
    fitting = outline.coerceToType(layer.wkbType())
    if outline.isEmpty() or geometry.type() != layer.geometryType() or len(fitting) != 1:
        raise OutputError(tr("The new outline is no polygon that the layer {} can hold.").format(layer.name()))
    if layer.isEditable():
        if not layer.changeGeometry(feature, fitting[0]):
            raise OutputError(cannot_write(layer))
        return
    if not layer.startEditing():
        raise OutputError(cannot_write(layer))
    if not layer.changeGeometry(feature, fitting[0]) or not layer.commitChanges():
        reason = "; ".join(layer.commitErrors())
        layer.rollBack()
        raise OutputError(cannot_write(layer, reason))
    update_outlines(layer, [feature])


def count_decisions(layer: QgsVectorLayer) -> Counter[str]:
    """How many areas have each decision; those without one count under ""."""
    index = layer.fields().lookupField("review")
    if index < 0:
        return Counter({"": layer.featureCount()})
    request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setSubsetOfAttributes([index])
    decisions = (decision_of(feature[index]) for feature in layer.getFeatures(request))
    return Counter(decision or "" for decision in decisions)


def decision_of(value: Any) -> str | None:
    """One of DECISIONS, also from its label and in any case; None for anything else, as NULL is in each QGIS."""
    if not isinstance(value, str) or value in DECISIONS:
        return value if value in DECISIONS else None
    labels = {ACCEPTED: tr("Accepted"), REJECTED: tr("Rejected"), UNSURE: tr("Unsure")}
    words = {folded(text): decision for decision, label in labels.items() for text in (decision, label)}
    return words.get(folded(value))


def style_review(layer: QgsVectorLayer) -> None:
    """Show the decisions, in a style named "review" beside the one that the layer has; once, then it is left alone."""
    manager = layer.styleManager()
    if STYLE in manager.styles():
        return
    manager.addStyleFromLayer(STYLE)
    manager.setCurrentStyle(STYLE)
    names = {
        ACCEPTED: tr("Accepted"),
        REJECTED: tr("Rejected"),
        UNSURE: tr("Unsure"),
        "": tr("Not reviewed"),
    }
    categories = [QgsRendererCategory(decision, _symbol(decision, layer), name) for decision, name in names.items()]
    layer.setRenderer(QgsCategorizedSymbolRenderer("coalesce(\"review\", '')", categories))
    layer.triggerRepaint()


_LINES = {ACCEPTED: ("solid", 0.7, 60), REJECTED: ("dash", 0.5, 0), UNSURE: ("dot", 0.7, 25), "": ("solid", 0.3, 0)}


def _symbol(decision: str, layer: QgsVectorLayer) -> QgsFillSymbol:
    """The outline of a decision: the line tells it, the colour the orbit (grey for rejected)."""
    field = "seen_from" if layer.fields().indexOf("seen_from") >= 0 else "orbit"
    present = layer.uniqueValues(layer.fields().indexOf(field)) if layer.fields().indexOf(field) >= 0 else set()
    orbits = [orbit for orbit in ORBIT_COLOURS if orbit in present] or ["unknown"]
    colour = _GREY if decision == REJECTED else ORBIT_COLOURS[orbits[0]]
    line, width, alpha = _LINES[decision]
    fill = QColor(colour)
    fill.setAlpha(alpha)
    properties = {
        "color": fill.name(QColor.NameFormat.HexArgb),
        "outline_color": colour,
        "outline_width": str(width),
        "outline_style": line,
    }
    symbol = QgsFillSymbol.createSimple(properties)
    if decision != REJECTED and len(orbits) > 1:
        cases = " ".join(f"WHEN \"{field}\" = '{orbit}' THEN '{ORBIT_COLOURS[orbit]}'" for orbit in orbits)
        expression = f"CASE {cases} ELSE '{colour}' END"
        _define(symbol.symbolLayer(0), "StrokeColor", expression)
        _define(symbol.symbolLayer(0), "FillColor", f"set_color_part({expression}, 'alpha', {alpha})")
    return symbol


def _define(symbol_layer: QgsSymbolLayer, name: str, expression: str) -> None:
    symbol_layer.setDataDefinedProperty(symbol_property(name), QgsProperty.fromExpression(expression))


def cannot_write(layer: QgsVectorLayer, reason: str = "") -> str:
    """The sentence for a layer that can't be written to."""
    message = tr(
        "The layer {} can't be written to{}. Save it as a GeoPackage in a folder of your own (Export > Save Features "
        "As) and review that, or close the program that holds its file open."
    )
    return message.format(layer.name(), f" ({reason})" if reason else "")
