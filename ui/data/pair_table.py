"""The table of pairs: dates, baselines, coherence, closure, and the use of each or why not; needs no part of QGIS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QSize,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QColor, QKeyEvent, QPalette
from qgis.PyQt.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from ...processing.texts import date_text, number, tr

if TYPE_CHECKING:
    from ...core.interferograms import PairFacts


KEEP, FIRST, SECOND, DAYS, BASELINE, COHERENCE, CLOSURE, SUSPECT, USED = range(9)
_SORT_ROLE = Qt.ItemDataRole.UserRole
_IS_USED_ROLE = Qt.ItemDataRole.UserRole + 1
_ROWS_MEASURED = 40
_SORT_MARK = 24
_ROOT = QModelIndex()
_TO_THE_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_CENTRED = int(Qt.AlignmentFlag.AlignCenter)


class PairModel(QAbstractTableModel):
    """A row a pair. The check box says whether the user keeps it; ``toggled`` asks to change that."""

    toggled = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pairs: tuple[PairFacts, ...] = ()
        self._reasons: Mapping[str, str] = {}
        self._rules: Mapping[str, tuple[str, ...]] = {}
        self._excluded: frozenset[str] = frozenset()
        self._rows: dict[str, int] = {}

    def set_pairs(
        self, pairs: Sequence[PairFacts], reasons: Mapping[str, str], rules: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Show pairs; ``reasons`` are sentences and ``rules`` the names of what speaks against each pair, by name."""
        excluded = frozenset(name for name, broken in rules.items() if "by_hand" in broken)
        if tuple(pairs) == self._pairs:
            self._set_reasons(reasons, rules, excluded)
            return
        self.beginResetModel()
        self._pairs, self._reasons, self._rules, self._excluded = tuple(pairs), dict(reasons), dict(rules), excluded
        self._rows = {pair.name: row for row, pair in enumerate(self._pairs)}
        self.endResetModel()

    def _set_reasons(
        self, reasons: Mapping[str, str], rules: Mapping[str, tuple[str, ...]], excluded: frozenset[str]
    ) -> None:
        """Tell views of the rows that are another now, as one change each of the columns."""
        changed = self._excluded ^ excluded
        changed |= {name for name, reason in reasons.items() if reason != self._reasons.get(name)}
        rows = [self._rows[name] for name in changed if name in self._rows]
        self._reasons, self._rules, self._excluded = dict(reasons), dict(rules), excluded
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
            tr("Keep"), tr("First"), tr("Second"), tr("Days"), tr("Metres"), tr("Coherence"),
            tr("Closure %"), tr("Suspect %"), tr("Used, or why not"),
        )  # fmt: skip
        if role == Qt.ItemDataRole.DisplayRole:
            return titles[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            more = {
                KEEP: tr("Uncheck to leave a pair out by hand (space key)."),
                BASELINE: tr("Perpendicular baseline of the second date relative to the first, in metres."),
                DAYS: tr("Temporal baseline in days."),
                COHERENCE: tr("Mean coherence of the pair, 0 to 1; estimated from samples of large files."),
                CLOSURE: tr(
                    "Share of the pixels in which a triplet (three pairs of three dates) with this pair does not close "
                    "but is off by whole cycles, as one of the three was unwrapped wrongly there; estimated from "
                    "samples."
                ),
                SUSPECT: tr(
                    "Share of the pixels in which this pair is the likely reason: most of its triplets do not close, "
                    "while those of the other pairs do."
                ),
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
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (DAYS, BASELINE, COHERENCE, CLOSURE, SUSPECT):
            return _CENTRED if column == COHERENCE else _TO_THE_RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            return _remarks(pair, self._reasons.get(pair.name, "")) or None
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
            return date_text(pair.first_date)
        if column == SECOND:
            return date_text(pair.second_date)
        if column == DAYS:
            return str(number(pair.days))
        if column == BASELINE:
            return number(pair.perpendicular_baseline, 1)
        if column == COHERENCE:
            return number(pair.mean_coherence, 2)
        if column in (CLOSURE, SUSPECT):
            share = _share(pair, column)
            return number(None if share is None else 100 * share, 1)
        return _verdict(self._rules.get(pair.name, ())) if column == USED else None

    def _sort_key(self, pair: PairFacts, column: int) -> Any:
        """What orders the rows: unknown values come before all others."""
        if column == KEEP:
            return pair.name not in self._excluded
        if column == DAYS:
            return pair.days
        if column == BASELINE:
            return -1e9 if pair.perpendicular_baseline is None else pair.perpendicular_baseline
        if column == COHERENCE:
            return -1.0 if pair.mean_coherence is None else pair.mean_coherence
        if column in (CLOSURE, SUSPECT):
            share = _share(pair, column)
            return -1.0 if share is None else share
        if column == USED:
            return " ".join(self._rules.get(pair.name, ()))
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
        self._model.toggled.connect(self._on_box)
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
        header.setMinimumSectionSize(20)
        self.setTabKeyNavigation(False)
        self.setAccessibleName(tr("Table of pairs"))
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def set_pairs(
        self, pairs: Sequence[PairFacts], reasons: Mapping[str, str], rules: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Show pairs; ``reasons`` are sentences and ``rules`` the names of what speaks against each pair, by name."""
        rows = self._model.rowCount()
        self._is_following = True
        # Sorting all rows once is quicker than moving each that changed; in other columns none moves.
        self._sorted.setDynamicSortFilter(False)
        self._model.set_pairs(pairs, reasons, rules)
        if self._model.rowCount() != rows or self._sorted.sortColumn() in (KEEP, USED):
            self._sorted.setDynamicSortFilter(True)
        self._is_following = False
        if self._model.rowCount() != rows:
            self._fit_columns()
            self.updateGeometry()

    def _fit_columns(self) -> None:
        """As wide as title and numbers need: Qt would give each title the room of the sort mark twice."""
        header = self.horizontalHeader()
        for column in range(USED):
            title = header.fontMetrics().horizontalAdvance(self._model.headerData(column, Qt.Orientation.Horizontal))
            header.resizeSection(column, max(self.sizeHintForColumn(column) + 6, title + _SORT_MARK))

    def sizeHint(self) -> QSize:
        """Wide enough for all columns with the longest usual verdict."""
        header = self.horizontalHeader()
        columns = sum(header.sectionSize(column) for column in range(USED))
        texts = (_verdict(("by_hand",)), self._model.headerData(USED, Qt.Orientation.Horizontal))
        verdict = max(self.fontMetrics().horizontalAdvance(text) for text in texts) + _SORT_MARK
        bar = self.verticalScrollBar().sizeHint().width() + 2 * self.frameWidth()
        return QSize(columns + verdict + bar, super().sizeHint().height())

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

    def _on_box(self, name: str) -> None:
        """A click on a check box chooses the row too, which Qt doesn't see to."""
        if name != self.selected():
            self.set_selected(name)
            self.chosen.emit(name)
        self.toggled.emit(name)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and not self._is_following:
            self.chosen.emit(self._model.name_of(self._sorted.mapToSource(current).row()))


class _Delegate(QStyledItemDelegate):
    """Rows that aren't used stand back."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        if not index.data(_IS_USED_ROLE):
            palette = option.palette
            text, base = (palette.color(role) for role in (QPalette.ColorRole.Text, QPalette.ColorRole.Base))
            parts = zip(text.getRgb()[:3], base.getRgb()[:3])
            faint = QColor(*(round(0.55 * of_text + 0.45 * of_base) for of_text, of_base in parts))
            palette.setColor(QPalette.ColorRole.Text, faint)
            option.palette = palette


def _share(pair: PairFacts, column: int) -> float | None:
    """The share of pixels that a column shows, 0 to 1."""
    return pair.closure if column == CLOSURE else pair.suspect


def _remarks(pair: PairFacts, reason: str) -> str:
    """Why a pair isn't used, and how many files it consists of where it is several."""
    files = tr("It consists of {} files side by side.").format(number(pair.files)) if pair.files > 1 else ""
    return " ".join(text for text in (reason, files) if text)


def _verdict(rules: Sequence[str]) -> str:
    """ "used", or why not, in few words."""
    words = {
        "by_hand": tr("left out by hand"),
        "temporal_baseline": tr("too long"),
        "perpendicular_baseline": tr("baseline too large"),
        "first_date": tr("too early"),
        "last_date": tr("too late"),
        "coherence": tr("too incoherent"),
        "closure": tr("does not close"),
    }
    return ", ".join(words[rule] for rule in rules) if rules else tr("used")
