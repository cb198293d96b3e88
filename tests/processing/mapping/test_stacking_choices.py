"""One list of what can be chosen in stacking: every tool that stacks asks for all of it, and passes all of it on."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingException, QgsProcessingParameterDefinition, QgsVectorLayer

from ada_mapper.processing.mapping import STACK, MapActiveAreas, StackInterferograms
from ada_mapper.processing.mapping.stacking_choices import grouped_choices, more_rasters
from recording_feedback import Feedback

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced
# The whole chain needs an elevation model for the slope, so that it asks for it first.
ASKED_FIRST = {"DEM"}


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("scene")
    parameters = {"SEED": 5, "SIZE": 384, "DATES": 12, "ORBIT": "descending", "OUTPUT_FOLDER": str(folder)}
    processing.run("adamapper:simulatescene", parameters)
    return folder


def content(definition: QgsProcessingParameterDefinition) -> dict:
    """What a parameter takes: all but its title and whether it is advanced."""
    kept = definition.toVariantMap()
    return {name: value for name, value in kept.items() if name not in ("description", "flags")}


def test_the_whole_chain_asks_for_every_choice_with_the_same_values_and_help(plugin):
    single, whole = StackInterferograms().create(), MapActiveAreas().create()
    groups = grouped_choices()
    for group, choices in groups.items():
        for choice in choices:
            name = choice.name()
            assert single.parameterDefinition(name).description() == choice.description()
            if name in ASKED_FIRST:
                continue
            asked = whole.parameterDefinition(name)
            assert asked.description() == f"{group} › {choice.description()}"
            assert asked.flags() & ADVANCED, name
            assert content(asked) == content(single.parameterDefinition(name)), name
            assert asked.help() == choice.help() != ""


def test_groups_stand_together_among_the_advanced_parameters(plugin):
    tool = MapActiveAreas().create()
    titles = [definition.description().split(" › ")[0] for definition in tool.parameterDefinitions()]
    places = [titles.index(group) for group in grouped_choices()]
    assert places == sorted(places)
    for group, choices in grouped_choices().items():
        place = titles.index(group)
        count = len([choice for choice in choices if choice.name() not in ASKED_FIRST])
        assert titles[place : place + count] == [group] * count and titles.count(group) == count


def test_the_chain_passes_every_choice_and_every_raster_on():
    names = {choice.name() for choices in grouped_choices().values() for choice in choices}
    assert set(STACK.inputs) == {"INPUT_FOLDER"} | names
    assert set(STACK.outputs) == {"PHASE_RATE", "LOS_RATE", "REPORT"} | {raster.name() for raster in more_rasters()}
    assert len(names) == sum(map(len, grouped_choices().values())), "no choice is asked for twice"


def test_areas_are_the_same_whatever_sign_and_unit_the_rate_has(run, scene, tmp_path):
    """Detection and the attributes read sign and unit of the rate that the chain passes on."""
    results = {}
    for name, given in (("usual", {}), ("other", {"SIGN": "away", "UNIT": "m/yr"})):
        files = {kind: str(tmp_path / f"{name}_{kind.lower()}.tif") for kind in ("LOS_RATE", "COUNT", "PROBABILITY")}
        results[name] = run(
            "mapactiveareas",
            {
                "INPUT_FOLDER": str(scene), "DEM": str(scene / "dem.tif"), "ORBIT": "descending", "MIN_PAIRS": 4,
                "AREAS": str(tmp_path / f"{name}.gpkg"), "PHASE_RATE": "TEMPORARY_OUTPUT", "SLOPE": "TEMPORARY_OUTPUT",
                **files, **given,
            },
            Feedback(),
        )  # fmt: skip
    usual, other = results["usual"], results["other"]
    rates = [gdal.Open(result["LOS_RATE"]).ReadAsArray() for result in (usual, other)]
    np.testing.assert_allclose(rates[1], -rates[0] / 1000, rtol=1e-5)
    probabilities = [gdal.Open(result["PROBABILITY"]).ReadAsArray() for result in (usual, other)]
    np.testing.assert_allclose(probabilities[1], probabilities[0], atol=1e-4)
    layers = [QgsVectorLayer(result["AREAS"]) for result in (usual, other)]
    assert layers[0].featureCount() == layers[1].featureCount() == usual["AREA_COUNT"] > 0
    extremes = [[feature["los_rate_extreme"] for feature in layer.getFeatures()] for layer in layers]
    assert min(map(abs, extremes[0])) > 5
    np.testing.assert_allclose(extremes[1], np.negative(extremes[0]), rtol=1e-4, err_msg="mm/yr, sign of the layer")
    counts = gdal.Open(usual["COUNT"]).ReadAsArray()
    assert counts.max() == usual["PAIRS_USED"]
    assert np.isnan(gdal.Open(usual["LOS_RATE"]).ReadAsArray()[counts < 4]).all()


def test_a_choice_that_lacks_its_layer_is_refused(run, scene, tmp_path):
    outputs = {name: str(tmp_path / f"{name}.tif") for name in ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")}
    parameters = {
        "INPUT_FOLDER": str(scene),
        "DEM": str(scene / "dem.tif"),
        "AREAS": str(tmp_path / "a.gpkg"),
        **outputs,
    }
    with pytest.raises(QgsProcessingException, match="given as REFERENCE"):
        run("mapactiveareas", {**parameters, "REFERENCE_MODE": "area"})
    assert list(tmp_path.iterdir()) == []
