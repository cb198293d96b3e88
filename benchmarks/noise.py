"""How like real noise the simulated one is: tables of both, tile by tile.

    python benchmarks/noise.py FIELDS [--dems FOLDER] [--tiles 60] [--roles train validation test] [--generators …]

FIELDS is a folder that tools/noise_fields.py wrote. Of each of its places, and of each generator of tiles without
landslides (a class of core/simulation, by its name), the rate of TILES tiles above its mean over 3 km. Medians over
the tiles: its spread (mm/yr; of the middle 80 % of tiles), the correlation of pixels 1, 2, 4 and 8 apart, the share
beyond three robust standard deviations (0.3 % of Gaussian noise), the excess kurtosis within six of them, the share and
number of holes, how uneven the finest noise is (spread above a mean of 5 × 5 pixels in blocks of 1 km, the 90th over
the 10th percentile), the power in octaves of the wavelength (%), and |correlation| with heights.

Below: how often a tile of a generator is told from a real one by these figures (its nearest tiles of either sort, from
50 %, as good as chance, to 100 %), all places having the same weight and a real tile no neighbours of its own place.
"""

from __future__ import annotations

import argparse
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from ada_mapper.core import simulation
from ada_mapper.core.raster import above_local_mean
from ada_mapper.core.robust import robust_spread
from ada_mapper.core.satellite import to_los_rate
from ada_mapper.core.simulation import NoiseDraws
from ada_mapper.core.simulation.other_motion import DRAWN, Occurrence
from ada_mapper.core.simulation.real_noise import draw_noise, read_noise_fields
from ada_mapper.core.types import Array

SIZE, PIXEL_SIZE = 256, 30.0
PLAIN = NoiseDraws(gain=0, sums=0, signs=False, as_own=1, largest=1e6, filled=0)
NOTHING_ELSE = Occurrence(**dict.fromkeys(DRAWN, 0.0))
APART = (1, 2, 4, 8)
OCTAVES = tuple(60.0 * 2**step for step in range(7))
_LEAST_KNOWN = 0.4
NEIGHBOURS = 7


def power(values: Array) -> list[float]:
    """Shares of the variance in octaves of the wavelength (metres, from OCTAVES on); holes are filled with 0."""
    window = np.hanning(values.shape[0])[:, np.newaxis] * np.hanning(values.shape[1])
    spectrum = np.abs(np.fft.rfft2(np.nan_to_num(values) * window)) ** 2
    rows, columns = np.fft.fftfreq(values.shape[0], PIXEL_SIZE), np.fft.rfftfreq(values.shape[1], PIXEL_SIZE)
    with np.errstate(divide="ignore"):
        wavelength = 1 / np.hypot(rows[:, np.newaxis], columns)
    octave = np.floor(np.log2(np.clip(wavelength, 1, 1e9) / OCTAVES[0])).astype(int)
    within = [float(spectrum[octave == step].sum()) for step in range(-1, len(OCTAVES))]
    # What runs along the diagonals is shorter than 60 m.
    within[1] += within.pop(0)
    return [100 * value / max(sum(within), 1e-30) for value in within]


