"""Decisions in the areas' layer: fields, saving, redrawn outlines, styles, faults; and labels made of them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProcessingException, QgsProject, QgsVectorFileWriter, QgsVectorLayer

from ada_mapper.core.errors import OutputError
from ada_mapper.processing.layers import review

MEMORY = (
    "MultiPolygon?crs=EPSG:32632&field=id:integer&field=orbit:string&field=area_km2:double"
    "&field=longitude:double&field=latitude:double"
)


def square(x: float, side: float = 100.0) -> QgsGeometry:
    """A square MultiPolygon whose lower left corner is at x, 5 000 000."""
    y = 5_000_000
    ring = f"{x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y}"
    return QgsGeometry.fromWkt(f"MultiPolygon ((({ring})))")


def areas_in_memory(count: int = 4) -> QgsVectorLayer:
    """Areas of the ascending orbit, 1 to ``count``, without review."""
    layer = QgsVectorLayer(MEMORY, "areas", "memory")
    features = []
    for number in range(1, count + 1):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([number, "ascending", 0.01, 9.0, 45.0])
        feature.setGeometry(square(500_000 + 500 * number))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def areas_file(folder: Path, driver: str = "GPKG", name: str = "areas.gpkg") -> QgsVectorLayer:
    """The same in a file."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = driver
    path = str(folder / name)
    memory = areas_in_memory()
    QgsVectorFileWriter.writeAsVectorFormatV3(memory, path, QgsProject.instance().transformContext(), options)
    layer = QgsVectorLayer(path, "areas", "ogr")
    assert layer.isValid()
    return layer


def by_id(layer: QgsVectorLayer) -> dict[int, QgsFeature]:
    return {feature["id"]: feature for feature in layer.getFeatures()}


def test_decisions_are_in_the_file_at_once(qgis_app: Any, tmp_path: Path) -> None:
    """Another reader of the file sees decision, note, date and name; taking it back empties them."""
    layer = areas_file(tmp_path)
    first = by_id(layer)[1].id()
    review.decide(layer, first, review.ACCEPTED, "Ada", note=" cracks seen ")
    assert not layer.isEditable()
    other = QgsVectorLayer(layer.source(), "copy", "ogr")
    seen = by_id(other)[1]
    assert (seen["review"], seen["review_note"], seen["reviewer"]) == ("accepted", "cracks seen", "Ada")
    assert len(seen["reviewed_on"]) == 10
    assert review.count_decisions(layer) == {"accepted": 1, "": 3}
    review.decide(layer, first, None, "Ada")
    assert review.count_decisions(layer) == {"": 4}
    assert by_id(layer)[1]["review_note"] == "cracks seen"
    assert review.is_prepared_for_review(layer)


def test_fields_are_added_once_and_kept(qgis_app: Any) -> None:
    layer = areas_in_memory()
    assert not review.is_prepared_for_review(layer)
    assert review.count_decisions(layer) == {"": 4}
    review.prepare_review(layer)
    review.prepare_review(layer)
    names = [field.name() for field in layer.fields()]
    assert names[-5:] == ["review", "review_note", "reviewed_on", "reviewer", "outline_changed"]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("keep", [True, False])
def test_a_session_of_the_user_goes_on(qgis_app: Any, tmp_path: Path, keep: bool) -> None:
    """A decision is in the file at once; the edits of the session are not, and stay the user's to save or discard."""
    layer = areas_file(tmp_path)
    second = by_id(layer)[2].id()
    layer.startEditing()
    layer.changeGeometry(second, square(500_000, 300.0))
    layer.changeAttributeValue(second, layer.fields().indexOf("orbit"), "descending")
    review.decide(layer, second, review.UNSURE, "")
    assert layer.isEditable() and layer.isModified()
    seen = by_id(QgsVectorLayer(layer.source(), "copy", "ogr"))[2]
    assert (seen["review"], seen["orbit"]) == ("unsure", "ascending")
    assert seen.geometry().area() == pytest.approx(1e4)
    assert review.count_decisions(layer) == {"unsure": 1, "": 3}
    assert layer.commitChanges() if keep else layer.rollBack()
    seen = by_id(QgsVectorLayer(layer.source(), "copy", "ogr"))[2]
    assert (seen["review"], seen["orbit"]) == ("unsure", "descending" if keep else "ascending")
    assert seen.geometry().area() == pytest.approx(9e4 if keep else 1e4)


