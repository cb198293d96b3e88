"""The view that tags of a rate tell."""

from __future__ import annotations

import pytest

from ada_mapper.core.progress import Progress
from ada_mapper.core.satellite import HEADING_TAG, INCIDENCE_TAG, find_viewing


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
