"""What a run says, kept until a window asks for it, and its place in the task manager."""

from __future__ import annotations

import threading
from collections import deque

from qgis.core import Qgis, QgsProcessingFeedback, QgsTask


class RunFeedback(QgsProcessingFeedback):
    """Keeps what an algorithm says in its thread until the window asks for it."""

    def __init__(self) -> None:
        super().__init__(False)
        self.waiting: deque[tuple[str, Qgis.MessageLevel]] = deque()
        self.last = ""
        self.error = ""

    def pushInfo(self, info: str) -> None:
        self.last = info
        self.waiting.append((info, Qgis.MessageLevel.Info))

    def setProgressText(self, text: str) -> None:
        self.pushInfo(text)

    def pushWarning(self, warning: str) -> None:
        self.waiting.append((warning, Qgis.MessageLevel.Warning))

    def reportError(self, error: str, fatalError: bool = False) -> None:
        if error.strip() and error != self.error:
            self.error = error
            self.waiting.append((error, Qgis.MessageLevel.Critical))


class StandIn(QgsTask):
    """Stands in the task manager for a run in the main thread, until end(); that of QGIS 3.22 can't be cancelled."""

    def __init__(self, title: str, feedback: QgsProcessingFeedback) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._feedback = feedback
        self._ended = threading.Event()
        self._success = False
        feedback.progressChanged.connect(self.setProgress)

    def run(self) -> bool:
        self._ended.wait()
        return self._success

    def cancel(self) -> None:
        # The run ends by itself then; a task that is cancelled while QGIS starts it is deleted under its thread.
        self._feedback.cancel()

    def end(self, success: bool) -> None:
        """The run in the main thread has ended."""
        self._success = success
        self._ended.set()
