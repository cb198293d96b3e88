"""Delays of the air that maps tell: their sign, their size, and that nothing of them is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import DelayMap, Stack, find_delays
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    Reference,
    StackingOptions,
    StackOutputs,
    stack_to_files,
)
from ada_mapper.core.stacking.results import StackingResult
from delay_files import STEP, write_gacos
from shared_data import shared_data
from stacks import FIRST, WAVELENGTH, make_stack, network_days, read_raster, write_raster, years_of

DATES = 6
DAYS = network_days(DATES, 2)
YEARS = years_of(DAYS)
SHAPE = (60, 70)
INCIDENCE = 39.0


def day(number: int) -> date:
    return FIRST + timedelta(days=12 * number)


def delays_of(seed: int) -> list[np.ndarray]:
    """Zenith delay in metres at each date: 2.3 m and centimetres that vary over the scene and with the date."""
    generator = np.random.default_rng(seed)
    rows, columns = np.indices(SHAPE)
    waves = generator.normal(0, 0.01, (DATES, 4))
    return [
        2.3 + a + b * rows / 60 + c * np.sin(columns / 9) + d * np.cos(rows / 7 + columns / 11) for a, b, c, d in waves
    ]


def phase_of(metres: np.ndarray, incidence: float = INCIDENCE) -> np.ndarray:
    """Radians that a longer zenith delay adds: the path there and back, aslant through the air."""
    path = 2 * metres / np.cos(np.radians(incidence))
    return 2 * np.pi * path / WAVELENGTH


def maps_of(folder: Path, delays: list[np.ndarray], zenith: bool = True) -> dict[date, DelayMap]:
    folder.mkdir(exist_ok=True)
    bands = [Band(write_raster(folder / f"{number}.tif", values)) for number, values in enumerate(delays)]
    return {day(number): DelayMap(band, zenith) for number, band in enumerate(bands)}


def pairs_with(delays: list[np.ndarray], truth: np.ndarray | float) -> list[np.ndarray]:
    """Phases of the pairs, in which only the steady rate and the delays are."""
    motion = [years * truth + np.zeros(SHAPE) for years in YEARS]
    return [
        phase + phase_of(delays[second // 12]) - phase_of(delays[first // 12])
        for phase, (first, second) in zip(motion, DAYS)
    ]


def seen(stack: Stack, incidence: float | None = INCIDENCE) -> Stack:
    return replace(stack, interferograms=tuple(replace(pair, incidence=incidence) for pair in stack.interferograms))


def rate_of(
    folder: Path,
    stack: Stack,
    corrections: Corrections,
    said: list[str] | None = None,
    estimator: str = "eq1",
) -> tuple[np.ndarray, StackingResult]:
    heard: list[str] = [] if said is None else said
    progress = Progress(on_info=heard.append, on_warning=heard.append)
    result = stack_to_files(
        stack, StackOutputs(folder / "rate.tif"), corrections, StackingOptions(estimator=estimator), progress=progress
    )
    return read_raster(folder / "rate.tif"), result


TRUTH = 20 * np.exp(-((np.indices(SHAPE)[0] - 30) ** 2 + (np.indices(SHAPE)[1] - 40) ** 2) / 60)


def test_a_wetter_second_date_is_a_longer_path(tmp_path: Path) -> None:
    """By the path alone: 1 cm more at the zenith, seen at 60°, is 2 cm there and 2 cm back, 4 cm of 5.5 cm a turn."""
    delays = [np.full(SHAPE, 2.30), np.full(SHAPE, 2.31)]
    stack = seen(make_stack(tmp_path / "in", [np.full(SHAPE, 100.0)], [(0, 12)]), 60.0)
    rate, _ = rate_of(tmp_path, stack, Corrections(delays=maps_of(tmp_path / "air", delays)))
    expected = 100.0 - 2 * np.pi * 0.04 / WAVELENGTH
    np.testing.assert_allclose(rate * 12 / 365.25, expected, atol=1e-3)


@pytest.mark.parametrize("reference", ["none", "auto", "median"])
@pytest.mark.parametrize("filtered", [False, True])
def test_known_delays_are_taken_away_whole(tmp_path: Path, reference: str, filtered: bool) -> None:
    delays = delays_of(1)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    corrections = Corrections(Reference(reference), atmosphere=AtmosphereFilter() if filtered else None)
    raw, _ = rate_of(tmp_path, stack, corrections)
    known = replace(corrections, delays=maps_of(tmp_path / "air", delays))
    rate, result = rate_of(tmp_path, stack, known)
    level = np.median(rate - TRUTH)
    np.testing.assert_allclose(rate, TRUTH + level, atol=0.01)
    assert abs(raw - TRUTH - np.median(raw - TRUTH)).max() > 1
    assert any(note.startswith("Delays of the air: the spread") for note in result.notes)


def test_the_network_estimator_sees_phases_without_delays(tmp_path: Path) -> None:
    delays = delays_of(2)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    corrections = Corrections(delays=maps_of(tmp_path / "air", delays))
    rate, _ = rate_of(tmp_path, stack, corrections, estimator="network")
    np.testing.assert_allclose(rate, TRUTH, atol=0.01)


def test_slant_delays_are_taken_as_they_are(tmp_path: Path) -> None:
    delays = delays_of(3)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    slant = [values / np.cos(np.radians(INCIDENCE)) for values in delays]
    rate, _ = rate_of(tmp_path, stack, Corrections(delays=maps_of(tmp_path / "air", slant, False)))
    np.testing.assert_allclose(rate, TRUTH, atol=0.01)


def test_an_unknown_incidence_is_assumed_and_said(tmp_path: Path) -> None:
    delays = delays_of(4)
    stack = make_stack(tmp_path / "in", pairs_with(delays, 0.0), DAYS)
    said: list[str] = []
    rate, _ = rate_of(tmp_path, stack, Corrections(delays=maps_of(tmp_path / "air", delays)), said)
    assert any("38° was assumed" in message for message in said)
    # What an angle wrong by one degree leaves of Eq. 1's rate of the delays.
    delay_rate = sum(y * p for y, p in zip(YEARS, pairs_with(delays, 0.0))) / (YEARS @ YEARS)
    left = 1 - np.cos(np.radians(INCIDENCE)) / np.cos(np.radians(38))
    np.testing.assert_allclose(rate, left * delay_rate, atol=0.01)


def test_delays_on_a_coarse_grid_in_degrees_meet_the_stack(tmp_path: Path) -> None:
    """A plane in longitude and latitude, which interpolation keeps, as GACOS's files."""
    west, north = 8.95, 45.2

    def plane(longitude: np.ndarray, latitude: np.ndarray, number: int) -> np.ndarray:
        return (
            2.3 + 0.02 * np.sin(number) * (longitude - 9.0) / 0.1 + 0.03 * np.cos(2 * number) * (latitude - 45.1) / 0.1
        )

    longitude, latitude = west + STEP * np.arange(220)[None, :], north - STEP * np.arange(200)[:, None]
    for number in range(DATES):
        write_gacos(tmp_path / "gacos", day(number), plane(longitude, latitude, number), west, north)
    from osgeo import osr

    own, degrees = osr.SpatialReference(), osr.SpatialReference()
    own.ImportFromEPSG(32632)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    rows, columns = np.indices(SHAPE)
    points = np.stack([500_050 + 100 * columns.ravel(), 4_999_950 - 100 * rows.ravel()], 1)
    placed = np.array(osr.CoordinateTransformation(own, degrees).TransformPoints(points.tolist()))
    places = placed[:, 0].reshape(SHAPE), placed[:, 1].reshape(SHAPE)
    delays = [plane(*places, number) for number in range(DATES)]
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    rate, _ = rate_of(tmp_path, stack, Corrections(delays=find_delays(tmp_path / "gacos", None)))
    # GDAL places pixels to an eighth of one, and 2.3 m in float32 are 0.0001 rad.
    np.testing.assert_allclose(rate, TRUTH, atol=0.1)


