"""The main job in real QGIS: from simulated interferograms to areas, in one step, step by step and as a model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ada_mapper.core.raster import Grid
from ada_mapper.processing.algorithm import BUNDLED_MODEL
from recording_feedback import Feedback
from small_rasters import write

RASTERS = ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("scene")
    parameters = {"SEED": 3, "SIZE": 320, "DATES": 10, "ORBIT": "descending", "OUTPUT_FOLDER": str(folder)}
    processing.run("adamapper:simulatescene", parameters)
    return folder


@pytest.fixture(scope="module")
def mapped(plugin, scene, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("mapped")
    outputs = {name: str(folder / f"{name.lower()}.tif") for name in RASTERS}
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "ORBIT": "descending",
        "AREAS": str(folder / "areas.gpkg"), "REPORT": str(folder / "report.html"), **outputs,
    }  # fmt: skip
    feedback = Feedback()
    return processing.run("adamapper:mapactiveareas", parameters, feedback=feedback), feedback


def values(path: str) -> np.ndarray:
    return gdal.Open(path).ReadAsArray()


def test_temporary_results_are_loaded_once_and_each_in_its_style(plugin, scene):
    project = QgsProject()
    context = QgsProcessingContext()
    context.setProject(project)
    rasters = (*RASTERS, "LOS_SENSITIVITY")
    outputs = {name: QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", project) for name in (*rasters, "AREAS")}
    parameters = {"INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "ORBIT": "descending", **outputs}
    algorithm = QgsApplication.processingRegistry().algorithmById("adamapper:mapactiveareas").create()
    result, success = algorithm.run(parameters, context, Feedback())
    assert success
    loaded = context.layersToLoadOnCompletion()
    assert set(loaded) == {result[name] for name in outputs}
    stylers = {details.outputName: details.postProcessor() for details in loaded.values()}
    hidden = {name for name, styler in stylers.items() if not styler.is_visible}
    assert hidden == {"PHASE_RATE", "SLOPE", "LOS_SENSITIVITY"}


def test_one_step_writes_areas_and_the_rasters_behind_them(scene, mapped):
    result, feedback = mapped
    layer = QgsVectorLayer(result["AREAS"])
    assert layer.featureCount() == result["AREA_COUNT"]
    assert 0 < result["PAIRS_USED"] <= result["PAIRS_FOUND"]
    grid = Grid.of(scene / "dem.tif")
    for name in RASTERS:
        assert Grid.of(result[name]).same_as(grid), name
        assert Path(result[name]).with_suffix(".qml").exists()
    probability = values(result["PROBABILITY"])
    assert np.nanmin(probability) >= 0 and np.nanmax(probability) <= 1
    assert np.isnan(probability[np.isnan(values(result["PHASE_RATE"]))]).all()
    assert feedback.fractions == sorted(feedback.fractions)


def test_report_names_every_pair(mapped):
    result, _ = mapped
    report = Path(result["REPORT"]).read_text(encoding="utf-8")
    assert len(set(re.findall(r"\d{8}_\d{8}|\d{4}-\d\d-\d\d", report))) >= 10
    assert "<svg" in report


def test_single_tools_give_what_the_one_step_gives(run, scene, mapped, tmp_path):
    expected, _ = mapped
    dem = str(scene / "dem.tif")
    stack = run(
        "stackinterferograms",
        {
            "INPUT_FOLDER": str(scene), "PHASE_RATE": str(tmp_path / "phase_rate.tif"),
            "LOS_RATE": str(tmp_path / "los_rate.tif"), "STANDARD_ERROR": str(tmp_path / "error.tif"),
            "COUNT": str(tmp_path / "count.tif"),
        },
    )  # fmt: skip
    slope = run("slope", {"INPUT": dem, "OUTPUT": str(tmp_path / "slope.tif")})["OUTPUT"]
    layers = {"LOS_RATE": stack["LOS_RATE"], "DEM": dem, "SLOPE": slope}
    view = {"INPUT": dem, "RATE": stack["LOS_RATE"], "OUTPUT": str(tmp_path / "sensitivity.tif")}
    sensitivity = run("lossensitivity", view)["OUTPUT"]
    detect = {**layers, "PHASE_RATE": stack["PHASE_RATE"], "LOS_SENSITIVITY": sensitivity}
    probability = run("detectareas", {**detect, "PROBABILITY": str(tmp_path / "probability.tif")})["PROBABILITY"]
    areas = run("extractareas", {**layers, "PROBABILITY": probability, "AREAS": "TEMPORARY_OUTPUT"})
    for name, path in (("PHASE_RATE", stack["PHASE_RATE"]), ("LOS_RATE", stack["LOS_RATE"]), ("SLOPE", slope)):
        np.testing.assert_array_equal(values(path), values(expected[name]))
    np.testing.assert_allclose(values(probability), values(expected["PROBABILITY"]), atol=1e-5)
    assert areas["AREA_COUNT"] == expected["AREA_COUNT"]
    assert values(stack["COUNT"]).max() == stack["PAIRS_USED"]


def test_composite_has_a_band_for_each_channel(run, scene, mapped, tmp_path):
    result, _ = mapped
    layers = {name: result[name] for name in ("PHASE_RATE", "LOS_RATE", "SLOPE")}
    output = run("buildcomposite", {**layers, "DEM": str(scene / "dem.tif"), "OUTPUT": str(tmp_path / "c.tif")})[
        "OUTPUT"
    ]
    dataset = gdal.Open(output)
    names = [dataset.GetRasterBand(i + 1).GetDescription() for i in range(dataset.RasterCount)]
    assert names == ["phase_rate", "los_rate", "dem", "slope", "los_sensitivity"]


def test_detection_runs_without_terrain(run, mapped, tmp_path):
    result, _ = mapped
    layers = {name: result[name] for name in ("PHASE_RATE", "LOS_RATE")}
    feedback = Feedback()
    output = run("detectareas", {**layers, "PROBABILITY": str(tmp_path / "p.tif")}, feedback)["PROBABILITY"]
    assert np.isfinite(values(output)).any()
    assert "slope" in feedback.log.lower() and "dem" in feedback.log.lower()


def test_the_shipped_model_runs_and_agrees(run, scene, mapped):
    expected, _ = mapped
    folder = Path(expected["AREAS"]).parent
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "ORBIT": "descending",
        "extract:Active deformation areas": str(folder / "model_areas.gpkg"),
        **{
            name: str(folder / f"model_{index}.tif")
            for index, name in enumerate(
                ("stack:Phase rate", "stack:LOS rate", "slope:Slope", "detect:Probability")
            )
        },
        "stack:Report on the stack": str(folder / "model_report.html"),
    }  # fmt: skip
    model = QgsApplication.processingRegistry().algorithmById("model:Interferograms to active deformation areas")
    assert isinstance(model, QgsProcessingModelAlgorithm)
    names = {definition.name() for definition in model.destinationParameterDefinitions()}
    by_title = {re.sub(r"^[a-z]+:", "", name): value for name, value in parameters.items() if ":" in name}
    outputs = {name: by_title[re.sub(r"^[a-z]+:", "", name)] for name in names}
    inputs = {name: value for name, value in parameters.items() if ":" not in name}
    run(model.id(), {**inputs, **outputs})
    assert QgsVectorLayer(str(folder / "model_areas.gpkg")).featureCount() == expected["AREA_COUNT"]


def test_layers_are_styled_when_they_are_loaded(plugin, scene, mapped, tmp_path):
    algorithm = QgsApplication.processingRegistry().algorithmById("adamapper:stackinterferograms").create()
    context = QgsProcessingContext()
    project = QgsProject()
    context.setProject(project)
    phase_rate = str(tmp_path / "phase_rate.tif")
    context.addLayerToLoadOnCompletion(
        phase_rate, QgsProcessingContext.LayerDetails("Phase rate", project, "PHASE_RATE")
    )
    parameters = {"INPUT_FOLDER": str(scene), "PHASE_RATE": phase_rate, "LOS_RATE": str(tmp_path / "los_rate.tif")}
    _, succeeded = algorithm.run(parameters, context, Feedback())
    assert succeeded
    layer = QgsRasterLayer(phase_rate)
    context.layerToLoadOnCompletionDetails(phase_rate).postProcessor().postProcessLayer(layer, context, Feedback())
    assert layer.renderer().type() == "singlebandpseudocolor"
    assert layer.renderer().classificationMin() == -layer.renderer().classificationMax()
    assert len(layer.styleManager().styles()) == 2


@pytest.mark.parametrize("after", [1, 4])
def test_a_cancelled_run_leaves_nothing(run, scene, tmp_path, after):
    outputs = {name: str(tmp_path / f"{name.lower()}.tif") for name in RASTERS}
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "AREAS": str(tmp_path / "areas.gpkg"), **outputs
    }  # fmt: skip
    with pytest.raises(QgsProcessingException, match="cancel"):
        run("mapactiveareas", parameters, Feedback(cancel_after=after))
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_folder_without_interferograms_is_said(run, tmp_path):
    parameters = {"INPUT_FOLDER": str(tmp_path), "PHASE_RATE": str(tmp_path / "p.tif"), "LOS_RATE": "TEMPORARY_OUTPUT"}
    with pytest.raises(QgsProcessingException, match="interferograms"):
        run("stackinterferograms", parameters)
    assert list(tmp_path.iterdir()) == []


def test_all_pairs_rejected_is_said(run, scene, tmp_path):
    parameters = {
        "INPUT_FOLDER": str(scene), "MAX_TEMPORAL_BASELINE": 3, "PHASE_RATE": str(tmp_path / "p.tif"),
        "LOS_RATE": "TEMPORARY_OUTPUT",
    }  # fmt: skip
    with pytest.raises(QgsProcessingException, match="12 d"):
        run("stackinterferograms", parameters)


def test_a_wrong_model_is_said(run, mapped, tmp_path):
    result, _ = mapped
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no network")
    with pytest.raises(QgsProcessingException, match=r"wrong\.onnx"):
        run("detectareas", {"PHASE_RATE": result["PHASE_RATE"], "MODEL": str(wrong), "PROBABILITY": "TEMPORARY_OUTPUT"})


def test_a_folder_that_can_not_be_written_is_said(run, scene, tmp_path):
    (tmp_path / "file").write_text("")
    output = str(tmp_path / "file" / "slope.tif")
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("slope", {"INPUT": str(scene / "dem.tif"), "OUTPUT": output})


def test_a_dem_elsewhere_is_said(run, mapped, tmp_path):
    result, _ = mapped
    far = Grid("EPSG:32648", (300000.0, 30.0, 0.0, 1000000.0, 0.0, -30.0), 50, 50)
    dem = write(tmp_path / "far.tif", np.ones((50, 50), np.float32), "dem", "m", far)
    with pytest.raises(QgsProcessingException, match=r"far\.tif|overlap"):
        run(
            "detectareas",
            {"PHASE_RATE": result["PHASE_RATE"], "DEM": dem, "PROBABILITY": str(tmp_path / "p.tif")},
        )


@pytest.mark.parametrize("percent", [30, 60, 85])
def test_a_run_cancelled_in_a_later_step_leaves_nothing(run, scene, tmp_path, percent):
    outputs = {name: str(tmp_path / f"{name.lower()}.tif") for name in RASTERS}
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "AREAS": str(tmp_path / "areas.gpkg"),
        "REPORT": str(tmp_path / "report.html"), **outputs,
    }  # fmt: skip
    with pytest.raises(QgsProcessingException, match="cancel"):
        run("mapactiveareas", parameters, Feedback(cancel_at=percent))
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_wrong_model_is_said_before_the_long_work(run, scene, tmp_path):
    (tmp_path / "wrong.onnx").write_bytes(b"no network")
    outputs = {name: str(tmp_path / f"{name.lower()}.tif") for name in RASTERS}
    feedback = Feedback()
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "AREAS": "TEMPORARY_OUTPUT",
        "MODEL": str(tmp_path / "wrong.onnx"), **outputs,
    }  # fmt: skip
    with pytest.raises(QgsProcessingException, match=r"wrong\.onnx"):
        run("mapactiveareas", parameters, feedback)
    assert "interferograms" not in feedback.log


def test_what_several_steps_assume_of_a_file_is_told_once_and_the_model_is_opened_once(
    run, scene, tmp_path, monkeypatch
):
    import onnxruntime

    sessions = []
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *given, **options: sessions.append(given) or session(*given, **options)
    )
    heights = values(str(scene / "dem.tif"))
    heights[:9] = -9999
    dem = write(tmp_path / "dem.tif", heights, "dem", "", Grid.of(scene / "dem.tif"))
    dataset = gdal.Open(dem, gdal.GA_Update)
    dataset.GetRasterBand(1).DeleteNoDataValue()
    del dataset
    feedback = Feedback()
    outputs = {name: str(tmp_path / f"{name.lower()}.tif") for name in RASTERS}
    model = shutil.copy(BUNDLED_MODEL, tmp_path / "model.onnx")
    parameters = {"INPUT_FOLDER": str(scene), "DEM": dem, "MODEL": str(model), "AREAS": "TEMPORARY_OUTPUT", **outputs}
    run("mapactiveareas", parameters, feedback)
    ours = [line for line in feedback.log.splitlines() if "dem.tif" in line or "runs on" in line]
    assert any("is exactly -9999, which its file doesn't declare as no data" in line for line in ours)
    assert any("has no unit" in line for line in ours)
    assert len(ours) == len(set(ours)), feedback.log
    assert len(sessions) == 1


def test_a_result_never_replaces_its_own_input(run, scene, tmp_path):
    dem = write(tmp_path / "dem.tif", np.ones((30, 30), np.float32), "dem", "m")
    before = Path(dem).read_bytes()
    for output in (dem, QgsProcessingOutputLayerDefinition(dem)):
        with pytest.raises(QgsProcessingException, match="written over"):
            run("slope", {"INPUT": dem, "OUTPUT": output})
    twice = str(tmp_path / "slope.tif")
    with pytest.raises(QgsProcessingException, match="written over"):
        run("slope", {"INPUT": dem, "OUTPUT": twice, "ASPECT": twice})
    assert Path(dem).read_bytes() == before


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_number_is_as_if_not_given(run, mapped, tmp_path, empty):
    result, _ = mapped
    parameters = {"PROBABILITY": result["PROBABILITY"], "THRESHOLD": empty, "LOW_THRESHOLD": empty, "MIN_AREA": empty}
    areas = run("extractareas", {**parameters, "AREAS": "TEMPORARY_OUTPUT"})
    assert areas["AREA_COUNT"] == result["AREA_COUNT"]


def test_pairs_that_the_reference_drops_are_not_counted_as_used(run, scene, tmp_path):
    layer = QgsVectorLayer("PointZ?crs=EPSG:4326", "reference", "memory")
    grid = Grid.of(scene / "dem.tif")
    longitude, latitude = grid.centre_lonlat
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt(f"PointZ ({longitude} {latitude} 100)"))
    layer.dataProvider().addFeature(feature)
    parameters = {
        "INPUT_FOLDER": str(scene), "REFERENCE_MODE": "point", "REFERENCE": layer,
        "PHASE_RATE": str(tmp_path / "p.tif"), "LOS_RATE": str(tmp_path / "l.tif"), "COUNT": str(tmp_path / "c.tif"),
    }  # fmt: skip
    result = run("stackinterferograms", parameters)
    assert values(result["COUNT"]).max() == result["PAIRS_USED"]
