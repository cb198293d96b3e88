"""The windows in a real QGIS application without a desktop: real widgets, an empty project, a stand-in for iface."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsProject, QgsSettings
from qgis.PyQt.QtCore import QLocale, QThreadPool

from ada_mapper.plugin import AdaMapperPlugin
from ada_mapper.ui.project import ProjectState
from ada_mapper.ui.step import StepContext
from shared_plugin import shared_plugin

_LONGEST_LEFTOVER = 60.0


@pytest.fixture(autouse=True)
def idle_threads() -> Iterator[None]:
    """No task of a test goes on after it: QGIS runs all tasks in one small pool, where the next test's would wait."""
    _wait_for_idle_threads("a task that an earlier test began, or one outside this folder, still goes on")
    yield
    _wait_for_idle_threads("a task that this test began goes on after it")


def _wait_for_idle_threads(complaint: str) -> None:
    deadline = time.monotonic() + _LONGEST_LEFTOVER
    while QThreadPool.globalInstance().activeThreadCount():
        assert time.monotonic() < deadline, complaint
        QgsApplication.processEvents()


@pytest.fixture(scope="session")
def provider(qgis_app: QgsApplication, qgis_processing: None) -> Iterator[AdaMapperPlugin]:
    """The tools of the plugin in the Processing registry."""
    yield from shared_plugin()


@pytest.fixture
def project(qgis_app: QgsApplication, qgis_new_project: None) -> Iterator[QgsProject]:
    """An empty project; empty again afterwards."""
    QgsSettings().remove("ada_mapper")
    yield QgsProject.instance()
    QgsProject.instance().clear()
    QgsSettings().remove("ada_mapper")


@pytest.fixture
def state(project: QgsProject) -> Iterator[ProjectState]:
    """The state of the empty project."""
    instance = ProjectState()
    yield instance
    instance.close()


@pytest.fixture
def runner(provider: AdaMapperPlugin, state: ProjectState, qgis_iface: Any) -> Iterator[Any]:
    """Runs tools in the background; nothing runs any more afterwards."""
    from ada_mapper.ui.runs import Runner

    instance = Runner(state, qgis_iface)
    yield instance
    instance.close()


@pytest.fixture
def context(state: ProjectState, runner: Any, qgis_iface: Any) -> StepContext:
    """What a step is given."""
    return StepContext(state, runner, qgis_iface)


@pytest.fixture
def wait_until(qgis_app: QgsApplication) -> Callable[..., None]:
    """wait_until(condition, seconds=20): let the application go on until the condition holds; else fail."""

    def wait(condition: Callable[[], Any], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "what was waited for did not happen"
            QgsApplication.processEvents()

    return wait


@pytest.fixture(params=["de", "zh_CN"])
def other_locale(request: pytest.FixtureRequest) -> Iterator[QLocale]:
    """A decimal comma, then Chinese, as QGIS in these languages has them."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield QLocale()
    QLocale.setDefault(before)
