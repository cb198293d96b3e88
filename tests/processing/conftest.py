"""The plugin in a real QGIS application without a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject

from ada_mapper.plugin import AdaMapperPlugin


class Feedback(QgsProcessingFeedback):
    """Keeps what was said; cancels itself after a number of progress reports when told to."""

    def __init__(self, cancel_after: int | None = None) -> None:
        super().__init__(False)
        self.lines: list[str] = []
        self.fractions: list[float] = []
        self._cancel_after = cancel_after
        self.progressChanged.connect(self._on_progress)

    def _on_progress(self, percent: float) -> None:
        self.fractions.append(percent)
        if self._cancel_after is not None and len(self.fractions) >= self._cancel_after:
            self.cancel()

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)

    def pushWarning(self, warning: str) -> None:
        self.lines.append(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.lines.append(error)

    @property
    def log(self) -> str:
        """All messages."""
        return "\n".join(self.lines)


@pytest.fixture(scope="session")
def plugin(qgis_app: QgsApplication, qgis_processing: None) -> Iterator[AdaMapperPlugin]:
    """The plugin as qgis_process starts it."""
    instance = AdaMapperPlugin(None)
    instance.initProcessing()
    yield instance
    instance.unload()


@pytest.fixture
def run(plugin: AdaMapperPlugin) -> Callable[..., dict[str, Any]]:
    """processing.run with the plugin loaded."""
    import processing

    def run_algorithm(
        name: str, parameters: dict[str, Any], feedback: QgsProcessingFeedback | None = None
    ) -> dict[str, Any]:
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        algorithm = name if ":" in name else f"adamapper:{name}"
        return processing.run(algorithm, parameters, context=context, feedback=feedback or Feedback())

    return run_algorithm
