"""Inputs that no algorithm can use, by the kind of parameter that they are given to.

Each is made in a folder of its own. What must become of it: the run is ``REFUSED`` with a sentence; or it may go on but
a warning names the file, ``TOLD``; or it is ``FREE`` to go on, where the input is harmless to some algorithms.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np
from osgeo import gdal, osr

from good_world import AREA_COLUMNS, GRID, World, model_card, rectangle, write_vector
from tiny_models import write_model

Maker = Callable[[Path, World], Any]
REFUSED, TOLD, FREE = "refused", "told", "free"
MASK = ("stackinterferograms/EXCLUDE_MASK", "mapactiveareas/EXCLUDE_MASK")
"""Where any number above 0 leaves ground out, and none does so."""
OWN_INPUT = "the first file that the algorithm itself is given"


@dataclass(frozen=True)
class Bad:
    """``make(folder, world)`` writes the input into an empty folder and gives the value of the parameter."""

    name: str
    make: Maker
    becomes: str = REFUSED
    but: tuple[str, ...] = ()
    """Parameters, as algorithm/NAME, to which it isn't bad."""


def _tif(
    path: Path,
    values: Any = None,
    kind: int = gdal.GDT_Float32,
    crs: str | None = GRID.crs,
    transform: tuple[float, ...] | None = GRID.transform,
    nodata: float | None = None,
    unit: str = "",
) -> str:
    """A GeoTIFF of one band of 150 × 140 pixels, 1 … 5 by default, without what is None."""
    values = np.full((GRID.height, GRID.width), 3.0) if values is None else np.asarray(values)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, kind)
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        dataset.SetProjection(reference.ExportToWkt())
    if transform:
        dataset.SetGeoTransform(transform)
    band = dataset.GetRasterBand(1)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    band.SetUnitType(unit)
    band.WriteArray(values)
    return str(path)


def _text(path: Path, content: str = "This is a text.\n") -> str:
    path.write_text(content, encoding="utf-8")
    return str(path)


def _empty(path: Path) -> str:
    path.touch()
    return str(path)


def _folder(path: Path) -> str:
    path.mkdir()
    return str(path)


def _cut(source: Path, path: Path, share: float = 0.6) -> str:
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return str(path)


def _moved(metres: float) -> tuple[float, ...]:
    x, dx, _, y, _, dy = GRID.transform
    return (x + metres, dx, 0.0, y, 0.0, dy)


def _complex(folder: Path, world: World) -> str:
    turns = np.exp(1j * np.linspace(0, 20, GRID.width * GRID.height)).reshape(GRID.height, GRID.width)
    return _tif(folder / "wrapped.tif", turns, gdal.GDT_CFloat32)


def _huge(folder: Path, world: World) -> str:
    """A virtual raster of 4 · 10¹⁸ pixels."""
    side = 2_000_000_000
    return _text(
        folder / "huge.vrt",
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>EPSG:32632</SRS>'
        "<GeoTransform>500000, 30, 0, 5000000, 0, -30</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"/></VRTDataset>',
    )


def _orphan(folder: Path, world: World) -> str:
    """A virtual raster whose source is gone."""
    source = _tif(folder / "source.tif")
    gdal.Translate(str(folder / "orphan.vrt"), source, format="VRT")
    Path(source).unlink()
    return str(folder / "orphan.vrt")


def _with(value: float, kind: int = gdal.GDT_Float32) -> Maker:
    """The values of the parameter's good raster, a fifth of which are ``value``, which nothing declares."""

    def made(folder: Path, world: World, source: str = "dem.tif") -> str:
        values = gdal.Open(str(world.inputs / source)).ReadAsArray()
        values[:28] = value
        return _tif(folder / "marked.tif", values, kind)

    return made


LOCAL_CRS = 'LOCAL_CS["mine grid",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'

