"""Golden runs of samples, models and accuracy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from golden_inputs import CORNER, box, features, pixel_box, raster, without_system
from golden_session import Golden, Out

SIZE = 256
BUDGET = {"STEPS": 3, "BATCH_SIZE": 2, "THREADS": 1, "PATIENCE": 0, "DEVICE": "cpu"}


def scene(golden: Golden) -> dict[str, str]:
    """Rates with discs that move, and terrain, as the tools take them."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((SIZE, SIZE))
    moving = np.zeros((SIZE, SIZE), bool)
    for top, left in patches():
        moving |= np.hypot(rows - top - 8, columns - left - 6) < 8
    phase_rate = (random.normal(0, 1, moving.shape) + 9 * moving).astype(np.float32)
    phase_rate[:6, :40] = np.nan
    height = (500 + 300 * np.sin(rows / 40) + 5 * columns).astype(np.float32)
    slope = np.degrees(np.arctan(np.hypot(*np.gradient(height, 30.0)))).astype(np.float32)
    view = {"HEADING_DEGREES": "192", "INCIDENCE_DEGREES": "38"}
    rate = np.float32(-4.4) * phase_rate
    return {
        "PHASE_RATE": raster(golden.inputs("phase_rate.tif"), phase_rate, "phase_rate", "rad/yr", SIGN="away", **view),
        "LOS_RATE": raster(golden.inputs("los_rate.tif"), rate, "los_rate", "mm/yr", SIGN="toward", **view),
        "DEM": raster(golden.inputs("dem.tif"), height, "dem", "m"),
        "SLOPE": raster(golden.inputs("slope.tif"), slope, "slope", "degree"),
    }


def patches() -> list[tuple[int, int]]:
    """Top and left of the sixteen areas."""
    return [(20 + 60 * i, 20 + 60 * j) for i in range(4) for j in range(4)]


def labels(golden: Golden) -> str:
    """The areas, and two doubtful ones."""
    shapes = [(pixel_box(top, left, 16, 12), {"class": "active", "number": 1}) for top, left in patches()]
    doubtful = [(pixel_box(top, top, 8, 8), {"class": "doubtful", "number": 2}) for top in (50, 110)]
    return features(golden.inputs("labels.gpkg"), [*shapes, *doubtful])


def samples(golden: Golden) -> None:
    """Sample sets with every layer and option; faults."""
    layers = scene(golden)
    tool = "createsamples"
    own = {
        **layers, "SCENE": "west", "LABELS": labels(golden), "CLASS_FIELD": "class", "AREA_CLASSES": "active",
        "TILE_SIZE": 64, "BLOCK_SIZE": 1.9,
    }  # fmt: skip
    folder = {"OUTPUT_FOLDER": Out("samples")}
    first = golden.good("samples", tool, **own, **folder)["OUTPUT_FOLDER"]
    golden.good("another_scene", tool, given={"samples": Path(first)}, **{**own, "SCENE": "east", "SEED": 2}, **folder)
    corner = (CORNER[0] + 3000, CORNER[1] - 3000)
    bow = f"POLYGON (({corner[0]} {corner[1]}, {corner[0] + 600} {corner[1] - 600}, {corner[0] + 600} {corner[1]}, "
    bow += f"{corner[0]} {corner[1] - 600}, {corner[0]} {corner[1]}))"
    crossed = features(golden.inputs("crossed.gpkg"), [(bow, {"class": 3.0}), (pixel_box(20, 20, 16, 12), {})])
    extent = features(golden.inputs("extent.gpkg"), [(pixel_box(0, 0, 128, 256), {"id": 1})])
    ignored = features(golden.inputs("ignored.gpkg"), [(box(105.0, 31.6, 0.01, 0.01), {"id": 1})], "EPSG:4326")
    golden.good(
        "options", tool, **{**own, "CLASS_FIELD": None, "LABELS": crossed}, EXTENT=extent, IGNORED=ignored, GAP=90,
        IGNORE_EDGES=True, MIN_AREA=1000, BACKGROUND_RATIO=1, VALIDATION=30, TEST=0, PIXEL_SIZE=45, **folder,
    )  # fmt: skip
    faults: dict[str, dict[str, Any]] = {
        "no_class": {"AREA_CLASSES": ""},
        "unknown_class": {"AREA_CLASSES": "active, moving"},
        "no_rate": {"PHASE_RATE": None, "LOS_RATE": None},
        "shares": {"VALIDATION": 60, "TEST": 60},
        "labels_elsewhere": {
            "LABELS": features(golden.inputs("far.gpkg"), [(pixel_box(9000, 0, 9, 9), {"class": "active"})])
        },
        "labels_without_system": {
            "LABELS": without_system(
                features(golden.inputs("lost.gpkg"), [(pixel_box(0, 0, 9, 9), {"class": "active"})])
            )
        },
        "tile_size": {"TILE_SIZE": 50},
    }
    for name, changes in faults.items():
        golden.run(name, tool, **{**own, **changes}, **folder)
    golden.fault("other_layers", tool, given={"samples": Path(first)}, **{**own, "DEM": None, "SCENE": "e"}, **folder)
    golden.run("same_scene", tool, given={"samples": Path(first)}, **own, **folder)
    golden.run("cancelled", tool, cancel_at=60, **own, **folder)
    golden.run("compare_no_set", "comparechannels", SAMPLES=str(golden.inputs("x").parent))


