"""createsamples through processing.run, and its results as QGIS layers."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

from ada_mapper.core.samples import SampleSet
from recording_feedback import Feedback
from small_rasters import CRS, write

SIZE = 256
LEFT, TOP = 500000.0, 3500000.0


def rectangle(row: float, column: float, height: float, width: float) -> QgsGeometry:
    """A rectangle given in pixels of the scene."""
    corner = LEFT + 30 * column, TOP - 30 * (row + height)
    return QgsGeometry.fromRect(QgsRectangle(*corner, corner[0] + 30 * width, corner[1] + 30 * height))


def polygon_layer(shapes, name: str = "labels", crs: str = CRS) -> QgsVectorLayer:
    """A memory layer of (geometry, class) pairs."""
    layer = QgsVectorLayer(f"MultiPolygon?crs={crs}&field=class:string", name, "memory")
    for geometry, value in shapes:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(geometry)
        feature.setAttributes([value])
        assert layer.dataProvider().addFeature(feature)
    layer.updateExtents()
    return layer


def scattered():
    """Sixteen active areas and two doubtful ones."""
    shapes = [(rectangle(20 + 60 * i, 20 + 60 * j, 15, 12), "active") for i in range(4) for j in range(4)]
    return [*shapes, (rectangle(50, 5, 8, 8), "doubtful"), (rectangle(110, 110, 8, 8), "doubtful")]


@pytest.fixture
def parameters(tmp_path):
    random = np.random.default_rng(0)
    rate = random.normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    dem = np.add.outer(np.arange(SIZE), np.arange(SIZE)).astype(np.float32)
    return {
        "SCENE": "west",
        "PHASE_RATE": write(tmp_path / "rate.tif", rate, "phase_rate", "rad/yr", SIGN="away"),
        "DEM": write(tmp_path / "dem.tif", dem, "dem", "m"),
        "LABELS": polygon_layer(scattered()),
        "CLASS_FIELD": "class",
        "AREA_CLASSES": "active",
        "TILE_SIZE": 64,
        "BLOCK_SIZE": 1.9,
        "OUTPUT_FOLDER": str(tmp_path / "samples"),
    }


def test_evidence_is_kept_in_the_units_of_training(run, parameters, tmp_path):
    random = np.random.default_rng(4)
    error, closure = random.uniform(0.5, 9, (SIZE, SIZE)), random.uniform(0, 1, (SIZE, SIZE))
    closure[40:60] = np.nan
    evidence = {
        "STANDARD_ERROR": write(tmp_path / "error.tif", error / 1000, "standard_error", "m/yr"),
        "CLOSURE": write(tmp_path / "closure.tif", closure, "closure", "1"),
    }
    samples = SampleSet(run("createsamples", {**parameters, **evidence})["OUTPUT_FOLDER"])
    assert [kind.value for kind in samples.layers] == ["phase_rate", "dem", "standard_error", "closure"]
    # Tiles of the lattice reach beyond the scene, where there is no data.
    error, closure = (np.pad(values, 64, constant_values=np.nan) for values in (error, closure))
    seen = 0
    for role in ("training", "validation", "test"):
        tiles = samples.tiles(role)
        for number, record in enumerate(tiles.records):
            inside = (slice(record.row + 64, record.row + 128), slice(record.column + 64, record.column + 128))
            layers = tiles[number].layers
            np.testing.assert_allclose(layers["standard_error"], error[inside], rtol=1e-3)
            np.testing.assert_allclose(layers["closure"], closure[inside], rtol=1e-3, atol=1e-4)
            seen += 1
    assert seen >= 3


def test_samples_open_as_layers(run, parameters):
    feedback = Feedback()
    result = run("createsamples", parameters, feedback)
    samples = SampleSet(result["OUTPUT_FOLDER"])
    assert result["AREA_COUNT"] == 16 == samples.statistics["areas"]
    tiles = QgsVectorLayer(result["TILES"], "tiles")
    assert tiles.isValid() and tiles.featureCount() == result["TILE_COUNT"] == len(samples.records)
    assert tiles.crs().authid() == CRS
    assert {feature["role"] for feature in tiles.getFeatures()} == {"training", "validation", "test"}
    assert tiles.renderer().type() == "categorizedSymbol"
    assert QgsVectorLayer(result["LABEL_PROBLEMS"], "problems").isValid()
    name = samples.records[0].name
    layers = QgsRasterLayer(str(samples.folder / "tiles" / f"{name}_layers.tif"))
    assert [layers.bandName(band) for band in (1, 2)] == ["Band 1: phase_rate", "Band 2: dem"]
    label = QgsRasterLayer(str(samples.folder / "tiles" / f"{name}_label.tif"))
    assert label.isValid() and label.renderer().type() == "paletted"
    assert feedback.fractions[-1] == pytest.approx(100)
    assert "No mapped extent" in feedback.log
    # 15 × 12 pixels each; no pixel of a doubtful one is background.
    assert samples.statistics["area_pixels"] + crossing_pixels(samples) == 16 * 15 * 12
    assert samples.statistics["ignored_pixels"] >= 2 * 8 * 8


def crossing_pixels(samples: SampleSet) -> int:
    """Ignored pixels inside the scene, but for the doubtful areas: those of areas that cross into another role."""
    ignored = 0
    for role in ("training", "validation", "test"):
        tiles = samples.tiles(role)
        for record, tile in zip(tiles.records, tiles):
            rows, columns = np.mgrid[record.row : record.row + 64, record.column : record.column + 64]
            inside = (rows >= 0) & (rows < SIZE) & (columns >= 0) & (columns < SIZE)
            ignored += int(((tile.label == 255) & inside).sum())
    return ignored - 2 * 8 * 8


def test_scenes_are_added_and_an_error_changes_nothing(run, parameters, tmp_path):
    run("createsamples", parameters)
    run("createsamples", {**parameters, "SCENE": "east"})
    folder = tmp_path / "samples"
    assert SampleSet(folder).scenes == ("west", "east")
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    feedback = Feedback(cancel_at=60)
    with pytest.raises(QgsProcessingException):
        run("createsamples", {**parameters, "SCENE": "north"}, feedback)
    with pytest.raises(QgsProcessingException, match="has the layers phase rate, DEM"):
        run("createsamples", {**parameters, "DEM": None})
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_other_polygons_in_another_crs_and_invalid_outlines(run, parameters):
    bow = QgsGeometry.fromWkt(
        f"MULTIPOLYGON((({LEFT + 3000} {TOP - 3000},{LEFT + 3600} {TOP - 3600},{LEFT + 3600} {TOP - 3000},"
        f"{LEFT + 3000} {TOP - 3600},{LEFT + 3000} {TOP - 3000})))"
    )
    shapes = [*scattered()[:5], (bow, "active")]
    parameters = {
        **parameters,
        "LABELS": polygon_layer(shapes),
        "EXTENT": polygon_layer([(rectangle(0, 0, 128, 256), "")], "extent"),
        "IGNORED": polygon_layer([(QgsGeometry.fromRect(QgsRectangle(0, 0, 1, 1)), "")], "far away", "EPSG:4326"),
    }
    feedback = Feedback()
    result = run("createsamples", parameters, feedback)
    assert "invalid: 1 (label 6)" in feedback.log and "No mapped extent" not in feedback.log
    problems = QgsVectorLayer(result["LABEL_PROBLEMS"], "problems")
    assert [(row["label"], row["problem"]) for row in problems.getFeatures()] == [(6, "invalid")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AREA_CLASSES": ""}, "Its values are active, doubtful"),
        ({"AREA_CLASSES": "active, moving"}, "“moving” is none of its values"),
        ({"PHASE_RATE": None}, "need a phase rate or a LOS rate"),
        ({"VALIDATION": 60, "TEST": 60}, "must leave some for training"),
        ({"LABELS": polygon_layer([(rectangle(9000, 0, 9, 9), "active")])}, "lies on the scene"),
        ({"LABELS": polygon_layer(scattered(), crs="")}, "coordinate reference system"),
    ],
)
def test_errors_say_what_to_do(run, parameters, tmp_path, changes, message):
    with pytest.raises(QgsProcessingException, match=message):
        run("createsamples", {**parameters, **changes})
    assert not (tmp_path / "samples").exists()


def test_a_temporary_folder_and_help(run, parameters, plugin):
    result = run("createsamples", {**parameters, "OUTPUT_FOLDER": "TEMPORARY_OUTPUT"})
    assert len(SampleSet(result["OUTPUT_FOLDER"]).records) == result["TILE_COUNT"]
    algorithm = plugin.provider.algorithm("createsamples")
    assert all(definition.help() for definition in algorithm.parameterDefinitions())


def test_classes_are_the_same_in_any_case(run, parameters):
    """One that was typed again is neither lost nor taken as other ground."""
    shapes = scattered()
    shapes[0], shapes[5] = (shapes[0][0], "Active "), (shapes[5][0], "ACTIVE")
    feedback = Feedback()
    result = run("createsamples", {**parameters, "LABELS": polygon_layer(shapes), "AREA_CLASSES": "Active"}, feedback)
    assert result["AREA_COUNT"] == 16 and "“ACTIVE”" in " ".join(feedback.warnings)


def test_a_class_field_that_is_not_there_is_told(run, parameters, tmp_path):
    with pytest.raises(QgsProcessingException, match=r"The layer labels has no field kind. Its fields are: class"):
        run("createsamples", {**parameters, "CLASS_FIELD": "kind"})
    assert not (tmp_path / "samples").exists()


def test_classes_without_their_field_are_told(run, parameters):
    feedback = Feedback()
    run("createsamples", {**parameters, "CLASS_FIELD": ""}, feedback)
    said = [text for text in feedback.warnings if text.startswith("Classes of areas are given, but no class field of ")]
    assert len(said) == 1 and said[0].endswith("all its polygons are areas.")
