"""The combinations of layers with what the chosen model has scored with each: a table to choose from."""

from __future__ import annotations

import html
import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import QCoreApplication, QLocale, Qt, pyqtSignal
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from .channel_preview import channel_title

if TYPE_CHECKING:
    from ..core.presets import Presets, Scores

_NAME, _IOU, _RECALL, _PRECISION, _NOTE = range(5)
_PRESET = Qt.ItemDataRole.UserRole


def combination_title(name: str) -> str:
    """“Phase rate + DEM” for "phase_rate+dem"."""
    titles = [channel_title(part) for part in name.split("+") if part]
    # Only the first word of a list is written with a capital, but abbreviations keep theirs.
    return " + ".join(
        titles[:1] + [title if title[:2].isupper() else title[:1].lower() + title[1:] for title in titles[1:]]
    )


class PresetTable(QTreeWidget):
    """A row a combination; ``chosen`` is emitted with the name of one that the user clicked or moved to."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setHeaderLabels([_tr("Combination"), _tr("IoU"), _tr("Found"), _tr("Right"), ""])
        header = self.headerItem()
        header.setToolTip(_IOU, _tr("Intersection over union of the pixels: 1 is perfect."))
        header.setToolTip(_RECALL, _tr("Share of the true areas that were found (recall)."))
        header.setToolTip(_PRECISION, _tr("Share of the found areas that are true (precision)."))
        for column in (_IOU, _RECALL, _PRECISION):
            header.setTextAlignment(column, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
        self.header().setStretchLastSection(True)
        self.header().setSectionsMovable(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(_tr("Combinations of channels"))
        self.currentItemChanged.connect(self._on_current)
        self.itemClicked.connect(lambda item: self._on_current(item))

    def show_presets(self, presets: Presets | None, available: Collection[str], chosen: str) -> None:
        """Show the combinations; ``available``: kinds that have a layer; ``chosen``: the name of the present one."""
        self.blockSignals(True)
        self.clear()
        for preset in presets.all if presets else ():
            missing = [channel_title(kind.value) for kind in preset.kinds if kind.value not in available]
            note = ""
            if preset.problem:
                note = _tr("not with this model")
            elif missing:
                note = _tr("layer missing: {}").format(", ".join(missing))
            item = self._item(combination_title(preset.name), preset.scores, note)
            item.setData(_NAME, _PRESET, preset.name)
            tip = preset.problem or note
            for column in range(self.columnCount()):
                item.setToolTip(column, f"<p>{html.escape(tip)}</p>" if tip else "")
            if preset.problem:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            elif missing:
                self._mute(item, (_NOTE,))
            if preset.name == chosen:
                self.setCurrentItem(item)
        if presets and presets.classical.is_known:
            self._add_classical(presets.classical)
        if self.currentItem() is None or not chosen:
            self.setCurrentItem(None)
        self.blockSignals(False)
        self._fit()

    def _add_classical(self, scores: Scores) -> None:
        """The classical detector below: to compare with, not to choose."""
        item = self._item(_tr("Classical detector, to compare"), scores, "")
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = self.font()
        font.setItalic(True)
        tip = _tr("A threshold on the LOS rate without a network, on the same tiles; its setting was chosen for them.")
        for column in range(self.columnCount()):
            item.setFont(column, font)
            item.setToolTip(column, f"<p>{html.escape(tip)}</p>")
        self._mute(item, range(self.columnCount()))

    def _item(self, title: str, scores: Scores, note: str) -> QTreeWidgetItem:
        numbers = [_number(scores.iou), _percent(scores.object_recall), _percent(scores.object_precision)]
        item = QTreeWidgetItem(self, [title, *numbers, note])
        for column in (_IOU, _RECALL, _PRECISION):
            item.setTextAlignment(column, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
        return item

    def _mute(self, item: QTreeWidgetItem, columns: Collection[int]) -> None:
        colour = self.palette().color(QPalette.ColorRole.Text)
        colour.setAlphaF(0.7)
        for column in columns:
            item.setForeground(column, colour)

    def _fit(self) -> None:
        """Columns as wide as their texts, the rest for the notes; no higher than the rows."""
        for column in (_NAME, _IOU, _RECALL, _PRECISION):
            self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        rows = self.topLevelItemCount()
        row = self.sizeHintForRow(0) if rows else self.fontMetrics().height()
        frame = 2 * self.frameWidth()
        self.setMaximumHeight(self.header().sizeHint().height() + max(rows, 3) * row + frame + 2)

    def _on_current(self, item: QTreeWidgetItem | None, *_: object) -> None:
        name = item.data(_NAME, _PRESET) if item is not None else None
        if name and item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.chosen.emit(name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("AdaMapper", text)


def _number(value: float) -> str:
    return "" if math.isnan(value) else QLocale().toString(value, "f", 2)


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{QLocale().toString(100 * value, 'f', 0)} %"
