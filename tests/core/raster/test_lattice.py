"""The lattice of pixels: cuts of one raster count alike, also after resampling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.raster import Grid, lattice_origin, resampled_on_lattice
from examples import examples
from tiny_models import UTM

_FRACTIONS = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 0.9])
_CUTS = st.integers(0, 5000)


def _cut(x: float, y: float, size: float, column: int, row: int, crs: str = UTM) -> Grid:
    """A cut as GDAL writes it: the corner moved by whole pixels, rounded only by floating point."""
    return Grid(crs, (x + column * size, size, 0.0, y - row * size, 0.0, -size), 400, 300)


def test_a_known_origin() -> None:
    assert lattice_origin(_cut(60.0, -90.0, 30.0, 0, 0)) == (2, 3)
    assert lattice_origin(_cut(-60.0, 90.0, 30.0, 0, 0)) == (-2, -3)


@examples(200)
@given(_FRACTIONS, _FRACTIONS, st.sampled_from([30.0, 1 / 3600, 2.77e-4, 12.5]), _CUTS, _CUTS)
def test_cuts_count_alike(across: float, down: float, size: float, column: int, row: int) -> None:
    x, y = (13333 + across) * size, (73000 + down) * size
    first, second = lattice_origin(_cut(x, y, size, 0, 0)), lattice_origin(_cut(x, y, size, column, row))
    assert second == (first[0] + column, first[1] + row)


@examples(100)
@given(_FRACTIONS, _FRACTIONS, st.sampled_from([10.0, 15.0, 20.0, 60.0, 90.0, 37.0]), _CUTS, _CUTS)
def test_resampled_cuts_have_the_same_pixels(across: float, down: float, size: float, column: int, row: int) -> None:
    x, y = 4e5 + across * size, 2.2e6 + down * size
    whole, cut = _cut(x, y, size, 0, 0), _cut(x, y, size, column, row)
    first, second = resampled_on_lattice(whole, 30.0), resampled_on_lattice(cut, 30.0)
    assert first.transform[1] == pytest.approx(30.0)
    offset = first.offset_of(second)
    assert offset is not None
    ours, theirs = lattice_origin(first), lattice_origin(second)
    assert (theirs[0] - ours[0], theirs[1] - ours[1]) == offset
    for resampled, source in ((first, whole), (second, cut)):
        x_min, y_min, x_max, y_max = resampled.bounds
        assert 0 <= source.bounds[0] - x_min + 1e-3 < 30.01 and 0 <= y_max - source.bounds[3] + 1e-3 < 30.01
        assert x_max >= source.bounds[2] - 1e-3 and y_min <= source.bounds[1] + 1e-3


def test_in_degrees_cuts_at_other_latitudes_keep_their_pixels() -> None:
    degree = 1 / 1200
    grids = [resampled_on_lattice(_cut(10.0, 46.0, degree, 0, row, "EPSG:4326"), 30.0) for row in (0, 7, 100)]
    assert {grid.transform[1] for grid in grids} == {grids[0].transform[1]}
    assert grids[0].pixel_size == pytest.approx(30, rel=0.02)