def unevenness(rate: Array) -> float:
    """How much the finest noise differs from place to place."""
    fine = above_local_mean(rate, 2)
    blocks = fine.reshape(SIZE // 32, 32, SIZE // 32, 32).transpose(0, 2, 1, 3).reshape(-1, 32 * 32)
    full = blocks[np.isfinite(blocks).mean(axis=1) > _LEAST_KNOWN]
    if len(full) < 8:
        return float("nan")
    low, high = np.quantile(np.nanmedian(np.abs(full), axis=1), (0.1, 0.9))
    return float(high / max(low, 1e-6))


def facts(rate: Array, heights: Array | None = None) -> list[float]:
    """The columns of the table for one rate (mm/yr)."""
    relief = above_local_mean(rate, round(1_500 / PIXEL_SIZE))
    spread = float(robust_spread(relief))
    held = np.clip(relief, -6 * spread, 6 * spread)
    middle = held - np.nanmean(held)
    known = np.isfinite(middle)
    result = [spread]
    for step in APART:
        first, second = middle[:, step:], middle[:, :-step]
        both = known[:, step:] & known[:, :-step]
        result.append(float(np.mean(first[both] * second[both]) / np.var(middle[known])))
    result.append(100 * float(np.mean(np.abs(relief[known]) > 3 * spread)))
    result.append(float(np.mean(middle[known] ** 4) / np.var(middle[known]) ** 2 - 3))
    result.append(100 * float(1 - known.mean()))
    result.append(float(ndimage.label(~known)[1]))
    result.append(unevenness(rate))
    result += power(held)
    result.append(np.nan if heights is None else abs(float(np.corrcoef(rate[known], heights[known])[0, 1])))
    return result


HEAD = [
    "noise", "spread", *(f"r{step}" for step in APART), "> 3σ %", "kurtosis", "holes %", "holes", "uneven",
    *(f"{length:g} m" for length in OCTAVES), "heights",
]  # fmt: skip


def real(folder: Path, roles: list[str], tiles: int) -> Iterator[tuple[str, list[list[float]]]]:
    """Each place with the facts of its tiles."""
    fields = read_noise_fields(folder, roles)
    for place in dict.fromkeys(field.place for field in fields):
        own = [field for field in fields if field.place == place]
        rng, found = np.random.default_rng(5), []
        for _ in range(tiles):
            rate = to_los_rate(draw_noise(rng, own, SIZE, PIXEL_SIZE, PLAIN).layers["phase_rate"])
            if np.isfinite(rate).mean() > _LEAST_KNOWN:
                found.append(facts(rate))
        yield f"{place}, {own[0].pixel_size:.0f} m", found


def simulated(name: str, dems: list[Path], tiles: int) -> list[list[float]]:
    """The facts of the tiles of a generator."""
    generator = getattr(simulation, name)
    # What is no landslide is judged elsewhere: here its apparent rates would count as noise.
    quiet = {"occurrence": NOTHING_ELSE} if "occurrence" in inspect.signature(generator).parameters else {}
    make_tile = generator(77, dem_paths=dems, landslides_per_km2=0.0, **quiet)
    found = []
    for tile in map(make_tile, range(tiles)):
        rate = to_los_rate(tile.layers["phase_rate"]) - tile.other_motion
        if np.isfinite(rate).mean() > _LEAST_KNOWN:
            found.append(facts(rate, tile.layers["dem"]))
    return found


def told_apart(real_tiles: list[list[list[float]]], made: list[list[float]]) -> float:
    """Share of tiles, %, that most of their NEIGHBOURS tell right, half of the weight on either sort.

    Of ranks of the figures but for the spread, which a gain changes, and the heights. Tiles of a real place have no
    neighbours in that place: its crops are alike, and training sees other places than it will be used on.
    """
    real_facts = np.concatenate([np.array(tiles) for tiles in real_tiles])
    table = np.nan_to_num(np.concatenate([real_facts, made])[:, 1:-1])
    is_real = np.arange(len(table)) < len(real_facts)
    weight = np.concatenate(
        [
            *(np.full(len(tiles), 0.5 / len(tiles) / len(real_tiles)) for tiles in real_tiles),
            np.full(len(made), 0.5 / len(made)),
        ]
    )
    ranks = table.argsort(axis=0).argsort(axis=0) / len(table)
    apart = ((ranks[:, np.newaxis] - ranks) ** 2).sum(axis=-1)
    place = np.repeat(np.arange(len(real_tiles) + 1), [*map(len, real_tiles), len(made)])
    apart[(place[:, np.newaxis] == place) & is_real] = np.inf
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :NEIGHBOURS]
    votes = (np.where(is_real, 1, -1) * weight)[near].sum(axis=1)
    return 100 * float(weight[(votes > 0) == is_real].sum())


def row(name: str, found: list[list[float]]) -> str:
    """Medians, and of the spread the range of the middle 80 % of tiles."""
    table = np.array(found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle = np.nanmedian(table, axis=0)
    low, high = np.quantile(table[:, 0], (0.1, 0.9))
    texts = [f"{value:.2f}" for value in middle[1:5]] + [f"{middle[5]:.1f}", f"{middle[6]:.1f}"]
    texts += [f"{middle[7]:.0f}", f"{middle[8]:.0f}", f"{middle[9]:.1f}"] + [f"{value:.0f}" for value in middle[10:-1]]
    return f"| {name} | {middle[0]:.1f} ({low:.1f}–{high:.1f}) | " + " | ".join(texts) + f" | {middle[-1]:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fields", type=Path)
    parser.add_argument("--dems", type=Path)
    parser.add_argument("--tiles", type=int, default=60)
    parser.add_argument("--roles", nargs="*", default=["train", "validation", "test"])
    parser.add_argument("--generators", nargs="*", default=["TileGenerator"])
    arguments = parser.parse_args()
    dems = sorted(arguments.dems.glob("*.tif")) if arguments.dems else []
    print("| " + " | ".join(HEAD) + " |")
    print("|---" * len(HEAD) + "|")
    real_tiles, told = [], {}
    for name, found in real(arguments.fields, arguments.roles, arguments.tiles):
        if found:
            real_tiles.append(found)
            print(row(name, found), flush=True)
    for name in arguments.generators:
        found = simulated(name, dems, arguments.tiles)
        print(row(name, found), flush=True)
        told[name] = told_apart(real_tiles, found)
    print("\n| generator | told from real, % |\n|---|---|")
    for name, share in told.items():
        print(f"| {name} | {share:.0f} |")


if __name__ == "__main__":
    main()
