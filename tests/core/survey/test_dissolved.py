"""A layer that was dissolved has as many areas as before."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr
from scipy import ndimage

from ada_mapper.core.areas import Area
from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import QUIET
from ada_mapper.core.raster import Grid
from ada_mapper.core.survey import SamplingRules, sample_sites
from ada_mapper.core.survey.dissolved import undissolved
from ada_mapper.core.vectors import polygonize, round_corners
from small_rasters import write
from survey_areas import UTM, areas


def merged(some, **attributes):
    """Areas as one feature."""
    union = ogr.Geometry(ogr.wkbMultiPolygon)
    for area in some:
        geometry = ogr.CreateGeometryFromWkb(area.geometry)
        for index in range(geometry.GetGeometryCount()):
            union.AddGeometry(geometry.GetGeometryRef(index))
    return Area(bytes(union.ExportToWkb()), attributes)


def places(sample):
    return sorted((round(site.x, 6), round(site.y, 6)) for site in sample.sites)


@pytest.mark.parametrize("features", [1, 3])
def test_as_many_sites_as_before(features):
    before = areas(12, los_rate_extreme=[-30.0])
    dissolved = [merged(before[start::features], id=start + 1, los_rate_extreme=-30.0) for start in range(features)]
    sample = sample_sites(dissolved, UTM, SamplingRules(56), UTM)
    assert sample.population == 12 and places(sample) == places(sample_sites(before, UTM, SamplingRules(56), UTM))
    assert len(sample.warnings) == 1 and "12 areas" in sample.warnings[0] and "dissolved" in sample.warnings[0]
    own = sample.sites[0].attributes
    assert own["los_rate"] is None and own["area_km2"] == pytest.approx(0.01, rel=0.01) and own["area_id"] is None
    assert len({site.attributes["uid"] for site in sample.sites}) == 12


def test_what_it_was_dissolved_by_is_kept():
    before = areas(8)
    dissolved = [merged(before[:5], orbit="ascending"), merged(before[5:], orbit="descending")]
    sample = sample_sites(dissolved, UTM, SamplingRules(8, stratify="orbit"), UTM)
    sizes = {site.attributes["stratum"]: site.attributes["stratum_size"] for site in sample.sites}
    assert sizes == {"ascending": 5, "descending": 3}


def test_decisions_that_are_mixed_up_are_refused():
    with pytest.raises(InputError, match="before it was dissolved"):
        undissolved([merged(areas(8), review="accepted")], UTM)
    kept, _ = undissolved([merged(areas(8)[:5], review="accepted"), merged(areas(8)[5:], review="rejected")], UTM)
    assert [area.attributes["review"] for area in kept] == ["accepted"] * 5 + ["rejected"] * 3


def test_one_area_of_two_parts_among_many_keeps_what_is_known_of_it():
    some = [*areas(6)[:4], merged(areas(6)[4:], id=5, los_rate_extreme=-9.0)]
    found, warnings = undissolved(some, UTM)
    assert len(found) == 6 and [area.attributes.get("los_rate_extreme") for area in found[4:]] == [-9.0, -9.0]
    assert "2 parts" in warnings[0]


def test_an_area_that_was_measured_as_one_stays_one():
    some = [*areas(6)[:4], merged(areas(6)[4:], id=5, area_km2=0.02)]
    found, warnings = undissolved(some, UTM)
    assert found == some and "counts as one area" in warnings[0]


@pytest.mark.parametrize("is_rounded", [False, True])
@pytest.mark.parametrize("pixel", [(30.0, 30.0), (10.0, 30.0)])
@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_areas_of_pixels_that_meet_at_corners_stay_whole_and_others_part(tmp_path, is_rounded, pixel, turn):
    """On random ground: the areas are the components of pixels that meet at sides or corners."""
    mask = np.random.default_rng(5).random((60, 60)) > 0.72
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    grid = Grid(UTM, (500_000.0, pixel[0], 0.0, 3_500_000.0, 0.0, -pixel[1]), 60, 60)
    shapes = polygonize(write(tmp_path / "labels.tif", labels, "labels", "1", grid), count, QUIET)
    if is_rounded:
        shapes = [round_corners(shape, grid) for shape in shapes]
    some = [Area(turned(shape, turn), {"id": number}) for number, shape in enumerate(shapes, 1)]
    assert count > 40 and any(shape.GetGeometryCount() > 1 for shape in shapes)
    assert undissolved(some, UTM) == (some, ())
    assert len(undissolved([merged(some)], UTM)[0]) == count


def turned(shape, degrees):
    """The shape turned about a point, as another CRS would."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    result = ogr.Geometry(ogr.wkbMultiPolygon)
    for index in range(shape.GetGeometryCount()):
        polygon = ogr.Geometry(ogr.wkbPolygon)
        part = shape.GetGeometryRef(index)
        for number in range(part.GetGeometryCount()):
            points = np.array(part.GetGeometryRef(number).GetPoints())[:, :2] - (500_000, 3_500_000)
            new = ogr.Geometry(ogr.wkbLinearRing)
            for x, y in points:
                new.AddPoint_2D(500_000 + cos * x - sin * y, 3_500_000 + sin * x + cos * y)
            polygon.AddGeometry(new)
        result.AddGeometry(polygon)
    return bytes(result.ExportToWkb())
