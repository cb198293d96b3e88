"""The window of the pairs: table, network and histograms show the same choice and follow each other."""

from __future__ import annotations

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QHideEvent
from qgis.PyQt.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from ...processing.qgis_versions import free_screen
from ...processing.texts import number, tr
from ..plots import HistogramPlot, NetworkPlot, PlotPair
from ..project import ALL_LIMITS, MOST_DAYS, MOST_METRES, MOST_SUSPECT
from .limit_box import LimitBox
from .pair_choice import PairChoice
from .pair_table import PairTable
from .pair_texts import counts_text, trouble_text

_SETTINGS = "ada_mapper/pairs"
_SIZE = (1440, 680)


class PairWindow(QDialog):
    """Shows a PairChoice and changes it; stays open beside the main window and remembers its size."""

    def __init__(self, choice: PairChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # A dialog, as QGIS' dark themes give no other window a background, but one that can be enlarged.
        self.setWindowFlags(self.windowFlags() | Qt.WindowType.WindowMinMaxButtonsHint)
        self.setWindowTitle(tr("Pairs of interferograms"))
        self.setObjectName("AdaMapperPairs")
        self._choice = choice
        self.table, self.network = PairTable(), NetworkPlot()
        self.histograms = {MOST_DAYS: HistogramPlot(), MOST_METRES: HistogramPlot()}
        self.boxes = {name: LimitBox(choice, name) for name in ALL_LIMITS}
        self.counts, self.trouble = QLabel(), QLabel()
        self.trouble.setWordWrap(True)
        self.take_back = QPushButton(tr("Take all back"))
        self.take_back.setAutoDefault(False)
        self.take_back.setToolTip(tr("Leave no pair out by hand any more."))
        self._lay_out()
        self._connect()
        self._restore()
        self._show_scan()

    # Building

    def _lay_out(self) -> None:
        font = self.counts.font()
        font.setBold(True)
        self.counts.setFont(font)
        self.table.setMinimumWidth(260)
        top = QHBoxLayout()
        top.addWidget(self.counts, 1)
        suspect = QLabel(tr("Most suspect pixels"))
        suspect.setBuddy(self.boxes[MOST_SUSPECT])
        top.addWidget(suspect)
        top.addWidget(self.boxes[MOST_SUSPECT])
        top.addWidget(self.take_back)
        limits = QWidget()
        grid = QGridLayout(limits)
        grid.setContentsMargins(0, 4, 0, 0)
        for column, (name, title) in enumerate(
            ((MOST_DAYS, tr("Longest pair")), (MOST_METRES, tr("Largest baseline")))
        ):
            row = QHBoxLayout()
            label = QLabel(title)
            label.setBuddy(self.boxes[name])
            row.addWidget(label)
            row.addWidget(self.boxes[name])
            row.addStretch(1)
            grid.addLayout(row, 0, column)
            grid.addWidget(self.histograms[name], 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 1)
        self._plots = QSplitter(Qt.Orientation.Vertical)
        self._plots.addWidget(self.network)
        self._plots.addWidget(limits)
        self._sides = QSplitter(Qt.Orientation.Horizontal)
        self._sides.addWidget(self.table)
        self._sides.addWidget(self._plots)
        for splitter, parts in ((self._plots, (3, 2)), (self._sides, (0, 1))):
            splitter.setChildrenCollapsible(False)
            for index, part in enumerate(parts):
                splitter.setStretchFactor(index, part)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.trouble)
        layout.addWidget(self._sides, 1)

    def _connect(self) -> None:
        choice = self._choice
        choice.scanned.connect(self._show_scan)
        choice.judged.connect(self._show_use)
        choice.marked.connect(self._mark)
        self.take_back.clicked.connect(choice.take_all_back)
        for view in (self.table, self.network):
            view.chosen.connect(choice.mark)
            view.toggled.connect(choice.toggle)
        for name, histogram in self.histograms.items():
            histogram.threshold_changed.connect(lambda value, name=name: choice.preview_limit(name, value))
            histogram.threshold_set.connect(lambda value, name=name: choice.set_limit(name, value))

    # Showing

    def _show_scan(self) -> None:
        """The histograms, which only depend on the folder, and all the rest."""
        pairs = self._choice.pairs
        known = [abs(pair.perpendicular_baseline) for pair in pairs if pair.perpendicular_baseline is not None]
        self.histograms[MOST_DAYS].set_values([pair.days for pair in pairs], tr("Temporal baseline"), tr("days"))
        self.histograms[MOST_METRES].set_values(known, tr("Perpendicular baseline"), tr("m"))
        self._show_use()

    def _show_use(self) -> None:
        """What is used, in all views."""
        choice = self._choice
        self.table.set_pairs(choice.pairs, choice.reasons, choice.rules)
        self.network.set_pairs(self._plot_pairs())
        for name, histogram in self.histograms.items():
            histogram.set_threshold(choice.limit(name))
        self.counts.setText(counts_text(choice))
        trouble = trouble_text(choice)
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        count = len(choice.excluded)
        self.take_back.setVisible(count > 0)
        self.take_back.setText(tr("Take {} back").format(number(count)))
        self._mark(choice.chosen)

    def _plot_pairs(self) -> list[PlotPair]:
        choice = self._choice
        positions = (choice.scan.positions if choice.scan is not None else None) or {}
        shown = []
        for pair in choice.pairs:
            rules = choice.rules[pair.name]
            use = "hand" if "by_hand" in rules else "rule" if rules else "used"
            ends = positions.get(pair.first_date), positions.get(pair.second_date)
            shown.append(PlotPair(pair.name, pair.first_date, pair.second_date, *ends, use))
        return shown

    def _mark(self, name: str | None) -> None:
        for view in (self.table, self.network):
            view.set_selected(name)

    # Size and end

    def hideEvent(self, event: QHideEvent) -> None:
        settings = QgsSettings()
        settings.setValue(f"{_SETTINGS}/geometry", self.saveGeometry())
        settings.setValue(f"{_SETTINGS}/sides", self._sides.saveState())
        settings.setValue(f"{_SETTINGS}/plots", self._plots.saveState())
        super().hideEvent(event)

    def _restore(self) -> None:
        settings = QgsSettings()
        geometry = settings.value(f"{_SETTINGS}/geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            free = free_screen(self)
            self.resize(min(_SIZE[0], free.width() - 40), min(_SIZE[1], free.height() - 60))
        for name, splitter in (("sides", self._sides), ("plots", self._plots)):
            saved = settings.value(f"{_SETTINGS}/{name}")
            if saved is not None:
                splitter.restoreState(saved)
