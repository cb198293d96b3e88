"""What the panel and its steps agree on: a step tells its status, does the next thing, and follows the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .project import ProjectState
    from .runs import Runner


STATES = ("empty", "ready", "done", "running", "problem")


@dataclass(frozen=True)
class StepStatus:
    """How far a step has come; the texts are translated, one line each.

    ``state``: one of STATES. ``there``: what is there. ``missing``: what is missing, "" if nothing. ``next_action``:
    the one next thing to do, as a button says it, "" if none.
    """

    state: str
    there: str
    missing: str = ""
    next_action: str = ""

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"A step can't be “{self.state}”; known are {', '.join(STATES)}.")


@dataclass
class StepContext:
    """What every step is given."""

    state: ProjectState
    runner: Runner
    iface: QgisInterface


class Step(QWidget):
    """One step of the work: its widget, its status and what is to be done next.

    A subclass sets NAME (never translated), tells title() and status() and, where it has a next action, does do_next().
    """

    NAME = ""
    changed = pyqtSignal()

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context

    def title(self) -> str:
        """The step's name in the user's language, a word or two."""
        return self.NAME

    def status(self) -> StepStatus:
        """How far the step has come; quick, without reading files."""
        return StepStatus("empty", "")

    def do_next(self) -> None:
        """Do what status().next_action says."""

    def refresh(self) -> None:
        """Follow the project: its layers or the state changed, or another project was read."""