RASTERS = (
    Bad("missing", lambda folder, world: str(folder / "missing.tif")),
    Bad("text", lambda folder, world: _text(folder / "text.tif")),
    Bad("empty file", lambda folder, world: _empty(folder / "empty.tif")),
    Bad("folder", lambda folder, world: _folder(folder / "folder.tif")),
    Bad("cut short", lambda folder, world: _cut(world.inputs / "dem.tif", folder / "cut.tif")),
    Bad("complex", _complex),
    Bad("no valid pixel", lambda folder, world: _tif(folder / "void.tif", np.full((140, 150), np.nan)), TOLD, MASK),
    Bad("all infinite", lambda folder, world: _tif(folder / "infinite.tif", np.full((140, 150), np.inf)), TOLD, MASK),
    Bad("no CRS", lambda folder, world: _tif(folder / "nowhere.tif", crs=None), becomes=FREE),
    Bad("no position", lambda folder, world: _tif(folder / "unplaced.tif", transform=None)),
    Bad("local CRS", lambda folder, world: _tif(folder / "local.tif", crs=LOCAL_CRS)),
    Bad("metres as degrees", lambda folder, world: _tif(folder / "metres.tif", crs="EPSG:4326")),
    Bad(
        "degrees as metres",
        lambda folder, world: _tif(folder / "degrees.tif", transform=(9.0, 0.0003, 0, 45.15, 0, -0.0003)),
    ),
    Bad("elsewhere", lambda folder, world: _tif(folder / "elsewhere.tif", transform=_moved(90_000)), becomes=FREE),
    Bad("turned", lambda folder, world: _tif(folder / "turned.tif", transform=(500000, 30, 5, 5000000, 5, -30))),
    Bad("numbers of 1e28", lambda folder, world: _tif(folder / "swapped.tif", np.full((140, 150), 4e28)), TOLD, MASK),
    Bad("wrong unit", lambda folder, world: _tif(folder / "kelvin.tif", unit="K"), becomes=FREE),
    Bad("huge", _huge),
    Bad("source gone", _orphan),
    Bad("vector", lambda folder, world: shutil.copy(world.inputs / "areas.gpkg", folder / "areas.gpkg")),
)


def _polygons(folder: Path, name: str, shapes: list[str], crs: str = GRID.crs, **columns: Any) -> str:
    return str(write_vector(folder / f"{name}.gpkg", shapes, crs, {**AREA_COLUMNS, **columns}))


def _undefined_crs(folder: Path, world: World) -> str:
    """A GeoPackage whose layer says "undefined Cartesian"."""
    return _polygons(folder, "undefined", [rectangle(20, 20, 20, 20)], crs="")


SQUARE = rectangle(20, 20, 20, 20)
BOWTIE = "MULTIPOLYGON (((500000 4999000, 501000 4998000, 501000 4999000, 500000 4998000, 500000 4999000)))"
NOWHERE = "MULTIPOLYGON (((nan nan, nan 1, 1 1, nan nan)))"
FAR = "MULTIPOLYGON (((1e300 1e300, 2e300 1e300, 2e300 2e300, 1e300 1e300)))"

VECTORS = (
    Bad("missing", lambda folder, world: str(folder / "missing.gpkg")),
    Bad("text", lambda folder, world: _text(folder / "text.gpkg")),
    Bad("empty file", lambda folder, world: _empty(folder / "empty.gpkg")),
    Bad("folder", lambda folder, world: _folder(folder / "folder.gpkg")),
    Bad("cut short", lambda folder, world: _cut(world.inputs / "areas.gpkg", folder / "cut.gpkg", 0.3)),
    Bad("raster", lambda folder, world: shutil.copy(world.inputs / "dem.tif", folder / "dem.tif")),
    Bad("no features", lambda folder, world: _polygons(folder, "none", []), becomes=FREE),
    Bad("no geometries", lambda folder, world: _polygons(folder, "blank", ["", ""]), becomes=FREE),
    Bad(
        "table",
        lambda folder, world: _text(folder / "table.csv", "id,name,result\n1,a,confirmed\n2,b,confirmed\n"),
        becomes=FREE,
    ),
    Bad("points", lambda folder, world: _polygons(folder, "points", ["POINT (500900 4999100)"]), becomes=FREE),
    Bad(
        "lines",
        lambda folder, world: _polygons(folder, "lines", ["LINESTRING (500900 4999100, 501000 4999000)"]),
        becomes=FREE,
    ),
    Bad("undefined CRS", _undefined_crs, becomes=FREE),
    Bad("local CRS", lambda folder, world: _polygons(folder, "local", [SQUARE], LOCAL_CRS), becomes=FREE),
    Bad("metres as degrees", lambda folder, world: _polygons(folder, "metres", [SQUARE], "EPSG:4326")),
    Bad("coordinates not numbers", lambda folder, world: _polygons(folder, "nan", [SQUARE, NOWHERE]), becomes=FREE),
    Bad("coordinates of 1e300", lambda folder, world: _polygons(folder, "far", [SQUARE, FAR]), becomes=FREE),
    Bad("bow tie", lambda folder, world: _polygons(folder, "bowtie", [BOWTIE]), becomes=FREE),
    Bad(
        "elsewhere",
        lambda folder, world: _polygons(folder, "elsewhere", [rectangle(-9000, -9000, 20, 20)]),
        becomes=FREE,
    ),
    Bad(
        "numbers as text",
        lambda folder, world: _polygons(
            folder, "texts", [SQUARE], area_km2="a lot", los_rate_extreme="fast", los_rate_mean="", slope_mean="steep"
        ),
        becomes=FREE,
    ),
)


