"""The QGIS project of a survey package: layers with relative paths, styles, and the form that QField shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsAttributeEditorContainer,
    QgsAttributeEditorField,
    QgsContrastEnhancement,
    QgsCoordinateReferenceSystem,
    QgsDefaultValue,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsFieldConstraints,
    QgsLineSymbol,
    QgsMarkerSymbol,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)

from ...core.errors import OutputError
from ...core.survey import FIELD_SIGNS, GEOPACKAGE, PHOTO_FOLDER, PHOTOS, PROJECT, RESULTS, SITE_FIELDS, BaseMapFrame
from ..layers import style_sites
from ..qgis_versions import make_group, relative_paths, reuse_last_value, use_tabs
from ..styles import style_areas
from ..texts import tr

# The value by which a value map knows "nothing chosen" (QgsValueMapFieldFormatter).
_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
_HIDDEN = ("fid", "uid", "stratum_size")
_TEXT = {"IsMultiline": False, "UseHtml": False}
_LINES = {"IsMultiline": True, "UseHtml": False}
_DAY = {
    "allow_null": True, "calendar_popup": True, "display_format": "yyyy-MM-dd", "field_format": "yyyy-MM-dd",
    "field_iso_format": False,
}  # fmt: skip
# Relative to the project, shown as a picture, taken with the camera on a phone.
_PHOTO = {
    "DocumentViewer": 1, "DocumentViewerHeight": 0, "DocumentViewerWidth": 0, "FileWidget": True,
    "FileWidgetButton": True, "FileWidgetFilter": "", "RelativeStorage": 1, "StorageMode": 0,
}  # fmt: skip


def write_field_project(folder: Path, title: str, crs: QgsCoordinateReferenceSystem, frame: BaseMapFrame) -> None:
    """Write the project of the files in ``folder``; rasters there become base maps. OutputError when it can't be."""
    project = QgsProject()
    try:
        project.setTitle(title)
        project.setCrs(crs)
        project.setFilePathStorage(relative_paths())
        layers = {name: _vector(folder, name, text) for name, text in _titles().items()}
        _set_up_sites(layers["sites"])
        _set_up_notes(layers["notes"])
        _set_up_tracks(layers["tracks"])
        style_areas(layers["areas"])
        layers["areas"].setReadOnly(True)
        rasters = _rasters(folder)
        project.addMapLayers([*layers.values(), *rasters], False)
        root = project.layerTreeRoot()
        for layer in (*layers.values(), *rasters):
            root.addLayer(layer).setExpanded(False)
        extent = QgsReferencedRectangle(QgsRectangle(*frame.bounds), crs)
        project.viewSettings().setDefaultViewExtent(extent)
        project.viewSettings().setPresetFullExtent(extent)
        if not project.write(str(folder / PROJECT)):
            raise OutputError(
                "{path} can't be written ({error}). Check that the disk is not full.",
                path=folder / PROJECT,
                error=project.error(),
            )
    finally:
        # Files that QGIS holds open could not be renamed on Windows.
        project.clear()
        # Statistics that QGIS kept beside the rasters when it opened them; no style here needs them.
        for file in folder.glob("*.aux.xml"):
            file.unlink()


def _titles() -> dict[str, str]:
    """The layers of the GeoPackage from the top, and their names."""
    return {
        "sites": tr("Sites"),
        "notes": tr("Notes"),
        "tracks": tr("Tracks"),
        "areas": tr("Active deformation areas"),
    }


def _vector(folder: Path, name: str, title: str) -> QgsVectorLayer:
    layer = QgsVectorLayer(f"{folder / GEOPACKAGE}|layername={name}", title, "ogr")
    if not layer.isValid():
        raise OutputError("{path} can't be read again. Check that the disk is not full.", path=folder / GEOPACKAGE)
    return layer


