"""Real rates as the noise of tiles: fields that lie in a folder, and the random crops, gains and sums of them.

A field lies on the ground of another place than a tile's terrain, so nothing in it goes with that terrain however it
is laid there. What may be turned by quarters or flipped north–south is therefore any field whose own shape doesn't tell
the view: one without holes of layover and shadow, and with pixels averaged until range and azimuth are alike
(``NoiseField.turns``). East–west flips make the other orbit's view and are open to all, and so is a change of sign,
since noise is as likely to come as to go.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..channels import RESAMPLING_TOLERANCE
from ..errors import InputError
from ..json_texts import read_json
from ..raster import BandReader
from ..types import Array, Double, PathLike
from .real_ground import without_gaps

LIST = "fields.json"
ROLES = ("train", "validation", "test")
RATES = ("phase_rate", "los_rate")
LAYERS = (*RATES, "standard_error", "coherence", "closure")
# Pixels of this many metres may pass for those of a tile.
_FINE = (20.0, 45.0)
_TRIES = 8
# Share of a window that must be known, and of a patch, which can avoid a hole.
_ENOUGH, _FULL = 0.85, 0.97
# Share of a field's own pixel size that it is brought to, at least and at most: noise has no scale of its own.
_SCALES = (0.5, 1.2)
_LEAST_WEIGHT, _SMALLEST_PATCH, _LONG = 0.15, 24, 40
# Rows and columns at the border with less data than this share are cut off.
_FULL_BORDER = 0.6
_WAYS = ("nearest", "linear", "linear", "cubic", "cubic")


@dataclass(frozen=True)
class NoiseField:
    """Real rates of one place: layers (h, w) of ``pixel_size`` metres, NaN for no data.

    ``layers`` has ``phase_rate`` (rad/yr of Sentinel-1, positive away) and ``los_rate`` (mm/yr, positive toward), and
    may have ``standard_error`` (mm/yr), ``coherence`` and ``closure`` (0–1). ``spread``: of the LOS rate above its
    mean over 3 km, mm/yr. ``turns``: see the module.
    """

    name: str
    place: str
    pixel_size: float
    spread: float
    turns: bool
    layers: Mapping[str, Array]


@dataclass(frozen=True)
class NoiseDraws:
    """How fields become the noise of a tile; InputError for what makes no sense.

    ``gain``: σ of the natural logarithm of a factor between 0.5 and 2. ``largest``: mm/yr that the spread of a field
    is brought down to at most. ``sums``: share of tiles that add two fields. ``signs``: whether signs change.
    ``filled``: share of tiles whose holes are filled once from elsewhere in the field.
    ``fine``: how much oftener than others places with pixels of 20–45 m are drawn. ``as_own``: share of those whose
    pixels are taken for the tile's as they are.
    """

    gain: float = 0.35
    largest: float = 10.0
    sums: float = 0.35
    signs: bool = True
    filled: float = 0.4
    fine: float = 2.0
    as_own: float = 0.6

    def __post_init__(self) -> None:
        shares = all(0 <= share <= 1 for share in (self.sums, self.as_own, self.filled))
        if not (shares and self.gain >= 0 and self.largest > 0 and self.fine > 0):
            raise InputError("Noise can't be drawn so: shares lie between 0 and 1, and nothing is negative.")


@dataclass(frozen=True)
class DrawnNoise:
    """Noise of a tile: all of LAYERS (size, size), NaN where the field has none, and what it was made of."""

    layers: Mapping[str, Array]
    fields: tuple[str, ...]
    gain: float


def read_noise_fields(folder: PathLike, roles: Collection[str] = ("train",)) -> list[NoiseField]:
    """The fields of some roles that ``fields.json`` in a folder lists; InputError where there are none."""
    listed = Path(folder) / LIST
    try:
        entries: list[dict[str, Any]] = read_json(listed.read_text(encoding="utf-8"))["fields"]
        chosen = [entry for entry in entries if entry["role"] in roles]
        fields = [_read(Path(folder) / entry["path"], entry) for entry in chosen]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("{path} lists no noise fields ({error}).", path=listed, error=repr(error)) from None
    if not fields:
        raise InputError("{path} lists no field of the roles {roles}.", path=listed, roles=", ".join(sorted(roles)))
    return fields


def _read(folder: Path, entry: Mapping[str, Any]) -> NoiseField:
    layers = {}
    for name in LAYERS:
        if name in entry["layers"]:
            with BandReader(folder / f"{name}.tif") as reader:
                layers[name] = reader.read()
    facts = float(entry["pixel_metres"]), float(entry["spread_mm_yr"]), bool(entry["turns"])
    if not set(RATES) <= layers.keys():
        raise KeyError(RATES)
    return NoiseField(str(entry["name"]), str(entry["place"]), *facts, trimmed(layers))


def trimmed(layers: Mapping[str, Array]) -> dict[str, Array]:
    """The layers without borders that are mostly empty: the sea around an island, the corners of a turned scene."""
    known = np.isfinite(layers["los_rate"])
    top, bottom, left, right = 0, known.shape[0], 0, known.shape[1]
    while bottom - top > 2 and right - left > 2:
        inside = known[top:bottom, left:right]
        borders = inside[0].mean(), inside[-1].mean(), inside[:, 0].mean(), inside[:, -1].mean()
        least = int(np.argmin(borders))
        if borders[least] >= _FULL_BORDER:
            break
        top, bottom = top + (least == 0), bottom - (least == 1)
        left, right = left + (least == 2), right - (least == 3)
    return {name: np.ascontiguousarray(values[top:bottom, left:right]) for name, values in layers.items()}


def draw_noise(
    rng: np.random.Generator, fields: Sequence[NoiseField], size: int, pixel_size: float, draws: NoiseDraws
) -> DrawnNoise:
    """Noise of a tile of ``size`` pixels of ``pixel_size`` metres, of one field or the sum of two.

    Fields are drawn by place. The rates have no median.
    """
    first = _choose(rng, fields, draws)
    chosen = [first]
    layers, gain = _scaled(rng, first, size, pixel_size, draws)
    if rng.random() < draws.sums:
        second = _choose(rng, fields, draws)
        chosen.append(second)
        other, _ = _scaled(rng, second, size, pixel_size, draws)
        _add(layers, other, rng.uniform(0.2, 0.8))
    for name in RATES:
        if np.isfinite(layers[name]).any():
            layers[name] -= np.nanmedian(layers[name])
    return DrawnNoise(layers, tuple(field.name for field in chosen), gain)


def _choose(rng: np.random.Generator, fields: Sequence[NoiseField], draws: NoiseDraws) -> NoiseField:
    places: dict[str, list[NoiseField]] = {}
    for field in fields:
        places.setdefault(field.place, []).append(field)
    weights = np.array([draws.fine if _is_fine(own[0]) else 1.0 for own in places.values()])
    own = list(places.values())[rng.choice(len(weights), p=weights / weights.sum())]
    return own[rng.integers(len(own))]


def _is_fine(field: NoiseField) -> bool:
    return _FINE[0] <= field.pixel_size <= _FINE[1]


def _add(layers: dict[str, Array], other: Mapping[str, Array], share: float) -> None:
    """Variances add up to what each would have alone; where only the first has data it stays as it is."""
    both = np.isfinite(other["phase_rate"]) & np.isfinite(other["los_rate"])
    for name in RATES:
        sum_ = np.float32(math.sqrt(share)) * layers[name] + np.float32(math.sqrt(1 - share)) * other[name]
        layers[name] = np.where(both, sum_, layers[name])
    error, added = layers["standard_error"], other["standard_error"]
    variance = np.float32(share) * error**2 + np.float32(1 - share) * added**2
    layers["standard_error"] = np.where(both, np.sqrt(variance), error)


def _scaled(
    rng: np.random.Generator, field: NoiseField, size: int, pixel_size: float, draws: NoiseDraws
) -> tuple[dict[str, Array], float]:
    """A crop of a field with its gain and sign."""
    gain = float(np.clip(math.exp(draws.gain * rng.standard_normal()), 0.5, 2.0))
    if gain * field.spread > draws.largest:
        gain = draws.largest / field.spread * (rng.uniform(0.5, 1) if draws.gain else 1.0)
    sign = -1 if draws.signs and rng.random() < 0.5 else 1
    layers = _crop(rng, field, size, pixel_size, draws)
    for name in RATES:
        layers[name] *= np.float32(sign * gain)
    layers["standard_error"] *= np.float32(gain)
    return layers, sign * gain


def _crop(
    rng: np.random.Generator, field: NoiseField, size: int, pixel_size: float, draws: NoiseDraws
) -> dict[str, Array]:
    """A window of all layers on pixels of a tile, flipped and turned as the field allows."""
    factor = field.pixel_size / pixel_size
    fits = 1 / RESAMPLING_TOLERANCE <= factor <= RESAMPLING_TOLERANCE
    if fits or (_is_fine(field) and rng.random() < draws.as_own):
        side, bring = size, None
    else:
        if not _is_fine(field):
            factor = max(1.0, factor * math.exp(rng.uniform(*np.log(_SCALES))))
        side = math.ceil(size / factor) + 2
        bring = _weights(size, side, factor, rng.uniform(0, 1), _WAYS[rng.integers(len(_WAYS))])
    laid = _laid(rng, field, side, draws)
    if rng.random() < draws.filled:
        for name, values in _laid(rng, field, side, draws).items():
            laid[name] = np.where(np.isfinite(laid[name]), laid[name], values)
    flips = rng.integers(0, 2, 3) if field.turns else (0, rng.integers(0, 2), 0)
    layers = {}
    for name in LAYERS:
        if name not in laid:
            layers[name] = np.full((size, size), np.nan, np.float32)
            continue
        values = laid[name] if bring is None else _brought(laid[name], bring)
        values = values[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
        layers[name] = np.array(values.T if flips[2] else values, np.float32, order="C")
    return layers


def _laid(rng: np.random.Generator, field: NoiseField, side: int, draws: NoiseDraws) -> dict[str, Array]:
    """All layers over a square of ``side`` of the field's pixels: a crop of it, or many where it is smaller."""
    height, width = field.layers["los_rate"].shape
    if height >= side and width >= side:
        window = full_window(rng, np.isfinite(field.layers["los_rate"]), side, side, _ENOUGH)
        return {name: values[window] for name, values in field.layers.items()}
    square = np.zeros((side, side), np.float32)
    total = {name: np.zeros((side, side), np.float32) for name in field.layers}
    known = np.isfinite(field.layers["los_rate"]) & np.isfinite(field.layers["phase_rate"])
    filled = {name: _filled(values, known) for name, values in field.layers.items()}
    for rows, up in _spans(rng, side, height):
        # Each band of rows has its own columns, so that no lattice shows.
        for columns, along in _spans(rng, side, width):
            window = full_window(rng, known, len(up), len(along), _FULL)
            sign = np.float32(-1 if draws.signs and rng.random() < 0.5 else 1)
            step = -1 if rng.random() < 0.5 else 1
            inside = known[window][:, ::step]
            weight = up[:, np.newaxis] * along * inside
            squared = weight * weight
            pixels = max(int(inside.sum()), 1)
            for name, values in filled.items():
                own = values[window][:, ::step]
                if name in RATES:
                    total[name][rows, columns] += sign * (own - own.sum() / np.float32(pixels)) * weight
                else:
                    total[name][rows, columns] += own * squared
            square[rows, columns] += squared
    # Of patches with their weights' squares adding up to 1, independent noise keeps its variance where they overlap.
    held = np.where(square > _LEAST_WEIGHT, square, np.float32(np.nan))
    return {name: values / (np.sqrt(held) if name in RATES else held) for name, values in total.items()}


