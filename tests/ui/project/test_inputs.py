"""What the project holds for the tools: limits on pairs in one place, wherever they were chosen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ada_mapper.core.channels import MINMAX_CHANNELS, ChannelKind
from ada_mapper.core.interferograms import PairLimits
from ada_mapper.core.models import read_card
from ada_mapper.processing.algorithm import BUNDLED_MODEL
from ada_mapper.ui.detect.detect_plan import folder_parameters
from ada_mapper.ui.project import (
    MOST_DAYS,
    MOST_METRES,
    MOST_SUSPECT,
    chain_inputs,
    chosen_limits,
    keep_limit,
    limit,
    masks_components,
    rasters_for_model,
)
from tiny_models import card_of, write_model


def test_an_empty_project_has_the_usual_limits(state):
    assert chosen_limits(state) == PairLimits() and not masks_components(state)
    assert limit(state, MOST_SUSPECT) == 100 and "MAX_CLOSURE" not in chain_inputs(state)


def test_stacking_makes_the_evidence_that_the_chosen_model_sees(state, tmp_path):
    assert rasters_for_model(state) == tuple(
        kind.name for kind in read_card(BUNDLED_MODEL).layers if kind.is_evidence
    ), "the model that the plugin ships"
    kinds = (ChannelKind.CLOSURE, ChannelKind.LOS_RATE, ChannelKind.STANDARD_ERROR, ChannelKind.LOS_SENSITIVITY)
    card = card_of(*(MINMAX_CHANNELS[kind] for kind in kinds))
    state.set("model", str(write_model(tmp_path / "evidence.onnx", card)))
    assert rasters_for_model(state) == ("STANDARD_ERROR", "CLOSURE")
    results = {
        name: Path(value).name for name, value in folder_parameters(state, tmp_path).items() if ".tif" in str(value)
    }
    assert results["STANDARD_ERROR"] == "standard_error.tif" and results["CLOSURE"] == "closure.tif"
    assert "COHERENCE" not in results and "COUNT" not in results
    state.set("model", str(tmp_path / "gone.onnx"))
    assert rasters_for_model(state) == ()


def test_limits_of_both_places_come_together(state):
    state.set("stacking", {"START_DATE": "2022-03-05", "MIN_COHERENCE": 0.25, "MASK_COMPONENTS": True})
    keep_limit(state, MOST_DAYS, 60.0)
    keep_limit(state, MOST_METRES, 90.0)
    keep_limit(state, MOST_SUSPECT, 5.0)
    assert chosen_limits(state) == PairLimits(60.0, 90.0, date(2022, 3, 5), None, 0.25, max_closure=0.05)
    assert masks_components(state)
    inputs = chain_inputs(state)
    assert (inputs["MAX_CLOSURE"], inputs["MAX_TEMPORAL_BASELINE"], inputs["MASK_COMPONENTS"]) == (5.0, 60.0, True)


@pytest.mark.parametrize("value", [100.0, 250.0])
def test_all_pixels_is_no_limit_and_leaves_the_other_choices(state, value):
    state.set("stacking", {"MIN_PAIRS": 2, "MAX_CLOSURE": 7})
    assert limit(state, MOST_SUSPECT) == 7
    keep_limit(state, MOST_SUSPECT, value)
    assert state.get("stacking", {}) == {"MIN_PAIRS": 2} and chosen_limits(state).max_closure is None
