"""The dock panel that leads through the work: Data, Channels, Detect, Review, Field."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt, QTimer
from qgis.PyQt.QtGui import QCloseEvent, QIcon
from qgis.PyQt.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..processing.algorithm import ICONS
from ..processing.texts import number, tr
from .channels import ChannelsStep
from .data import DataStep
from .detect import DetectStep
from .field import FieldStep
from .help import open_help
from .review import ReviewStep
from .step import Step, StepContext
from .step_bar import STATE_COLOURS, StepBar, state_meaning

_REFRESH_DELAY = 50  # milliseconds; many changes of the project come at once
_PRIMARY = """
QPushButton { background: palette(highlight); color: palette(highlighted-text); border: 1px solid palette(highlight);
              border-radius: 4px; padding: 6px 12px; font-weight: 600; }
QPushButton:hover, QPushButton:focus { border: 1px solid palette(window-text); }
QPushButton:disabled { background: palette(midlight); color: palette(mid); border-color: palette(midlight); }
"""


def make_steps(context: StepContext) -> list[Step]:
    """The steps of the work, in their order."""
    return [kind(context) for kind in (DataStep, ChannelsStep, DetectStep, ReviewStep, FieldStep)]


class StatusView(QWidget):
    """The status of the chosen step: its title, what is there, what is missing, and one button for the next thing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        font.setBold(True)
        self.title.setFont(font)
        self.help = QToolButton()
        self.help.setIcon(QIcon(str(ICONS / "help.svg")))
        self.help.setAutoRaise(True)
        self.help.setToolTip(tr("Open the guide at this step"))
        self.there = _line()
        self.missing = _line()
        self.button = QPushButton()
        self.button.setStyleSheet(_PRIMARY)
        self.button.setObjectName("primary")
        header = QHBoxLayout()
        header.addWidget(self.title, 1)
        header.addWidget(self.help)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 8)
        layout.setSpacing(4)
        layout.addLayout(header)
        for widget in (self.there, self.missing, self.button):
            layout.addWidget(widget)

    def show_step(self, step: Step) -> None:
        """Show the status of a step."""
        status = step.status()
        self.title.setText(step.title())
        colour = STATE_COLOURS.get(status.state)
        mark = f'<span style="color:{colour}">●</span>&nbsp;' if colour else ""
        self.there.setText(mark + _escaped(status.there))
        self.missing.setText(_escaped(status.missing))
        self.missing.setVisible(bool(status.missing))
        self.button.setText(status.next_action.replace("&", "&&"))
        self.button.setVisible(bool(status.next_action))


class RunStrip(QFrame):
    """What runs now: its name, how far it is, what it says, and a button to cancel it. Hidden while nothing runs."""

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = context.runner
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.clicked.connect(self._cancel)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addWidget(self.text)
        column.addWidget(self.bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addLayout(column, 1)
        layout.addWidget(self.cancel)
        self._runner.started.connect(self._show)
        self._runner.finished.connect(self._show)
        self._runner.progress.connect(self._on_progress)
        self._show()

    def _show(self, *_: object) -> None:
        names = self._runner.names
        self.setVisible(bool(names))
        if names:
            self._on_progress(names[0], 0, "")

    def _on_progress(self, name: str, percent: float, said: str) -> None:
        names = self._runner.names
        if not names or name != names[0]:
            return
        more = tr(" (and {} more)").format(len(names) - 1) if len(names) > 1 else ""
        done = number(percent)
        self.text.setText(f"{name}{more} – {done} %")
        self.text.setToolTip(said)
        self.bar.setValue(round(percent))

    def _cancel(self) -> None:
        names = self._runner.names
        if names:
            self._runner.cancel(names[0])


class Panel(QgsDockWidget):
    """The dock: the row of steps, the chosen step's status and its widget, and what runs.

    The chosen step is the project's value "step": a step that sets it leads to another one.
    """

    def __init__(
        self, context: StepContext, parent: QWidget | None = None, steps: Sequence[Step] | None = None
    ) -> None:
        super().__init__("ADA Mapper", parent)
        self.setObjectName("AdaMapperPanel")
        self.context = context
        self.steps = list(steps) if steps is not None else make_steps(context)
        self._bar = StepBar([step.title() for step in self.steps])
        self._status = StatusView()
        self._pages = QStackedWidget()
        for step in self.steps:
            self._pages.addWidget(_scrolled(step))
            step.changed.connect(self._show_status)
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(_REFRESH_DELAY)
        self._refresh_timer.timeout.connect(self.refresh)
        self._lay_out()
        self._bar.chosen.connect(lambda index: self.choose(self.steps[index].NAME))
        self._status.button.clicked.connect(lambda: self.current.do_next())
        self._status.help.clicked.connect(lambda: open_help(self.current.NAME))
        context.state.changed.connect(self._refresh_timer.start)
        context.runner.started.connect(self._show_status)
        context.runner.finished.connect(self._show_status)
        self.refresh()

    @property
    def current(self) -> Step:
        """The chosen step."""
        index: int = self._pages.currentIndex()
        return self.steps[index]

    def choose(self, name: str) -> None:
        """Go to a step; the project remembers it."""
        self.context.state.note("step", name)
        self._go_to(name)

    def refresh(self) -> None:
        """Let all steps follow the project."""
        for step in self.steps:
            step.refresh()
        self._go_to(self.context.state.get("step", self.steps[0].NAME))

    def sizeHint(self) -> QSize:
        return QSize(390, 600)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._refresh_timer.stop()
        super().closeEvent(event)

    def _go_to(self, name: str) -> None:
        names = [step.NAME for step in self.steps]
        index = names.index(name) if name in names else 0
        self._bar.choose(index)
        self._pages.setCurrentIndex(index)
        self._show_status()

    def _show_status(self, *_: object) -> None:
        for button, step in zip(self._bar.buttons, self.steps):
            status = step.status()
            button.set_state(status.state, f"{step.title()}: {state_meaning(status.state)}. {status.there}")
        self._status.show_step(self.current)

    def _lay_out(self) -> None:
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Sunken)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._bar)
        layout.addWidget(self._status)
        layout.addWidget(line)
        layout.addWidget(self._pages, 1)
        layout.addWidget(RunStrip(self.context))
        body.setMinimumWidth(320)
        self.setWidget(body)


def _line() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _scrolled(step: Step) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(step)
    return area
