"""No result over what is read or over another one, in any tool; and a place that can't be is told before the work."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
    QgsProperty,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsSettings,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from ada_mapper.processing.algorithm import BUNDLED_MODEL
from ada_mapper.processing.outputs import vector_formats
from ada_mapper.processing.provider import ALGORITHMS
from every_parameter import ending_of, inputs_of, outputs_of, polygons
from recording_feedback import Feedback
from small_rasters import write

NAMES = sorted(tool.NAME for tool in ALGORITHMS)
BEGUN = "the work has begun"


@pytest.fixture
def no_work(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools stop where their work would begin."""

    def begun(*arguments: Any) -> None:
        raise QgsProcessingException(BEGUN)

    for tool in ALGORITHMS:
        monkeypatch.setattr(tool, "start", begun)


def tool_called(name: str) -> QgsProcessingAlgorithm:
    return QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}").create()


def told(tool: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> str:
    """The sentence that a run ends with; as a child of a model, past the checks of QGIS."""
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    outcome, success = tool.run(parameters, context, feedback)
    assert not success, outcome
    return feedback.lines[-1]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")
    }


def destinations(tool: QgsProcessingAlgorithm) -> list[Any]:
    return list(tool.destinationParameterDefinitions())


@pytest.mark.parametrize("name", NAMES)
def test_results_of_their_own_names_are_no_fault_and_their_folders_go_when_the_run_fails(
    no_work: None, tmp_path: Path, name: str
) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    assert told(tool, {**inputs, **outputs_of(tool, tmp_path)}) == BEGUN
    assert told(tool, {**inputs, **outputs_of(tool, tmp_path / "new" / "folder")}) == BEGUN
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_no_result_is_written_over_an_input(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    results = outputs_of(tool, tmp_path)
    for given, value in inputs.items():
        path = Path(value[0] if isinstance(value, list) else value)
        for definition in destinations(tool):
            is_of_its_kind = path.suffix == ending_of(definition)
            sentence = told(tool, {**inputs, **results, definition.name(): str(path)})
            assert str(path) in sentence and sentence.endswith("."), (given, sentence)
            if is_of_its_kind:
                title = tool.parameterDefinition(given).description()
                assert "would be written over" in sentence and title in sentence, (given, sentence)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_no_two_results_have_one_name(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path)
    before = contents(tmp_path)
    results = outputs_of(tool, tmp_path)
    for definition in destinations(tool):
        for other in destinations(tool):
            if other.name() == definition.name() or ending_of(definition) != ending_of(other):
                continue
            for same in (results[other.name()], str(tmp_path / "." / Path(results[other.name()]).name.upper())):
                sentence = told(tool, {**inputs, **results, definition.name(): same})
                assert "would be written over" in sentence or "doesn't end in" in sentence, sentence
                assert definition.description() in sentence or other.description() in sentence
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_can_not_be_is_told_before_the_work(no_work: None, tmp_path: Path, name: str) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path, with_optional=False)
    results = outputs_of(tool, tmp_path)
    for definition in destinations(tool):
        ending = ending_of(definition)
        places = {
            "file": tmp_path / "a_file" / f"below{ending}",
            "taken": tmp_path / f"taken{ending}",
            "long": tmp_path / f"{'n' * 300}{ending}",
            "letters": tmp_path / f"a\0b{ending}",
        }
        if sys.platform.startswith("linux"):
            places["rights"] = Path(f"/proc/no_rights{ending}")
        (tmp_path / "a_file").write_text("")
        if ending:
            places["taken"].mkdir()
            protected = places["protected"] = tmp_path / f"protected{ending}"
            protected.write_text("")
            protected.chmod(0o444)
        else:
            places["taken"].write_text("")
        before = contents(tmp_path)
        for fault, place in places.items():
            sentence = told(tool, {**inputs, **results, definition.name(): str(place)})
            assert sentence != BEGUN, (definition.name(), fault)
            assert place.name[:20].split("\0")[0] in sentence and sentence.endswith("."), (fault, sentence)
        assert contents(tmp_path) == before
        shutil.rmtree(places["taken"]) if ending else places["taken"].unlink()
        for place in places.values():
            if place.suffix and place.name.startswith("protected"):
                place.unlink()


