"""LOS sensitivity in real QGIS: as a tool, as a layer of the detector, and within the chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingException, QgsRasterLayer

from ada_mapper.core.channels import ChannelKind, minmax_channel
from ada_mapper.core.satellite import Viewing
from ada_mapper.core.terrain import los_sensitivity_to_file
from recording_feedback import Feedback
from small_rasters import write
from tiny_models import card_of, write_model

RATE = minmax_channel(ChannelKind.PHASE_RATE, -50.0, 50.0)
SENSITIVITY = minmax_channel(ChannelKind.LOS_SENSITIVITY, -1.0, 1.0, optional=True)


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("scene")
    parameters = {"SEED": 3, "SIZE": 160, "DATES": 5, "ORBIT": "descending", "OUTPUT_FOLDER": str(folder)}
    processing.run("adamapper:simulatescene", parameters)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network whose probability is the LOS sensitivity, scaled to [0, 1]."""
    card = card_of(SENSITIVITY, RATE, threshold=0.6, low_threshold=0.55)
    return write_model(tmp_path_factory.mktemp("model") / "sensitive.onnx", card)


def values(path: str) -> np.ndarray:
    return gdal.Open(path).ReadAsArray()


def expected(scene: Path, folder: Path, viewing: Viewing) -> np.ndarray:
    los_sensitivity_to_file(scene / "dem.tif", folder / "expected.tif", viewing)
    return values(str(folder / "expected.tif"))


def test_the_tool_writes_what_core_computes_styled(run, scene, tmp_path):
    outputs = {"OUTPUT": str(tmp_path / "s.tif"), "VISIBILITY": str(tmp_path / "v.tif")}
    feedback = Feedback()
    result = run("lossensitivity", {"INPUT": str(scene / "dem.tif"), "ORBIT": "ascending", **outputs}, feedback)
    np.testing.assert_array_equal(values(result["OUTPUT"]), expected(scene, tmp_path, Viewing(348, 38)))
    assert "348" in feedback.log and "38" in feedback.log and "assumed" in feedback.log
    sensitivity, classes = (QgsRasterLayer(result[name]) for name in ("OUTPUT", "VISIBILITY"))
    assert (sensitivity.renderer().classificationMin(), sensitivity.renderer().classificationMax()) == (-1, 1)
    assert [entry.label for entry in classes.renderer().classes()][:2] == ["Seen well", "Poorly seen"]
    given = {"INPUT": str(scene / "dem.tif"), "HEADING": 350, "INCIDENCE": 33, "OUTPUT": str(tmp_path / "own.tif")}
    own = run("lossensitivity", given)
    assert own["VISIBILITY"] is None
    np.testing.assert_array_equal(values(own["OUTPUT"]), expected(scene, tmp_path, Viewing(350, 33)))


def test_an_unknown_view_is_said(run, scene, tmp_path):
    parameters = {"INPUT": str(scene / "dem.tif"), "OUTPUT": str(tmp_path / "s.tif")}
    with pytest.raises(QgsProcessingException, match="choose the orbit"):
        run("lossensitivity", parameters)
    feedback = Feedback()
    assert run("lossensitivity", {**parameters, "SKIP_UNKNOWN": True}, feedback)["OUTPUT"] is None
    assert "choose the orbit" in feedback.log
    assert list(tmp_path.iterdir()) == []


def chain(run, scene, folder, model, **options):
    names = ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")
    outputs = {name: str(folder / f"{name.lower()}.tif") for name in names}
    parameters = {
        "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "MODEL": str(model),
        "AREAS": "TEMPORARY_OUTPUT", **outputs, **options,
    }  # fmt: skip
    feedback = Feedback()
    return run("mapactiveareas", parameters, feedback), feedback


def assert_is_scaled_sensitivity(probability: str, sensitivity: np.ndarray) -> None:
    found = values(probability)
    valid = np.isfinite(found)
    assert valid.any()
    np.testing.assert_allclose(found[valid], (sensitivity[valid] + 1) / 2, atol=1e-5)


