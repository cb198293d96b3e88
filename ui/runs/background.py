"""One function of core in a background task: its answer comes back to the window, unless the window lost interest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject

from ...core.errors import CancelledError
from ...processing.qgis_versions import quiet_task_flags
from ...processing.texts import tr

_running: set[BackgroundCall] = set()


class BackgroundCall(QgsTask):
    """Calls ``function(is_cancelled)`` in another thread, then ``on_answer(answer)`` or ``on_error(error)`` in this;
    the error is a CancelledError where the user cancelled it in QGIS.

    Neither is called after stop(), or when ``owner`` was deleted. Keeps itself alive until it has ended, because QGIS
    holds no reference. The function must touch neither widgets nor layers.
    """

    def __init__(
        self,
        owner: QObject,
        title: str,
        function: Callable[[Callable[[], bool]], Any],
        on_answer: Callable[[Any], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        super().__init__(title, quiet_task_flags())
        self._owner = owner
        self._function, self._on_answer, self._on_error = function, on_answer, on_error
        self._answer: Any = None
        self._error: Exception | None = None
        self._is_stopped = False

    def start(self) -> BackgroundCall:
        """Put it in the task manager's queue; returns itself."""
        _running.add(self)
        QgsApplication.taskManager().addTask(self)
        return self

    def stop(self) -> None:
        """Lose interest: cancel what runs, and hear nothing of it any more."""
        self._is_stopped = True
        if self in _running:
            self.cancel()

    def run(self) -> bool:
        try:
            self._answer = self._function(self.isCanceled)
        except Exception as error:
            self._error = error
        return self._error is None

    def finished(self, result: bool) -> None:
        _running.discard(self)
        if self._is_stopped or sip.isdeleted(self._owner):
            return
        if result:
            self._on_answer(self._answer)
        else:
            # Who cancels it in QGIS before its turn has come keeps it from ever running.
            self._on_error(self._error or CancelledError(tr("It was cancelled.")))
