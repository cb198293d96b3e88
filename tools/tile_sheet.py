"""A contact sheet of simulated tiles with the true areas and what a model makes of them: how the training ground looks,
and where errors come from.

    python tools/tile_sheet.py OUTPUT.jpg MODEL [--dems FOLDER --held-out NAME…] [--seed N] [--pool 60] [--count 12]

Of POOL tiles the COUNT with the most wrong pixels are shown (``--any``: the first ones with areas), each twice: rate
in mm/yr along the line of sight, and relief. Outlines: black the true areas, grey those that are neither right nor
wrong to report, orange what the model found.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.PyQt.QtCore import QRect, Qt
from qgis.PyQt.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from ada_mapper.core.accuracy import area_pixels
from ada_mapper.core.models import IGNORED, network_input, open_backend, read_card
from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import Tile, TileGenerator

LARGEST_RATE = 30.0
COLUMNS, CAPTION, GAP, ZOOM = 3, 36, 12, 2
COLOURS = {"ignored": (120, 120, 120), "true": (0, 0, 0), "found": (255, 127, 0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--held-out", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--pool", type=int, default=60)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--any", action="store_true")
    arguments = parser.parse_args()
    dems = [path for name in arguments.held_out for path in sorted(arguments.dems.glob(f"{name}*.tif"))]
    make_tile = TileGenerator(arguments.seed, dem_paths=dems)
    card, backend = read_card(arguments.model), open_backend(arguments.model, "onnxruntime")
    judged = []
    for tile in map(make_tile, range(arguments.pool)):
        bands, measured = network_input(tile, card)
        probability = np.where(measured, backend.predict(bands[np.newaxis])[0], np.nan)
        found = area_pixels(probability, card, tile.pixel_size)
        wrong = int(((found != (tile.label == 1)) & measured & (tile.label != IGNORED)).sum())
        if not arguments.any or (tile.label == 1).any():
            judged.append((wrong, tile, found))
    if not arguments.any:
        judged.sort(key=lambda entry: -entry[0])
    application = QGuiApplication([])  # fonts need it
    sheet(judged[: arguments.count]).save(str(arguments.output), quality=80)
    del application


def sheet(judged: list[tuple[int, Tile, NDArray[np.bool_]]]) -> QImage:
    """All tiles with captions, COLUMNS beside each other."""
    side = ZOOM * judged[0][1].label.shape[0]
    width, height = 2 * side + GAP, side + CAPTION
    rows = -(-len(judged) // COLUMNS)
    image = QImage(COLUMNS * (width + GAP) + GAP, rows * (height + GAP) + GAP, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setFont(QFont("DejaVu Sans", 14))
    for place, (wrong, tile, found) in enumerate(judged):
        row, column = divmod(place, COLUMNS)
        left, top = GAP + column * (width + GAP), GAP + row * (height + GAP)
        caption = f"{tile.metadata['region']}, {tile.metadata['orbit']}, {tile.metadata['years']:.1f} yr, "
        caption += f"‖c‖ {tile.metadata['date_gain']:.2f}/yr, {wrong} pixels wrong"
        painter.drawText(QRect(left, top, width, CAPTION), Qt.AlignmentFlag.AlignVCenter, caption)
        for index, picture in enumerate((rate_picture(tile), relief_picture(tile))):
            painter.drawImage(left + index * (side + GAP), top + CAPTION, outlined(picture, tile, found))
    painter.end()
    return image


def rate_picture(tile: Tile) -> NDArray[np.uint8]:
    """LOS rate of the phase rate above its median: red away, blue toward, white 0; light grey without data."""
    rate = to_los_rate(tile.layers["phase_rate"])
    share = np.clip((rate - np.nanmedian(rate)) / LARGEST_RATE, -1, 1)
    toward, away = np.clip(share, 0, 1), np.clip(-share, 0, 1)
    picture = np.stack([1 - toward, 1 - np.maximum(toward, away) * 0.85, 1 - away], axis=-1)
    picture[~np.isfinite(rate)] = 0.85
    return (picture * 255).astype(np.uint8)


def relief_picture(tile: Tile) -> NDArray[np.uint8]:
    """The terrain lit from the north-west."""
    south, east = np.gradient(tile.layers["dem"], tile.pixel_size)
    light = np.clip((1 - 0.7 * east - 0.7 * south) / np.sqrt(1 + east**2 + south**2), 0, 1.6) / 1.6
    return np.repeat((60 + 195 * light).astype(np.uint8)[..., np.newaxis], 3, axis=-1)


def outlined(picture: NDArray[np.uint8], tile: Tile, found: NDArray[np.bool_]) -> QImage:
    """The picture enlarged, with the outlines of the three kinds of areas."""
    large = picture.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    masks = {"ignored": tile.label == IGNORED, "true": tile.label == 1, "found": found}
    for name, mask in masks.items():
        large[edges(mask.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1))] = COLOURS[name]
    height, width = large.shape[:2]
    return QImage(np.ascontiguousarray(large).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that touch its outside."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


if __name__ == "__main__":
    main()
