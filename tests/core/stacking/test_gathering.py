"""What corrections are estimated from, gathered in one reading of the phases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.progress import QUIET
from ada_mapper.core.raster import BandReader, Window
from ada_mapper.core.stacking import AtmosphereFilter, Corrections, ReaderPool, Reference
from ada_mapper.core.stacking import atmosphere_filter as atmosphere_module
from ada_mapper.core.stacking.atmosphere_filter import cell_size
from ada_mapper.core.stacking.corrections import estimate_corrections
from ada_mapper.core.stacking.gathering import (
    gather,
    read_regular_sample,
    sample_positions,
    sample_step,
    spread,
    stack_sample,
)
from stacks import make_stack, network_days, write_raster

DAYS = network_days(8)
SHAPE = (75, 101)


def phases() -> np.ndarray:
    """Phases (pairs, rows, columns), of which a tenth and all of two corners is no data."""
    random = np.random.default_rng(3)
    values = random.normal(2, 1, (len(DAYS), *SHAPE)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    values[:, :20, :20] = np.nan
    values[2, -30:, -10:] = np.nan
    return values


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of every few pixels only, and many windows."""
    monkeypatch.setattr("ada_mapper.core.stacking.gathering._SAMPLE_CELLS", 200)
    monkeypatch.setattr("ada_mapper.core.stacking.reading._CUBE_BYTES", 4 * len(DAYS) * 900)


@pytest.mark.parametrize("options", [[], ["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16"]])
@pytest.mark.parametrize("cell", [1, 4, 16, 128])
@pytest.mark.usefixtures("few_samples")
def test_one_reading_gives_sample_and_cells(tmp_path: Path, cell: int, options: list[str]) -> None:
    values = phases()
    stack = make_stack(tmp_path, values, DAYS, nodata=(), options=options)
    with ReaderPool(stack.grid) as pool:
        sample, cells = gather(stack, pool, cell, True, QUIET)
        alone, nothing = gather(stack, pool, None, True, QUIET)
        unsampled, others = gather(stack, pool, cell, False, QUIET)
    step = sample_step(stack.grid, len(DAYS))
    assert step > 1 and nothing is None and unsampled is None
    expected = values[:, step // 2 :: step, step // 2 :: step]
    np.testing.assert_array_equal(sample, expected)
    np.testing.assert_array_equal(alone, expected)
    assert cells is not None and others is not None and cells.cell == cell
    np.testing.assert_array_equal(cells.means, others.means)
    for row in range(-(-SHAPE[0] // cell)):
        for column in range(-(-SHAPE[1] // cell)):
            inside = values[:, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            for found, own in zip(cells.means[:, row, column], inside):
                valid = own[np.isfinite(own)].astype(float)
                assert np.isnan(found) if valid.size == 0 else abs(found - valid.mean()) < 1e-6


@pytest.mark.usefixtures("few_samples")
def test_estimates_read_each_phase_once_and_few_coherences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ada_mapper.core.stacking.gathering._COHERENT_PAIRS", 4)
    coherence = np.full((len(DAYS), *SHAPE), 0.7)
    stack = make_stack(tmp_path, phases(), DAYS, coherence, nodata=())
    read: Counter[str] = Counter()

    class Counted(BandReader):
        def read(self, window: Window | None = None, out: np.ndarray | None = None) -> np.ndarray:
            values = super().read(window, out)
            read[Path(self.source.path).name] += values.size
            return values

    monkeypatch.setattr("ada_mapper.core.stacking.reading.BandReader", Counted)
    corrections = Corrections(Reference("auto"), atmosphere=AtmosphereFilter(30, 2000))
    with ReaderPool(stack.grid) as pool:
        model = estimate_corrections(stack, pool, corrections, None, QUIET)
    assert model.atmosphere is not None and model.coefficients is not None
    pixels = SHAPE[0] * SHAPE[1]
    window = 32 * 32  # the place of the reference, read once more
    assert all(pixels <= read[f"phase{index}.tif"] <= pixels + window for index in range(len(DAYS)))
    assert sum(name.startswith("coherence") for name in read) == 4


@pytest.mark.usefixtures("few_samples")
def test_coherence_is_the_mean_of_the_pairs_that_have_some(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    coherence = random.uniform(0, 1, (len(DAYS), *SHAPE)).astype(np.float32)
    coherence[:5, :, 50:] = np.nan
    coherence[:, :, 90:] = np.nan
    stack = make_stack(tmp_path, phases(), DAYS, coherence)
    step = sample_step(stack.grid, len(DAYS))
    rows, columns = (sample_positions(size, step) for size in SHAPE)
    with ReaderPool(stack.grid) as pool:
        values, _ = gather(stack, pool, None, True, QUIET)
        assert values is not None
        sample = stack_sample(stack, pool, values, None, None, QUIET)
    assert sample.coherence is not None
    own = coherence[:, rows[:, None], columns]
    known = np.isfinite(own).any(axis=0)
    np.testing.assert_array_equal(np.isfinite(sample.coherence), known)
    np.testing.assert_allclose(sample.coherence[known], np.nanmean(own[:, known], axis=0), atol=1e-6)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 48, 500])
def test_some_of_a_list_are_spread_over_it_whatever_repeats(count: int) -> None:
    chosen = spread(range(count), 16)
    assert chosen == sorted(set(chosen)) and len(chosen) == min(count, 16)
    if count >= 48:
        assert max(np.diff([-1, *chosen, count])) < 2.7 * count / 16
        assert len({index % 3 for index in chosen}) == 3


def test_cells_grow_where_memory_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = make_stack(tmp_path, phases(), DAYS, pixel=10.0)
    options = AtmosphereFilter(30, 160)
    assert cell_size(stack, options) == 4
    cells = 19 * 26
    monkeypatch.setattr(atmosphere_module, "_MEAN_BYTES", 4 * len(DAYS) * cells)
    assert cell_size(stack, options) == 4
    monkeypatch.setattr(atmosphere_module, "_MEAN_BYTES", 4 * len(DAYS) * cells - 1)
    assert cell_size(stack, options) == 8
    assert cell_size(make_stack(tmp_path / "short", phases()[:3], DAYS[:3]), options) is None


@pytest.mark.parametrize("pixels", [1, 1500, 2**20])
def test_the_sample_of_another_grid_is_that_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: int
) -> None:
    """However many rows are read together, and where the raster ends inside the grid."""
    monkeypatch.setattr("ada_mapper.core.stacking.gathering._ROWS_VALUES", pixels)
    grid = make_stack(tmp_path / "in", phases()[:1], DAYS[:1]).grid
    rows, columns = np.indices((30, 20))
    other = write_raster(tmp_path / "other.tif", np.sin(rows / 3) + columns, pixel=270.0)
    with BandReader(other, grid) as reader:
        whole = reader.read()
        assert reader.is_resampled and np.isnan(whole).any()
    with ReaderPool(grid) as pool:
        read = read_regular_sample(pool, other, 4)
    np.testing.assert_array_equal(read, whole[2::4, 2::4])
