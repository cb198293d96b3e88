"""How models hold where the simulator that they learned from made nothing: the judge that is held apart.

    python benchmarks/held_apart.py MODEL… [--dems FOLDER --held-out NAME…] [--fields FOLDER] [--role validation]
                                           [--tiles 60] [--seed 9101] [--quick] [--only SET…]

Scenes of a second family, which nothing is trained on (core/simulation/held_apart): in their own noise, and in real
rates of the fields' ``--role``, fine ones (20–45 m pixels) and smooth ones apart; an earthflow scaled from 20 to
2300 mm/yr; and real rates with nothing put in. All through the product's own chain for tiles. Beside the models stand
the best classical detector and the best one that wants motion to go downhill, both tuned on the other DEMs of the
folder (generated terrain without one), and an oracle that knows each outline. ``--quick`` takes a quarter of the tiles.
Prints Markdown.

“Right” are found areas with an IoU of 0.3 with a true one. Between the holes of a field a slide is found in pieces, of
which none may be right, so that the oracle's figure is the ceiling there, too; “on a slide” are those that lie mostly
on a landslide.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ada_mapper.core.errors import InputError
from ada_mapper.core.models import IGNORED
from ada_mapper.core.simulation.held_apart import (
    FastEarthflows,
    HeldApartTile,
    SecondFamilyInRealNoise,
    SecondFamilyTiles,
    read_judging_fields,
)
from judging import (
    CLASSICAL,
    DOWNHILL,
    Detector,
    Judged,
    found_by_speed,
    judge,
    model,
    oracle,
    tuned,
)

SETS = ("simulated", "fine", "smooth", "fast", "nothing")
DENSITY, DENSITY_REAL = 0.1, 0.1
"""Landslides tried per km² of the scenes."""
SPEEDS = ((10.0, 60.0), (60.0, 150.0), (150.0, 300.0), (300.0, 500.0), (500.0, 1000.0), (1000.0, np.inf))
PEAKS = (8.0, 12.0, 20.0, 40.0, 80.0, 300.0, np.inf)
AREAS = (0.01, 0.02, 0.05, 0.1, 0.3, 1.0, np.inf)
# Where nothing is known to slide. Of a network's or an equation's rate over all dates where there is one.
QUIET = ("west_texas", "mexico_city", "coso", "cadia")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--fields", type=Path)
    parser.add_argument("--role", default="validation", help="role of the fields that landslides are put into")
    parser.add_argument("--tiles", type=int, default=60)
    parser.add_argument("--seed", type=int, default=9101)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--no-rivals", action="store_true", help="only the models and the oracle")
    arguments = parser.parse_args()
    started = time.monotonic()
    if arguments.quick:
        arguments.tiles = max(8, arguments.tiles // 4)
    models = [model(path) for path in arguments.models]
    for name in SETS:
        if name in arguments.only and (arguments.fields is not None or name in ("simulated", "fast")):
            TABLES[name](arguments, models)
    print(f"\n{time.monotonic() - started:.0f} s")


def dem_files(arguments: argparse.Namespace, held_out: bool) -> list[Path]:
    """The DEMs whose names begin with those that are held out, or the other ones."""
    if arguments.dems is None:
        return []
    names = tuple(arguments.held_out)
    return [path for path in sorted(arguments.dems.glob("*.tif")) if path.name.startswith(names) == held_out]


def rivals(arguments: argparse.Namespace, source: Callable[[int], HeldApartTile]) -> list[Detector]:
    """Detectors without learning, at their best on a fifth of as many tiles of other ground."""
    if arguments.no_rivals:
        return []
    tiles = [source(index) for index in range(max(6, arguments.tiles // 5))]
    return [tuned("classical", CLASSICAL, tiles), tuned("downslope", DOWNHILL, tiles)]


def simulated(arguments: argparse.Namespace, models: Sequence[Detector]) -> None:
    """Scenes of the second family in noise of its own."""
    source = SecondFamilyTiles(arguments.seed, dem_files(arguments, True), per_km2=DENSITY)
    tiles = [source(index) for index in range(arguments.tiles)]
    other = SecondFamilyTiles(arguments.seed + 1, dem_files(arguments, False), per_km2=DENSITY)
    report("Other simulator, other terrain", tiles, [*models, *rivals(arguments, other)])


def fine(arguments: argparse.Namespace, models: Sequence[Detector]) -> None:
    """Landslides in real fine noise."""
    in_real_noise(arguments, models, True)


def smooth(arguments: argparse.Namespace, models: Sequence[Detector]) -> None:
    """Landslides in real smooth noise."""
    in_real_noise(arguments, models, False)


def in_real_noise(arguments: argparse.Namespace, models: Sequence[Detector], is_fine: bool) -> None:
    source, other = (
        SecondFamilyInRealNoise(
            arguments.seed + 10 + number,
            dem_files(arguments, held_out),
            arguments.fields,
            (role,),
            fine=is_fine,
            per_km2=DENSITY_REAL,
        )
        for number, (held_out, role) in enumerate(((True, arguments.role), (False, "train")))
    )
    try:
        tiles = [source(index) for index in range(arguments.tiles)]
    except InputError as error:
        print(f"\n## Landslides in real {'fine' if is_fine else 'smooth'} noise: none ({error})")
        return
    title = f"Landslides in real {'fine' if is_fine else 'smooth'} noise ({arguments.role} fields)"
    report(title, tiles, [*models, *rivals(arguments, other)])


def report(title: str, tiles: Sequence[HeldApartTile], detectors: Sequence[Detector]) -> None:
    """Scores, strata and causes of all detectors and of the oracle."""
    judged = {one.name: judge(one, tiles) for one in [*detectors, Detector("oracle (ceiling)", oracle)]}
    print(f"\n## {title}: {len(tiles)} tiles, {next(iter(judged.values())).areas().true_count} areas\n")
    header = ["", "IoU (95 %)", "found", "right", "on a slide", "false / 100 km²", "calibration p > 0.05", "… of areas"]
    rows = []
    for name, own in judged.items():
        low, high = own.interval()
        areas = own.areas()
        rows.append(
            [
                name,
                f"{own.iou():.3f} ({low:.2f}–{high:.2f})",
                number(areas.recall),
                number(areas.precision),
                number(own.on_slides()),
                number(own.false_per_100_km2()),
                number(own.calibration_error()),
                number(own.area_calibration_error()),
            ]
        )
    table(header, rows)
    strata(judged)
    names = sorted({cause for own in judged.values() for cause in own.causes}, key=lambda name: ("false" in name, name))
    print("\nShare of the union:\n")
    table(
        ["", *names],
        [
            [name, *(f"{100 * own.causes[cause] / max(sum(own.causes.values()), 1):.1f}" for cause in names)]
            for name, own in judged.items()
        ],
    )


def strata(judged: dict[str, Judged]) -> None:
    """Shares of landslides that were found, by peak rate, size and kind, and median IoU by signs."""
    first = next(iter(judged.values())).true
    kinds = sorted({own.kind for own in first})
    classes: list[tuple[str, list[bool]]] = []
    for low, high in zip(PEAKS, PEAKS[1:]):
        classes.append((f"{low:g}–{high:g} mm/yr", [low <= own.peak < high for own in first]))
    for low, high in zip(AREAS, AREAS[1:]):
        classes.append((f"{low:g}–{high:g} km²", [low <= own.area < high for own in first]))
    classes += [(kind, [own.kind == kind for own in first]) for kind in kinds]
    classes += [
        (name, [own.two_signs == both for own in first]) for name, both in (("two signs", True), ("one", False))
    ]
    print("\nShare found (IoU of 0.3 and more) / median IoU:\n")
    rows = []
    for name, chosen in classes:
        if not any(chosen):
            continue
        row = [name, str(sum(chosen))]
        for own in judged.values():
            ious = np.array([area.iou for area, take in zip(own.true, chosen) if take])
            row.append(f"{(ious >= 0.3).mean():.2f} / {np.median(ious):.2f}")
        rows.append(row)
    table(["", "areas", *judged], rows)


def fast(arguments: argparse.Namespace, models: Sequence[Detector]) -> None:
    """Shares of a fast slide's pixels found, by speed, in quiet noise."""
    flows = max(4, arguments.tiles // 6)
    for aliased in (False, True):
        source = FastEarthflows(arguments.seed + 20, dem_files(arguments, True), aliased)
        tiles = [source(index) for index in range(6 * flows)]
        other = FastEarthflows(arguments.seed + 21, dem_files(arguments, False), aliased)
        shares = found_by_speed([*models, *rivals(arguments, other)], tiles, SPEEDS)
        how = "as pairs of 6–36 days show it" if aliased else "without lost cycles"
        print(f"\n## Share of an earthflow's pixels found by LOS speed, {how} ({flows} flows of 6 peaks)\n")
        names = [f"{low:g}–{high:g} mm/yr" for low, high in SPEEDS]
        table(["", *names], [[name, *map(number, own)] for name, own in shares.items()])


def nothing(arguments: argparse.Namespace, models: Sequence[Detector]) -> None:
    """Real rates as they are, without terrain: every area that is found is a false one."""
    rows = []
    detectors = [*models, Detector("classical (4 σ)", lambda tile: (CLASSICAL_AS_IT_IS.found(tile), None))]
    for place in QUIET:
        tiles = list(quiet_tiles(arguments.fields, place))
        judged = [judge(one, tiles) for one in detectors]
        if tiles:
            areas = [f"{own.areas().found_count} / {own.false_per_100_km2():.2f}" for own in judged]
            rows.append([place, str(len(tiles)), f"{judged[0].km2:.0f}", *areas])
    print("\n## Real rates with nothing put in: false areas / on 100 km² (rates alone, no terrain)\n")
    table(["", "tiles", "km²", *(one.name for one in detectors)], rows)


CLASSICAL_AS_IT_IS = next(own for own in CLASSICAL if own.sigma == 4 and own.layer == "los_rate")


def quiet_tiles(folder: Path, place: str, size: int = 256) -> Iterator[HeldApartTile]:
    """The fields of a place over all its dates, whole, in windows of at most 256 pixels."""
    roles = {entry["role"] for entry in json.loads((folder / "fields.json").read_text())["fields"]}
    for own in read_judging_fields(folder, roles, places=(place,)):
        if "_all" not in own.name and "bisection" not in own.name:
            continue
        whole = own.whole()
        height, width = whole["phase_rate"].shape
        for row in range(0, height, size):
            for column in range(0, width, size):
                window = slice(row, row + size), slice(column, column + size)
                layers = {name: values[window] for name, values in whole.items()}
                shape = layers["phase_rate"].shape
                if min(shape) < 32:
                    continue
                zero = np.zeros(shape, np.float32)
                label = np.where(np.isfinite(layers["phase_rate"]), 0, IGNORED).astype(np.uint8)
                yield HeldApartTile(layers, label, zero, zero, 30.0, {})


def number(value: float) -> str:
    """Two digits, or a dash."""
    return f"{value:.2f}" if np.isfinite(value) else "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print it as Markdown."""
    print(f"| {' | '.join(header)} |")
    print("|" + "---|" * len(header))
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


TABLES = {"simulated": simulated, "fine": fine, "smooth": smooth, "fast": fast, "nothing": nothing}

if __name__ == "__main__":
    main()
