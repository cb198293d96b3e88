"""Answers count as what they say, in any way of writing them."""

from __future__ import annotations

import zipfile

import pytest

from ada_mapper.core.survey import AnswerReader, Site, assess_survey, form_labels, labels_beside, result_of

YES, NO, OUT = "confirmed", "not_confirmed", "not_accessible"
PROJECT = (
    '<qgis><projectlayers><maplayer><fieldConfiguration><field name="result"><editWidget type="ValueMap"><config>'
    '<Option type="Map"><Option type="List" name="map">{}</Option></Option></config></editWidget></field>'
    "</fieldConfiguration></maplayer></projectlayers></qgis>"
)


@pytest.mark.parametrize(
    "written, meant",
    [
        ("confirmed", YES), ("Confirmed", YES), (" CONFIRMED ", YES), ("confirmed.", YES), ("Bestätigt", YES),
        ("confirmé", YES), ("已确认", YES), ("Подтверждено", YES),
        ("Not confirmed", NO), ("NOT_CONFIRMED", NO), ("not-confirmed", NO), ("Not  Confirmed ", NO),
        ("not\u00a0confirmed", NO), ("notConfirmed", NO), ("Nicht bestätigt", NO), ("nicht bestätigt", NO),
        ("No confirmado", NO), ("non confirmé", NO), ("未确认", NO), ("Ｎot confirmed", NO),
        ("Not accessible", OUT), ("NOT ACCESSIBLE", OUT), ("Inaccessible", OUT), ("Nicht zugänglich", OUT),
        (None, None), ("", None), ("  ", None), ("NULL", None), ("Not visited", None), ("not_visited", None),
        ("{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}", None),
    ],
)  # fmt: skip
def test_a_result_is_what_it_says(written, meant):
    assert result_of(written) == (meant, True)


@pytest.mark.parametrize("written", ["maybe", "?", "yes", "unconfirmed", "1", 7, "confirmed, but old"])
def test_what_says_nothing_known_is_not_understood(written):
    assert result_of(written) == (None, False)


def test_a_forms_own_labels_count():
    labels = form_labels([("Bekræftet", "confirmed"), ("Ikke bekræftet", "not_confirmed"), ("Not accessible", "3")])
    assert result_of("ikke BEKRÆFTET", labels) == (NO, True) and result_of("Bekræftet", labels) == (YES, True)
    assert result_of("3", labels) == (OUT, True) and result_of("4", labels) == (None, False)


def test_the_labels_of_a_packages_project_count(tmp_path):
    entries = '<Option type="Map"><Option type="QString" name="Bekræftet" value="confirmed"/></Option>'
    with zipfile.ZipFile(tmp_path / "survey.qgz", "w") as archive:
        archive.writestr("survey.qgs", PROJECT.format(entries))
    assert result_of("bekræftet", labels_beside(tmp_path)) == (YES, True)
    (tmp_path / "broken.qgz").write_bytes(b"no archive")
    (tmp_path / "empty.qgs").write_text("<qgis")
    assert result_of("bekræftet", labels_beside(tmp_path)) == (YES, True)


def sites(*answers):
    return [Site(index, 0, {"name": f"S{index}", "result": answer}) for index, answer in enumerate(answers)]


def test_labels_and_values_are_counted_alike():
    result = assess_survey(sites("confirmed", "Confirmed", "CONFIRMED", "Not confirmed", "not-confirmed", None))
    assert (result.overall.confirmed, result.overall.visited) == (3, 5)
    assert result.overall.share.value == pytest.approx(0.6) and result.warnings == ()


def test_unknown_results_are_warned_of_with_their_sites():
    result = assess_survey(sites("confirmed", "maybe", "Not confirmed", "maybe"))
    assert (result.overall.confirmed, result.overall.visited, result.overall.not_visited) == (1, 2, 2)
    assert len(result.warnings) == 1
    assert "“maybe”: S1, S3" in result.warnings[0] and "not visited" in result.warnings[0]


def test_answers_that_fit_no_field_go_to_the_remarks_and_are_told():
    reader = AnswerReader()
    own = reader.read({"name": "S01", "visited_on": "last Monday", "scarp": "a bit", "remarks": "wet", "los_rate": "-"})
    assert own["remarks"] == "wet [visited_on: last Monday] [scarp: a bit]"
    assert own["visited_on"] is None and own["scarp"] is None and own["los_rate"] is None
    told = " ".join(reader.warnings())
    assert "last Monday” (S01)" in told and "a bit” (S01)" in told and "los_rate" not in told
    again = reader.read({"name": "S01", "visited_on": "last Monday", "remarks": own["remarks"]})
    assert again["remarks"] == own["remarks"]


def test_a_number_of_letters_becomes_the_name():
    reader = AnswerReader()
    assert reader.read({"id": "LS-07", "name": None}) == {"id": None, "name": "LS-07"}
    assert reader.read({"id": 7, "name": None}) == {"id": 7, "name": None} and reader.warnings() == []


def test_sites_without_a_name_are_told_by_their_place():
    result = assess_survey([Site(0, 0, {"result": "confirmed"}), Site(0, 0, {"result": "maybe"})])
    assert "“maybe”: #2" in result.warnings[0]
