"""Tiles, a scene, its rates and the areas found in them, written to a file: test_processors runs this in processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ada_mapper.core.areas import extract_areas, rules_for
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.detection import DEFAULT_OVERLAP, Composite, detect
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.models import open_backend, read_card
from ada_mapper.core.raster import BandReader
from ada_mapper.core.simulation import SceneOptions, TileGenerator, simulate_scene
from ada_mapper.core.simulation.scene import make_scene
from ada_mapper.core.stacking import StackOutputs, stack_to_files
from ada_mapper.core.terrain import slope_to_file

try:
    from numpy._core import _multiarray_umath as built
except ImportError:  # NumPy 1
    from numpy.core import _multiarray_umath as built

MODEL = Path(__file__).parents[2] / "models" / "compact.onnx"
SCENE = SceneOptions(seed=5, size=256, dates=6, landslides=0.3)

Results = dict[str, Any]


def tiles(results: Results) -> None:
    """Tiles over generated terrain, crowded, so that some hold labels; those of number 22 hung on a rounding once."""
    generator = TileGenerator(3, size=128, terrain_count=2, landslides_per_km2=0.4)
    for index in range(24):
        tile = generator(index)
        results.update({f"tile {index} {name}": values for name, values in tile.layers.items()})
        results[f"tile {index} label"] = tile.label
        results[f"tile {index} count"] = np.array([tile.metadata["landslides"], tile.metadata["pairs"]])


def scene(results: Results, folder: Path) -> None:
    """The ground of a scene and what the satellite sees of it; its stack in the folder, with the dates."""
    summary = simulate_scene(folder / "scene", SCENE)
    results["scene counts"] = np.array([summary.pairs, summary.landslides, summary.true_areas, summary.bowls])
    made = make_scene(SCENE)
    view = made.seen_from("descending")
    results.update({"scene dem": made.terrain.dem, "scene cover": made.cover.classes, "scene label": view.label})
    results.update({"scene landslides": made.landslides.identity, "scene hidden": view.hidden})
    results.update({"scene rate": view.los_rate, "scene bowls": made.bowl_identity})


def detection(results: Results, folder: Path) -> list[dict[str, Any]]:
    """Rates, slope and probability of the scene, and its areas."""
    stack, dem, rates = find_stack(folder / "scene"), folder / "scene" / "dem.tif", folder / "phase.tif"
    results["dates"] = np.array([pair.first_date.toordinal() for pair in stack.interferograms])
    stack_to_files(stack, StackOutputs(rates, folder / "los.tif"))
    slope_to_file(dem, folder / "slope.tif")
    layers = {"phase_rate": rates, "los_rate": folder / "los.tif", "dem": dem, "slope": folder / "slope.tif"}
    card = read_card(MODEL)
    probability = folder / "probability.tif"
    with Composite({ChannelKind(name): path for name, path in layers.items()}, card) as composite:
        detect(composite, open_backend(MODEL, "onnxruntime", threads=1), card, probability, DEFAULT_OVERLAP)
    for name, path in {**layers, "probability": probability}.items():
        with BandReader(path) as reader:
            results[f"map {name}"] = reader.read()
    areas = extract_areas(probability, rules_for(probability), "descending", layers["los_rate"], layers["slope"], dem)
    return [{"outline": area.geometry.hex(), **area.attributes} for area in areas]


def main(folder: Path) -> None:
    """Write results.npz and results.json into the folder."""
    results: Results = {"exp": np.exp(np.linspace(-3, 3, 10_001, dtype=np.float32))}
    tiles(results)
    scene(results, folder)
    areas = detection(results, folder)
    features = [name for name in built.__cpu_dispatch__ if built.__cpu_features__[name]]
    np.savez(folder / "results.npz", **results)
    (folder / "results.json").write_text(json.dumps({"features": features, "areas": areas}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
