"""Delays that grow with height: removed where the dates show that they are delays, left where it is noise or motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ada_mapper.core.stacking.height_delay import NOISE, HeightDelay
from ada_mapper.core.stacking.trends import fit_trends
from stacks import network_days, years_of

# A year of 12-day dates, three connections: the case in which the rule of 1.5 × scatter alone corrects nothing.
DATES = 31
PAIRS = network_days(DATES, 3)
YEARS = years_of(PAIRS)
SHAPE = (60, 72)
INCIDENCE = np.zeros((len(PAIRS), DATES))
for _row, (_first, _second) in zip(INCIDENCE, PAIRS):
    _row[_first // 12], _row[_second // 12] = -1, 1
JUDGE = HeightDelay(INCIDENCE, 12.0 * np.arange(DATES))


def smooth(generator: np.random.Generator, width: float) -> np.ndarray:
    """Unit noise that is correlated over about ``width`` pixels; white where that is 0."""
    margin = round(3 * width)
    field = gaussian_filter(generator.normal(size=(SHAPE[0] + 2 * margin, SHAPE[1] + 2 * margin)), width)
    field = field[margin : margin + SHAPE[0], margin : margin + SHAPE[1]]
    return field * (2 * np.sqrt(np.pi) * width if width else 1.0)


def heights_of(generator: np.random.Generator) -> np.ndarray:
    """Heights in km with a standard deviation of half a kilometre."""
    field = smooth(generator, 6)
    return 1.5 + 0.5 * (field - field.mean()) / field.std()


def phases_of(
    generator: np.random.Generator, heights: np.ndarray, per_date: float, width: float, truth: np.ndarray | float = 0.0
) -> np.ndarray:
    """Pairs with air of 1 rad a date, a delay of ``per_date`` rad/km a date, 0.3 rad a pair and a steady rate."""
    air = np.stack([smooth(generator, width) for _ in range(DATES)])
    air += generator.normal(0, per_date, DATES)[:, None, None] * heights
    phases = np.tensordot(INCIDENCE, air, 1) + YEARS[:, None, None] * truth
    return (phases + generator.normal(0, 0.3, phases.shape)).astype(np.float32)


def removed(phases: np.ndarray, heights: np.ndarray) -> tuple[float, tuple[str, ...]]:
    """What is taken from Eq. 1's rate, in rad/yr per km, and what is said."""
    nowhere = np.zeros(SHAPE, bool)
    coefficients, notes = fit_trends(phases, YEARS, heights[None], nowhere, lambda: None, JUDGE)
    return float(YEARS @ coefficients[:, 0] / (YEARS @ YEARS)), notes


def tells_removal(notes: tuple[str, ...]) -> bool:
    return any(note.startswith(("Height delay: ", "Ramp and height delay: ")) for note in notes)


def slope_with_height(phases: np.ndarray, heights: np.ndarray) -> float:
    """Of Eq. 1's rate, by ordinary least squares, in rad/yr per km."""
    rate = np.tensordot(YEARS, phases, 1) / (YEARS @ YEARS)
    return float(np.polyfit(heights.ravel(), rate.ravel(), 1)[0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [0, 3])
def test_a_delay_of_every_date_is_taken_from_the_rate_of_one_year(seed: int, width: float) -> None:
    generator = np.random.default_rng(seed)
    heights = heights_of(generator)
    phases = phases_of(generator, heights, 3.0, width)
    taken, notes = removed(phases, heights)
    assert taken == pytest.approx(slope_with_height(phases, heights), abs=0.25)
    assert tells_removal(notes)


@pytest.mark.parametrize("width", [0, 2, 5, 12])
def test_noise_alone_is_left(width: float) -> None:
    for seed in range(6):
        generator = np.random.default_rng(100 + seed)
        heights = heights_of(generator)
        taken, notes = removed(phases_of(generator, heights, 0.0, width), heights)
        assert taken == 0
        assert not tells_removal(notes)


def test_a_plane_beside_noise_is_fitted_without_height() -> None:
    generator = np.random.default_rng(11)
    heights = heights_of(generator)
    x, y = np.meshgrid(np.linspace(-1, 1, SHAPE[1]), np.linspace(-1, 1, SHAPE[0]))
    ramps = generator.normal(0, 20, len(PAIRS))
    # None of it in the rate.
    ramps -= YEARS * (YEARS @ ramps) / (YEARS @ YEARS)
    phases = phases_of(generator, heights, 0.0, 0) + (ramps[:, None, None] * x).astype(np.float32)
    surfaces, nowhere = np.stack([x, y, heights]), np.zeros(SHAPE, bool)
    coefficients, notes = fit_trends(phases, YEARS, surfaces, nowhere, lambda: None, JUDGE)
    np.testing.assert_array_equal(coefficients[:, 2], 0)
    np.testing.assert_allclose(coefficients[:, 0], ramps, atol=0.3)
    assert any(note.startswith("No delay that grows with height was removed") for note in notes)


def test_motion_that_grows_with_height_on_one_slope_is_left() -> None:
    generator = np.random.default_rng(7)
    heights = heights_of(generator)
    slide = np.zeros(SHAPE)
    inside = (slice(20, 42), slice(24, 46))
    slide[inside] = -12.0 * (heights[inside] - heights[inside].min())
    phases = phases_of(generator, heights, 0.0, 3, slide)
    taken, _ = removed(phases, heights)
    assert abs(slope_with_height(phases, heights)) > 0.5
    assert abs(taken) < 0.15


@pytest.mark.parametrize("per_date", [0.0, 0.3])
def test_steady_motion_that_grows_with_height_is_not_a_delay(per_date: float) -> None:
    """A significant slope of the rate, too small for the rule of 1.5 × scatter: only time tells what it is."""
    generator = np.random.default_rng(8)
    heights = heights_of(generator)
    phases = phases_of(generator, heights, per_date, 0, 1.5 * heights)
    taken, notes = removed(phases, heights)
    assert slope_with_height(phases, heights) == pytest.approx(1.5, abs=0.5)
    assert abs(taken) < 0.1
    if per_date:
        assert any("as steadily from date to date" in note for note in notes)


def test_a_slide_is_kept_whole_among_true_delays() -> None:
    generator = np.random.default_rng(9)
    heights = heights_of(generator)
    slide = np.zeros(SHAPE)
    slide[22:40, 26:44] = -8.0
    phases = phases_of(generator, heights, 3.0, 2, slide)
    without = phases - YEARS[:, None, None] * slide
    taken, _ = removed(phases, heights)
    # What the delays themselves leave in the rate, which the slide doesn't change.
    assert taken == pytest.approx(slope_with_height(without, heights), abs=0.35)


def test_the_variance_of_dates_is_true() -> None:
    """Against slopes of dates of known variance, through an own Eq. 1."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(300):
        slopes = INCIDENCE @ generator.normal(0, 2.0, DATES)
        found.append(JUDGE.date_variance(slopes - YEARS * (YEARS @ slopes) / (YEARS @ YEARS)))
    assert np.mean(found) == pytest.approx(4.0, rel=0.05)


def test_a_single_pair_can_not_tell_a_delay_from_motion() -> None:
    judge = HeightDelay(np.array([[-1.0, 1.0]]), np.array([0.0, 12.0]))
    kind, note = judge.judged(50.0, np.zeros(1), np.array([0.1]))
    assert kind == NOISE and "0 rad/km" in note
