"""Capacity compared honestly: the compact network narrower and wider, with a second head, with more context, without
averaged weights; each at equal tiles and at equal time.

    python benchmarks/architectures.py --dems FOLDER --validation NAME… --test NAME… --state FOLDER [--noise FOLDER]
        [--variants NAME…] [--samples 6000] [--session MINUTES]

All learn from the same bank of tiles of 512 pixels, in crops of 256 but where the context is 512 (of such a sample
there are a quarter as many). Equal tiles: SAMPLES crops of 256. Equal time: as many as take the time that the network
of the usual size needs for SAMPLES, by the relative cost of a step, which is measured first, the variants taking turns.
Thresholds are chosen on validation tiles of the second simulator (and of real noise, with --noise), figures are those
of its test tiles, seen in pieces of the variant's context. Behind each IoU stands the 95 % interval of its difference
from the usual network at equal tiles, from drawing tiles anew. The same call goes on where it was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from ada_mapper.core.accuracy import confusion
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.errors import CancelledError
from ada_mapper.core.learning import InputBank, Judged, TrainingOptions, choose_thresholds, judge, train
from ada_mapper.core.learning.evaluation import predict
from ada_mapper.core.models import (
    IGNORED,
    LabelledTile,
    ModelCard,
    Network,
    build_network,
    network_input,
    parameter_count,
)
from learning_runs import ARCHITECTURES, COMPACT_RATE, SEED, Runs

SIZE, CROP, MARGIN = 512, 256, 64
BATCH = 16
USUAL = "usual"


@dataclass(frozen=True)
class Variant:
    """What is compared."""

    architecture: str = "compact"
    context: int = CROP
    second_head: str = ""
    average: float = 0.99

    @property
    def weight(self) -> int:
        """How many usual crops a sample is worth."""
        return (self.context // CROP) ** 2

    def card(self, card: ModelCard) -> ModelCard:
        """The card with the variant's network."""
        stride = build_network(self.architecture, 1).stride
        return replace(card, architecture=self.architecture, stride=stride, tile_size=self.context)

    def bank(self, runs: Runs, folder: object) -> InputBank:
        """The variant's view of the bank."""
        return InputBank(str(folder), crop=self.context if self.context < SIZE else None, seed=SEED)

    def options(self, crops: int, threads: int) -> TrainingOptions:
        """The options for about so many usual crops."""
        batch = BATCH // self.weight
        return TrainingOptions(
            steps=max(1, crops // BATCH),
            batch_size=batch,
            learning_rate=ARCHITECTURES.get(self.architecture, COMPACT_RATE),
            second_head=self.second_head,
            average=self.average,
            threads=threads,
            evaluate_every=1.0,
            seed=SEED,
        )


VARIANTS = {
    USUAL: Variant(),
    "half": Variant("compact_half"),
    "twice": Variant("compact_double"),
    "four times": Variant("compact_quadruple"),
    "distance head": Variant(second_head="distance"),
    "edge head": Variant(second_head="edge"),
    "context 512": Variant(context=SIZE),
    "not averaged": Variant(average=0.0),
    "ResNet50 U-Net": Variant("resnet50_unet"),
    "VGG16 U-Net": Variant("vgg16_unet"),
}


def main() -> None:
    parser = Runs.arguments(__doc__, bank=600)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS)[:-2])
    parser.add_argument("--rounds", type=int, default=3, help="how often the cost of a step is measured")
    arguments = parser.parse_args()
    names = list(dict.fromkeys((USUAL, *arguments.variants)))
    runs = Runs(arguments, SIZE, tuple(ChannelKind))
    try:
        bank = runs.fill(arguments.bank)
        costs = _costs(runs, bank, names, arguments)
        validation, test = runs.held_out("validation"), runs.held_out("test")
        print(f"{arguments.samples} crops of {CROP} pixels; {arguments.tiles} tiles of {SIZE} pixels to judge on, each")
        print(f"{'':26} M par.   cost   crops    min  |  " + "  |  ".join(f"{name:43}" for name in test))
        print(" " * 60 + "     IoU  (difference)   precision recall found right" * len(test), flush=True)
        usual: dict[str, list[list[int]]] = {}
        for budget in ("equal tiles", "equal time"):
            for name in names:
                variant = VARIANTS[name]
                crops = round(arguments.samples / (costs[name] if budget == "equal time" else 1.0))
                card = variant.card(runs.card)
                run = f"{name} {crops}"
                options = variant.options(crops, arguments.threads)
                network, minutes, model = runs.trained(run, card, variant.bank(runs, bank), options)
                kept = model.with_suffix(f".{arguments.tiles}.judged.json")
                if not kept.exists():
                    kept.write_text(json.dumps(_judgement(network, card, variant.context, validation, test)))
                judged = json.loads(kept.read_text())
                usual = usual or {part: own["tiles"] for part, own in judged.items()}
                million = parameter_count(network) / 1e6
                line = f"{name:14} {budget:11} {million:6.1f} {costs[name]:6.2f} {crops:7d} {minutes:6.1f}"
                print(line + "".join(_figures(own, usual[part]) for part, own in judged.items()), flush=True)
    except CancelledError:
        print("Stopped; the same call goes on from here.")


