"""The plugin, and a world of good inputs that is made once for all tests of a process."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProject

from ada_mapper.plugin import AdaMapperPlugin
from good_world import World, make_inputs
from recording_feedback import Feedback
from shared_plugin import shared_plugin


@pytest.fixture(scope="session")
def plugin(qgis_app: QgsApplication, qgis_processing: None) -> Iterator[AdaMapperPlugin]:
    """The plugin as qgis_process starts it."""
    yield from shared_plugin()


@pytest.fixture(scope="session")
def inputs(plugin: AdaMapperPlugin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the good inputs."""
    import processing

    def run(name: str, parameters: dict[str, Any]) -> Any:
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        return processing.run(f"adamapper:{name}", parameters, context=context, feedback=Feedback())

    folder = tmp_path_factory.mktemp("campaign") / "world"
    folder.mkdir()
    make_inputs(folder, run)
    shutil.copytree(folder, folder.with_name("pristine"))
    return folder


@pytest.fixture
def world(inputs: Path, tmp_path: Path) -> Iterator[World]:
    """The good inputs, as they were for the next test whatever this one does, and an empty folder for results."""
    results = tmp_path / "results"
    results.mkdir()
    world = World(inputs, results)
    before = world.state()
    yield world
    if world.state() != before:
        shutil.rmtree(inputs)
        shutil.copytree(inputs.with_name("pristine"), inputs)


@pytest.fixture(autouse=True)
def is_answered_at_all() -> Iterator[None]:
    """A tool that hangs fails its test instead of holding up all others."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError("No answer in a minute.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(int(os.environ.get("PATIENCE", "60")))
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