@pytest.mark.parametrize("name", NAMES)
def test_another_format_than_the_one_that_is_written_is_told_before_the_work(
    no_work: None, tmp_path: Path, name: str
) -> None:
    tool = tool_called(name)
    inputs = inputs_of(tool, tmp_path, with_optional=False)
    results = outputs_of(tool, tmp_path)
    before = contents(tmp_path)
    for definition in destinations(tool):
        for ending in (".img", ".txt", ".dxf", ".qgz", ".") if ending_of(definition) else ():
            sentence = told(tool, {**inputs, **results, definition.name(): str(tmp_path / f"result{ending}")})
            assert "doesn't end in ." in sentence and definition.description() in sentence, sentence
        for place in ("/vsimem/result", "file:///result", "https://host/result"):
            sentence = told(tool, {**inputs, **results, definition.name(): f"{place}{ending_of(definition)}"})
            assert "is no file on this computer's disks" in sentence, sentence
    assert contents(tmp_path) == before


@pytest.fixture
def dem(tmp_path: Path) -> Path:
    return Path(write(tmp_path / "dem.tif", np.ones((40, 40), np.float32), "dem", "m"))


@pytest.fixture
def project() -> Iterator[QgsProject]:
    yield QgsProject.instance()
    QgsProject.instance().clear()


def refused_slope(dem: Any, output: Any) -> str:
    sentence = told(tool_called("slope"), {"INPUT": dem, "OUTPUT": output})
    assert "Slope would be written over Digital elevation model" in sentence, sentence
    return sentence


def test_links_and_other_spellings_of_an_input_are_the_input(
    no_work: None, dem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "soft.tif").symlink_to(dem)
    os.link(dem, tmp_path / "hard.tif")
    (tmp_path / "linked").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    # GDAL writes statistics beside a file when it is closed: in another folder, if its path is relative.
    monkeypatch.setenv("GDAL_PAM_ENABLED", "NO")
    for name in ("soft.tif", "hard.tif", "linked/dem.tif", "linked/./linked/dem.tif"):
        refused_slope(str(dem), str(tmp_path / name))
        refused_slope(str(tmp_path / name), str(dem))
    refused_slope("dem.tif", str(dem))
    refused_slope(str(dem), "./dem.tif")


def test_a_layer_of_the_project_is_its_file(no_work: None, dem: Path, project: QgsProject) -> None:
    layer = QgsRasterLayer(str(dem), "height")
    project.addMapLayer(layer)
    for value in (layer, layer.id(), "height", QgsProperty.fromValue(str(dem)), QgsProperty.fromExpression(f"'{dem}'")):
        refused_slope(value, str(dem))
    refused_slope(str(dem), QgsProperty.fromExpression(f"'{dem}'"))


def test_options_and_sub_datasets_of_a_file_are_the_file(no_work: None, dem: Path, tmp_path: Path) -> None:
    refused_slope(f"{dem}|option:NUM_THREADS=1", str(dem))
    vrt = tmp_path / "mosaic.vrt"
    gdal.BuildVRT(str(vrt), [str(dem)]).FlushCache()
    refused_slope(str(vrt), str(dem))


def test_what_belongs_to_an_input_is_not_replaced(no_work: None, dem: Path, tmp_path: Path) -> None:
    """The style of the new layer has the name of the style of the input."""
    (tmp_path / "probability.qml").write_text("style")
    probability = write(tmp_path / "probability.tif", np.ones((40, 40), np.float32), "probability", "1")
    parameters = {"PROBABILITY": probability, "AREAS": str(tmp_path / "probability.gpkg")}
    sentence = told(tool_called("extractareas"), parameters)
    assert "Active deformation areas would be written over Probability" in sentence and "probability.qml" in sentence
    results = {"AREAS": str(tmp_path / "a.gpkg"), "PROBABILITY": str(tmp_path / "A.tif")}
    tool = tool_called("mapactiveareas")
    (tmp_path / "pairs").mkdir()
    inputs = {"INPUT_FOLDER": str(tmp_path / "pairs"), "DEM": str(dem)}
    others = {name: str(tmp_path / f"{name}.tif") for name in ("PHASE_RATE", "LOS_RATE", "SLOPE")}
    assert "would be written over" in told(tool, {**inputs, **others, **results})


