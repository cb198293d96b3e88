"""Numbers that scripts give past the dialog: usable ones are taken, all others are refused with their name."""

from __future__ import annotations

from typing import Any

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingParameterNumber

from recording_feedback import Feedback

_NUMBERS = (
    ("lossensitivity", "HEADING", "west", "must be a number, not “west”"),
    ("lossensitivity", "HEADING", float("nan"), "must be a number, not nan"),
    ("lossensitivity", "HEADING", "nan", "must be a number, not “nan”"),
    ("lossensitivity", "HEADING", float("inf"), "must be a number, not inf"),
    ("stackinterferograms", "WAVELENGTH", 5.6, "must be from 0.02 to 1, not 5.6"),
    ("lossensitivity", "HEADING", 361, "must be from -360 to 360, not 361"),
    ("lossensitivity", "INCIDENCE", "38,5", "must be a number, not “38,5”"),
    ("simulatescene", "SIZE", 10**9, "must be from 128 to 4096, not 1000000000"),
    ("simulatescene", "SIZE", 1e308, "must be from 128 to 4096, not 1e+308"),
    ("simulatescene", "SEED", -1, "must be from 0 to 2147483647, not -1"),
    ("simulatescene", "DATES", 2.5, "must be a whole number, not 2.5"),
    ("createsamples", "PIXEL_SIZE", 0, "must be at least 1, not 0"),
    ("createsamples", "TILE_SIZE", [64], "must be a whole number, not [64]"),
    ("assessaccuracy", "REGION_SIZE", "x" * 300, f"must be a number, not “{'x' * 59}…"),
)


def answer(name: str, parameters: dict[str, Any]) -> str:
    """What the algorithm itself says, without the checks that processing.run makes before."""
    algorithm = QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}").create()
    with pytest.raises(QgsProcessingException) as caught:
        algorithm.processAlgorithm(parameters, QgsProcessingContext(), Feedback())
    return str(caught.value)


@pytest.mark.parametrize(("name", "parameter", "value", "said"), _NUMBERS)
def test_an_impossible_number_is_refused_by_its_name(plugin, name, parameter, value, said) -> None:
    text = answer(name, {parameter: value})
    assert f"({parameter}) {said}" in text and text.endswith(".")


@pytest.mark.parametrize("value", [None, "", "NULL", 38, "38.5", " 38 ", 38.0])
def test_a_usable_number_and_none_at_all_are_let_through(plugin, value) -> None:
    assert "INCIDENCE" not in answer("lossensitivity", {"INCIDENCE": value})


def test_every_number_of_every_algorithm_refuses_what_is_none(plugin) -> None:
    for algorithm in QgsApplication.processingRegistry().providerById("adamapper").algorithms():
        for definition in algorithm.parameterDefinitions():
            if isinstance(definition, QgsProcessingParameterNumber):
                for value in ("west", float("nan"), float("-inf")):
                    said = answer(algorithm.name(), {definition.name(): value})
                    assert f"({definition.name()}) must be a" in said and str(value) in said
