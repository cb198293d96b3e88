"""Inputs of the golden record that are made by code, with nothing of the plugin."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr, osr
from qgis.core import QgsCoordinateReferenceSystem, QgsVectorLayer

UTM = "EPSG:32648"
CORNER = (500_000.0, 3_500_000.0)
Values = NDArray[Any]
Box = tuple[float, float, float, float]


def raster(
    path: Path,
    values: Values,
    name: str = "",
    unit: str = "",
    crs: str = UTM,
    transform: Sequence[float] = (CORNER[0], 30.0, 0.0, CORNER[1], 0.0, -30.0),
    nodata: float | None = None,
    **tags: str,
) -> str:
    """A GeoTIFF of an array (h, w); its path."""
    kind = {"u": gdal.GDT_Byte, "i": gdal.GDT_Int16}.get(values.dtype.kind, gdal.GDT_Float32)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, kind)
    dataset.SetGeoTransform(transform)
    dataset.SetProjection(reference(crs).ExportToWkt())
    dataset.SetMetadata(tags)
    band = dataset.GetRasterBand(1)
    band.SetDescription(name)
    band.SetUnitType(unit)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    band.WriteArray(values)
    dataset.FlushCache()
    return str(path)


def reference(crs: str) -> osr.SpatialReference:
    """The reference system with x before y."""
    result = osr.SpatialReference()
    result.SetFromUserInput(crs)
    result.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return result


def features(path: Path, rows: Sequence[tuple[str, dict[str, Any]]], crs: str = UTM, layer: str = "features") -> str:
    """A GeoPackage of (WKT, attributes); the first row tells the fields. Its path."""
    kinds = {int: ogr.OFTInteger, float: ogr.OFTReal, str: ogr.OFTString}
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    shape = ogr.CreateGeometryFromWkt(rows[0][0]).GetGeometryType()
    table = source.CreateLayer(layer, reference(crs) if crs else None, shape)
    for name, value in rows[0][1].items():
        table.CreateField(ogr.FieldDefn(name, kinds[type(value)]))
    for wkt, attributes in rows:
        feature = ogr.Feature(table.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
        for name, value in attributes.items():
            if value is not None:
                feature.SetField(name, value)
        table.CreateFeature(feature)
    return str(path)


def without_system(path: str) -> QgsVectorLayer:
    """The features as a layer whose coordinate reference system is unknown."""
    layer = QgsVectorLayer(path, "lost", "ogr")
    layer.setCrs(QgsCoordinateReferenceSystem())
    return layer


def box(left: float, bottom: float, width: float, height: float) -> str:
    """A rectangle as WKT."""
    right, top = left + width, bottom + height
    return f"POLYGON (({left} {bottom}, {right} {bottom}, {right} {top}, {left} {top}, {left} {bottom}))"


def pixel_box(top: int, left: int, height: int, width: int) -> str:
    """A rectangle of pixels of the usual grid as WKT."""
    return box(CORNER[0] + 30 * left, CORNER[1] - 30 * (top + height), 30 * width, 30 * height)


def bounds(path: str | Path) -> Box:
    """Left, bottom, right, top of a raster."""
    dataset = gdal.Open(str(path))
    left, width, _, top, _, height = dataset.GetGeoTransform()
    return left, top + height * dataset.RasterYSize, left + width * dataset.RasterXSize, top


def warped(source: str | Path, path: Path, **options: Any) -> str:
    """A raster in another grid or kind; its path."""
    gdal.Warp(str(path), str(source), **options)
    return str(path)


def array(path: str | Path) -> Values:
    """The values of the first band."""
    dataset = gdal.Open(str(path))
    return np.asarray(dataset.GetRasterBand(1).ReadAsArray())


def changed(source: str | Path, path: Path, values: Values) -> str:
    """A copy of a raster with other values; its path."""
    shutil.copy(source, path)
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(values)
    dataset.FlushCache()
    return str(path)


def pairs_table(path: Path, scene: Path, separator: str = ",", with_more: bool = True) -> str:
    """A CSV of the interferograms of a simulated scene; with baselines and coherence, or without. Its path."""
    names = ["file", "date1", "date2", *(["perpendicular_baseline_m", "coherence_file"] if with_more else [])]
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, delimiter=separator)
        table.writerow(names)
        for phase in sorted(scene.rglob("*_unw_phase.tif")):
            first, second = re.findall(r"_(\d{8})T", phase.name)
            facts = phase.with_name(phase.name.replace("_unw_phase.tif", ".txt")).read_text("utf-8")
            baseline = re.search(r"Baseline: (\S+)", facts)
            more = [baseline[1] if baseline else "", str(phase).replace("_unw_phase", "_corr")]
            table.writerow([str(phase), first, second, *(more if with_more else [])])
    return str(path)


def licsar(folder: Path, size: int = 96, dates: int = 6) -> Path:
    """A folder of LiCSAR products in degrees, with motion in the middle and zeros where nothing is known."""
    random = np.random.default_rng(5)
    days = [f"2021{month:02d}{day:02d}" for month, day in ((1, 3), (1, 15), (1, 27), (2, 8), (2, 20), (3, 4))[:dates]]
    rows, columns = np.indices((size, size))
    motion = np.exp(-((rows - size / 2) ** 2 + (columns - size / 2) ** 2) / 60)
    degrees = (102.0, 0.001, 0.0, 31.0, 0.0, -0.001)
    for first, second in ((a, b) for i, a in enumerate(days) for b in days[i + 1 : i + 3]):
        pair = folder / f"{first}_{second}"
        pair.mkdir(parents=True)
        phase = (0.4 * motion * (days.index(second) - days.index(first)) + random.normal(0, 0.1, motion.shape)).astype(
            np.float32
        )
        phase[:4, :9] = 0
        coherence = random.integers(90, 250, motion.shape).astype(np.uint8)
        raster(pair / f"{pair.name}.geo.unw.tif", phase, crs="EPSG:4326", transform=degrees, nodata=0)
        raster(pair / f"{pair.name}.geo.cc.tif", coherence, crs="EPSG:4326", transform=degrees, nodata=0)
    return folder
