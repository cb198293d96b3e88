"""The Channels step: which layers the network will be given, and the dialog that chooses them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...processing.algorithm import BUNDLED_MODEL
from ...processing.texts import number, tr, words_of
from ..step import Step, StepContext, StepStatus
from .channel_preview import channel_title
from .preset_table import combination_title

_RATES = ("phase_rate", "los_rate")


class ChannelsStep(Step):
    """Tells the chosen combination with its layers and what the model scored with it."""

    NAME = "channels"

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.dialog: QDialog | None = None
        self._card: Any = None
        self._card_path: str | None = None
        self.summary = QLabel(self)
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton(tr("Choose channels…"), self)
        self.button.clicked.connect(self.open_dialog)
        self.composite = QPushButton(tr("Build composite…"), self)
        self.composite.setToolTip(tr("Write what the network sees as a raster with these layers."))
        self.composite.clicked.connect(self._build_composite)
        layout = QVBoxLayout(self)
        layout.addWidget(self.summary)
        buttons = QHBoxLayout()
        buttons.addWidget(self.button)
        buttons.addWidget(self.composite)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addStretch(1)
        self.refresh()

    def title(self) -> str:
        return tr("Channels")

    def status(self) -> StepStatus:
        state, chosen = self.context.state, self._chosen
        if self._card is None:
            return StepStatus("problem", tr("The chosen model can't be read."), "", tr("Choose another model"))
        if not chosen:
            if not any(state.layer(role) is not None for role in _RATES):
                there = tr("No channels are chosen.")
                missing = tr("A phase rate or a LOS rate: stack interferograms, or add one to the project.")
                return StepStatus("empty", there, missing, tr("Choose interferograms"))
            there = tr("The project has: {}.").format(combination_title("+".join(self._available)))
            return StepStatus("ready", there, next_action=tr("Choose channels"))
        there = combination_title("+".join(chosen))
        gone = [channel_title(role) for role in chosen if state.layer(role) is None]
        if gone:
            missing = tr("Layer gone from the project: {}.").format(", ".join(gone))
            return StepStatus("problem", there, missing, tr("Choose channels"))
        problem = self._problem(chosen)
        if problem:
            return StepStatus("problem", there, problem, tr("Choose channels"))
        return StepStatus("done", there, next_action=tr("Go on to Detect"))

    def do_next(self) -> None:
        leads_to = {"empty": "data", "done": "detect"}.get(self.status().state)
        if leads_to is not None:
            self.context.state.note("step", leads_to)
        else:
            self.open_dialog()

    def refresh(self) -> None:
        self._read_card()
        self.summary.setText(self._summary())
        self.composite.setEnabled(self.status().state == "done")
        self.changed.emit()

    def open_dialog(self) -> None:
        """Open the dialog, or bring it to the front."""
        from .channels_dialog import ChannelsDialog

        if self.dialog is None:
            self.dialog = ChannelsDialog(self.context.state, self.context.iface.mapCanvas(), self)
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.finished.connect(self._on_closed)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    @property
    def _chosen(self) -> list[str]:
        """The kinds that were chosen and that the plugin knows."""
        return [role for role in self.context.state.get("channels", []) if channel_title(role) != role]

    @property
    def _available(self) -> list[str]:
        """The model's kinds that have a layer."""
        return [kind.value for kind in self._card.layers if self.context.state.layer(kind.value) is not None]

    def _on_closed(self) -> None:
        self.dialog = None
        self.refresh()

    def _read_card(self) -> None:
        """Read the model's card, unless that is done."""
        from ...core.errors import AdaMapperError
        from ...core.models import read_card

        path = self.context.state.get("model", "")
        if path == self._card_path and self._card is not None:
            return
        self._card_path, self._card = path, None
        try:
            self._card = read_card(path or BUNDLED_MODEL)
        except AdaMapperError:
            self._card = None

    def _problem(self, chosen: list[str]) -> str:
        from ...core.channels import ChannelKind
        from ...core.models import unusable_reason

        return words_of(unusable_reason(self._card, tuple(ChannelKind(role) for role in chosen)))

    def _summary(self) -> str:
        """The model and its layers, one a line, and its scores with them, as HTML."""
        state, chosen = self.context.state, self._chosen
        if self._card is None:
            path = state.get("model", "") or str(BUNDLED_MODEL)
            return html.escape(tr("The model {} can't be read. Choose another one.").format(Path(path).name))
        lines = [(tr("Model"), f"{self._card.name} {self._card.version}")]
        for role in chosen:
            layer = state.layer(role)
            lines.append((channel_title(role), layer.name() if layer is not None else tr("gone from the project")))
        cells = "".join(
            f'<tr><td style="padding-right:10px">{html.escape(name)}</td><td><b>{html.escape(value)}</b></td></tr>'
            for name, value in lines
        )
        scores = self._scores() if chosen else ""
        return f"<table>{cells}</table>" + (f"<p>{html.escape(scores)}</p>" if scores else "")

    def _scores(self) -> str:
        """What the model scored with the chosen combination on its test tiles; "" where its card doesn't tell."""
        from ...core.channels import ChannelKind
        from ...core.models import combination_name, presets_of

        preset = presets_of(self._card).of(combination_name(tuple(ChannelKind(role) for role in self._chosen)))
        if preset is None or not preset.scores.object_recall >= 0:
            return ""
        shares = (preset.scores.object_recall, preset.scores.object_precision)
        found, right = (f"{number(100 * share)} %" for share in shares)
        return tr("On its test tiles, not in the field: {} of the areas found, {} of the finds correct.").format(
            found, right
        )

    def _build_composite(self) -> None:
        import processing

        state = self.context.state
        layers = {role.upper(): state.layer(role) for role in self._chosen}
        processing.execAlgorithmDialog("adamapper:buildcomposite", {"MODEL": state.get("model", ""), **layers})
