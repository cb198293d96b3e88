"""What hangs together: pixels that touch, and things that pairs link."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Mask

ComponentLabels = NDArray[np.int32]


def labelled(mask: Mask) -> tuple[ComponentLabels, int]:
    """(the 8-connected component of each pixel, 1 to n in the order of their first pixels or 0 for none, n)."""
    height, width = mask.shape
    # A run is a row's unbroken stretch of pixels. With a gap at the end of each row no run goes on in the next one.
    padded = np.zeros((height, width + 1), np.int8)
    padded[:, :width] = mask
    edges = np.flatnonzero(np.diff(padded.ravel(), prepend=np.int8(0)))
    starts, stops = edges[::2], edges[1::2]
    group = connected_groups(*_touching_runs(starts, stops, width + 1), len(starts))
    labels = np.zeros(padded.size, np.int32)
    lengths = stops - starts
    labels[_positions(starts, lengths)] = np.repeat(group + 1, lengths)
    return labels.reshape(padded.shape)[:, :width].copy(), int(group.max(initial=-1)) + 1


def _touching_runs(
    starts: NDArray[np.intp], stops: NDArray[np.intp], stride: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of runs of one row and the next that touch, corners included; positions in the padded mask."""
    # Those below a run begin with the first one that ends at its start or later and end with the last that begins at
    # its stop or before; the gap at the end of each row keeps them in the next row.
    first = np.searchsorted(stops, starts + stride, side="left")
    last = np.searchsorted(starts, stops + stride, side="right")
    count = np.maximum(last - first, 0)
    return np.repeat(np.arange(len(starts)), count), _positions(first, count)


def _positions(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """start, start + 1, … of each stretch, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths))


def connected_groups(first: NDArray[Any], second: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The group of each of ``count`` things, of which ``first[i]`` and ``second[i]`` hang together.

    Groups are numbered from 0 in the order of their first member.
    """
    smallest = np.arange(count)
    while True:
        one, other = smallest[first], smallest[second]
        apart = one != other
        if not apart.any():
            return np.asarray(np.unique(smallest, return_inverse=True)[1])
        np.minimum.at(smallest, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        # Each then points at the smallest one that it hangs together with by now.
        while True:
            further = smallest[smallest]
            if np.array_equal(further, smallest):
                break
            smallest = further
