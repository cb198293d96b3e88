"""In another language every sentence of a tool is in it: titles, help, notes and errors, their values within."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingException

from ada_mapper.core.raster import BandDescription, Grid, write_array
from bracketed_texts import bracketed, outside
from recording_feedback import Feedback

UTM = Grid("EPSG:32648", (500_000.0, 30.0, 0.0, 3_000_000.0, 0.0, -30.0), 48, 40)


@pytest.fixture
def other_language(plugin: Any) -> Iterator[None]:
    """QGIS in a language that has a word for everything."""
    with bracketed():
        yield


def test_titles_and_help_of_every_tool_are_translated(other_language: None) -> None:
    provider = QgsApplication.processingRegistry().providerById("adamapper")
    for registered in provider.algorithms():
        tool = registered.create()
        for text in (tool.displayName(), tool.group(), tool.shortHelpString()):
            assert "⟦" in text and not outside(text), (tool.name(), text)
        for definition in tool.parameterDefinitions():
            for text in (definition.description(), definition.help()):
                assert text == "" or not outside(text), (tool.name(), definition.name(), text)
        for output in tool.outputDefinitions():
            assert not outside(output.description()), (tool.name(), output.name(), output.description())


def test_errors_are_translated_and_keep_their_values(other_language: None, run: Any, tmp_path: Path) -> None:
    with pytest.raises(QgsProcessingException) as error:
        run(
            "stackinterferograms",
            {
                "INPUT_FOLDER": str(tmp_path),
                **{name: str(tmp_path / f"{name}.tif") for name in ("PHASE_RATE", "LOS_RATE")},
            },
        )
    assert str(error.value).startswith("⟦") and str(tmp_path) in str(error.value)


def test_notes_are_translated_with_their_values(other_language: None, run: Any, tmp_path: Path) -> None:
    probability = np.zeros((UTM.height, UTM.width), np.float32)
    probability[10:30, 10:30] = 0.9
    write_array(tmp_path / "probability.tif", UTM, probability, BandDescription("probability"))
    write_array(tmp_path / "rate.tif", UTM, probability * 20, BandDescription("rate"))
    feedback = Feedback()
    answer = run(
        "extractareas",
        {"PROBABILITY": str(tmp_path / "probability.tif"), "LOS_RATE": str(tmp_path / "rate.tif"), "AREAS": "memory:"},
        feedback,
    )
    assert answer["AREA_COUNT"] == 1
    told = [line for line in feedback.lines if "mm/yr" in line]
    assert told and all(line.startswith("⟦") and "rate.tif" in line for line in told), feedback.lines
