"""Drawing of sites: known numbers, reproducible draws, coordinates and distances."""

from __future__ import annotations

import pytest
from osgeo import ogr

from ada_mapper.core.areas import Area
from ada_mapper.core.errors import InputError
from ada_mapper.core.survey import (
    SITE_FIELDS,
    District,
    Roads,
    SamplingRules,
    Site,
    completed_sites,
    degrees_minutes,
    look_for,
    sample_sites,
)
from ada_mapper.core.survey.sampling import allocate
from survey_areas import UTM, areas, square


def test_coordinates_in_minutes_round_over():
    assert degrees_minutes(34.20575, 104.1315) == ("34°12.345′ N", "104°07.890′ E")
    assert degrees_minutes(-0.99999999, -9.5) == ("01°00.000′ S", "009°30.000′ W")


@pytest.mark.parametrize(
    ("sizes", "total", "shares"),
    [
        ([60, 30, 10], 10, [6, 3, 1]),
        ([98, 1, 1], 10, [8, 1, 1]),
        ([5, 0, 5], 4, [2, 0, 2]),
        ([3, 2], 9, [3, 2]),
        ([1, 9, 5], 2, [0, 1, 1]),
    ],
)
def test_shares_are_proportional_with_one_at_least(sizes, total, shares):
    assert allocate(sizes, total) == shares


def test_the_draw_depends_on_the_seed_alone():
    some = areas(80)
    first = sample_sites(some, UTM, SamplingRules(56, seed=3))
    again = sample_sites(some[::-1], UTM, SamplingRules(56, seed=3))
    other = sample_sites(some, UTM, SamplingRules(56, seed=4))
    assert first.sites == again.sites
    drawn, others = ({site.attributes["area_id"] for site in sample.sites} for sample in (first, other))
    assert len(drawn) == 56 and drawn != others
    assert len({site.attributes["uid"] for site in first.sites}) == 56
    nameless = [Area(area.geometry, {}) for area in some]
    assert sample_sites(nameless, UTM).sites == sample_sites(nameless[::-1], UTM).sites
    assert tuple(first.sites[0].attributes) == tuple(field.name for field in SITE_FIELDS)


def test_every_area_is_drawn_equally_often():
    some = areas(10)
    counts = dict.fromkeys(range(1, 11), 0)
    for seed in range(300):
        for site in sample_sites(some, UTM, SamplingRules(3, seed=seed), UTM).sites:
            counts[site.attributes["area_id"]] += 1
    # 90 expected, standard deviation 8
    assert all(55 < count < 125 for count in counts.values())


def test_fewer_areas_than_asked_for_and_rejected_ones_are_told():
    sample = sample_sites(areas(6, review=["accepted", "rejected", None]), UTM)
    assert len(sample.sites) == 4 == sample.population
    text = " ".join(sample.notes)
    assert "2 areas that the review rejected" in text and "Only 4 areas" in text and "EPSG:32648" in text


def test_points_lie_inside_and_are_numbered_from_the_north():
    ring = (
        "MULTIPOLYGON (((500000 0, 500900 0, 500900 900, 500000 900, 500000 0), "
        "(500100 100, 500800 100, 500800 800, 500100 800, 500100 100)))"
    )
    geometry = ogr.CreateGeometryFromWkt(ring)
    hollow = Area(bytes(geometry.ExportToWkb()), {"id": 7})
    site = sample_sites([hollow], UTM, target_crs=UTM).sites[0]
    point = ogr.CreateGeometryFromWkt(f"POINT ({site.x} {site.y})")
    assert geometry.Contains(point)
    many = sample_sites(areas(12), UTM, SamplingRules(5), UTM).sites
    assert [site.attributes["name"] for site in many] == ["S01", "S02", "S03", "S04", "S05"]
    assert [site.y for site in many] == sorted((site.y for site in many), reverse=True)
    assert many[0].attributes["x"] == pytest.approx(500_050, abs=1e-3)
    assert many[0].attributes["longitude"] == pytest.approx(105.0005, abs=1e-4)


def test_strata_by_orbit_keep_their_sizes():
    sample = sample_sites(areas(20, orbit=["ascending"] * 4 + ["descending"]), UTM, SamplingRules(10, "orbit"))
    by_orbit = [site.attributes["orbit"] for site in sample.sites]
    assert (by_orbit.count("ascending"), by_orbit.count("descending")) == (8, 2)
    sizes = {site.attributes["stratum"]: site.attributes["stratum_size"] for site in sample.sites}
    assert sizes == {"ascending": 16, "descending": 4}
    assert any("ascending: 8 of 16" in note for note in sample.notes)


def test_classes_by_rate_take_the_larger_of_two_orbits():
    some = areas(2, los_rate_extreme_ascending=[-8.0], los_rate_extreme_descending=[3.0, 60.0])
    sample = sample_sites(some, UTM, SamplingRules(2, "rate"))
    assert {site.attributes["stratum"] for site in sample.sites} == {"5–10 mm/yr", "above 50 mm/yr"}
    assert {site.attributes["los_rate"] for site in sample.sites} == {-8.0, 60.0}