def _rasters(folder: Path) -> list[QgsRasterLayer]:
    titles = {"base_map.tif": tr("Base map"), "hillshade.tif": tr("Hillshade")}
    layers = [QgsRasterLayer(str(folder / name), title) for name, title in titles.items() if (folder / name).exists()]
    for layer in layers:
        # Their bytes are colours already.
        layer.setContrastEnhancement(QgsContrastEnhancement.ContrastEnhancementAlgorithm.NoEnhancement)
    return layers


def _set_up_sites(layer: QgsVectorLayer) -> None:
    style_sites(layer)
    _set_widgets(layer)
    _set_rules(layer)
    _set_form(layer)
    # A name may hold what leads to another folder, and be longer than names of files can be.
    _name_photos(layer, PHOTOS, "left(regexp_replace(\"name\", '[^\\\\w-]+', '_'), 40)")


def _set_widgets(layer: QgsVectorLayer) -> None:
    answers = [{tr("Not visited"): _NULL}, *({tr(title): value} for value, title in RESULTS.items())]
    _widget(layer, "result", "ValueMap", {"map": answers}, tr("Result"))
    for name, title in FIELD_SIGNS.items():
        _widget(layer, name, "CheckBox", {}, tr(title))
    for number, name in enumerate(PHOTOS, 1):
        _widget(layer, name, "ExternalResource", _PHOTO, tr("Photo {}").format(number))
    _widget(layer, "remarks", "TextEdit", _LINES, tr("Remarks"))
    _widget(layer, "surveyor", "TextEdit", _TEXT, tr("Surveyor"))
    _widget(layer, "visited_on", "DateTime", _DAY, tr("Visited on"))
    for name, title in _site_titles().items():
        _widget(layer, name, "TextEdit", _LINES if name == "look_for" else _TEXT, title)
    for name in _HIDDEN:
        _widget(layer, name, "Hidden", {}, name)


def _site_titles() -> dict[str, str]:
    return {
        "look_for": tr("What to look for"),
        "id": tr("Number"),
        "name": tr("Name"),
        "area_id": tr("Area"),
        "orbit": tr("Seen from orbit"),
        "stratum": tr("Stratum"),
        "latitude_dm": tr("Latitude"),
        "longitude_dm": tr("Longitude"),
        "x": tr("Easting (x)"),
        "y": tr("Northing (y)"),
        "longitude": tr("Longitude (°)"),
        "latitude": tr("Latitude (°)"),
        "area_km2": tr("Size (km²)"),
        "los_rate": tr("LOS rate (mm/yr)"),
        "slope": tr("Slope (°)"),
        "elevation": tr("Elevation (m)"),
        "road_distance": tr("Distance to a road (m)"),
    }


def _widget(layer: QgsVectorLayer, name: str, kind: str, settings: dict[str, Any], title: str) -> None:
    index = layer.fields().indexOf(name)
    if index >= 0:
        layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup(kind, settings))
        layer.setFieldAlias(index, title)


def _set_rules(layer: QgsVectorLayer) -> None:
    """Values filled in by themselves, and soft constraints, which warn and never hold a surveyor up."""
    fields = layer.fields()
    for name, expression, on_update in (
        ("uid", "uuid('WithoutBraces')", False),
        ("name", "'N' || format_date(now(), 'ddHHmm')", False),
        ("visited_on", 'if("result" is null, null, coalesce("visited_on", to_date(now())))', True),
    ):
        layer.setDefaultValueDefinition(fields.indexOf(name), QgsDefaultValue(expression, on_update))
    soft = QgsFieldConstraints.ConstraintStrength.ConstraintStrengthSoft
    for name, condition, reason in (
        ("surveyor", '"result" is null or "surveyor" is not null', tr("Say who was there.")),
        ("visited_on", '"result" is null or "visited_on" is not null', tr("Say when.")),
    ):
        index = fields.indexOf(name)
        layer.setConstraintExpression(index, condition, reason)
        layer.setFieldConstraint(index, QgsFieldConstraints.Constraint.ConstraintExpression, soft)
    index = fields.indexOf("uid")
    for constraint in ("ConstraintNotNull", "ConstraintUnique"):
        layer.setFieldConstraint(index, getattr(QgsFieldConstraints.Constraint, constraint), soft)