def _with_card(folder: Path, name: str, key: str, value: str) -> str:
    """The model of the world, one entry of whose metadata has another text."""
    import onnx

    path = write_model(folder / f"{name}.onnx", model_card())
    model = onnx.load(path)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert key in entries, sorted(entries)
    entries[key] = value
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, path)
    return str(path)


def _answers_nan(folder: Path, world: World) -> str:
    path = folder / "nan.onnx"
    write_model(path, model_card(), kernel=np.full((1, 1), np.nan, np.float32))
    return str(path)


MODELS = (
    Bad("missing", lambda folder, world: str(folder / "missing.onnx")),
    Bad("text", lambda folder, world: _text(folder / "text.onnx")),
    Bad("empty file", lambda folder, world: _empty(folder / "empty.onnx")),
    Bad("folder", lambda folder, world: _folder(folder / "folder.onnx")),
    Bad("cut short", lambda folder, world: _cut(world.inputs / "network.onnx", folder / "cut.onnx")),
    Bad("no card", lambda folder, world: str(write_model(folder / "bare.onnx", None)), becomes=FREE),
    Bad(
        "more inputs than its card",
        lambda folder, world: str(write_model(folder / "w.onnx", model_card(), inputs=9)),
        but=("exportmodel/MODEL", "buildcomposite/MODEL"),
    ),
    Bad("answers NaN", _answers_nan, becomes=FREE),
)

FOLDERS = (
    Bad("missing", lambda folder, world: str(folder / "missing")),
    Bad("file", lambda folder, world: _text(folder / "file.txt")),
    Bad("empty", lambda folder, world: _folder(folder / "empty"), becomes=FREE),
    # Photos and elevation models are looked for by their names, and simulated tiles are not asked for.
    Bad(
        "texts",
        lambda folder, world: str(Path(_text(folder / "20200101_20200113_unw.tif")).parent),
        but=("assesssurvey/PHOTO_FOLDER", "comparechannels/DEM_FOLDER", "trainmodel/DEM_FOLDER"),
    ),
)


_NOT_NUMBERS: dict[str, Any] = {
    "not a number": math.nan, "infinite": math.inf, "1e308": 1e308, "text": "many", "-1e9": -1e9,
}  # fmt: skip
NUMBERS = tuple(
    Bad(name, lambda folder, world, value=value: value, becomes=FREE) for name, value in _NOT_NUMBERS.items()
)


def _pairs_with(make: Maker, which: slice) -> Maker:
    """The folder of good pairs in which some phases are what ``make`` gives."""

    def made(folder: Path, world: World) -> str:
        pairs = Path(shutil.copytree(world.inputs / "pairs", folder / "pairs"))
        for number, path in enumerate(sorted(pairs.glob("*_unw.tif"))[which]):
            work = folder / str(number)
            work.mkdir()
            bad = Path(make(work, world))
            path.unlink()
            if bad.exists():
                bad.rename(path)
        return str(pairs)

    return made


_IN_PAIRS = (
    "text", "empty file", "cut short", "complex", "no valid pixel", "all infinite", "local CRS", "metres as degrees",
    "numbers of 1e28", "huge", "elsewhere",
)  # fmt: skip

PAIR_FOLDERS = (
    *FOLDERS,
    *(
        Bad(f"every pair: {bad.name}", _pairs_with(bad.make, slice(None)), bad.becomes)
        for bad in RASTERS
        if bad.name in _IN_PAIRS
    ),
    *(
        Bad(f"one pair: {bad.name}", _pairs_with(bad.make, slice(1, 2)), becomes=FREE)
        for bad in RASTERS
        if bad.name in _IN_PAIRS
    ),
)


