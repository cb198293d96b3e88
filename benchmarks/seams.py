"""How much overlap of tiles it takes until no seam shows: detection in tiles beside the same network over the whole
scene at once, on simulated scenes.

    python benchmarks/seams.py MODEL [--scenes 4] [--size 1000] [--seed 77]

For each overlap: the number of tiles (1 = no overlap at all); the seam, which is the mean jump of the probability
across the lines where a tile begins or ends, over the jump across the same lines without tiles (1 = no seam); and
against the whole scene at once the mean absolute difference, and the share of the areas (pixels above the
threshold) that differ (1 − IoU). Scenes hold four times as many landslides as usual.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.detection import TiledAxis, detect, mirrored, plan_axis
from ada_mapper.core.models import Backend, ModelCard, open_backend, read_card
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.core.simulation import LANDSLIDES_PER_KM2, TileGenerator
from ada_mapper.core.types import Array

OVERLAPS = (0.0, 0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5)


def main() -> None:
    """Measure all overlaps and print a table."""
    arguments = _arguments()
    card = read_card(arguments.model)
    backend = open_backend(arguments.model, "onnxruntime")
    make_tile = TileGenerator(arguments.seed, arguments.size, landslides_per_km2=4 * LANDSLIDES_PER_KM2)
    scenes = [_Scene(_bands(card, make_tile(index).layers), card) for index in range(arguments.scenes)]
    whole = [_at_once(scene, backend, card) for scene in scenes]
    print(f"{card.name}, {arguments.scenes} scenes of {arguments.size}², tiles of {card.tile_size}")
    print("overlap   tiles    seam   difference   1 − IoU")
    for overlap in OVERLAPS:
        found = [_in_tiles(scene, backend, card, overlap) for scene in scenes]
        axis = plan_axis(arguments.size, card.tile_size, round(card.tile_size * overlap), card.stride)
        tiles = len(axis.starts) ** 2 / (arguments.size / card.tile_size) ** 2
        difference = np.mean([np.nanmean(np.abs(ours - theirs)) for ours, theirs in zip(found, whole)])
        differ = _difference_of_areas(found, whole, card.threshold)
        seam = _seam(found, whole, axis)
        print(f"{overlap:7.2%} {tiles:7.2f} {seam:7.2f} {difference:12.5f} {differ:9.4f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=77)
    return parser.parse_args()


def _bands(card: ModelCard, layers: dict[str, Array]) -> Array:
    return np.concatenate([channel.bands(layers[channel.kind.layer.value], 30.0) for channel in card.channels])


@dataclass
class _Scene:
    """Scaled bands in memory, as the tile runner takes them."""

    bands: Array
    card: ModelCard
    _row: int = 0

    coarseness = 1.0

    @property
    def grid(self) -> Grid:
        """30 m pixels from the origin of the tiles on."""
        _, height, width = self.bands.shape
        return Grid("EPSG:32614", (0.0, 30.0, 0.0, 0.0, 0.0, -30.0), width, height)

    def rows(self) -> _Scene:
        """From the top."""
        self._row = 0
        return self

    def read_filled(self, out: Array, fills: Sequence[float]) -> NDArray[np.bool_]:
        """The next rows; valid where the first band, the phase rate, is known."""
        rows = slice(self._row, self._row + out.shape[1])
        out[...] = self.filled()[:, rows]
        self._row = rows.stop
        return self.valid()[rows]

    def valid(self) -> NDArray[np.bool_]:
        """Where the first band, the phase rate, is known."""
        return ~np.isnan(self.bands[0])

    def filled(self) -> Array:
        """All bands with gaps filled as the card says."""
        fills = np.array(self.card.fills, np.float32)[:, np.newaxis, np.newaxis]
        return np.where(np.isnan(self.bands), fills, self.bands)


def _at_once(scene: _Scene, backend: Backend, card: ModelCard) -> Array:
    """The network over the whole scene, mirrored around by a tile's half so that its edges don't matter either."""
    margin, (height, width) = card.tile_size // 2, scene.bands.shape[1:]
    rows = mirrored(np.arange(-margin, _up(height + margin, card.stride)), height)
    columns = mirrored(np.arange(-margin, _up(width + margin, card.stride)), width)
    whole = backend.predict(scene.filled()[np.newaxis][:, :, rows][:, :, :, columns])[0]
    inner = whole[margin : margin + height, margin : margin + width]
    return np.where(scene.valid(), inner, np.float32(np.nan))


def _up(size: int, stride: int) -> int:
    return -(-size // stride) * stride


def _in_tiles(scene: _Scene, backend: Backend, card: ModelCard, overlap: float) -> Array:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probability.tif"
        detect(scene, backend, card, path, overlap)
        with BandReader(path) as reader:
            return reader.read()


def _seam(found: list[Array], whole: list[Array], axis: TiledAxis) -> float:
    """Mean jump across the lines where a tile's weight begins or ends, over that across the same lines at once."""
    size = found[0].shape[0]
    counted = [axis.counted(index) for index in range(len(axis.starts))]
    lines = np.array(sorted({line - 1 for tile in counted for line in (tile.start, tile.stop) if 0 < line < size}))

    def jump(scenes: list[Array]) -> float:
        return sum(
            float(np.nansum(np.abs(np.diff(scene, axis=side).take(lines, side)))) for scene in scenes for side in (0, 1)
        )

    return jump(found) / jump(whole)


def _difference_of_areas(found: list[Array], whole: list[Array], threshold: float) -> float:
    both = sum(int(((a >= threshold) & (b >= threshold)).sum()) for a, b in zip(found, whole))
    either = sum(int(((a >= threshold) | (b >= threshold)).sum()) for a, b in zip(found, whole))
    return 1 - both / either if either else 0.0


if __name__ == "__main__":
    main()