def test_pairs_without_a_delay_are_left_out_and_said_once(tmp_path: Path) -> None:
    delays = delays_of(5)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    maps = maps_of(tmp_path / "air", delays)
    del maps[day(2)]
    said: list[str] = []
    rate, result = rate_of(tmp_path, stack, Corrections(delays=maps), said)
    np.testing.assert_allclose(rate, TRUTH, atol=0.01)
    gone = [pair.name for pair in stack.interferograms if day(2) in (pair.first_date, pair.second_date)]
    assert [name for name, _ in result.dropped] == gone and result.pairs_used == len(DAYS) - len(gone)
    assert all("no delay of the air at 2020-01-25" in reason for _, reason in result.dropped)
    (message,) = [message for message in said if "were left out" in message]
    assert "1 of 6 dates have no delay of the air (first: 2020-01-25)" in message


def test_delays_of_other_dates_are_refused(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", pairs_with(delays_of(6), 0.0), DAYS)
    maps = {key + timedelta(days=1): value for key, value in maps_of(tmp_path / "air", delays_of(6)).items()}
    with pytest.raises(InputError, match=r"No pair has a delay .*: 6 of 6 dates have none \(first: 2020-01-01\)"):
        rate_of(tmp_path, stack, Corrections(delays=maps))


def test_delays_of_another_place_are_refused(tmp_path: Path) -> None:
    delays = delays_of(7)
    stack = make_stack(tmp_path / "in", pairs_with(delays, 0.0), DAYS)
    maps = maps_of(tmp_path / "air", delays)
    maps[day(3)] = DelayMap(Band(write_raster(tmp_path / "far.tif", delays[3], top=6_000_000.0)))
    with pytest.raises(InputError, match=r"far\.tif has no delay anywhere in the area"):
        rate_of(tmp_path, stack, Corrections(delays=maps))


def test_ground_without_delays_is_left_empty_and_said(tmp_path: Path) -> None:
    delays = delays_of(8)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, TRUTH), DAYS))
    said: list[str] = []
    maps = maps_of(tmp_path / "air", [values[:, :35] for values in delays])
    rate, _ = rate_of(tmp_path, stack, Corrections(delays=maps), said)
    assert np.isnan(rate[:, 36:]).all()
    np.testing.assert_allclose(rate[:, :35], TRUTH[:, :35], atol=0.01)
    assert any("% of the pixels with valid phase lie where a map has no delay" in message for message in said)


