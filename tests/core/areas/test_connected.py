"""Connected pixels and groups against SciPy, which the plugin does without, and against pictures drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.areas.connected import connected_groups, labelled


def test_corners_connect_and_numbers_follow_the_first_pixel():
    mask = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]], bool)
    expected = [[0, 1, 0, 2], [1, 0, 0, 2], [0, 0, 0, 0], [3, 0, 3, 0], [3, 3, 3, 0]]
    labels, count = labelled(mask)
    assert labels.tolist() == expected and count == 3


def test_the_end_of_a_row_does_not_touch_the_start_of_the_next():
    labels, count = labelled(np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1]], bool))
    assert labels.tolist() == [[0, 0, 1], [2, 0, 0], [0, 0, 3]] and count == 3


def test_a_spiral_is_one():
    size = 41
    mask = np.zeros((size, size), bool)
    row, column, down, right = 0, 0, 0, 1
    mask[0, 0] = True
    lengths = [size - 1, *(length for length in range(size - 1, 0, -2) for _ in range(2))]
    for length in lengths:
        for _ in range(length):
            row, column = row + down, column + right
            mask[row, column] = True
        down, right = right, -down
    labels, count = labelled(mask)
    assert count == 1 and np.array_equal(labels > 0, mask)


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0), (1, 1), (1, 7), (7, 1)])
@pytest.mark.parametrize("value", [False, True])
def test_masks_without_any_or_full(shape, value):
    labels, count = labelled(np.full(shape, value))
    assert labels.shape == shape and labels.dtype == np.int32
    assert count == (value and labels.size > 0) and np.array_equal(labels, np.full(shape, count))


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_pixels_are_those_of_scipy(seed, height, width, share):
    label = pytest.importorskip("scipy.ndimage").label
    mask = np.random.default_rng(seed).random((height, width)) < share
    labels, count = labelled(mask)
    expected, expected_count = label(mask, structure=np.ones((3, 3)))
    assert count == expected_count and np.array_equal(labels, expected)


@given(st.integers(0, 2**32), st.integers(1, 80), st.integers(0, 100))
def test_groups_are_those_of_scipy(seed, count, links):
    sparse = pytest.importorskip("scipy.sparse")
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    first, second = np.random.default_rng(seed).integers(0, count, (2, links))
    graph = sparse.coo_matrix((np.ones(links, bool), (first, second)), shape=(count, count))
    expected = csgraph.connected_components(graph, directed=False)[1]
    assert np.array_equal(connected_groups(first, second, count), expected)
