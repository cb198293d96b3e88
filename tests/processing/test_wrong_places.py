"""Layers whose CRS can't be right, through processing.run: one sentence that names the layer, and nothing left."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from qgis.core import QgsProcessingException

from ada_mapper.core.raster import Grid
from recording_feedback import Feedback
from small_rasters import square_grid, write

_WKT = {
    "metres": "POLYGON ((500000 3499000, 500300 3499000, 500300 3499300, 500000 3499300, 500000 3499000))",
    "degrees": "POLYGON ((105 31.6, 105.01 31.6, 105.01 31.61, 105 31.61, 105 31.6))",
    "nan": "POLYGON ((105 31.6, 105.01 nan, 105.01 31.61, 105 31.61, 105 31.6))",
}
_LOCAL = 'LOCAL_CS["mine grid",UNIT["metre",1]]'


def _layer(path: Path, coordinates: str, crs: str | int) -> str:
    """A GeoPackage of one polygon; a number as its CRS is the srs_id itself: -1 and 0 are the undefined ones."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs if isinstance(crs, str) else "EPSG:32648")
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer("areas", reference, ogr.wkbPolygon)
    feature = ogr.Feature(layer.GetLayerDefn())
    wkt = _WKT[coordinates]
    geometry = ogr.CreateGeometryFromWkt(wkt.replace("nan", "31.6"))
    if "nan" in wkt:
        geometry.GetGeometryRef(0).SetPoint_2D(1, 105.01, float("nan"))
    feature.SetGeometry(geometry)
    layer.CreateFeature(feature)
    feature = layer = source = None
    if isinstance(crs, int):
        with sqlite3.connect(path) as connection:
            for table in ("gpkg_geometry_columns", "gpkg_contents"):
                connection.execute(f"UPDATE {table} SET srs_id = {crs}")
        connection.close()
    return str(path)


def _point(folder: Path) -> Path:
    layer = gdal.GetDriverByName("GPKG").Create(str(folder / "sites.gpkg"), 0, 0, 0, gdal.GDT_Unknown)
    reference = osr.SpatialReference()
    reference.SetFromUserInput("EPSG:4326")
    sites = layer.CreateLayer("sites", reference, ogr.wkbPoint)
    feature = ogr.Feature(sites.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (105.005 31.605)"))
    sites.CreateFeature(feature)
    return folder / "sites.gpkg"


_BAD = [
    ("metres", -1, "which doesn't say where on Earth|has no coordinate reference system"),
    ("degrees", 0, "which doesn't say where on Earth|has no coordinate reference system"),
    ("metres", _LOCAL, "which doesn't say where on Earth"),
    ("metres", "EPSG:4326", r"declares a CRS in degrees, .* but its coordinates are .*: probably metres"),
]


@pytest.mark.parametrize(("coordinates", "crs", "sentence"), _BAD)
@pytest.mark.parametrize("bad", ["ASCENDING", "DESCENDING"])
def test_merge_orbits(run, tmp_path, coordinates, crs, sentence, bad):
    good = _layer(tmp_path / "good.gpkg", "metres", "EPSG:32648")
    layers = {"ASCENDING": good, "DESCENDING": good, bad: _layer(tmp_path / "strange.gpkg", coordinates, crs)}
    with pytest.raises(QgsProcessingException, match=f"(?i)strange.*({sentence})"):
        run("mergeorbits", {**layers, "AREAS": str(tmp_path / "merged.gpkg")})
    assert not (tmp_path / "merged.gpkg").exists()


def test_an_outline_of_nan_is_left_out_and_told(run, tmp_path):
    good = _layer(tmp_path / "good.gpkg", "metres", "EPSG:32648")
    strange = _layer(tmp_path / "strange.gpkg", "nan", "EPSG:4326")
    feedback = Feedback()
    result = run("mergeorbits", {"ASCENDING": good, "DESCENDING": strange, "AREAS": "TEMPORARY_OUTPUT"}, feedback)
    assert result["AREA_COUNT"] == 1 and "strange: 1 outlines can't be repaired" in feedback.log


@pytest.mark.parametrize(("coordinates", "crs", "sentence"), _BAD)
@pytest.mark.parametrize("bad", ["AREAS", "TRUE_AREAS"])
def test_assess_accuracy(run, tmp_path, coordinates, crs, sentence, bad):
    good = _layer(tmp_path / "good.gpkg", "metres", "EPSG:32648")
    layers = {"AREAS": good, "TRUE_AREAS": good, bad: _layer(tmp_path / "strange.gpkg", coordinates, crs)}
    with pytest.raises(QgsProcessingException, match=f"(?i)strange.*({sentence})"):
        run("assessaccuracy", {**layers, "REPORT": str(tmp_path / "report.html")})
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("crs", "transform", "sentence"),
    [
        (_LOCAL, (0, 30, 0, 3000, 0, -30), "“mine grid”, which doesn't say where on Earth"),
        ("EPSG:4326", (500000, 30, 0, 3100000, 0, -30), r"declares a CRS in degrees, .*: probably metres"),
        ("EPSG:32645", (85.3, 0.000277, 0, 28.1, 0, -0.000277), r"declares a projected CRS, .*: probably degrees"),
        ("EPSG:32645", (5e7, 30, 0, 9e7, 0, -30), "to WGS 84"),
        ("", (500000, 30, 0, 3100000, 0, -30), "has no coordinate reference system"),
    ],
)
def test_slope(run, tmp_path, crs, transform, sentence):
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "strange.tif"), 40, 30, 1, gdal.GDT_Float32)
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform(transform)
    dataset.GetRasterBand(1).WriteArray(np.add.outer(np.arange(30.0), np.arange(40.0)))
    dataset = None
    with pytest.raises(QgsProcessingException, match=rf"strange\.tif.*{sentence}"):
        run("slope", {"INPUT": str(tmp_path / "strange.tif"), "OUTPUT": str(tmp_path / "slope.tif")})
    assert not (tmp_path / "slope.tif").exists()


