"""Tables 5 and 6 of Wu et al. (2024): the compact network, ResNet50 U-Net and VGG16 U-Net, each trained from scratch
for each of the seven combinations of channels, at one budget, and judged as "Compare channels" judges.

    python benchmarks/paper_tables.py --dems FOLDER --validation NAME… --test NAME… --state FOLDER [--noise FOLDER]
        [--samples 6000] [--session MINUTES] [--networks NAME…] [--combinations NAME…] [--release FILE]
        [--figures FOLDER]

All 21 trainings take the same SAMPLES crops of 128 pixels, in bfloat16 where the processor does, from a bank of tiles
of 256 pixels; the learning rate is each network's own. Thresholds are chosen on validation tiles of the second
simulator, figures are those of its test tiles of 256 pixels (and of others in real noise, with --noise), beside the
classical detector tuned on the validation tiles. It takes hours: what is finished is kept in the state folder, an
unfinished training goes on where the session ended, and the table shows what there is; with it come a report with the
figure (HTML) and a table (CSV) for each test set. RELEASE: a file for the ResNet50 U-Net that scores highest on the
validation tiles, in 8-bit integers (about 44 MB). FIGURES: where the bars of each test set are drawn alone (SVG);
docs/images for the documentation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ada_mapper.core.accuracy import (
    Comparison,
    compare_channels,
    comparison_figure,
    figure_text,
    write_comparison_csv,
    write_comparison_report,
)
from ada_mapper.core.channels import COMBINATIONS
from ada_mapper.core.errors import CancelledError
from ada_mapper.core.files import write_text
from ada_mapper.core.learning import (
    InputBank,
    TrainingOptions,
    choose_thresholds,
    judge,
    judged_tiles,
    quantise,
    to_input,
)
from ada_mapper.core.models import (
    NETWORKS,
    LabelledTile,
    ModelCard,
    build_network,
    export_onnx,
    parameter_count,
    read_card,
)
from learning_runs import ARCHITECTURES, COMPACT_RATE, SEED, Runs

SIZE, CROP, BATCH = 256, 128, 16
EVERY = "phase_rate+los_rate+dem+slope"
SHOWN = ("iou", "precision", "recall", "f1", "object_recall", "object_precision")
NAMES = {"compact": "compact network", "resnet50_unet": "ResNet50 U-Net", "vgg16_unet": "VGG16 U-Net"}


def main() -> None:
    parser = Runs.arguments(__doc__, bank=2000)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--combinations", nargs="+", choices=COMBINATIONS, default=list(COMBINATIONS))
    parser.add_argument("--release", type=Path, help="a model file to write")
    parser.add_argument("--figures", type=Path, help="a folder for the figures")
    arguments = parser.parse_args()
    runs = Runs(arguments, SIZE, COMBINATIONS[EVERY])
    models: dict[str, list[Path]] = {name: [] for name in arguments.networks}
    validation: dict[str, list[LabelledTile]] = {}
    try:
        bank = runs.fill(arguments.bank)
        validation = runs.held_out("validation")
        # The whole tables' first columns are worth more than one network's whole table.
        for combination in arguments.combinations:
            for name in arguments.networks:
                models[name].append(_model(runs, bank, name, combination, arguments, validation))
    except CancelledError:
        print("The session ended; the same call goes on from here.")
    if any(models.values()):
        _judge(runs, {name: own for name, own in models.items() if own}, validation, arguments)


def _model(
    runs: Runs,
    bank: Path,
    name: str,
    combination: str,
    arguments: argparse.Namespace,
    validation: Mapping[str, Sequence[LabelledTile]],
) -> Path:
    """The file of a network trained for a combination, with its thresholds."""
    kinds = COMBINATIONS[combination]
    channels = tuple(replace(channel, optional=False) for channel in runs.card.channels if channel.kind in kinds)
    about = f"{arguments.samples} crops of {CROP} pixels, from scratch, for {combination}"
    card = ModelCard(
        name=f"{NAMES[name]}, {combination}",
        version="1",
        description=f"{about}. Simulated tiles; not validated on field data.",
        channels=channels,
        pixel_size=runs.card.pixel_size,
        tile_size=SIZE,
        min_area=runs.card.min_area,
        architecture=name,
        stride=NETWORKS[name].stride,
        training={"samples": arguments.samples, "crop": CROP, "seed": SEED},
        licence=runs.card.licence,
    )
    options = TrainingOptions(
        steps=max(1, arguments.samples // BATCH),
        batch_size=BATCH,
        learning_rate=ARCHITECTURES.get(name, COMPACT_RATE),
        average=0.99,
        threads=arguments.threads,
        evaluate_every=1.0,
        seed=SEED,
    )
    network, minutes, path = runs.trained(
        f"{name} {combination} {arguments.samples}", card, InputBank(bank, kinds, CROP, SEED), options
    )
    if "minutes" not in read_card(path).training:
        known = [own for tiles in validation.values() for own in judged_tiles(network, card, tiles, (), runs.progress)]
        threshold, low = choose_thresholds(card, known, runs.progress)
        card = replace(card, threshold=threshold, low_threshold=low)
        facts = {"minutes": round(minutes, 2), "validation_iou": judge(card, known).get("iou", 0.0)}
        export_onnx(network, replace(card, training={**card.training, **facts}), path)
        print(f"{card.name}: {minutes:.1f} min", flush=True)
    return path


def _judge(
    runs: Runs,
    models: Mapping[str, Sequence[Path]],
    validation: Mapping[str, Sequence[LabelledTile]],
    arguments: argparse.Namespace,
) -> None:
    """Print and write what there is; then the file to release, if one is asked for and all is there."""
    tuning = [tile for tiles in validation.values() for tile in tiles]
    for test, tiles in runs.held_out("test").items():
        print(f"\n{test}, {len(tiles)} test tiles; in percent, in brackets 95 % intervals")
        print(f"{'':16} {'':32} {'IoU':18} {'precision':18} {'recall':18} {'F1':18} {'areas found':18} areas right")
        parts = [_comparison(name, paths, tiles, tuning) for name, paths in models.items()]
        for row in (*(row for part in parts for row in part.rows), *parts[0].classical):
            if row.scores is not None:
                figures = "".join(f"{figure_text(row.scores.figures[key], key):19}" for key in SHOWN)
                print(f"{row.model:16} {row.combination:32} {figures}", flush=True)
        whole = replace(
            parts[0],
            rows=tuple(row for part in parts for row in part.rows),
            models={name: text for part in parts for name, text in part.models.items()},
        )
        stem = test.replace(" ", "_")
        write_comparison_report(runs.folder / f"{stem}.html", whole)
        write_comparison_csv(runs.folder / f"{stem}.csv", whole)
        if arguments.figures:
            write_text(arguments.figures / f"paper_tables_{stem}.svg", comparison_figure(whole))
    candidates = models.get("resnet50_unet", ())
    if arguments.release and candidates:
        chosen = max(candidates, key=lambda path: float(read_card(path).training["validation_iou"]))
        card = read_card(chosen)
        quantise(chosen, [to_input(tile, card)[0] for tile in tuning[::4]], arguments.release)
        print(json.dumps({"release": card.name, "megabytes": round(arguments.release.stat().st_size / 1e6, 1)}))


def _comparison(
    name: str, paths: Sequence[Path], tiles: Sequence[LabelledTile], tuning: Sequence[LabelledTile]
) -> Comparison:
    """The rows of one network, whose combinations are files of their own."""
    found = compare_channels(paths, tiles, tuning_tiles=tuning)
    rows = tuple(replace(row, model=NAMES[name]) for row in found.rows if row.scores is not None)
    million = parameter_count(build_network(name, 4)) / 1e6
    text = f"{million:.1f} million parameters, a training of its own for each combination"
    return replace(found, rows=rows, models={NAMES[name]: text})


if __name__ == "__main__":
    main()
