"""The words on a sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qgis.core import (
    QgsGeometry,
    QgsPointXY,
)

from ada_mapper.processing.sheets import text as sheet_text


def test_the_facts_of_a_site(survey):
    sheet_set = survey.sheet_set()
    facts = dict(sheet_text.site_facts(replace_attributes(sheet_set.sheets[0], los_rate=-52.4, slope=24.6), True))
    assert facts["LOS rate (mm/yr)"] == "−52, away from satellite"
    assert facts["Slope"] == "25°"
    assert facts["Latitude (WGS 84)"] == "45°00.000′ N"
    assert facts["Easting (32N)"] == "523\u202f642 m" or facts["Easting (32N)"].endswith(" m")
    away = dict(sheet_text.site_facts(replace_attributes(sheet_set.sheets[0], los_rate=-52.4), False))
    assert away["LOS rate (mm/yr)"] == "−52, toward satellite"


def replace_attributes(sheet: Any, **attributes: Any) -> Any:
    return replace(sheet, sites=tuple(replace(site, attributes=attributes) for site in sheet.sites))


def test_the_way_to_the_nearest_road_is_told(survey):
    sheet = survey.sheet_set().sheets[0]
    point = sheet.sites[0].point(sheet.crs)
    road = QgsGeometry.fromPolylineXY([QgsPointXY(point.x() - 700, point.y() + d) for d in (-5000, 5000)])
    assert "Nearest road 700 m to the west" in sheet_text.approach(sheet, road)
    assert "not known" in sheet_text.approach(sheet, None)
    assert "1.2 km away" in sheet_text.approach(replace_attributes(sheet, road_distance=1204.0), None)
