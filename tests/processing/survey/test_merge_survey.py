"""A package goes out, is edited in its project, comes back and is merged, through processing.run."""

from __future__ import annotations

import shutil

import pytest
from qgis.core import QgsGeometry, QgsProcessingException, QgsProject, QgsVectorLayer, edit
from qgis.PyQt.QtCore import QDate

from recording_feedback import Feedback
from survey_areas import area_layer


@pytest.fixture
def package(run, tmp_path):
    """A package with a project, of five sites."""
    sites = run("samplesites", {"AREAS": area_layer(8), "COUNT": 5, "SITES": str(tmp_path / "sites.gpkg")})["SITES"]
    run("surveypackage", {"SITES": sites, "OUTPUT_FOLDER": str(tmp_path / "package")})
    return tmp_path / "package"


@pytest.fixture
def returned(package, tmp_path):
    """A copy of it in which S02 was visited, with a photo, and S04 deleted."""
    folder = shutil.copytree(package, tmp_path / "回来")
    (folder / "DCIM" / "S02.jpg").write_bytes(b"any picture")
    project = QgsProject()
    project.read(str(folder / "survey.qgz"))
    layer = project.mapLayersByName("Sites")[0]
    fields = layer.fields()
    layer.startEditing()
    for feature in layer.getFeatures():
        if feature["name"] == "S02":
            for name, value in (
                ("result", "confirmed"), ("scarp", True), ("photo_1", "DCIM/S02.jpg"), ("remarks", "新鲜陡坎"),
                ("visited_on", QDate(2026, 5, 4)),
            ):  # fmt: skip
                layer.changeAttributeValue(feature.id(), fields.indexOf(name), value)
        elif feature["name"] == "S04":
            layer.deleteFeature(feature.id())
    assert layer.commitChanges()
    project.clear()
    return folder


def test_a_round_trip(run, package, returned, tmp_path):
    feedback = Feedback()
    master = f"{package / 'survey.gpkg'}|layername=sites"
    before = (package / "survey.gpkg").read_bytes()
    parameters = {
        "MASTER": master, "COPIES": [str(returned)], "SITES": str(tmp_path / "merged.gpkg"),
        "REPORT": str(tmp_path / "report.html"), "CONFLICTS": str(tmp_path / "conflicts.csv"),
    }  # fmt: skip
    result = run("mergesurvey", parameters, feedback)
    assert [result[name] for name in ("CHANGED", "ADDED", "DELETED", "CONFLICT_COUNT", "MISSING_PHOTOS")] == [
        1,
        0,
        1,
        0,
        0,
    ]
    layer = QgsVectorLayer(result["SITES"])
    sites = {feature["name"]: feature for feature in layer.getFeatures()}
    assert len(sites) == 5 and sites["S02"]["result"] == "confirmed" and sites["S02"]["scarp"] is True
    assert sites["S02"]["remarks"] == "新鲜陡坎" and sites["S02"]["visited_on"] == QDate(2026, 5, 4)
    assert sites["S02"]["photo_1"] == "merged_photos/S02.jpg"
    assert (tmp_path / "merged_photos" / "S02.jpg").read_bytes() == b"any picture"
    assert "S04 is gone from" in feedback.log and (tmp_path / "report.html").exists()
    assert (package / "survey.gpkg").read_bytes() == before
    assert layer.renderer().type() == "categorizedSymbol"
    # The result is a master itself: merging the same copy again changes nothing.
    again = run(
        "mergesurvey", {"MASTER": result["SITES"], "COPIES": [str(returned)], "SITES": str(tmp_path / "2.gpkg")}
    )
    assert again["CHANGED"] == again["CONFLICT_COUNT"] == 0


def test_inputs_are_never_written_over(run, package, returned):
    for target in (package / "survey.gpkg", returned / "survey.gpkg"):
        before = target.read_bytes()
        with pytest.raises(QgsProcessingException, match="written over"):
            run(
                "mergesurvey", {"MASTER": str(package / "survey.gpkg"), "COPIES": [str(returned)], "SITES": str(target)}
            )
        assert target.read_bytes() == before


def test_a_table_of_a_geopackage_is_a_place_for_the_result(run, package, returned, tmp_path):
    """As the dialog writes “Save to GeoPackage”."""
    master = str(package / "survey.gpkg")
    for target in (master, str(returned / "survey.gpkg")):
        with pytest.raises(QgsProcessingException, match="written over"):
            table = f"ogr:dbname='{target}' table=\"sites\" (geom)"
            run("mergesurvey", {"MASTER": master, "COPIES": [str(returned)], "SITES": table})
    folder = tmp_path / "results"
    folder.mkdir()
    table = f"ogr:dbname='{folder / 'all.gpkg'}' table=\"merged\" (geom)"
    result = run("mergesurvey", {"MASTER": master, "COPIES": [str(returned)], "SITES": table})
    names = {feature["name"]: feature["photo_1"] for feature in QgsVectorLayer(result["SITES"]).getFeatures()}
    assert names["S02"] == "all_photos/S02.jpg" and (folder / "all_photos" / "S02.jpg").exists()