def test_a_file_of_an_input_folder_is_not_replaced_and_an_earlier_result_is(
    no_work: None, dem: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    pair = Path(write(folder / "20200101_20200113.tif", np.ones((40, 40), np.float32), "unw_phase", "rad"))
    earlier = write(folder / "los.tif", np.ones((40, 40), np.float32), "los_rate", "mm/yr")
    (folder / "report.html").write_text("")
    outside = tmp_path / "outside.tif"
    shutil.copy(dem, outside)
    (folder / "linked.tif").symlink_to(outside)
    tool = tool_called("stackinterferograms")
    common = {"INPUT_FOLDER": str(folder), "PHASE_RATE": str(tmp_path / "phase.tif")}
    for place in (pair, outside, folder / "linked.tif"):
        sentence = told(tool, {**common, "LOS_RATE": str(place)})
        assert "LOS rate would be written over a file of Folder of interferograms" in sentence, sentence
    assert told(tool, {**common, "LOS_RATE": earlier, "REPORT": str(folder / "report.html")}) == BEGUN
    assert told(tool, {**common, "LOS_RATE": str(folder / "new.tif")}) == BEGUN


def test_a_folder_that_is_replaced_holds_no_input(no_work: None, tmp_path: Path, dem: Path) -> None:
    tool = tool_called("simulatescene")
    sentence = told(tool, {"KIND": "simulated", "DEM": str(dem), "OUTPUT_FOLDER": str(tmp_path)})
    assert "would be written over Digital elevation model" in sentence and sentence.endswith("Choose another folder.")
    (tmp_path / "linked").symlink_to(tmp_path)
    assert "would be written over" in told(tool, {"DEM": str(dem), "OUTPUT_FOLDER": str(tmp_path / "linked")})
    assert told(tool, {"DEM": str(dem), "OUTPUT_FOLDER": str(tmp_path / "scene")}) == BEGUN


def test_pictures_go_beside_what_is_drawn_but_not_over_it(no_work: None, tmp_path: Path) -> None:
    tool = tool_called("surveymaps")
    inputs = inputs_of(tool, tmp_path)
    results = {"OUTPUT": str(tmp_path / "maps.pdf"), "PICTURES": str(tmp_path)}
    assert told(tool, {**inputs, **results}) == BEGUN
    shutil.copy(inputs["DEM"], tmp_path / "relief.png")
    inputs["BASE"] = [*inputs["BASE"], str(tmp_path / "relief.png")]
    assert "would be written over Base layers" in told(tool, {**inputs, **results})


def test_a_geopackage_that_holds_more_is_not_replaced_and_takes_a_new_table(no_work: None, tmp_path: Path) -> None:
    areas = polygons(tmp_path / "areas.gpkg")
    project = tmp_path / "project.gpkg"
    for name in ("notes", "roads"):
        gdal.VectorTranslate(
            str(project), str(areas), layerName=name, accessMode="append" if project.exists() else None
        )
    tool = tool_called("samplesites")
    sentence = told(tool, {"AREAS": str(areas), "SITES": str(project)})
    assert f"Sites would be written over {project}, which also holds the layers notes, roads" in sentence

    def into(table: str, source: str) -> str:
        return told(tool, {"AREAS": source, "SITES": f"ogr:dbname='{project}' table=\"{table}\" (geom)"})

    assert into("sites", str(areas)) == into("sites", f"{project}|layername=roads") == BEGUN
    assert into("notes", str(areas)) == BEGUN
    for table in ("roads", "Roads", "notes"):
        assert "Sites would be written over" in into(table, f"{project}|layername=roads")
    assert told(tool, {"AREAS": str(areas), "SITES": str(tmp_path / "areas2.gpkg")}) == BEGUN


def test_the_model_of_the_plugin_is_not_replaced(no_work: None, tmp_path: Path) -> None:
    before = BUNDLED_MODEL.read_bytes()
    sentence = told(tool_called("exportmodel"), {"OUTPUT": str(BUNDLED_MODEL)})
    assert "lies in the folder of the plugin" in sentence and BUNDLED_MODEL.read_bytes() == before


def test_the_name_of_an_exported_model_is_the_one_that_is_checked(no_work: None, tmp_path: Path) -> None:
    """Weights get the suffix of weights, so it is that file which must not be an input."""
    tool = tool_called("exportmodel")
    model = Path(inputs_of(tool, tmp_path)["MODEL"])
    assert "would be written over Model" in told(
        tool, {"MODEL": str(model), "OUTPUT": str(model.with_suffix(".safetensors")), "STORAGE": "float16"}
    )
    assert told(tool, {"MODEL": str(model), "OUTPUT": str(model), "STORAGE": "weights"}) == BEGUN


def test_interferograms_of_a_table_are_not_replaced(run: Any, tmp_path: Path) -> None:
    away = tmp_path / "elsewhere"
    away.mkdir()
    pairs = []
    for number, days in enumerate(("20200101_20200113", "20200113_20200125", "20200125_20200206")):
        path = Path(write(away / f"{days}.tif", np.full((40, 40), number, np.float32), "unw_phase", "rad"))
        named = away / f"{days}.vrt" if number == 2 else path
        gdal.BuildVRT(str(away / f"{days}.vrt"), [str(path)]).FlushCache()
        pairs.append(f"{named},{days[:4]}-{days[4:6]}-{days[6:8]},{days[9:13]}-{days[13:15]}-{days[15:17]},10,")
    table = tmp_path / "pairs.csv"
    head = "file,date1,date2,perpendicular_baseline_m,coherence_file"
    table.write_text("\n".join((head, *pairs)) + "\n")
    (tmp_path / "linked.tif").symlink_to(path)
    before = contents(tmp_path)
    for place in (path, tmp_path / "linked.tif"):
        with pytest.raises(QgsProcessingException, match=r"LOS rate would be written over an interferogram \(.*0206"):
            run("stackinterferograms", {
                "PAIRS_FILE": str(table), "PHASE_RATE": str(tmp_path / "phase.tif"), "LOS_RATE": str(place),
            })  # fmt: skip
    assert contents(tmp_path) == before


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "gml", "tab"])
def test_every_format_that_is_offered_keeps_outlines_attributes_and_coordinates(
    run: Any, tmp_path: Path, suffix: str
) -> None:
    values = np.zeros((64, 64), np.float32)
    values[5:25, 5:25] = values[40:60, 40:60] = 0.95
    probability = write(tmp_path / "probability.tif", values, "probability", "1")
    result = run("extractareas", {"PROBABILITY": probability, "AREAS": str(tmp_path / f"areas.{suffix}")})
    layer = QgsVectorLayer(result["AREAS"], "areas", "ogr")
    areas = list(layer.getFeatures())
    assert suffix in vector_formats() and result["AREA_COUNT"] == len(areas) == 2
    assert layer.crs().authid() == "EPSG:32648"
    assert [area.geometry().area() for area in areas] == pytest.approx([360_000, 360_000])
    number = next(number for number, field in enumerate(layer.fields()) if field.name().startswith("probabilit"))
    assert [area[number] for area in areas] == pytest.approx([0.95, 0.95])


