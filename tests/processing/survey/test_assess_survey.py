"""Figures and report of a returned survey through processing.run."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsVectorLayer,
    edit,
)
from qgis.PyQt.QtCore import QLocale

from recording_feedback import Feedback
from survey_areas import UTM, area_layer


def points(answers, fields="result:string"):
    """A layer of points in a row over the areas, with one text field."""
    layer = QgsVectorLayer(f"Point?crs={UTM}&field=name:string&field={fields}", "站点", "memory")
    features = []
    for number, answer in enumerate(answers, 1):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(500_050, 3_499_050 + 1000 * number)))
        feature.setAttributes([f"S{number:02d}", answer])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


@pytest.fixture
def german():
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    yield
    QLocale.setDefault(before)


def test_the_papers_figure_also_with_a_decimal_comma(run, tmp_path, german):
    feedback = Feedback()
    sites = points(["confirmed"] * 52 + ["not_confirmed"] * 4 + ["not_accessible"] * 3 + [None])
    parameters = {
        "SITES": sites,
        "AREAS": area_layer(8),
        "FIGURES": str(tmp_path / "f.csv"),
        "REPORT": str(tmp_path / "r.html"),
    }
    result = run("assesssurvey", parameters, feedback)
    assert [result[name] for name in ("CONFIRMED", "VISITED", "NOT_ACCESSIBLE", "NOT_VISITED")] == [52, 56, 3, 1]
    figures = [result[name] for name in ("PRECISION", "PRECISION_LOW", "PRECISION_HIGH")]
    assert figures == pytest.approx([92.857, 83.0, 97.2], abs=0.05)
    assert result["RECALL"] is None and result["WEIGHTED_PRECISION"] is None
    assert "92.9 % (83.0–97.2 %)" in feedback.log and "precision of the map" in feedback.log
    assert "all,,precision,92.86,83.02,97.19,%" in (tmp_path / "f.csv").read_text(encoding="utf-8")
    assert "92.9 % (83.0–97.2 %)" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_recall_from_known_landslides_and_areas_or_from_their_field(run):
    sites = points(["confirmed", "not_confirmed"])
    known = points([None] * 10)
    assert run("assesssurvey", {"SITES": sites, "AREAS": area_layer(4), "KNOWN": known})["RECALL"] == 40
    told = points(["true", "0", "yes", None, "no"], "mapped:string")
    assert run("assesssurvey", {"SITES": sites, "KNOWN": told})["RECALL"] == 40
    assert run("assesssurvey", {"SITES": sites, "KNOWN": points([1.0, 0.0, 1.0, 1.0], "mapped:double")})["RECALL"] == 75
    with pytest.raises(QgsProcessingException, match="Give the areas"):
        run("assesssurvey", {"SITES": sites, "KNOWN": known})
    with pytest.raises(QgsProcessingException, match="was visited"):
        run("assesssurvey", {"SITES": sites, "KNOWN": points(["no"], "visited:string")})


def test_faults_are_told_and_leave_nothing(run, tmp_path):
    report = str(tmp_path / "report.html")
    with pytest.raises(QgsProcessingException, match="empty"):
        run("assesssurvey", {"SITES": points([]), "REPORT": report})
    with pytest.raises(QgsProcessingException, match="no field result"):
        run("assesssurvey", {"SITES": points(["x"], "other:string"), "REPORT": report})
    lost = points(["confirmed"])
    lost.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="coordinate reference system"):
        run("assesssurvey", {"SITES": lost, "REPORT": report})
    for percent in (1, 30, 95):
        with pytest.raises(QgsProcessingException, match="cancelled"):
            run("assesssurvey", {"SITES": points(["confirmed"] * 3), "REPORT": report}, Feedback(cancel_at=percent))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "no").write_text("")
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("assesssurvey", {"SITES": points(["confirmed"]), "REPORT": str(tmp_path / "no" / "report.html")})


def test_results_count_as_what_they_say(run):
    feedback = Feedback()
    sites = points(["confirmed", "Confirmed", "CONFIRMED ", "Not confirmed", "nicht bestätigt", "Not visited", None])
    result = run("assesssurvey", {"SITES": sites}, feedback)
    assert [result[name] for name in ("CONFIRMED", "VISITED", "NOT_VISITED")] == [3, 5, 2]
    assert result["PRECISION"] == pytest.approx(60) and feedback.warnings == []


def test_the_labels_of_the_layers_own_form_count(run):
    sites = points(["Bekræftet", "ikke bekræftet", "Bekræftet"])
    labels = {"map": [{"Bekræftet": "confirmed"}, {"Ikke bekræftet": "not_confirmed"}]}
    sites.setEditorWidgetSetup(sites.fields().indexOf("result"), QgsEditorWidgetSetup("ValueMap", labels))
    feedback = Feedback()
    result = run("assesssurvey", {"SITES": sites}, feedback)
    assert (result["CONFIRMED"], result["VISITED"]) == (2, 3) and feedback.warnings == []


def test_results_that_say_nothing_known_are_a_warning(run, tmp_path):
    feedback = Feedback()
    parameters = {"SITES": points(["confirmed", "maybe", "Not confirmed"]), "REPORT": str(tmp_path / "r.html")}
    result = run("assesssurvey", parameters, feedback)
    assert (result["CONFIRMED"], result["VISITED"], result["NOT_VISITED"]) == (1, 2, 1)
    assert len(feedback.warnings) == 1 and "“maybe”: S02" in feedback.warnings[0]
    assert "maybe" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_file_whose_log_stayed_on_the_phone_is_warned_of(run, tmp_path):
    """By every tool that is given one, before QGIS opens it: that takes the mark away."""
    sites = run("samplesites", {"AREAS": area_layer(3), "COUNT": 3, "SITES": "TEMPORARY_OUTPUT"})["SITES"]
    run("surveypackage", {"SITES": sites, "OUTPUT_FOLDER": str(tmp_path / "package")})
    with contextlib.closing(sqlite3.connect(tmp_path / "package" / "survey.gpkg")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    marked = (tmp_path / "package" / "survey.gpkg").read_bytes()
    for number, (algorithm, name, others) in enumerate(
        (
            ("assesssurvey", "SITES", {"FIGURES": str(tmp_path / "f.csv")}),
            ("mergesurvey", "MASTER", {"COPIES": [str(tmp_path / "package")], "SITES": str(tmp_path / "m.gpkg")}),
            ("surveypackage", "SITES", {"OUTPUT_FOLDER": str(tmp_path / "next")}),
        )
    ):
        folder = tmp_path / f"back{number}"
        folder.mkdir()
        (folder / "survey.gpkg").write_bytes(marked)
        feedback = Feedback()
        run(algorithm, {name: f"{folder / 'survey.gpkg'}|layername=sites", **others}, feedback)
        assert any("survey.gpkg-wal" in warning and str(folder) in warning for warning in feedback.warnings), algorithm


def known_layer(**columns):
    """Two known landslides far from all areas, with columns of text."""
    fields = "".join(f"&field={name}:string" for name in columns)
    layer = QgsVectorLayer(f"Point?crs={UTM}{fields}", "known", "memory")
    features = []
    for index in range(2):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(300_000 + index, 3_000_000)))
        feature.setAttributes([values[index] for values in columns.values()])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


@pytest.mark.parametrize("yes, no", [("true", "false"), ("Ja", "nein"), ("1", "0"), ("是", "否"), ("oui", "Non")])
def test_known_landslides_are_mapped_as_their_field_says(run, yes, no):
    known = known_layer(mapped=[yes, no], visited=[yes, yes])
    assert run("assesssurvey", {"SITES": points(["confirmed"]), "KNOWN": known})["RECALL"] == pytest.approx(50)


def test_a_field_that_says_neither_yes_nor_no_is_refused(run):
    known = known_layer(mapped=["perhaps", "no"])
    with pytest.raises(QgsProcessingException, match="field mapped of the layer known must tell yes or no"):
        run("assesssurvey", {"SITES": points(["confirmed"]), "KNOWN": known})


def test_known_landslides_that_lie_elsewhere_are_a_warning(run):
    feedback = Feedback()
    parameters = {"SITES": points(["confirmed"]), "KNOWN": known_layer(), "AREAS": area_layer(3)}
    result = run("assesssurvey", parameters, feedback)
    assert result["RECALL"] == 0 and "None of the known landslides meets an area" in " ".join(feedback.warnings)


def test_several_points_in_one_feature_are_told(run):
    sites = QgsVectorLayer(f"MultiPoint?crs={UTM}&field=result:string", "sites", "memory")
    feature = QgsFeature(sites.fields())
    feature.setGeometry(QgsGeometry.fromWkt("MULTIPOINT((500000 3500000), (500100 3500000))"))
    feature.setAttributes(["confirmed"])
    sites.dataProvider().addFeatures([feature])
    feedback = Feedback()
    assert run("assesssurvey", {"SITES": sites}, feedback)["VISITED"] == 1
    assert "1 features hold several points" in " ".join(feedback.warnings)


def test_a_result_counts_without_its_point(run, tmp_path):
    sites = points(["confirmed", "Not confirmed", "confirmed"])
    with edit(sites):
        sites.changeGeometry(next(sites.getFeatures()).id(), QgsGeometry())
    feedback = Feedback()
    report = tmp_path / "r.html"
    result = run("assesssurvey", {"SITES": sites, "REPORT": str(report)}, feedback)
    assert (result["CONFIRMED"], result["VISITED"]) == (2, 3) and "1 features have no point" in feedback.warnings[0]
    assert "nan" not in report.read_text(encoding="utf-8").lower().split("<svg")[1].split("</svg>")[0]


def test_sites_that_are_there_twice_are_refused(run):
    """As where the layers of two packages were put together by hand."""
    layer = QgsVectorLayer(f"Point?crs={UTM}&field=uid:string&field=name:string&field=result:string", "both", "memory")
    features = []
    for uid, name, result in (("a", "S01", "confirmed"), ("b", "S02", None), ("a", "S01", None)):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(500_050, 3_500_050)))
        feature.setAttributes([uid, name, result])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    with pytest.raises(QgsProcessingException, match=r"more than once \(the same uid\), such as S01, S01"):
        run("assesssurvey", {"SITES": layer})
