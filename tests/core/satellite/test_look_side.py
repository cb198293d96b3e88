"""Which side of its flight a radar looks to, against vectors (east, north, up) worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.satellite import HEADING_TAG, LOOK_SIDE_TAG, Viewing, find_viewing, viewing_tags

# A satellite that flies due north and looks 30° off the vertical: to the right it stands in the west of what it sees,
# to the left in the east.
SINE, COSINE = 0.5, math.sqrt(3) / 2


@pytest.mark.parametrize(
    ("heading", "side", "vector"),
    [
        (0, "right", (-SINE, 0, COSINE)),
        (0, "left", (SINE, 0, COSINE)),
        (90, "right", (0, SINE, COSINE)),
        (90, "left", (0, -SINE, COSINE)),
        (180, "right", (SINE, 0, COSINE)),
        (180, "left", (-SINE, 0, COSINE)),
        (270, "left", (0, SINE, COSINE)),
        # Northwest: its left is southwest, so the satellite stands in the northeast.
        (315, "left", (SINE * math.sqrt(0.5), SINE * math.sqrt(0.5), COSINE)),
    ],
)
def test_the_vector_to_the_satellite(heading, side, vector):
    viewing = Viewing(heading, 30, side)
    assert viewing.to_satellite == pytest.approx(vector, abs=1e-12)
    assert viewing.look == pytest.approx([-component / SINE for component in vector[:2]], abs=1e-12)


@pytest.mark.parametrize(("side", "expected"), [("right", -1), ("left", 1)])
def test_the_sensitivity_of_a_slope_that_falls_to_the_east(side, expected):
    """Motion down a slope of 45° to the east is (1, 0, -1)/√2; its product with the vector to the satellite."""
    share = Viewing(0, 30, side).downslope_sensitivity(np.array([-1.0]), np.array([0.0]))
    assert share[0] == pytest.approx((expected * SINE - COSINE) / math.sqrt(2), abs=1e-6)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_mirrored_view_sees_the_mirrored_scene(side):
    viewing = Viewing(347, 38, side)
    east, north, up = viewing.to_satellite
    assert viewing.mirrored.look_side == side
    assert viewing.mirrored.to_satellite == pytest.approx((-east, north, up), abs=1e-12)


def test_shadow_lies_behind_a_wall_as_seen_from_the_satellite():
    """Flying north, a radar that looks to the right stands in the west, so the shadow lies east of a wall."""
    dem = np.zeros((1, 60), np.float32)
    dem[0, 30] = 200
    right = Viewing(0, 60, "right").hidden(dem, 20.0)[0]
    left = Viewing(0, 60, "left").hidden(dem, 20.0)[0]
    # tan 60° · 200 m of shadow are 346 m, 17 pixels of 20 m.
    assert right[31:47].all() and not right[50:].any()
    assert left[14:30].all() and not left[:10].any()
    np.testing.assert_array_equal(left, _flipped(right))


def _flipped(mask):
    """The mask of a row of 60 pixels turned round its pixel 30."""
    turned = np.zeros_like(mask)
    turned[1:] = mask[1:][::-1]
    return turned


def test_a_view_comes_back_from_its_tags():
    viewing = Viewing(340.25, 36.5, "left")
    assert find_viewing(tags=dict(viewing_tags(viewing))) == viewing


def test_rates_that_tell_no_side_are_of_a_radar_that_looks_to_the_right():
    assert find_viewing(tags={HEADING_TAG: "340"}) == Viewing(340, 38, "right")
    assert find_viewing("ascending").look_side == "right"


def test_the_side_that_is_given_wins_and_the_contradiction_is_told():
    said = []
    tags = dict(viewing_tags(Viewing(340, 36, "left")))
    viewing = find_viewing(tags=tags, progress=Progress(on_warning=said.append), look_side="right")
    assert viewing == Viewing(340, 36, "right")
    (note,) = said
    assert "looks to the left, but right was given" in note


def test_the_opposite_heading_given_for_rates_of_a_left_looking_radar_is_told():
    said = []
    tags = dict(viewing_tags(Viewing(340, 36, "left")))
    assert find_viewing(heading=160, tags=tags, progress=Progress(on_warning=said.append)) == Viewing(160, 36, "left")
    (note,) = said
    assert "looks to the left" in note and "160°" in note and "340°" in note


def test_a_tag_that_tells_no_side_is_skipped_and_told():
    said = []
    tags = {HEADING_TAG: "340", LOOK_SIDE_TAG: "down"}
    assert find_viewing(tags=tags, progress=Progress(on_warning=said.append)) == Viewing(340, 38)
    assert len(said) == 1 and "“down”" in said[0]


def test_another_side_is_refused():
    with pytest.raises(InputError, match="not to “up”"):
        Viewing(0, 30, "up")
