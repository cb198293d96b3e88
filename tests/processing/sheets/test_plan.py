"""What the sheets of a survey show, at which scale and in which zone."""

from __future__ import annotations

import math

import pytest
from qgis.core import (
    QgsRectangle,
)

from ada_mapper.processing.sheets.plan import (
    SitePlan,
    clear_of_corners,
    fitting_scale,
    grid_interval,
    plan_sheets,
)
from printed_survey import square


def test_the_scale_is_the_largest_that_fits(qgis_app):
    box = QgsRectangle(0, 0, 400, 100)
    assert fitting_scale(box, 178, 130, 0.5) == 5000  # 400 m on 89 mm need 1:4494
    assert fitting_scale(QgsRectangle(), 178, 130, 0.5) == 2500
    assert fitting_scale(QgsRectangle(), 178, 130, 0.5, 10_000) == 10_000
    assert fitting_scale(QgsRectangle(0, 0, 45_000, 1), 178, 130, 0.5) == 1_000_000


def test_a_coarse_elevation_model_asks_for_a_smaller_scale(qgis_app):
    site = SitePlan("S01", 9.3, 45.0, {}, square(9.3, 45.0, 0.0005))
    assert plan_sheets([site], 178, 130, None, False)[0].scale == 2500
    assert plan_sheets([site], 178, 130, None, False, 30.0)[0].scale == 5000
    assert plan_sheets([site], 178, 130, 12_345, False, 30.0)[0].scale == 12_345


def test_sites_near_each_other_share_a_sheet_up_to_three(qgis_app):
    near = [SitePlan(f"S{n}", 9.3 + 0.001 * n, 45.0) for n in range(5)]
    far = SitePlan("far", 10.4, 45.0)
    sheets = plan_sheets([far, *near], 178, 130, None, True)
    assert [len(sheet.sites) for sheet in sheets] == [1, 3, 2]
    assert [sheet.number for sheet in sheets] == [1, 2, 3]
    for sheet in sheets:
        for site in sheet.sites:
            assert sheet.extent.contains(site.point(sheet.crs))
    assert len(plan_sheets([far, *near], 178, 130, None, False)) == 6


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [(6.0, 45, 32632), (5.999, 45, 32631), (102.0, 31, 32648), (-70.2, -33.4, 32719), (179.99, -17, 32760)],
)
def test_each_sheet_has_the_zone_of_its_site(qgis_app, longitude, latitude, code):
    sheet = plan_sheets([SitePlan("S01", longitude, latitude)], 178, 130, None, False)[0]
    assert sheet.crs.authid() == f"EPSG:{code}"
    assert sheet.extent.contains(sheet.sites[0].point(sheet.crs))


def test_convergence_turns_the_other_way_than_true_north(qgis_app):
    sheet = plan_sheets([SitePlan("S01", 11.9, 60.0)], 178, 130, None, False)[0]
    # tan γ = tan Δλ sin φ, with Δλ from the central meridian 9° E.
    expected = math.degrees(math.atan(math.tan(math.radians(2.9)) * math.sin(math.radians(60.0))))
    assert sheet.convergence == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("length", [890, 1000, 1090, 1780, 9000])
@pytest.mark.parametrize("middle", [0.0, 45.0, 100.0, 523_756.0, 4_999_990.0])
def test_grid_lines_stay_clear_of_the_corners(length, middle):
    new = clear_of_corners(middle, length, 200, 45)
    start, end = new - length / 2, new + length / 2
    first, last = math.ceil(start / 200) * 200, math.floor(end / 200) * 200
    assert first - start >= 44.99 and end - last >= 44.99 - 0.001
    assert abs(new - middle) <= 100


def test_grid_lines_are_3_to_8_centimetres_apart():
    for scale in (2500, 5000, 10_000, 12_345, 25_000, 1_000_000):
        assert 0.03 <= grid_interval(scale) / scale <= 0.08
