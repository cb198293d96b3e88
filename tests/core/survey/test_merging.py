"""Copies from the field come back: edits, conflicts, deleted and new sites, changed forms, photos."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from osgeo import gdal, ogr, osr

from ada_mapper.core.areas import FIELDS
from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import spatial_reference
from ada_mapper.core.survey import (
    FORM_FIELDS,
    SITE_FIELDS,
    SamplingRules,
    copy_photos,
    merge_copies,
    read_copy,
    remove_made,
    sample_sites,
    with_photos,
    write_conflicts_csv,
    write_geopackage,
    write_merge_report,
)
from ada_mapper.core.survey.copies import photo_file
from ada_mapper.core.survey.merging import ADDED, Conflict
from ada_mapper.core.survey.photos import thumbnail
from survey_areas import UTM, areas

TABLE = (*SITE_FIELDS, *FORM_FIELDS)


class Field:
    """A package that was given out, and copies of it that are edited with OGR as a surveyor would with QField."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sites = sample_sites(areas(6), UTM, SamplingRules(6), UTM).sites
        self.master = folder / "master"
        self.master.mkdir()
        write_geopackage(self.master / "survey.gpkg", self.sites, UTM, areas(6), FIELDS, UTM)

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.master, self.folder / name))

    def edit(self, copy: Path, site: str, **values: object) -> None:
        layer = self._layer(copy)
        layer.SetAttributeFilter(f"name = '{site}'")
        feature = layer.GetNextFeature()
        for name, value in values.items():
            if isinstance(value, date):
                feature.SetField(name, value.year, value.month, value.day, 0, 0, 0, 0)
            elif value is None:
                feature.SetFieldNull(name)
            else:
                feature.SetField(name, value)
        layer.SetFeature(feature)

    def _layer(self, copy: Path):
        self._dataset = gdal.OpenEx(str(copy / "survey.gpkg"), gdal.OF_VECTOR | gdal.OF_UPDATE)
        return self._dataset.GetLayerByName("sites")

    def sql(self, copy: Path, statement: str) -> None:
        dataset = gdal.OpenEx(str(copy / "survey.gpkg"), gdal.OF_VECTOR | gdal.OF_UPDATE)
        dataset.ExecuteSQL(statement)

    def merge(self, *copies: Path):
        self._dataset = None
        return merge_copies(self.sites, TABLE, UTM, [read_copy(copy, UTM) for copy in copies])


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path)


def by_name(merged):
    return {site.attributes["name"]: site.attributes for site in merged.sites}


