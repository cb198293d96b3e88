"""Each difference between versions of QGIS and Qt on both sides: the one that is here, the other by stand-ins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from qgis.core import (
    Qgis,
    QgsAttributeEditorContainer,
    QgsEditFormConfig,
    QgsField,
    QgsLayoutItemLabel,
    QgsPalLayerSettings,
    QgsPrintLayout,
    QgsProject,
    QgsSymbolLayer,
    QgsTask,
)
from qgis.PyQt.QtCore import QDate, QEvent, QPointF, Qt, QVariant
from qgis.PyQt.QtGui import QFont, QMouseEvent
from qgis.PyQt.QtWidgets import QLabel

from ada_mapper.processing import qgis_versions

KINDS = {"int", "float", "str", "bool", "date"}


class Recorder:
    """Keeps what was called on it: (name, arguments)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, arguments))


def number_of(value: Any) -> int:
    """The number behind an enumeration, which knows how to be one only in some versions."""
    return int(getattr(value, "value", value))


def old_or_new(monkeypatch: pytest.MonkeyPatch, **names: Any) -> None:
    """Let Qgis have these names and no others."""
    monkeypatch.setattr("qgis.core.Qgis", SimpleNamespace(**names))


def test_fields_of_every_kind_can_be_made():
    types = qgis_versions.field_types()
    assert set(types) == KINDS
    assert all(QgsField("name", kind).type() == kind for kind in types.values())


@pytest.mark.parametrize("version", [32200, 33799, 33800, 40000])
def test_the_numbers_of_field_types_are_the_same_before_and_after_3_38(version, monkeypatch):
    old_or_new(monkeypatch, QGIS_VERSION_INT=version)
    numbers = {kind: number_of(value) for kind, value in qgis_versions.field_types().items()}
    assert numbers == {"int": 2, "float": 6, "str": 10, "bool": 1, "date": 14}


@pytest.mark.parametrize("value", [None, QVariant(), QVariant(QVariant.Type.Int), QDate()])
def test_null_is_null_in_each_form(value):
    assert qgis_versions.is_null(value)


@pytest.mark.parametrize("value", [0, 0.0, "", False, QDate(2022, 3, 5), [], "NULL"])
def test_other_values_are_not_null(value):
    assert not qgis_versions.is_null(value)


def test_geometries_are_not_checked(monkeypatch):
    assert number_of(qgis_versions.unchecked_geometries()) == 2
    flags = SimpleNamespace(SkipGeometryValidityChecks="new")
    old_or_new(monkeypatch, ProcessingFeatureSourceFlag=flags)
    assert qgis_versions.unchecked_geometries() == "new"


def test_the_loading_order_is_set_where_there_is_one():
    with_order, without = SimpleNamespace(layerSortKey=0), SimpleNamespace()
    for details in (with_order, without):
        qgis_versions.set_loading_order(details, 7)
    assert with_order.layerSortKey == 7 and not vars(without)


@pytest.mark.parametrize(("names", "expected"), [((), 1), (("Hidden",), 1 | 8), (("Hidden", "Silent"), 1 | 8 | 16)])
def test_a_quiet_task_can_be_cancelled(monkeypatch, names, expected):
    values = {"Hidden": 8, "Silent": 16}
    flags = SimpleNamespace(CanCancel=1, **{name: values[name] for name in names})
    monkeypatch.setattr("qgis.core.QgsTask", SimpleNamespace(Flag=flags))
    assert qgis_versions.quiet_task_flags() == expected


def test_a_task_takes_the_quiet_flags_of_this_qgis(qgis_app):
    task = QgsTask.fromFunction("nothing", lambda task: None, flags=qgis_versions.quiet_task_flags())
    assert task.canCancel()


def test_paths_are_relative(qgis_app, monkeypatch):
    project = QgsProject()
    project.setFilePathStorage(qgis_versions.relative_paths())
    assert number_of(project.filePathStorage()) == 1
    old_or_new(monkeypatch)
    assert qgis_versions.relative_paths() == 1
    old_or_new(monkeypatch, FilePathType=SimpleNamespace(Relative="new"))
    assert qgis_versions.relative_paths() == "new"


def test_properties_of_symbols_have_their_keys_under_either_name(monkeypatch):
    here = qgis_versions.symbol_property("StrokeColor")
    assert here != qgis_versions.symbol_property("FillColor") and isinstance(here, QgsSymbolLayer.Property)
    for name in ("StrokeColor", "PropertyStrokeColor"):
        keys = SimpleNamespace(**{name: name})
        monkeypatch.setattr("qgis.core.QgsSymbolLayer", SimpleNamespace(Property=keys))
        assert qgis_versions.symbol_property("StrokeColor") == name


def test_a_style_is_kept_in_the_file_under_either_name():
    for name in ("saveStyleToDatabase", "saveStyleToDatabaseV2"):
        recorder = Recorder()
        layer = SimpleNamespace(**{name: getattr(recorder, name)})
        qgis_versions.save_style_in_file(layer, "role")
        assert recorder.calls == [(name, ("role", "", True, ""))]


