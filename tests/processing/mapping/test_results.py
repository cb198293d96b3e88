"""The results of a run appear whole and together, or not at all, whatever format and place they have."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsProject,
    QgsVectorLayer,
)
from small_disk import longest_file

from ada_mapper.core.errors import OutputError
from ada_mapper.processing import styles
from recording_feedback import Feedback
from small_rasters import write

RULES = {"THRESHOLD": 0.5, "LOW_THRESHOLD": 0.3, "MIN_AREA": 900}
AREAS = 400


@pytest.fixture
def many(tmp_path):
    """A probability with 20 × 20 areas."""
    values = np.zeros((400, 400), np.float32)
    for row in range(0, 400, 20):
        for column in range(0, 400, 20):
            values[row : row + 10, column : column + 10] = 0.95
    return write(tmp_path / "many.tif", values, "probability", "1")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def attributes(path: str) -> list[tuple[object, ...]]:
    """What the areas of a file hold, its own numbers left out."""
    layer = QgsVectorLayer(path)
    assert layer.isValid()
    names = [field.name() for field in layer.fields() if field.name() not in ("fid", "ogc_fid")]
    return [tuple(feature[name] for name in names) for feature in layer.getFeatures()]


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "gml", "tab"])
def test_a_full_disk_leaves_what_was_there(run, tmp_path, many, suffix):
    """Wherever the disk is full; what takes its place is all of it."""
    folder = tmp_path / "results"
    folder.mkdir()
    target = folder / f"areas.{suffix}"
    parameters = {"PROBABILITY": many, **RULES, "AREAS": str(target)}
    run("extractareas", parameters)
    was, whole = contents(folder), attributes(str(target))
    assert len(whole) == AREAS
    largest = max(len(content) for content in was.values())
    refused = 0
    for share in (0.3, 0.6, 0.9, 0.97):
        try:
            with longest_file(int(share * largest)):
                run("extractareas", parameters)
        except QgsProcessingException as error:
            refused += 1
            assert f"areas.{suffix} can't be" in str(error) and ".results-" not in str(error)
            assert contents(folder) == was
        else:
            # SQLite has room to spare in a file.
            assert attributes(str(target)) == whole
            was = contents(folder)
    assert refused >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the run that is killed is a copy of this process")
@pytest.mark.parametrize("suffix", ["gpkg", "shp"])
def test_a_run_that_is_killed_while_it_writes_leaves_the_layer_before(run, tmp_path, many, probability, suffix):
    from ada_mapper.processing.layers import areas

    folder = tmp_path / "results"
    folder.mkdir()
    target = folder / f"areas.{suffix}"
    run("extractareas", {"PROBABILITY": probability, **RULES, "AREAS": str(target)})
    was = contents(folder)
    child = os.fork()
    if child == 0:
        made = areas._feature

        def killing(area, fields):
            if area.attributes["id"] == AREAS // 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return made(area, fields)

        areas._feature = killing
        try:
            run("extractareas", {"PROBABILITY": many, **RULES, "AREAS": str(target)})
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == was
    assert len(attributes(str(target))) == 3


@pytest.fixture
def shared(tmp_path):
    """A GeoPackage with a layer of somebody's own, and the way to name a table of it."""
    file = tmp_path / "shared.gpkg"
    own = QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", "own", "memory")
    from qgis.core import QgsFeature, QgsGeometry, QgsVectorFileWriter

    feature = QgsFeature(own.fields())
    feature.setGeometry(QgsGeometry.fromWkt("POINT(1 2)"))
    feature["name"] = "mine"
    own.dataProvider().addFeatures([feature])
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = "own"
    QgsVectorFileWriter.writeAsVectorFormatV3(own, str(file), QgsProject.instance().transformContext(), options)
    return file, f"ogr:dbname='{file}' table=\"areas\" (geom)"


def own_features(file: Path) -> list[tuple[str, str]]:
    layer = QgsVectorLayer(f"{file}|layername=own")
    return [(feature["name"], feature.geometry().asWkt()) for feature in layer.getFeatures()]


def test_a_table_of_a_geopackage_is_replaced_and_the_others_stay(run, shared, many, probability):
    file, table = shared
    first = run("extractareas", {"PROBABILITY": many, **RULES, "AREAS": table})
    assert first["AREAS"] == f"{file}|layername=areas"
    assert len(attributes(first["AREAS"])) == AREAS
    again = run("extractareas", {"PROBABILITY": probability, **RULES, "AREAS": table})
    plain = run("extractareas", {"PROBABILITY": probability, **RULES, "AREAS": str(file.with_name("plain.gpkg"))})
    assert attributes(again["AREAS"]) == attributes(plain["AREAS"])
    geometries = [
        [feature.geometry().asWkb() for feature in QgsVectorLayer(result["AREAS"]).getFeatures()]
        for result in (again, plain)
    ]
    assert geometries[0] == geometries[1]
    assert own_features(file) == [("mine", "Point (1 2)")]
    # A style beside the file would be one for all its tables.
    assert not file.with_suffix(".qml").exists()
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM gpkg_contents").fetchall() == [(2,)]


