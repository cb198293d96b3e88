"""Dates in names."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.interferograms.readers import parse_date
from ada_mapper.core.interferograms.readers.dates import date_in, day_of_year, pair_in, pair_of_days

FIRST, SECOND = date(2018, 1, 6), date(2018, 1, 30)


@pytest.mark.parametrize(
    "name",
    [
        "20180106_20180130.unw.tif",
        "cropA_20180106-20180130_VV_8rlks_eqa_unw.tif",
        "S1AA_20180106T135156_20180130T135157_VVP012_INT80_G_ueF_F8BF_unw_phase.tif",
        "S1_213524_IW1_20180106_20180130_VV_INT80_8E81_unw_phase.tif",
        "Unw_Phase_ifg_06Jan2018_30Jan2018_VV.img",
        "unw_phase_ifg_06jan2018_30JAN2018.img",
        "geo_180106-180130.unw",
        "180106_180130",
    ],
)
def test_pairs_are_found_in_names(name):
    assert pair_in(name) == (FIRST, SECOND)


@pytest.mark.parametrize(
    "name", ["dem.tif", "20180106_unw.tif", "123456_654321", "201801061_201801301", "33Jan2018_06Jan2018"]
)
def test_names_without_two_dates(name):
    assert pair_in(name) is None


def test_the_order_of_the_name_is_kept():
    assert pair_in("S1-GUNW-D-R-071-tops-20180130_20180106-135156-v2_0_4.nc") == (SECOND, FIRST)


@pytest.mark.parametrize(("text", "year"), [("920101", 1992), ("690101", 1969), ("680101", 2068), ("060101", 2006)])
def test_years_of_two_digits(text, year):
    assert parse_date(text) == date(year, 1, 1)


@pytest.mark.parametrize("text", ["2018-02-30", "20181301", "2018/01/06", "06.01.2018", "", "06Mai2018"])
def test_what_is_not_a_date(text):
    assert parse_date(text) is None


def test_days_of_the_year_count_from_zero():
    assert day_of_year("2015000") == date(2015, 1, 1)
    assert day_of_year("2016059.25") == date(2016, 2, 29)
    assert pair_of_days("2015059_2015083") == (date(2015, 3, 1), date(2015, 3, 25))
    assert pair_of_days("20150301_20150325") is None
    assert pair_of_days("0000059_0000083") is None


@given(st.dates(date(1970, 1, 1), date(2068, 12, 31)))
def test_every_date_is_read_as_it_was_written(day):
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day:%Y%m%d}") == day
    assert parse_date(f"{day:%y%m%d}") == day
    assert date_in(f"r{day:%Y%m%d}_VV_slc.par") == day
    assert day_of_year(f"{day.year}{day.timetuple().tm_yday - 1:03d}") == day