def _listed(lines: str, encoding: str = "utf-8") -> Maker:
    def made(folder: Path, world: World) -> str:
        path = folder / "pairs.csv"
        path.write_text(lines.replace("PAIRS", str(world.inputs / "pairs")), encoding=encoding)
        return str(path)

    return made


FILE = "PAIRS/20200101_20200113_unw.tif"
TABLES = (
    Bad("missing", lambda folder, world: str(folder / "missing.csv")),
    Bad("folder", lambda folder, world: _folder(folder / "folder.csv")),
    Bad("empty file", lambda folder, world: _empty(folder / "empty.csv")),
    Bad("picture", lambda folder, world: shutil.copy(world.inputs / "dem.tif", folder / "pairs.csv")),
    Bad("no such columns", _listed("a,b\n1,2\n")),
    Bad("no lines", _listed("file,date1,date2\n")),
    Bad("a date that isn't one", _listed(f"file,date1,date2\n{FILE},2020-13-45,2020-01-13\n")),
    Bad("one date twice", _listed(f"file,date1,date2\n{FILE},2020-01-01,2020-01-01\n")),
    Bad("a file that isn't there", _listed("file,date1,date2\nnothing.tif,2020-01-01,2020-01-13\n")),
    Bad("a folder as file", _listed("file,date1,date2\nPAIRS,2020-01-01,2020-01-13\n")),
    Bad(
        "a baseline that isn't a number",
        _listed(f"file,date1,date2,perpendicular_baseline_m\n{FILE},2020-01-01,2020-01-13,far\n"),
    ),
    Bad("a wavelength in centimetres", _listed(f"file,date1,date2,wavelength_m\n{FILE},2020-01-01,2020-01-13,5.6\n")),
    Bad("a look side that is none", _listed(f"file,date1,date2,look_side\n{FILE},2020-01-01,2020-01-13,down\n")),
)


def _delay_table(lines: str) -> Maker:
    return _listed(lines.replace("AIR", "PAIRS/../delays/20200101.ztd.tif"))


DELAY_TABLES = (
    Bad("missing", lambda folder, world: str(folder / "missing.csv")),
    Bad("folder", lambda folder, world: _folder(folder / "folder.csv")),
    Bad("empty file", lambda folder, world: _empty(folder / "empty.csv")),
    Bad("no such columns", _delay_table("a,b\n1,2\n")),
    Bad("no lines", _delay_table("date,file\n")),
    Bad("a date that isn't one", _delay_table("date,file\n2020-13-45,AIR\n")),
    Bad("one date twice", _delay_table("date,file\n2020-01-01,AIR\n2020-01-01,AIR\n")),
    Bad("dates of no pair", _delay_table("date,file\n2020-01-02,AIR\n2020-01-14,AIR\n")),
    Bad("a file that isn't there", _delay_table("date,file\n2020-01-01,nothing.tif\n")),
    Bad("phases in the place of delays", _delay_table(f"date,file\n2020-01-01,{FILE}\n2020-01-13,{FILE}\n")),
    Bad("a unit that is none of delays", _delay_table("date,file,unit\n2020-01-01,AIR,rad\n")),
    Bad("metres as feet", _delay_table("date,file,unit\n2020-01-01,AIR,ft\n")),
    Bad("a direction that is none", _delay_table("date,file,direction\n2020-01-01,AIR,up\n")),
)


def _spoiled(folder: Path, world: World, name: str, spoil: Callable[[Path], None]) -> str:
    """A copy of a folder of the world after something happened to it."""
    copy = Path(shutil.copytree(world.inputs / name, folder / name))
    spoil(copy)
    return str(copy)


def _rewrite_index(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "samples.json"
        content = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(change(content) or content), "utf-8")

    return spoil


