"""Rates by generalised least squares, and what residuals tell of the noise of dates and pairs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.errors import InputError
from ada_mapper.core.stacking import NoiseLevels, network_rates, noise_of_network, stack_phases
from ada_mapper.core.stacking.network_rate import RateModel, noise_terms_of, with_annual_terms
from examples import examples
from stacks import incidence_of, network_days, years_of

NETWORKS = {
    "next three": network_days(9, 3),
    "chain": network_days(8, 1),
    "two groups": network_days(5, 2) + [(first + 500, second + 500) for first, second in network_days(5, 3)],
    "one pair twice": [(0, 12), (0, 12), (12, 24), (0, 24)],
    "pairs of their own": [(0, 12), (24, 48), (60, 72)],
}


class Sums(NamedTuple):
    """What a dense computation says of one pixel."""

    rate: float
    closure: float
    redundancy: int
    scatter: float
    pair_share: float
    date_gain: float
    pair_gain: float


def dense(phases: np.ndarray, years: np.ndarray, incidence: np.ndarray, weights: np.ndarray, ratio: float) -> Sums:
    """One pixel by the covariance matrix C = ratio² AA' + W⁻¹ itself; a ratio of 0 is equation 1."""
    kept = weights > 0
    values, spans, ends, weight = phases[kept], years[kept], incidence[kept], np.diag(weights[kept])
    inverse = np.linalg.inv(ratio**2 * ends @ ends.T + np.linalg.inv(weight))
    share = inverse @ spans / (spans @ inverse @ spans)
    root = np.sqrt(weight)
    outside = np.eye(len(spans)) - root @ ends @ np.linalg.pinv(root @ ends, rcond=1e-10)
    one = weight @ spans / (spans @ weight @ spans)
    residual = np.eye(len(spans)) - np.outer(spans, one)
    of_dates = np.trace(weight @ residual @ ends @ ends.T @ residual.T) or np.nan
    return Sums(
        share @ values,
        float(np.sum((outside @ root @ values) ** 2)),
        len(spans) - int(np.linalg.matrix_rank(ends)),
        (residual @ values) @ weight @ (residual @ values) / of_dates,
        np.trace(weight @ residual @ np.linalg.inv(weight) @ residual.T) / of_dates,
        float(np.sum((ends.T @ share) ** 2)),
        share @ np.linalg.inv(weight) @ share,
    )


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0, 7.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
@given(seed=st.integers(0, 1000), missing=st.sampled_from([0.0, 0.3, 0.6]))
@examples(4)
def test_rates_and_noise_are_those_of_dense_matrices(
    name: str, weighted: bool, ratio: float, seed: int, missing: float
) -> None:
    days = NETWORKS[name]
    incidence, years = incidence_of(days), years_of(days)
    generator = np.random.default_rng(seed)
    phases = generator.normal(0, 2, (len(days), 12))
    phases[generator.random(phases.shape) < missing] = np.nan
    phases[:, 0] = np.abs(np.nan_to_num(phases[:, 0]))
    weights = generator.uniform(0.2, 20, phases.shape) if weighted else None
    model = RateModel.of(years, incidence, NoiseLevels(ratio, 1) if ratio else None)
    found = network_rates(phases, years, incidence, model.noise, weights)
    terms = noise_terms_of(model, phases, weights)
    for pixel in range(phases.shape[1]):
        valid = np.isfinite(phases[:, pixel])
        assert found.count[pixel] == valid.sum()
        if not valid.any():
            assert np.isnan(found.rate[pixel])
            continue
        weight = np.where(valid, 1.0 if weights is None else weights[:, pixel], 0)
        expected = dense(phases[:, pixel], years, incidence, weight, ratio)
        assert found.rate[pixel] == pytest.approx(expected.rate, rel=1e-9, abs=1e-9)
        assert terms.closure[pixel] == pytest.approx(expected.closure, rel=1e-8, abs=1e-8)
        assert terms.redundancy[pixel] == expected.redundancy
        assert terms.date_gain[pixel] == pytest.approx(expected.date_gain, rel=1e-8)
        assert terms.pair_gain[pixel] == pytest.approx(expected.pair_gain, rel=1e-8)
        assert terms.freedom[pixel] == max(np.linalg.matrix_rank(incidence[valid]) - 1, 0)
        if terms.freedom[pixel] > 0:
            assert terms.scatter[pixel] == pytest.approx(expected.scatter, rel=1e-7)
            assert terms.pair_share[pixel] == pytest.approx(expected.pair_share, rel=1e-7)


def test_one_pixel_is_as_good_as_many() -> None:
    days = NETWORKS["next three"]
    incidence, years = incidence_of(days), years_of(days)
    generator = np.random.default_rng(3)
    phases, weights = generator.normal(0, 2, (len(days), 3)), generator.uniform(0.2, 20, (len(days), 3))
    phases[2, 1] = np.nan
    for chosen in (None, weights):
        many = network_rates(phases, years, incidence, NoiseLevels(1, 0.4), chosen)
        for pixel in range(3):
            own = None if chosen is None else chosen[:, [pixel]]
            one = network_rates(phases[:, [pixel]], years, incidence, NoiseLevels(1, 0.4), own)
            assert one.rate[0] == pytest.approx(many.rate[pixel], rel=1e-9)
            assert one.standard_error[0] == pytest.approx(many.standard_error[pixel], rel=1e-9)