def test_slope_of_a_south_up_dem(run, tmp_path):
    heights = np.add.outer(30 * np.tan(np.radians(20)) * np.arange(60.0), np.zeros(50)) + 1000
    grid = square_grid(60, 50)
    path = write(tmp_path / "dem.tif", heights, "dem", "m", grid)
    turned = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "turned.tif"), 50, 60, 1, gdal.GDT_Float32)
    turned.SetProjection(
        osr.GetUserInputAsWKT("EPSG:32648") if hasattr(osr, "GetUserInputAsWKT") else gdal.Open(path).GetProjection()
    )
    turned.SetGeoTransform((500000, 30, 0, 3500000 - 60 * 30, 0, 30))
    turned.GetRasterBand(1).WriteArray(heights[::-1].astype(np.float32))
    turned.GetRasterBand(1).SetUnitType("m")
    turned = None
    found = {}
    for name in ("dem", "turned"):
        outputs = {"OUTPUT": str(tmp_path / f"{name}_slope.tif"), "ASPECT": str(tmp_path / f"{name}_aspect.tif")}
        result = run("slope", {"INPUT": str(tmp_path / f"{name}.tif"), **outputs})
        found[name] = [gdal.Open(result[key]).ReadAsArray() for key in ("OUTPUT", "ASPECT")]
        assert Grid.of(result["OUTPUT"]).same_as(grid)
    np.testing.assert_array_equal(found["turned"], found["dem"])
    assert np.nanmedian(found["turned"][0]) == pytest.approx(20, abs=1e-3)
    # The scene lies 0.75 km east of the zone's middle, where grid north is 0.004° east of true north.
    assert np.nanmedian(found["turned"][1]) == pytest.approx(0.0042, abs=3e-4)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("samplesites", "DISTRICTS"), ("samplesites", "AREAS"), ("surveymaps", "AREAS"), ("labelsfromreview", "AREAS")],
)
def test_metres_declared_as_degrees_are_told_before_the_work(run, tmp_path, name, parameter):
    good = _layer(tmp_path / "good.gpkg", "degrees", "EPSG:4326")
    strange = _layer(tmp_path / "strange.gpkg", "metres", "EPSG:4326")
    results = {"SITES": "s.gpkg", "OUTPUT": "m.pdf", "LABELS": "l.gpkg"}
    outputs = {key: str(tmp_path / value) for key, value in results.items() if name != "surveymaps" or key == "OUTPUT"}
    with pytest.raises(QgsProcessingException, match=r"(?i)strange.*declares a CRS in degrees"):
        run(name, {"AREAS": good, "SITES": str(_point(tmp_path)), "COUNT": 1, **outputs, parameter: strange})
    assert not [tmp_path / value for value in results.values() if (tmp_path / value).exists()]
