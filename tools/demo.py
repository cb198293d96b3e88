"""make demo: simulates a scene, maps its active deformation areas in QGIS, draws the map, counts what was found."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from ada_mapper.core.accuracy import ObjectScores, match_areas
from ada_mapper.core.vectors import read_polygons
from map_picture import MapInput, draw
from qgis_session import QgisSession

RASTERS = ("phase_rate", "los_rate", "slope", "probability")


def main() -> None:
    """Run the demo in the folder that is named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--size", type=int, default=1024)
    options = arguments.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    session = QgisSession(folder / "profile")
    os.environ.setdefault("XDG_RUNTIME_DIR", session.environment["XDG_RUNTIME_DIR"])
    scene = folder / "scene"
    say(f"Simulating a scene of {options.size} × {options.size} pixels (seed {options.seed}) …")
    session.process("adamapper:simulatescene", f"SEED={options.seed}", f"SIZE={options.size}", f"OUTPUT_FOLDER={scene}")
    say("Mapping active deformation areas …")
    answer = map_areas(session, scene, folder)
    say(f"{answer['PAIRS_USED']} of {answer['PAIRS_FOUND']} interferograms used, {answer['AREA_COUNT']} areas found.")
    found = {"ADA Mapper": folder / "areas.gpkg", **classical_areas(session, folder)}
    say("Against the truth of this simulated scene (an area counts as found where intersection over union ≥ 0.3):")
    results = {}
    for name, path in found.items():
        results[name] = scores = score(path, scene)
        say(describe(name, scores))
    picture(folder, scene, options.seed, results["ADA Mapper"])
    say(f"Map: {folder / 'map.png'}\nQGIS project: {folder / 'map.qgz'}\nLayers and report: {folder}")


def map_areas(session: QgisSession, scene: Path, folder: Path) -> dict[str, float]:
    """The one-step tool on the scene; returns its outputs."""
    outputs = [f"{name.upper()}={folder / name}.tif" for name in (*RASTERS, "los_sensitivity")]
    answer = session.process(
        "adamapper:mapactiveareas",
        f"INPUT_FOLDER={scene}",
        f"DEM={scene / 'dem.tif'}",
        "ORBIT=descending",
        f"AREAS={folder / 'areas.gpkg'}",
        f"REPORT={folder / 'report.html'}",
        *outputs,
    )
    return dict(answer["results"])


def classical_areas(session: QgisSession, folder: Path) -> dict[str, Path]:
    """What the classical detector finds in the chain's rates, of any motion and of downhill motion, by name."""
    shares: dict[str, list[str]] = {
        "classical detector": [],
        "classical detector of downhill motion": [f"LOS_SENSITIVITY={folder / 'los_sensitivity.tif'}"],
    }
    found = {}
    for number, (name, sensitivity) in enumerate(shares.items(), 1):
        found[name] = folder / f"areas_classical_{number}.gpkg"
        session.process(
            "adamapper:classicaldetector",
            f"LOS_RATE={folder / 'los_rate.tif'}",
            f"SLOPE={folder / 'slope.tif'}",
            *sensitivity,
            "ORBIT=descending",
            f"AREAS={found[name]}",
        )
    return found


def score(areas: Path, scene: Path) -> ObjectScores:
    """Found against true areas."""
    truth = scene / "true_areas.gpkg"
    true, ignored = (read_polygons(truth, layer=layer) for layer in ("true_areas", "ignored"))
    return match_areas(read_polygons(areas), true, ignored=ignored)


def describe(name: str, scores: ObjectScores) -> str:
    """One line for one detector."""
    return (
        f"{name}: {scores.matched_true} of {scores.true_count} true areas found (object recall {scores.recall:.2f}); "
        f"{scores.matched_found} of {scores.found_count} reported areas are true (object precision "
        f"{scores.precision:.2f})."
    )


def picture(folder: Path, scene: Path, seed: int, scores: ObjectScores) -> None:
    """The project and the picture beside the results."""
    note = (
        f"Simulated scene, seed {seed}; nothing in it is real.\n{scores.matched_true} of {scores.true_count} true "
        f"areas found; false alarms: {scores.found_count - scores.matched_found}.\nADA Mapper"
    )
    files = {name: folder / f"{name}.tif" for name in RASTERS}
    draw(
        MapInput(
            "Active deformation areas",
            note,
            dem=scene / "dem.tif",
            hillshade=folder / "hillshade.tif",
            areas=folder / "areas.gpkg",
            true_areas=scene / "true_areas.gpkg",
            **files,
        ),
        folder / "map.qgz",
        folder / "map.png",
    )
    (folder / "scores.json").write_text(json.dumps(dataclasses.asdict(scores), indent=2))


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