def test_without_noise_of_dates_the_rate_is_equation_1() -> None:
    days = NETWORKS["next three"]
    phases = np.random.default_rng(0).normal(0, 2, (len(days), 300))
    phases[np.random.default_rng(1).random(phases.shape) < 0.3] = np.nan
    expected = stack_phases(phases, years_of(days)).rate
    for noise in (None, NoiseLevels(0, 1), NoiseLevels(1e-9, 1)):
        found = network_rates(phases, years_of(days), incidence_of(days), noise)
        np.testing.assert_allclose(found.rate, expected, rtol=1e-9)


def test_a_steady_rate_is_found_whatever_the_noise_is_taken_for() -> None:
    days = NETWORKS["two groups"]
    phases = np.outer(years_of(days), np.linspace(-30, 30, 80))
    phases[np.random.default_rng(1).random(phases.shape) < 0.4] = np.nan
    found = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(5, 0.001))
    np.testing.assert_allclose(found.rate, np.linspace(-30, 30, 80), rtol=1e-8)
    assert np.nanmax(found.standard_error) < 1e-6


def test_a_rate_needs_as_many_pairs_as_are_asked_for() -> None:
    days = NETWORKS["next three"]
    phases = np.ones((len(days), 2))
    phases[5:, 0] = np.nan
    found = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(1, 1), min_pairs=6)
    assert np.isnan(found.rate[0]) and found.count[0] == 5 and np.isfinite(found.rate[1])


def test_shape_of_the_pixels_is_kept_and_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    days = NETWORKS["next three"]
    phases = np.random.default_rng(0).normal(0, 2, (len(days), 40, 50))
    phases[np.random.default_rng(1).random(phases.shape) < 0.1] = np.nan
    whole = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(1, 1))
    monkeypatch.setattr("ada_mapper.core.stacking.network_rate._VALUES_AT_A_TIME", 1)
    parts = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(1, 1))
    assert whole.rate.shape == (40, 50)
    np.testing.assert_allclose(parts.rate, whole.rate, rtol=1e-12)
    np.testing.assert_allclose(parts.standard_error, whole.standard_error, rtol=1e-9)


def test_more_pairs_than_fit_in_one_word_are_told_apart() -> None:
    days = network_days(30, 3)
    generator = np.random.default_rng(3)
    phases = generator.normal(0, 2, (len(days), 200))
    # Pixels that differ in the first, in the last, or in no pair.
    phases[0, ::3] = np.nan
    phases[-1, ::2] = np.nan
    incidence, years = incidence_of(days), years_of(days)
    found = network_rates(phases, years, incidence, NoiseLevels(1, 0.5))
    for pixel in range(12):
        weight = np.isfinite(phases[:, pixel]).astype(float)
        expected = dense(phases[:, pixel], years, incidence, weight, 2.0).rate
        assert found.rate[pixel] == pytest.approx(expected, rel=1e-9)


SIXTEEN = [
    (dates, reach, lost, noise)
    for dates, reach in ((31, 2), (31, 3), (92, 3))
    for lost in (0.0, 0.3)
    for noise in ((1, 0.3), (1, 1), (0.3, 1), (0, 1))
]


@pytest.mark.parametrize(("dates", "reach", "lost", "noise"), SIXTEEN)
def test_the_network_rate_is_as_good_as_the_best_and_both_errors_are_true(
    dates: int, reach: int, lost: float, noise: tuple[float, float]
) -> None:
    days = network_days(dates, reach)
    incidence, years = incidence_of(days), years_of(days)
    generator = np.random.default_rng(dates + reach)
    pixels = 2500
    phases = incidence @ generator.normal(0, noise[0], (dates, pixels)) + generator.normal(
        0, noise[1], (len(days), pixels)
    )
    phases[generator.random(phases.shape) < lost] = np.nan
    levels = noise_of_network(phases, years, incidence)
    assert levels is not None
    assert levels.date == pytest.approx(noise[0], rel=0.1, abs=0.15)
    assert levels.pair == pytest.approx(noise[1], rel=0.05)
    best = network_rates(phases, years, incidence, NoiseLevels(*noise), with_error=False).rate.std()
    network = network_rates(phases, years, incidence, levels)
    plain = network_rates(phases, years, incidence, None)
    assert network.rate.std() <= 1.03 * best
    assert network.rate.std() <= plain.rate.std() * (1 + 1e-6) or noise[0] == 0
    assert network.rate.std() <= 1.003 * plain.rate.std()
    for found in (network, plain):
        claimed = np.sqrt(np.nanmean(found.standard_error**2))
        assert 0.9 < claimed / found.rate.std() < 1.1
        covered = np.mean(np.abs(found.rate) < 1.96 * found.standard_error)
        assert 0.92 < covered < 0.97


