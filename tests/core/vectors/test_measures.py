"""Which boxes meet."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.errors import CancelledError
from ada_mapper.core.progress import Progress
from ada_mapper.core.vectors import boxes_that_meet


@pytest.mark.parametrize("wide", [0, 1, 4])
@pytest.mark.parametrize("alone", [True, False])
def test_boxes_meet_whatever_their_widths(wide: int, alone: bool) -> None:
    random = np.random.default_rng(wide)

    def boxes(count: int) -> np.ndarray:
        x, y, width, height = (random.random(count) * size for size in (1000, 1000, 30, 30))
        made = np.stack([x, x + width, y, y + height], 1)
        made[:wide] = [(0, 1000, 400, 420), (500, 900, 0, 1000), (0, 1e6, 0, 1e6), (10, 300, 10, 20)][
            :wide
        ] or np.zeros((0, 4))
        return made

    ours = boxes(300)
    theirs = ours if alone else boxes(200)
    expected = {
        (i, j)
        for i, (left, right, bottom, top) in enumerate(ours)
        for j, (x_min, x_max, y_min, y_max) in enumerate(theirs)
        if x_min <= right and x_max >= left and y_min <= top and y_max >= bottom and (i < j or not alone)
    }
    first, second = boxes_that_meet(ours, None if alone else theirs)
    pairs = list(zip(first.tolist(), second.tolist()))
    assert len(pairs) == len(expected) and set(pairs) == expected


def test_looking_for_boxes_that_meet_can_be_stopped() -> None:
    with pytest.raises(CancelledError):
        boxes_that_meet(np.zeros((1, 4)), progress=Progress(is_cancelled=lambda: True))
