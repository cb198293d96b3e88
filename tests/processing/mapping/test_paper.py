"""Stacking as in the paper: one choice sets Eq. 1 and all else that the paper says, and tells what it set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingContext

from ada_mapper.core.progress import Progress
from ada_mapper.processing.mapping import STACK, StackInterferograms
from ada_mapper.processing.mapping.paper import PAPER, as_in_paper
from ada_mapper.processing.mapping.stacking_choices import AS_IN_PAPER, grouped_choices
from recording_feedback import Feedback
from stacks import FIRST, WAVELENGTH, equation_1, network_days, write_raster

# What the paper doesn't tell, or what belongs to the data.
NOT_TOLD = {
    AS_IN_PAPER, "PRODUCT", "WAVELENGTH", "HEADING", "INCIDENCE", "LOOK_SIDE", "START_DATE",
    "END_DATE", "EXCLUDED_PAIRS",
    "REFERENCE_MODE", "REFERENCE", "DEM", "ATMOSPHERE_DAYS", "ATMOSPHERE_METRES", "EXCLUDE_MASK",
    "MIN_PAIRS", "LOS_MIN_COHERENCE",
}  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> tuple[Path, list[np.ndarray], list[tuple[int, int]]]:
    """A folder of random phases, one of which is a cycle off; the phases, and the days of their dates."""
    folder = tmp_path_factory.mktemp("pairs")
    noise = np.random.default_rng(4)
    days = network_days(7, 3)
    phases = [noise.normal(0.2 * (second - first) / 12, 0.3, (20, 24)) for first, second in days]
    phases[5] += 2 * np.pi
    for (first, second), phase in zip(days, phases):
        name = f"{FIRST + timedelta(first):%Y%m%d}_{FIRST + timedelta(second):%Y%m%d}"
        write_raster(folder / f"{name}_unw.tif", phase)
        write_raster(folder / f"{name}_cc.tif", np.full(phase.shape, 0.7))
    return folder, phases, days


def told(given: dict) -> tuple[dict, list[str], list[str]]:
    """What becomes of parameters, and what is told and warned of."""
    infos: list[str] = []
    warnings: list[str] = []
    tool = StackInterferograms().create()
    progress = Progress(on_info=infos.append, on_warning=warnings.append)
    return as_in_paper(tool, given, QgsProcessingContext(), progress), infos, warnings


def test_of_every_choice_is_said_what_the_paper_has_or_that_it_does_not_tell():
    names = {choice.name() for choices in grouped_choices().values() for choice in choices}
    assert names == set(PAPER) | NOT_TOLD
    assert not set(PAPER) & NOT_TOLD


def test_defaults_become_what_the_paper_has_and_all_of_it_is_told():
    chosen, infos, warnings = told({})
    assert chosen["SIGN"] == "away" and chosen["UNIT"] == "m/yr"
    tool = StackInterferograms().create()
    for name, value in PAPER.items():
        definition = tool.parameterDefinition(name)
        assert chosen.get(name, definition.defaultValue()) == value, name
        assert (definition.description() in infos[0]) == (name in chosen)
        if value is not None:
            assert definition.checkValueIsAcceptable(value), name
    assert warnings == []
    # As the dialog gives them: all of them, each as it is by default.
    usual = {definition.name(): definition.defaultValue() for definition in tool.parameterDefinitions()}
    assert told(usual)[0] == {**usual, **chosen}


def test_what_was_chosen_against_the_paper_stays_and_is_told():
    own = {"MAX_TEMPORAL_BASELINE": 60, "COHERENCE_WEIGHTS": "true", "UNIT": "mm/yr"}
    chosen, infos, warnings = told(own)
    assert (chosen["MAX_TEMPORAL_BASELINE"], chosen["COHERENCE_WEIGHTS"]) == (60, "true")
    assert chosen["UNIT"] == "m/yr", "a default can't be told from what was not touched"
    assert warnings == [
        "Largest temporal baseline (days) stays 60, as you chose; in the paper it is 40.",
        "Weight pairs by coherence stays yes, as you chose; in the paper it is no.",
    ]
    assert "60" not in infos[0] and "Unit of the LOS rate: m/yr" in infos[0]


def test_the_help_names_everything_that_is_set():
    tool = StackInterferograms().create()
    text = tool.parameterDefinition(AS_IN_PAPER).help()
    for name in PAPER:
        assert f"{tool.parameterDefinition(name).description()}: " in text
    assert "Unit of the LOS rate: m/yr" in text and "Largest temporal baseline (days): 40" in text


def test_the_rates_are_equations_1_and_2(run, pairs, tmp_path):
    """Eq. 1 of every pair, the one that is a cycle off too; Eq. 2 without a minus sign, in metres."""
    folder, phases, days = pairs
    files = {name: str(tmp_path / f"{name.lower()}.tif") for name in ("PHASE_RATE", "LOS_RATE")}
    report, feedback = tmp_path / "report.html", Feedback()
    own = {"REFERENCE_MODE": "none", "ATMOSPHERE_FILTER": False}
    given = {"INPUT_FOLDER": str(folder), "AS_IN_PAPER": True, "REPORT": str(report), **own, **files}
    result = run("stackinterferograms", given, feedback)
    assert result["PAIRS_USED"] == len(phases)
    expected = equation_1([phase.astype(np.float32) for phase in phases], days)
    phase_rate, los_rate = (gdal.Open(files[name]) for name in ("PHASE_RATE", "LOS_RATE"))
    np.testing.assert_allclose(phase_rate.ReadAsArray(), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(los_rate.ReadAsArray(), WAVELENGTH * expected / (4 * np.pi), rtol=1e-4, atol=1e-6)
    assert los_rate.GetRasterBand(1).GetUnitType() == "m/yr"
    assert any(line.startswith("Stacked as in the paper, which sets ") for line in feedback.lines)
    assert any("Filter the atmosphere for the LOS rate stays no" in line for line in feedback.warnings)
    page = report.read_text(encoding="utf-8")
    assert "As in the paper (Wu et al. 2024)" in page and "m/yr" in page and "away" in page


def test_it_is_what_the_single_choices_give(run, pairs, tmp_path):
    folder, _, _ = pairs
    rates = []
    for name, given in (("paper", {"AS_IN_PAPER": True}), ("single", dict(PAPER))):
        files = {kind: str(tmp_path / f"{name}_{kind}.tif") for kind in ("PHASE_RATE", "LOS_RATE")}
        run("stackinterferograms", {"INPUT_FOLDER": str(folder), **given, **files})
        rates.append([gdal.Open(file).ReadAsArray() for file in files.values()])
    np.testing.assert_array_equal(rates[0], rates[1])


def test_the_whole_chain_passes_it_on():
    assert STACK.parameters({AS_IN_PAPER: True, "MODEL": "x"}) == {AS_IN_PAPER: True}
