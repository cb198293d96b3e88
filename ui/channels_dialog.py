"""The dialog of the channels: which model, which layers of the project, and how the network sees them."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qgis.core import QgsMapLayer, QgsProject, QgsSettings
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QLocale, Qt, QTimer
from qgis.PyQt.QtGui import QFont
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ..processing.algorithm import crs_text, tr
from .background import BackgroundCall
from .channel_preview import ChannelPreview, channel_title
from .channel_rows import ChannelRow, tint
from .model_chooser import ModelChooser
from .preset_table import PresetTable
from .state import ProjectState

if TYPE_CHECKING:
    from ..core.channel_preview import LayerFacts, Preview
    from ..core.channels import ChannelKind

_SETTINGS = "ada_mapper/channels_dialog"
_DEBOUNCE = 300  # milliseconds


class ChannelsDialog(QDialog):
    """Chooses the model and the layers; OK keeps them in the project's state. Not modal: the map can be moved."""

    def __init__(self, state: ProjectState, canvas: QgsMapCanvas | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state, self._canvas = state, canvas
        self.setWindowTitle(tr("Channels"))
        self.model = ModelChooser(state.get("model", ""), self)
        self.presets = PresetTable(self)
        self.preview = ChannelPreview(self)
        self.rows: list[ChannelRow] = []
        self._known: dict[Any, LayerFacts] = {}
        self._asking: dict[Any, BackgroundCall] = {}
        self._previewing: BackgroundCall | None = None
        self._composite_problem = ""
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_DEBOUNCE)
        self._lay_out()
        self._fill_rows(state.get("channels", []) or None)
        self._connect()
        self._restore()
        self._refresh()

    # What was chosen

    def kinds(self) -> tuple[ChannelKind, ...]:
        """The kinds of layers that are wanted and have a layer."""
        return tuple(row.kind for row in self.rows if row.is_wanted and row.layer is not None)

    def parameters(self) -> dict[str, str]:
        """The choice as parameters of Detect areas and Build composite."""
        layers = {row.kind.name: row.layer.id() for row in self.rows if row.is_wanted and row.layer is not None}
        return {"MODEL": self.model.path, **layers}

    def problem(self) -> str:
        """Why the choice can't be accepted, in a sentence; "" where it can."""
        from ..core.presets import problem_of

        if self.model.card is None:
            return self.model.problem
        first = next((row.problem for row in self.rows if row.problem), "")
        return first or problem_of(self.model.card, self.kinds()) or self._composite_problem

    def accept(self) -> None:
        """Keep the choice in the project."""
        from ..core.presets import combination_name

        if self.problem():
            return
        for row in self.rows:
            self.state.set_layer(row.kind.value, row.layer)
        self.state.set("model", self.model.path)
        self.state.set("combination", combination_name(self.kinds()))
        self.state.set("channels", [kind.value for kind in self.kinds()])
        super().accept()

    def done(self, result: int) -> None:
        self._delay.stop()
        self._stop_preview()
        for call in self._asking.values():
            call.stop()
        self._asking.clear()
        settings = QgsSettings()
        settings.setValue(f"{_SETTINGS}/geometry", self.saveGeometry())
        settings.setValue(f"{_SETTINGS}/splitter", self._splitter.saveState())
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._connections = []
        super().done(result)

    # Widgets

    def _lay_out(self) -> None:
        self._reason = QLabel(self)
        self._reason.setWordWrap(True)
        self._reason.setTextFormat(Qt.TextFormat.PlainText)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.build = QPushButton(tr("&Build composite…"), self)
        self.build.setToolTip(tr("Write what the network sees as a raster with these layers."))
        self.build.setAutoDefault(False)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.addWidget(self._left())
        self._splitter.addWidget(self._right())
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self._reason, 1)
        bottom.addWidget(self.build)
        bottom.addWidget(self._buttons)
        layout = QVBoxLayout(self)
        layout.addWidget(self.model)
        layout.addWidget(self._splitter, 1)
        layout.addLayout(bottom)

    def _left(self) -> QWidget:
        self._scores = _note(self)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        self._grid.setVerticalSpacing(3)
        for column, text in enumerate(("", tr("Layer"), tr("In the file"), tr("For the model"))):
            head = _note(self)
            head.setWordWrap(False)
            head.setText(text)
            self._grid.addWidget(head, 0, column)
        panel = QWidget(self)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.addWidget(_heading(tr("Combination"), self))
        layout.addWidget(self.presets)
        layout.addWidget(self._scores)
        layout.addSpacing(8)
        layout.addWidget(_heading(tr("Layers"), self))
        layout.addLayout(self._grid)
        layout.addStretch(1)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(480)
        area.setWidget(panel)
        return area

    def _right(self) -> QWidget:
        self._caption = _note(self)
        self.zoom = QPushButton(tr("&Zoom to the layers"), self)
        self.zoom.setAutoDefault(False)
        self.zoom.hide()
        self.messages = QTextBrowser(self)
        self.messages.setAccessibleName(tr("Grid"))
        self.messages.setMinimumHeight(70)
        self.messages.setMaximumHeight(130)
        panel = QWidget(self)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(6, 0, 0, 0)
        layout.addWidget(_heading(tr("As the network sees it"), self))
        layout.addWidget(self.preview, 1)
        layout.addWidget(self._caption)
        layout.addWidget(self.zoom, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(_heading(tr("Grid"), self))
        layout.addWidget(self.messages)
        return panel

    def _connect(self) -> None:
        self.model.changed.connect(self._on_model)
        self.presets.chosen.connect(self._on_preset)
        self._delay.timeout.connect(self._start_preview)
        self.zoom.clicked.connect(self._zoom_to_layers)
        self.build.clicked.connect(self._build_composite)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        project = QgsProject.instance()
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (project.layersAdded, self._on_layers),
            (project.layersRemoved, self._on_layers),
        ]
        if self._canvas is not None:
            self._connections.append((self._canvas.extentsChanged, self._ask_for_preview))
        for signal, slot in self._connections:
            signal.connect(slot)

    def _restore(self) -> None:
        settings = QgsSettings()
        geometry = settings.value(f"{_SETTINGS}/geometry")
        if not geometry or not self.restoreGeometry(geometry):
            self.resize(1180, 660)
        splitter = settings.value(f"{_SETTINGS}/splitter")
        if not splitter or not self._splitter.restoreState(splitter):
            self._splitter.setSizes([600, 560])

    # Model, rows, presets

    def _fill_rows(self, wanted: list[str] | None, layers: dict[str, QgsMapLayer | None] | None = None) -> None:
        """One row a layer that the model can use; ``wanted``: the kinds to tick, None for all that have a layer."""
        for row in self.rows:
            for widget in row.widgets:
                self._grid.removeWidget(widget)
                widget.deleteLater()
            row.deleteLater()
        self.rows = []
        panel = self.presets.parentWidget()
        seen = set()
        for channel in self.model.card.channels if self.model.card else ():
            if channel.kind.layer in seen:
                continue
            seen.add(channel.kind.layer)
            row = ChannelRow(channel, self._grid, panel)
            role = row.kind.value
            chosen = layers[role] if layers and role in layers else self.state.layer(role)
            if chosen is not None:
                row.choose(chosen)
            if row.layer is None and not (layers and role in layers):
                row.choose_best()
            row.set_wanted(row.layer is not None if wanted is None else role in wanted)
            row.changed.connect(self._refresh)
            self.rows.append(row)
        self._order_by_tab()

    def _order_by_tab(self) -> None:
        """Tab goes from the model over the combinations and the rows to the buttons."""
        order: list[QWidget] = [self.model.list, self.model.other, self.presets]
        for row in self.rows:
            order += [row.tick, row.chooser]
        order += [self.zoom, self.messages, self.build]
        for first, second in zip(order, order[1:]):
            QWidget.setTabOrder(first, second)

    def _on_model(self) -> None:
        wanted = [row.kind.value for row in self.rows if row.is_wanted] if self.rows else None
        layers = {row.kind.value: row.layer for row in self.rows}
        self._known.clear()
        self._fill_rows(None if wanted is None or len(wanted) == len(self.rows) else wanted, layers)
        self._refresh()

    def _on_preset(self, name: str) -> None:
        from ..core.presets import presets_of

        preset = presets_of(self.model.card).of(name) if self.model.card else None
        if preset is None or preset.problem:
            return
        for row in self.rows:
            row.set_wanted(row.kind in preset.kinds)
        self._refresh()

    def _on_layers(self, *_: object) -> None:
        # The choosers learn of it by the same signals: look when all of them did.
        QTimer.singleShot(0, self._follow_project)

    def _follow_project(self) -> None:
        if not self._connections:
            return
        for row in self.rows:
            if row.layer is None and not row.is_wanted:
                row.choose_best()
        self._refresh()

    def _refresh(self) -> None:
        """Show what the present choice means."""
        from ..core.presets import combination_name, presets_of

        self._composite_problem = ""
        for row in self.rows:
            self._ask_for_facts(row)
        card = self.model.card
        presets = presets_of(card) if card else None
        available = {row.kind.value for row in self.rows if row.layer is not None}
        wanted = tuple(row.kind for row in self.rows if row.is_wanted)
        self.presets.show_presets(presets, available, combination_name(wanted))
        self._scores.setText(_scores_text(presets))
        self._show_problem()
        self._ask_for_preview()

    def _show_problem(self) -> None:
        problem = self.problem()
        self._reason.setText(problem)
        tint(self._reason, "problem")
        button = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        button.setEnabled(not problem)
        button.setToolTip(problem)
        self.build.setEnabled(not problem)

    # What the files tell

    def _ask_for_facts(self, row: ChannelRow) -> None:
        """Show what the row's file tells; where that isn't known yet, look in the background."""
        from ..core.channel_preview import inspect_layer

        layer = row.layer
        if layer is None:
            row.show_facts(None)
            return
        kind, path, channel = row.kind, layer.source(), row.channel
        key = (path, channel)
        row.show_facts(self._known.get(key))
        if key in self._known or key in self._asking:
            return

        def answer(facts: LayerFacts) -> None:
            del self._asking[key]
            self._known[key] = facts
            for other in self.rows:
                if other.layer is not None and (other.layer.source(), other.channel) == key:
                    other.show_facts(facts)
            self._show_problem()

        def fail(error: Exception) -> None:
            from ..core.channel_preview import LayerFacts

            answer(LayerFacts(problem=str(error)))

        title = tr("Looking at {}").format(layer.name())
        call = BackgroundCall(title, lambda is_cancelled: inspect_layer(kind, path, channel), answer, fail)
        self._asking[key] = call.start()

    # Preview

    def _ask_for_preview(self) -> None:
        self._stop_preview()
        self._delay.start()

    def _stop_preview(self) -> None:
        if self._previewing is not None:
            self._previewing.stop()
            self._previewing = None

    def _start_preview(self) -> None:
        from ..core.channel_preview import preview
        from ..core.presets import problem_of
        from ..core.progress import Progress

        card = self.model.card
        usable = [row for row in self.rows if row.is_wanted and row.layer is not None and not row.problem]
        layers = {row.kind: row.layer.source() for row in usable}
        problem = problem_of(card, tuple(layers)) if card else self.model.problem
        if card is None or problem:
            self._show_nothing(problem)
            return
        extent, crs = self._extent()
        self._caption.setText(tr("Computing…"))
        self.preview.set_stale()

        def compute(is_cancelled: Callable[[], bool]) -> Preview:
            return preview(layers, card, extent, crs, progress=Progress(is_cancelled=is_cancelled))

        call = BackgroundCall(tr("Preview of the channels"), compute, self._show_preview, self._show_error)
        self._previewing = call.start()

    def _extent(self) -> tuple[tuple[float, float, float, float] | None, str]:
        """The extent of the map and its CRS; None where there is no map."""
        if self._canvas is None or self._canvas.extent().isEmpty():
            return None, ""
        rectangle = self._canvas.extent()
        bounds = (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
        return bounds, crs_text(self._canvas.mapSettings().destinationCrs())

    def _show_preview(self, result: Preview) -> None:
        self._previewing = None
        self.preview.show_bands(result.bands)
        self._caption.setText(_caption(result))
        self.zoom.hide()
        self.messages.setHtml(_grid_text(result))

    def _show_error(self, error: Exception) -> None:
        from ..core.channel_preview import OutsideError

        self._previewing = None
        self._show_nothing(str(error))
        if isinstance(error, OutsideError):
            self.zoom.setVisible(self._canvas is not None)
        else:
            self._composite_problem = str(error)
            self._show_problem()

    def _show_nothing(self, text: str) -> None:
        self.preview.show_sentence(text)
        self._caption.setText("")
        self.zoom.hide()
        self.messages.setHtml("")

    def _zoom_to_layers(self) -> None:
        row = next((row for row in self.rows if row.is_wanted and row.layer is not None), None)
        if row is None or self._canvas is None:
            return
        settings = self._canvas.mapSettings()
        self._canvas.setExtent(settings.layerExtentToOutputExtent(row.layer, row.layer.extent()))
        self._canvas.refresh()

    def _build_composite(self) -> None:
        import processing

        processing.execAlgorithmDialog("adamapper:buildcomposite", self.parameters())


def _heading(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    font = QFont(label.font())
    font.setBold(True)
    label.setFont(font)
    return label


def _note(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    tint(label, "info")
    return label


def _scores_text(presets: Any) -> str:
    """On what data the scores beside the combinations were measured."""
    if presets is None:
        return ""
    if not any(preset.scores.is_known for preset in presets.all):
        return tr("This model's card tells no scores.")
    parts = []
    if presets.tiles:
        parts.append(tr("{} test tiles").format(QLocale().toString(presets.tiles)))
    if presets.terrain:
        parts.append(tr("terrain: {}").format(", ".join(presets.terrain)))
    if presets.data:
        parts.append(presets.data)
    return tr("Scores of this model on its own test data ({}). They are no accuracy in the field.").format(
        "; ".join(parts)
    )


def _length(metres: float) -> str:
    if metres >= 1000:
        return tr("{} km").format(QLocale().toString(metres / 1000, "f", 1))
    return tr("{} m").format(QLocale().toString(metres, "g", 3))


def _caption(result: Preview) -> str:
    """Which pixels the pictures show."""
    size = tr("{} × {}").format(
        _length(result.window.width * result.pixel_size), _length(result.window.height * result.pixel_size)
    )
    pixel = _length(result.pixel_size)
    if result.is_cut:
        text = tr("The map shows more: the middle {} of it, every {}th pixel of {}. Zoom in for more detail.")
        return text.format(size, result.step, pixel)
    if result.step > 1:
        return tr("{}, every {}th pixel of {}. Zoom in to see each.").format(size, result.step, pixel)
    return tr("{}, each pixel of {}. Hatched: no data.").format(size, pixel)


def _grid_text(result: Preview) -> str:
    """Which layer defines the grid, and what is done to the others."""
    crs = result.crs or tr("unknown CRS")
    grid = tr("{} defines the grid: {} × {} pixels of {}, {}.").format(
        channel_title(result.base.value),
        QLocale().toString(result.grid.width),
        QLocale().toString(result.grid.height),
        _length(result.pixel_size),
        crs,
    )
    lines = [f"<b>{html.escape(text)}</b>" for text in result.warnings]
    lines += [html.escape(text) for text in result.messages]
    return f"<p>{html.escape(grid)}</p>" + "".join(f"<p>{line}</p>" for line in lines)
