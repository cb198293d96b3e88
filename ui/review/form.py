"""The widgets of the Review step: they show one area and tell what was pressed; they know no layer."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qgis.core import QgsMapLayerProxyModel
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QIcon, QKeySequence
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QShortcut,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...processing.algorithm import ICONS
from ...processing.layers import ACCEPTED, REJECTED, UNSURE
from ...processing.texts import tr

_KEYS = {ACCEPTED: "A", REJECTED: "R", UNSURE: "U"}


class ReviewForm(QWidget):
    """Which layer, which area, what is known of it, what was decided, and what can be done.

    ``moved`` tells 1 or -1, ``decided`` a decision, None to take it back. ``evidence`` is shown in the middle.
    """

    moved = pyqtSignal(int)
    decided = pyqtSignal(object)
    noted = pyqtSignal(str)

    def __init__(self, evidence: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.areas = QgsMapLayerComboBox()
        self.areas.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.areas.setAllowEmptyLayer(True, tr("No layer of areas"))
        self.order = QComboBox()
        for name, text in _orders().items():
            self.order.addItem(text, name)
        for box in (self.areas, self.order):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.advance = QCheckBox(tr("After a decision go on to the next area"))
        self.heading = QLabel()
        self.heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.facts = QLabel()
        self.facts.setTextFormat(Qt.TextFormat.RichText)
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note = QLineEdit()
        self.note.setPlaceholderText(tr("Note: what you see, what to check in the field"))
        self.note.setClearButtonEnabled(True)
        self.note.editingFinished.connect(self.save_note)
        self._make_buttons()
        self._make_tally()
        self._lay_out(evidence)
        self._needs_area = (
            self.previous, self.next, *self.decisions.values(), self.note, self.outline, self.facts, evidence,
        )  # fmt: skip

    def show_area(self, heading: str, facts: Sequence[tuple[str, str]], has_area: bool) -> None:
        """Show the name of an area, "Area 7 (3 of 31)", and its attributes."""
        self.heading.setText(heading)
        rows = "".join(
            f"<tr><td style='padding-right:10px'>{html.escape(name)}</td><td>{html.escape(text)}</td></tr>"
            for name, text in facts
        )
        self.facts.setText(f"<table cellspacing='0' cellpadding='1'>{rows}</table>")
        for widget in self._needs_area:
            widget.setEnabled(has_area)

    def show_decision(self, decision: str | None, note: str) -> None:
        """Show what is saved of an area; a note that is being written stays."""
        for name, button in self.decisions.items():
            button.setChecked(name == decision)
        self.take_back.setEnabled(decision is not None)
        if not self.note.isModified():
            self.note.setText(note)

    def show_tally(self, text: str, done: int, count: int) -> None:
        """Show how many areas are reviewed."""
        self.tally.setText(text)
        self.bar.setRange(0, max(count, 1))
        self.bar.setValue(done)

    def show_editing(self, text: str, can_end: bool = True) -> None:
        """Show that an outline is being redrawn and how, "" when that is over; ``can_end``: with the buttons for it."""
        self.editing.setVisible(bool(text))
        for button in (self.save_outline, self.discard_outline):
            button.setVisible(can_end)
        self.editing_text.setText(text)

    def save_note(self) -> None:
        """Tell of a note that was changed; who saves it marks it as unmodified."""
        if self.note.isModified():
            self.noted.emit(self.note.text())

    def _make_buttons(self) -> None:
        self.previous = _button("◀ P", tr("Previous area. Keys: P or the left arrow"))
        self.next = _button("N ▶", tr("Next area. Keys: N or the right arrow"))
        self.previous.setAccessibleName(tr("Previous area"))
        self.next.setAccessibleName(tr("Next area"))
        self.previous.clicked.connect(lambda: self.moved.emit(-1))
        self.next.clicked.connect(lambda: self.moved.emit(1))
        titles = {ACCEPTED: tr("Accept (A)"), REJECTED: tr("Reject (R)"), UNSURE: tr("Unsure (U)")}
        self.decisions = {}
        for name, title in titles.items():
            button = _button(title, tr("Key: {}").format(_KEYS[name]), str(ICONS / f"{name}.svg"))
            button.setCheckable(True)
            # Equal shares of the width, even where that is less than the text likes to have.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(88)
            button.clicked.connect(lambda _checked, name=name: self.decided.emit(name))
            self.decisions[name] = button
        self.take_back = QToolButton()
        self.take_back.setText(tr("Take back"))
        self.take_back.setToolTip(tr("Forget the decision on this area"))
        self.take_back.clicked.connect(lambda: self.decided.emit(None))
        self.outline = QToolButton()
        self.outline.setText(tr("Redraw the outline"))
        self.outline.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.outline)
        self.edit_vertices = menu.addAction(tr("Move its vertices"))
        self.draw_anew = menu.addAction(tr("Draw it anew"))
        self.outline.setMenu(menu)
        self.labels = _button(tr("Use as labels …"), _labels_tip())
        self.save_outline = QPushButton(tr("Save the outline"))
        self.discard_outline = QPushButton(tr("Discard"))
        keys = [("P", self.previous), ("Left", self.previous), ("N", self.next), ("Right", self.next)]
        keys += [(_KEYS[name], button) for name, button in self.decisions.items()]
        for key, button in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)

    def _make_tally(self) -> None:
        self.tally = QLabel()
        self.tally.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.editing = QFrame()
        self.editing.setFrameShape(QFrame.Shape.StyledPanel)
        self.editing_text = QLabel()
        self.editing_text.setWordWrap(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.save_outline)
        row.addWidget(self.discard_outline)
        column = QVBoxLayout(self.editing)
        column.addWidget(self.editing_text)
        column.addLayout(row)
        self.editing.setVisible(False)

    def _lay_out(self, evidence: QWidget) -> None:
        choices = QGridLayout()
        choices.addWidget(_caption(tr("Areas"), self.areas), 0, 0)
        choices.addWidget(self.areas, 0, 1)
        choices.addWidget(_caption(tr("Order"), self.order), 1, 0)
        choices.addWidget(self.order, 1, 1)
        choices.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(choices)
        layout.addLayout(_row(self.previous, (self.heading, 1), self.next))
        layout.addLayout(_row(*((button, 1) for button in self.decisions.values())))
        layout.addWidget(self.note)
        layout.addLayout(_row(self.take_back, self.outline, None))
        layout.addWidget(self.editing)
        layout.addWidget(self.facts)
        layout.addWidget(evidence, 1)
        layout.addWidget(self.advance)
        layout.addWidget(self.bar)
        layout.addLayout(_row((self.tally, 1), self.labels))


def _orders() -> dict[str, str]:
    """The orders of core to choose from, by their names."""
    return {
        "size": tr("largest first"),
        "rate": tr("fastest first"),
        "probability": tr("most probable first"),
        "unreviewed": tr("not reviewed first"),
    }


def _labels_tip() -> str:
    return tr(
        "Accepted areas become landslides, rejected ones background, all others are ignored; Create samples opens "
        "with them."
    )


def _button(text: str, tip: str, icon: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    if icon:
        button.setIcon(QIcon(icon))
        button.setIconSize(QSize(16, 16))
    return button


def _caption(text: str, widget: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(widget)
    return label


def _row(*items: QWidget | tuple[QWidget, int] | None) -> QHBoxLayout:
    """Widgets beside each other, each alone or with its stretch; None is a gap."""
    row = QHBoxLayout()
    row.setSpacing(6)
    for item in items:
        if item is None:
            row.addStretch(1)
        elif isinstance(item, tuple):
            row.addWidget(item[0], item[1])
        else:
            row.addWidget(item)
    return row
