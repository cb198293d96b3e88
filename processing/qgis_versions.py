"""Where the versions of QGIS (3.22 to 4) and of Qt (5 and 6) differ: each difference once, named for what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QPointF, QRect, QVariant
from qgis.PyQt.QtGui import QFont, QMouseEvent
from qgis.PyQt.QtWidgets import QWidget

# The plots, which import this file, run with Qt alone.
if TYPE_CHECKING:
    from qgis.core import (
        QgsAttributeEditorContainer,
        QgsEditFormConfig,
        QgsLayoutItemLabel,
        QgsPalLayerSettings,
        QgsProcessingContext,
        QgsVectorLayer,
    )

_TYPE_NAMES = {
    "int": ("Int", "Int"),
    "float": ("Double", "Double"),
    "str": ("QString", "String"),
    "bool": ("Bool", "Bool"),
    "date": ("QDate", "Date"),
}


def field_types() -> dict[str, Any]:
    """The types of fields by the names that core's tables use: QVariant's before QGIS 3.38, then QMetaType's."""
    from qgis.core import Qgis

    if Qgis.QGIS_VERSION_INT < 33800:
        return {kind: getattr(QVariant.Type, old) for kind, (_, old) in _TYPE_NAMES.items()}
    from qgis.PyQt.QtCore import QMetaType

    return {kind: getattr(QMetaType.Type, new) for kind, (new, _) in _TYPE_NAMES.items()}


def is_null(value: Any) -> bool:
    """True for None and for the NULL of a feature or of a parameter, which before QGIS 3.36 is a null QVariant."""
    return value is None or (hasattr(value, "isNull") and bool(value.isNull()))


def unchecked_geometries() -> Any:
    """The flag with which a source hands over invalid geometries, too."""
    from qgis.core import Qgis

    if hasattr(Qgis, "ProcessingFeatureSourceFlag"):
        return Qgis.ProcessingFeatureSourceFlag.SkipGeometryValidityChecks
    from qgis.core import QgsProcessingFeatureSource

    return QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks


def set_loading_order(details: QgsProcessingContext.LayerDetails, place: int) -> None:
    """Load a result above those with smaller places; QGIS before 3.32 loads layers in no particular order."""
    if hasattr(details, "layerSortKey"):
        details.layerSortKey = place


def quiet_task_flags() -> Any:
    """Flags of a background task that can be cancelled and, from QGIS 3.26 on, doesn't flash in the status bar."""
    from qgis.core import QgsTask

    flags = QgsTask.Flag.CanCancel
    for name in ("Hidden", "Silent"):
        flags = flags | getattr(QgsTask.Flag, name, flags)
    return flags


def relative_paths() -> Any:
    """How a project stores the paths of its layers so that its folder can be moved."""
    from qgis.core import Qgis

    return Qgis.FilePathType.Relative if hasattr(Qgis, "FilePathType") else 1


def symbol_property(name: str) -> Any:
    """The key of a property of a symbol layer, such as StrokeColor; it had the prefix "Property" before QGIS 3.36."""
    from qgis.core import QgsSymbolLayer

    keys = QgsSymbolLayer.Property
    return getattr(keys, name) if hasattr(keys, name) else getattr(keys, f"Property{name}")


def save_style_in_file(layer: QgsVectorLayer, name: str) -> None:
    """Keep the style of a layer in the file that holds its features, as the one it is opened with."""
    save = getattr(layer, "saveStyleToDatabaseV2", None) or layer.saveStyleToDatabase
    save(name, "", True, "")


def use_tabs(form: QgsEditFormConfig) -> None:
    """Let a form be laid out in tabs of one's own."""
    from qgis.core import Qgis, QgsEditFormConfig

    layouts = getattr(Qgis, "AttributeFormLayout", None)
    form.setLayout(layouts.DragAndDrop if layouts else QgsEditFormConfig.EditorLayout.TabLayout)


def make_group(container: QgsAttributeEditorContainer, is_group: bool) -> None:
    """A frame with a title within a form, or a tab of it."""
    from qgis.core import Qgis

    kinds = getattr(Qgis, "AttributeEditorContainerType", None)
    if kinds:
        container.setType(kinds.GroupBox if is_group else kinds.Tab)
    else:
        container.setIsGroupBox(is_group)


def reuse_last_value(form: QgsEditFormConfig, index: int) -> None:
    """Begin a field with what was entered last, where QGIS can (3.26)."""
    if hasattr(form, "setReuseLastValue"):
        form.setReuseLastValue(index, True)


def let_labels_overlap(labels: QgsPalLayerSettings) -> None:
    """Let labels lie upon others rather than be left out, where QGIS can (3.26)."""
    from qgis.core import Qgis

    if hasattr(labels, "placementSettings") and hasattr(Qgis, "LabelOverlapHandling"):
        labels.placementSettings().setOverlapHandling(Qgis.LabelOverlapHandling.AllowOverlapIfRequired)


def labels_on_lines() -> Any:
    """The placement of labels on their lines."""
    from qgis.core import Qgis

    if hasattr(Qgis, "LabelLinePlacementFlag"):
        return Qgis.LabelLinePlacementFlags(Qgis.LabelLinePlacementFlag.OnLine)
    from qgis.core import QgsLabeling

    return QgsLabeling.LinePlacementFlags(QgsLabeling.LinePlacementFlag.OnLine)


def text_as_text() -> Any:
    """Text of a PDF that can be searched and copied."""
    from qgis.core import Qgis

    if hasattr(Qgis, "TextRenderFormat"):
        return Qgis.TextRenderFormat.AlwaysText
    from qgis.core import QgsRenderContext

    return QgsRenderContext.TextFormatAlwaysText


def font_of(label: QgsLayoutItemLabel) -> tuple[QFont, float]:
    """The font of a label in a layout and its size in points; labels have a text format from QGIS 3.24 on."""
    if hasattr(label, "textFormat"):
        return label.textFormat().font(), float(label.textFormat().size())
    return label.font(), float(label.font().pointSizeF())


def set_font_size(label: QgsLayoutItemLabel, size: float) -> None:
    """Set the size, in points, of a label in a layout."""
    if hasattr(label, "textFormat"):
        style = label.textFormat()
        style.setSize(size)
        label.setTextFormat(style)
    else:
        font = label.font()
        font.setPointSizeF(size)
        label.setFont(font)


def position_of(event: QMouseEvent) -> QPointF:
    """Where in the widget a mouse event happened, in Qt 5 and Qt 6."""
    return event.position() if hasattr(event, "position") else event.localPos()


def free_screen(widget: QWidget) -> QRect:
    """The part of the widget's screen that windows may take; before Qt 5.14 the place of the widget itself."""
    return widget.screen().availableGeometry() if hasattr(widget, "screen") else widget.rect()