def _costs(runs: Runs, bank: object, names: Sequence[str], arguments: object) -> dict[str, float]:
    """Seconds of a crop relative to the usual network's: the least of some rounds in which the variants take turns."""
    path = runs.folder / "costs.json"
    known: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    if not set(names) <= set(known):
        rounds, threads = (getattr(arguments, name) for name in ("rounds", "threads"))
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                variant = VARIANTS[name]
                options = variant.options(4 * BATCH, threads)
                tiles = variant.bank(runs, bank)
                _, state = train(variant.card(runs.card), tiles, [], options, progress=runs.progress)
                seconds[name].append(state.seconds)
        known = {name: min(own) / min(seconds[USUAL]) for name, own in seconds.items()}
        path.write_text(json.dumps(known))
    return known


def _judgement(
    network: Network,
    card: ModelCard,
    context: int,
    validation: dict[str, list[LabelledTile]],
    test: dict[str, list[LabelledTile]],
) -> dict[str, dict[str, object]]:
    """By test set: the scores, and the counts of each tile for intervals."""
    known = [_seen(network, card, tile, context) for tiles in validation.values() for tile in tiles]
    threshold, low = choose_thresholds(card, known)
    card = replace(card, threshold=threshold, low_threshold=low)
    result: dict[str, dict[str, object]] = {}
    for name, tiles in test.items():
        answers = [_seen(network, card, tile, context) for tile in tiles]
        counts = [list(asdict(confusion(own.found(card), own.label == 1, own.counted)).values()) for own in answers]
        result[name] = {"scores": judge(card, answers), "tiles": counts}
    return result


def _seen(network: Network, card: ModelCard, tile: LabelledTile, context: int) -> Judged:
    """The answer on a tile that is seen in pieces of ``context`` pixels, of which the middle counts, as in a scene."""
    bands, measured = network_input(tile, card)
    side = tile.label.shape[0]
    probability = np.full(tile.label.shape, np.nan, np.float32)
    starts = list(range(0, side - context + 1, context - 2 * MARGIN)) if context < side else [0]
    for row in starts:
        for column in starts:
            piece = np.s_[..., row : row + context, column : column + context]
            answer = predict(network, bands[piece][np.newaxis])[0]
            top, left = (MARGIN if start else 0 for start in (row, column))
            probability[row + top : row + context, column + left : column + context] = answer[top:, left:]
    probability[~measured] = np.nan
    return Judged(probability, tile.label, measured & (tile.label != IGNORED), getattr(tile, "motion", None))


def _figures(own: dict[str, object], usual: list[list[int]]) -> str:
    scores: dict[str, float] = own["scores"]  # type: ignore[assignment]
    low, high = _difference(np.array(own["tiles"], float), np.array(usual, float))
    rest = (scores.get(name, float("nan")) for name in ("precision", "recall", "object_recall", "object_precision"))
    difference = f"({100 * low:+.1f} to {100 * high:+.1f})"
    return f"  |  {scores['iou']:6.3f} {difference:18}" + "".join(f" {value:6.2f}" for value in rest)


def _difference(own: np.ndarray, usual: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the difference of two IoUs, both from the same tiles drawn anew."""
    drawn = np.random.default_rng(SEED).integers(0, len(own), (2000, len(own)))
    ious = [_iou(counts[drawn].sum(axis=1)) for counts in (own, usual)]
    low, high = np.nanpercentile(ious[0] - ious[1], (2.5, 97.5))
    return float(low), float(high)


def _iou(counts: np.ndarray) -> np.ndarray:
    """Of counts (…, 4): hits, false alarms, missed, rest."""
    return counts[..., 0] / np.maximum(counts[..., :3].sum(axis=-1), 1)


if __name__ == "__main__":
    main()
