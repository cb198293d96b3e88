"""One row a layer that a model can use: is it wanted, which layer of the project, and what its numbers mean."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsProviderRegistry
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from ...processing.texts import rounded, tr, words_of
from ..project import BY_VALUES, candidates, guesses
from ..theme import faint, text_colour
from .channel_preview import channel_title

if TYPE_CHECKING:
    from ...core.channels import Channel
    from ...core.detection import LayerFacts


def tint(label: QLabel, severity: str) -> None:
    """Colour a label's text: "problem" red, "warning" amber, "info" muted, each readable on light and on dark."""
    parent = label.parentWidget()
    text = text_colour(parent if parent is not None else label)
    is_dark = text.lightness() > 128
    colours = {"problem": "#ff8a80" if is_dark else "#b3261e", "warning": "#f2b45c" if is_dark else "#8a5a00"}
    colour = QColor(colours[severity]) if severity in colours else faint(text, 0.7)
    # QGIS' dark themes are style sheets, which no palette overrules.
    label.setStyleSheet(f"QLabel {{ color: rgba({','.join(map(str, colour.getRgb()))}); }}")


class ChannelRow(QObject):
    """The widgets of one row in a grid: tick, layer, unit and sign in the file, those that the model sees, a sentence.

    ``changed`` is emitted when the user, or the project, changed the tick or the layer.
    """

    changed = pyqtSignal()
    COLUMNS = 4

    def __init__(self, channel: Channel, grid: QGridLayout, parent: QWidget) -> None:
        super().__init__(parent)
        self.channel = channel
        self.kind = channel.kind.layer
        self.facts: LayerFacts | None = None
        title = channel_title(self.kind.value)
        self.tick = QCheckBox(title, parent)
        self.tick.setToolTip(_explained(self.kind.value))
        self.chooser = _chooser(title, parent)
        self.in_file, self.in_model, self.sentence = QLabel(parent), QLabel(parent), QLabel(parent)
        self.in_model.setText(quantity(channel.unit, channel.sign))
        tint(self.in_model, "info")
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.hide()
        line = grid.rowCount()
        for column, widget in enumerate((self.tick, self.chooser, self.in_file, self.in_model)):
            grid.addWidget(widget, line, column)
        grid.addWidget(self.sentence, line + 1, 1, 1, self.COLUMNS - 1)
        self.tick.toggled.connect(lambda: self.changed.emit())
        self.chooser.layerChanged.connect(self._on_layer)

    def remove_from(self, grid: QGridLayout) -> None:
        """Take the row's widgets out of the grid, for good."""
        for widget in (self.tick, self.chooser, self.in_file, self.in_model, self.sentence):
            grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self.deleteLater()

    @property
    def is_wanted(self) -> bool:
        """True when the layer is to be given to the model."""
        return bool(self.tick.isChecked())

    def set_wanted(self, is_wanted: bool) -> None:
        """Tick or untick without telling."""
        self.tick.blockSignals(True)
        self.tick.setChecked(is_wanted)
        self.tick.blockSignals(False)

    @property
    def layer(self) -> QgsMapLayer | None:
        """The chosen layer."""
        return self.chooser.currentLayer()

    def choose(self, layer: QgsMapLayer | None) -> None:
        """Choose a layer without telling."""
        self.chooser.blockSignals(True)
        if layer is None:
            self.chooser.setCurrentIndex(0)
        else:
            self.chooser.setLayer(layer)
        self.chooser.blockSignals(False)
        self._tell_reason()

    def best(self) -> QgsMapLayer | None:
        """The layer of the project for which most speaks; None where nothing speaks for any."""
        return next(iter(candidates(self.kind.value)), None)

    @property
    def is_sure(self) -> bool:
        """True where a layer is chosen for which more speaks than its values alone."""
        guess = guesses(self.layer).get(self.kind.value) if self.layer is not None else None
        return self.layer is not None and (guess is None or guess.score > BY_VALUES)

    @property
    def problem(self) -> str:
        """Why the row, as it is wanted, can't be used; "" where it can, or where that isn't known yet."""
        if not self.is_wanted:
            return ""
        if self.layer is None:
            return tr("{}: choose a layer, or untick it.").format(channel_title(self.kind.value))
        problem = self.facts.problem if self.facts is not None else ""
        if problem and words_of(self.kind.label) not in problem:
            return f"{channel_title(self.kind.value)}: {problem}"
        return problem

    def show_facts(self, facts: LayerFacts | None) -> None:
        """Show what the chosen layer's file tells; None: it isn't known (yet)."""
        self.facts = facts
        if facts is None or not facts.unit:
            self.in_file.setText("…" if facts is None and self.layer is not None else "")
        else:
            self.in_file.setText(quantity(facts.unit, facts.sign))
        severity, text = self._judged()
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))
        tint(self.sentence, severity)

    def _judged(self) -> tuple[str, str]:
        """How serious, and the sentence, of what there is to say about the row."""
        facts = self.facts
        if self.layer is None:
            return "problem", tr("No layer is chosen: choose one, or untick it.") if self.is_wanted else ""
        if facts is None:
            return "info", ""
        if facts.problem:
            return "problem" if self.is_wanted else "info", facts.problem
        if facts.told:
            return "warning", " ".join(facts.told)
        if not self.is_sure and not self.is_wanted:
            return "info", tr("Only its values speak for it: tick it if it is the right layer.")
        return "info", " ".join(part for part in (_assumed(facts), _converted(facts, self.channel)) if part)

    def _on_layer(self) -> None:
        # Who chooses a layer wants it, and who chooses none doesn't.
        self.set_wanted(self.layer is not None)
        self._tell_reason()
        self.changed.emit()

    def _tell_reason(self) -> None:
        """Say in the chooser's tooltip what speaks for the layer."""
        layer, text = self.layer, tr("Choose a raster layer of the project.")
        if layer is not None:
            guess = guesses(layer).get(self.kind.value)
            text = f"{layer.name()}\n{layer.source()}"
            if guess is not None:
                text += "\n" + tr("Fits because: {}.").format(guess.reason)
        self.chooser.setToolTip(text)


