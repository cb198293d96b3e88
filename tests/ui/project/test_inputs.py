"""What the project holds for the tools: limits on pairs in one place, wherever they were chosen."""

from __future__ import annotations

from datetime import date

import pytest

from ada_mapper.core.interferograms import PairLimits
from ada_mapper.ui.project import (
    MOST_DAYS,
    MOST_METRES,
    MOST_SUSPECT,
    chain_inputs,
    chosen_limits,
    keep_limit,
    limit,
    masks_components,
)


def test_an_empty_project_has_the_usual_limits(state):
    assert chosen_limits(state) == PairLimits() and not masks_components(state)
    assert limit(state, MOST_SUSPECT) == 100 and "MAX_CLOSURE" not in chain_inputs(state)


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
