"""Models exported and imported from the toolbox, and what detection makes of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingException

from ada_mapper.core.channels import MINMAX_CHANNELS, ChannelKind
from ada_mapper.core.models import ModelCard, open_backend, read_card
from ada_mapper.core.raster import BandReader
from ada_mapper.processing.learning import ExportModel, ImportModel
from recording_feedback import Feedback
from small_rasters import square_grid, write

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

KINDS = (ChannelKind.PHASE_RATE, ChannelKind.SLOPE)


@pytest.fixture(autouse=True)
def tools(plugin):
    """Both tools, whether or not the provider lists them."""
    provider = QgsApplication.processingRegistry().providerById("adamapper")
    for tool in (ExportModel, ImportModel):
        if provider.algorithm(tool.NAME) is None:
            provider.addAlgorithm(tool())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from ada_mapper.core.models import build_network, export_onnx

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    card = ModelCard("toy", "1", "untrained", tuple(MINMAX_CHANNELS[kind] for kind in KINDS), tile_size=64)
    export_onnx(build_network("compact", 2), card, path)
    return path


@pytest.fixture
def layers(tmp_path):
    random = np.random.default_rng(2)
    rate, slope = random.normal(0, 10, (100, 120)), random.uniform(0, 50, (100, 120))
    return {
        "PHASE_RATE": write(tmp_path / "rate.tif", rate, "phase_rate", "rad/yr", SIGN="away"),
        "SLOPE": write(tmp_path / "slope.tif", slope, "slope", "degree"),
    }


def probability(run, layers, model, output):
    run("detectareas", {**layers, "MODEL": str(model), "BACKEND": "onnxruntime", "PROBABILITY": str(output)})
    with BandReader(str(output)) as reader:
        return reader.read()


def test_a_model_goes_out_in_every_storage_and_detects_the_same(run, tmp_path, model, layers):
    composite = run("buildcomposite", {**layers, "MODEL": str(model), "OUTPUT": str(tmp_path / "c.tif")})["OUTPUT"]
    expected = probability(run, layers, model, tmp_path / "expected.tif")
    assert np.nanstd(expected) > 0.001
    sizes = {}
    for storage, tolerance in (("float32", 0), ("float16", 5e-3), ("int8", 0.05)):  # of the mean difference
        output, feedback = tmp_path / f"{storage}.onnx", Feedback()
        parameters = {"MODEL": str(model), "STORAGE": storage, "OUTPUT": str(output), "CALIBRATION": composite}
        result = run("exportmodel", {**parameters, "CARD": str(tmp_path / f"{storage}.json")}, feedback)
        assert result["OUTPUT"] == str(output) and "MB" in feedback.log
        found = probability(run, layers, output, tmp_path / f"{storage}.tif")
        assert np.nanmean(np.abs(found - expected)) <= tolerance
        assert ModelCard.from_json((tmp_path / f"{storage}.json").read_text()) == read_card(output)
        sizes[storage] = output.stat().st_size
    assert sizes["int8"] < 0.6 * sizes["float16"] < 0.4 * sizes["float32"]
    assert "\n" in (tmp_path / "int8.json").read_text()
    assert json.loads((tmp_path / "int8.json").read_text())["training"]["quantised"]["from"] == "model.onnx"


def test_weights_go_out_with_their_card_and_come_back(run, tmp_path, model):
    pytest.importorskip("safetensors")
    parameters = {"MODEL": str(model), "STORAGE": "weights", "OUTPUT": str(tmp_path / "weights.onnx")}
    weights = run("exportmodel", parameters)["OUTPUT"]
    assert weights == str(tmp_path / "weights.safetensors")
    back = run("importmodel", {"INPUT": weights, "OUTPUT": str(tmp_path / "back.onnx")})["OUTPUT"]
    tile = np.random.default_rng(4).random((1, 2, 64, 64), dtype=np.float32)
    ours, theirs = (open_backend(path, "onnxruntime", 1).predict(tile) for path in (back, model))
    np.testing.assert_array_equal(ours, theirs)
    assert read_card(back) == read_card(model)


def test_weights_of_torch_with_chosen_channels(run, tmp_path, model, layers):
    from ada_mapper.core.models import load_network

    torch.save(load_network(model).state_dict(), tmp_path / "weights.pth")
    rows = ["phase rate", "", "", "", "", "slope", "0", "70", "", ""]
    parameters = {"INPUT": str(tmp_path / "weights.pth"), "CHANNELS": rows, "PIXEL_SIZE": 30, "TILE_SIZE": 64}
    result = run("importmodel", {**parameters, "OUTPUT": str(tmp_path / "m.onnx")})
    ours = probability(run, layers, result["OUTPUT"], tmp_path / "ours.tif")
    np.testing.assert_array_equal(ours, probability(run, layers, model, tmp_path / "theirs.tif"))
    with pytest.raises(QgsProcessingException, match="2 input bands, but the channels given make 1"):
        run("importmodel", {**parameters, "CHANNELS": rows[:5], "OUTPUT": str(tmp_path / "n.onnx")})


def test_a_foreign_network_is_run_by_detection(run, tmp_path, model, layers):
    import onnx

    foreign = onnx.load(model)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    rows = ["phase_rate", -35, 35, "rad/yr", "away", "slope", 0, 70, "", None]
    parameters = {"INPUT": str(tmp_path / "foreign.onnx"), "CHANNELS": rows, "PIXEL_SIZE": 30.0, "TILE_SIZE": 64}
    feedback = Feedback()
    result = run("importmodel", {**parameters, "OUTPUT": str(tmp_path / "m.onnx")}, feedback)
    assert "probabilities of 2 classes" in feedback.log
    found = probability(run, layers, result["OUTPUT"], tmp_path / "probability.tif")
    assert found.shape == (100, 120) and np.isfinite(found).all() and found.std() > 0.001
    tile = np.random.default_rng(4).random((1, 2, 64, 64), dtype=np.float32)
    ours, theirs = (open_backend(path, "onnxruntime", 1).predict(tile) for path in (result["OUTPUT"], model))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"CHANNELS": ["velocity", "", "", "", ""]}, "no channel called velocity"),
        ({"CHANNELS": ["slope", "a", "b", "", ""]}, "limits of slope must be numbers"),
        ({"PIXEL_SIZE": None}, "pixel size"),
        ({"INPUT": "rate.tif"}, "INPUT"),
    ],
)
def test_wrong_settings_are_said_and_nothing_is_written(run, tmp_path, model, layers, changed, message):
    import onnx

    foreign = onnx.load(model)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    rows = ["phase_rate", -35, 35, "", "", "slope", 0, 70, "", ""]
    parameters = {"INPUT": "foreign.onnx", "CHANNELS": rows, "PIXEL_SIZE": 30.0, **changed}
    parameters["INPUT"] = str(tmp_path / parameters["INPUT"])
    with pytest.raises(QgsProcessingException, match=message):
        run("importmodel", {**parameters, "OUTPUT": str(tmp_path / "m.onnx")})
    assert not (tmp_path / "m.onnx").exists()


def test_a_composite_of_another_model_is_said(run, tmp_path, model, layers):
    grid = square_grid(100, 120)
    other = write(tmp_path / "other.tif", np.zeros((100, 120)), "dem", "m", grid)
    parameters = {"MODEL": str(model), "STORAGE": "int8", "CALIBRATION": other, "OUTPUT": str(tmp_path / "m.onnx")}
    with pytest.raises(QgsProcessingException, match="not a composite for the model"):
        run("exportmodel", parameters)
    with pytest.raises(QgsProcessingException, match=r"would be written over Model \("):
        run("exportmodel", {"MODEL": str(model), "STORAGE": "float32", "OUTPUT": str(model)})
    assert not (tmp_path / "m.onnx").exists()


def test_help_covers_every_parameter():
    for tool in (ExportModel(), ImportModel()):
        tool.initAlgorithm()
        for definition in tool.parameterDefinitions():
            assert definition.help().strip(), definition.name()
            assert definition.description() in tool.shortHelpString()