def _chooser(title: str, parent: QWidget) -> QgsMapLayerComboBox:
    chooser = QgsMapLayerComboBox(parent)
    chooser.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
    # Web maps and databases have no values that core could read.
    chooser.setExcludedProviders([name for name in QgsProviderRegistry.instance().providerList() if name != "gdal"])
    chooser.setAllowEmptyLayer(True, tr("None"))
    chooser.setCurrentIndex(0)
    chooser.setAccessibleName(tr("Layer for {}").format(title))
    chooser.setMinimumContentsLength(12)
    chooser.setSizeAdjustPolicy(QgsMapLayerComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    chooser.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return chooser


def quantity(unit: str, sign: str) -> str:
    """A unit with what positive means, as a short phrase."""
    text = {"1": tr("no unit"), "degree": tr("degrees")}.get(unit, unit)
    if sign:
        return tr("{}, + away").format(text) if sign == "away" else tr("{}, + toward").format(text)
    return text


def facts_in_words(facts: LayerFacts, path: str) -> LayerFacts:
    """The facts with their sentences in the user's language, without the file's name: the layer is plain here."""
    return replace(facts, told=tuple(_plain(text, path) for text in facts.told), problem=_plain(facts.problem, path))


def _plain(text: str, path: str) -> str:
    sentence = words_of(text)
    if sentence.startswith(f"{path}: "):
        sentence = sentence[len(path) + 2 :]
    return sentence[:1].upper() + sentence[1:]


def _assumed(facts: LayerFacts) -> str:
    if facts.unit_is_assumed and facts.sign_is_assumed:
        return tr("The file tells neither unit nor sign: these are assumed.")
    if facts.unit_is_assumed:
        return tr("The file tells no unit: this one is assumed.")
    if facts.sign_is_assumed:
        return tr("The file doesn't tell its sign: this one is assumed.")
    return ""


def _converted(facts: LayerFacts, channel: Channel) -> str:
    if facts.factor == 1 or math.isnan(facts.factor):
        return ""
    if facts.unit == channel.unit and facts.factor == -1:
        return tr("Its sign is turned.")
    return tr("Converted: multiplied by {}.").format(rounded(facts.factor, 4))


def _explained(kind: str) -> str:
    """What the layer is and where it comes from."""
    texts = {
        "phase_rate": tr("Stacked phase, from Stack interferograms."),
        "los_rate": tr("Rate along the line of sight, from Stack interferograms or another program."),
        "dem": tr("Elevations."),
        "slope": tr("Slope of the ground, from Slope."),
        "coherence": tr("Mean coherence of the interferograms, 0 to 1."),
        "los_sensitivity": tr("Share of a motion down the slope that the satellite sees, from LOS sensitivity."),
        "standard_error": tr("Standard error of the LOS rate, from Stack interferograms."),
        "closure": tr("Share of the triplets of pairs that do not close, 0 to 1, from Stack interferograms."),
    }
    return texts.get(kind, "")