def _filled(values: Array, known: NDArray[np.bool_]) -> Array:
    """Values that lack nothing where the rates are known, 0 elsewhere."""
    if np.isnan(values[known]).any() and np.isfinite(values).any():
        values = without_gaps(values)
    return np.where(known, values, np.float32(0))


def _spans(rng: np.random.Generator, side: int, length: int) -> list[tuple[slice, Array]]:
    """Overlapping stretches of up to ``length`` that cover ``side``, no two alike, and the weights along each."""
    if length >= side:
        return [(slice(0, side), np.ones(side, np.float32))]
    least = min(length, max(_SMALLEST_PATCH, round(0.6 * length)))
    # Where there is much to draw from, patches overlap widely: their edges show in what is smooth.
    overlap = round(0.4 * least) if length > _LONG else least // 4
    ramp = np.sin(np.pi / 2 * (np.arange(overlap, dtype=np.float32) + 0.5) / np.float32(overlap))
    spans, first, end = [], -int(rng.integers(overlap, least - overlap + 1)), 0
    while end - overlap < side:
        end = first + int(rng.integers(least, length + 1))
        weight = np.concatenate([ramp, np.ones(end - first - 2 * overlap, np.float32), ramp[::-1]])
        inside = slice(max(0, first), min(side, end))
        spans.append((inside, weight[inside.start - first : inside.stop - first]))
        first = end - overlap
    return spans