def test_a_table_that_finds_no_room_leaves_the_geopackage_as_it_was(run, shared, many, probability):
    file, table = shared
    run("extractareas", {"PROBABILITY": probability, **RULES, "AREAS": table})
    before = attributes(f"{file}|layername=areas")
    for size in (file.stat().st_size // 2, file.stat().st_size + 8192):
        with pytest.raises(QgsProcessingException, match=r"shared\.gpkg can't be"), longest_file(size):
            run("extractareas", {"PROBABILITY": many, **RULES, "AREAS": table})
        assert attributes(f"{file}|layername=areas") == before
        assert own_features(file) == [("mine", "Point (1 2)")]
        assert not [path.name for path in file.parent.iterdir() if path.name.startswith(".")]


def test_a_table_is_refused_while_another_program_writes_in_the_geopackage(run, shared, probability):
    file, table = shared
    with sqlite3.connect(file, isolation_level=None) as database:
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(QgsProcessingException, match=r"shared\.gpkg can't be written.*open in QGIS"):
            run("extractareas", {"PROBABILITY": probability, **RULES, "AREAS": table})
        database.execute("ROLLBACK")
    assert own_features(file) == [("mine", "Point (1 2)")]


def test_layers_are_loaded_from_their_places(plugin, shared, tmp_path, probability):
    """As the dialog runs a tool, for a file and for a table of a GeoPackage."""
    file, table = shared
    for target, expected in (
        (str(tmp_path / "areas.shp"), str(tmp_path / "areas.shp")),
        (table, f"{file}|layername=areas"),
    ):
        context = QgsProcessingContext()
        project = QgsProject()
        context.setProject(project)
        output = QgsProcessingOutputLayerDefinition(target, project)
        algorithm = QgsApplication.processingRegistry().algorithmById("adamapper:extractareas").create()
        result, success = algorithm.run({"PROBABILITY": probability, **RULES, "AREAS": output}, context, Feedback())
        assert success and result["AREAS"] == expected
        ((name, details),) = context.layersToLoadOnCompletion().items()
        assert name == expected and details.name == "Active deformation areas" and details.outputName == "AREAS"
        assert isinstance(details.postProcessor(), styles.LayerStyler)
        layer = QgsProcessingUtils.mapLayerFromString(name, context)
        assert layer.featureCount() == 3
        details.postProcessor().postProcessLayer(layer, context, Feedback())
        assert layer.renderer().type() == "categorizedSymbol"


def test_a_model_hands_a_file_to_its_next_step(plugin, tmp_path, probability):
    model = QgsProcessingModelAlgorithm("two steps")
    model.addModelParameter(QgsProcessingParameterRasterLayer("P", "P"), QgsProcessingModelParameter("P"))
    extract = QgsProcessingModelChildAlgorithm("adamapper:extractareas")
    extract.setChildId("extract")
    extract.addParameterSources("PROBABILITY", [QgsProcessingModelChildParameterSource.fromModelParameter("P")])
    for name, value in RULES.items():
        extract.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    model.addChildAlgorithm(extract)
    sample = QgsProcessingModelChildAlgorithm("adamapper:samplesites")
    sample.setChildId("sample")
    source = QgsProcessingModelChildParameterSource.fromChildOutput("extract", "AREAS")
    sample.addParameterSources("AREAS", [source])
    sample.addParameterSources("COUNT", [QgsProcessingModelChildParameterSource.fromStaticValue(2)])
    outputs = {}
    for child, name in ((extract, "AREAS"), (sample, "SITES")):
        output = QgsProcessingModelOutput(name, name)
        output.setChildId(child.childId())
        output.setChildOutputName(name)
        outputs[name] = output
    sample.setModelOutputs({"sites": outputs["SITES"]})
    model.addChildAlgorithm(sample)
    model.childAlgorithm("extract").setModelOutputs({"areas": outputs["AREAS"]})
    model.updateDestinationParameters()
    context, project = QgsProcessingContext(), QgsProject()
    context.setProject(project)
    names = [definition.name() for definition in model.destinationParameterDefinitions()]
    places = {name: str(tmp_path / f"{name.split(':')[-1]}.gpkg") for name in names}
    parameters = {name: QgsProcessingOutputLayerDefinition(place, project) for name, place in places.items()}
    feedback = Feedback()
    result, success = model.run({"P": probability, **parameters}, context, feedback)
    assert success, feedback.log
    assert len(places) == 2
    assert {name: result[name] for name in names} == places
    assert set(context.layersToLoadOnCompletion()) == set(places.values())
    assert sorted(QgsVectorLayer(place).featureCount() for place in places.values()) == [2, 3]


@pytest.fixture
def dem(tmp_path):
    rows, _ = np.mgrid[:60, :60]
    return write(tmp_path / "dem.tif", (rows * 10.0).astype(np.float32), "elevation", "m")


def test_two_rasters_of_a_run_are_replaced_together_or_not_at_all(run, tmp_path, dem, monkeypatch):
    folder = tmp_path / "results"
    folder.mkdir()
    parameters = {"INPUT": dem, "OUTPUT": str(folder / "slope.tif"), "ASPECT": str(folder / "aspect.tif")}
    for name in ("slope.tif", "aspect.tif"):
        (folder / name).write_bytes(b"old")
    real = Path.replace

    def refuse(self: Path, place: Path) -> Path:
        if Path(place) == folder / "slope.tif":
            raise PermissionError(13, "it is open elsewhere")
        return real(self, place)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(QgsProcessingException, match=r"slope\.tif can't be written \(it is open elsewhere\)"):
            run("slope", parameters)
    assert contents(folder) == {"slope.tif": b"old", "aspect.tif": b"old"}
    run("slope", parameters)
    assert set(contents(folder)) == {"slope.tif", "slope.qml", "aspect.tif", "aspect.qml"}
    assert b"old" not in contents(folder).values()


def test_results_of_two_runs_are_not_taken_for_one(run, tmp_path, probability):
    """As a run leaves them that is killed between two of its results."""
    folder = tmp_path / "results"
    folder.mkdir()
    old = write(folder / "r.tif", np.full((9, 9), 1), "los_rate", "mm/yr")
    new = write(tmp_path / "new.tif", np.full((9, 9), 2), "los_rate", "mm/yr")
    ready = folder / ".results-adabbbbbbbb00000001.ready"
    ready.mkdir()
    Path(new).rename(ready / "r.tif")
    for path in (ready / "r.tif", ready):
        os.utime(path, (0, 0))
    parameters = {"PROBABILITY": probability, **RULES, "LOS_RATE": old, "AREAS": str(tmp_path / "areas.gpkg")}
    with pytest.raises(QgsProcessingException, match=r"results of two runs.*Now all are of the last one: r\.tif"):
        run("extractareas", parameters)
    assert [path.name for path in folder.iterdir()] == ["r.tif"]
    assert (gdal.Open(old).ReadAsArray() == 2).all()
    run("extractareas", parameters)


def test_a_cancel_at_the_last_moment_writes_nothing(run, tmp_path, dem, monkeypatch):
    """It comes while the styles are saved, when all else is done."""
    feedback = Feedback()
    real = styles.save_raster_style

    def saved(path: str, kind: str) -> None:
        real(path, kind)
        if kind == "aspect":
            feedback.cancel()

    monkeypatch.setattr(styles, "save_raster_style", saved)
    folder = tmp_path / "results"
    folder.mkdir()
    with pytest.raises(QgsProcessingException, match="nothing was written"):
        run("slope", {"INPUT": dem, "OUTPUT": str(folder / "s.tif"), "ASPECT": str(folder / "a.tif")}, feedback)
    assert contents(folder) == {}


def test_a_style_that_cannot_be_saved_is_told_and_costs_no_result(run, tmp_path, dem, probability, monkeypatch):
    def full(path: Path, text: str) -> None:
        raise OutputError("The disk is full: {path} can't be written.", path=path)

    monkeypatch.setattr(styles, "write_text", full)
    for name, parameters, output in (
        ("slope", {"INPUT": dem}, ("OUTPUT", "slope.tif")),
        ("extractareas", {"PROBABILITY": probability, **RULES}, ("AREAS", "areas.gpkg")),
    ):
        feedback = Feedback()
        target = tmp_path / output[1]
        run(name, {**parameters, output[0]: str(target)}, feedback)
        assert target.exists() and not target.with_suffix(".qml").exists()
        (told,) = [text for text in feedback.lines if "colours" in text]
        assert f"{target} opens without its colours" in told and "disk is full" in told and ".results-" not in told
