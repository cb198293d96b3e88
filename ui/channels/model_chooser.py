"""Which network: the one that comes with the plugin, or another file with a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from ...processing.algorithm import BUNDLED_MODEL
from ...processing.texts import tr, words_of
from .channel_rows import tint

if TYPE_CHECKING:
    from ...core.models import ModelCard


_RECENT = "ada_mapper/models"
_KEPT = 5


class ModelChooser(QWidget):
    """A list of models with a button for another file. ``changed`` is emitted when another card is in use.

    ``path`` is "" for the model that comes with the plugin; ``card`` is None where no card can be read, and
    ``problem`` then tells why.
    """

    changed = pyqtSignal()

    def __init__(self, path: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path, self.problem = "", ""
        self.card: ModelCard | None = None
        self.list = QComboBox(self)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.setMinimumContentsLength(24)
        self.other = QPushButton(tr("&Other model…"), self)
        self.other.setToolTip(tr("Choose an ONNX file with a model card, from Train a model or Import a model."))
        self.label = QLabel(tr("&Model"), self)
        self.label.setBuddy(self.list)
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self.label, 0, 0)
        layout.addWidget(self.list, 0, 1)
        layout.addWidget(self.other, 0, 2)
        layout.addWidget(self.told, 1, 1, 1, 2)
        self._fill(path)
        self.list.activated.connect(lambda index: self.choose(self.list.itemData(index)))
        self.other.clicked.connect(self._browse)

    def choose(self, path: str) -> None:
        """Use the model of a file, "" for the one that comes with the plugin; where it can't be used, tell and stay."""
        card, problem = _read(path)
        if card is None and self.card is not None:
            self._select(self.path)
            self._tell(problem, "problem")
            return
        self.path, self.card, self.problem = path, card, problem
        if card is not None and path:
            self._remember(path)
        self._select(path)
        if card is not None and path:
            self.list.setItemText(self.list.currentIndex(), f"{card.name} {card.version} ({Path(path).name})")
        self._tell(problem or (card.description if card else ""), "problem" if problem else "info")
        self.changed.emit()

    def _fill(self, path: str) -> None:
        card, _ = _read("")
        name = f"{card.name} {card.version}" if card else Path(BUNDLED_MODEL).name
        self.list.addItem(tr("{} (comes with the plugin)").format(name), "")
        for recent in _recent():
            self._add(recent)
        self.choose(path)

    def _add(self, path: str) -> None:
        self.list.addItem(f"{Path(path).name} ({Path(path).parent})", path)
        self.list.setItemData(self.list.count() - 1, path, Qt.ItemDataRole.ToolTipRole)

    def _select(self, path: str) -> None:
        if self.list.findData(path) < 0:
            self._add(path)
        self.list.setCurrentIndex(self.list.findData(path))

    def _tell(self, text: str, severity: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))
        tint(self.told, severity)

    def _browse(self) -> None:
        start = next(iter(_recent()), self.path)
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose a model"), str(Path(start).parent) if start else "", tr("Models (*.onnx)")
        )
        if path:
            self.choose(path)

    def _remember(self, path: str) -> None:
        QgsSettings().setValue(_RECENT, [path, *(kept for kept in _recent() if kept != path)][:_KEPT])


def _recent() -> list[str]:
    """The files that were used before, the last one first."""
    paths = QgsSettings().value(_RECENT, [])
    # Settings give back a list of one text as that text.
    paths = [paths] if isinstance(paths, str) else paths or []
    return [path for path in paths if path and Path(path).is_file()]


def _read(path: str) -> tuple[ModelCard | None, str]:
    """The card of a model, or why it can't be had."""
    from ...core.errors import AdaMapperError
    from ...core.models import read_card

    try:
        return read_card(path or BUNDLED_MODEL), ""
    except AdaMapperError as error:
        return None, words_of(error)