def test_an_area_that_is_not_saved_yet_says_so(qgis_app: Any, tmp_path: Path) -> None:
    layer = areas_file(tmp_path)
    review.prepare_review(layer)
    layer.startEditing()
    area = QgsFeature(layer.fields())
    area.setGeometry(square(500_000))
    layer.addFeature(area)
    with pytest.raises(OutputError, match="not saved in the layer areas yet"):
        review.decide(layer, area.id(), review.ACCEPTED, "")
    assert layer.commitChanges() and layer.featureCount() == 5


def test_an_outline_drawn_in_a_session_is_one_of_its_edits(qgis_app: Any, tmp_path: Path) -> None:
    """It can be undone and discarded with them."""
    layer = areas_file(tmp_path)
    first = by_id(layer)[1].id()
    layer.startEditing()
    review.replace_outline(layer, first, square(500_500, 300.0))
    assert layer.getFeature(first).geometry().area() == pytest.approx(9e4)
    layer.undoStack().undo()
    assert layer.getFeature(first).geometry().area() == pytest.approx(1e4)
    layer.undoStack().redo()
    assert layer.rollBack()
    assert by_id(layer)[1].geometry().area() == pytest.approx(1e4)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_read_only_layer_says_so(qgis_app: Any, tmp_path: Path) -> None:
    layer = areas_file(tmp_path)
    review.prepare_review(layer)
    layer.setReadOnly(True)
    with pytest.raises(OutputError, match="can't be written to"):
        review.decide(layer, by_id(layer)[1].id(), review.ACCEPTED, "")
    assert review.count_decisions(layer) == {"": 4}


def test_a_locked_file_says_so_and_keeps_its_state(qgis_app: Any, tmp_path: Path) -> None:
    """While another program writes into the GeoPackage nothing is lost: the layer is as it was, out of its session."""
    layer = areas_file(tmp_path)
    review.prepare_review(layer)
    other = sqlite3.connect(layer.source().split("|")[0], timeout=0.1)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(OutputError, match="can't be written to"):
            review.decide(layer, 1, review.ACCEPTED, "")
    finally:
        other.rollback()
        other.close()
    assert not layer.isEditable()
    assert review.count_decisions(layer) == {"": 4}


def test_a_format_with_short_field_names_says_so(qgis_app: Any, tmp_path: Path) -> None:
    """A Shapefile cuts names to ten letters, so it can't hold a review."""
    layer = areas_file(tmp_path, "ESRI Shapefile", "areas.shp")
    before = layer.fields().names()
    with pytest.raises(OutputError, match="GeoPackage"):
        review.decide(layer, by_id(layer)[1].id(), review.ACCEPTED, "")
    assert layer.fields().names() == before


@pytest.mark.parametrize(
    "written, meant",
    [
        ("accepted", "accepted"), ("Accepted", "accepted"), (" REJECTED ", "rejected"), ("Un-sure", "unsure"),
        ("yes", None), ("", None), (None, None), (7, None),
    ],
)  # fmt: skip
def test_a_decision_is_what_it_says(written: Any, meant: str | None) -> None:
    assert review.decision_of(written) == meant