@pytest.mark.parametrize("shared", [False, True])
def test_errors_are_true_with_weights(shared: bool) -> None:
    """Pair noise of the variance that the weights say, and dates that have noise of their own or not."""
    days = network_days(31, 3)
    incidence, years = incidence_of(days), years_of(days)
    generator = np.random.default_rng(8)
    weights = generator.uniform(0.2, 8, (len(days), 4000))
    phases = generator.normal(0, 1, weights.shape) / np.sqrt(weights)
    if shared:
        phases += incidence @ generator.normal(0, 0.6, (31, 4000))
    phases[generator.random(phases.shape) < 0.2] = np.nan
    levels = noise_of_network(phases, years, incidence, weights)
    assert levels is not None and levels.pair == pytest.approx(1, rel=0.05)
    for noise in (levels, None):
        found = network_rates(phases, years, incidence, noise, weights)
        claimed = np.sqrt(np.nanmean(found.standard_error**2))
        assert 0.9 < claimed / found.rate.std() < 1.1
        assert 0.92 < np.mean(np.abs(found.rate) < 1.96 * found.standard_error) < 0.97


def test_a_tree_of_pairs_tells_neither_noise_nor_error() -> None:
    days = network_days(10, 1)
    phases = np.random.default_rng(0).normal(size=(len(days), 50))
    assert noise_of_network(phases, years_of(days), incidence_of(days)) is None
    found = network_rates(phases, years_of(days), incidence_of(days), NoiseLevels(1, 1))
    assert np.isfinite(found.rate).all() and np.isnan(found.standard_error).all()


@pytest.mark.parametrize("levels", [(-1, 1), (0, 0), (np.nan, 1), (1, np.inf)])
def test_noise_is_finite_and_not_negative(levels: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        NoiseLevels(*levels)


@pytest.mark.parametrize("ratio", [0.0, 2.0])
def test_annual_terms_are_those_of_dense_least_squares(ratio: float) -> None:
    days = network_days(44, 3)
    incidence, years = incidence_of(days), years_of(days)
    times = 12 * np.arange(44) / 365.25
    generator = np.random.default_rng(2)
    phases = generator.normal(0, 1, (len(days), 30))
    phases[generator.random(phases.shape) < 0.3] = np.nan
    phases[12:, 0] = np.nan
    model = RateModel.of(
        with_annual_terms(years, incidence, times), incidence, NoiseLevels(ratio, 1) if ratio else None
    )
    found = network_rates(phases, model.design, incidence, model.noise).rate
    terms = noise_terms_of(model, phases)
    for pixel in range(1, 30):
        valid = np.isfinite(phases[:, pixel])
        ends = incidence[valid]
        design = np.column_stack([years[valid], ends @ np.sin(2 * np.pi * times), ends @ np.cos(2 * np.pi * times)])
        inverse = np.linalg.inv(ratio**2 * ends @ ends.T + np.eye(len(ends)))
        share = (np.linalg.inv(design.T @ inverse @ design) @ design.T @ inverse)[0]
        assert found[pixel] == pytest.approx(share @ phases[valid, pixel], rel=1e-8)
        assert terms.date_gain[pixel] == pytest.approx(np.sum((ends.T @ share) ** 2), rel=1e-8)
        outside = np.eye(len(ends)) - design @ np.linalg.pinv(design)
        of_dates = np.trace(outside @ ends @ ends.T)
        residual = outside @ phases[valid, pixel]
        assert terms.scatter[pixel] == pytest.approx(residual @ residual / of_dates, rel=1e-7)
        assert terms.pair_share[pixel] == pytest.approx((len(ends) - 3) / of_dates, rel=1e-7)
    # Twelve pairs of the first two months can't tell a rate from a season.
    assert np.isnan(found[0])


@pytest.mark.parametrize("noise", [None, NoiseLevels(1, 0.3)])
@pytest.mark.parametrize("dates", [39, 62])
def test_annual_terms_keep_a_season_out_of_the_rate_for_little_noise(noise: NoiseLevels | None, dates: int) -> None:
    """39 dates last 1.25 years, 62 two years."""
    days = network_days(dates, 3)
    incidence, years = incidence_of(days), years_of(days)
    times = 12 * np.arange(dates) / 365.25
    design = with_annual_terms(years, incidence, times)
    season = np.stack([1.1 * np.sin(2 * np.pi * times + phase) for phase in np.linspace(0, 6, 9)], axis=1)
    phases = 3 * years[:, None] + incidence @ season
    biased = network_rates(phases, years, incidence, noise).rate - 3
    without = network_rates(phases, design, incidence, noise).rate - 3
    assert np.abs(biased).max() > 0.1 and np.abs(without).max() < 1e-8
    generator = np.random.default_rng(1)
    air = incidence @ generator.normal(0, 1, (dates, 4000)) + generator.normal(0, 0.3, (len(days), 4000))
    plain, seasonal = (network_rates(air, columns, incidence, noise) for columns in (years, design))
    assert seasonal.rate.std() < 1.06 * plain.rate.std()
    assert 0.9 < math.sqrt(np.mean(seasonal.standard_error**2)) / seasonal.rate.std() < 1.1
