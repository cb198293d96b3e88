"""Areas of two orbits made one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import ogr, osr

from ada_mapper.core.areas import FIELDS, MERGED_FIELDS, Area, merge_orbits
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.vectors import boxes_that_meet
from examples import examples

UTM = "EPSG:32648"


def square(x: float, y: float, side: float = 100, number: int = 1, **attributes: Any) -> Area:
    """A square whose lower left corner lies (x, y) metres from an origin in UTM."""
    x, y = 500_000 + x, 3_000_000 + y
    corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
    text = ", ".join(f"{px} {py}" for px, py in corners)
    geometry = ogr.CreateGeometryFromWkt(f"MULTIPOLYGON ((({text})))")
    return Area(bytes(geometry.ExportToWkb()), {"id": number, "area_km2": side * side / 1e6, **attributes})


def geometry(area: Area) -> ogr.Geometry:
    return ogr.CreateGeometryFromWkb(area.geometry)


def test_overlapping_areas_become_one_seen_from_both() -> None:
    ascending = [square(0, 0, number=7, probability_mean=0.8, los_rate_extreme=-40.0)]
    descending = [square(50, 50, number=3, probability_mean=0.6, los_rate_extreme=25.0)]
    (area,) = merge_orbits(ascending, descending, UTM)
    found = area.attributes
    assert list(found) == [field.name for field in MERGED_FIELDS]
    assert (found["id"], found["seen_from"]) == (1, "both")
    assert geometry(area).GetArea() == pytest.approx(17_500)
    assert found["area_km2"] == pytest.approx(0.0175, rel=1e-3)
    assert (found["ids_ascending"], found["ids_descending"]) == ("7", "3")
    assert (found["probability_mean_ascending"], found["probability_mean_descending"]) == (0.8, 0.6)
    assert (found["los_rate_extreme_ascending"], found["los_rate_extreme_descending"]) == (-40, 25)
    assert found["area_km2_ascending"] == 0.01
    assert found["slope_mean_ascending"] is None


def test_of_several_areas_of_an_orbit_the_surest_and_any_fast_one_is_told() -> None:
    fast = "faster than these pairs can measure"
    small = square(0, 0, side=50, number=2, area_probability=0.9, fast_motion=fast)
    large = square(60, 0, number=1, area_probability=0.4, fast_motion=None)
    (area,) = merge_orbits([large, small], [square(0, 0, side=200, area_probability=0.2)], UTM)
    found = area.attributes
    assert (found["area_probability_ascending"], found["area_probability_descending"]) == (0.9, 0.2)
    assert (found["fast_motion_ascending"], found["fast_motion_descending"]) == (fast, None)


def test_a_layer_of_the_other_orbit_is_told() -> None:
    said: list[str] = []
    listening = Progress(on_warning=said.append)
    right, unknown = square(0, 0, orbit="ascending"), square(300, 0, number=2, orbit="unknown")
    wrong = square(0, 0, orbit="Ascending")
    merge_orbits([right, unknown], [square(0, 0, orbit="descending")], UTM, progress=listening)
    assert said == []
    merge_orbits([right, unknown], [wrong, unknown], UTM, progress=listening, names=("east", "west"))
    (sentence,) = said
    assert "1 of 2 areas in west, which was given as that of the descending orbit" in sentence
    assert "of the ascending one" in sentence


def test_areas_apart_stay_apart_with_the_largest_first() -> None:
    areas = merge_orbits([square(0, 0)], [square(500, 0, side=200)], UTM)
    assert [area.attributes["seen_from"] for area in areas] == ["descending", "ascending"]
    assert [area.attributes["id"] for area in areas] == [1, 2]
    assert areas[1].attributes["ids_descending"] is None
    assert areas[1].attributes["area_km2_descending"] is None


def test_a_common_corner_is_not_enough_but_a_common_edge_is() -> None:
    assert len(merge_orbits([square(0, 0)], [square(100, 100)], UTM)) == 2
    (area,) = merge_orbits([square(0, 0)], [square(100, 0)], UTM)
    assert area.attributes["seen_from"] == "both"
    assert geometry(area).GetArea() == 20_000


def test_a_chain_of_areas_is_one_group_with_combined_attributes() -> None:
    ascending = [
        square(
            0,
            0,
            number=1,
            probability_mean=0.9,
            los_rate_extreme=10.0,
            slope_min=12.0,
            elevation_max=900.0,
            elevation_min=700.0,
            elevation_range=200.0,
            aspect=350.0,
        ),
        square(
            170,
            0,
            side=200,
            number=2,
            probability_mean=0.5,
            los_rate_extreme=-30.0,
            slope_min=8.0,
            elevation_max=800.0,
            elevation_min=600.0,
            elevation_range=200.0,
            aspect=10.0,
        ),
    ]
    descending = [square(80, 20, number=5)]
    (area,) = merge_orbits(ascending, descending, UTM)
    found = area.attributes
    assert found["seen_from"] == "both"
    assert found["ids_ascending"] == "1, 2"
    assert found["area_km2_ascending"] == pytest.approx(0.05)
    assert found["probability_mean_ascending"] == pytest.approx((0.9 * 0.01 + 0.5 * 0.04) / 0.05)
    assert found["los_rate_extreme_ascending"] == -30
    assert (found["slope_min_ascending"], found["elevation_max_ascending"]) == (8, 900)
    assert found["elevation_range_ascending"] == 300
    assert found["aspect_ascending"] == 10


def test_a_descending_layer_of_another_crs_is_transformed() -> None:
    outline = geometry(square(20, 20))
    references = []
    for code in (32648, 4326):
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(code)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        references.append(reference)
    outline.Transform(osr.CoordinateTransformation(*references))
    (area,) = merge_orbits([square(0, 0)], [Area(bytes(outline.ExportToWkb()), {})], UTM, "EPSG:4326")
    assert geometry(area).GetArea() == pytest.approx(2 * 10_000 - 80 * 80, rel=1e-6)
    assert (area.attributes["longitude"], area.attributes["latitude"]) == pytest.approx((105.0, 27.12), abs=0.01)


def test_one_orbit_without_areas() -> None:
    assert merge_orbits([], [], UTM) == ()
    (area,) = merge_orbits([], [square(0, 0)], UTM)
    assert area.attributes["seen_from"] == "descending"


@examples(40)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 4), st.booleans()), max_size=14))
def test_merged_areas_cover_the_same_ground_once(squares: list[tuple[int, int, int, bool]]) -> None:
    areas = [square(100 * x, 100 * y, 100 * side) for x, y, side, _ in squares]
    ascending = [area for area, chosen in zip(areas, squares) if chosen[3]]
    descending = [area for area, chosen in zip(areas, squares) if not chosen[3]]
    merged = merge_orbits(ascending, descending, UTM)
    ground = np.zeros((16, 16), bool)
    for x, y, side, _ in squares:
        ground[y : y + side, x : x + side] = True
    assert sum(geometry(area).GetArea() for area in merged) == pytest.approx(ground.sum() * 10_000)
    assert all(geometry(area).IsValid() for area in merged)
    # Squares on a grid that share pixels or edges are exactly the 4-connected groups of their pixels.
    from scipy.ndimage import label

    assert len(merged) == label(ground)[1]


BOXES = st.lists(st.tuples(*[st.floats(0, 10, width=16)] * 4), max_size=12).map(
    lambda boxes: np.array([(a, a + b, c, c + d) for a, b, c, d in boxes]).reshape(-1, 4)
)


@given(BOXES, BOXES)
def test_boxes_that_meet_are_all_found(boxes: np.ndarray, others: np.ndarray) -> None:
    def meet(a: np.ndarray, b: np.ndarray) -> bool:
        return bool(a[0] <= b[1] and b[0] <= a[1] and a[2] <= b[3] and b[2] <= a[3])

    between = {(i, j) for i, a in enumerate(boxes) for j, b in enumerate(others) if meet(a, b)}
    assert set(zip(*(part.tolist() for part in boxes_that_meet(boxes, others)))) == between
    among = {(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes) if i < j and meet(a, b)}
    pairs = list(zip(*(part.tolist() for part in boxes_that_meet(boxes))))
    assert set(pairs) == among
    assert len(pairs) == len(among)


def test_areas_without_crs() -> None:
    with pytest.raises(InputError, match="no coordinate reference system"):
        merge_orbits([square(0, 0)], [], "")


def test_areas_that_are_no_polygons() -> None:
    line = ogr.CreateGeometryFromWkt("LINESTRING (0 0, 1 1)")
    with pytest.raises(InputError, match="no polygon"):
        merge_orbits([Area(bytes(line.ExportToWkb()), {})], [], UTM)


def test_cancelling() -> None:
    with pytest.raises(CancelledError):
        merge_orbits([square(0, 0)], [square(50, 50)], UTM, progress=Progress(is_cancelled=lambda: True))


def test_every_attribute_of_an_area_is_kept_for_each_orbit() -> None:
    names = {field.name for field in MERGED_FIELDS}
    for field in FIELDS:
        if field.name not in ("id", "orbit", "agreement", "longitude", "latitude"):
            assert {f"{field.name}_ascending", f"{field.name}_descending"} <= names
