"""Attributes of areas in plain words."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QLocale

from ada_mapper.ui.review.facts import area_facts


def test_attributes_in_plain_words(qgis_app: Any, other_locale: QLocale) -> None:
    """Units are there, and numbers are written as people here do."""
    area = {"area_km2": 1.234, "los_rate_mean": -12.34, "los_rate_extreme": -45.67, "aspect": 314.0, "latitude": -3.5,
            "longitude": -70.25, "orbit": "ascending", "slope_mean": 24.4, "probability_mean": None}  # fmt: skip
    found = dict(area_facts(area))
    point = other_locale.decimalPoint()
    assert found["Size"] == f"1{point}23 km²"
    assert found["LOS rate"] == f"−12{point}3 mm/yr on average, extreme −45{point}7 mm/yr"
    assert found["Slope"] == "24° on average, falls to the north-west"
    assert found["Place"] == f"3{point}50000° S, 70{point}25000° W"
    assert "Probability" not in found
    assert "Fast motion" not in found and "Chance to be right" not in found
    sure = {"probability_mean": 0.55, "probability_max": 0.9, "area_probability": 0.873, "fast_motion": "too fast"}
    told = dict(area_facts({**area, **sure}))
    assert told["Chance to be right"] == "87 %" and told["Fast motion"] == "too fast"
    same = dict(area_facts({**area, **sure, "area_probability": 0.55}))
    assert "Chance to be right" not in same and same["Probability"].startswith(f"0{point}55 on average")
    orbits = {"los_rate_mean_ascending": 5.0, "area_probability_ascending": 0.1, "fast_motion_ascending": "too fast"}
    assert dict(area_facts(orbits))["Fast motion, ascending"] == "too fast"
    both = dict(area_facts({"area_km2": 0.02, "seen_from": "both", "los_rate_mean_ascending": 5.0,
                       "los_rate_mean_descending": -6.0, "elevation_min_ascending": 500.0,
                       "elevation_max_ascending": 700.0}))  # fmt: skip
    assert both["Orbit"] == "seen from both orbits"
    assert both["Elevation"] == "500 to 700 m"
    assert {"LOS rate, ascending", "LOS rate, descending"} <= both.keys()
