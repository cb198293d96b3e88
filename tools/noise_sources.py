"""Real rates as noise: how each kind of source becomes fields of one unit and sign.

Phase rates in rad/yr of Sentinel-1's wavelength, positive away; LOS rates and standard errors in mm/yr, positive
toward. A stack gives many fields: both estimators over several networks of its pairs, and differences of networks that
share no pair, divided by √2, in which what moves steadily cancels (``steady_motion_cancels``).
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ada_mapper.core.interferograms import Interferogram, Stack, find_stack
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.core.satellite import DAYS_PER_YEAR, SENTINEL1_WAVELENGTH, to_phase_rate
from ada_mapper.core.stacking import (
    ESTIMATORS,
    AtmosphereFilter,
    Corrections,
    Reference,
    StackingOptions,
    StackOutputs,
    stack_to_files,
)
from ada_mapper.core.types import Array, Double, PathLike

LAYERS = ("phase_rate", "los_rate", "standard_error", "coherence", "closure")
_RANDOM_NETWORKS, _RANDOM_SHARE = 4, 0.6
_BISECTIONS = 4
_LEAST_PAIRS = 3
# Points stand for the ground this far around them, metres.
_POINT_REACH = 75.0
# Of one pair φ, a stack of two years' pairs of 12 days keeps a rate of about 0.44/√2 · φ a year (equation 1).
_SINGLE_PAIR = 0.31


@dataclass(frozen=True)
class Field:
    """Layers (h, w) on one grid, float32, NaN for no data, keyed by names of LAYERS; always with both rates.

    ``steady_motion_cancels``: it is the difference of two, so that nothing in it moves at a constant rate.
    """

    name: str
    grid: Grid
    layers: Mapping[str, Array]
    steady_motion_cancels: bool = False


def of_rate(name: str, grid: Grid, los_rate: Array, more: Mapping[str, Array] | None = None) -> Field:
    """A field of a LOS rate (mm/yr, positive toward) alone, and of what else is known."""
    los_rate = los_rate.astype(np.float32)
    return Field(name, grid, {"phase_rate": to_phase_rate(los_rate), "los_rate": los_rate, **(more or {})})


def stack_fields(folder: Path, product: str = "auto", coherence: Path | None = None, seed: int = 1) -> Iterator[Field]:
    """Fields of a stack of interferograms, from several networks of its pairs by both estimators.

    ``coherence``: that of all pairs together, of the same grid, where the pairs have none.
    """
    stack = find_stack(folder, product)
    for field in _networks_of(stack, seed):
        if coherence is None:
            yield field
        else:
            yield replace(field, layers={**field.layers, "coherence": _read(coherence)})


def _networks_of(stack: Stack, seed: int) -> Iterator[Field]:
    for estimator in ESTIMATORS:
        of_parts = {}
        for part, pairs in _networks(stack, seed).items():
            if len(pairs) >= _LEAST_PAIRS:
                own = replace(stack, interferograms=pairs)
                of_parts[part] = _stacked(own, estimator, f"{estimator}_{part}")
        yield from of_parts.values()
        for first, second in (("odd_dates", "even_dates"), ("first_half", "second_half")):
            if first in of_parts and second in of_parts:
                yield _difference(of_parts[first], of_parts[second], f"{estimator}_{first}_less_{second}")
        for index, halves in enumerate(_bisections(stack.interferograms, seed), 1):
            own = (_stacked(replace(stack, interferograms=half), estimator, "half") for half in halves)
            yield _difference(*own, f"{estimator}_bisection_{index}")


def _networks(stack: Stack, seed: int) -> dict[str, tuple[Interferogram, ...]]:
    pairs, dates = stack.interferograms, stack.dates
    number = {day: index for index, day in enumerate(dates)}
    ends = [(number[pair.first_date], number[pair.second_date]) for pair in pairs]
    middle = len(dates) // 2

    def chosen(wanted: Sequence[bool]) -> tuple[Interferogram, ...]:
        return tuple(pair for pair, is_wanted in zip(pairs, wanted) if is_wanted)

    networks = {
        "all": pairs,
        "odd_dates": chosen([first % 2 == 0 and second % 2 == 0 for first, second in ends]),
        "even_dates": chosen([first % 2 == 1 and second % 2 == 1 for first, second in ends]),
        "first_half": chosen([second <= middle for _, second in ends]),
        "second_half": chosen([first >= middle for first, _ in ends]),
    }
    rng = np.random.default_rng(seed)
    for index in range(_RANDOM_NETWORKS):
        kept = set(rng.permutation(len(pairs))[: max(_LEAST_PAIRS, round(_RANDOM_SHARE * len(pairs)))].tolist())
        networks[f"random_{index + 1}"] = chosen([place in kept for place in range(len(pairs))])
    return networks


def _bisections(
    pairs: tuple[Interferogram, ...], seed: int
) -> Iterator[tuple[tuple[Interferogram, ...], tuple[Interferogram, ...]]]:
    """Random halves of the pairs and the other halves."""
    rng = np.random.default_rng([seed, 1])
    for _ in range(_BISECTIONS):
        in_first = rng.permutation(len(pairs)) < len(pairs) // 2
        halves = ((pair for pair, first in zip(pairs, in_first) if first == wanted) for wanted in (True, False))
        first, second = map(tuple, halves)
        yield first, second


def _stacked(stack: Stack, estimator: str, name: str) -> Field:
    """Rates of a stack by our own chain; the LOS rate is that after the atmospheric filter."""
    with tempfile.TemporaryDirectory() as work:
        files = {layer: Path(work) / f"{layer}.tif" for layer in LAYERS if layer != "coherence"}
        atmosphere = AtmosphereFilter() if len(stack.dates) >= 5 else None
        stack_to_files(
            stack,
            StackOutputs(**files),
            Corrections(Reference("median"), atmosphere=atmosphere),
            StackingOptions(estimator=estimator, min_pairs=min(_LEAST_PAIRS, len(stack.interferograms))),
        )
        layers = {layer: _read(path) for layer, path in files.items()}
    layers["phase_rate"] *= np.float32(stack.wavelength / SENTINEL1_WAVELENGTH)
    bands = [pair.coherence for pair in stack.interferograms if pair.coherence is not None]
    if bands:
        total, count = np.zeros(layers["phase_rate"].shape), np.zeros(layers["phase_rate"].shape)
        for band in bands:
            with BandReader(band, stack.grid) as reader:
                values = reader.read()
            total += np.nan_to_num(values)
            count += np.isfinite(values)
        layers["coherence"] = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return Field(name, stack.grid, {layer: values for layer, values in layers.items() if np.isfinite(values).any()})


def _read(path: PathLike) -> Array:
    with BandReader(path) as reader:
        return reader.read()


def _difference(first: Field, second: Field, name: str) -> Field:
    """Noise like that of one of two independent fields; the motion that both see cancels."""
    layers = {}
    for layer in first.layers.keys() & second.layers.keys():
        one, other = first.layers[layer], second.layers[layer]
        if layer in ("phase_rate", "los_rate"):
            layers[layer] = (one - other) / np.float32(math.sqrt(2))
        elif layer == "standard_error":
            layers[layer] = np.hypot(one, other) / np.float32(math.sqrt(2))
        else:
            layers[layer] = (one + other) / np.float32(2)
    return Field(name, first.grid, {layer: layers[layer] for layer in LAYERS if layer in layers}, True)


def mintpy_field(velocity: Path, coherence: Path | None = None) -> Iterator[Field]:
    """The velocity of MintPy in degrees (m/yr, positive toward), its standard deviation and temporal coherence."""
    values = 1000 * _hdf5(velocity, "velocity")
    error = 1000 * _hdf5(velocity, "velocityStd")
    told = gdal.Open(str(velocity)).GetMetadata()
    x, dx, y, dy = (float(told[key]) for key in ("X_FIRST", "X_STEP", "Y_FIRST", "Y_STEP"))
    grid = Grid("EPSG:4326", (x, dx, 0.0, y, 0.0, dy), values.shape[1], values.shape[0])
    values[(values == 0) & ~(error > 0)] = np.nan
    more = {"standard_error": np.where(np.isfinite(values), error, np.nan).astype(np.float32)}
    if coherence is not None:
        more["coherence"] = _hdf5(coherence, "temporalCoherence")
    yield of_rate("all", grid, values, more)


def _hdf5(path: Path, name: str) -> Array:
    """A data set of an HDF5 file, whichever way GDAL shows a file of one or of several."""
    dataset = gdal.Open(f'HDF5:"{path}"://{name}')
    values: Array = dataset.ReadAsArray().astype(np.float32)
    return values


def egms_fields(archive: Path, grid: Grid) -> Iterator[Field]:
    """Rates of the points of an EGMS L2b product over the whole series and parts of it, on a grid in EPSG:3035."""
    points = _egms_points(archive)
    steps = np.arange(len(points.years))
    half = len(steps) // 2
    parts = {
        "all": steps,
        "odd_dates": steps[::2],
        "even_dates": steps[1::2],
        "first_half": steps[:half],
        "second_half": steps[half:],
        "first_year": steps[points.years - points.years[0] < 1],
    }
    fields = {}
    for part, chosen in parts.items():
        rate, error = _line(points.years[chosen], points.series[:, chosen])
        for way in ("near", "spread"):
            cells = Cells(grid, points.x, points.y, way)
            more = {"standard_error": cells.mean(error), "coherence": cells.mean(points.coherence)}
            fields[f"{part}_{way}"] = of_rate(f"{part}_{way}", grid, cells.mean(rate), more)
    yield from fields.values()
    for way in ("near", "spread"):
        yield _difference(fields[f"first_half_{way}"], fields[f"second_half_{way}"], f"halves_differ_{way}")


@dataclass(frozen=True)
class _Points:
    """Coordinates in EPSG:3035 (n,), decimal years (t,), motion toward in mm (n, t), temporal coherence (n,)."""

    x: Double
    y: Double
    years: Double
    series: Double
    coherence: Double


def _egms_points(archive: Path) -> _Points:
    with zipfile.ZipFile(archive) as file:
        name = next(name for name in file.namelist() if name.endswith(".csv"))
        rows = list(csv.reader(io.TextIOWrapper(file.open(name), encoding="utf-8")))
    columns = {title: index for index, title in enumerate(rows[0])}
    dates = [title for title in rows[0] if title.isdigit()]
    wanted = [columns[title] for title in ("easting", "northing", "temporal_coherence", *dates)]
    values = np.array([[float(row[index] or "nan") for index in wanted] for row in rows[1:]])
    days = [datetime.strptime(title, "%Y%m%d").toordinal() / DAYS_PER_YEAR for title in dates]
    return _Points(values[:, 0], values[:, 1], np.array(days), values[:, 3:], values[:, 2])


def _line(years: Double, series: Double) -> tuple[Double, Double]:
    """The rate of each series and its standard error by least squares."""
    centred = years - years.mean()
    squares = float((centred**2).sum())
    above = series - series.mean(axis=1, keepdims=True)
    rate = above @ centred / squares
    left = above - rate[:, np.newaxis] * centred
    return rate, np.sqrt((left**2).sum(axis=1) / (len(years) - 2) / squares)


def point_grid(x: Double, y: Double, crs: str, pixel_size: float) -> Grid:
    """A grid around points, its corner on whole pixels."""
    left, top = (math.floor(x.min() / pixel_size) - 3) * pixel_size, (math.ceil(y.max() / pixel_size) + 3) * pixel_size
    width, height = (math.ceil(length / pixel_size) + 3 for length in (x.max() - left, top - y.min()))
    return Grid(crs, (left, pixel_size, 0.0, top, 0.0, -pixel_size), width, height)


class Cells:
    """Means of points over the pixels of a grid; pixels without one, up to 75 m away, take their neighbours'.

    ``way``: "near", the nearest pixel's value, or "spread", the mean of the points around, the nearer the heavier.
    """

    def __init__(self, grid: Grid, x: Double, y: Double, way: str) -> None:
        left, dx, _, top, _, dy = grid.transform
        column, row = ((x - left) // dx).astype(np.intp), ((y - top) // dy).astype(np.intp)
        inside = (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
        self._shape, self._way = (grid.height, grid.width), way
        self._reach = _POINT_REACH / grid.pixel_size
        self._inside, self._cell = inside, (row * grid.width + column)[inside]

    def mean(self, values: Double) -> Array:
        """One value a pixel, NaN farther than 75 m from any point."""
        from scipy import ndimage

        known = self._inside & np.isfinite(values)
        size = self._shape[0] * self._shape[1]
        cell = self._cell[np.isfinite(values[self._inside])]
        count = np.bincount(cell, minlength=size).reshape(self._shape)
        total = np.bincount(cell, values[known], size).reshape(self._shape)
        has = count > 0
        mean = np.where(has, total / np.maximum(count, 1), np.nan)
        distance, (rows, columns) = ndimage.distance_transform_edt(~has, return_indices=True)
        filled = mean[rows, columns]
        if self._way == "spread":
            weight = ndimage.gaussian_filter(count.astype(float), self._reach / 2.5)
            around = ndimage.gaussian_filter(total, self._reach / 2.5) / np.maximum(weight, 1e-12)
            filled = np.where(has, mean, around)
        return np.where(distance <= self._reach, filled, np.nan).astype(np.float32)


def egms_grid(archives: Sequence[Path], pixel_size: float) -> Grid:
    """One grid for the points of several products."""
    points = [_egms_points(path) for path in archives]
    x, y = (np.concatenate([getattr(part, axis) for part in points]) for axis in "xy")
    return point_grid(x, y, "EPSG:3035", pixel_size)


def shape_points_field(path: Path, rate: str, crs: str, pixel_size: float) -> Iterator[Field]:
    """Rates (mm/yr, positive toward) of a shapefile of points."""
    dataset = ogr.Open(str(path))
    found = [(f.GetGeometryRef().GetX(), f.GetGeometryRef().GetY(), f.GetField(rate)) for f in dataset.GetLayer()]
    x, y, values = np.array(found, float).T
    grid = point_grid(x, y, crs, pixel_size)
    for way in ("near", "spread"):
        yield of_rate(f"all_{way}", grid, Cells(grid, x, y, way).mean(values))


def licsbas_field(folder: Path) -> Iterator[Field]:
    """The masked rate of LiCSBAS (mm/yr, positive toward) and its standard deviation."""
    rate, mask, error = (_read(folder / f"{name}.geo.tif") for name in ("vel", "mask", "vstd"))
    known = (mask == 1) & np.isfinite(rate)
    grid = Grid.of(folder / "vel.geo.tif")
    more = {"standard_error": np.where(known, error, np.nan).astype(np.float32)}
    yield of_rate("all", grid, np.where(known, rate, np.nan), more)


def single_pair_field(
    phase: Path, coherence: Path | None = None, looks: int = 1, least: float = 0.3
) -> Iterator[Field]:
    """One unwrapped phase, scaled to what a stack of two years would keep of it, averaged over ``looks``² pixels."""
    rate = _read(phase) * np.float32(_SINGLE_PAIR)
    rate[rate == 0] = np.nan
    more = {}
    if coherence is not None:
        seen = _read(coherence)
        rate[seen < least] = np.nan
        more["coherence"] = _block_mean(seen, looks)
    rate = _block_mean(rate, looks)
    own = Grid.of(phase)
    x, dx, _, y, _, dy = own.transform
    grid = Grid(own.crs, (x, looks * dx, 0.0, y, 0.0, looks * dy), rate.shape[1], rate.shape[0])
    los = (-SENTINEL1_WAVELENGTH / (4 * math.pi) * 1000 * rate).astype(np.float32)
    yield of_rate("all", grid, los - np.float32(np.nanmedian(los)), more)


def _block_mean(values: Array, looks: int) -> Array:
    """Means of the finite pixels of squares; NaN where fewer than half are."""
    height, width = (length // looks for length in values.shape)
    blocks = values[: height * looks, : width * looks].reshape(height, looks, width, looks)
    known: NDArray[np.intp] = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nan_to_num(blocks).sum(axis=(1, 3))
    return np.where(2 * known >= looks**2, total / np.maximum(known, 1), np.nan).astype(np.float32)