def full_window(
    rng: np.random.Generator, known: NDArray[np.bool_], height: int, width: int, enough: float
) -> tuple[slice, slice]:
    """A window of what is known: the first of a few that has enough data, else the fullest."""
    best: tuple[float, int, int] = (-1.0, 0, 0)
    for _ in range(_TRIES):
        row, column = (int(rng.integers(0, have - want + 1)) for have, want in zip(known.shape, (height, width)))
        share = float(known[row : row + height : 2, column : column + width : 2].mean())
        best = max(best, (share, row, column))
        if share >= enough:
            break
    _, row, column = best
    return slice(row, row + height), slice(column, column + width)


def _weights(size: int, side: int, factor: float, start: float, way: str) -> tuple[Double, Double]:
    """What each of ``size`` pixels takes of ``side`` pixels that are ``factor`` times as long: by the way, by place."""
    position = start + (np.arange(size) + 0.5) / factor - 0.5
    apart = np.abs(np.arange(side)[np.newaxis, :] - np.clip(position, 0, side - 1)[:, np.newaxis])
    nearest = (apart == apart.min(axis=1, keepdims=True)).astype(float)
    nearest /= nearest.sum(axis=1, keepdims=True)
    if way == "nearest":
        return nearest, nearest
    if way == "linear":
        return np.maximum(1 - apart, 0), nearest
    # Cubic convolution with a = −0.5 (Keys 1981).
    near = np.where(apart <= 1, 1.5 * apart**3 - 2.5 * apart**2 + 1, 0)
    far = np.where((apart > 1) & (apart < 2), -0.5 * apart**3 + 2.5 * apart**2 - 4 * apart + 2, 0)
    weights = near + far
    return weights / weights.sum(axis=1, keepdims=True), nearest


def _brought(values: Array, weights: tuple[Double, Double]) -> Array:
    """Values on finer pixels; holes keep the shape of the coarse ones."""
    by_way, by_place = (part.astype(np.float32) for part in weights)
    missing: NDArray[np.bool_] = ~np.isfinite(values)
    if missing.all():
        return np.full((len(by_way), len(by_way)), np.nan, np.float32)
    brought: Array = by_way @ without_gaps(values) @ by_way.T
    if missing.any():
        brought[by_place @ missing.astype(np.float32) @ by_place.T > 0.5] = np.nan
    return brought