def test_the_one_step_tool_gives_the_model_the_view_of_the_products(run, scene, model, tmp_path):
    result, feedback = chain(run, scene, tmp_path, model, LOS_SENSITIVITY=str(tmp_path / "s.tif"))
    # The simulated products tell a heading of −168° and an elevation angle of 52°.
    sensitivity = expected(scene, tmp_path, Viewing(192, 38))
    np.testing.assert_allclose(values(result["LOS_SENSITIVITY"]), sensitivity, atol=1e-5)
    assert_is_scaled_sensitivity(result["PROBABILITY"], sensitivity)
    assert "from the products" in feedback.log and "192" in feedback.log


@pytest.fixture(scope="module")
def anonymous(scene, tmp_path_factory):
    """The scene's interferograms without what tells their view."""
    import shutil

    folder = tmp_path_factory.mktemp("anonymous")
    shutil.copytree(scene, folder, dirs_exist_ok=True)
    for file in [*folder.rglob("*lv_theta.tif"), *folder.rglob("*.txt")]:
        file.unlink()
    return folder


def test_the_one_step_tool_assumes_the_usual_view_of_an_orbit_and_says_so(run, anonymous, model, tmp_path):
    result, feedback = chain(run, anonymous, tmp_path, model, ORBIT="ascending")
    assert result["LOS_SENSITIVITY"] is None and not (tmp_path / "los_sensitivity.tif").exists()
    assert_is_scaled_sensitivity(result["PROBABILITY"], expected(anonymous, tmp_path, Viewing(348, 38)))
    assert "assumed" in feedback.log


def test_an_unknown_orbit_leaves_the_layer_out_and_says_what_would_help(run, anonymous, model, tmp_path):
    result, feedback = chain(run, anonymous, tmp_path, model)
    found = values(result["PROBABILITY"])
    assert found[np.isfinite(found)] == pytest.approx(SENSITIVITY.fill)
    assert "choose the orbit" in feedback.log


def test_a_model_without_the_channel_needs_no_sensitivity(run, scene, tmp_path):
    model = write_model(tmp_path / "plain.onnx", card_of(RATE))
    _, feedback = chain(run, scene, tmp_path, model)
    assert "looks from a heading" not in feedback.log


@pytest.mark.parametrize("which", ["scene", "anonymous"])
def test_the_chain_as_a_model_goes_on_with_and_without_the_layer(run, request, which, tmp_path):
    folder = request.getfixturevalue(which)
    from qgis.core import QgsApplication

    name = "model:Interferograms to active deformation areas"
    algorithm = QgsApplication.processingRegistry().algorithmById(name)
    outputs = {
        definition.name(): str(tmp_path / f"{index}.{'tif' if definition.type() == 'rasterDestination' else 'html'}")
        if definition.type() != "sink"
        else "TEMPORARY_OUTPUT"
        for index, definition in enumerate(algorithm.destinationParameterDefinitions())
    }
    feedback = Feedback()
    run(name, {"INPUT_FOLDER": str(folder), "DEM": str(folder / "dem.tif"), **outputs}, feedback)
    assert ("choose the orbit" in feedback.log) == (which == "anonymous")


def test_the_composite_shows_the_layer(run, model, tmp_path):
    rate = write(tmp_path / "rate.tif", np.zeros((50, 60)), "phase_rate", "rad/yr", SIGN="away")
    layer = write(tmp_path / "s.tif", np.full((50, 60), 0.5), "los_sensitivity", "1")
    inputs = {"PHASE_RATE": rate, "LOS_SENSITIVITY": layer, "MODEL": str(model)}
    output = run("buildcomposite", {**inputs, "OUTPUT": str(tmp_path / "c.tif")})["OUTPUT"]
    assert values(output)[0] == pytest.approx(0.75)
