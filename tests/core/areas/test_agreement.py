"""Whether orbits agree on an area."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr

from ada_mapper.core.areas import Area, AreaRules, OrbitLayers, extract_areas, merge_orbits
from ada_mapper.core.areas.agreement import agreement
from ada_mapper.core.detection import OrbitResult, fuse_to_file
from ada_mapper.core.raster import BandDescription, Grid, write_array

GRID = Grid("EPSG:32632", (500_000.0, 30.0, 0.0, 5_000_000.0, 0.0, -30.0), 60, 40)
BOTH, ONE, NO = "seen by both", "not visible to one", "contradicted"


def raster(path: Path, values: np.ndarray, name: str, unit: str = "1", **tags: str) -> Path:
    write_array(path, GRID, values.astype(np.float32), BandDescription(name, unit, tuple(tags.items())))
    return path


@pytest.mark.parametrize(
    ("visible", "probability", "expected"),
    [
        ((1.0, 0.8), (0.7, 0.3), BOTH),
        ((1.0, 0.8), (0.7, 0.05), NO),
        ((0.2, 0.9), (0.05, 0.8), ONE),
        ((0.0, 0.9), (None, 0.8), ONE),
        ((0.1, 0.1), (0.8, 0.8), None),
        ((0.0, 0.0), (None, None), None),
    ],
)
def test_what_two_orbits_say(visible, probability, expected) -> None:
    assert agreement(visible, probability) == expected
    assert agreement(visible[::-1], probability[::-1]) == expected


def test_areas_of_a_fused_probability_tell_of_the_orbits(tmp_path: Path) -> None:
    """Three squares: both find it; the other orbit is blind; the other orbit sees and denies."""
    first, other = np.full((2, 40, 60), 0.005)
    sensitivity = np.full((40, 60), 0.7)
    for column in (5, 25, 45):
        first[10:20, column : column + 10] = 0.97
    other[10:20, 5:15] = 0.9
    other_sensitivity = np.full((40, 60), -0.7)
    other_sensitivity[:, 25:35] = 0.02
    results = [
        OrbitResult(
            raster(tmp_path / f"p{number}.tif", probability, "probability"),
            raster(tmp_path / f"s{number}.tif", sees, "los_sensitivity"),
        )
        for number, (probability, sees) in enumerate(((first, sensitivity), (other, other_sensitivity)))
    ]
    fuse_to_file(*results, tmp_path / "fused.tif")
    rules = AreaRules(threshold=0.5, low_threshold=0.3, min_area=0)
    areas = extract_areas(tmp_path / "fused.tif", rules)
    by_place = {area.attributes["longitude"]: area.attributes["agreement"] for area in areas}
    assert [by_place[place] for place in sorted(by_place)] == [BOTH, ONE, NO]
    alone = extract_areas(tmp_path / "p0.tif", rules)
    assert [area.attributes["agreement"] for area in alone] == [None] * 3


def square(column: int, side: int = 10) -> Area:
    """Pixels of GRID from row 10 on."""
    x, y = 500_000 + 30 * column, 5_000_000 - 300
    corners = [(x, y), (x + 30 * side, y), (x + 30 * side, y - 30 * side), (x, y - 30 * side), (x, y)]
    text = ", ".join(f"{px} {py}" for px, py in corners)
    geometry = ogr.CreateGeometryFromWkt(f"MULTIPOLYGON ((({text})))")
    return Area(bytes(geometry.ExportToWkb()), {"id": column, "area_km2": 0.09})


def test_merged_areas_tell_what_the_silent_orbit_could_see(tmp_path: Path) -> None:
    """One of both; one where the descending orbit is blind, one where it has no rate; one it denies; one of its own."""
    rate, sees = np.zeros((40, 60)), np.full((40, 60), 0.6)
    sees[:, 12:22] = 0.1
    rate[:, 24:34] = np.nan
    layers = OrbitLayers(
        raster(tmp_path / "rate.tif", rate, "los_rate", "mm/yr"), raster(tmp_path / "sees.tif", sees, "los_sensitivity")
    )
    ascending = [square(column) for column in (0, 12, 24, 36)]
    descending = [square(0), square(49)]
    areas = merge_orbits(ascending, descending, GRID.crs, layers={"descending": layers})
    by_place = {area.attributes["longitude"]: area.attributes["agreement"] for area in areas}
    assert [by_place[place] for place in sorted(by_place)] == [BOTH, ONE, ONE, NO, None]
    without = merge_orbits(ascending, descending, GRID.crs)
    assert sorted(str(area.attributes["agreement"]) for area in without) == ["None"] * 4 + [BOTH]


def test_areas_outside_the_other_orbits_rasters_are_not_visible_to_it(tmp_path: Path) -> None:
    layers = OrbitLayers(
        raster(tmp_path / "rate.tif", np.zeros((40, 60)), "los_rate", "mm/yr"),
        raster(tmp_path / "sees.tif", np.full((40, 60), 0.6), "los_sensitivity"),
    )
    (area,) = merge_orbits([square(90)], [], GRID.crs, layers={"descending": layers})
    assert area.attributes["agreement"] == ONE
