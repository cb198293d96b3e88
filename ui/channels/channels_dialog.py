"""The dialog of the channels: which model, which layers of the project, and how the network sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsMapLayer, QgsProject, QgsSettings
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import Qt, QTimer
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
    QVBoxLayout,
    QWidget,
)

from ...processing.texts import number, tr, words_of
from ..help import open_help
from ..project import LAYER_ROLES, ProjectState
from ..runs import BackgroundCall
from .channel_rows import ChannelRow, facts_in_words, tint
from .live_preview import LivePreview, heading, note
from .model_chooser import ModelChooser
from .preset_table import PresetTable

if TYPE_CHECKING:
    from ...core.channels import ChannelKind
    from ...core.detection import LayerFacts
    from ...core.models import Presets


_SETTINGS = "ada_mapper/channels_dialog"
_OK = QDialogButtonBox.StandardButton.Ok


class ChannelsDialog(QDialog):
    """Chooses the model and the layers; OK keeps them in the project's state. Not modal: the map can be moved."""

    def __init__(self, state: ProjectState, canvas: QgsMapCanvas | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.setWindowTitle(tr("Channels"))
        self.model = ModelChooser(state.get("model", ""), self)
        self.presets = PresetTable(self)
        self.preview = LivePreview(canvas, self)
        self.rows: list[ChannelRow] = []
        self._presets: Presets | None = None
        self._known: dict[Any, LayerFacts] = {}
        self._asking: dict[Any, BackgroundCall] = {}
        self._composite_problem = ""
        self._is_open = True
        self._lay_out()
        # The choosers must not learn first of layers that go: they would pass on to others.
        QgsProject.instance().layersWillBeRemoved.connect(self._on_layers_leaving)
        chosen = state.get("channels", [])
        self._fill_rows({role: role in chosen for role in LAYER_ROLES} if chosen else {}, {})
        self._connect()
        self._restore()
        self._refresh()
        # What is shown belongs to the project that goes.
        QgsProject.instance().cleared.connect(self.reject)

    # What was chosen

    @property
    def given(self) -> dict[ChannelKind, QgsMapLayer]:
        """The layers that are wanted and there, by kind."""
        return {row.kind: row.layer for row in self.rows if row.is_wanted and row.layer is not None}

    @property
    def is_busy(self) -> bool:
        """True while files are looked into."""
        return bool(self._asking) or self.preview.is_busy

    def parameters(self) -> dict[str, str]:
        """The choice as parameters of Detect areas and Build composite."""
        return {"MODEL": self.model.path, **{kind.name: layer.id() for kind, layer in self.given.items()}}

    def problem(self) -> str:
        """Why the choice can't be accepted, in a sentence; "" where it can."""
        return self._problem_of_rows() or self._composite_problem

    def accept(self) -> None:
        """Keep the choice in the project."""
        from ...core.models import combination_name

        if self.problem():
            return
        kinds = tuple(self.given)
        for row in self.rows:
            self.state.set_layer(row.kind.value, row.layer)
        self.state.set("model", self.model.path)
        self.state.set("combination", combination_name(kinds))
        self.state.set("channels", [kind.value for kind in kinds])
        super().accept()

    def done(self, result: int) -> None:
        if self._is_open:
            self._is_open = False
            self.preview.close_for_good()
            for call in self._asking.values():
                call.stop()
            self._asking.clear()
            project = QgsProject.instance()
            project.cleared.disconnect(self.reject)
            project.layersWillBeRemoved.disconnect(self._on_layers_leaving)
            project.layersAdded.disconnect(self._on_layers)
            project.layersRemoved.disconnect(self._on_layers)
            QgsSettings().setValue(f"{_SETTINGS}/geometry", self.saveGeometry())
            QgsSettings().setValue(f"{_SETTINGS}/splitter", self._splitter.saveState())
        super().done(result)

    def _problem_of_rows(self) -> str:
        """What is wrong before the layers are put together."""
        from ...core.models import unusable_reason

        if self.model.card is None:
            return self.model.problem
        first = next((row.problem for row in self.rows if row.problem), "")
        return first or words_of(unusable_reason(self.model.card, tuple(self.given)))

    # Widgets

    def _lay_out(self) -> None:
        self._reason = QLabel(self)
        self._reason.setWordWrap(True)
        self._reason.setTextFormat(Qt.TextFormat.PlainText)
        tint(self._reason, "problem")
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(standard.Ok | standard.Cancel | standard.Help, self)
        self.build = self.buttons.addButton(tr("&Build composite…"), QDialogButtonBox.ButtonRole.ActionRole)
        self.build.setToolTip(tr("Write what the network sees as a raster with these layers."))
        for button in self.buttons.buttons():
            if isinstance(button, QPushButton):
                button.setAutoDefault(button is self.buttons.button(_OK))
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.addWidget(self._left())
        self._splitter.addWidget(self.preview)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self._reason, 1)
        bottom.addWidget(self.buttons)
        layout = QVBoxLayout(self)
        layout.addWidget(self.model)
        layout.addWidget(self._splitter, 1)
        layout.addLayout(bottom)

    def _left(self) -> QWidget:
        self._scores = note(self)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        self._grid.setVerticalSpacing(3)
        for column, text in enumerate((tr("Layer"), tr("In the file"), tr("For the model")), 1):
            head = note(self)
            head.setWordWrap(False)
            head.setText(text)
            self._grid.addWidget(head, 0, column)
        self._panel = QWidget(self)
        layout = QVBoxLayout(self._panel)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.addWidget(heading(tr("Combination"), self))
        layout.addWidget(self.presets)
        layout.addWidget(self._scores)
        layout.addSpacing(8)
        layout.addWidget(heading(tr("Layers"), self))
        layout.addLayout(self._grid)
        layout.addStretch(1)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(480)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._panel)
        return area

    def _connect(self) -> None:
        self.model.changed.connect(self._on_model)
        self.presets.chosen.connect(self._on_preset)
        self.preview.failed.connect(self._on_composite)
        self.build.clicked.connect(self._build_composite)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.helpRequested.connect(lambda: open_help("channels"))
        project = QgsProject.instance()
        project.layersAdded.connect(self._on_layers)
        project.layersRemoved.connect(self._on_layers)

    def _restore(self) -> None:
        geometry = QgsSettings().value(f"{_SETTINGS}/geometry")
        if not geometry or not self.restoreGeometry(geometry):
            self.resize(1240, 660)
        splitter = QgsSettings().value(f"{_SETTINGS}/splitter")
        if not splitter or not self._splitter.restoreState(splitter):
            self._splitter.setSizes([640, 580])

    # Model, rows, combinations

    def _fill_rows(self, wanted: dict[str, bool], layers: dict[str, QgsMapLayer | None]) -> None:
        """One row a layer that the model can use.

        ``wanted`` and ``layers``: what was chosen before, by kind; other kinds get what the project offers for them.
        """
        from ...core.models import presets_of

        for row in self.rows:
            row.remove_from(self._grid)
        channels = self.model.card.channels if self.model.card else ()
        by_kind = {channel.kind.layer: channel for channel in reversed(channels)}
        self._presets = presets_of(self.model.card) if self.model.card else None
        self.rows = []
        for kind in self.model.card.layers if self.model.card else ():
            row = ChannelRow(by_kind[kind], self._grid, self._panel)
            if kind.value in layers:
                row.choose(layers[kind.value])
            else:
                row.choose(self.state.layer(kind.value) or row.best())
            row.set_wanted(wanted.get(kind.value, row.is_sure))
            row.changed.connect(self._refresh)
            self.rows.append(row)
        self._order_by_tab()

    def _order_by_tab(self) -> None:
        """Tab goes from the model over the combinations and the rows to the buttons."""
        order: list[QWidget] = [self.model.list, self.model.other, self.presets]
        for row in self.rows:
            order += [row.tick, row.chooser]
        order += [self.preview.zoom, self.preview.messages, *self.buttons.buttons()]
        for first, second in zip(order, order[1:]):
            QWidget.setTabOrder(first, second)

    def _on_model(self) -> None:
        wanted = {row.kind.value: row.is_wanted for row in self.rows}
        self._fill_rows(wanted, {row.kind.value: row.layer for row in self.rows})
        self._refresh()

    def _on_preset(self, name: str) -> None:
        preset = self._presets.of(name) if self._presets else None
        if preset is None or preset.problem:
            return
        for row in self.rows:
            row.set_wanted(row.kind in preset.kinds)
        self._refresh()

    def _on_composite(self, problem: str) -> None:
        self._composite_problem = problem
        self._show_problem()

    def _on_layers_leaving(self, layers: list[str]) -> None:
        for row in self.rows:
            if row.layer is not None and row.layer.id() in layers:
                row.choose(None)

    def _on_layers(self, *_: object) -> None:
        # The choosers learn of it by the same signals: look when all of them did.
        QTimer.singleShot(0, self._follow_project)

    def _follow_project(self) -> None:
        for row in self.rows if self._is_open else ():
            if row.layer is None:
                row.choose(row.best())
        self._refresh()

    def _refresh(self) -> None:
        """Show what the present choice means."""
        from ...core.models import combination_name

        # A closed dialog still hears of the project until it is deleted.
        if not self._is_open:
            return
        self._composite_problem = ""
        for row in self.rows:
            self._ask_for_facts(row)
        available = {row.kind.value for row in self.rows if row.layer is not None}
        wanted = tuple(row.kind for row in self.rows if row.is_wanted)
        self.presets.show_presets(self._presets, available, combination_name(wanted))
        text, tip = _scores_texts(self._presets)
        self._scores.setText(text)
        self._scores.setToolTip(tip)
        self._follow()

    def _follow(self) -> None:
        """Show the preview of what can be used, and whether the choice can be accepted."""
        from ...core.models import unusable_reason

        card = self.model.card
        usable = {row.kind: row.layer for row in self.rows if row.kind in self.given and not row.problem}
        problem = words_of(unusable_reason(card, tuple(usable))) if card else self.model.problem
        self.preview.show_layers(card, usable, problem)
        self._show_problem()

    def _show_problem(self) -> None:
        problem = self.problem()
        self._reason.setText(problem)
        self.buttons.button(_OK).setEnabled(not problem)
        self.buttons.button(_OK).setToolTip(problem)
        self.build.setEnabled(not problem)

    def _ask_for_facts(self, row: ChannelRow) -> None:
        """Show what the row's file tells; where that isn't known yet, look in the background."""
        from ...core.detection import LayerFacts, inspect_layer

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
            facts = facts_in_words(facts, path)
            self._known[key] = facts
            for other in self.rows:
                if other.layer is not None and (other.layer.source(), other.channel) == key:
                    other.show_facts(facts)
            if facts.problem:
                self._follow()

        self._asking[key] = BackgroundCall(
            self,
            tr("Looking into {}").format(layer.name()),
            lambda is_cancelled: inspect_layer(kind, path, channel),
            answer,
            lambda error: answer(LayerFacts(problem=words_of(error))),
        ).start()

    def _build_composite(self) -> None:
        import processing

        processing.execAlgorithmDialog("adamapper:buildcomposite", self.parameters())


def _scores_texts(presets: Presets | None) -> tuple[str, str]:
    """On what data the scores beside the combinations were measured; and, for a tooltip, on what ground."""
    if presets is None:
        return "", ""
    if not any(preset.scores.is_known for preset in presets.all):
        return tr("The model's card tells no scores."), ""
    tiles = tr("on {} test tiles").format(number(presets.tiles)) if presets.tiles else tr("on test tiles")
    text = tr("Scores {}, not in the field. The model's card says: {}.")
    terrain = tr("Ground of the test tiles: {}").format(", ".join(presets.terrain)) if presets.terrain else ""
    return text.format(tiles, presets.data.rstrip(".") or tr("nothing about its data")), terrain
