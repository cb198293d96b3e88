"""The combinations of layers with what the chosen model has scored with each: a table to choose from."""

from __future__ import annotations

import html
import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from ...processing.texts import number, tr, words_of
from .channel_preview import channel_title

if TYPE_CHECKING:
    from ...core.models import Preset, Presets, Scores


_NAME, _IOU, _RECALL, _PRECISION, _NOTE = range(5)
_PRESET = Qt.ItemDataRole.UserRole


def combination_title(name: str) -> str:
    """“Phase rate + DEM” for "phase_rate+dem"."""
    titles = [channel_title(part) for part in name.split("+") if part]
    # Only the first word of a list is written with a capital, but abbreviations keep theirs.
    return " + ".join(
        titles[:1] + [title if title[:2].isupper() else title[:1].lower() + title[1:] for title in titles[1:]]
    )


def _short_title(name: str) -> str:
    """The same, short where all that the paper combines is followed by others."""
    every = "phase_rate+los_rate+dem+slope+"
    if not name.startswith(every):
        return combination_title(name)
    more = name[len(every) :].split("+")
    return tr("All four + {}").format(channel_title(more[0]) if len(more) == 1 else tr("{} more").format(len(more)))


def _short_problem(preset: Preset) -> str:
    """Why the model doesn't serve the combination, in a few words."""
    if preset.unused:
        return tr("model can't use: {}").format(", ".join(channel_title(kind.value) for kind in preset.unused))
    if preset.lacking:
        return tr("model needs: {}").format(", ".join(channel_title(kind.value) for kind in preset.lacking))
    return tr("not with this model")


class PresetTable(QTreeWidget):
    """A row a combination; ``chosen`` is emitted with the name of one that the user clicked or moved to."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets: Presets | None = None
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setHeaderLabels([tr("Combination"), tr("IoU"), tr("Areas found"), tr("Correct"), ""])
        header = self.headerItem()
        header.setToolTip(_IOU, tr("Intersection over union of the pixels: 1 is perfect."))
        header.setToolTip(_RECALL, tr("Share of the true areas that were found (recall)."))
        header.setToolTip(_PRECISION, tr("Share of the found areas that are true (precision)."))
        for column in (_IOU, _RECALL, _PRECISION):
            header.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
        self.header().setStretchLastSection(True)
        self.header().setSectionsMovable(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Combinations of channels"))
        self.currentItemChanged.connect(self._on_current)
        self.itemClicked.connect(lambda item: self._on_current(item))

    def show_presets(self, presets: Presets | None, available: Collection[str], chosen: str) -> None:
        """Show the combinations; ``available``: kinds that have a layer; ``chosen``: the name of the present one."""
        self.blockSignals(True)
        # Rows stay while they may: this is also called while one of them is being chosen.
        if presets is not self._presets:
            self._presets = presets
            self._fill()
        current = None
        for index, preset in enumerate(presets.all if presets else ()):
            item = self.topLevelItem(index)
            self._tell(item, preset, available)
            if preset.name == chosen and not preset.problem:
                current = item
        self.setCurrentItem(current)
        if current is None:
            self.clearSelection()
        self.blockSignals(False)

    def _fill(self) -> None:
        """A row a combination, and the classical detector below."""
        self.clear()
        for preset in self._presets.all if self._presets else ():
            item = self._item(_short_title(preset.name), preset.scores)
            item.setData(_NAME, _PRESET, preset.name)
            if preset.problem:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
        if self._presets and self._presets.classical.is_known:
            self._add_classical(self._presets.classical)
        self._fit()

    def _tell(self, item: QTreeWidgetItem, preset: Preset, available: Collection[str]) -> None:
        """Say in a row what keeps the combination from being used."""
        missing = [channel_title(kind.value) for kind in preset.kinds if kind.value not in available]
        note, problem = "", words_of(preset.problem)
        if problem:
            note = _short_problem(preset)
        elif len(missing) == 1:
            note = tr("missing: {}").format(missing[0])
        elif missing:
            note = tr("{} layers missing").format(number(len(missing)))
        item.setText(_NOTE, note)
        tip = "".join(f"<p>{html.escape(text)}</p>" for text in (combination_title(preset.name), problem or note))
        for column in range(self.columnCount()):
            item.setToolTip(column, tip)

    def _add_classical(self, scores: Scores) -> None:
        """The classical detector below: to compare with, not to choose."""
        item = self._item(tr("Classical detector, to compare"), scores)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = self.font()
        font.setItalic(True)
        tip = tr("A threshold on the LOS rate without a network, on the same tiles; its setting was chosen for them.")
        for column in range(self.columnCount()):
            item.setFont(column, font)
            item.setToolTip(column, f"<p>{html.escape(tip)}</p>")

    def _item(self, title: str, scores: Scores) -> QTreeWidgetItem:
        numbers = [_number(scores.iou), _percent(scores.object_recall), _percent(scores.object_precision)]
        item = QTreeWidgetItem(self, [title, *numbers, ""])
        for column in (_IOU, _RECALL, _PRECISION):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
        return item

    def _fit(self) -> None:
        """Columns as wide as their texts, the rest for the notes; no higher than the rows."""
        for column in (_NAME, _IOU, _RECALL, _PRECISION):
            self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        rows = self.topLevelItemCount()
        row = self.sizeHintForRow(0) if rows else self.fontMetrics().height()
        frame = 2 * self.frameWidth()
        self.setMaximumHeight(self.header().sizeHint().height() + max(rows, 3) * row + frame + 2)

    def _on_current(self, item: QTreeWidgetItem | None, *_: object) -> None:
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        name = item.data(_NAME, _PRESET)
        if name:
            self.chosen.emit(name)


def _number(value: float) -> str:
    return "" if math.isnan(value) else number(value, 2)


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{number(100 * value)} %"
