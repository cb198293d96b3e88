"""A sheet of tiles with real and with simulated noise, shuffled and unlabelled: can you tell which is which?

    python tools/blind_sheet.py OUTPUT.jpg FIELDS [--generator TileGenerator] [--dems FOLDER] [--seed N] [--count 12]

FIELDS is a folder that tools/noise_fields.py wrote. Half of the tiles are of RealNoiseTiles, half of the generator (a
class of core/simulation), over the same terrain. Each is shown twice over its hillshade, by the same colours: the rate
along the line of sight without its median, and above its mean over 3 km. Grey: no data. The key, beside the sheet with
the ending .key.json, tells of each number what it is; --landslides gives the tiles landslides, whose pixels the key
counts.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.PyQt.QtCore import QRect, Qt
from qgis.PyQt.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter
from tile_sheet import GAP, relief_picture

from ada_mapper.core import simulation
from ada_mapper.core.raster import above_local_mean
from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import RealNoiseTiles, Tile
from ada_mapper.core.types import Array

COLUMNS, CAPTION = 3, 28
LARGEST = 20.0
_SHADE = 0.35


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("fields", type=Path)
    parser.add_argument("--generator", default="TileGenerator")
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--roles", nargs="*", default=["train", "validation"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--largest", type=float, default=LARGEST)
    parser.add_argument("--landslides", action="store_true")
    arguments = parser.parse_args()
    shared = {"dem_paths": sorted(arguments.dems.glob("*.tif")) if arguments.dems else [], "seed": arguments.seed}
    if not arguments.landslides:
        shared["landslides_per_km2"] = 0.0
    sources = {
        "real": RealNoiseTiles(arguments.fields, roles=arguments.roles, added_air=0.0, **shared),
        "simulated": getattr(simulation, arguments.generator)(**shared),
    }
    kinds = ["real", "simulated"] * (arguments.count // 2)
    np.random.default_rng(arguments.seed).shuffle(kinds)
    tiles = [sources[kind](index) for index, kind in enumerate(kinds)]
    application = QGuiApplication([])  # fonts need it
    sheet(tiles, arguments.largest).save(str(arguments.output), quality=85)
    del application
    key = [
        {"number": number, "noise": kind, "fields": tile.metadata.get("noise"), "areas": int((tile.label == 1).sum())}
        for number, (kind, tile) in enumerate(zip(kinds, tiles), 1)
    ]
    arguments.output.with_suffix(".key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")


def sheet(tiles: list[Tile], largest: float) -> QImage:
    """All tiles with their numbers, COLUMNS beside each other."""
    side = tiles[0].label.shape[0]
    width, height = 2 * side + GAP // 2, side + CAPTION
    rows = -(-len(tiles) // COLUMNS)
    image = QImage(COLUMNS * (width + 2 * GAP) + GAP, rows * (height + GAP) + GAP, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setFont(QFont("DejaVu Sans", 12))
    for place, tile in enumerate(tiles):
        row, column = divmod(place, COLUMNS)
        left, top = GAP + column * (width + 2 * GAP), GAP + row * (height + GAP)
        painter.drawText(QRect(left, top, width, CAPTION), Qt.AlignmentFlag.AlignVCenter, f"{place + 1}")
        rate = to_los_rate(tile.layers["phase_rate"])
        rate = rate - np.float32(np.nanmedian(rate) if np.isfinite(rate).any() else 0)
        for index, values in enumerate((rate, above_local_mean(rate, round(1_500 / tile.pixel_size)))):
            picture = over_relief(values, tile, largest)
            painter.drawImage(left + index * (side + GAP // 2), top + CAPTION, image_of(picture))
    painter.end()
    return image


def over_relief(rate: Array, tile: Tile, largest: float) -> NDArray[np.uint8]:
    """Red away, blue toward, white 0, grey no data, shaded by the terrain; ``largest`` mm/yr have the full colour."""
    share = np.clip(np.nan_to_num(rate) / largest, -1, 1)
    toward, away = np.clip(share, 0, 1), np.clip(-share, 0, 1)
    colours = np.stack([1 - toward, 1 - np.maximum(toward, away) * 0.85, 1 - away], axis=-1)
    colours[~np.isfinite(rate)] = 0.6
    light = relief_picture(tile) / 255
    return np.asarray(255 * colours * (1 - _SHADE + _SHADE * light), np.uint8)


def image_of(picture: NDArray[np.uint8]) -> QImage:
    """An array (h, w, 3) as an image."""
    height, width = picture.shape[:2]
    return QImage(np.ascontiguousarray(picture).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


if __name__ == "__main__":
    main()