def test_districts_in_another_crs():
    north = District("北部", bytes(ogr.CreateGeometryFromWkt(
        "POLYGON ((104 31.65, 106 31.65, 106 33, 104 33, 104 31.65))").ExportToWkb()))  # fmt: skip
    sample = sample_sites(areas(10), UTM, SamplingRules(6, "district"), None, [north], "EPSG:4326")
    assert {site.attributes["stratum"] for site in sample.sites} == {"北部", "outside the districts"}
    with pytest.raises(InputError, match="district polygons"):
        sample_sites(areas(3), UTM, SamplingRules(2, "district"))


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", UTM])
def test_distances_to_roads_are_metres_on_the_ground(crs):
    from osgeo import osr

    from ada_mapper.core.raster import spatial_reference

    road = ogr.CreateGeometryFromWkt("LINESTRING (501050 3499000, 501050 3512000)")
    far = ogr.CreateGeometryFromWkt("LINESTRING (521050 3499000, 521050 3512000)")
    lines = []
    for line in (far, road):
        line.Transform(osr.CoordinateTransformation(spatial_reference(UTM), spatial_reference(crs)))
        lines.append(bytes(line.ExportToWkb()))
    sample = sample_sites(areas(5), UTM, SamplingRules(5), UTM, roads=Roads(lines, crs))
    # UTM's scale at its meridian is 0.9996, and straight lines of two projections differ by centimetres.
    assert [site.attributes["road_distance"] for site in sample.sites] == pytest.approx([1000.4] * 5, abs=0.5)


def test_areas_far_from_roads_are_left_out():
    line = ogr.CreateGeometryFromWkt("LINESTRING (500050 3500000, 500050 3502050)")
    roads = Roads([bytes(line.ExportToWkb())], UTM)
    sample = sample_sites(areas(10), UTM, SamplingRules(10, max_road_distance=1500), UTM, roads=roads)
    assert sorted(site.attributes["area_id"] for site in sample.sites) == [1, 2, 3, 4]
    assert any("6 areas farther than 1500 m" in note for note in sample.notes)
    with pytest.raises(InputError, match="Allow a larger distance"):
        sample_sites(areas(10)[5:], UTM, SamplingRules(max_road_distance=10), UTM, roads=roads)


def test_faults_are_told():
    with pytest.raises(InputError, match="coordinate reference system"):
        sample_sites(areas(3), "")
    with pytest.raises(InputError, match="no areas"):
        sample_sites([], UTM)
    with pytest.raises(InputError, match="no areas"):
        sample_sites([Area(square(0, 0), {"review": "rejected"})], UTM)
    with pytest.raises(InputError, match="none"):
        SamplingRules(0)
    with pytest.raises(InputError, match="can't hold a site at 105"):
        sample_sites(areas(3), UTM, target_crs="+proj=gnom +lat_0=-60 +lon_0=-75 +type=crs")
    with pytest.raises(InputError, match="can't be placed on Earth"):
        completed_sites([Site(9e6, 9e6, {})], "+proj=ortho +lat_0=0 +lon_0=0 +type=crs")


def test_points_that_are_numbered_by_letters_keep_them_as_names():
    points = [Site(500_000, 3_500_000 + 1000 * n, {"id": given}) for n, given in enumerate(("A1", 7, None))]
    given = [(site.attributes["id"], site.attributes["name"]) for site in completed_sites(points, UTM)]
    assert given == [(1, "A1"), (7, "S07"), (3, "S03")]


@pytest.mark.parametrize(
    ("attributes", "sign", "words"),
    [
        ({"los_rate": -35.2, "orbit": "ascending", "slope": 20}, "toward", ("away", "35 mm", "east", "scarp")),
        ({"los_rate": -35.2, "orbit": "descending", "slope": 50}, "toward", ("away", "west", "Do not stand below")),
        ({"los_rate": 120.0, "orbit": "ascending", "slope": 3}, "toward", ("toward", "west", "Fast", "level")),
        ({"los_rate": 35.2, "orbit": "both"}, "away", ("away", "down or sideways", "tilted trees")),
        ({"area_km2": 0.01}, "toward", ("walk round",)),
    ],
)
def test_advice(attributes, sign, words):
    text = look_for(attributes, sign)
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("orbit", "rate", "way"),
    [("ascending", -20, "west"), ("ascending", 20, "east"), ("descending", -20, "east"), ("descending", 20, "west")],
)
def test_a_satellite_that_looks_to_the_left_sees_the_motion_from_the_other_side(orbit, rate, way):
    """On its way north it looks west, so what moves away from it moves to the west."""
    text = look_for({"los_rate": rate, "orbit": orbit}, look_side="left")
    assert f"to the {way}" in text
    (site,) = sample_sites([Area(square(0, 0), {"los_rate_extreme": rate, "orbit": orbit})], UTM,
                           SamplingRules(1, look_side="left")).sites  # fmt: skip
    assert f"to the {way}" in site.attributes["look_for"]


def test_districts_that_lie_elsewhere_are_refused():
    far = District("北部", square(100_000, 3_000_000, 1000))
    with pytest.raises(InputError, match=r"None of the areas \(4\) lies in a district"):
        sample_sites(areas(4), UTM, SamplingRules(2, "district"), UTM, [far], UTM)