def _set_form(layer: QgsVectorLayer) -> None:
    """Four tabs: what was found, photos, who and when, and what is known of the site, which can't be edited."""
    form = layer.editFormConfig()
    form.clearTabs()
    use_tabs(form)
    result = _container(tr("Result"), form)
    _add_fields(result, layer, ("result",))
    signs = QgsAttributeEditorContainer(tr("Signs seen"), result)
    make_group(signs, True)
    _add_fields(signs, layer, FIELD_SIGNS)
    result.addChildElement(signs)
    _add_fields(result, layer, ("remarks",))
    _add_fields(_container(tr("Photos"), form), layer, PHOTOS)
    _add_fields(_container(tr("Visit"), form), layer, ("surveyor", "visited_on"))
    _add_fields(_container(tr("Site"), form), layer, _site_titles())
    for field in SITE_FIELDS:
        # A new site needs a name of the surveyor's.
        form.setReadOnly(layer.fields().indexOf(field.name), field.name != "name")
    for name in ("look_for", "remarks"):
        form.setLabelOnTop(layer.fields().indexOf(name), True)
    reuse_last_value(form, layer.fields().indexOf("surveyor"))
    layer.setEditFormConfig(form)


def _container(title: str, form: QgsEditFormConfig) -> QgsAttributeEditorContainer:
    tab = QgsAttributeEditorContainer(title, form.invisibleRootContainer())
    make_group(tab, False)
    form.addTab(tab)
    return tab


def _add_fields(container: QgsAttributeEditorContainer, layer: QgsVectorLayer, names: Iterable[str]) -> None:
    for name in names:
        index = layer.fields().indexOf(name)
        container.addChildElement(QgsAttributeEditorField(name, index, container))


def _name_photos(layer: QgsVectorLayer, names: Sequence[str], prefix: str) -> None:
    """Names of the pictures that QField takes; the second property is the one that versions before 2.7 read."""
    for key, ending in (("attachment_naming", ".{extension}"), ("photo_naming", ".jpg")):
        expressions = {
            name: f"'{PHOTO_FOLDER}/' || {prefix} || '_{name}_' || format_date(now(), 'yyyyMMddHHmmss') || '{ending}'"
            for name in names
        }
        layer.setCustomProperty(f"QFieldSync/{key}", json.dumps(expressions))


def _set_up_notes(layer: QgsVectorLayer) -> None:
    symbol = QgsMarkerSymbol.createSimple(
        {"name": "diamond", "color": "#e8a33d", "size": "3.2", "outline_color": "#ffffff", "outline_width": "0.4"}
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    _widget(layer, "note", "TextEdit", _LINES, tr("Note"))
    _widget(layer, "photo", "ExternalResource", _PHOTO, tr("Photo"))
    _widget(layer, "surveyor", "TextEdit", _TEXT, tr("Surveyor"))
    _widget(layer, "noted_on", "DateTime", _DAY, tr("Day"))
    _widget(layer, "fid", "Hidden", {}, "fid")
    layer.setDefaultValueDefinition(layer.fields().indexOf("noted_on"), QgsDefaultValue("to_date(now())"))
    _name_photos(layer, ("photo",), "'note'")


def _set_up_tracks(layer: QgsVectorLayer) -> None:
    layer.setRenderer(QgsSingleSymbolRenderer(QgsLineSymbol.createSimple({"color": "#2a7fbf", "width": "0.8"})))
    _widget(layer, "name", "TextEdit", _TEXT, tr("Name"))
    _widget(layer, "surveyor", "TextEdit", _TEXT, tr("Surveyor"))
    _widget(layer, "walked_on", "DateTime", _DAY, tr("Day"))
    _widget(layer, "fid", "Hidden", {}, "fid")
    layer.setDefaultValueDefinition(layer.fields().indexOf("walked_on"), QgsDefaultValue("to_date(now())"))
