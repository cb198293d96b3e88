"""Blocks of ground and their roles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.raster import Grid
from ada_mapper.core.samples.facts import ROLES
from ada_mapper.core.samples.split import Tiling, draw_roles
from examples import examples
from small_rasters import CRS, square_grid


@examples(60)
@given(
    pixels=st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 900), min_size=1, max_size=40),
    seed=st.integers(0, 99),
)
def test_each_role_gets_labels_where_there_are_enough_blocks(pixels, seed):
    shares = {"training": 0.6, "validation": 0.2, "test": 0.2}
    roles = draw_roles(pixels, shares, seed, {})
    assert roles.keys() == pixels.keys()
    with_labels = [role for block, role in roles.items() if pixels[block] > 0]
    assert len(set(with_labels)) == min(3, len(with_labels))
    assert draw_roles(dict(reversed(pixels.items())), shares, seed, {}) == roles
    fixed = dict.fromkeys(sorted(pixels)[:2], "test")
    assert fixed.items() <= draw_roles(pixels, shares, seed, fixed).items()


def test_shares_are_kept_with_many_blocks():
    roles = draw_roles({str(i): 10 + i % 7 for i in range(200)}, dict(zip(ROLES, (0.5, 0.3, 0.2))), 4, {})
    counts = [sum(role == name for role in roles.values()) for name in ROLES]
    assert counts == pytest.approx([100, 60, 40], abs=3)


def test_the_same_ground_has_the_same_block_in_every_scene():
    whole = Tiling.of(square_grid(400, 400), 64, 3000.0)
    x, dx, _, y, _, dy = whole.grid.transform
    part = Tiling.of(Grid(CRS, (x + 70 * dx, dx, 0.0, y + 90 * dy, 0.0, dy), 200, 200), 64, 3000.0)
    assert whole.per_block == 2
    blocks = {(place.row, place.column): place.block for place in whole}
    for place in part:
        assert blocks[place.row + 90, place.column + 70] == place.block
        assert part.block_at(place, 1, 1) == blocks.get(
            (place.row + 154, place.column + 134), part.block_at(place, 1, 1)
        )