def photo(path: Path, value: int = 90) -> Path:
    """A small JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    memory = gdal.GetDriverByName("MEM").Create("", 60, 30, 3, gdal.GDT_Byte)
    for band in range(3):
        memory.GetRasterBand(band + 1).Fill(value)
    gdal.GetDriverByName("JPEG").CreateCopy(str(path), memory)
    return path


def test_an_unedited_copy_changes_nothing(field):
    merged = field.merge(field.copy("a"))
    assert merged.changed == merged.added == merged.deleted == merged.conflicts == merged.notes == ()
    assert [site.attributes["uid"] for site in merged.sites] == [site.attributes["uid"] for site in field.sites]
    assert [field.name for field in merged.table] == [field.name for field in TABLE]


def test_two_surveyors_who_went_to_different_sites_are_joined(field):
    one, two = field.copy("王"), field.copy("Müller")
    field.edit(one, "S01", result="confirmed", scarp=1, surveyor="王", visited_on=date(2026, 5, 2), remarks="后缘裂缝")
    field.edit(two, "S02", result="not_accessible", surveyor="Müller", visited_on=date(2026, 5, 3))
    merged = field.merge(one, two)
    sites = by_name(merged)
    assert merged.changed == ("S01", "S02") and merged.conflicts == ()
    assert sites["S01"]["result"] == "confirmed" and sites["S01"]["scarp"] is True
    assert sites["S01"]["remarks"] == "后缘裂缝" and sites["S01"]["visited_on"] == date(2026, 5, 2)
    assert sites["S02"]["result"] == "not_accessible" and sites["S03"]["result"] is None


def test_the_latest_visit_wins_a_conflict_and_both_answers_are_told(field, tmp_path):
    one, two = field.copy("a"), field.copy("b")
    field.edit(one, "S01", result="confirmed", visited_on=date(2026, 5, 2))
    field.edit(two, "S01", result="not_confirmed", visited_on=date(2026, 5, 9))
    merged = field.merge(one, two)
    assert by_name(merged)["S01"]["result"] == "not_confirmed"
    names = {conflict.field: conflict for conflict in merged.conflicts}
    assert set(names) == {"result", "visited_on"}
    expected = (("a/survey.gpkg", "confirmed"), ("b/survey.gpkg", "not_confirmed"))
    assert names["result"] == Conflict("S01", "result", expected, "b/survey.gpkg")
    write_merge_report(tmp_path / "report.html", merged, ["a", "b"])
    write_conflicts_csv(tmp_path / "conflicts.csv", merged)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "a/survey.gpkg: confirmed; b/survey.gpkg: not_confirmed" in text
    assert "S01,result,b/survey.gpkg,not_confirmed,1" in (tmp_path / "conflicts.csv").read_text(encoding="utf-8")


def test_answers_of_the_same_day_stay_open(field):
    one, two = field.copy("a"), field.copy("b")
    field.edit(one, "S01", result="confirmed", visited_on=date(2026, 5, 2))
    field.edit(two, "S01", result="not_confirmed", visited_on=date(2026, 5, 2))
    merged = field.merge(one, two)
    assert by_name(merged)["S01"]["result"] is None and merged.conflicts[0].taken == ""


def test_what_changed_in_the_master_and_in_the_copy_is_a_conflict(field):
    copy, later = field.copy("a"), field.copy("b")
    field.edit(copy, "S01", result="confirmed", visited_on=date(2026, 5, 2))
    field.sites = field.merge(copy).sites
    field.edit(later, "S01", result="not_confirmed", visited_on=date(2026, 5, 1))
    merged = field.merge(later)
    assert by_name(merged)["S01"]["result"] == "confirmed"
    assert merged.conflicts[0].taken == "master"
    again = field.merge(copy)
    assert again.conflicts == () and again.changed == ()


def test_the_same_surveyors_later_word_counts(field):
    copy = field.copy("a")
    field.edit(copy, "S01", result="confirmed", surveyor="Ann", visited_on=date(2026, 5, 2))
    field.sites = field.merge(copy).sites
    field.edit(copy, "S01", result="not_confirmed", remarks="looked again")
    merged = field.merge(copy)
    assert by_name(merged)["S01"]["result"] == "not_confirmed"
    assert merged.conflicts[0].taken == "a/survey.gpkg"


def test_a_package_without_a_visit_contradicts_nothing(field):
    visited, other = field.copy("a"), field.copy("b")
    field.edit(visited, "S01", result="confirmed", scarp=1, remarks="x", visited_on=date(2026, 5, 2))
    field.sites = field.merge(visited).sites
    merged = field.merge(other)
    assert merged.conflicts == () and merged.changed == ()


def test_nothing_empty_replaces_what_is_given(field):
    one, two = field.copy("a"), field.copy("b")
    field.edit(one, "S01", result="confirmed", scarp=1, remarks="x", visited_on=date(2026, 5, 2))
    field.sites = field.merge(one).sites
    field.edit(two, "S01", result="confirmed", scarp=0, visited_on=date(2026, 5, 9))
    merged = field.merge(two)
    site = by_name(merged)["S01"]
    assert (site["remarks"], site["scarp"], site["visited_on"]) == ("x", True, date(2026, 5, 9))
    assert {conflict.field for conflict in merged.conflicts} == {"visited_on"}


def test_the_latest_visit_counts_also_where_it_agrees_with_the_master(field):
    one, two = field.copy("a"), field.copy("b")
    field.edit(one, "S01", result="confirmed", visited_on=date(2026, 5, 1))
    field.sites = field.merge(one).sites
    field.edit(one, "S01", result="not_confirmed", visited_on=date(2026, 5, 2))
    field.edit(two, "S01", result="confirmed", visited_on=date(2026, 5, 3))
    merged = field.merge(one, two)
    assert by_name(merged)["S01"]["result"] == "confirmed"
    assert {conflict.field: conflict.taken for conflict in merged.conflicts}["result"] == "b/survey.gpkg"


def test_a_day_that_is_no_date_is_no_latest_visit(field):
    copy = field.copy("a")
    field.edit(copy, "S01", result="confirmed", visited_on=date(2026, 5, 1))
    field.sites[0].attributes.update(visited_on="in May", result="not_confirmed")
    assert by_name(field.merge(copy))["S01"]["result"] == "confirmed"


def test_an_unticked_box_does_not_contradict_a_ticked_one(field):
    one, two = field.copy("a"), field.copy("b")
    field.edit(one, "S01", scarp=1)
    field.edit(two, "S01", scarp=0)
    merged = field.merge(one, two)
    assert by_name(merged)["S01"]["scarp"] is True and merged.conflicts == ()


def test_deleted_sites_are_told_and_stay(field):
    copy = field.copy("a")
    field.sql(copy, "DELETE FROM sites WHERE name = 'S03'")
    merged = field.merge(copy)
    assert merged.deleted == (("a/survey.gpkg", "S03"),)
    assert len(merged.sites) == 6


def test_new_sites_are_numbered_on_and_marked(field):
    one, two = field.copy("a"), field.copy("b")
    for copy, name in ((one, "N1"), (two, "S01")):
        layer = field._layer(copy)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("name", name)
        feature.SetField("result", "confirmed")
        if copy == one:
            feature.SetField("uid", "8f7a")
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (500100 3500500)"))
        layer.CreateFeature(feature)
    merged = field.merge(one, two)
    new = merged.sites[6:]
    assert [site.attributes["name"] for site in new] == ["N1", "S01 (8)"] == list(merged.added)
    assert [site.attributes["id"] for site in new] == [7, 8] and new[0].attributes["uid"] == "8f7a"
    assert all(site.attributes["stratum"] == ADDED and site.attributes["latitude_dm"] for site in new)
    assert new[1].attributes["uid"] and field.merge(one, two) == merged


def test_two_new_sites_without_a_key_are_both_kept(field):
    copy = field.copy("a")
    layer = field._layer(copy)
    for result in ("confirmed", "not_confirmed"):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("name", "N1")
        feature.SetField("result", result)
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (500100 3500500)"))
        layer.CreateFeature(feature)
    merged = field.merge(copy)
    assert [site.attributes["result"] for site in merged.sites[6:]] == ["confirmed", "not_confirmed"]
    assert len({site.attributes["uid"] for site in merged.sites}) == 8


def test_another_name_is_told(field):
    copy = field.copy("a")
    field.edit(copy, "S01", name="王家")
    merged = field.merge(copy)
    assert "S01" in by_name(merged) and "called 王家 there" in merged.notes[0][1]


def test_a_duplicated_site_is_taken_as_new(field):
    copy = field.copy("a")
    layer = field._layer(copy)
    feature = layer.GetNextFeature().Clone()
    feature.SetFID(-1)
    layer.CreateFeature(feature)
    merged = field.merge(copy)
    assert len(merged.sites) == 7 and "taken as new" in merged.notes[0][1]


def test_a_changed_form_is_told_and_added_fields_are_kept(field):
    copy = field.copy("a")
    field.sql(copy, "ALTER TABLE sites DROP COLUMN tilted_trees")
    field.sql(copy, "ALTER TABLE sites ADD COLUMN depth_m REAL")
    field.sql(copy, "UPDATE sites SET depth_m = 3.5 WHERE name = 'S02'")
    merged = field.merge(copy)
    told = " ".join(note for _, note in merged.notes)
    assert "lost its field tilted_trees" in told and "added field, depth_m" in told
    assert merged.table[-1].name == "depth_m" and merged.table[-1].type == "float"
    assert by_name(merged)["S02"]["depth_m"] == 3.5 and by_name(merged)["S01"]["depth_m"] is None
    assert "tilted_trees" in by_name(merged)["S01"] and merged.changed == ("S02",)


def test_a_nought_is_an_answer(field):
    copy = field.copy("a")
    field.sql(copy, "ALTER TABLE sites ADD COLUMN depth_m REAL")
    field.sql(copy, "UPDATE sites SET depth_m = 0 WHERE name = 'S02'")
    assert by_name(field.merge(copy))["S02"]["depth_m"] == 0.0


def test_notes_and_tracks_are_told(field):
    copy = field.copy("a")
    field.sql(copy, "INSERT INTO notes (note) VALUES ('桥断了')")
    assert "layer notes has 1 features" in field.merge(copy).notes[0][1]


def test_a_field_of_another_type_is_converted_or_told(field):
    copy = field.copy("a")
    field.sql(copy, "ALTER TABLE sites DROP COLUMN scarp")
    field.sql(copy, "ALTER TABLE sites ADD COLUMN scarp TEXT")
    field.sql(copy, "UPDATE sites SET scarp = 'yes' WHERE name = 'S01'")
    field.sql(copy, "UPDATE sites SET scarp = '可能' WHERE name = 'S02'")
    merged = field.merge(copy)
    assert by_name(merged)["S01"]["scarp"] is True and by_name(merged)["S02"]["scarp"] is None
    told = " ".join(note for _, note in (*merged.notes, *merged.warnings))
    assert "no longer of the type bool" in told and "can't be understood" in told


def test_a_moved_site_moves_and_two_places_stay_open(field):
    one, two = field.copy("a"), field.copy("b")
    for copy, shift in ((one, 30), (two, -30)):
        layer = field._layer(copy)
        for feature in layer:
            if feature["name"] in ("S01", "S02")[: 2 if copy == one else 1]:
                point = feature.GetGeometryRef().Clone()
                point.SetPoint_2D(0, point.GetX() + shift, point.GetY())
                feature.SetGeometry(point)
                layer.SetFeature(feature)
    merged = field.merge(one, two)
    assert [conflict.field for conflict in merged.conflicts] == ["position"]
    before = {site.attributes["name"]: site for site in field.sites}
    assert by_name(merged)["S02"]["x"] == pytest.approx(before["S02"].x + 30, abs=0.01)
    assert by_name(merged)["S01"]["x"] == pytest.approx(before["S01"].x, abs=0.01)


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_an_older_copy_does_not_move_a_site_back(field, crs):
    mover, older = field.copy("a"), field.copy("b")
    layer = field._layer(mover)
    feature = layer.GetNextFeature()
    point = feature.GetGeometryRef().Clone()
    point.SetPoint_2D(0, point.GetX() + 50, point.GetY())
    feature.SetGeometry(point)
    layer.SetFeature(feature)
    del feature, layer
    field._dataset = None
    to_crs = osr.CoordinateTransformation(spatial_reference(UTM), spatial_reference(crs))
    planned = [replace(site, **dict(zip("xy", to_crs.TransformPoint(site.x, site.y)))) for site in field.sites]
    moved = merge_copies(planned, TABLE, crs, [read_copy(mover, crs)]).sites
    changed = [site.attributes["name"] for site, was in zip(moved, planned) if site.x != was.x]
    assert len(changed) == 1
    merged = merge_copies(moved, TABLE, crs, [read_copy(older, crs)])
    assert [(site.x, site.y) for site in merged.sites] == [(site.x, site.y) for site in moved] and merged.notes == ()


def test_the_masters_photos_may_lie_elsewhere(field, tmp_path):
    picture = photo(tmp_path / "elsewhere" / "x.jpg")
    field.sites[0].attributes["photo_1"] = str(picture)
    merged = field.merge(field.copy("a"))
    assert merged.missing == () and merged.photos == (picture,)


def test_photos_of_the_master_need_not_come_back_with_a_later_package(field, tmp_path):
    photo(tmp_path / "home" / "photos" / "x.jpg")
    field.edit(field.master, "S01", photo_1="photos/x.jpg")
    field.edit(field.master, "S02", photo_1="photos/gone.jpg")
    master = read_copy(field.master, UTM).sites
    copies = [read_copy(field.copy("a"), UTM)]
    merged = merge_copies(master, TABLE, UTM, copies, tmp_path / "home")
    assert merged.missing == (("master", "photos/gone.jpg"),)
    assert merged.photos == (tmp_path / "home" / "photos" / "x.jpg",)


def test_photos_of_both_are_kept_and_missing_ones_told(field, tmp_path):
    one, two = field.copy("a"), field.copy("b")
    photo(one / "DCIM" / "IMG_1.jpg", 50)
    photo(two / "DCIM" / "IMG_1.jpg", 200)
    photo(two / "DCIM" / "滑坡.jpg")
    field.edit(one, "S01", photo_1="DCIM/IMG_1.jpg", photo_2="DCIM/gone.jpg")
    field.edit(two, "S01", photo_1="DCIM\\IMG_1.jpg")
    field.edit(two, "S02", photo_3="DCIM/滑坡.jpg")
    merged = field.merge(one, two)
    assert merged.conflicts == () and merged.missing == (("a/survey.gpkg", "DCIM/gone.jpg"),)
    placed, made = copy_photos(merged.photos, tmp_path / "photos")
    final = with_photos(merged, {source: f"photos/{target.name}" for source, target in placed.items()})
    sites = by_name(final)
    first = [sites["S01"][name] for name in ("photo_1", "photo_2", "photo_3")]
    assert sorted(first) == ["DCIM/gone.jpg", "photos/IMG_1.jpg", "photos/IMG_1_2.jpg"]
    assert sites["S02"]["photo_1"] == "photos/滑坡.jpg"
    assert (tmp_path / "photos" / "IMG_1_2.jpg").read_bytes() == (two / "DCIM" / "IMG_1.jpg").read_bytes()
    again, made_again = copy_photos(merged.photos, tmp_path / "photos")
    assert again == placed and made_again == []
    remove_made(made)
    assert not (tmp_path / "photos").exists()


def test_missing_photos_take_no_field_from_others(field):
    one, two = field.copy("a"), field.copy("b")
    for number in range(1, 4):
        photo(two / "DCIM" / f"{number}.jpg", 50 * number)
    field.edit(one, "S01", photo_1="DCIM/gone.jpg")
    field.edit(two, "S01", **{f"photo_{number}": f"DCIM/{number}.jpg" for number in range(1, 4)})
    merged = field.merge(one, two)
    kept = [Path(by_name(merged)["S01"][f"photo_{number}"]).name for number in range(1, 4)]
    assert kept == ["1.jpg", "2.jpg", "3.jpg"] and merged.missing == (("a/survey.gpkg", "DCIM/gone.jpg"),)


def test_photos_outside_the_package_are_never_taken(field, tmp_path):
    photo(tmp_path / "secret.jpg")
    copy = field.copy("a")
    assert photo_file(copy, "../secret.jpg") is None and photo_file(copy, str(tmp_path / "secret.jpg")) is None
    (copy / "DCIM").mkdir()
    (copy / "DCIM" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert photo_file(copy, "DCIM/link.jpg") is None


def test_files_that_are_no_survey_are_told(field, tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        read_copy(tmp_path / "gone", UTM)
    other = tmp_path / "other.geojson"
    other.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match="field uid"):
        read_copy(other, UTM)
    with pytest.raises(InputError, match="without a uid"):
        merge_copies([type(field.sites[0])(0, 0, {})], TABLE, UTM, [])


def test_thumbnails_are_small_upright_and_none_for_rubbish(tmp_path):
    assert thumbnail(photo(tmp_path / "a.jpg"), 30).startswith("data:image/jpeg;base64,")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    assert thumbnail(tmp_path / "b.jpg") is None and thumbnail(tmp_path / "c.jpg") is None


def test_answers_written_as_labels_are_merged_as_what_they_say(field):
    copy = field.copy("a")
    field.edit(copy, "S01", result="Not confirmed", visited_on=date(2026, 5, 2))
    field.edit(copy, "S02", result="maybe", visited_on=date(2026, 5, 2))
    merged = field.merge(copy)
    sites = by_name(merged)
    assert sites["S01"]["result"] == "not_confirmed" and sites["S02"]["result"] == "maybe"
    told = " ".join(warning for _, warning in merged.warnings)
    assert "“maybe”: S02" in told and "S01" not in told


def test_a_day_that_is_none_stays_in_the_remarks(field):
    copy = field.copy("a")
    field.sql(copy, "UPDATE sites SET result = 'confirmed', visited_on = 'last Monday' WHERE name = 'S01'")
    merged = field.merge(copy)
    assert by_name(merged)["S01"]["result"] == "confirmed"
    assert by_name(merged)["S01"]["visited_on"] is None
    assert by_name(merged)["S01"]["remarks"] == "[visited_on: last Monday]"
    assert "“last Monday” (S01)" in " ".join(warning for _, warning in merged.warnings)


def test_a_copy_of_another_survey_is_refused(field, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    sites = sample_sites([replace(area, attributes={"id": 90 + index}) for index, area in enumerate(areas(3))], UTM,
                         SamplingRules(3), UTM).sites  # fmt: skip
    write_geopackage(other / "survey.gpkg", sites, UTM, [], FIELDS, UTM)
    with pytest.raises(InputError, match=r"other/survey\.gpkg belongs to another survey"):
        field.merge(field.copy("a"), other)


def test_added_sites_alone_are_no_other_survey(field):
    copy = field.copy("a")
    field.sql(copy, "DELETE FROM sites WHERE name <> 'S01'")
    field.sql(copy, "UPDATE sites SET uid = 'new', name = 'N1', stratum = NULL, result = 'confirmed'")
    merged = field.merge(copy)
    assert merged.added == ("N1",) and len(merged.deleted) == 6
    assert by_name(merged)["N1"]["stratum"] == ADDED


def test_a_drawn_site_that_the_master_lost_keeps_its_stratum(field):
    """As where a copy that a site was deleted in is taken for the master."""
    copy = field.copy("a")
    field.edit(copy, "S04", result="confirmed")
    field._dataset = None
    lost = [site for site in field.sites if site.attributes["name"] != "S04"]
    merged = merge_copies(lost, TABLE, UTM, [read_copy(copy, UTM)])
    found = by_name(merged)["S04"]
    before = next(site.attributes for site in field.sites if site.attributes["name"] == "S04")
    assert found["result"] == "confirmed" and found["stratum"] == before["stratum"] != ADDED
    assert found["stratum_size"] == before["stratum_size"]
    assert "S04" in " ".join(warning for _, warning in merged.warnings)


def test_a_copy_without_answers_is_told(field):
    merged = field.merge(field.copy("a"))
    assert "no answers at all" in merged.warnings[0][1] and merged.warnings[0][0] == "a/survey.gpkg"


def test_a_master_with_a_key_twice_is_refused(field):
    twice = [*field.sites, field.sites[0]]
    with pytest.raises(InputError, match="S01, S01 of the master have the same uid"):
        merge_copies(twice, TABLE, UTM, [read_copy(field.copy("a"), UTM)])
    with pytest.raises(InputError, match="no sites"):
        merge_copies([], TABLE, UTM, [read_copy(field.copy("b"), UTM)])


def test_a_shapefile_of_a_copy_keeps_its_answers(field, tmp_path):
    copy = field.copy("a")
    field.edit(
        copy, "S03", result="Confirmed", tilted_trees=1, damaged_road=1, remarks="wet", visited_on=date(2026, 5, 2)
    )
    field._dataset = None
    gdal.VectorTranslate(str(tmp_path / "back.shp"), str(copy / "survey.gpkg"), layers=["sites"])
    merged = merge_copies(field.sites, TABLE, UTM, [read_copy(tmp_path / "back.shp", UTM)])
    found = by_name(merged)["S03"]
    assert (found["result"], found["tilted_trees"], found["damaged_road"], found["scarp"]) == (
        "confirmed",
        True,
        True,
        None,
    )
    assert merged.changed == ("S03",) and merged.added == () and "Shapefile" in str(merged.notes)


@pytest.mark.parametrize("name", ["survey.gpkg", "notes.txt", "run.exe", "picture.svg", "picture.jpg.vrt"])
def test_only_pictures_are_taken_as_photos(field, name):
    copy = field.copy("a")
    (copy / name).touch()
    field.edit(copy, "S01", photo_1=name, result="confirmed")
    merged = field.merge(copy)
    assert merged.photos == () and by_name(merged)["S01"]["photo_1"] == name
    assert f"{name} is given as a photo" in " ".join(warning for _, warning in merged.warnings)


def test_a_link_that_leads_out_of_the_folder_is_no_photo(field, tmp_path):
    copy = field.copy("a")
    (copy / "DCIM").mkdir()
    photo(tmp_path / "elsewhere.jpg")
    (copy / "DCIM" / "a.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    field.edit(copy, "S01", photo_1="DCIM/a.jpg", photo_2="../elsewhere.jpg", photo_3=str(tmp_path / "elsewhere.jpg"))
    merged = field.merge(copy)
    assert merged.photos == () and len(merged.missing) == 3


def test_photos_with_endless_names_are_numbered(tmp_path):
    name = "x" * 240 + ".jpg"
    ones = [photo(tmp_path / folder / name, value) for folder, value in (("a", 10), ("b", 200))]
    placed, _ = copy_photos(ones, tmp_path / "all")
    assert len({path.name for path in placed.values()}) == 2 and all(path.exists() for path in placed.values())


def test_a_picture_that_points_to_other_files_is_not_shown(tmp_path):
    photo(tmp_path / "secret.jpg")
    gdal.Translate(str(tmp_path / "a.vrt"), str(tmp_path / "secret.jpg"))
    (tmp_path / "a.vrt").rename(tmp_path / "a.jpg")
    assert thumbnail(tmp_path / "a.jpg") is None and thumbnail(tmp_path / "secret.jpg") is not None


def test_answers_of_a_site_that_lost_its_point_are_kept(field):
    copy = field.copy("a")
    field.edit(copy, "S02", result="confirmed", remarks="wet")
    field._dataset = None
    field.sql(copy, "UPDATE sites SET geom = NULL WHERE name = 'S02'")
    merged = field.merge(copy)
    before = {site.attributes["name"]: (site.x, site.y) for site in field.sites}
    after = {site.attributes["name"]: (site.x, site.y) for site in merged.sites}
    assert after == before and merged.deleted == ()
    assert by_name(merged)["S02"]["result"] == "confirmed" and by_name(merged)["S02"]["remarks"] == "wet"
    assert "S02 has no point" in " ".join(warning for _, warning in merged.warnings)


def test_a_new_site_without_a_point_is_told_with_its_answers(field):
    copy = field.copy("a")
    field.edit(copy, "S02", result="confirmed", remarks="wet", uid="new", name="N1", stratum=None)
    field._dataset = None
    field.sql(copy, "UPDATE sites SET geom = NULL WHERE name = 'N1'")
    merged = field.merge(copy)
    assert merged.added == () and len(merged.sites) == 6
    told = " ".join(warning for _, warning in merged.warnings)
    assert "N1 has no point" in told and "result: confirmed; remarks: wet" in told


VALUE_MAP = (
    '<qgis><fieldConfiguration><field name="result"><editWidget type="ValueMap"><config><Option type="Map">'
    '<Option type="List" name="map"><Option type="Map"><Option type="QString" name="Ikke bekræftet" '
    'value="not_confirmed"/></Option></Option></Option></config></editWidget></field></fieldConfiguration></qgis>'
)


@pytest.mark.parametrize("place", ["survey.qgz", "other.qgs", "layer_styles"])
def test_the_labels_of_the_packages_own_form_are_understood(field, place):
    """As its project keeps them, or the styles in its GeoPackage."""
    copy = field.copy("a")
    field.edit(copy, "S01", result="ikke BEKRÆFTET")
    field._dataset = None
    if place == "layer_styles":
        field.sql(copy, "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, styleQML TEXT)")
        field.sql(copy, f"INSERT INTO layer_styles (styleQML) VALUES ('{VALUE_MAP}')")
        field.sql(
            copy,
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles')",
        )
    elif place.endswith(".qgz"):
        with zipfile.ZipFile(copy / place, "w") as archive:
            archive.writestr("survey.qgs", VALUE_MAP)
    else:
        (copy / place).write_text(VALUE_MAP, encoding="utf-8")
    merged = field.merge(copy)
    assert by_name(merged)["S01"]["result"] == "not_confirmed" and merged.warnings == ()
