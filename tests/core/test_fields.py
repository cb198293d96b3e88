"""Values and names of fields, as files of many kinds hold them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, ogr

from ada_mapper.core.areas import FIELDS, MERGED_FIELDS
from ada_mapper.core.fields import Field, converted, found_columns
from ada_mapper.core.survey import FORM_FIELDS, SITE_FIELDS

TABLES = [[field.name for field in table] for table in (FIELDS, MERGED_FIELDS, (*SITE_FIELDS, *FORM_FIELDS))]
FLOAT, INT, BOOL, DATE, TEXT = (Field("x", kind, "", "") for kind in ("float", "int", "bool", "date", "str"))


@pytest.mark.parametrize(
    "field, written, meant",
    [
        (FLOAT, "12,5", 12.5), (FLOAT, "12.5", 12.5), (FLOAT, "−30", -30.0), (FLOAT, "-12,345678", -12.345678),
        (FLOAT, "1 234,5", 1234.5), (FLOAT, "1.234,5", 1234.5), (FLOAT, "1,234.5", 1234.5), (FLOAT, "0,125", 0.125),
        (FLOAT, "5e3", 5000.0), (FLOAT, 7, 7.0), (FLOAT, "-", None), (FLOAT, "", None), (FLOAT, float("nan"), None),
        (FLOAT, "NULL", None), (INT, "3.0", 3), (INT, 3.0, 3), (INT, "7", 7), (INT, 12, 12),
        (BOOL, True, True), (BOOL, 0, False), (BOOL, "1.0", True), (BOOL, "ja", True), (BOOL, "Não", False),
        (BOOL, "✓", True), (DATE, "2026-05-04", date(2026, 5, 4)), (DATE, "2026/5/4", date(2026, 5, 4)),
        (DATE, "04.05.2026", date(2026, 5, 4)), (DATE, "2026-05-04T10:00:00", date(2026, 5, 4)),
        (DATE, "20260504", date(2026, 5, 4)), (DATE, date(2026, 5, 4), date(2026, 5, 4)),
        (TEXT, " a ", "a"), (TEXT, 12, "12"), (TEXT, "-", "-"),
    ],
)  # fmt: skip
def test_values_become_what_their_field_holds(field, written, meant):
    value, is_understood = converted(written, field)
    assert is_understood and value == meant and type(value) is type(meant)


@pytest.mark.parametrize(
    "field, written",
    [
        (FLOAT, "west"), (FLOAT, "1,234"), (FLOAT, "inf"), (FLOAT, "1e400"), (FLOAT, "12,5 mm"), (FLOAT, "1_000"),
        (FLOAT, float("inf")), (INT, "3.7"), (INT, "LS-07"), (BOOL, "maybe"), (BOOL, 2), (DATE, "5/4/2026"),
        (DATE, "2026-13-01"),
    ],
)  # fmt: skip
def test_what_may_be_anything_is_not_understood(field, written):
    assert converted(written, field) == (None, False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back_from_its_text(number):
    assert converted(repr(number), FLOAT) == (number, True) and converted(number, FLOAT) == (number, True)


def shapefile_names(names, path):
    """What OGR makes of names in a Shapefile."""
    driver = gdal.GetDriverByName("ESRI Shapefile")
    dataset = driver.Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("areas", None, ogr.wkbPolygon)
    for name in names:
        layer.CreateField(ogr.FieldDefn(name, ogr.OFTReal))
    definition = layer.GetLayerDefn()
    found = [definition.GetFieldDefn(index).GetName() for index in range(definition.GetFieldCount())]
    layer = dataset = None
    return found


@pytest.mark.parametrize("table", TABLES, ids=["areas", "merged", "sites"])
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_names_that_a_shapefile_cut_are_found_again(table, case, tmp_path):
    present = [case(name) for name in shapefile_names(table, tmp_path / "a.shp")]
    columns = found_columns(present, *TABLES)
    assert [columns.names[name] for name in table] == present and columns.unclear == ()
    assert "Shapefile" in columns.told("areas")


@pytest.mark.parametrize("table", TABLES, ids=["areas", "merged", "sites"])
def test_whole_names_are_themselves_and_nothing_is_told(table):
    columns = found_columns(table, *TABLES)
    assert all(columns.names[name] == name for name in table)
    assert columns.told("areas") is None and columns.warned("areas") is None


def test_a_cut_name_that_fits_several_is_told_and_not_read():
    columns = found_columns(["id", "elevation_", "los_rate_e"], TABLES[0])
    assert columns.names == {"id": "id", "los_rate_extreme": "los_rate_e"} and columns.unclear == ("elevation_",)
    assert "elevation_" in columns.warned("areas") and "Shapefile" in columns.warned("areas")
