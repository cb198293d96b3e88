"""Short against long pairs: the indicator finds a fading of known size, and nothing where there is none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.interferograms import Interferogram
from ada_mapper.core.raster import Band
from ada_mapper.core.stacking import Corrections, Reference, StackOutputs, stack_to_files
from ada_mapper.core.stacking.fading import Fading, fading_of
from ada_mapper.core.stacking.gathering import StackSample
from stacks import FIRST, WAVELENGTH, make_stack, network_days, read_raster, years_of

DAYS = network_days(20, 3)
YEARS = years_of(DAYS)
SHAPE = (64, 72)
MILLIMETRES = 1000 * WAVELENGTH / (4 * np.pi)
PAIRS = [
    Interferogram(Band(str(i)), FIRST + timedelta(days=a), FIRST + timedelta(days=b), "geotiff")
    for i, (a, b) in enumerate(DAYS)
]
COHERENCE = np.where(np.arange(SHAPE[1])[None, :] < 36, 0.4, 0.8) + np.random.default_rng(0).uniform(0, 0.05, SHAPE)


def sample_of(phases: np.ndarray, coherence: np.ndarray | None = COHERENCE) -> StackSample:
    rows, columns = np.arange(SHAPE[0]), np.arange(SHAPE[1])
    return StackSample(phases.astype(np.float32), coherence, None, np.zeros(SHAPE, bool), rows, columns, 1)


def phases_of(seed: int, bias: np.ndarray | float = 0.0, noise: float = 0.5) -> np.ndarray:
    """Air, steady motion, noise of pairs, and a ``bias`` (rad) of pairs of 12 days, half of it at 24, none at 36."""
    generator = np.random.default_rng(seed)
    air = generator.normal(0, 2, (20, *SHAPE))
    motion = generator.normal(0, 20, SHAPE)
    share = np.array([{12: 1.0, 24: 0.5, 36: 0.0}[b - a] for a, b in DAYS])
    phases = np.stack([air[b // 12] - air[a // 12] for a, b in DAYS]) + YEARS[:, None, None] * motion
    return phases + share[:, None, None] * bias + generator.normal(0, noise, phases.shape)


def found(phases: np.ndarray) -> Fading:
    result = fading_of(sample_of(phases), PAIRS, WAVELENGTH)
    assert result is not None
    return result


def test_air_and_motion_are_no_fading() -> None:
    fading = found(phases_of(1))
    assert [(one.low, one.high, one.pixels) for one in fading.classes] == [(0.3, 0.5, 64 * 36), (0.7, 1.01, 64 * 36)]
    for one in fading.classes:
        assert abs(one.rate) < 4 * one.error and not one.is_significant
    assert (fading.short_days, fading.long_days) == (24, 36)
    notes, warnings = fading.notes()
    assert len(notes) == 1 and not warnings


def test_the_error_is_that_of_many_noises() -> None:
    rates = [found(phases_of(seed)).classes[0] for seed in range(25)]
    true = np.std([one.rate for one in rates])
    assert 0.7 < np.mean([one.error for one in rates]) / true < 1.8


def test_a_fading_of_known_size_is_found_where_it_is() -> None:
    fading = found(phases_of(2, np.where(COHERENCE < 0.5, 0.05, 0.0)))
    # Closures by hand: 0.05 + 0.05 − 0.025 for (12, 12, 24), 0.05 + 0.025 for (12, 24, 36) and (24, 12, 36).
    long = np.array([24.0] * 18 + [36.0] * 34) / 365.25
    closure = 0.075
    expected = -MILLIMETRES * closure * long.sum() / (long**2).sum()
    low, high = fading.classes
    assert low.rate == pytest.approx(expected, abs=4 * low.error) and low.is_significant
    assert abs(high.rate) < 4 * high.error
    _, (warning,) = fading.notes()
    assert "pairs of up to 24 days" in warning and "0.3 to 0.5" in warning


def test_cycles_and_constants_of_pairs_are_no_fading() -> None:
    generator = np.random.default_rng(3)
    phases = phases_of(4)
    constants = generator.normal(0, 30, len(PAIRS))
    cycles = 2 * np.pi * generator.integers(-2, 3, (len(PAIRS), 1, 1))
    fading = found(phases + constants[:, None, None] + cycles * (COHERENCE < 0.5))
    for one, other in zip(fading.classes, found(phases).classes):
        assert one.rate == pytest.approx(other.rate, abs=0.02)


def test_pairs_without_triplets_and_scenes_without_coherence() -> None:
    chain = [pair for pair in PAIRS if pair.days == 12]
    assert fading_of(sample_of(phases_of(5)[: len(chain)]), chain, WAVELENGTH) is None
    assert fading_of(sample_of(phases_of(5), None), PAIRS, WAVELENGTH) is None


def test_a_stack_tells_its_fading(tmp_path: Path) -> None:
    phases = phases_of(6, np.where(COHERENCE < 0.5, 0.3, 0.0))
    stack = make_stack(tmp_path / "in", phases + 1.5, DAYS, [COHERENCE] * len(DAYS))
    result = stack_to_files(stack, StackOutputs(tmp_path / "rate.tif"), Corrections(Reference("auto")))
    assert result.fading is not None and result.fading.classes[0].is_significant
    assert any("(fading)" in note for note in result.notes)
    assert np.isfinite(read_raster(tmp_path / "rate.tif")).all()
