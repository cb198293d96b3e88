"""The table of pairs: dates, baselines, coherence, and whether each is used or why not; needs no part of QGIS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QLocale,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QKeyEvent, QPalette
from qgis.PyQt.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

if TYPE_CHECKING:
    from ..core.interferograms import PairFacts

KEEP, FIRST, SECOND, DAYS, METRES, COHERENCE, USED = range(7)
_NUMBERS = (DAYS, METRES, COHERENCE)
_SORT_ROLE = Qt.ItemDataRole.UserRole
_IS_USED_ROLE = Qt.ItemDataRole.UserRole + 1
_UNKNOWN = "–"
_ROWS_MEASURED = 40
_ROOT = QModelIndex()


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("AdaMapper", text)


class PairModel(QAbstractTableModel):
    """A row a pair. The check box says whether the user keeps it; ``toggled`` asks to change that."""

    toggled = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pairs: tuple[PairFacts, ...] = ()
        self._reasons: Mapping[str, str] = {}
        self._excluded: frozenset[str] = frozenset()
        self._rows: dict[str, int] = {}

    def set_pairs(self, pairs: Sequence[PairFacts], reasons: Mapping[str, str], excluded: frozenset[str]) -> None:
        """Show pairs; ``reasons`` say why one isn't used, "" where it is, by name."""
        if tuple(pairs) == self._pairs:
            self._set_reasons(reasons, excluded)
            return
        self.beginResetModel()
        self._pairs, self._reasons, self._excluded = tuple(pairs), dict(reasons), excluded
        self._rows = {pair.name: row for row, pair in enumerate(self._pairs)}
        self.endResetModel()

    def _set_reasons(self, reasons: Mapping[str, str], excluded: frozenset[str]) -> None:
        """Tell views of the rows that are another now, as one change each of the columns."""
        changed = self._excluded ^ excluded
        changed |= {name for name, reason in reasons.items() if reason != self._reasons.get(name)}
        rows = [self._rows[name] for name in changed if name in self._rows]
        self._reasons, self._excluded = dict(reasons), excluded
        if rows:
            self.dataChanged.emit(self.index(min(rows), KEEP), self.index(max(rows), USED))

    def row_of(self, name: str) -> int:
        """The row of a pair, -1 where it isn't shown."""
        return self._rows.get(name, -1)

    def name_of(self, row: int) -> str:
        """The pair in a row."""
        return self._pairs[row].name

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._pairs)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:
        return 0 if parent.isValid() else USED + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation != Qt.Orientation.Horizontal:
            return None
        titles = (
            tr("Keep"), tr("First date"), tr("Second date"), tr("Days"), tr("Metres"), tr("Coherence"),
            tr("Used, or why not"),
        )  # fmt: skip
        if role == Qt.ItemDataRole.DisplayRole:
            return titles[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            more = {
                KEEP: tr("Uncheck to leave a pair out by hand (space key)."),
                METRES: tr("Perpendicular baseline of the second date relative to the first, in metres."),
                DAYS: tr("Temporal baseline in days."),
                COHERENCE: tr("Mean coherence of the pair, 0 to 1; estimated from samples of large files."),
            }
            return more.get(section)
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == KEEP else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = index.column()
        pair = self._pairs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(pair, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == KEEP:
            return Qt.CheckState.Unchecked if pair.name in self._excluded else Qt.CheckState.Checked
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole and column == USED:
            return self._text(pair, column)
        if role == _IS_USED_ROLE:
            return not self._reasons.get(pair.name)
        if role == _SORT_ROLE:
            return self._sort_key(pair, column)
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != KEEP:
            return False
        self.toggled.emit(self._pairs[index.row()].name)
        return True

    def _text(self, pair: PairFacts, column: int) -> str | None:
        if column == FIRST:
            return pair.first_date.isoformat()
        if column == SECOND:
            return pair.second_date.isoformat()
        if column == DAYS:
            return QLocale().toString(pair.days)
        if column == METRES:
            return _number(pair.perpendicular_baseline, 1)
        if column == COHERENCE:
            return _number(pair.mean_coherence, 2)
        return self._reasons.get(pair.name) or tr("used") if column == USED else None

    def _sort_key(self, pair: PairFacts, column: int) -> Any:
        """What orders the rows: unknown values come before all others."""
        if column == KEEP:
            return pair.name not in self._excluded
        if column == DAYS:
            return pair.days
        if column == METRES:
            return -1e9 if pair.perpendicular_baseline is None else pair.perpendicular_baseline
        if column == COHERENCE:
            return -1.0 if pair.mean_coherence is None else pair.mean_coherence
        if column == USED:
            return self._reasons.get(pair.name, "")
        return pair.name if column == FIRST else f"{pair.second_date:%Y%m%d}{pair.name}"


class PairTable(QTableView):
    """The pairs, sorted by the column that was clicked.

    ``chosen`` tells the pair whose row was chosen, ``toggled`` one whose check box was clicked or that was chosen when
    the space key was pressed. Neither changes the pairs: set_pairs() does.
    """

    chosen = pyqtSignal(str)
    toggled = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = PairModel(self)
        self._model.toggled.connect(self.toggled)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(_SORT_ROLE)
        self._is_following = False
        self.setModel(self._sorted)
        self.setItemDelegate(_Delegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(FIRST, Qt.SortOrder.AscendingOrder)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setResizeContentsPrecision(_ROWS_MEASURED)
        self.setTabKeyNavigation(False)
        self.setAccessibleName(tr("Table of pairs"))
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def set_pairs(self, pairs: Sequence[PairFacts], reasons: Mapping[str, str], excluded: frozenset[str]) -> None:
        """Show pairs; ``reasons`` say why one isn't used, "" where it is, by name."""
        rows = self._model.rowCount()
        self._is_following = True
        self._model.set_pairs(pairs, reasons, excluded)
        self._is_following = False
        if self._model.rowCount() != rows:
            self.resizeColumnsToContents()

    def set_selected(self, name: str | None) -> None:
        """Mark a pair, or none, and bring it into view."""
        row = -1 if name is None else self._model.row_of(name)
        if name == self.selected() and row >= 0:
            return
        self._is_following = True
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            index = self._sorted.mapFromSource(self._model.index(row, FIRST))
            self.setCurrentIndex(index)
            self.scrollTo(index)
        self._is_following = False

    def selected(self) -> str | None:
        """The name of the marked pair."""
        index = self._sorted.mapToSource(self.currentIndex())
        return self._model.name_of(index.row()) if index.isValid() else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        name = self.selected()
        if event.key() == Qt.Key.Key_Space and name is not None:
            self.toggled.emit(name)
            return
        super().keyPressEvent(event)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and not self._is_following:
            self.chosen.emit(self._model.name_of(self._sorted.mapToSource(current).row()))


class _Delegate(QStyledItemDelegate):
    """Rows that aren't used stand back."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        if not index.data(_IS_USED_ROLE):
            palette = option.palette
            faint = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
            palette.setColor(QPalette.ColorRole.Text, faint)
            option.palette = palette


def _number(value: float | None, decimals: int) -> str:
    return _UNKNOWN if value is None else QLocale().toString(float(value), "f", decimals)
