"""The view that tags of a rate tell, and what is seen from it."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.progress import Progress
from ada_mapper.core.satellite import HEADING_TAG, INCIDENCE_TAG, Viewing, find_viewing


@pytest.mark.parametrize("word", ["west", "nan", "inf", "1e308", "-361"])
def test_a_heading_that_can_not_be_is_told_and_not_used(word):
    said = []
    viewing = find_viewing("descending", tags={HEADING_TAG: word}, progress=Progress(on_warning=said.append))
    assert viewing is not None and viewing.heading == find_viewing("descending").heading
    (note,) = said
    assert f"{HEADING_TAG} of the rates, “{word}”, isn't a number from -360 to 360 °" in note
    assert find_viewing(tags={HEADING_TAG: word}) is None


@pytest.mark.parametrize("word", ["0.68", "390", "steep", "nan"])
def test_an_incidence_that_can_not_be_is_told_and_not_used(word):
    said = []
    tags = {HEADING_TAG: "-12.5", INCIDENCE_TAG: word}
    viewing = find_viewing(tags=tags, progress=Progress(on_warning=said.append))
    assert viewing is not None and (viewing.heading, viewing.incidence) == (347.5, 38.0)
    assert len(said) == 1 and INCIDENCE_TAG in said[0] and word in said[0]


def test_tags_that_can_be_are_used_and_nothing_is_warned_of():
    said = []
    tags = {HEADING_TAG: " 192.5 ", INCIDENCE_TAG: "41"}
    viewing = find_viewing(tags=tags, progress=Progress(on_warning=said.append))
    assert viewing is not None and (viewing.heading, viewing.incidence, said) == (192.5, 41.0, [])


@pytest.mark.parametrize(
    ("slope", "facing", "north", "south", "away"),
    [
        (10, 0.47, -0.26, -0.01, -0.74),
        (20, 0.31, -0.39, -0.15, -0.85),
        (30, 0.14, -0.50, -0.28, -0.93),
        (38, 0.00, -0.59, -0.38, -0.97),
        (45, -0.12, -0.65, -0.47, -0.99),
    ],
)
def test_the_slopes_that_the_guide_calls_poorly_seen(slope, facing, north, south, away):
    """The table of the guide. A slope that faces the satellite as steeply as its incidence angle moves across the line
    of sight: sin(38° - slope) is what is seen of it, and sin(38° + slope) of one that faces away."""
    viewing = Viewing.usual("ascending")
    steepness = np.tan(np.radians(slope))

    def seen(aspect: float) -> float:
        east, north = -np.sin(np.radians([aspect])), -np.cos(np.radians([aspect]))
        return float(viewing.downslope_sensitivity(steepness * east, steepness * north)[0])

    assert seen(348 - 90) == pytest.approx(np.sin(np.radians(38 - slope)), abs=1e-6)
    assert seen(348 + 90) == pytest.approx(-np.sin(np.radians(38 + slope)), abs=1e-6)
    assert [round(seen(aspect), 2) + 0 for aspect in (258, 0, 180, 78)] == [facing, north, south, away]