def test_delays_that_make_it_worse_are_warned_of(tmp_path: Path) -> None:
    """As those of the wrong dates do: the order of the dates is turned round."""
    delays = delays_of(9)
    stack = seen(make_stack(tmp_path / "in", pairs_with(delays, 0.0), DAYS))
    said: list[str] = []
    rate_of(tmp_path, stack, Corrections(delays=maps_of(tmp_path / "air", delays[::-1])), said)
    assert any("make the phases worse" in message for message in said)


def test_a_real_pair_loses_its_delay(tmp_path: Path) -> None:
    """Against the difference of the two files, interpolated by hand at the middle of the scene."""
    from ada_mapper.core.interferograms import find_stack

    folder = shared_data("stacks/jharia_snap")
    stack = find_stack(folder)
    (pair,) = stack.interferograms
    raw, _ = rate_of(tmp_path, stack, Corrections())
    (tmp_path / "after").mkdir()
    rate, _ = rate_of(tmp_path / "after", stack, Corrections(delays=find_delays(folder, None)))
    left, dx, _, top, _, dy = stack.grid.transform
    row, column = 235, 384
    x, y = left + (column + 0.5) * dx, top + (row + 0.5) * dy
    first, second = (np.fromfile(folder / f"{name}.ztd", "<f4").reshape(80, 140) for name in (20170317, 20170410))
    across, down = (x - 86.26667) * 1200, (23.83333 - y) * 1200
    r, c = int(down), int(across)
    weights = np.outer([1 - (down - r), down - r], [1 - (across - c), across - c])
    metres = float(((second - first)[r : r + 2, c : c + 2] * weights).sum())
    angle = 38.0 if pair.incidence is None else pair.incidence
    expected = 4 * np.pi / stack.wavelength * metres / np.cos(np.radians(angle))
    assert (raw - rate)[row, column] * pair.years == pytest.approx(expected, abs=0.02)
    # The second date is drier by 65 mm, some 15 rad less path.
    assert expected < -15
