"""Inputs of the golden record that are made by code, with nothing of the plugin."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
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


def waves(shape: tuple[int, int], seed: int, shortest: float, count: int = 14) -> Values:
    """A smooth random surface of spread 1 whose waves are at least so many pixels long."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    total = np.zeros(shape)
    for _ in range(count):
        length, direction, shift = random.uniform(shortest, 4 * shortest), *random.uniform(0, 2 * np.pi, 2)
        along = rows * np.cos(direction) + columns * np.sin(direction)
        total += np.sin(2 * np.pi * along / length + shift) * length
    return total / total.std()


def scene(
    folder: Path, orbits: Sequence[str] = ("descending",), size: int = 224, dates: int = 9, seed: int = 2
) -> Path:
    """Interferograms as HyP3 has them, over mountains on which slopes move, and dem.tif; nothing of it is simulated by
    the plugin, so that stacking and detection are judged on the same input when the simulator changes.
    """
    heights = 1500 + 330 * waves((size, size), seed, 45)
    east, south = np.gradient(heights, 30.0, axis=1), np.gradient(heights, 30.0, axis=0)
    slope = np.hypot(east, south)
    rows, columns = np.indices(heights.shape)
    random = np.random.default_rng(seed + 1)
    speed = np.zeros_like(heights)
    for index in random.permutation(np.flatnonzero(slope[20:-20, 20:-20] > np.tan(np.radians(20))))[:9]:
        row, column = np.array(divmod(int(index), size - 40)) + 20
        away = np.hypot((rows - row) / random.uniform(6, 11), (columns - column) / random.uniform(6, 11))
        speed = np.maximum(speed, random.uniform(0.07, 0.14) * np.exp(-(away**4)))
    down = np.stack((-east, south, -(slope**2))) / np.sqrt(slope**2 + slope**4 + 1e-12)
    folder.mkdir(parents=True)
    raster(folder / "dem.tif", heights.astype(np.float32), "dem", "m")
    for orbit in orbits:
        heading, incidence = np.radians({"ascending": -12.0, "descending": -168.0}[orbit]), np.radians(38.0)
        toward = (-np.sin(incidence) * np.cos(heading), np.sin(incidence) * np.sin(heading), np.cos(incidence))
        pairs(folder / orbit, speed * np.tensordot(toward, down, 1), heights, orbit, dates, seed)
    return folder


def pairs(folder: Path, rate: Values, heights: Values, orbit: str, dates: int, seed: int) -> None:
    """Interferograms of up to four neighbouring dates; ``rate`` is in m/yr, positive toward the satellite."""
    random = np.random.default_rng(seed + len(orbit))
    days = [date(2022, 1, 5) + timedelta(12 * number) for number in range(dates)]
    positions = random.uniform(-70, 70, dates)
    delays = [0.9 * waves(rate.shape, seed + 10 + n + len(orbit), 60) + 4e-4 * n % 3 * heights for n in range(dates)]
    steady = np.clip(0.8 + 0.15 * waves(rate.shape, seed + 5, 20), 0.15, 0.97)
    for first, second in ((a, b) for a in range(dates) for b in range(a + 1, min(a + 5, dates))):
        years = (second - first) * 12 / 365.25
        coherence = np.clip(steady - 0.25 * years, 0.05, 1)
        spread = np.sqrt(1 - coherence**2) / coherence / 6
        phase = -4 * np.pi / 0.055465763 * rate * years + delays[second] - delays[first]
        phase = phase + random.normal(0, 1, rate.shape) * spread + random.uniform(-3, 3)
        phase[(coherence < 0.3) | (np.indices(rate.shape).sum(0) < 12 + second)] = 0
        span = "_".join(f"{days[number]:%Y%m%d}T052401" for number in (first, second))
        pair = folder / f"S1AA_{span}_VVP{12 * (second - first):03d}_INT40_G_ueF_{first:02d}{second:02d}"
        pair.mkdir(parents=True)
        name = str(pair / pair.name)
        raster(Path(f"{name}_unw_phase.tif"), phase.astype(np.float32), "unw_phase", "rad", nodata=0)
        raster(Path(f"{name}_corr.tif"), coherence.astype(np.float32), "corr", "1", nodata=0)
        angle = np.full(rate.shape, np.radians(52.0), np.float32)
        raster(Path(f"{name}_lv_theta.tif"), angle, "lv_theta", "rad", nodata=0)
        heading = {"ascending": -12.0, "descending": -168.0}[orbit]
        facts = f"Baseline: {positions[second] - positions[first]:.4f}\nHeading: {heading}\n"
        for role in ("Reference", "Secondary"):
            facts = f"{role} Pass Direction: {orbit.upper()}\n{facts}"
        Path(f"{name}.txt").write_text(facts, "utf-8")


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