def test_a_redrawn_outline_is_measured(qgis_app: Any, tmp_path: Path) -> None:
    """Size and place follow the outline, and it is marked; a self-crossing outline is repaired, a line refused."""
    layer = areas_file(tmp_path)
    first = by_id(layer)[1].id()
    review.replace_outline(layer, first, square(500_500, 300.0))
    area = by_id(layer)[1]
    assert area["area_km2"] == pytest.approx(0.09, rel=2e-3)
    assert bool(area["outline_changed"])
    assert area["latitude"] == pytest.approx(45.154, abs=0.01)
    assert not by_id(layer)[2]["outline_changed"]
    bow = QgsGeometry.fromWkt(
        "Polygon ((500000 5000000, 500100 5000100, 500100 5000000, 500000 5000100, 500000 5000000))"
    )
    review.replace_outline(layer, first, bow)
    assert by_id(layer)[1]["area_km2"] == pytest.approx(0.005, rel=0.01)
    assert by_id(layer)[1].geometry().isGeosValid()
    with pytest.raises(OutputError, match="no polygon"):
        review.replace_outline(layer, first, QgsGeometry.fromWkt("LineString (0 0, 1 1)"))
    assert not layer.isEditable()


def test_the_style_shows_decisions_beside_the_orbit_style(qgis_app: Any) -> None:
    """A second style appears once; the first stays, and a choice of the user is respected."""
    layer = areas_in_memory()
    review.prepare_review(layer)
    before = layer.styleManager().currentStyle()
    review.style_review(layer)
    assert layer.styleManager().styles() == [before, "review"]
    lines, colours = {}, {}
    for category in layer.renderer().categories():
        lines[category.value()] = category.symbol().symbolLayer(0).strokeStyle()
        colours[category.value()] = category.symbol().symbolLayer(0).strokeColor().name()
    assert len({lines["accepted"], lines["rejected"], lines["unsure"]}) == 3
    # The areas are of the ascending orbit, which is orange, as in the paper.
    assert colours["accepted"] == colours[""] == "#ff7f00" != colours["rejected"]
    layer.styleManager().setCurrentStyle(before)
    review.style_review(layer)
    assert layer.styleManager().currentStyle() == before


def reviewed() -> QgsVectorLayer:
    """Four areas: accepted, rejected, unsure, not reviewed."""
    layer = areas_in_memory()
    areas = by_id(layer)
    for number, decision in enumerate(review.DECISIONS, 1):
        review.decide(layer, areas[number].id(), decision, "Ada", note=f"note {number}")
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_labels_of_a_review(run: Callable[..., dict[str, Any]], qgis_new_project: None) -> None:
    """Accepted are landslides, rejected are left out, unsure and not reviewed are ignored."""
    answer = run("labelsfromreview", {"AREAS": reviewed(), "LABELS": "memory:"})
    labels = {feature["area_id"]: feature["label"] for feature in answer["LABELS"].getFeatures()}
    assert labels == {1: "landslide", 3: "ignored", 4: "ignored"}
    assert (answer["LANDSLIDE_COUNT"], answer["IGNORED_COUNT"], answer["BACKGROUND_COUNT"]) == (1, 2, 1)


def test_areas_without_decision_may_be_background(run: Callable[..., dict[str, Any]], qgis_new_project: None) -> None:
    answer = run("labelsfromreview", {"AREAS": reviewed(), "UNREVIEWED": "background", "LABELS": "memory:"})
    assert {feature["area_id"] for feature in answer["LABELS"].getFeatures()} == {1, 3}


def test_labels_that_cannot_be_written_leave_no_file(run: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    layer = QgsVectorLayer("MultiPolygon?crs=EPSG:32632&field=id:string&field=review:string", "areas", "memory")
    area = QgsFeature(layer.fields())
    area.setAttributes(["no number", "accepted"])
    area.setGeometry(square(500_000))
    layer.dataProvider().addFeature(area)
    with pytest.raises(QgsProcessingException, match="Could not write"):
        run("labelsfromreview", {"AREAS": layer, "LABELS": str(tmp_path / "labels.gpkg")})
    assert list(tmp_path.iterdir()) == []


def test_labels_need_a_review_with_an_accepted_area(run: Callable[..., dict[str, Any]], qgis_new_project: None) -> None:
    layer = areas_in_memory()
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="no field review"):
        run("labelsfromreview", {"AREAS": layer, "LABELS": "memory:"})
    review.prepare_review(layer)
    with pytest.raises(QgsProcessingException, match="accepted yet"):
        run("labelsfromreview", {"AREAS": layer, "LABELS": "memory:"})
