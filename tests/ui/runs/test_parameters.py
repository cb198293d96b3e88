"""Layers as they are given to a run that outlives the project: read as they are seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsVectorLayer

from ada_mapper.core.raster import Grid
from ada_mapper.ui.runs.parameters import detached
from printed_survey import Survey
from small_rasters import write


def test_a_raster_layer_is_its_file_unless_its_crs_was_set_by_hand(qgis_app: object, tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", np.ones((4, 4), np.float32), "dem", "m")
    project, layer = QgsProject(), QgsRasterLayer(path, "DEM")
    assert detached(layer, [], project) == path
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32647"))
    assert "zone 47N" in Grid.of(detached(layer, [], project)).crs


def test_a_vector_layer_keeps_the_crs_that_was_set_by_hand(qgis_app: object, tmp_path: Path) -> None:
    path = Survey(tmp_path, [(101.0, 30.0)]).areas
    project, layer, kept = QgsProject(), QgsVectorLayer(path, "areas"), []
    assert detached(layer, kept, project) == path and not kept
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:4490"))
    copy = detached(layer, kept, project)
    assert kept == [copy] and copy.crs().authid() == "EPSG:4490"
