"""What is no landslide: known answers of each source, and how often each kind is drawn."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.errors import InputError
from ada_mapper.core.satellite import Viewing, to_los_rate
from ada_mapper.core.simulation import Terrain
from ada_mapper.core.simulation.atmosphere import FieldPool
from ada_mapper.core.simulation.deep_sources import mogi, point_sill
from ada_mapper.core.simulation.glaciers import draw_glacier
from ada_mapper.core.simulation.ground import Ground, joined, polygon, watersheds
from ada_mapper.core.simulation.linear_works import draw_road
from ada_mapper.core.simulation.lost_cycle_blocks import LostCycles, draw_lost_cycle_block, draw_lost_cycles
from ada_mapper.core.simulation.mining import Trough, draw_longwall
from ada_mapper.core.simulation.network import PairNetwork, regular_network
from ada_mapper.core.simulation.other_motion import (
    DRAWN,
    OCCURRENCE,
    OTHER_KINDS,
    Occurrence,
    draw_other_motion,
)
from examples import examples

ASCENDING = Viewing(348, 38)
POOL = FieldPool(5, 30.0, 256, 2, (-2.8, -3.2), 600.0, 4000.0)
NOTHING = Occurrence(**dict.fromkeys(DRAWN, 0.0))


def valleys(size: int = 128, relief: float = 900.0) -> Terrain:
    """Two parallel valleys that fall to the south onto a plain, between ridges 1.9 km apart."""
    rows, columns = np.indices((size, size), np.float64)
    across = np.abs(np.sin(columns * math.pi / 64))
    fall = relief * np.maximum(0.8 - rows / size, 0.01 * (1 - rows / size))
    return Terrain(
        (1000 + fall + 0.6 * relief * np.minimum(across, fall / relief + 0.02) + 3 * np.sin(rows / 5)).astype(
            np.float32
        ),
        30.0,
    )


def ground(network: PairNetwork | None = None) -> Ground:
    return Ground(valleys(), POOL, ASCENDING, network or regular_network(2.0))


# Lost cycles


def test_triplets_are_those_of_a_search_through_all_pairs() -> None:
    network = regular_network(0.6, 12, lost=0.3, rng=np.random.default_rng(3))
    pairs = list(zip(network.first.tolist(), network.second.tolist()))
    expected = {
        (i, j, k)
        for i, j, k in itertools.product(range(len(pairs)), repeat=3)
        if pairs[i][1] == pairs[j][0] and pairs[k] == (pairs[i][0], pairs[j][1])
    }
    assert expected
    assert set(map(tuple, network.triplets.tolist())) == expected


def test_the_step_of_lost_cycles_is_that_of_equation_1() -> None:
    network = PairNetwork(np.array([0.0, 12, 24, 36]), np.array([0, 1, 2, 0]), np.array([1, 2, 3, 2]))
    lost = LostCycles(np.array([0, 1, 0, 1]))
    years = np.array([12, 12, 12, 24]) / 365.25
    phases = 2 * math.pi * np.array([0, 1, 0, 1])
    assert lost.step(network) == pytest.approx(np.sum(years * phases) / np.sum(years**2), rel=1e-12)
    assert lost.unclosed(network) == 0  # 0–1 is right, 1–2 and 0–2 lost one: 0 + 1 - 1
    assert LostCycles(np.array([0, 1, 0, 0])).unclosed(network) == 1


@examples(30)
@given(st.integers(0, 10_000))
def test_drawn_cycles_make_a_step_of_a_few_mm_per_year(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = regular_network(rng.uniform(0.75, 6), 12, lost=rng.uniform(0, 0.6), rng=rng)
    lost = draw_lost_cycles(rng, network)
    one = 2 * math.pi * network.intervals.max() / 365.25 / network.squared_sum
    step = abs(float(to_los_rate(np.float32(lost.step(network)))))
    assert 1.9 < step < 22.1 + abs(float(to_los_rate(np.float32(one))))


def test_some_blocks_close_and_most_do_not() -> None:
    rng, network = np.random.default_rng(0), regular_network(2.5)
    shares = np.array([draw_lost_cycles(rng, network).unclosed(network) for _ in range(200)])
    assert 0.1 < np.mean(shares == 0) < 0.4


def test_a_block_has_the_steps_of_whole_cycles_and_no_motion() -> None:
    network = regular_network(1.5)
    quantum = 2 * math.pi * 12 / 365.25 / network.squared_sum
    found = 0
    for seed in range(30):
        for patch in draw_lost_cycle_block(np.random.default_rng(seed), ground(network)):
            assert patch.los_rate is None and patch.apparent_rate is not None
            values, counts = np.unique(np.round(patch.apparent_rate[patch.where], 4), return_counts=True)
            if counts.max() > 20:
                found += 1
                share = values[counts.argmax()] / quantum
                assert share == pytest.approx(round(share), abs=2e-3)
    assert found > 10


# Deep sources


def test_mogi_is_the_sphere_of_the_textbook() -> None:
    # Above 1e6 m³ at 2 km: (1 - 0.25)·1e6/π/2000² m up; at r = d, 1/√8 of it both outward and up.
    east, north = np.array([0.0, 2000, 0]), np.array([0.0, 0, -2000])
    moved_east, moved_north, up = mogi(east, north, 2000.0, 1e6)
    top = 0.75e6 / math.pi / 4e6
    assert up == pytest.approx([top, top / math.sqrt(8), top / math.sqrt(8)], rel=1e-5)
    assert moved_east == pytest.approx([0, top / math.sqrt(8), 0], rel=1e-5)
    assert moved_north == pytest.approx([0, 0, -top / math.sqrt(8)], rel=1e-5)


@pytest.mark.parametrize(("source", "share"), [(mogi, 2 * 0.75), (point_sill, 1.0)])
def test_the_uplifted_volume_is_the_sources(source: object, share: float) -> None:
    """∫ u_z dA = 2(1 - ν)ΔV for a sphere, ΔV for a level crack."""
    step = 100.0
    axis = np.arange(-150_000, 150_001, step)
    total = 0.0
    for north in np.array_split(axis, 30):
        _, _, up = source(axis[None, :], north[:, None], 1500.0, 1e6)  # type: ignore[operator]
        total += float(up.astype(np.float64).sum()) * step**2
    assert total == pytest.approx(share * 1e6, rel=0.02)


# Mines


def test_a_trough_holds_the_volume_of_its_panel_and_pulls_toward_its_middle() -> None:
    trough = Trough(half_length=400, half_width=100, radius=120, rate=80)
    axis = np.arange(-1000, 1001, 10.0).astype(np.float32)
    along, right, up = trough.motion(axis[:, None], axis[None, :])
    assert float(up.sum()) * 100 == pytest.approx(-80 * 800 * 200, rel=1e-3)
    middle = len(axis) // 2
    assert up[middle, middle] == pytest.approx(-80 * math.erf(math.sqrt(math.pi) * 100 / 120), rel=1e-4)
    edge = middle + 40
    assert up[edge, middle] == pytest.approx(up[middle, middle] / 2, rel=1e-3)
    # Over the edge of a wide panel the tilt is rate/radius; the ground moves back toward the panel.
    wide = Trough(400, 400, 120, 80).motion(axis[:, None], axis[None, :])[0]
    assert wide[edge, middle] == pytest.approx(-0.35 * 80, rel=1e-3)
    assert wide[middle - 40, middle] == pytest.approx(0.35 * 80, rel=1e-3)
    assert abs(along).max() <= 0.351 * 80 and abs(right).max() <= 0.351 * 80


def test_longwall_troughs_sink() -> None:
    for seed in range(5):
        (patch,) = draw_longwall(np.random.default_rng(seed), ground())
        assert patch.apparent_rate is None and patch.los_rate is not None
        assert patch.los_rate[patch.where].mean() < 0


# Surfaces


def test_gaps_of_glaciers_lie_inside_them() -> None:
    holes = 0
    for seed in range(40):
        for patch in draw_glacier(np.random.default_rng(seed), ground()):
            assert patch.apparent_rate is not None
            assert np.abs(to_los_rate(patch.apparent_rate)).max() <= 50.001
            assert (patch.apparent_rate[patch.where] != 0).any()
            if patch.gaps is not None:
                holes += int(patch.gaps.sum())
                assert not (patch.gaps & ~patch.where).any()
    assert holes > 100


def test_no_glacier_on_gentle_ground() -> None:
    gentle = Ground(valleys(relief=150.0), POOL, ASCENDING, regular_network(1.0))
    assert all(draw_glacier(np.random.default_rng(seed), gentle) == [] for seed in range(10))


def test_roads_are_one_to_a_few_pixels_wide() -> None:
    from scipy import ndimage

    seen = 0
    for seed in range(30):
        for patch in draw_road(np.random.default_rng(seed), ground()):
            if patch.where.any():
                seen += 1
                assert ndimage.distance_transform_cdt(np.pad(patch.where, 1), "chessboard").max() <= 4
    assert seen > 10


# Helpers of the terrain


def test_watersheds_of_a_corrugated_roof_are_its_troughs() -> None:
    columns = np.arange(40, dtype=np.float32)
    heights = np.tile(np.abs(np.sin(columns * math.pi / 20)) * 100, (30, 1))
    labels = watersheds(np.ascontiguousarray(heights + np.arange(30)[:, None], np.float32))
    assert len(np.unique(labels)) == 3  # the troughs at columns 0, 20 and 40, of which the last lies outside
    assert len(np.unique(labels[:, 11:29])) == 1


def test_paths_have_no_jumps_and_keep_their_stops() -> None:
    path = joined(np.array([[3, 4], [3, 9], [7, 2]]))
    assert np.abs(np.diff(path, axis=0)).max() == 1
    assert {(3, 4), (3, 9), (7, 2)} <= set(map(tuple, path.tolist()))


def test_a_polygon_is_convex_and_holds_its_centre() -> None:
    axis = np.linspace(-300, 300, 61, dtype=np.float32)
    share = polygon(np.random.default_rng(1), axis[:, None], axis[None, :], 100.0, 6)
    inside = share < 1
    assert share[30, 30] == 0 and inside[30, 30]
    for line in (*inside, *inside.T):
        assert np.abs(np.diff(line.astype(int))).sum() <= 2


# All together


def test_kinds_have_one_name_each_and_a_rate_each() -> None:
    rates = {field.name for field in dataclasses.fields(Occurrence)} - {"spread"}
    assert rates == set(DRAWN) == set(OTHER_KINDS[1:])
    assert OTHER_KINDS[0] == "none"


def test_as_many_are_drawn_as_the_occurrence_says() -> None:
    rng, area, draws = np.random.default_rng(8), 59.0, 6000
    sums = dict.fromkeys(DRAWN, 0)
    for _ in range(draws):
        for kind, count in OCCURRENCE.counts(rng, area).items():
            sums[kind] += count
    for kind, total in sums.items():
        mean = getattr(OCCURRENCE, kind) * area / 100
        # Variance of a Poisson number whose own mean has the relative spread given.
        error = math.sqrt((mean + (mean * OCCURRENCE.spread) ** 2) / draws)
        assert total / draws == pytest.approx(mean, abs=4.5 * error), kind


def test_nothing_is_drawn_where_nothing_occurs() -> None:
    other = draw_other_motion(np.random.default_rng(1), valleys(), ASCENDING, regular_network(1.0), POOL, NOTHING)
    assert not other.los_rate.any() and not other.apparent_rate.any() and not other.kind.any()
    assert not other.gaps.any() and not other.unclosed.any() and (other.coherence == 1).all()


@pytest.mark.parametrize("kind", DRAWN)
def test_each_kind_can_be_drawn_alone_and_again(kind: str) -> None:
    only = dataclasses.replace(NOTHING, **{kind: 40.0}, spread=0.1)
    seen = 0
    for seed in range(4):
        worlds = [
            draw_other_motion(np.random.default_rng(seed), valleys(), ASCENDING, regular_network(1.5), POOL, only)
            for _ in range(2)
        ]
        for field in dataclasses.fields(worlds[0]):
            first, second = (getattr(world, field.name) for world in worlds)
            assert first.shape == (128, 128)
            assert np.array_equal(first, second)
        other = worlds[0]
        assert set(np.unique(other.kind)) <= {0, OTHER_KINDS.index(kind)}
        assert np.isfinite(other.los_rate).all() and np.isfinite(other.apparent_rate).all()
        assert other.coherence.min() >= 0 and other.coherence.max() <= 1
        assert other.unclosed.min() >= 0 and other.unclosed.max() <= 1
        assert {getattr(other, name).dtype for name in ("los_rate", "apparent_rate", "coherence", "unclosed")} == {
            np.dtype(np.float32)
        }
        seen += int((other.kind > 0).sum())
    assert seen > 0


def test_impossible_rates_of_occurrence_are_refused() -> None:
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="glacier"):
            Occurrence(glacier=value)
