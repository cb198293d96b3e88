"""Trainings that are compared: from the same tiles, each kept in a folder, so that a stopped benchmark goes on."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.learning import (
    TEST_SEED,
    VALIDATION_SEED,
    TrainingOptions,
    Worlds,
    bundled_card,
    fill_bank,
    split_terrain,
    train,
)
from ada_mapper.core.models import FirstTiles, LabelledTile, ModelCard, Network, TileSource, export_onnx, load_network
from ada_mapper.core.progress import Progress
from ada_mapper.core.simulation import SecondFamilyInRealNoise, SecondFamilyTiles

SEED = 21
ARCHITECTURES = {"resnet50_unet": 3e-4, "vgg16_unet": 1e-4}
"""Learning rates of networks that don't bear the compact network's: their decoders have no normalisation."""
COMPACT_RATE = 2e-3


class Runs:
    """A folder of finished and unfinished trainings, and the tiles that all of them learn from and are judged on."""

    def __init__(self, arguments: argparse.Namespace, tile_size: int, kinds: Sequence[ChannelKind]) -> None:
        self.folder: Path = arguments.state
        self.folder.mkdir(parents=True, exist_ok=True)
        self.size, self.noise, self.count = tile_size, arguments.noise, arguments.tiles
        self.split = split_terrain(arguments.dems, arguments.validation, arguments.test)
        end = time.monotonic() + 60 * arguments.session
        self.progress = Progress(is_cancelled=lambda: time.monotonic() > end, on_info=lambda message: None)
        channels = tuple(channel for channel in bundled_card().channels if channel.kind in kinds)
        self.card = replace(bundled_card(), channels=channels)

    @staticmethod
    def arguments(text: str | None, bank: int) -> argparse.ArgumentParser:
        """What all such benchmarks ask for; ``bank``: how many tiles are made ahead, if not said."""
        parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--dems", type=Path, required=True)
        parser.add_argument("--validation", nargs="+", required=True)
        parser.add_argument("--test", nargs="+", required=True)
        parser.add_argument("--noise", type=Path, help="a folder of real noise fields (tools/noise_fields.py)")
        parser.add_argument(
            "--state", type=Path, required=True, help="where runs are kept; the same call goes on there"
        )
        parser.add_argument("--session", type=float, default=600.0, help="minutes after which it stops, to go on later")
        parser.add_argument("--samples", type=int, default=6000)
        parser.add_argument("--bank", type=int, default=bank, help="tiles made ahead, of which the samples are taken")
        parser.add_argument("--tiles", type=int, default=80, help="tiles to choose thresholds on, and to judge on")
        parser.add_argument("--threads", type=int, default=1)
        return parser

    def fill(self, count: int) -> Path:
        """The bank of training tiles, of the bundled model's mixture."""
        folder = self.folder / "bank"
        world = Worlds(SEED, self.split, self.noise)
        origin = f"{self.size} pixels, {json.dumps(world.facts())}"
        fill_bank(folder, world.training(self.size), self.card, count, origin, self.progress)
        return folder

    def held_out(self, role: str) -> dict[str, list[LabelledTile]]:
        """Tiles of the second simulator by name, and in real noise where there is any; of a role with its terrain."""
        seed, dems = {
            "validation": (VALIDATION_SEED + SEED, self.split.validation),
            "test": (TEST_SEED + SEED, self.split.test),
        }[role]
        sources: dict[str, TileSource] = {"second simulator": SecondFamilyTiles(seed, dems, self.size)}
        if self.noise is not None:
            sources["in real noise"] = SecondFamilyInRealNoise(seed, dems, self.noise, (role,), size=self.size)
        return {name: FirstTiles(source, self.count)[:] for name, source in sources.items()}

    def trained(
        self, name: str, card: ModelCard, tiles: TileSource, options: TrainingOptions
    ) -> tuple[Network, float, Path]:
        """The network of a run, trained as far as it isn't yet; its minutes of training and its file."""
        stem = name.replace(" ", "_").replace("+", "-")
        model, checkpoint, facts = (self.folder / f"{stem}{end}" for end in (".onnx", ".pt", ".json"))
        if not model.exists():
            network, state = train(card, tiles, [], options, checkpoint, self.progress)
            facts.write_text(json.dumps({"minutes": state.seconds / 60, "loss": state.history[-1]["loss"]}))
            export_onnx(network, card, model)
            checkpoint.unlink(missing_ok=True)
        return load_network(model), float(json.loads(facts.read_text())["minutes"]), model
