"""The plugin in a real QGIS application without a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject

from ada_mapper.plugin import AdaMapperPlugin
from recording_feedback import Feedback
from shared_plugin import shared_plugin


@pytest.fixture(scope="session")
def plugin(qgis_app: QgsApplication, qgis_processing: None) -> Iterator[AdaMapperPlugin]:
    """The plugin as qgis_process starts it."""
    yield from shared_plugin()


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