def test_a_form_has_tabs_and_frames(monkeypatch):
    form, tab = QgsEditFormConfig(), QgsAttributeEditorContainer("Tab", None)
    qgis_versions.use_tabs(form)
    qgis_versions.make_group(tab, True)
    qgis_versions.reuse_last_value(form, 0)
    kinds = getattr(Qgis, "AttributeEditorContainerType", None)
    assert number_of(form.layout()) == 1
    assert tab.type() == kinds.GroupBox if kinds else tab.isGroupBox()
    new = {
        "AttributeFormLayout": SimpleNamespace(DragAndDrop="tabs"),
        "AttributeEditorContainerType": SimpleNamespace(GroupBox="frame", Tab="tab"),
    }
    for names, layout, frame in (
        (new, ("setLayout", ("tabs",)), ("setType", ("frame",))),
        ({}, ("setLayout", (QgsEditFormConfig.EditorLayout.TabLayout,)), ("setIsGroupBox", (True,))),
    ):
        old_or_new(monkeypatch, **names)
        recorder = Recorder()
        qgis_versions.use_tabs(recorder)
        qgis_versions.make_group(recorder, True)
        assert recorder.calls == [layout, frame]


def test_the_last_value_is_used_again_where_forms_can():
    recorder = Recorder()
    qgis_versions.reuse_last_value(recorder, 3)
    qgis_versions.reuse_last_value(SimpleNamespace(), 3)
    assert recorder.calls == [("setReuseLastValue", (3, True))]


def test_labels_overlap_where_they_can(monkeypatch):
    qgis_versions.let_labels_overlap(QgsPalLayerSettings())
    placement = Recorder()
    labels = SimpleNamespace(placementSettings=lambda: placement)
    old_or_new(monkeypatch)
    qgis_versions.let_labels_overlap(labels)
    assert placement.calls == []
    old_or_new(monkeypatch, LabelOverlapHandling=SimpleNamespace(AllowOverlapIfRequired="allowed"))
    qgis_versions.let_labels_overlap(labels)
    assert placement.calls == [("setOverlapHandling", ("allowed",))]


def test_labels_lie_on_their_lines(monkeypatch):
    line = QgsPalLayerSettings().lineSettings()
    line.setPlacementFlags(qgis_versions.labels_on_lines())
    assert number_of(line.placementFlags()) == 1
    old_or_new(monkeypatch, LabelLinePlacementFlag=SimpleNamespace(OnLine=1), LabelLinePlacementFlags=lambda flag: flag)
    assert qgis_versions.labels_on_lines() == 1


def test_text_stays_text(monkeypatch):
    here = number_of(qgis_versions.text_as_text())
    old_or_new(monkeypatch, TextRenderFormat=SimpleNamespace(AlwaysText="new"))
    assert here == 1 and qgis_versions.text_as_text() == "new"


def test_a_label_tells_and_takes_its_size(qgis_app):
    project = QgsProject()
    layout = QgsPrintLayout(project)
    label = QgsLayoutItemLabel(layout)
    qgis_versions.set_font_size(label, 7.25)
    assert qgis_versions.font_of(label)[1] == 7.25


def test_labels_with_and_without_a_text_format_tell_and_take_their_size():
    font = QFont("DejaVu Sans")
    font.setPointSizeF(9.0)
    old = SimpleNamespace(font=lambda: font, setFont=lambda changed: None)
    style = SimpleNamespace(
        font=lambda: font, size=lambda: style.points, setSize=lambda size: vars(style).update(points=size)
    )
    style.points = 9.0
    new = SimpleNamespace(textFormat=lambda: style, setTextFormat=lambda changed: None)
    for label in (old, new):
        assert qgis_versions.font_of(label)[1] == 9.0
        qgis_versions.set_font_size(label, 6.5)
        assert qgis_versions.font_of(label)[1] == 6.5


def test_a_mouse_event_tells_its_place_in_the_widget():
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(3, 4), QPointF(30, 40),
        Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    assert qgis_versions.position_of(event) == QPointF(3, 4)
    assert qgis_versions.position_of(SimpleNamespace(localPos=lambda: "old")) == "old"
    assert qgis_versions.position_of(SimpleNamespace(position=lambda: "new")) == "new"


def test_the_free_part_of_the_screen(qgis_app):
    widget = QLabel()
    assert qgis_versions.free_screen(widget).width() >= 640
    assert qgis_versions.free_screen(SimpleNamespace(rect=lambda: "own")) == "own"


def test_no_other_file_asks_for_the_version():
    root = Path(qgis_versions.__file__).resolve().parents[1]
    files = [*root.glob("processing/**/*.py"), *root.glob("ui/**/*.py"), root / "plugin.py"]
    asking = [file for file in files if "QGIS_VERSION" in file.read_text(encoding="utf-8")]
    assert [file.name for file in asking] == ["qgis_versions.py"] and len(files) > 80
