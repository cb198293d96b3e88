"""A small folder with everything that the algorithms take, and for each of them parameters that go well."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ada_mapper.core.models import ModelCard
from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.types import Array
from tiny_models import card_of, write_model

ROOT = Path(__file__).resolve().parent.parent.parent
GRID = Grid("EPSG:32632", (500000, 30, 0, 5000000, 0, -30), 150, 140)
AREAS_AT = ((20, 20), (20, 80), (70, 20), (70, 80))
DATES = 4

IN, OUT = "in:", "out:"
"""How the parameters below begin where they name something of the world, or a result."""

GOOD: dict[str, dict[str, Any]] = {
    "slope": {"INPUT": "in:dem.tif", "OUTPUT": "out:slope.tif", "ASPECT": "out:aspect.tif"},
    "lossensitivity": {
        "INPUT": "in:dem.tif",
        "RATE": "in:los_rate.tif",
        "ORBIT": "descending",
        "INCIDENCE_RASTER": "in:incidence.tif",
        "OUTPUT": "out:sensitivity.tif",
    },
    "stackinterferograms": {
        "INPUT_FOLDER": "in:pairs",
        "DEM": "in:dem.tif",
        "REFERENCE": "in:point.gpkg",
        "REFERENCE_MODE": "area",
        "RAMP": "plane",
        "SEASONAL": True,
        "UNWRAPPING_CORRECTION": True,
        "ESTIMATOR": "network",
        "HEIGHT_CORRECTION": True,
        "EXCLUDE_MASK": "in:mask.tif",
        "PHASE_RATE": "out:phase_rate.tif",
        "LOS_RATE": "out:los_rate.tif",
        "STANDARD_ERROR": "out:error.tif",
        "COUNT": "out:count.tif",
        "CLOSURE": "out:closure.tif",
        "COHERENCE": "out:mean_coherence.tif",
        "REPORT": "out:stack.html",
    },
    "buildcomposite": {
        "PHASE_RATE": "in:phase_rate.tif",
        "LOS_RATE": "in:los_rate.tif",
        "DEM": "in:dem.tif",
        "SLOPE": "in:slope.tif",
        "COHERENCE": "in:coherence.tif",
        "LOS_SENSITIVITY": "in:sensitivity.tif",
        "STANDARD_ERROR": "in:error.tif",
        "CLOSURE": "in:closure.tif",
        "MODEL": "in:every_channel.onnx",
        "OUTPUT": "out:composite.tif",
    },
    "detectareas": {
        "PHASE_RATE": "in:phase_rate.tif",
        "LOS_RATE": "in:los_rate.tif",
        "DEM": "in:dem.tif",
        "SLOPE": "in:slope.tif",
        "COHERENCE": "in:coherence.tif",
        "LOS_SENSITIVITY": "in:sensitivity.tif",
        "STANDARD_ERROR": "in:error.tif",
        "CLOSURE": "in:closure.tif",
        "OTHER_PHASE_RATE": "in:phase_rate.tif",
        "OTHER_LOS_RATE": "in:los_rate.tif",
        "OTHER_COHERENCE": "in:coherence.tif",
        "OTHER_LOS_SENSITIVITY": "in:other_sensitivity.tif",
        "OTHER_STANDARD_ERROR": "in:error.tif",
        "OTHER_CLOSURE": "in:closure.tif",
        "MODEL": "in:every_channel.onnx",
        "PROBABILITY": "out:probability.tif",
    },
    "classicaldetector": {
        "LOS_RATE": "in:los_rate.tif",
        "SLOPE": "in:slope.tif",
        "DEM": "in:dem.tif",
        "LOS_SENSITIVITY": "in:sensitivity.tif",
        "AREAS": "out:areas.gpkg",
    },
    "extractareas": {
        "PROBABILITY": "in:probability.tif",
        "LOS_RATE": "in:los_rate.tif",
        "SLOPE": "in:slope.tif",
        "DEM": "in:dem.tif",
        "AREAS": "out:areas.gpkg",
    },
    "mapactiveareas": {
        "INPUT_FOLDER": "in:pairs",
        "DEM": "in:dem.tif",
        "ORBIT": "descending",
        "MODEL": "in:rate.onnx",
        "REFERENCE": "in:point.gpkg",
        "REFERENCE_MODE": "area",
        "RAMP": "plane",
        "SEASONAL": True,
        "UNWRAPPING_CORRECTION": True,
        "ESTIMATOR": "network",
        "HEIGHT_CORRECTION": True,
        "EXCLUDE_MASK": "in:mask.tif",
        "AREAS": "out:areas.gpkg",
        "PROBABILITY": "out:probability.tif",
        "PHASE_RATE": "out:phase_rate.tif",
        "LOS_RATE": "out:los_rate.tif",
        "SLOPE": "out:slope.tif",
        "LOS_SENSITIVITY": "out:sensitivity.tif",
        "STANDARD_ERROR": "out:error.tif",
        "COUNT": "out:count.tif",
        "CLOSURE": "out:closure.tif",
        "COHERENCE": "out:mean_coherence.tif",
        "REPORT": "out:stack.html",
    },
    "mergeorbits": {
        "ASCENDING": "in:areas.gpkg",
        "DESCENDING": "in:areas.gpkg",
        "ASCENDING_LOS_RATE": "in:los_rate.tif",
        "ASCENDING_LOS_SENSITIVITY": "in:sensitivity.tif",
        "DESCENDING_LOS_RATE": "in:los_rate.tif",
        "DESCENDING_LOS_SENSITIVITY": "in:other_sensitivity.tif",
        "AREAS": "out:areas.gpkg",
    },
    "labelsfromreview": {"AREAS": "in:reviewed.gpkg", "LABELS": "out:labels.gpkg"},
    "createsamples": {
        "PHASE_RATE": "in:phase_rate.tif",
        "LOS_RATE": "in:los_rate.tif",
        "DEM": "in:dem.tif",
        "SLOPE": "in:slope.tif",
        "COHERENCE": "in:coherence.tif",
        "LOS_SENSITIVITY": "in:sensitivity.tif",
        "STANDARD_ERROR": "in:error.tif",
        "CLOSURE": "in:closure.tif",
        "LABELS": "in:areas.gpkg",
        "IGNORED": "in:ignored.gpkg",
        "EXTENT": "in:extent.gpkg",
        "PIXEL_SIZE": 30,
        "TILE_SIZE": 64,
        "OUTPUT_FOLDER": "out:samples",
    },
    "assessaccuracy": {
        "AREAS": "in:areas.gpkg",
        "TRUE_AREAS": "in:areas.gpkg",
        "IGNORED_AREAS": "in:one_area.gpkg",
        "MAPPED_EXTENT": "in:extent.gpkg",
        "PROBABILITY": "in:probability.tif",
        "LOS_RATE": "in:los_rate.tif",
        "SLOPE": "in:slope.tif",
        "DEM": "in:dem.tif",
        "LOS_SENSITIVITY": "in:sensitivity.tif",
        "JUDGED_AREAS": "out:judged.gpkg",
        "REPORT": "out:accuracy.html",
        "FIGURES": "out:accuracy.csv",
    },
    "samplesites": {
        "AREAS": "in:areas.gpkg",
        "COUNT": 2,
        "DISTRICTS": "in:extent.gpkg",
        "ROADS": "in:roads.gpkg",
        "SITES": "out:sites.gpkg",
    },
    "surveypackage": {
        "SITES": "in:sites.gpkg",
        "AREAS": "in:areas.gpkg",
        "DEM": "in:dem.tif",
        "PIXEL_SIZE": 30,
        "OUTPUT_FOLDER": "out:package",
    },
    "mergesurvey": {
        "MASTER": "in:package/survey.gpkg|layername=sites",
        "COPIES": ["in:package"],
        "SITES": "out:merged.gpkg",
        "REPORT": "out:merge.html",
        "CONFLICTS": "out:conflicts.csv",
        "PHOTO_FOLDER": "out:photos",
    },
    "assesssurvey": {
        "SITES": "in:visited.gpkg",
        "AREAS": "in:areas.gpkg",
        "DEM": "in:dem.tif",
        "KNOWN": "in:areas.gpkg",
        "REPORT": "out:survey.html",
        "FIGURES": "out:survey.csv",
    },
    "surveymaps": {
        "AREAS": "in:one_area.gpkg",
        "SITES": "in:sites.gpkg",
        "DEM": "in:dem.tif",
        "LOS_RATE": "in:los_rate.tif",
        "ROADS": "in:roads.gpkg",
        "DPI": 50,
        "OUTPUT": "out:sheets.pdf",
    },
    "exportmodel": {
        "MODEL": "in:rate.onnx",
        "STORAGE": "int8",
        "CALIBRATION": "in:los_rate.tif",
        "TILES": 2,
        "OUTPUT": "out:exported.onnx",
        "CARD": "out:card.json",
    },
    "importmodel": {"INPUT": "in:network.onnx", "OUTPUT": "out:imported.onnx"},
    "simulatescene": {"SEED": 1, "SIZE": 128, "DATES": 4, "DEM": "in:dem.tif", "OUTPUT_FOLDER": "out:simulated"},
    "comparechannels": {
        "MODELS": ["in:rate.onnx"],
        "SAMPLES": "in:samples",
        "ROLE": "training",
        "TILES": 1,
        "REPORT": "out:comparison.html",
        "FIGURES": "out:comparison.csv",
    },
    "trainmodel": {
        "SAMPLES": "in:samples",
        "SIMULATED_SHARE": 0,
        "STEPS": 1,
        "MINUTES": 1,
        "MODEL": "out:trained.onnx",
        "REPORT": "out:training.html",
    },
}


@dataclass(frozen=True)
class World:
    """The folder of the inputs, where results go, and how the one in question is called."""

    inputs: Path
    results: Path
    result: str = "result"

    def placed(self, value: Any) -> Any:
        """A value of ``GOOD`` with its files where they are."""
        if isinstance(value, list):
            return [self.placed(entry) for entry in value]
        if isinstance(value, str) and value.startswith((IN, OUT)):
            kind, name = value.split(":", 1)
            return str((self.inputs if f"{kind}:" == IN else self.results) / name)
        return value

    def parameters(self, algorithm: str) -> dict[str, Any]:
        """Parameters of an algorithm that go well."""
        return {name: self.placed(value) for name, value in GOOD[algorithm].items()}

    def state(self) -> dict[str, str]:
        """A digest of every input: unequal to an earlier answer when one was changed.

        Not of what QGIS writes on opening: the statistics beside a raster, and the journal and the counters of a
        GeoPackage.
        """
        files = (path for path in self.inputs.rglob("*") if path.is_file() and not path.name.endswith(_BY_QGIS))
        return {str(path): _digest(path) for path in files}


_BY_QGIS = (".aux.xml", "-wal", "-shm", "-journal")
_COUNTERS = (slice(18, 20), slice(24, 28), slice(92, 100))


def _digest(path: Path) -> str:
    content = bytearray(path.read_bytes())
    if path.suffix == ".gpkg":
        for part in _COUNTERS:
            content[part] = bytes(len(content[part]))
    return hashlib.sha1(content).hexdigest()


Runner = Callable[[str, dict[str, Any]], Any]


def make_inputs(folder: Path, run: Runner) -> None:
    """Fill a folder with the inputs; ``run`` is processing.run."""
    _write_rasters(folder)
    _write_vectors(folder)
    _write_models(folder)
    _write_pairs(folder / "pairs")
    _write_delays(folder / "delays")
    world = World(folder, folder)
    for name, parameters in (
        ("samplesites", {"AREAS": "in:areas.gpkg", "COUNT": 2, "SITES": "in:sites.gpkg"}),
        ("surveypackage", {"SITES": "in:sites.gpkg", "OUTPUT_FOLDER": "in:package"}),
        (
            "createsamples",
            {
                "PHASE_RATE": "in:phase_rate.tif",
                "DEM": "in:dem.tif",
                "LABELS": "in:areas.gpkg",
                "PIXEL_SIZE": 30,
                "TILE_SIZE": 64,
                "OUTPUT_FOLDER": "in:samples",
            },
        ),
    ):
        run(name, {key: world.placed(value) for key, value in parameters.items()})
    shutil.copy(folder / "sites.gpkg", folder / "visited.gpkg")
    shutil.copy(folder / "areas.gpkg", folder / "reviewed.gpkg")
    answer_all(folder / "visited.gpkg", "result", "confirmed")
    answer_all(folder / "reviewed.gpkg", "review", "accepted")


def is_area() -> Array:
    """Where the areas are, on ``GRID``."""
    inside = np.zeros((GRID.height, GRID.width), bool)
    for row, column in AREAS_AT:
        inside[row : row + 20, column : column + 20] = True
    return inside


def _write_rasters(folder: Path) -> None:
    random = np.random.default_rng(1)
    shape = (GRID.height, GRID.width)
    rows, columns = np.mgrid[: GRID.height, : GRID.width]
    moving = is_area()
    rate = random.normal(0, 1, shape) + 9 * moving
    for name, values, band in (
        ("dem", 1000 + 8.0 * rows + 3 * columns + 20 * np.sin(rows / 7), BandDescription("dem", "m")),
        ("slope", 15 + 5 * np.sin(columns / 9), BandDescription("slope", "degree")),
        ("probability", np.where(moving, 0.9, random.uniform(0, 0.1, shape)), BandDescription("probability", "1")),
        ("coherence", random.uniform(0.5, 0.9, shape), BandDescription("coherence", "1")),
        ("sensitivity", -0.3 + 0.2 * np.sin(rows / 11), BandDescription("los_sensitivity", "1")),
        ("other_sensitivity", 0.4 + 0.2 * np.cos(rows / 9), BandDescription("los_sensitivity", "1")),
        ("error", random.uniform(0.5, 4, shape), BandDescription("standard_error", "mm/yr")),
        ("closure", random.uniform(0, 0.4, shape), BandDescription("closure", "1")),
        ("mask", moving, BandDescription("mask")),
        ("incidence", 35 + columns / GRID.width, BandDescription("incidence", "degree")),
        ("phase_rate", rate, BandDescription("phase_rate", "rad/yr", (("SIGN", "away"),))),
        ("los_rate", -4 * rate, BandDescription("los_rate", "mm/yr", (("SIGN", "toward"),))),
    ):
        write_array(folder / f"{name}.tif", GRID, values.astype(np.float32), band)


def _write_pairs(folder: Path) -> None:
    """Unwrapped phases and coherences of a chain of pairs, named as GeoTIFFs of no product."""
    folder.mkdir()
    random = np.random.default_rng(2)
    days = [date(2020, 1, 1) + timedelta(days=12 * index) for index in range(DATES)]
    for first, second in [*zip(days, days[1:]), *zip(days, days[2:])]:
        pair = f"{first:%Y%m%d}_{second:%Y%m%d}"
        years = (second - first).days / 365.25
        phase = 12 * years * is_area() + random.normal(0, 0.3, (GRID.height, GRID.width))
        coherence = random.uniform(0.6, 0.9, phase.shape)
        write_array(folder / f"{pair}_unw.tif", GRID, phase.astype(np.float32), BandDescription("phase", "rad"))
        write_array(folder / f"{pair}_cc.tif", GRID, coherence.astype(np.float32), BandDescription("coherence", "1"))


def _write_delays(folder: Path) -> None:
    """Zenith delays of the dates of the pairs, named as GACOS names its GeoTIFFs."""
    folder.mkdir()
    rows, columns = np.mgrid[: GRID.height, : GRID.width]
    for index in range(DATES):
        day = date(2020, 1, 1) + timedelta(days=12 * index)
        delay = 2.3 + 0.004 * np.sin(index + rows / 40) + 0.003 * np.cos(index * columns / 50)
        write_array(folder / f"{day:%Y%m%d}.ztd.tif", GRID, delay.astype(np.float32), BandDescription("delay", "m"))


def rectangle(row: float, column: float, height: float, width: float) -> str:
    """A rectangle of pixels of ``GRID`` as WKT."""
    x, y = GRID.transform[0] + 30 * column, GRID.transform[3] - 30 * row
    right, bottom = x + 30 * width, y - 30 * height
    return f"MULTIPOLYGON ((({x} {y}, {right} {y}, {right} {bottom}, {x} {bottom}, {x} {y})))"


def write_vector(
    path: Path, shapes: list[str], crs: str = GRID.crs, columns: dict[str, Any] | None = None, format: str = "GPKG"
) -> Path:
    """A layer of shapes in WKT ("" for a feature without one) whose features all have these attributes."""
    from osgeo import gdal, ogr, osr

    reference = None
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
    dataset = gdal.GetDriverByName(format).Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    first = next((ogr.CreateGeometryFromWkt(shape).GetGeometryType() for shape in shapes if shape), ogr.wkbMultiPolygon)
    layer = dataset.CreateLayer(path.stem, reference, first)
    types = {int: ogr.OFTInteger, float: ogr.OFTReal, str: ogr.OFTString}
    columns = {"id": 0, **(columns or {})}
    for name, value in columns.items():
        layer.CreateField(ogr.FieldDefn(name, types[type(value)]))
    for number, shape in enumerate(shapes, 1):
        feature = ogr.Feature(layer.GetLayerDefn())
        for name, value in columns.items():
            feature.SetField(name, number if name == "id" else value)
        if shape:
            feature.SetGeometry(ogr.CreateGeometryFromWkt(shape))
        layer.CreateFeature(feature)
    dataset = None
    return path


AREA_COLUMNS = {
    "orbit": "descending",
    "area_km2": 0.36,
    "los_rate_extreme": -40.0,
    "los_rate_mean": -36.0,
    "slope_mean": 15.0,
    "elevation_mean": 1500.0,
}


def _write_vectors(folder: Path) -> None:
    areas = [rectangle(row, column, 20, 20) for row, column in AREAS_AT]
    write_vector(folder / "areas.gpkg", areas, columns=AREA_COLUMNS)
    write_vector(folder / "one_area.gpkg", areas[:1], columns=AREA_COLUMNS)
    write_vector(folder / "extent.gpkg", [rectangle(0, 0, GRID.height, GRID.width)], columns={"name": "District"})
    write_vector(folder / "roads.gpkg", ["LINESTRING (500000 4998500, 504200 4998500)"])
    write_vector(folder / "ignored.gpkg", [rectangle(45, 45, 8, 8)])
    write_vector(folder / "point.gpkg", [rectangle(2, 2, 8, 8)])


def _write_models(folder: Path) -> None:
    rate = card_of(*_channels("los_rate"))
    write_model(folder / "rate.onnx", rate)
    write_model(
        folder / "every_channel.onnx",
        card_of(
            *_channels(
                "phase_rate", "los_rate", "slope", "coherence", "los_sensitivity", "dem", "standard_error", "closure"
            )
        ),
    )
    (folder / "network.onnx").write_bytes((ROOT / "models" / "compact.onnx").read_bytes())


def _channels(*kinds: str) -> tuple[Any, ...]:
    from ada_mapper.core.channels import ChannelKind, minmax_channel

    limits = {
        "dem": 6000.0,
        "phase_rate": 35.0,
        "los_rate": 100.0,
        "slope": 90.0,
        "coherence": 1.0,
        "los_sensitivity": 1.0,
        "standard_error": 30.0,
    }
    lowest = {"phase_rate": -35.0, "los_rate": -100.0, "los_sensitivity": -1.0}
    return tuple(minmax_channel(ChannelKind(kind), lowest.get(kind, 0.0), limits.get(kind, 1.0)) for kind in kinds)


def model_card() -> ModelCard:
    """The card of ``rate.onnx``."""
    return card_of(*_channels("los_rate"))


def answer_all(path: Path, field: str, answer: str) -> None:
    """Give each feature of a layer the answer; the field is added where it is missing."""
    from osgeo import gdal, ogr

    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_UPDATE)
    layer = dataset.GetLayer(0)
    if layer.GetLayerDefn().GetFieldIndex(field) < 0:
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for feature in list(layer):
        feature.SetField(field, answer)
        layer.SetFeature(feature)
    dataset = None
