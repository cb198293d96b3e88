"""Layers that QGIS reads otherwise than their files say: the tools read what is seen, and tell."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsCoordinateReferenceSystem, QgsProcessingException, QgsProject, QgsRasterLayer, QgsRasterRange

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.processing.layer_sources import raster_source
from recording_feedback import Feedback
from small_rasters import square_grid, write


def _plane(path: Path, degrees: float = 20.0, crs: str = "EPSG:32648", size: float = 30.0) -> str:
    """Ground that falls to the south, in metres."""
    rows = np.arange(64, dtype=np.float32)[:, None] * np.ones((1, 48), np.float32)
    heights = 3000 - size * np.tan(np.radians(degrees)) * rows
    return write(path, heights, "dem", "m", square_grid(64, 48, crs, size))


def _slope(run, layer, tmp_path: Path) -> tuple[np.ndarray, Grid, Feedback]:
    feedback = Feedback()
    result = run("slope", {"INPUT": layer, "OUTPUT": str(tmp_path / "slope.tif")}, feedback)
    with BandReader(result["OUTPUT"]) as reader:
        return reader.read(), reader.grid, feedback


def test_a_plain_layer_is_its_file(tmp_path):
    path = _plane(tmp_path / "dem.tif")
    assert raster_source(QgsRasterLayer(path, "DEM")) == path


def test_open_options_of_a_layer_are_used_and_told(run, tmp_path):
    path = _plane(tmp_path / "dem.tif")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.BuildOverviews("AVERAGE", [2])
    dataset = None
    for given in (f"{path}|option:OVERVIEW_LEVEL=0", QgsRasterLayer(f"{path}|option:OVERVIEW_LEVEL=0", "half a DEM")):
        slope, grid, feedback = _slope(run, given, tmp_path)
        assert (grid.width, grid.height) == (24, 32) and grid.pixel_size == pytest.approx(60)
        assert np.nanmedian(slope) == pytest.approx(20, abs=1e-3)
        assert "OVERVIEW_LEVEL=0" in feedback.log


def test_the_crs_that_was_set_by_hand_counts(run, tmp_path):
    # Feet of the state plane that the file calls metres: the ground is as steep as rise over run in one unit.
    layer = QgsRasterLayer(_plane(tmp_path / "dem.tif"), "DEM")
    feet = "PROJ:+proj=tmerc +lon_0=105 +k=0.9996 +x_0=152400 +datum=WGS84 +units=us-ft +type=crs"
    layer.setCrs(QgsCoordinateReferenceSystem(feet))
    QgsProject.instance().addMapLayer(layer, False)
    try:
        for given in (layer, layer.id(), layer.name()):
            slope, _, feedback = _slope(run, given, tmp_path)
            expected = np.degrees(np.arctan(np.tan(np.radians(20)) / (1200 / 3937)))
            assert np.nanmedian(slope) == pytest.approx(expected, abs=0.01)
            assert "in QGIS and EPSG:32648 in its file: that in QGIS counts" in feedback.log
    finally:
        QgsProject.instance().removeMapLayer(layer.id())


def test_a_wrong_crs_that_was_set_by_hand_is_told_by_the_layers_name(run, tmp_path):
    layer = QgsRasterLayer(_plane(tmp_path / "dem.tif"), "Lamjung heights")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    # What is raised inside QGIS stays, with all that its frames hold: the layer must end with the project.
    QgsProject.instance().addMapLayer(layer, False)
    try:
        with pytest.raises(QgsProcessingException, match=r"Lamjung heights\.vrt declares a CRS in degrees"):
            _slope(run, layer.id(), tmp_path)
    finally:
        QgsProject.instance().removeMapLayer(layer.id())
    assert not (tmp_path / "slope.tif").exists()


def test_a_value_for_no_data_that_was_switched_off_is_data(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = write(tmp_path / "r.tif", values, "dem", "m")
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(1).SetNoDataValue(5.0)
    dataset = None
    layer = QgsRasterLayer(path, "r")
    told: list[str] = []
    with BandReader(raster_source(layer, told.append)) as reader:
        assert np.isnan(reader.read()[1, 1]) and not told
    layer.dataProvider().setUseSourceNoDataValue(1, False)
    with BandReader(raster_source(layer, told.append)) as reader:
        np.testing.assert_array_equal(reader.read(), values)
    assert len(told) == 1 and "is data" in told[0]


@pytest.mark.parametrize("declared", [None, -9999.0])
@pytest.mark.parametrize("scale", [None, (0.5, 10.0)])
def test_values_that_were_left_out_by_hand_are_no_data(tmp_path, declared, scale):
    values = np.arange(600 * 40, dtype=np.float32).reshape(600, 40)
    path = write(tmp_path / "r.tif", values, "dem", "m")
    dataset = gdal.Open(path, gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    if declared is not None:
        band.SetNoDataValue(declared)
    if scale is not None:
        band.SetScale(scale[0])
        band.SetOffset(scale[1])
    band = dataset = None
    bounds = QgsRasterRange.BoundsType
    ranges = [
        QgsRasterRange(100, 110),
        QgsRasterRange(7, 7),
        QgsRasterRange(200, 210, bounds.Exclusive),
        QgsRasterRange(11000, float("nan"), bounds.IncludeMinAndMax),
    ]
    layer = QgsRasterLayer(path, "r")
    layer.dataProvider().setUserNoDataValue(1, ranges)
    told: list[str] = []
    source = raster_source(layer, told.append)
    with BandReader(source) as reader:
        found = reader.read()
        assert reader.tags["unit"] == "m"
    physical = values * (scale or (1, 0))[0] + (scale or (1, 0))[1]
    lost = ((physical >= 100) & (physical <= 110)) | (physical == 7) | ((physical > 200) & (physical < 210))
    lost |= physical >= 11000
    np.testing.assert_allclose(found, np.where(lost, np.nan, physical), rtol=1e-6)
    block = layer.dataProvider().block(1, layer.extent(), layer.width(), layer.height())
    seen = np.array([[block.isNoData(row, column) for column in range(40)] for row in range(600)])
    np.testing.assert_array_equal(np.isnan(found), seen)
    assert "100 … 110" in told[0] and raster_source(layer) == source


def test_sub_datasets_and_archives_are_read_as_they_are(run, tmp_path):
    path = _plane(tmp_path / "dem.tif", 25.0)
    with zipfile.ZipFile(tmp_path / "dem.zip", "w") as archive:
        archive.write(path, "inside/dem.tif")
    gdal.Translate(str(tmp_path / "two.gpkg"), path, format="GPKG", creationOptions=["RASTER_TABLE=heights"])
    container = tmp_path / "heights.nc"
    sources = [f"/vsizip/{tmp_path / 'dem.zip'}/inside/dem.tif", f"GPKG:{tmp_path / 'two.gpkg'}:heights"]
    if gdal.GetDriverByName("netCDF") is not None:
        gdal.Translate(str(container), path, format="netCDF", creationOptions=["FORMAT=NC4"])
        name = [line for line, _ in gdal.Open(str(container)).GetSubDatasets()] or [f'NETCDF:"{container}":Band1']
        sources.append(name[0])
    for source in sources:
        slope, grid, _ = _slope(run, QgsRasterLayer(source, "DEM"), tmp_path)
        assert grid.same_as(Grid.of(path)), source
        assert np.nanmedian(slope) == pytest.approx(25, abs=0.01), source


def test_layers_that_are_no_files_are_told():
    layer = QgsRasterLayer("url=https://example.invalid&type=xyz&zmax=1", "tiles", "wms")
    if not layer.isValid():
        pytest.skip("this QGIS makes no such layer without a network")
    with pytest.raises(InputError, match="tiles is not a raster file"):
        raster_source(layer)
