"""Golden runs from interferograms to areas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from golden_inputs import (
    array,
    bounds,
    box,
    changed,
    features,
    licsar,
    pairs_table,
    pixel_box,
    raster,
    scene,
    warped,
    without_system,
)
from golden_session import Golden, Out

RASTERS = {
    "PROBABILITY": Out("probability.tif"),
    "PHASE_RATE": Out("phase_rate.tif"),
    "LOS_RATE": Out("los_rate.tif"),
    "SLOPE": Out("slope.tif"),
}
STACKED = {
    "PHASE_RATE": Out("phase_rate.tif"),
    "LOS_RATE": Out("los_rate.tif"),
    "STANDARD_ERROR": Out("standard_error.tif"),
    "COUNT": Out("count.tif"),
    "REPORT": Out("report.html"),
}


def chain(golden: Golden) -> None:
    """The one-step tool on both orbits, single tools on its layers, the model of the designer."""
    folder = scene(golden.inputs("scene"), ("ascending", "descending"))
    dem = str(folder / "dem.tif")
    maps = {}
    for orbit in ("ascending", "descending"):
        maps[orbit] = golden.good(
            f"map_{orbit}",
            "mapactiveareas",
            INPUT_FOLDER=str(folder / orbit),
            DEM=dem,
            ORBIT=orbit,
            AREAS=Out("areas.gpkg"),
            REPORT=Out("report.html"),
            LOS_SENSITIVITY=Out("los_sensitivity.tif"),
            **RASTERS,
        )
    chain_options(golden, folder, dem)
    detection(golden, maps["descending"], dem)
    extraction(golden, maps["descending"], dem)
    merging(golden, maps, dem)
    designer(golden, folder / "descending", dem)


def chain_options(golden: Golden, folder: Path, dem: str) -> None:
    """Options and faults of the one-step tool."""
    inputs = {"INPUT_FOLDER": str(folder / "descending"), "DEM": dem, "AREAS": Out("areas.gpkg"), **RASTERS}
    golden.good(
        "map_options",
        "mapactiveareas",
        **inputs,
        MAX_TEMPORAL_BASELINE=60,
        MAX_PERPENDICULAR_BASELINE=80,
        EXCLUDED_PAIRS="20220105_20220117, 19990101_19990113",
        MIN_AREA=20000,
        PRODUCT="hyp3",
    )
    golden.good("map_to_memory", "mapactiveareas", **{**inputs, "AREAS": "memory:"})
    golden.good("map_to_geojson", "mapactiveareas", **{**inputs, "AREAS": Out("areas.geojson")})
    golden.fault("map_both_orbits", "mapactiveareas", **{**inputs, "INPUT_FOLDER": str(folder)}, ORBIT="ascending")
    wrong = golden.inputs("wrong.onnx")
    wrong.write_bytes(b"no network")
    golden.fault("map_wrong_model", "mapactiveareas", **inputs, MODEL=str(wrong))
    golden.fault("map_no_pairs", "mapactiveareas", **inputs, MAX_TEMPORAL_BASELINE=3)
    golden.fault("map_wrong_product", "mapactiveareas", **inputs, PRODUCT="licsar")
    golden.fault("map_no_dem", "mapactiveareas", **{**inputs, "DEM": str(golden.inputs("none.tif"))})
    for percent in (10, 50, 90):
        golden.run(f"map_cancelled_{percent}", "mapactiveareas", cancel_at=percent, **inputs)
    left, _, _, top = bounds(dem)
    part = warped(dem, golden.inputs("half.tif"), outputBounds=(left, top - 3000, left + 3000, top), dstNodata=-9999)
    golden.run("map_half_a_dem", "mapactiveareas", **{**inputs, "DEM": part})


def detection(golden: Golden, layers: dict[str, Any], dem: str) -> None:
    """Composite and detection with all layers, with fewer, on other grids; faults."""
    rates = {name: layers[name] for name in ("PHASE_RATE", "LOS_RATE")}
    every = {**rates, "SLOPE": layers["SLOPE"], "LOS_SENSITIVITY": layers["LOS_SENSITIVITY"], "DEM": dem}
    composite = {"OUTPUT": Out("composite.tif")}
    probability = {"PROBABILITY": Out("probability.tif")}
    golden.good("composite", "buildcomposite", **every, **composite)
    golden.good("composite_without_slope", "buildcomposite", **rates, DEM=dem, **composite)
    golden.good("composite_of_rates", "buildcomposite", **rates, **composite)
    golden.good("detect", "detectareas", **every, **probability)
    golden.good("detect_rates", "detectareas", **rates, **probability)
    golden.good("detect_phase_rate", "detectareas", PHASE_RATE=rates["PHASE_RATE"], DEM=dem, **probability)
    golden.good("detect_overlap", "detectareas", **every, OVERLAP=40, BACKEND="onnxruntime", **probability)
    golden.run("detect_torch", "detectareas", **rates, BACKEND="torch", **probability)
    rate = rates["LOS_RATE"]
    away = -array(rate) / 1000
    metres = golden.inputs("away.tif")
    left, _, _, top = bounds(rate)
    transform = (left, 30.0, 0.0, top, 0.0, -30.0)
    crs = crs_of(rate)
    raster(metres, away, "los_rate", "m/yr", crs, transform, SIGN="away")
    golden.good("detect_metres_away", "detectareas", **{**every, "LOS_RATE": str(metres)}, **probability)
    bare = raster(golden.inputs("bare.tif"), array(rates["PHASE_RATE"]), crs=crs, transform=transform)
    golden.run("detect_untagged", "detectareas", PHASE_RATE=bare, LOS_RATE=bare, **probability)
    degrees = warped(dem, golden.inputs("degrees.tif"), dstSRS="EPSG:4326", dstNodata=-32768)
    golden.good("detect_dem_in_degrees", "detectareas", **rates, DEM=degrees, **probability)
    fine = warped(rates["PHASE_RATE"], golden.inputs("fine.tif"), xRes=15, yRes=15)
    golden.good("detect_fine_pixels", "detectareas", PHASE_RATE=fine, DEM=dem, **probability)
    golden.fault("detect_nothing", "detectareas", DEM=dem, **probability)
    ones = np.ones((50, 50), np.float32)
    far = raster(golden.inputs("far.tif"), ones, "dem", "m", transform=(300000.0, 30.0, 0.0, 1000000.0, 0.0, -30.0))
    golden.fault("detect_dem_elsewhere", "detectareas", **rates, DEM=far, **probability)
    golden.fault("detect_wrong_unit", "detectareas", PHASE_RATE=layers["SLOPE"], **probability)
    golden.fault("composite_nothing", "buildcomposite", DEM=dem, **composite)
    golden.fault("composite_missing_file", "buildcomposite", PHASE_RATE=str(golden.inputs("none.tif")), **composite)
    golden.run("detect_cancelled", "detectareas", cancel_at=30, **every, **probability)
    classical(golden, layers, dem, str(metres))


def classical(golden: Golden, layers: dict[str, Any], dem: str, metres: str) -> None:
    """The classical detector."""
    areas = {"AREAS": Out("areas.gpkg")}
    rate = layers["LOS_RATE"]
    golden.good("classical", "classicaldetector", LOS_RATE=rate, SLOPE=layers["SLOPE"], ORBIT="descending", **areas)
    golden.good("classical_dem", "classicaldetector", LOS_RATE=rate, DEM=dem, SIGMA=3, MIN_PIXELS=5, **areas)
    golden.good("classical_away", "classicaldetector", LOS_RATE=metres, DEM=dem, SIGMA=2, SMOOTH_METRES=600, **areas)
    golden.good("classical_flat", "classicaldetector", LOS_RATE=rate, DEM=dem, MIN_SLOPE=0, SIGMA=2.5, **areas)
    golden.run("classical_rate_only", "classicaldetector", LOS_RATE=rate, **areas)
    golden.run("classical_phase_rate", "classicaldetector", LOS_RATE=layers["PHASE_RATE"], DEM=dem, **areas)
    fine = warped(layers["SLOPE"], golden.inputs("fine_slope.tif"), xRes=15, yRes=15)
    golden.run("classical_other_grid", "classicaldetector", LOS_RATE=rate, SLOPE=fine, **areas)


def extraction(golden: Golden, layers: dict[str, Any], dem: str) -> None:
    """Areas of a probability by every threshold and attribute."""
    probability = {"PROBABILITY": layers["PROBABILITY"]}
    others = {"LOS_RATE": layers["LOS_RATE"], "SLOPE": layers["SLOPE"], "DEM": dem}
    areas = {"AREAS": Out("areas.gpkg")}
    golden.good("extract", "extractareas", **probability, **others, ORBIT="descending", **areas)
    golden.good("extract_smooth", "extractareas", **probability, **others, SMOOTH=True, **areas)
    golden.good("extract_bare", "extractareas", **probability, **areas)
    limits = {"THRESHOLD": 0.3, "LOW_THRESHOLD": 0.1, "MIN_AREA": 0}
    golden.good("extract_low", "extractareas", **probability, **others, **limits, **areas)
    golden.good("extract_large", "extractareas", **probability, DEM=dem, MIN_AREA=60000, **areas)
    golden.good("extract_none", "extractareas", **probability, THRESHOLD=1, LOW_THRESHOLD=1, **areas)
    golden.fault("extract_thresholds", "extractareas", **probability, THRESHOLD=0.3, LOW_THRESHOLD=0.6, **areas)
    golden.fault("extract_no_probability", "extractareas", PROBABILITY=layers["LOS_RATE"], **areas)
    golden.run("extract_shapefile", "extractareas", **probability, **others, AREAS=Out("areas.shp"))
    degrees = warped(layers["PROBABILITY"], golden.inputs("probability_degrees.tif"), dstSRS="EPSG:4326")
    golden.good("extract_degrees", "extractareas", PROBABILITY=degrees, **others, **areas)
    made = made_probability(golden, layers["PROBABILITY"])
    for name, options in {"made": {}, "made_smooth": {"SMOOTH": True}, "made_low": {"THRESHOLD": 0.4}}.items():
        golden.good(f"extract_{name}", "extractareas", PROBABILITY=made, **others, **options, **areas)
    golden.run("extract_cancelled", "extractareas", cancel_at=40, **probability, **others, **areas)


def made_probability(golden: Golden, like: str) -> str:
    """A probability of many patches, some with holes, on the grid of another one."""
    rows, columns = np.indices(array(like).shape)
    waves = np.sin(rows / 11) * np.cos(columns / 7) + 0.4 * np.sin((rows + 2 * columns) / 5)
    values = (1 / (1 + np.exp(-6 * (waves - 0.9)))).astype(np.float32)
    values[(rows % 37 < 3) & (columns % 29 < 3)] = 0
    values[:30, :50] = np.nan
    left, _, _, top = bounds(like)
    tags = {"THRESHOLD": "0.7", "LOW_THRESHOLD": "0.3", "MIN_AREA": "8000"}
    transform = (left, 30.0, 0.0, top, 0.0, -30.0)
    return raster(golden.inputs("made.tif"), values, "probability", "1", crs_of(like), transform, **tags)


def merging(golden: Golden, maps: dict[str, dict[str, Any]], dem: str) -> None:
    """Areas of two orbits joined."""
    areas = {"AREAS": Out("areas.gpkg")}
    golden.good("merge", "mergeorbits", **{orbit.upper(): layers["AREAS"] for orbit, layers in maps.items()}, **areas)
    many = {}
    for orbit, layers in maps.items():
        detector = {"LOS_RATE": layers["LOS_RATE"], "DEM": dem, "ORBIT": orbit, "SIGMA": 2, "MIN_SLOPE": 0}
        many[orbit.upper()] = golden.good(f"many_{orbit}", "classicaldetector", **detector, **areas)["AREAS"]
    golden.good("merge_many", "mergeorbits", **many, **areas)
    own = {"id": 1, "orbit": "ascending", "area_km2": 0.04, "los_rate_extreme": -20.5, "los_rate_mean": -9.25}
    one = features(golden.inputs("one.gpkg"), [(pixel_box(10, 10, 9, 9), own), (pixel_box(60, 60, 9, 9), own)])
    two = golden.inputs("two.gpkg")
    # About the first of the others, in degrees.
    features(two, [(box(104.998, 31.62, 0.01, 0.015), {**own, "orbit": "descending"})], "EPSG:4326")
    golden.good("merge_two_systems", "mergeorbits", ASCENDING=one, DESCENDING=str(two), **areas)
    golden.run("merge_one_twice", "mergeorbits", ASCENDING=one, DESCENDING=one, **areas)
    lost = features(golden.inputs("lost.gpkg"), [(pixel_box(0, 0, 9, 9), own)], crs="")
    golden.run("merge_undefined_system", "mergeorbits", ASCENDING=lost, DESCENDING=one, **areas)
    lost = without_system(lost)
    golden.run("merge_without_system", "mergeorbits", ASCENDING=lost, DESCENDING=one, **areas)
    bare = features(golden.inputs("bare.gpkg"), [(pixel_box(10, 12, 9, 9), {"id": 7})])
    golden.run("merge_without_fields", "mergeorbits", ASCENDING=one, DESCENDING=bare, **areas)


def designer(golden: Golden, folder: Path, dem: str) -> None:
    """The shipped model of the model designer."""
    from qgis.core import QgsApplication

    name = "model:Interferograms to active deformation areas"
    model = QgsApplication.processingRegistry().algorithmById(name)
    outputs = {}
    for definition in model.destinationParameterDefinitions():
        ending = {"sink": "gpkg", "rasterDestination": "tif"}.get(definition.type(), "html")
        title = definition.name().split(":")[-1].lower().replace(" ", "_")
        outputs[definition.name()] = Out(f"{title}.{ending}")
    golden.good("designer", name, INPUT_FOLDER=str(folder), DEM=dem, ORBIT="descending", **outputs)


def crs_of(path: str) -> str:
    """The reference system of a raster as WKT."""
    from osgeo import gdal

    return str(gdal.Open(path).GetProjection())


def stack(golden: Golden) -> None:
    """Stacking by every option, from a folder, a table and another product; faults."""
    made = scene(golden.inputs("scene"), size=160, dates=8)
    folder = {"INPUT_FOLDER": str(made)}
    dem = str(made / "dem.tif")
    left, bottom, right, top = bounds(dem)
    middle = ((left + right) / 2, (bottom + top) / 2)
    crs = crs_of(dem)
    point = features(golden.inputs("point.gpkg"), [(f"POINT ({middle[0]} {middle[1]})", {"name": "stable"})], crs)
    stable = box(left + 600, bottom + 600, 1500, 1500)
    area = features(golden.inputs("area.gpkg"), [(stable, {"name": "a"}), (box(left, top - 300, 300, 300), {})], crs)
    mask = np.zeros(array(dem).shape, np.uint8)
    mask[60:120, 60:120] = 1
    transform = (left, 30.0, 0.0, top, 0.0, -30.0)
    moving = raster(golden.inputs("moving.tif"), mask, crs=crs, transform=transform)
    options: dict[str, dict[str, Any]] = {
        "default": {},
        "weights": {"COHERENCE_WEIGHTS": True},
        "outliers": {"OUTLIER_SIGMA": 2},
        "weights_and_outliers": {"COHERENCE_WEIGHTS": True, "OUTLIER_SIGMA": 2.5, "MIN_PAIRS": 5},
        "unfiltered": {"ATMOSPHERE_FILTER": False},
        "filter_windows": {"ATMOSPHERE_DAYS": 30, "ATMOSPHERE_METRES": 900},
        "plane": {"RAMP": "plane"},
        "quadratic": {"RAMP": "quadratic", "ATMOSPHERE_FILTER": False},
        "height": {"HEIGHT_CORRECTION": True, "DEM": dem},
        "all_corrections": {
            "HEIGHT_CORRECTION": True, "DEM": dem, "RAMP": "plane", "EXCLUDE_MASK": moving, "REFERENCE_MODE": "median",
        },
        "no_reference": {"REFERENCE_MODE": "none"},
        "median": {"REFERENCE_MODE": "median"},
        "point": {"REFERENCE_MODE": "point", "REFERENCE": point},
        "area": {"REFERENCE_MODE": "area", "REFERENCE": area},
        "mask": {"EXCLUDE_MASK": moving},
        "metres_away": {"SIGN": "away", "UNIT": "m/yr"},
        "coherent": {"MIN_COHERENCE": 0.55, "LOS_MIN_COHERENCE": 0.6},
        "any_coherence": {"LOS_MIN_COHERENCE": 0},
        "dates": {"START_DATE": "2022-01-15", "END_DATE": "2022-03-20"},
        "excluded": {"EXCLUDED_PAIRS": "20220105_20220117 20220117_20220129;19990101_19990113"},
        "long_pairs": {"MAX_TEMPORAL_BASELINE": 400, "MAX_PERPENDICULAR_BASELINE": 1000, "PRODUCT": "hyp3"},
        "few_pairs": {"MAX_TEMPORAL_BASELINE": 12, "MAX_PERPENDICULAR_BASELINE": 60, "MIN_PAIRS": 90},
    }  # fmt: skip
    for name, chosen in options.items():
        golden.good(name, "stackinterferograms", **folder, **chosen, **STACKED)
    other_inputs(golden, made)
    stack_faults(golden, folder, dem, point)


def other_inputs(golden: Golden, made: Path) -> None:
    """Tables of pairs, another product, holes and broken files."""
    table = pairs_table(golden.inputs("pairs.csv"), made)
    golden.good("table", "stackinterferograms", PAIRS_FILE=table, **STACKED)
    bare = pairs_table(golden.inputs("bare.csv"), made, ";", with_more=False)
    golden.good("bare_table", "stackinterferograms", PAIRS_FILE=bare, **STACKED)
    golden.run("bare_table_weights", "stackinterferograms", PAIRS_FILE=bare, COHERENCE_WEIGHTS=True, **STACKED)
    golden.run("bare_table_coherence", "stackinterferograms", PAIRS_FILE=bare, MIN_COHERENCE=0.5, **STACKED)
    product = licsar(golden.inputs("licsar"))
    golden.good("licsar", "stackinterferograms", INPUT_FOLDER=str(product), **STACKED)
    golden.good("licsar_weights", "stackinterferograms", INPUT_FOLDER=str(product), COHERENCE_WEIGHTS=True, **STACKED)
    broken = licsar(golden.inputs("broken"), dates=4)
    next(iter(sorted(broken.rglob("*.unw.tif")))).write_bytes(b"no raster")
    for file in sorted(broken.rglob("*.cc.tif"))[2:3]:
        file.unlink()
    for file in sorted(broken.rglob("*.unw.tif"))[3:4]:
        changed(file, file.with_suffix(".new"), np.full((96, 96), np.nan, np.float32))
        file.with_suffix(".new").replace(file)
    golden.run("broken_files", "stackinterferograms", INPUT_FOLDER=str(broken), **STACKED)


def stack_faults(golden: Golden, folder: dict[str, str], dem: str, point: str) -> None:
    """What is refused, and how."""
    tool = "stackinterferograms"
    empty = golden.inputs("empty")
    empty.mkdir()
    golden.fault("empty_folder", tool, INPUT_FOLDER=str(empty), **STACKED)
    golden.fault("no_input", tool, **STACKED)
    golden.fault("no_such_folder", tool, INPUT_FOLDER=str(golden.inputs("none")), **STACKED)
    golden.run("folder_and_table", tool, **folder, PAIRS_FILE=str(golden.inputs("pairs.csv")), **STACKED)
    golden.fault("all_rejected", tool, **folder, MAX_TEMPORAL_BASELINE=3, **STACKED)
    golden.fault("all_incoherent", tool, **folder, MIN_COHERENCE=0.999, **STACKED)
    golden.fault("no_dates_left", tool, **folder, START_DATE="2030-01-01", **STACKED)
    golden.fault("wrong_product", tool, **folder, PRODUCT="gamma", **STACKED)
    golden.fault("no_point", tool, **folder, REFERENCE_MODE="point", **STACKED)
    far = features(golden.inputs("far.gpkg"), [("POINT (1000000 100000)", {"name": "far"})])
    golden.fault("far_point", tool, **folder, REFERENCE_MODE="point", REFERENCE=far, **STACKED)
    golden.fault("point_as_area", tool, **folder, REFERENCE_MODE="area", REFERENCE=point, **STACKED)
    golden.fault("no_dem", tool, **folder, HEIGHT_CORRECTION=True, **STACKED)
    golden.fault("written_over", tool, **folder, PHASE_RATE=dem, LOS_RATE=dem)
    for name, text in {
        "no_column": "file,date1\na.tif,20220101\n",
        "no_rows": "file,date1,date2\n",
        "no_file": "file,date1,date2\nnone.tif,20220101,20220113\n",
        "wrong_date": f"file,date1,date2\n{dem},2022-13-01,20220113\n",
        "one_date": f"file,date1,date2\n{dem},20220101,20220101\n",
        "wrong_number": f"file,date1,date2,perpendicular_baseline_m\n{dem},20220101,20220113,far\n",
        "not_text": "\udcff\udcfe",
    }.items():
        table = golden.inputs(f"{name}.csv")
        table.write_bytes(text.encode("utf-8", "surrogateescape"))
        golden.fault(f"table_{name}", tool, PAIRS_FILE=str(table), **STACKED)
    for percent in (2, 40):
        golden.run(f"cancelled_{percent}", tool, cancel_at=percent, **folder, **STACKED)


def terrain(golden: Golden) -> None:
    """Slope, aspect and sensitivity of elevation models of several kinds; faults."""
    rows, columns = np.indices((90, 110))
    heights = (900 + 400 * np.sin(rows / 9) * np.cos(columns / 13) + 2 * columns).astype(np.float32)
    holes = heights.copy()
    holes[20:30, 40:60] = -9999
    degrees = (102.0, 1 / 3600, 0.0, 31.0, 0.0, -1 / 3600)
    models = {
        "metres": raster(golden.inputs("metres.tif"), heights, "dem", "m"),
        "holes": raster(golden.inputs("holes.tif"), holes, nodata=-9999),
        "whole_numbers": raster(golden.inputs("whole.tif"), heights.astype(np.int16), nodata=-32768),
        "degrees": raster(golden.inputs("degrees.tif"), heights, crs="EPSG:4326", transform=degrees),
        "oblong": raster(golden.inputs("oblong.tif"), heights, transform=(500000.0, 30.0, 0.0, 3500000.0, 0.0, -20.0)),
        "row": raster(golden.inputs("row.tif"), heights[:1], "dem", "m"),
    }
    for name, dem in models.items():
        golden.run(f"slope_{name}", "slope", INPUT=dem, OUTPUT=Out("slope.tif"), ASPECT=Out("aspect.tif"))
        seen = {"OUTPUT": Out("sensitivity.tif"), "VISIBILITY": Out("visibility.tif")}
        golden.run(f"sensitivity_{name}", "lossensitivity", INPUT=dem, ORBIT="descending", **seen)
    dem = models["metres"]
    golden.good("slope_only", "slope", INPUT=dem, OUTPUT=Out("slope.tif"))
    twisted = (500000.0, 30.0, 5.0, 3500000.0, 5.0, -30.0)
    golden.run(
        "slope_turned", "slope", INPUT=raster(golden.inputs("t.tif"), heights, transform=twisted), OUTPUT=Out("s.tif")
    )
    golden.run(
        "slope_no_crs", "slope", INPUT=raster(golden.inputs("n.tif"), heights, crs='LOCAL_CS["a"]'), OUTPUT=Out("s.tif")
    )
    golden.fault("slope_over_itself", "slope", INPUT=dem, OUTPUT=dem)
    file = golden.inputs("file")
    file.write_text("")
    golden.fault("slope_no_folder", "slope", INPUT=dem, OUTPUT=str(file / "slope.tif"))
    golden.fault("slope_no_raster", "slope", INPUT=str(file), OUTPUT=Out("slope.tif"))
    sensitivity(golden, dem, heights)


def sensitivity(golden: Golden, dem: str, heights: Any) -> None:
    """Where the view comes from."""
    tool, output = "lossensitivity", {"INPUT": dem, "OUTPUT": Out("sensitivity.tif")}
    golden.good("view_ascending", tool, **output, ORBIT="ascending")
    golden.good("view_numbers", tool, **output, HEADING=-12.5, INCIDENCE=33, VISIBILITY=Out("visibility.tif"))
    golden.good("view_steep", tool, **output, HEADING=190, INCIDENCE=75, VISIBILITY=Out("visibility.tif"))
    golden.run("view_incidence_only", tool, **output, INCIDENCE=39)
    rate = np.zeros_like(heights)
    told = raster(golden.inputs("told.tif"), rate, "los_rate", "mm/yr", HEADING="-168", INCIDENCE="36.5", SIGN="toward")
    golden.run("view_of_rate", tool, **output, RATE=told)
    golden.run("view_of_rate_and_orbit", tool, **output, RATE=told, ORBIT="ascending")
    silent = raster(golden.inputs("silent.tif"), rate, "los_rate", "mm/yr")
    golden.fault("view_unknown", tool, **output, RATE=silent)
    golden.run("view_skipped", tool, **output, RATE=silent, SKIP_UNKNOWN=True)
    angles = (32 + 10 * np.indices(heights.shape)[1] / heights.shape[1]).astype(np.float32)
    golden.run(
        "view_angles", tool, **output, ORBIT="descending", INCIDENCE_RASTER=raster(golden.inputs("a.tif"), angles)
    )
    radians = raster(golden.inputs("r.tif"), np.radians(angles), unit="radian")
    golden.run("view_radians", tool, **output, ORBIT="descending", INCIDENCE_RASTER=radians)


def scenes(golden: Golden) -> None:
    """Scenes simulated, and added to real rates."""
    tool, folder = "simulatescene", {"OUTPUT_FOLDER": Out("scene")}
    small = {"SIZE": 128, "DATES": 5, "SEED": 8}
    golden.good("ascending", tool, **small, ORBIT="ascending", PIXEL_SIZE=20, **folder)
    rows, columns = np.indices((160, 150))
    heights = (1500 + 500 * np.sin(rows / 14) * np.cos(columns / 17)).astype(np.float32)
    dem = raster(golden.inputs("dem.tif"), heights, "dem", "m")
    golden.good("on_a_dem", tool, **small, DEM=dem, **folder)
    scene = golden.good("descending", tool, **{**small, "SIZE": 192}, **folder)["OUTPUT_FOLDER"]
    rates = golden.good("rates", "stackinterferograms", INPUT_FOLDER=scene, **STACKED)
    own = {"KIND": "semi-real", "PHASE_RATE": rates["PHASE_RATE"], "LANDSLIDES": 2, "SEED": 4}
    place = {"DEM": str(Path(scene) / "dem.tif")}
    golden.good("semi_real", tool, **own, **place, **folder)
    left, bottom, _, _ = bounds(rates["PHASE_RATE"])
    crs = crs_of(rates["PHASE_RATE"])
    known = features(golden.inputs("known.gpkg"), [(box(left + 900, bottom + 900, 1200, 1500), {"id": 1})], crs)
    golden.good(
        "semi_real_options", tool, **own, **place, LOS_RATE=rates["LOS_RATE"], EXCLUDE=known, HEADING=-10, INCIDENCE=41,
        ORBIT="ascending", **folder,
    )  # fmt: skip
    golden.good("semi_real_elsewhere", tool, **own, DEM=dem, DEM_ELSEWHERE=True, **folder)
    golden.fault("semi_real_no_dem", tool, **own, **folder)
    golden.fault("semi_real_no_rate", tool, KIND="semi-real", **place, **folder)
    golden.fault("semi_real_dem_elsewhere", tool, **own, DEM=dem, **folder)
    golden.fault("not_empty", tool, **small, OUTPUT_FOLDER=scene)
    golden.fault("too_small", tool, SIZE=64, **folder)
    golden.run("cancelled", tool, cancel_at=30, **small, **folder)
    json.loads((Path(scene) / "scene.json").read_text("utf-8"))
