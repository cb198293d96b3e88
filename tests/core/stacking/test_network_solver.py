"""Phases of dates from pairs: the normal equations of a network, solved for many pixels at once."""

from __future__ import annotations

import numpy as np
import pytest

from ada_mapper.core.stacking import network_solver
from ada_mapper.core.stacking.network_solver import Network, date_phases
from stacks import incidence_of, network_days

DAYS = network_days(12, 3)


def least_squares(phases: np.ndarray, incidence: np.ndarray) -> np.ndarray:
    """Cell by cell over its valid pairs, of smallest norm."""
    found = np.zeros((incidence.shape[1], phases.shape[1]))
    for cell, values in enumerate(phases.T):
        valid = np.isfinite(values)
        found[:, cell] = np.linalg.lstsq(incidence[valid], values[valid], rcond=1e-10)[0]
    return found


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("network_of", ["next three", "chain", "years", "two groups", "ring"])
def test_phases_of_dates_are_least_squares_whatever_is_missing(missing: float, network_of: str) -> None:
    days = {
        "next three": network_days(24, 3),
        "chain": network_days(40, 1),
        "years": network_days(36, 2) + [(12 * index, 12 * (index + 12)) for index in range(24)],
        "two groups": network_days(9, 2) + [(first + 999, second + 999) for first, second in network_days(8, 3)],
        "ring": [*network_days(16, 1), (0, 180)],
    }[network_of]
    incidence = incidence_of(days)
    generator = np.random.default_rng(5)
    phases = generator.normal(0, 3, (len(days), 150))
    phases[generator.random(phases.shape) < missing] = np.nan
    np.testing.assert_allclose(date_phases(phases, incidence), least_squares(phases, incidence), atol=1e-9)


def test_phases_of_dates_are_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    incidence = incidence_of(DAYS)
    phases = np.random.default_rng(0).normal(size=(len(DAYS), 200))
    phases[::3, 50:] = np.nan
    whole = date_phases(phases, incidence)
    monkeypatch.setattr(network_solver, "_SOLVER_BYTES", 1)
    np.testing.assert_allclose(date_phases(phases, incidence), whole, atol=1e-12)


@pytest.mark.parametrize("ground", [0.0, 1e-4, 0.3, 40.0])
@pytest.mark.parametrize("pixels", [1, 60])
def test_weighted_and_grounded_networks_are_solved_as_dense_matrices_are(ground: float, pixels: int) -> None:
    days = network_days(9, 2) + [(first + 999, second + 999) for first, second in network_days(6, 3)]
    incidence = incidence_of(days)
    generator = np.random.default_rng(4)
    weights = generator.uniform(0.1, 20, (len(days), pixels)) * (generator.random((len(days), pixels)) < 0.6)
    network = Network.of(incidence)
    phases = generator.normal(0, 2, (len(days), 60))
    factors = network.factored(weights, ground)
    found = factors.solve(network.of_dates(weights * phases))
    for pixel in range(60):
        weight = weights[:, pixel % pixels]
        normal = incidence.T @ (weight[:, None] * incidence) + ground * np.eye(incidence.shape[1])
        right = incidence.T @ (weight * phases[:, pixel])
        expected = np.linalg.pinv(normal, rcond=1e-12) @ right
        np.testing.assert_allclose(found[:, pixel], expected, rtol=1e-8, atol=1e-9)
        if not ground:
            assert factors.rank[pixel % pixels] == np.linalg.matrix_rank(normal, tol=1e-9)


def test_sums_of_dates_and_differences_of_pairs_are_those_of_the_incidence_matrix() -> None:
    incidence = incidence_of(DAYS)
    network = Network.of(incidence)
    values = np.random.default_rng(0).normal(size=(len(DAYS), 7))
    np.testing.assert_allclose(network.of_dates(values), incidence.T @ values, atol=1e-12)
    dates = np.random.default_rng(1).normal(size=(incidence.shape[1], 7))
    np.testing.assert_allclose(network.of_pairs(dates), incidence @ dates, atol=1e-12)


@pytest.mark.parametrize("ground", [0.0, 0.3, "of each pixel"])
@pytest.mark.parametrize("pixels", [1, 60])
def test_variances_of_pairs_are_those_of_dense_matrices(ground: float | str, pixels: int) -> None:
    days = network_days(9, 3)
    incidence = incidence_of(days)
    generator = np.random.default_rng(5)
    weights = generator.uniform(0.1, 20, (len(days), pixels)) * (generator.random((len(days), pixels)) < 0.6)
    springs = generator.uniform(0.01, 2, pixels) if isinstance(ground, str) else np.full(pixels, ground)
    found = Network.of(incidence).factored(weights, springs if isinstance(ground, str) else ground).pair_variances()
    for pixel in range(pixels):
        weight = weights[:, pixel]
        normal = incidence.T @ (weight[:, None] * incidence) + springs[pixel] * np.eye(incidence.shape[1])
        expected = np.einsum("ij,jk,ik->i", incidence, np.linalg.pinv(normal, rcond=1e-12), incidence)
        known = (weight > 0) | (springs[pixel] > 0)
        np.testing.assert_allclose(found[known, pixel], expected[known], rtol=1e-8)