@pytest.mark.parametrize(
    ("kind", "suffix"), [("Raster", "img"), ("Raster", "sdat"), ("Vector", "dxf"), ("Vector", "csv")]
)
def test_the_formats_that_qgis_is_set_to_do_not_matter(run: Any, tmp_path: Path, kind: str, suffix: str) -> None:
    writer = QgsRasterFileWriter if kind == "Raster" else QgsVectorFileWriter
    key = f"Processing/Configuration/DefaultOutput{kind}LayerExt"
    values = np.zeros((64, 64), np.float32)
    values[5:25, 5:25] = 0.95
    probability = write(tmp_path / "probability.tif", values, "probability", "")
    QgsSettings().setValue(key, writer.supportedFormatExtensions().index(suffix))
    try:
        slope = run("slope", {"INPUT": probability, "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]
        found = run("extractareas", {"PROBABILITY": probability, "AREAS": "TEMPORARY_OUTPUT"})
        provider = QgsApplication.processingRegistry().providerById("adamapper")
        offered = (provider.defaultRasterFileExtension(), provider.defaultVectorFileExtension(True))
    finally:
        QgsSettings().remove(key)
    assert Path(slope).suffix == ".tif" and QgsRasterLayer(slope).isValid()
    assert found["AREA_COUNT"] == 1 and offered == ("tif", "gpkg")
