"""The dialog of the channels as a user meets it: guesses, presets, wrong layers, other models, the map, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QLocale, QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox, QFileDialog

from ada_mapper.core.channels import MINMAX_CHANNELS, Channel, ChannelKind
from ada_mapper.core.models import ModelCard
from ada_mapper.core.raster import Grid
from ada_mapper.ui.channels import ChannelsStep
from ada_mapper.ui.channels.channel_rows import ChannelRow
from ada_mapper.ui.channels.channels_dialog import ChannelsDialog
from ada_mapper.ui.project import ProjectState
from ada_mapper.ui.runs import background
from ada_mapper.ui.step import StepContext
from bracketed_texts import bracketed, outside
from small_rasters import CRS, square_grid, write

KIND = ChannelKind
OK = QDialogButtonBox.StandardButton.Ok
Add = Callable[..., QgsRasterLayer]
Wait = Callable[..., None]
_RANGES = {"phase_rate": (-20, 20), "los_rate": (-60, 40), "dem": (200, 900), "slope": (0, 50), "coherence": (0, 1),
           "standard_error": (0.4, 9), "closure": (0, 0.6)}  # fmt: skip
_TAGS = {"phase_rate": ("rad/yr", {"SIGN": "away"}), "los_rate": ("mm/yr", {"SIGN": "toward"}), "dem": ("m", {}),
         "slope": ("degree", {}), "coherence": ("1", {}), "standard_error": ("mm/yr", {}),
         "closure": ("1", {})}  # fmt: skip


@pytest.fixture
def add(project: QgsProject, tmp_path: Path) -> Add:
    """Adds a layer to the project, by default one that ADA Mapper itself could have written."""

    def add_layer(kind: str, name: str = "", unit: str | None = None, grid: Grid | None = None, **tags: str) -> Any:
        grid = grid or square_grid(120, 160)
        values = np.random.default_rng(len(kind)).uniform(*_RANGES[kind], (grid.height, grid.width))
        own_unit, own_tags = _TAGS[kind]
        path = tmp_path / f"{name or kind}.tif"
        band = kind if unit is None else ""
        write(path, values, band, own_unit if unit is None else unit, grid, **(own_tags if unit is None else tags))
        layer = QgsRasterLayer(str(path), name or kind)
        project.addMapLayer(layer)
        return layer

    return add_layer


@pytest.fixture
def canvas(project: QgsProject) -> Iterator[QgsMapCanvas]:
    """A map over a part of the layers."""
    view = QgsMapCanvas()
    view.resize(400, 300)
    view.setDestinationCrs(QgsCoordinateReferenceSystem(CRS))
    view.setExtent(QgsRectangle(501000, 3497500, 503000, 3499000))
    yield view
    view.deleteLater()


@pytest.fixture
def open_dialog(state: ProjectState, canvas: QgsMapCanvas, wait_until: Wait) -> Iterator[Callable[..., ChannelsDialog]]:
    """Opens the dialog and waits until it has looked into the files."""
    opened: list[ChannelsDialog] = []

    def open_it(on: QgsMapCanvas | None = canvas, wait: bool = True) -> ChannelsDialog:
        dialog = ChannelsDialog(state, on)
        opened.append(dialog)
        dialog.show()
        if wait:
            wait_until(lambda: not dialog.is_busy)
        return dialog

    yield open_it
    for dialog in opened:
        dialog.reject()
        dialog.deleteLater()


@pytest.fixture
def model_file(tmp_path: Path) -> Callable[..., str]:
    """Writes the outermost structure of an ONNX file, with a card or without: all that the dialog reads."""

    def write_model(*channels: Channel, name: str = "own", **training: Any) -> str:
        card = ModelCard(name, "1", "A model for tests.", channels, training=training) if channels else None
        content = _field(1, 10) + _message(7, b"")
        for key, value in (card.metadata() if card else {"other": "x"}).items():
            content += _message(14, _message(1, key.encode()) + _message(2, value.encode()))
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        return str(path)

    return write_model


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _row(dialog: ChannelsDialog, kind: str) -> ChannelRow:
    return next(row for row in dialog.rows if row.kind.value == kind)


def _item(dialog: ChannelsDialog, start: str) -> Any:
    table = dialog.presets
    items = [table.topLevelItem(index) for index in range(table.topLevelItemCount())]
    return next(item for item in items if item.text(0) == start)


def _click(dialog: ChannelsDialog, title: str) -> None:
    table = dialog.presets
    place = table.visualItemRect(_item(dialog, title)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def _tick(dialog: ChannelsDialog, kind: str) -> None:
    """Click on the box: the widget may be wider than its text."""
    tick = _row(dialog, kind).tick
    place = QPoint(8, tick.height() // 2)
    QTest.mouseClick(tick, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def _ok(dialog: ChannelsDialog) -> Any:
    return dialog.buttons.button(OK)


def test_a_model_that_sees_evidence_has_a_row_for_each_and_a_combination_of_all(
    open_dialog: Any, add: Add, state: ProjectState, model_file: Any
) -> None:
    kinds = ("phase_rate", "los_rate", "dem", "slope", "los_sensitivity", "standard_error", "coherence", "closure")
    state.set("model", model_file(*(replace(MINMAX_CHANNELS[KIND(kind)], optional=True) for kind in kinds)))
    given = ("phase_rate", "los_rate", "dem", "slope", "standard_error", "coherence", "closure")
    layers = {kind: add(kind) for kind in given}
    dialog = open_dialog()
    assert [row.kind.value for row in dialog.rows] == list(kinds)
    assert {row.kind.value: row.layer for row in dialog.rows if row.layer is not None} == layers
    assert [_row(dialog, kind).in_file.text() for kind in ("standard_error", "closure")] == ["mm/yr", "no unit"]
    assert _item(dialog, "All four + 4 more").text(4) == "missing: LOS sensitivity"
    assert dialog.presets.topLevelItemCount() == 9
    QTest.mouseClick(_ok(dialog), Qt.MouseButton.LeftButton)
    assert state.get("channels", []) == list(given)
    assert all(state.layer(kind) == layers[kind] for kind in given)


def test_guesses_are_preselected_and_accepted_choice_is_kept(open_dialog: Any, add: Add, state: ProjectState) -> None:
    layers = {kind: add(kind) for kind in ("phase_rate", "los_rate", "dem", "slope")}
    dialog = open_dialog()
    assert {row.kind.value: row.layer for row in dialog.rows} == {**layers, "los_sensitivity": None}
    assert _row(dialog, "phase_rate").in_file.text() == "rad/yr, + away"
    assert "its file says so" in _row(dialog, "dem").chooser.toolTip()
    assert dialog.presets.currentItem().text(0) == "Phase rate + LOS rate + DEM + slope"
    assert dialog.problem() == "" and _ok(dialog).isEnabled()
    QTest.mouseClick(_ok(dialog), Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    assert state.get("combination", "") == "phase_rate+los_rate+dem+slope" and state.get("model", "?") == ""
    assert state.get("channels", []) == ["phase_rate", "los_rate", "dem", "slope"]
    assert state.layer("slope") == layers["slope"] and state.layer("los_sensitivity") is None


def test_a_preset_ticks_its_layers_and_gives_the_parameters_of_the_tool(
    open_dialog: Any, add: Add, provider: Any
) -> None:
    layers = {kind: add(kind) for kind in ("phase_rate", "los_rate", "dem", "slope")}
    dialog = open_dialog()
    _click(dialog, "Phase rate + DEM")
    assert [row.kind.value for row in dialog.rows if row.is_wanted] == ["phase_rate", "dem"]
    expected = {"MODEL": "", "PHASE_RATE": layers["phase_rate"].id(), "DEM": layers["dem"].id()}
    assert dialog.parameters() == expected
    from qgis.core import QgsApplication

    tool = QgsApplication.processingRegistry().algorithmById("adamapper:detectareas")
    assert set(expected) <= {definition.name() for definition in tool.parameterDefinitions()}
    _tick(dialog, "slope")
    assert dialog.presets.currentItem().text(0) == "Phase rate + DEM + slope"
    _tick(dialog, "los_rate")
    _tick(dialog, "phase_rate")
    assert dialog.presets.currentItem() is None, "no preset is this one"


def test_the_keyboard_moves_through_the_presets(open_dialog: Any, add: Add) -> None:
    for kind in ("phase_rate", "los_rate"):
        add(kind)
    dialog = open_dialog()
    _click(dialog, "LOS rate")
    QTest.keyClick(dialog.presets, Qt.Key.Key_Down)
    assert [row.kind.value for row in dialog.rows if row.is_wanted] == ["phase_rate"]
    QTest.keyClick(dialog.presets, Qt.Key.Key_Down)
    assert [row.kind.value for row in dialog.rows if row.is_wanted] == ["phase_rate", "los_rate"]


def test_scores_stand_beside_and_never_as_field_accuracy(open_dialog: Any, add: Add) -> None:
    add("phase_rate")
    dialog = open_dialog()
    scores = dialog.model.card.training["judged"]
    item = _item(dialog, "Phase rate + slope")
    assert item.text(1) == f"{scores['phase_rate+slope']['iou']:.2f}"
    assert item.text(2) == f"{scores['phase_rate+slope']['object_recall']:.0%}".replace("%", " %")
    assert _item(dialog, "Classical detector, to compare").text(1) == f"{scores['classical detector']['iou']:.2f}"
    assert "not in the field" in dialog._scores.text() and "not validated on field data" in dialog._scores.text()
    assert item.text(4) == "missing: Slope" and _item(dialog, "All four + LOS sensitivity").text(4)


def test_a_preset_whose_layer_is_missing_says_so_and_cannot_be_accepted(open_dialog: Any, add: Add) -> None:
    add("phase_rate")
    dialog = open_dialog()
    _click(dialog, "Phase rate + slope")
    assert _row(dialog, "slope").is_wanted and "choose one, or untick" in _row(dialog, "slope").sentence.text()
    assert not _ok(dialog).isEnabled() and "Slope: choose a layer" in _ok(dialog).toolTip()
    _tick(dialog, "slope")
    assert _ok(dialog).isEnabled()


def test_without_any_rate_nothing_can_be_accepted(open_dialog: Any, add: Add) -> None:
    add("dem")
    dialog = open_dialog()
    assert not _ok(dialog).isEnabled() and "without a rate no motion can be seen" in dialog.problem()
    dialog.accept()
    assert dialog.isVisible()


def test_no_layers_at_all(open_dialog: Any) -> None:
    dialog = open_dialog()
    assert all(row.layer is None and not row.is_wanted for row in dialog.rows)
    assert dialog.problem() and not dialog.build.isEnabled()
    assert "none is given" in dialog.preview.pictures.accessibleDescription()


def test_a_wrong_unit_is_one_red_sentence_in_its_row(open_dialog: Any, add: Add, wait_until: Wait) -> None:
    add("phase_rate")
    percent = add("slope", "steepness", unit="percent")
    dialog = open_dialog()
    row = _row(dialog, "slope")
    assert row.layer is None, "a slope in percent isn't guessed"
    row.chooser.setLayer(percent)
    wait_until(lambda: not dialog.is_busy)
    assert row.is_wanted, "who chooses a layer wants it"
    assert "can't be used as slope: its unit is “percent”. Choose a raster in degrees" in row.sentence.text()
    colour = row.sentence.palette().color(row.sentence.foregroundRole())
    assert colour.red() > 1.5 * colour.green() and row.sentence.isVisible()
    assert not _ok(dialog).isEnabled() and dialog.problem() == row.sentence.text()
    assert dialog.preview.pictures._bands, "the rest is still shown"
    QTest.keyClick(row.chooser, Qt.Key.Key_Home)
    assert not row.is_wanted and _ok(dialog).isEnabled()


def test_what_core_says_of_a_layer_is_in_the_users_language(open_dialog: Any, add: Add, wait_until: Wait) -> None:
    add("phase_rate")
    percent = add("slope", "steepness", unit="percent")
    with bracketed():
        dialog = open_dialog()
        row = _row(dialog, "slope")
        row.chooser.setLayer(percent)
        wait_until(lambda: not dialog.is_busy)
        assert row.sentence.text().startswith("⟦") and not outside(row.sentence.text().replace("percent", ""))
        row.set_wanted(False)
        _row(dialog, "phase_rate").set_wanted(False)
        assert dialog.problem().startswith("⟦") and not outside(dialog.problem().replace(dialog.model.card.name, ""))


def test_what_is_converted_and_assumed_is_told(open_dialog: Any, add: Add, other_locale: QLocale) -> None:
    add("phase_rate", "phase rate", unit="")
    add("los_rate", "velocity", unit="m/yr", SIGN="away")
    dialog = open_dialog()
    assert "neither unit nor sign" in _row(dialog, "phase_rate").sentence.text()
    sentence = _row(dialog, "los_rate").sentence.text()
    assert "hardly possible" in sentence or other_locale.toString(-1000.0, "g", 4).replace("-", "−") in sentence


def test_other_models_other_rows(
    open_dialog: Any, add: Add, model_file: Any, monkeypatch: pytest.MonkeyPatch, wait_until: Wait
) -> None:
    for kind in ("phase_rate", "dem", "coherence"):
        add(kind)
    own = model_file(MINMAX_CHANNELS[KIND.PHASE_RATE], MINMAX_CHANNELS[KIND.COHERENCE])
    dialog = open_dialog()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (own, ""))
    QTest.mouseClick(dialog.model.other, Qt.MouseButton.LeftButton)
    wait_until(lambda: not dialog.is_busy)
    assert [row.kind for row in dialog.rows] == [KIND.PHASE_RATE, KIND.COHERENCE]
    assert dialog.model.list.currentText() == "own 1 (own.onnx)"
    assert dialog.parameters()["MODEL"] == own and _ok(dialog).isEnabled()
    item = _item(dialog, "Phase rate + DEM")
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled and item.text(4) == "model can't use: DEM"
    assert "use the DEM" in item.toolTip(0)
    assert dialog.presets.currentItem().text(0) == "Phase rate + coherence"
    assert dialog._scores.text() == "The model's card tells no scores."
    _click(dialog, "Phase rate + DEM")
    assert [row.is_wanted for row in dialog.rows] == [True, True], "a grey combination can't be chosen"
    _tick(dialog, "coherence")
    assert not _ok(dialog).isEnabled() and "the coherence is missing" in _ok(dialog).toolTip()


def test_a_model_without_a_card_is_refused_in_a_sentence(
    open_dialog: Any, add: Add, model_file: Any, tmp_path: Path
) -> None:
    add("phase_rate")
    dialog = open_dialog()
    dialog.model.choose(model_file(name="foreign"))
    assert "has no model card" in dialog.model.told.text() and dialog.model.path == ""
    (tmp_path / "text.onnx").write_text("no model")
    dialog.model.choose(str(tmp_path / "text.onnx"))
    assert "not an ONNX model" in dialog.model.told.text()
    assert len(dialog.rows) == 5 and _ok(dialog).isEnabled(), "the model before stays in use"


def test_a_model_of_the_project_that_is_gone(open_dialog: Any, state: ProjectState, tmp_path: Path) -> None:
    state.set("model", str(tmp_path / "gone.onnx"))
    dialog = open_dialog()
    assert "doesn't exist" in dialog.problem() and dialog.rows == [] and not _ok(dialog).isEnabled()
    dialog.model.choose("")
    assert len(dialog.rows) == 5


def test_the_preview_follows_the_map(open_dialog: Any, add: Add, canvas: QgsMapCanvas, wait_until: Wait) -> None:
    add("phase_rate")
    dialog = open_dialog()
    bands = dialog.preview.pictures._bands
    assert [band.is_given for band in bands] == [True, False, False, False, False]
    assert "every pixel of 30 m" in dialog.preview.caption.text()
    assert "The phase rate defines the grid: 160 × 120 pixels" in dialog.preview.messages.toPlainText()
    canvas.setExtent(QgsRectangle(502000, 3498000, 502600, 3498450))
    canvas.setExtent(QgsRectangle(502000, 3498000, 502300, 3498300))
    wait_until(lambda: not dialog.is_busy)
    assert dialog.preview.pictures._bands[0].values.size < bands[0].values.size
    canvas.setExtent(QgsRectangle(0, 0, 100, 100))
    wait_until(lambda: not dialog.is_busy)
    assert dialog.preview.zoom.isVisible() and "another place" in dialog.preview.pictures.accessibleDescription()
    assert _ok(dialog).isEnabled(), "the map's place is no fault of the layers"
    QTest.mouseClick(dialog.preview.zoom, Qt.MouseButton.LeftButton)
    wait_until(lambda: not dialog.is_busy)
    assert dialog.preview.pictures._bands and not dialog.preview.zoom.isVisible()


def test_mixed_grids_are_announced_with_the_layers_names(open_dialog: Any, add: Add) -> None:
    add("phase_rate")
    add("dem", "heights", grid=Grid("EPSG:4326", (104.99, 0.0008333, 0.0, 31.65, 0.0, -0.0008333), 120, 120))
    dialog = open_dialog()
    text = dialog.preview.messages.toPlainText()
    assert "The DEM is in WGS 84 and the scene in WGS 84 / UTM zone 48N: it is resampled from" in text


def test_layers_that_lie_elsewhere_block_the_choice(open_dialog: Any, add: Add) -> None:
    add("phase_rate")
    add("dem", grid=Grid(CRS, (900000.0, 30.0, 0.0, 3500000.0, 0.0, -30.0), 60, 60))
    dialog = open_dialog()
    assert (
        dialog.problem().startswith("dem: the DEM doesn't overlap the phase rate (phase_rate)")
        and not _ok(dialog).isEnabled()
    )
    _tick(dialog, "dem")
    assert dialog.problem() == ""


def test_a_layer_without_a_crs_and_a_truncated_one(open_dialog: Any, add: Add, wait_until: Wait) -> None:
    add("phase_rate", grid=square_grid(120, 160, crs=""))
    broken = add("dem", grid=square_grid(600, 600))
    path = Path(broken.source())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    dialog = open_dialog()
    assert "no coordinate reference system" in _row(dialog, "phase_rate").sentence.text()
    assert "cut short" in _row(dialog, "dem").sentence.text()
    assert not _ok(dialog).isEnabled()


def test_a_layer_removed_while_the_dialog_is_open(
    open_dialog: Any, add: Add, project: QgsProject, wait_until: Wait
) -> None:
    add("phase_rate")
    slope = add("slope")
    dialog = open_dialog()
    project.removeMapLayer(slope.id())
    assert _row(dialog, "slope").layer is None, "not passed on to another layer"
    wait_until(lambda: not dialog.is_busy and _row(dialog, "slope").sentence.text())
    assert _row(dialog, "slope").is_wanted and not _ok(dialog).isEnabled()
    other = add("slope", "another slope")
    wait_until(lambda: _row(dialog, "slope").layer == other and not dialog.is_busy)
    assert _ok(dialog).isEnabled()


def test_the_project_is_cleared_or_the_dialog_closed_while_it_computes(
    open_dialog: Any, add: Add, project: QgsProject, wait_until: Wait
) -> None:
    add("phase_rate", grid=square_grid(900, 900))
    dialog = open_dialog(wait=False)
    QTest.qWait(310)
    project.clear()
    assert not dialog.isVisible() and not dialog.is_busy, "it shows what belongs to the project that is gone"
    add("phase_rate", "second", grid=square_grid(900, 900))
    other = open_dialog(wait=False)
    QTest.qWait(310)
    other.reject()
    QTest.qWait(200)
    assert not other.is_busy


def test_a_dialog_that_is_deleted_without_being_closed_hears_nothing_more(
    state: ProjectState, add: Add, wait_until: Wait
) -> None:
    layer = add("phase_rate", grid=square_grid(900, 900))
    dialog = ChannelsDialog(state)
    calls = list(dialog._asking.values())
    sip.delete(dialog)
    wait_until(lambda: not any(call in background._running for call in calls))
    QgsProject.instance().removeMapLayer(layer.id())
    assert calls


def test_sizes_are_remembered(open_dialog: Any) -> None:
    dialog = open_dialog()
    dialog.resize(1000, 555)
    dialog.reject()
    assert open_dialog().size().height() == 555


def test_values_alone_preselect_but_do_not_tick(open_dialog: Any, add: Add) -> None:
    add("phase_rate")
    add("dem", "Mountains", unit="")
    row = _row(open_dialog(), "dem")
    assert row.layer is not None and not row.is_wanted and "Only its values" in row.sentence.text()


@pytest.fixture
def step(state: ProjectState, qgis_iface: Any) -> Iterator[ChannelsStep]:
    instance = ChannelsStep(StepContext(state, None, qgis_iface))
    # As the panel does, only at once.
    state.changed.connect(instance.refresh)
    yield instance
    state.changed.disconnect(instance.refresh)
    if instance.dialog is not None:
        instance.dialog.reject()
    instance.deleteLater()


def test_the_step_leads_from_nothing_to_a_combination(
    step: ChannelsStep, add: Add, wait_until: Wait, project: QgsProject
) -> None:
    assert step.status().state == "empty" and "phase rate" in step.status().missing
    step.do_next()
    assert step.context.state.get("step", "") == "data", "where a rate comes from"
    add("phase_rate")
    slope = add("slope")
    assert step.status().state == "ready" and step.status().next_action
    step.do_next()
    dialog = step.dialog
    step.open_dialog()
    assert step.dialog is dialog, "one dialog, not two"
    wait_until(lambda: not dialog.is_busy)
    dialog.accept()
    assert step.dialog is None
    status = step.status()
    assert (status.state, status.there, status.missing) == ("done", "Phase rate + slope", "")
    step.do_next()
    assert step.context.state.get("step", "") == "detect"
    assert "On its test tiles, not in the field" in step.summary.text() and "slope" in step.summary.text()
    project.removeMapLayer(slope.id())
    assert step.status().state == "problem" and "Slope" in step.status().missing


def test_the_step_tells_of_a_model_that_is_gone_or_does_not_fit(
    step: ChannelsStep, add: Add, state: ProjectState, model_file: Any, tmp_path: Path
) -> None:
    add("phase_rate")
    state.set("channels", ["phase_rate"])
    assert step.status().state == "done"
    state.set("model", model_file(replace(MINMAX_CHANNELS[KIND.DEM]), name="heights"))
    assert "doesn't use the phase rate" in step.status().missing
    state.set("model", str(tmp_path / "gone.onnx"))
    assert step.status().state == "problem" and "gone.onnx" in step.summary.text()
