"""All sheets of a survey together, with their overview."""

from __future__ import annotations

import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.processing.sheets.sheet_set import overview_ground
from printed_survey import Survey


def test_a_list_too_long_for_the_overview_goes_on(tmp_path, qgis_app):
    places = [(9.0 + 0.02 * (n % 10), 45.0 + 0.02 * (n // 10)) for n in range(130)]
    sheet_set = Survey(tmp_path, places).sheet_set()
    assert len(sheet_set.makers()) == len(sheet_set.names()) == 132
    assert sheet_set.names()[:3] == ["overview", "list_2", "sheet_001_S01"]
    listed = []
    for maker in sheet_set.makers()[:2]:
        with maker() as page:
            for name in ("index_1", "index_2"):
                table = page.layout.itemById(name).multiFrame()
                rows = [row[0].content() for row in table.tableContents()]
                assert rows[0] == "Site"
                listed += rows[1:]
                frame = page.layout.itemById(name)
                assert table.totalSize().height() <= frame.rect().height() + 0.01
    assert listed == [f"S{number:02d}" for number in range(1, 131)]


def test_sites_on_two_continents_have_no_common_map(tmp_path, qgis_app):
    with pytest.raises(InputError, match="too far apart"):
        overview_ground(Survey(tmp_path, [(9.3, 45.0), (102.0, 31.0)]).sheet_set().sheets, 178, 130)


def test_the_overview_shows_all_sheets_across_the_date_line(tmp_path, qgis_app):
    sheets = Survey(tmp_path, [(179.98, -17.0), (-179.97, -17.1)]).sheet_set().sheets
    crs, extent, scale = overview_ground(sheets, 178, 130)
    assert scale <= 250_000
    for sheet in sheets:
        assert extent.contains(sheet.sites[0].point(crs))
