"""Polygons to pixels: whose centre is covered, whose merely touched, and the number of the last polygon."""

from __future__ import annotations

import numpy as np
from osgeo import ogr

from ada_mapper.core.raster import Grid, Window
from ada_mapper.core.vectors import Burner, Outlines, burn

GRID = Grid("EPSG:32632", (0.0, 1.0, 0.0, 10.0, 0.0, -1.0), 12, 10)


def box(left: float, right: float, bottom: float, top: float) -> ogr.Geometry:
    corners = f"{left} {bottom},{right} {bottom},{right} {top},{left} {top},{left} {bottom}"
    return ogr.CreateGeometryFromWkt(f"POLYGON(({corners}))")


def rows_and_columns(mask: np.ndarray) -> tuple[list[int], list[int]]:
    return [np.flatnonzero(mask.any(axis=axis)).tolist() for axis in (1, 0)]


def test_centres_count_and_touching_on_demand() -> None:
    area = [box(2.4, 5.6, 3.6, 6.4)]
    assert rows_and_columns(burn(area, GRID)) == [[4, 5], [2, 3, 4, 5]]
    assert rows_and_columns(burn(area, GRID, all_touched=True)) == [[3, 4, 5, 6], [2, 3, 4, 5]]


def test_any_window_is_a_part_of_the_whole_also_beyond_the_grid() -> None:
    areas = [box(1, 4, 1, 4), box(3, 9, 2, 8), box(-5, 2, 6, 20)]
    burner = Burner(areas, GRID, (7, 3, 300_000))
    whole = burner.numbers(Window(-4, -4, 20, 20))
    assert whole.dtype == np.int32 and set(np.unique(whole)) == {0, 3, 7, 300_000}
    assert whole[4 + 6, 4 + 3] == 3, "the later one wins"
    for window in (Window(0, 0, 12, 10), Window(2, 3, 5, 4), Window(8, 8, 4, 4)):
        part = whole[window.row + 4 :, window.column + 4 :][: window.height, : window.width]
        np.testing.assert_array_equal(burner.numbers(window), part)
        np.testing.assert_array_equal(burner.mask(window), part > 0)


def test_outlines_come_from_any_crs_and_none_burn_nothing() -> None:
    area = box(2, 6, 3, 7)
    outlines = Outlines((bytes(area.ExportToWkb()),), GRID.crs)
    np.testing.assert_array_equal(Burner(outlines, GRID).mask(Window(0, 0, 12, 10)), burn([area], GRID))
    assert not Burner(None, GRID).mask(Window(0, 0, 12, 10)).any()
    assert not Burner([], GRID).numbers(Window(0, 0, 12, 10)).any()
