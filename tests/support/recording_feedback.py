"""A Processing feedback for tests."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback


class Feedback(QgsProcessingFeedback):
    """Keeps what was said, warnings also apart.

    Cancels itself after a number of progress reports, or at a percentage, when told to."""

    def __init__(self, cancel_after: int | None = None, cancel_at: float | None = None) -> None:
        super().__init__(False)
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.fractions: list[float] = []
        self._cancel_after = cancel_after
        self._cancel_at = cancel_at
        self.progressChanged.connect(self._on_progress)

    def _on_progress(self, percent: float) -> None:
        self.fractions.append(percent)
        enough = self._cancel_after is not None and len(self.fractions) >= self._cancel_after
        if enough or (self._cancel_at is not None and percent >= self._cancel_at):
            self.cancel()

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)

    def pushWarning(self, warning: str) -> None:
        self.lines.append(warning)
        self.warnings.append(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.lines.append(error)

    @property
    def log(self) -> str:
        """All messages."""
        return "\n".join(self.lines)