def sample_set(golden: Golden, layers: dict[str, str]) -> str:
    """A small sample set of all roles."""
    parameters = {**layers, "SCENE": "west", "LABELS": labels(golden), "TILE_SIZE": 64, "BLOCK_SIZE": 1.9}
    shares = {"VALIDATION": 25, "TEST": 25, "BACKGROUND_RATIO": 0}
    results = golden.good("samples", "createsamples", **parameters, **shares, OUTPUT_FOLDER=Out("samples"))
    return str(results["OUTPUT_FOLDER"])


def training(golden: Golden) -> None:
    """Tiny trainings."""
    from qgis.core import QgsApplication

    # The 48 simulated tiles that validate, and as many that test, would take minutes.
    trainer = QgsApplication.processingRegistry().algorithmById("adamapper:trainmodel")
    constants = vars(sys.modules[type(trainer).__module__])
    constants["SIMULATED_TILES"] = min(4, constants["SIMULATED_TILES"])
    folder = sample_set(golden, scene(golden))
    outputs = {"MODEL": Out("model.onnx"), "REPORT": Out("report.html")}
    own = {"SAMPLES": folder, "SIMULATED_SHARE": 0, **BUDGET, **outputs}
    tool = "trainmodel"
    model = golden.good("train", tool, **own, NAME="Discs", LICENCE="CC0-1.0", SEED=5)["MODEL"]
    golden.good("train_rates", tool, **own, CHANNELS=["phase_rate", "slope"], LOSS="dice", LEARNING_RATE=0.01)
    more = [str(Path(folder) / "samples.json")]
    golden.good("train_two_sets", tool, **{**own, "PATIENCE": 2}, MORE_SAMPLES=more)
    golden.good("fine_tune", tool, **own, START=model)
    golden.good("train_simulated_share", tool, **{**own, "SIMULATED_SHARE": 50, "CHANNELS": ["los_rate", "dem"]})
    golden.run("train_cancelled", tool, cancel_at=40, **own)
    golden.fault("train_no_such_set", tool, **{**own, "SAMPLES": str(golden.inputs("none"))})
    golden.fault("train_simulated_of_nothing", tool, **{**own, "SAMPLES": None})
    golden.fault("train_no_rate", tool, **own, CHANNELS=["dem", "slope"])
    golden.run("train_unknown_layer", tool, **own, CHANNELS=["phase_rate", "coherence"])
    golden.fault("train_start_alone", tool, **{**own, "SAMPLES": None, "SIMULATED_SHARE": 100}, START=model)


def models(golden: Golden) -> None:
    """A model exported, imported, compared and used."""
    layers = scene(golden)
    folder = sample_set(golden, layers)
    own = {"SAMPLES": folder, "SIMULATED_SHARE": 0, **BUDGET, "STEPS": 1}
    model = golden.good("train", "trainmodel", **own, MODEL=Out("model.onnx"))["MODEL"]
    exchange(golden, layers, model)
    comparisons(golden, model, folder)


def exchange(golden: Golden, layers: dict[str, str], model: str) -> None:
    """Models out and in."""
    composite = golden.good("composite", "buildcomposite", **layers, MODEL=model, OUTPUT=Out("composite.tif"))["OUTPUT"]
    tool, answer = "exportmodel", {"OUTPUT": Out("exported.onnx"), "CARD": Out("card.json")}
    exported = {}
    for storage in ("float32", "float16", "int8", "weights"):
        chosen = {"MODEL": model, "STORAGE": storage, "CALIBRATION": composite, "TILES": 4}
        exported[storage] = golden.good(f"export_{storage}", tool, **chosen, **answer)["OUTPUT"]
    golden.good("export_shipped_card", tool, STORAGE="float32", **answer)
    golden.fault("export_over_itself", tool, MODEL=model, STORAGE="float32", OUTPUT=model)
    other = {"MODEL": model, "STORAGE": "int8", "CALIBRATION": layers["DEM"]}
    golden.fault("export_other_composite", tool, **other, **answer)
    golden.run("export_no_calibration", tool, **{**other, "CALIBRATION": None}, TILES=2, **answer)
    for storage in ("float32", "float16", "int8"):
        used = {**layers, "MODEL": exported[storage], "PROBABILITY": Out("probability.tif")}
        golden.good(f"detect_{storage}", "detectareas", **used, BACKEND="onnxruntime")
    golden.run("detect_torch", "detectareas", **layers, MODEL=model, BACKEND="torch", PROBABILITY=Out("p.tif"))
    golden.fault("detect_lacks_layer", "detectareas", DEM=layers["DEM"], MODEL=model, PROBABILITY=Out("p.tif"))
    imports(golden, exported["weights"], model)


