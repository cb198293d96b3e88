"""Golden runs of the field survey: sites, packages, what comes back, map sheets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from golden_inputs import CORNER, box, features, raster, without_system
from golden_session import Golden, Out
from osgeo import ogr

COUNT = 14


def areas_of(golden: Golden) -> str:
    """Squares 700 m apart from south to north; number 5 is rejected by a review."""
    rows = []
    for number in range(1, COUNT + 1):
        side = 100.0 + 20 * (number % 4)
        attributes = {
            "id": number,
            "orbit": ("ascending", "descending", "unknown")[number % 3],
            "area_km2": side**2 / 1e6,
            "probability_mean": 0.6 + 0.02 * number,
            "los_rate_mean": -6.5 - number,
            "los_rate_extreme": -12.5 - 3 * number,
            "slope_mean": 18.0 + number,
            "elevation_min": 700.0,
            "elevation_max": 900.0 + 10 * number,
            "review": "rejected" if number == 5 else None,
        }
        rows.append((box(CORNER[0] + 130 * (number % 5), CORNER[1] + 700 * number, side, side), attributes))
    rows[0][1]["review"] = "accepted"
    return features(golden.inputs("滑坡区.gpkg"), rows)


def terrain_of(golden: Golden) -> str:
    """An elevation model around the areas."""
    rows, columns = np.indices((260, 140))
    heights = (900 + 300 * np.sin(rows / 21) * np.cos(columns / 17) + 2 * columns).astype(np.float32)
    transform = (CORNER[0] - 3000, 60.0, 0.0, CORNER[1] + 13000, 0.0, -60.0)
    return raster(golden.inputs("dem.tif"), heights, "dem", "m", transform=transform)


def roads_of(golden: Golden) -> str:
    """Two roads, one of which bends, in degrees."""
    lines = ["LINESTRING (105.01 31.63, 105.012 31.68, 105.005 31.72)", "LINESTRING (104.99 31.66, 105.02 31.66)"]
    return features(golden.inputs("roads.gpkg"), [(line, {"name": "road"}) for line in lines], "EPSG:4326")


def survey(golden: Golden) -> None:
    """From areas to figures of the survey."""
    areas, dem, roads = areas_of(golden), terrain_of(golden), roads_of(golden)
    sites = sampling(golden, areas, roads)
    package = packages(golden, sites, areas, dem)
    merged = merging(golden, package)
    figures(golden, merged, areas, dem)


def sampling(golden: Golden, areas: str, roads: str) -> str:
    """Sites drawn from areas by every rule; those of the first draw."""
    tool, output = "samplesites", {"SITES": Out("sites.gpkg")}
    own = {"AREAS": areas, "COUNT": 6}
    first = golden.good("sites", tool, **own, **output)["SITES"]
    golden.good("sites_all", tool, AREAS=areas, **output)
    halves = [
        (box(CORNER[0] - 500, CORNER[1], 3000, 5000), {"name": "south"}),
        (box(CORNER[0] - 500, CORNER[1] + 5000, 3000, 6000), {"name": None}),
    ]
    districts = features(golden.inputs("districts.gpkg"), halves)
    for kind in ("orbit", "size", "rate"):
        golden.good(f"sites_{kind}", tool, **own, STRATIFY=kind, SEED=4, **output)
    golden.good("sites_district", tool, **own, STRATIFY="district", DISTRICTS=districts, **output)
    named = {"DISTRICTS": districts, "DISTRICT_NAME": "name", "ROADS": roads}
    golden.good("sites_named", tool, **own, STRATIFY="district", **named, **output)
    golden.good("sites_near", tool, **own, ROADS=roads, MAX_ROAD_DISTANCE=600, CRS="EPSG:4326", SIGN="away", **output)
    golden.run("sites_none_near", tool, **own, ROADS=roads, MAX_ROAD_DISTANCE=1, **output)
    golden.run("sites_no_districts", tool, **own, STRATIFY="district", **output)
    golden.run("sites_no_roads", tool, **own, MAX_ROAD_DISTANCE=500, **output)
    lost = without_system(features(golden.inputs("lost.gpkg"), [(box(0, 0, 9, 9), {"id": 1})]))
    golden.run("sites_no_system", tool, AREAS=lost, **output)
    bare = features(golden.inputs("bare.gpkg"), [(box(*CORNER, 90, 90), {"other": 1})])
    golden.run("sites_bare", tool, AREAS=bare, **output)
    return str(first)


def packages(golden: Golden, sites: str, areas: str, dem: str) -> Path:
    """Folders for the field; that with everything."""
    tool, output = "surveypackage", {"OUTPUT_FOLDER": Out("package")}
    every = {"SITES": sites, "AREAS": areas, "DEM": dem, "BASE_MAP": dem, "PIXEL_SIZE": 30}
    full = golden.good("package", tool, **every, TITLE="滑坡调查", **output)["OUTPUT_FOLDER"]
    golden.good("package_bare", tool, SITES=sites, **output)
    golden.good("package_small", tool, **every, MARGIN=100, MOST_PIXELS=256, **output)
    golden.fault("package_over", tool, given={"package": Path(full)}, **every, **output)
    lost = without_system(features(golden.inputs("lost_sites.gpkg"), [("POINT (0 0)", {"name": "S01"})]))
    golden.run("package_no_system", tool, SITES=lost, **output)
    golden.run("package_cancelled", tool, cancel_at=50, **every, **output)
    return Path(full)


def edited(golden: Golden, package: Path, name: str, answers: dict[str, dict[str, Any]], gone: str = "") -> str:
    """A copy of a package with answers by the names of sites, in which one site is gone."""
    folder = golden.inputs(name)
    shutil.copytree(package, folder)
    (folder / "DCIM" / f"{name}.jpg").write_bytes(b"any picture")
    source = ogr.Open(str(folder / "survey.gpkg"), 1)
    layer = source.GetLayerByName("sites")
    for feature in list(layer):
        site = feature.GetField("name")
        for field, value in answers.get(site, {}).items():
            feature.SetField(field, value)
        if site == gone:
            layer.DeleteFeature(feature.GetFID())
        elif site in answers:
            layer.SetFeature(feature)
    new = ogr.Feature(layer.GetLayerDefn())
    new.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({CORNER[0] + 900} {CORNER[1] + 5000})"))
    new.SetField("uid", f"00000000-0000-5000-8000-{len(name):012d}")
    new.SetField("name", f"new of {name}")
    new.SetField("result", "confirmed")
    layer.CreateFeature(new)
    return str(folder)


def merging(golden: Golden, package: Path) -> str:
    """Copies of a package that come back; the merged sites."""
    tool = "mergesurvey"
    output = {"SITES": Out("merged.gpkg"), "REPORT": Out("report.html"), "CONFLICTS": Out("conflicts.csv")}
    answers: dict[str, dict[str, Any]] = {
        "S01": {
            "result": "confirmed",
            "scarp": 1,
            "remarks": "新鲜陡坎",
            "visited_on": "2026-05-04",
            "surveyor": "Ada",
        },
        "S02": {"result": "not_confirmed", "photo_1": "DCIM/first.jpg", "visited_on": "2026-05-04"},
        "S03": {"result": "not_accessible"},
    }
    others = {
        "S02": {"result": "confirmed", "photo_1": "DCIM/other.jpg", "visited_on": "2026-05-06", "tensile_crack": 1},
        "S04": {"result": "confirmed", "photo_2": "DCIM/lost.jpg", "cracked_house": 1},
        "S06": {"result": "perhaps"},
    }
    first = edited(golden, package, "first", answers, gone="S05")
    second = edited(golden, package, "other", others)
    master = f"{package / 'survey.gpkg'}|layername=sites"
    merged = golden.good("merge", tool, MASTER=master, COPIES=[first, second], **output)["SITES"]
    golden.good("merge_one", tool, MASTER=master, COPIES=[first], PHOTO_FOLDER=Out("photos"), **output)
    golden.good("merge_again", tool, MASTER=merged, COPIES=[second], **output)
    golden.fault("merge_over", tool, MASTER=master, COPIES=[first], SITES=str(package / "survey.gpkg"))
    golden.fault("merge_no_copy", tool, MASTER=master, COPIES=[str(golden.inputs("none"))], **output)
    keyless = features(golden.inputs("keyless.gpkg"), [(f"POINT ({CORNER[0]} {CORNER[1]})", {"name": "S01"})])
    golden.fault("merge_no_keys", tool, MASTER=keyless, COPIES=[first], **output)
    golden.run("merge_cancelled", tool, cancel_at=60, MASTER=master, COPIES=[first, second], **output)
    return str(merged)


def figures(golden: Golden, merged: str, areas: str, dem: str) -> None:
    """What the survey says of the map."""
    tool, output = "assesssurvey", {"REPORT": Out("report.html"), "FIGURES": Out("figures.csv")}
    golden.good("assess", tool, SITES=merged, AREAS=areas, DEM=dem, **output)
    answers = ["confirmed"] * 9 + ["not_confirmed"] * 2 + ["not_accessible", None, "confirmed"]
    rows = [
        (
            f"POINT ({CORNER[0] + 50} {CORNER[1] + 700 * number + 50})",
            {"name": f"S{number:02d}", "stratum": f"class {number % 3}", "stratum_size": 20, "result": answer},
        )
        for number, answer in enumerate(answers, 1)
    ]
    sites = features(golden.inputs("answers.gpkg"), rows)
    golden.good("assess_strata", tool, SITES=sites, **output)
    known = features(golden.inputs("known.gpkg"), rows[:5])
    golden.good("assess_known", tool, SITES=sites, AREAS=areas, KNOWN=known, **output)
    told = [(wkt, {"mapped": "no" if number % 2 else "yes", "visited": "yes"}) for number, (wkt, _) in enumerate(rows)]
    golden.good("assess_told", tool, SITES=sites, KNOWN=features(golden.inputs("told.gpkg"), told), **output)
    golden.fault("assess_no_areas", tool, SITES=sites, KNOWN=known, **output)
    golden.fault("assess_no_result", tool, SITES=features(golden.inputs("x.gpkg"), [(rows[0][0], {"a": 1})]), **output)
    words = features(golden.inputs("words.gpkg"), [(rows[0][0], {"result": "maybe"})])
    golden.run("assess_unknown_result", tool, SITES=words, **output)
    golden.run("assess_cancelled", tool, cancel_at=30, SITES=sites, **output)


def sheets(golden: Golden) -> None:
    """Map sheets of every kind of paper."""
    areas, dem, roads = areas_of(golden), terrain_of(golden), roads_of(golden)
    tool = "samplesites"
    sites = golden.good("sites", tool, AREAS=areas, COUNT=4, ROADS=roads, SITES=Out("sites.gpkg"))["SITES"]
    rows, columns = np.indices((130, 70))
    transform = (CORNER[0] - 1000, 90.0, 0.0, CORNER[1] + 11000, 0.0, -90.0)
    values = (40 * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.float32)
    rate = raster(golden.inputs("rate.tif"), values, "los_rate", "mm/yr", transform=transform, SIGN="toward")
    tool, own = "surveymaps", {"AREAS": areas, "SITES": sites, "DPI": 60}
    both = {"OUTPUT": Out("maps.pdf"), "PICTURES": Out("pictures")}
    every = {"DEM": dem, "LOS_RATE": rate, "ROADS": roads}
    words = {"TITLE": "Survey of slopes", "ORGANISATION": "地质调查局", "CREDIT": "Contains made-up data"}
    golden.good("sheets", tool, **own, **every, **words, **both)
    golden.good("sheets_grouped", tool, **own, **every, PAPER="A4 landscape", GROUP=True, SCALE=12000, **both)
    golden.good("sheets_bare", tool, **own, PAPER="A3 portrait", OUTPUT=Out("maps.pdf"))
    golden.good("sheets_base", tool, **own, BASE=[dem], PAPER="A3 landscape", PICTURES=Out("pictures"))
    golden.fault("sheets_nowhere", tool, **own)
    golden.fault("sheets_ending", tool, **own, OUTPUT=Out("maps.doc"))
    template = golden.inputs("own.qpt")
    template.write_text("no template")
    golden.fault("sheets_template", tool, **own, TEMPLATE=str(template), **both)
    lost = without_system(features(golden.inputs("lost.gpkg"), [("POINT (0 0)", {"name": "S01"})]))
    golden.fault("sheets_no_system", tool, **{**own, "SITES": lost}, **both)
    golden.run("sheets_cancelled", tool, cancel_at=50, **own, **every, **both)