def _cut_first(pattern: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for path in sorted(folder.rglob(pattern))[:1]:
            path.write_bytes(path.read_bytes()[:100])

    return spoil


def _all_delays(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Change the numbers of all delays of a folder."""

    def spoil(folder: Path) -> None:
        for path in folder.glob("*.tif"):
            _tif(path, change(gdal.Open(str(path)).ReadAsArray()))

    return spoil


def _raw_delay(size: int, header: str) -> Callable[[Path], None]:
    """A raw file of GACOS in the place of a GeoTIFF, of so many bytes and with such a header ("" for none)."""

    def spoil(folder: Path) -> None:
        (folder / "20200101.ztd.tif").unlink()
        path = folder / "20200101.ztd"
        path.write_bytes(np.full(size // 4, 2.3, "<f4").tobytes())
        if header:
            path.with_name("20200101.ztd.rsc").write_text(header, "utf-8")

    return spoil


_RSC = "WIDTH 40\nFILE_LENGTH 30\nX_FIRST 9.0\nY_FIRST 45.2\nX_STEP 0.000833\nY_STEP -0.000833\n"

DELAY_FOLDERS = (
    *FOLDERS[:2],
    Bad("empty", lambda folder, world: _folder(folder / "empty")),
    FOLDERS[3],
    Bad("cut short", lambda f, w: _spoiled(f, w, "delays", _cut_first("*.tif"))),
    Bad("in centimetres", lambda f, w: _spoiled(f, w, "delays", _all_delays(lambda metres: 100 * metres))),
    Bad("all zero", lambda f, w: _spoiled(f, w, "delays", _all_delays(lambda metres: 0 * metres))),
    Bad("no number", lambda f, w: _spoiled(f, w, "delays", _all_delays(lambda metres: np.nan * metres))),
    Bad("raw without header", lambda f, w: _spoiled(f, w, "delays", _raw_delay(4800, ""))),
    Bad("raw cut short", lambda f, w: _spoiled(f, w, "delays", _raw_delay(4000, _RSC))),
    Bad("raw with a header of texts", lambda f, w: _spoiled(f, w, "delays", _raw_delay(4800, "This is a text.\n"))),
    Bad("raw and elsewhere", lambda f, w: _spoiled(f, w, "delays", _raw_delay(4800, _RSC.replace("9.0", "19.0")))),
)

SAMPLE_SETS = (
    *FOLDERS,
    Bad("no index", lambda f, w: _spoiled(f, w, "samples", lambda path: (path / "samples.json").unlink())),
    Bad("index cut short", lambda f, w: _spoiled(f, w, "samples", _cut_first("samples.json"))),
    Bad("index of another kind", lambda f, w: _spoiled(f, w, "samples", _rewrite_index(lambda index: {"a": 1}))),
    Bad("index that is a list", lambda f, w: _spoiled(f, w, "samples", _rewrite_index(lambda index: [index]))),
    Bad("tiles cut short", lambda f, w: _spoiled(f, w, "samples", _cut_first("*.tif")), becomes=FREE),
    Bad("tiles gone", lambda f, w: _spoiled(f, w, "samples", lambda path: [t.unlink() for t in path.rglob("*.tif")])),
)

COPIES = (
    Bad("missing", lambda folder, world: [str(folder / "missing")]),
    Bad("empty folder", lambda folder, world: [_folder(folder / "empty")]),
    Bad("text", lambda folder, world: [_text(folder / "survey.gpkg")]),
    Bad("another layer", lambda folder, world: [str(world.inputs / "areas.gpkg")]),
    Bad("cut short", lambda folder, world: [_cut(world.inputs / "package" / "survey.gpkg", folder / "s.gpkg", 0.3)]),
)


def _long_name(folder: Path, world: World) -> str:
    return str(folder / ("n" * 300 + Path(world.result).suffix))


FOLDER_RESULTS = (
    "createsamples/OUTPUT_FOLDER",
    "mergesurvey/PHOTO_FOLDER",
    "simulatescene/OUTPUT_FOLDER",
    "surveymaps/PICTURES",
    "surveypackage/OUTPUT_FOLDER",
)
OUTPUTS = (
    # A model gets its ending where it has none, which makes another name of it.
    Bad(
        "existing folder",
        lambda folder, world: _folder(folder / world.result),
        but=(*FOLDER_RESULTS, "exportmodel/OUTPUT", "importmodel/OUTPUT"),
    ),
    Bad("below a file", lambda folder, world: str(Path(_text(folder / "file.txt")) / world.result)),
    Bad("name of 300 letters", _long_name),
    Bad("over an input", lambda folder, world: OWN_INPUT),
)