def imports(golden: Golden, weights: str, model: str) -> None:
    """Networks of other programs, weights and files that are refused."""
    import onnx

    tool, output = "importmodel", {"OUTPUT": Out("imported.onnx")}
    golden.good("import_weights", tool, INPUT=weights, **output)
    golden.good("import_own", tool, INPUT=model, **output)
    network = onnx.load(model)
    cards = {item.key: item.value for item in network.metadata_props}
    kinds = [channel["kind"] for channel in json.loads(cards["ada_mapper_card"])["channels"]]
    del network.metadata_props[:]
    foreign = golden.inputs("foreign.onnx")
    onnx.save(network, foreign)
    rows = [cell for kind in kinds for cell in (kind, "0", "70", "", "")]
    own = {"INPUT": str(foreign), "CHANNELS": rows, "PIXEL_SIZE": 30.0, "TILE_SIZE": 64}
    golden.run("import_foreign", tool, **own, **output)
    options = {"THRESHOLD": 0.4, "MIN_AREA": 5000, "ANSWER": "probabilities", "AREA_CLASS": 1, "NAME": "Other"}
    golden.run("import_options", tool, **own, **options, **output)
    golden.run("import_logits", tool, **own, ANSWER="logits", **output)
    wrong: dict[str, dict[str, Any]] = {
        "channel": {"CHANNELS": ["velocity", "", "", "", ""]},
        "limits": {"CHANNELS": ["slope", "a", "b", "", ""]},
        "bands": {"CHANNELS": rows[:5]},
        "pixel_size": {"PIXEL_SIZE": None},
        "class": {"AREA_CLASS": 9},
        "raster": {"INPUT": str(golden.inputs("dem.tif"))},
        "missing": {"INPUT": str(golden.inputs("none.onnx"))},
        "network": {"INPUT": weights, "NETWORK": "vgg16_unet"},
    }
    for name, changes in wrong.items():
        golden.run(f"import_wrong_{name}", tool, **{**own, **changes}, **output)
    pickle = golden.inputs("pickle.pt")
    pickle.write_bytes(b"\x80\x04cos\nsystem\n.")
    golden.fault("import_pickle", tool, **{**own, "INPUT": str(pickle)}, **output)


def comparisons(golden: Golden, model: str, folder: str) -> None:
    """Channels compared."""
    tool, answer = "comparechannels", {"REPORT": Out("report.html"), "FIGURES": Out("figures.csv")}
    for role in ("test", "validation"):
        golden.good(f"compare_{role}", tool, MODELS=[model], SAMPLES=folder, ROLE=role, **answer)
    golden.run("compare_shipped", tool, TILES=2, TILE_SIZE=64, **answer)
    golden.good("compare_simulated", tool, MODELS=[model], TILES=3, TILE_SIZE=64, SEED=4, **answer)
    none = golden.inputs("none")
    none.mkdir()
    golden.fault("compare_no_dems", tool, MODELS=[model], TILES=2, TILE_SIZE=64, DEM_FOLDER=str(none), **answer)