def test_a_master_that_came_through_text_is_understood(run, package, returned, tmp_path):
    table = tmp_path / "master.csv"
    layer = QgsVectorLayer(f"{package / 'survey.gpkg'}|layername=sites")
    rows = ["uid,name,x,y,result,scarp,visited_on,remarks"]
    for feature in layer.getFeatures():
        x, y = feature["x"], feature["y"]
        rows.append(f"{feature['uid']},{feature['name']},{x},{y},not_confirmed,false,2026-05-01,")
    table.write_text("\n".join(rows), encoding="utf-8")
    uri = f"{table.as_uri()}?delimiter=,&detectTypes=no&xField=x&yField=y&crs=EPSG:32648"
    master = QgsVectorLayer(uri, "master", "delimitedtext")
    assert master.isValid() and master.featureCount() == 5
    parameters = {"MASTER": master, "COPIES": [str(returned)], "SITES": str(tmp_path / "merged.gpkg")}
    assert run("mergesurvey", parameters)["CONFLICT_COUNT"] == 2
    merged = {feature["name"]: feature for feature in QgsVectorLayer(parameters["SITES"]).getFeatures()}
    assert merged["S02"]["result"] == "confirmed" and merged["S02"]["scarp"] is True
    assert merged["S01"]["visited_on"] == QDate(2026, 5, 1) and merged["S01"]["scarp"] is False


def test_photos_need_a_place(run, package, returned, tmp_path):
    parameters = {"MASTER": str(package / "survey.gpkg"), "COPIES": [str(returned)], "SITES": "TEMPORARY_OUTPUT"}
    with pytest.raises(QgsProcessingException, match="Folder for photos"):
        run("mergesurvey", parameters)
    result = run("mergesurvey", {**parameters, "PHOTO_FOLDER": str(tmp_path / "photos")})
    names = {feature["name"]: feature["photo_1"] for feature in result["SITES"].getFeatures()}
    assert names["S02"] == str(tmp_path / "photos" / "S02.jpg")


def test_a_failed_or_cancelled_merge_leaves_nothing(run, package, returned, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    parameters = {
        "MASTER": str(package / "survey.gpkg"), "COPIES": [str(returned)], "SITES": str(folder / "merged.gpkg"),
        "REPORT": str(folder / "report.html"),
    }  # fmt: skip
    for percent in (1, 45, 90):
        with pytest.raises(QgsProcessingException, match="cancelled"):
            run("mergesurvey", parameters, Feedback(cancel_at=percent))
        assert list(folder.iterdir()) == []
    with pytest.raises(QgsProcessingException, match=r"There is no file .*gone"):
        run("mergesurvey", {**parameters, "COPIES": [str(folder / "gone")]})
    assert list(folder.iterdir()) == []


def test_a_package_that_is_given_twice_counts_once(run, package, returned, tmp_path):
    feedback = Feedback()
    copies = [str(returned), str(returned / "survey.gpkg"), str(returned)]
    parameters = {"MASTER": str(package / "survey.gpkg"), "COPIES": copies, "SITES": str(tmp_path / "m.gpkg")}
    result = run("mergesurvey", parameters, feedback)
    assert (result["CHANGED"], result["CONFLICT_COUNT"], result["DELETED"]) == (1, 0, 1)
    assert sum("given twice" in warning for warning in feedback.warnings) == 2


def test_master_and_copy_may_be_swapped_without_losing_an_answer(run, package, returned, tmp_path):
    feedback = Feedback()
    parameters = {
        "MASTER": f"{returned / 'survey.gpkg'}|layername=sites", "COPIES": [str(package)],
        "SITES": str(tmp_path / "m.gpkg"),
    }  # fmt: skip
    result = run("mergesurvey", parameters, feedback)
    sites = {feature["name"]: feature for feature in QgsVectorLayer(result["SITES"]).getFeatures()}
    assert sites["S02"]["result"] == "confirmed" and sites["S02"]["remarks"] == "新鲜陡坎" and len(sites) == 5
    assert {site["stratum"] for site in sites.values()} == {"all"} and sites["S04"]["stratum_size"] == 7
    told = " ".join(feedback.warnings)
    assert "no answers at all" in told and "S04" in told


def test_the_master_itself_as_a_copy_is_told(run, package, tmp_path):
    feedback = Feedback()
    parameters = {
        "MASTER": f"{package / 'survey.gpkg'}|layername=sites", "COPIES": [str(package)],
        "SITES": str(tmp_path / "m.gpkg"),
    }  # fmt: skip
    assert run("mergesurvey", parameters, feedback)["CHANGED"] == 0
    assert "is the master itself" in " ".join(feedback.warnings)


def test_a_master_with_a_site_that_has_no_point_is_refused(run, package, returned, tmp_path):
    master = shutil.copytree(package, tmp_path / "master") / "survey.gpkg"
    layer = QgsVectorLayer(f"{master}|layername=sites")
    with edit(layer):
        layer.changeGeometry(next(layer.getFeatures()).id(), QgsGeometry())
    layer = None
    with pytest.raises(QgsProcessingException, match="has sites without a point"):
        run("mergesurvey", {"MASTER": str(master), "COPIES": [str(returned)], "SITES": str(tmp_path / "m.gpkg")})
    assert not (tmp_path / "m.gpkg").exists()
