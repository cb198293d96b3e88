"""What is read as phase and coherence is what it is meant to be: right in its unit, or refused with a sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.interferograms.checking import looks_wrapped
from ada_mapper.core.raster import BandReader
from stacks import write_raster

PAIRS = ("20200101_20200113", "20200113_20200125", "20200125_20200206")
WAVELENGTH = 0.055465763
SHAPE = (60, 80)


def ramp(cycles: float) -> np.ndarray:
    """A phase that grows to the east by so many cycles, around 0 but nowhere exactly 0."""
    return np.tile(np.linspace(-0.5, 0.5, SHAPE[1]) * cycles * 2 * np.pi + 1e-3, (SHAPE[0], 1))


def wrap(phase: np.ndarray) -> np.ndarray:
    return np.angle(np.exp(1j * phase))


def read(path: Path, pair: int = 0, coherence: bool = False) -> np.ndarray:
    found = find_stack(path).interferograms[pair]
    with BandReader(found.coherence if coherence else found.phase) as reader:
        return reader.read()


@pytest.mark.parametrize("cycles", [2, 7.5])
@pytest.mark.parametrize("start", [0, np.pi], ids=["from -π to π", "from 0 to 2π"])
@pytest.mark.parametrize("noise", [0, 0.5])
def test_wrapped_phases_are_refused(tmp_path: Path, cycles: float, start: float, noise: float) -> None:
    scatter = np.random.default_rng(0).normal(0, noise, SHAPE)
    for name in PAIRS:
        write_raster(tmp_path / f"{name}_unw.tif", wrap(ramp(cycles) + scatter) + start)
    with pytest.raises(InputError, match=rf"{PAIRS[0]}_unw\.tif holds wrapped phases.*Unwrap it first"):
        find_stack(tmp_path)


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.7, 1.0])
def test_unwrapped_phases_within_a_cycle_are_no_wrapped_ones(noise: float) -> None:
    phase = ramp(0.97) + np.random.default_rng(0).normal(0, noise, SHAPE)
    assert not looks_wrapped(phase[None].astype(np.float32))
    small = np.random.default_rng(0).normal(0, noise, (9, 2, 4000))
    assert not looks_wrapped(small.astype(np.float32))


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
def test_displacements_of_a_table_become_radians_away(tmp_path: Path, unit: str, metres: float) -> None:
    moved = np.full(SHAPE, -0.05)
    write_raster(tmp_path / "moved.tif", moved / metres, unit=unit)
    (tmp_path / "pairs.csv").write_text("file,date1,date2\nmoved.tif,2020-01-01,2020-01-13\n")
    stack = find_stack(None, pairs_file=tmp_path / "pairs.csv")
    with BandReader(stack.interferograms[0].phase) as reader:
        np.testing.assert_allclose(reader.read(), 4 * np.pi * 0.05 / WAVELENGTH, rtol=1e-6)
    assert any(f"is in {unit}" in note and "toward the satellite" in note for note in stack.notes)


def test_a_los_displacement_of_hyp3_is_in_metres_by_its_name(tmp_path: Path) -> None:
    name = "S1AA_20200101T135156_20200113T135157_VVP012_INT80_G_ueF_F8BF_los_disp.tif"
    write_raster(tmp_path / name, np.full(SHAPE, 0.02))
    (tmp_path / "pairs.csv").write_text(f"file,date1,date2\n{name},2020-01-01,2020-01-13\n")
    with BandReader(find_stack(None, pairs_file=tmp_path / "pairs.csv").interferograms[0].phase) as reader:
        np.testing.assert_allclose(reader.read(), -4 * np.pi * 0.02 / WAVELENGTH, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        ("pair_vert_disp.tif", "m", "holds vertical displacements"),
        ("pair_displacement.tif", "", "doesn't tell their unit"),
        ("pair.tif", "m/yr", "can't be used as unwrapped phase: its unit is “m/yr”"),
    ],
)
def test_what_is_no_phase_by_name_or_unit_is_refused(tmp_path: Path, name: str, unit: str, words: str) -> None:
    write_raster(tmp_path / name, np.full(SHAPE, 0.02), unit=unit)
    (tmp_path / "pairs.csv").write_text(f"file,date1,date2\n{name},2020-01-01,2020-01-13\n")
    with pytest.raises(InputError, match=words):
        find_stack(None, pairs_file=tmp_path / "pairs.csv")


@pytest.mark.parametrize(("largest", "is_refused"), [(200.0, False), (4000.0, True)])
def test_a_phase_beyond_what_its_days_can_hold_is_refused(tmp_path: Path, largest: float, is_refused: bool) -> None:
    """12 days hold 10 m and 1.2 m more at 5.5 cm: 2537 rad."""
    assert (date(2020, 1, 13) - date(2020, 1, 1)).days == 12
    write_raster(tmp_path / f"{PAIRS[0]}_unw.tif", ramp(largest / np.pi))
    if not is_refused:
        np.testing.assert_allclose(read(tmp_path), ramp(largest / np.pi), rtol=1e-6)
        return
    with pytest.raises(InputError, match=rf"{PAIRS[0]}_unw\.tif can't be used as unwrapped phase: its numbers reach"):
        find_stack(tmp_path)


def test_markers_in_phases_are_no_data_and_told(tmp_path: Path) -> None:
    phase = ramp(3)
    phase[:10] = -9999
    for name in PAIRS:
        write_raster(tmp_path / f"{name}_unw.tif", phase)
    assert np.isnan(read(tmp_path)).sum() == 10 * SHAPE[1]
    (note,) = [note for note in find_stack(tmp_path).notes if "exactly -9999" in note]
    assert "The same goes for 2 more files" in note


def test_the_whole_stack_tells_whether_coherence_is_in_percent_or_of_255(tmp_path: Path) -> None:
    for index, name in enumerate(PAIRS):
        write_raster(tmp_path / f"{name}_unw.tif", ramp(3))
        write_raster(tmp_path / f"{name}_cc.tif", np.tile(np.linspace(10, 90 + 80 * index, SHAPE[1]), (SHAPE[0], 1)))
    for index in range(3):
        expected = np.linspace(10, 90 + 80 * index, SHAPE[1]) / 255
        np.testing.assert_allclose(read(tmp_path, index, coherence=True)[0], expected, rtol=1e-6)


def test_a_coherence_that_cannot_be_is_refused(tmp_path: Path) -> None:
    write_raster(tmp_path / f"{PAIRS[0]}_unw.tif", ramp(3))
    write_raster(tmp_path / f"{PAIRS[0]}_cc.tif", ramp(1) * 1000)
    with pytest.raises(InputError, match=rf"{PAIRS[0]}_cc\.tif can't be used as coherence"):
        find_stack(tmp_path)
