"""The marks that layers carry in saved projects, and what is read from them."""

from __future__ import annotations

import pytest
from qgis.core import QgsVectorLayer

from ada_mapper.processing.layers import mark_role, mark_run, model_credit, role_mark, run_of

RUN = {
    "algorithm": "adamapper:slope",
    "parameters": {"INPUT": "地形.tif"},
    "version": "0.3.0",
    "date": "2022-03-05T12:00",
}


@pytest.fixture
def layer(qgis_app):
    return QgsVectorLayer("Polygon?crs=EPSG:4326", "areas", "memory")


def test_marks_come_back_as_they_were(layer):
    assert role_mark(layer) == "" and run_of(layer) is None
    mark_role(layer, "areas")
    mark_run(layer, RUN)
    assert role_mark(layer) == "areas" and run_of(layer) == RUN


def test_marks_of_projects_saved_before_are_read(layer):
    layer.setCustomProperty("ada_mapper/role", "slope")
    layer.setCustomProperty("ada_mapper/run", '{"algorithm": "adamapper:slope", "parameters": {}}')
    assert role_mark(layer) == "slope" and run_of(layer) == {"algorithm": "adamapper:slope", "parameters": {}}


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", "null", "{}", '{"algorithm": ""}'])
def test_what_tells_no_run_counts_as_none(layer, text):
    layer.setCustomProperty("ada_mapper/run", text)
    assert run_of(layer) is None and run_of(None) is None


def test_the_credit_tells_version_day_and_model(layer):
    mark_run(layer, {**RUN, "model": "Compact 1", "parameters": {"MODEL": "/elsewhere/own.onnx"}})
    assert model_credit(layer) == "Areas: ADA Mapper 0.3.0, 2022-03-05, model Compact 1"
    mark_run(layer, {**RUN, "model": "Compact 1"})
    assert model_credit(layer).endswith("trained on simulated scenes; not validated")


def test_without_a_run_the_credit_is_what_the_metadata_say(layer):
    assert model_credit(layer) == "" and model_credit(None) == ""
    metadata = layer.metadata()
    metadata.setAbstract("Made by hand\nin 2021\nby A. B.\nwith a pen")
    layer.setMetadata(metadata)
    assert model_credit(layer) == "Made by hand; in 2021; by A. B."
