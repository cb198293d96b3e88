"""One probability from both orbits' ones: known answers, gaps, streaming, rasters that aren't of two orbits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.detection import FusionRule, OrbitResult, both_orbits, fuse_to_file, fused_probability
from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import BandDescription, BandReader, Grid, write_array
from examples import examples

RULE = FusionRule(blind=0.1, clear=0.4, power=0.5, correlation=0.6, prior=0.1)
SEES, BLIND = 0.8, 0.05
NAN = float("nan")
GRID = Grid("EPSG:32632", (500_000.0, 30.0, 0.0, 5_000_000.0, 0.0, -30.0), 7, 40)


def fused(first: float, second: float, first_sees: float = SEES, second_sees: float = SEES) -> float:
    values = (np.array([value], np.float32) for value in (first, second, first_sees, second_sees))
    return float(fused_probability(*values, RULE)[0])


def raster(path: Path, values: np.ndarray, name: str, grid: Grid = GRID, **tags: str) -> Path:
    write_array(path, grid, values.astype(np.float32), BandDescription(name, "1", tuple(tags.items())))
    return path


@pytest.mark.parametrize("other", [0.001, 0.3, 0.99, NAN])
@pytest.mark.parametrize("probability", [0.02, 0.4, 0.9])
def test_where_one_orbit_is_blind_or_has_no_data_the_other_decides_alone(probability: float, other: float) -> None:
    assert fused(probability, other, SEES, BLIND) == pytest.approx(probability, rel=1e-4)
    assert fused(other, probability, NAN, -0.3) == pytest.approx(probability, rel=1e-4)
    assert fused(probability, NAN, BLIND, SEES) == pytest.approx(probability, rel=1e-4)


def test_the_sum_of_two_orbits_by_hand() -> None:
    """Odds 9 over the prior's 1/9 are 81; half of it held: ln 41, twice, less 0.6 of it, over the prior's odds."""
    odds = 41 ** (2 - 0.6) / 9
    assert fused(0.9, 0.9) == pytest.approx(odds / (1 + odds), rel=1e-4)
    doubted = 41 * (0.5 + 0.5 * (0.01 / 0.99 * 9)) / 9
    assert fused(0.9, 0.01) == pytest.approx(doubted / (1 + doubted), rel=1e-4)


def test_what_both_affirm_is_surer_and_what_one_denies_less_sure() -> None:
    assert fused(0.7, 0.7) > 0.75
    assert fused(0.7, 0.01) < 0.6
    assert fused(0.7, 0.01, SEES, 0.2) > fused(0.7, 0.01), "an orbit that sees little denies little"


def test_where_no_orbit_sees_the_slope_both_count_the_same() -> None:
    assert fused(0.7, 0.2, 0.0, 0.0) == pytest.approx(fused(0.7, 0.2))


def test_no_probability_at_all_is_none() -> None:
    assert np.isnan(fused(NAN, NAN))


@examples(60)
@given(*[st.floats(0, 1, width=32)] * 2, *[st.floats(-1, 1, width=32)] * 2)
def test_orbits_may_be_swapped_and_the_result_is_a_probability(p: float, q: float, s: float, t: float) -> None:
    one = fused(p, q, s, t)
    assert 0 <= one <= 1
    assert one == pytest.approx(fused(q, p, t, s), abs=1e-6)


@examples(40)
@given(st.floats(0, 0.9), st.floats(0.01, 0.1), st.floats(0, 1), st.floats(-1, 1))
def test_a_surer_orbit_never_makes_the_result_less_sure(p: float, more: float, q: float, s: float) -> None:
    assert fused(p + more, q, s) >= fused(p, q, s) - 1e-6


@pytest.mark.parametrize("values", [{"blind": 0.5}, {"power": 1.5}, {"prior": 0.0}, {"correlation": -1}])
def test_constants_that_cant_be_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="can't fuse"):
        FusionRule(**values)


def orbits(folder: Path, seed: int = 3) -> tuple[list[np.ndarray], OrbitResult, OrbitResult]:
    random = np.random.default_rng(seed)
    arrays, results = [], []
    for number, heading in enumerate((348.0, 192.0)):
        probability = random.uniform(0, 1, (40, 7)).astype(np.float32)
        probability[5:9, 2] = NAN
        sensitivity = random.uniform(-1, 1, (40, 7)).astype(np.float32)
        tags = {"THRESHOLD": "0.4", "AREA_CALIBRATION": "1 0 0"}
        results.append(
            OrbitResult(
                raster(folder / f"p{number}.tif", probability, "probability", **tags),
                raster(folder / f"s{number}.tif", sensitivity, "los_sensitivity", HEADING_DEGREES=str(heading)),
            )
        )
        arrays += [probability, sensitivity]
    return arrays, results[0], results[1]


def test_files_in_blocks_hold_what_whole_arrays_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both_orbits, "_BLOCK_PIXELS", 21)
    (p, s, q, t), first, other = orbits(tmp_path)
    fuse_to_file(first, other, tmp_path / "fused.tif", RULE)
    with BandReader(tmp_path / "fused.tif") as reader:
        np.testing.assert_array_equal(reader.read(), fused_probability(p, q, s, t, RULE))
        assert reader.band_count == 3
        assert (reader.tags["THRESHOLD"], "AREA_CALIBRATION" in reader.tags) == ("0.4", False)


def test_orbits_of_one_heading_or_place_are_refused(tmp_path: Path) -> None:
    _, first, other = orbits(tmp_path)
    with pytest.raises(InputError, match="same orbit"):
        fuse_to_file(first, OrbitResult(other.probability, first.los_sensitivity), tmp_path / "fused.tif")
    near = raster(tmp_path / "near.tif", np.full((40, 7), 0.4), "los_sensitivity", HEADING_DEGREES="-10")
    with pytest.raises(InputError, match="same orbit"):
        fuse_to_file(first, OrbitResult(other.probability, near), tmp_path / "fused.tif")
    away = Grid(GRID.crs, (900_000.0, 30.0, 0.0, 5_000_000.0, 0.0, -30.0), 7, 40)
    elsewhere = raster(tmp_path / "away.tif", np.full((40, 7), 0.4), "probability", away)
    with pytest.raises(InputError, match="doesn't overlap"):
        fuse_to_file(first, OrbitResult(elsewhere, other.los_sensitivity), tmp_path / "fused.tif")
    assert not (tmp_path / "fused.tif").exists()