def accuracy(golden: Golden) -> None:
    """Maps judged by true areas, and labels made of a review."""
    probability = np.full((120, 100), 0.02, np.float32)
    probability[10:20, 30:40] = 0.9
    probability[80:90, 60:70] = 0.85
    probability[95:99, 5:9] = 0.7
    rate = np.random.default_rng(0).normal(0, 1, (120, 100)).astype(np.float32)
    rate[10:20, 30:40] -= 40
    rate[50:60, 10:20] -= 30
    rows, columns = np.indices(rate.shape)
    height = (800 + 12.0 * rows + 40 * np.sin(columns / 9)).astype(np.float32)
    tags = {"THRESHOLD": "0.6", "LOW_THRESHOLD": "0.4", "MIN_AREA": "5000"}
    true = features(
        golden.inputs("true.gpkg"), [(pixel_box(10, 30, 10, 10), {"id": 1}), (pixel_box(50, 10, 10, 10), {"id": 2})]
    )
    found = [(pixel_box(11, 30, 9, 10), {"id": 1, "orbit": "ascending"}), (pixel_box(70, 70, 8, 8), {"id": 2})]
    areas = features(golden.inputs("found.gpkg"), found)
    maps = {
        "PROBABILITY": raster(golden.inputs("p.tif"), probability, "probability", "1", **tags),
        "LOS_RATE": raster(golden.inputs("r.tif"), rate, "los_rate", "mm/yr", SIGN="toward"),
        "TRUE_AREAS": true,
    }
    dem = raster(golden.inputs("dem.tif"), height, "dem", "m")
    outputs = {"REPORT": Out("r.html"), "FIGURES": Out("f.csv"), "JUDGED_AREAS": Out("judged.gpkg")}
    tool = "assessaccuracy"
    golden.good("map", tool, **maps, **outputs)
    golden.good("terrain", tool, **maps, DEM=dem, HEADING=192, INCIDENCE=38, REGION_SIZE=1, SEED=3, **outputs)
    ignored = features(golden.inputs("ignored.gpkg"), [(pixel_box(78, 58, 20, 20), {"id": 1})])
    extent = features(golden.inputs("extent.gpkg"), [(pixel_box(0, 0, 100, 90), {"id": 1})])
    golden.good("ground", tool, **maps, AREAS=areas, IGNORED_AREAS=ignored, MAPPED_EXTENT=extent, **outputs)
    golden.good("areas", tool, AREAS=areas, TRUE_AREAS=true, **outputs)
    golden.good("thresholds", tool, **maps, THRESHOLD=0.95, LOW_THRESHOLD=0.95, MIN_IOU=0.5, MIN_AREA=0, **outputs)
    golden.fault("nothing", tool, TRUE_AREAS=true, **outputs)
    golden.fault("no_heading", tool, **maps, INCIDENCE=39, **outputs)
    golden.fault("no_probability", tool, **{**maps, "PROBABILITY": maps["LOS_RATE"]}, **outputs)
    golden.run("cancelled", tool, cancel_at=50, **maps, **outputs)
    lost = features(golden.inputs("lost.gpkg"), [(pixel_box(0, 0, 9, 9), {"id": 1})], "")
    golden.run("undefined_system", tool, AREAS=areas, TRUE_AREAS=lost, **outputs)
    lost = without_system(lost)
    golden.run("no_system", tool, AREAS=areas, TRUE_AREAS=lost, **outputs)
    reviews(golden)


def reviews(golden: Golden) -> None:
    """Labels of a review."""
    tool, output = "labelsfromreview", {"LABELS": Out("labels.gpkg")}
    decisions = ("accepted", "rejected", "unsure", None, "accepted", "")
    rows = [
        (pixel_box(20 * number, 5, 9, 9), {"id": number, "orbit": "ascending", "review": decision, "review_note": "n"})
        for number, decision in enumerate(decisions, 1)
    ]
    reviewed = features(golden.inputs("reviewed.gpkg"), rows)
    for choice in ("ignored", "background"):
        golden.good(f"review_{choice}", tool, AREAS=reviewed, UNREVIEWED=choice, **output)
    plain = features(golden.inputs("plain.gpkg"), [(pixel_box(0, 0, 9, 9), {"id": 1})])
    golden.run("review_of_none", tool, AREAS=plain, **output)
    wrong = features(golden.inputs("wrong.gpkg"), [(pixel_box(0, 0, 9, 9), {"id": 1, "review": "perhaps"})])
    golden.run("review_unknown", tool, AREAS=wrong, **output)
    golden.fault("review_missing", tool, AREAS=str(golden.inputs("none.gpkg")), **output)


def catalogue(golden: Golden) -> None:
    """Names, help, parameters and outputs of all algorithms."""
    from qgis.core import QgsApplication

    for algorithm in QgsApplication.processingRegistry().providerById("adamapper").algorithms():
        lines = [f"{algorithm.displayName()} | {algorithm.group()} ({algorithm.groupId()}) | {algorithm.tags()}"]
        for item in algorithm.parameterDefinitions():
            facts = (item.name(), item.type(), int(item.flags()), item.defaultValue(), item.description(), item.help())
            lines.append(" | ".join(map(str, (*facts, item.asPythonString()))))
        lines += [f"{item.name()} {item.type()} {item.description()}" for item in algorithm.outputDefinitions()]
        golden.note(algorithm.name(), "\n".join((*lines, algorithm.shortHelpString(), algorithm.helpUrl())))
