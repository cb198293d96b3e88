"""The wider world of landslides: where bodies lie, how they move, and what of them is labelled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import label as pieces

from ada_mapper.core.models import IGNORED
from ada_mapper.core.satellite import Viewing
from ada_mapper.core.simulation import Terrain
from ada_mapper.core.simulation.atmosphere import FieldPool
from ada_mapper.core.simulation.ground import Landforms
from ada_mapper.core.simulation.hillslopes import Body, flow_body, slope_body, two_lobed_body
from ada_mapper.core.simulation.landslide_kinds import KINDS, draw_moving, rotating, translating
from ada_mapper.core.simulation.landslides import (
    LABEL_PEAK,
    Landslides,
    draw_landslides,
    label_landslides,
    landslide_los_rate,
)
from ada_mapper.core.simulation.terrain import eroded_terrain
from ada_mapper.core.simulation.wide_landslides import (
    AREA_LIMITS,
    SPEED_LIMITS,
    draw_wide_landslides,
    label_whole_landslides,
)

ASCENDING = Viewing(348, 38)
POOL = FieldPool(5, 30.0, 512, 3, (-2.8, -3.2), 600.0, 4000.0)
SIZE = 30.0
PIXEL_AREA = 900.0


@pytest.fixture(scope="module")
def mountains() -> Terrain:
    return Terrain(eroded_terrain(np.random.default_rng(3), 256, SIZE), SIZE)


@pytest.fixture(scope="module")
def worlds(mountains: Terrain) -> list[Landslides]:
    ground = Landforms(mountains, POOL)
    return [draw_wide_landslides(np.random.default_rng([2, seed]), ground, 8) for seed in range(25)]


def slope_to(azimuth: float, fall: float, size: int = 96) -> Landforms:
    """A plane that falls by ``fall`` metres a metre toward an azimuth (degrees clockwise from north)."""
    rows, columns = np.indices((size, size), np.float64)
    toward = columns * SIZE * math.sin(math.radians(azimuth)) - rows * SIZE * math.cos(math.radians(azimuth))
    return Landforms(Terrain((4000 - fall * toward).astype(np.float32), SIZE), POOL)


def valley(size: int = 96) -> Landforms:
    """A V-shaped valley along the middle column that falls to the south by 0.3, its sides by 0.4."""
    rows, columns = np.indices((size, size), np.float64)
    return Landforms(
        Terrain((3000 - 0.3 * SIZE * rows + 0.4 * SIZE * np.abs(columns - size // 2)).astype(np.float32), SIZE), POOL
    )


def strip(down: np.ndarray, azimuth: float = 90.0) -> Body:
    """A body one pixel high with these positions from head (−1) to toe (1)."""
    window = (slice(10, 11), slice(10, 10 + down.size))
    row = down[None, :].astype(np.float32)
    return Body(window, np.zeros_like(row), row, np.zeros_like(row), math.radians(azimuth), 100.0)


# Motion


def test_a_slump_is_a_rigid_turn_about_the_centre_of_its_slip_circle() -> None:
    fall, bend = 0.4, math.radians(35)
    ground, down = slope_to(90, fall), np.linspace(-1, 1, 41)
    body = strip(down)
    east, north, up = rotating(ground, body, body.down, bend, np.ones((1, 41), np.float32))
    assert np.allclose(north, 0, atol=1e-6)
    # The chord, 2 long, falls to the east; the centre lies above its middle, at the distance that gives the bend.
    slope = math.atan(fall)
    along, normal = np.array([math.cos(slope), -math.sin(slope)]), np.array([math.sin(slope), math.cos(slope)])
    centre = normal / math.tan(bend)
    arms = down[:, None] * along - centre
    velocity = np.column_stack([east[0], up[0]])
    assert np.allclose((arms * velocity).sum(axis=1), 0, atol=1e-4)
    turns = np.hypot(*velocity.T) / np.hypot(*arms.T)
    assert np.allclose(turns, turns[0], rtol=1e-4)
    # The whole keeps its volume: as much leaves the slope at the toe as sinks into it at the head.
    out = velocity @ normal
    assert out[0] < 0 < out[-1] and abs(out.sum()) < 1e-3
    dips = np.degrees(np.arctan2(-up[0], east[0]))
    assert dips[[0, 20, 40]] == pytest.approx(np.degrees(slope) + np.array([35, 0, -35]), abs=0.1)


def test_one_line_of_sight_sees_both_signs_of_a_slump() -> None:
    ground, down = slope_to(90, math.tan(math.radians(15))), np.linspace(-1, 1, 41)
    body = strip(down)
    motion = rotating(ground, body, body.down, math.radians(45), np.full((1, 41), 20, np.float32))
    slides = Landslides(np.ones((1, 41), np.float32), np.ones((1, 41), np.int32), 1, motion)
    rate = landslide_los_rate(slides, ground.terrain, Viewing(192, 38))[0]  # looks west: the slope comes toward it
    assert rate[0] < 0 < rate[-1]
    assert np.all(np.diff(rate) > 0)


@pytest.mark.parametrize("plane", [0.0, 0.5, 1.0])
def test_translation_is_tangent_to_the_slope(mountains: Terrain, plane: float) -> None:
    ground = Landforms(mountains, POOL)
    row, column = np.argwhere((mountains.motion_slope > 15) & (mountains.motion_slope < 30))[200]
    body = slope_body(np.random.default_rng(2), ground, int(row), int(column), 300, 150)
    speed = (body.radius < 1).astype(np.float32) * 40
    east, north, up = translating(ground, body, plane, speed)
    inside = speed > 0
    east_gradient, north_gradient = (values[body.window][inside] for values in mountains.motion_gradient)
    if plane == 0.5:
        east_gradient, north_gradient = ((part + part.mean()) / 2 for part in (east_gradient, north_gradient))
    if plane == 1.0:
        east_gradient, north_gradient = east_gradient.mean(), north_gradient.mean()
    assert np.allclose(up[inside], east_gradient * east[inside] + north_gradient * north[inside], atol=1e-3)
    assert np.allclose(np.sqrt(east**2 + north**2 + up**2), speed, atol=1e-3)
    assert (up[inside] < 0).all()


def test_the_mirrored_motion_looks_the_same_from_the_mirrored_orbit(
    worlds: list[Landslides], mountains: Terrain
) -> None:
    slides = worlds[0]
    assert slides.motion is not None
    east, north, up = slides.motion
    flipped = replace(slides, motion=(-east[:, ::-1], north[:, ::-1], up[:, ::-1]))
    mirror = Terrain(np.ascontiguousarray(mountains.dem[:, ::-1]), SIZE)
    seen = landslide_los_rate(flipped, mirror, ASCENDING.mirrored)
    np.testing.assert_allclose(seen[:, ::-1], landslide_los_rate(slides, mountains, ASCENDING), atol=1e-3)


def test_an_earthflow_moves_along_its_channel() -> None:
    ground = valley()
    body = flow_body(np.random.default_rng(4), ground, 20, 48, 1200, 60, 1.6)
    assert body is not None
    inside = body.radius < 1
    rows, columns = np.nonzero(inside)
    rows, columns = rows + body.window[0].start, columns + body.window[1].start
    assert abs(columns.mean() - 48) < 1.5 and np.abs(columns - 48).max() <= 7
    assert rows.max() - rows.min() > 30
    # It lies below the ground beside it.
    beside = np.concatenate([ground.terrain.dem[rows, columns - 8], ground.terrain.dem[rows, columns + 8]])
    assert ground.terrain.dem[rows, columns].mean() < beside.mean() - 60
    # The toe is wider than the middle.
    widths = [(inside & (np.abs(body.down - place) < 0.12)).sum() for place in (0.1, 0.85)]
    assert widths[1] > 1.2 * widths[0]
    moving = draw_moving(np.random.default_rng(1), ground, "earthflow", body)
    east, north, up = moving.motion(np.ones(inside.shape, np.float32))
    assert np.allclose(east[inside], 0, atol=0.02)
    assert np.allclose(up[inside] / north[inside], 0.3, atol=0.02) and (north[inside] < 0).all()


@pytest.mark.parametrize("half_width", [20.0, 45.0])
def test_a_narrow_earthflow_hangs_together(mountains: Terrain, half_width: float) -> None:
    ground = Landforms(mountains, POOL)
    sites = np.argwhere((mountains.motion_slope > 12) & (ground.hollow > 3))
    rng = np.random.default_rng(8)
    drawn = [flow_body(rng, ground, int(row), int(column), 500, half_width, 1.5) for row, column in sites[::400]]
    bodies = [body for body in drawn if body is not None]
    assert len(bodies) > 5
    assert all(pieces(body.radius < 1, np.ones((3, 3)))[1] == 1 for body in bodies)


# Outlines


def test_an_outline_keeps_its_area_and_ends_at_its_unit(mountains: Terrain) -> None:
    ground = Landforms(mountains, POOL)
    units = ground.large_units
    rng = np.random.default_rng(6)
    sites = np.argwhere((mountains.motion_slope > 12) & (mountains.motion_slope < 35))
    shares, inside_units = [], []
    for row, column in sites[rng.integers(0, len(sites), 30)]:
        label = int(units.labels[row // 2, column // 2])
        if units.areas[label] < 0.5e6:
            continue
        body = slope_body(rng, ground, int(row), int(column), 200, 120, units, 3.0)
        inside = body.radius < 1
        shares.append(inside.sum() * PIXEL_AREA / (math.pi * 200 * 120))
        own = np.kron(units.labels, np.ones((2, 2), np.int64))[body.window] == label
        inside_units.append((inside & own).sum() / inside.sum())
    assert len(shares) > 8
    assert max(shares) < 1.02 and np.median(shares) > 0.9
    assert np.mean(inside_units) > 0.93


def test_a_body_lies_on_one_slope() -> None:
    columns = np.indices((96, 96), np.float64)[1]
    ridge = Landforms(Terrain((2000 - 0.4 * SIZE * np.abs(columns - 48)).astype(np.float32), SIZE), POOL)
    body = slope_body(np.random.default_rng(3), ridge, 48, 56, 500, 250)
    columns_inside = np.nonzero(body.radius < 1)[1] + body.window[1].start
    assert math.degrees(body.azimuth) == pytest.approx(90, abs=1)
    assert columns_inside.min() >= 46 and columns_inside.max() > 62
    # From the head near the crest down to the toe.
    assert body.down[body.radius < 1].min() == -1 and body.down[body.radius < 1].max() == 1


def test_two_lobes_part_from_one_end() -> None:
    ground = slope_to(180, 0.4)
    ends, seconds = 0, []
    for seed in range(8):
        body = two_lobed_body(np.random.default_rng(seed), ground, 48, 48, 600, 130)
        assert body.second is not None
        inside = body.radius < 1
        rows = np.nonzero(inside.any(axis=1))[0]
        gaps = [np.diff(np.nonzero(inside[row])[0]).max(initial=1) > 1 for row in rows]
        ends += any(gaps)
        seconds.append(float(body.second[inside].mean()))
        # Where they part is on one side of the middle: rows with a gap don't lie at both ends.
        assert not (gaps[0] and gaps[-1])
    assert ends >= 5
    assert 0.2 < np.mean(seconds) < 0.55 and max(seconds) < 0.65


# Worlds


def test_the_world_keeps_its_limits(worlds: list[Landslides]) -> None:
    kinds: set[str] = set()
    for world in worlds:
        assert world.motion is not None and world.body is not None and world.parts is not None
        assert len(world.kinds) == world.count == world.identity.max()
        assert not world.speed[world.identity == 0].any() and not world.body[world.identity == 0].any()
        np.testing.assert_allclose(world.speed**2, sum(part**2 for part in world.motion), rtol=1e-4, atol=1e-3)
        for number, kind in enumerate(world.kinds, 1):
            own = world.identity == number
            peak, area = world.speed[own].max(), (world.body & own).sum() * PIXEL_AREA
            low, high = KINDS[kind].speed[2:]
            assert SPEED_LIMITS[0] <= low and high <= SPEED_LIMITS[1]
            assert low * 0.999 <= peak <= high * 1.001
            assert 0.8 * AREA_LIMITS[0] <= area <= 1.4 * KINDS[kind].area[3]
            parts = np.unique(world.parts[own])
            assert not np.isin(world.parts[world.identity != number], parts).any()
        kinds |= set(world.kinds)
    assert kinds >= set(KINDS) - {"rock glacier"}


def test_kinds_differ_as_they_should(worlds: list[Landslides], mountains: Terrain) -> None:
    speeds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    lengths: dict[str, list[float]] = {kind: [] for kind in KINDS}
    areas: list[float] = []
    for world in worlds:
        for number, kind in enumerate(world.kinds, 1):
            own = world.identity == number
            speeds[kind].append(float(world.speed[own].max()))
            areas.append(own.sum() * PIXEL_AREA)
            rows, columns = np.nonzero(own)
            spread = np.linalg.eigvalsh(np.cov(np.stack([rows, columns]) + 1e-3 * np.arange(len(rows))))
            lengths[kind].append(math.sqrt(spread[1] / max(spread[0], 1 / 12)))
    assert np.median(speeds["spreading slope"]) < 15 < np.median(speeds["slab"]) < np.median(speeds["earthflow"])
    assert np.median(lengths["earthflow"]) > 2 > np.median(lengths["spreading slope"])
    assert 0.08 < np.mean(np.array(areas) < 0.03e6) < 0.45
    fast = np.array([speed for group in speeds.values() for speed in group])
    assert 0.08 < np.mean(fast > 150) < 0.3


def test_landslides_lie_on_slopes(worlds: list[Landslides], mountains: Terrain) -> None:
    bodies = np.concatenate([mountains.motion_slope[world.body] for world in worlds if world.body is not None])
    assert np.mean(bodies > 4) > 0.97
    assert draw_wide_landslides(np.random.default_rng(1), slope_to(90, 0.03), 10).count == 0


def test_the_same_seed_makes_the_same_world(worlds: list[Landslides], mountains: Terrain) -> None:
    again = draw_wide_landslides(np.random.default_rng([2, 3]), Landforms(mountains, POOL), 8)
    assert again.kinds == worlds[3].kinds
    np.testing.assert_array_equal(again.identity, worlds[3].identity)
    np.testing.assert_array_equal(again.speed, worlds[3].speed)
    assert not np.array_equal(again.identity, worlds[4].identity)


# Labels


def blocks(*rates: float, speeds: tuple[float, ...] | None = None, width: int = 6) -> tuple[Landslides, np.ndarray]:
    """One landslide of blocks side by side, each of one LOS rate, with a rim of 1 % of its block's speed; unmoved
    ground around."""
    speeds = speeds or tuple(abs(rate) for rate in rates)
    shape = (width + 6, width * len(rates) + 6)
    speed, los, parts = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    for number, (rate, own) in enumerate(zip(rates, speeds)):
        columns = slice(3 + number * width, 3 + (number + 1) * width)
        for rows, share in ((slice(2, width + 4), 0.1), (slice(3, width + 3), 1.0)):
            speed[rows, columns], los[rows, columns], parts[rows, columns] = own * share, rate * share, number + 1
    return Landslides(speed, (speed > 0).astype(np.int32), 1, parts=parts), los


def labelled(slides: Landslides, los: np.ndarray, hidden: np.ndarray | None = None) -> np.ndarray:
    shown = np.zeros(los.shape, bool) if hidden is None else hidden
    return label_whole_landslides(slides, los, shown, SIZE)[0]


def test_slow_compartments_and_the_change_of_sign_are_labelled() -> None:
    slides, los = blocks(60.0, 5.0, -20.0)
    label = labelled(slides, los)
    assert (label[3:9, 3:21] == 1).all()  # 5 mm/yr is 8 % of the peak
    assert (label[2, 3:9] == IGNORED).all()  # the rim of 6 mm/yr
    assert (label[2, 9:15] == 0).all()  # the rim of 0.5 mm/yr
    assert not label[:, :3].any() and not label[:2].any()
    changing = np.linspace(-30, 30, 60, dtype=np.float32)[None, :].repeat(8, axis=0)
    moving = Landslides(np.full_like(changing, 80), np.ones(changing.shape, np.int32), 1)
    assert (labelled(moving, changing) == 1).all()


def test_what_nobody_can_see_is_neither() -> None:
    slides, los = blocks(60.0, 2.5)
    label = labelled(slides, los)
    assert (label[3:9, 3:9] == 1).all() and (label[3:9, 9:15] == IGNORED).all()
    slides, los = blocks(LABEL_PEAK - 0.1)
    assert (labelled(slides, los)[3:9, 3:9] == IGNORED).all()
    assert label_whole_landslides(slides, los, np.zeros(los.shape, bool), SIZE)[1][1] == pytest.approx(7.9)
    slides, los = blocks(60.0, 30.0)
    hidden = np.zeros(los.shape, bool)
    hidden[:, :9] = True
    label, peaks = label_whole_landslides(slides, los, hidden, SIZE)
    assert (label[3:9, 3:9] == IGNORED).all() and (label[3:9, 9:15] == 1).all() and peaks[1] == 30


def test_a_wide_landslide_is_labelled_from_a_lower_rate_on() -> None:
    narrow, wide = blocks(5.0, width=12), blocks(5.0, width=18)  # 0.13 and 0.29 km²
    assert not (labelled(*narrow) == 1).any()
    assert (labelled(*wide) == 1).sum() == 18 * 18


def test_the_rim_of_a_fast_landslide_moves_too_much_to_be_left_out() -> None:
    slides, los = blocks(1000.0)
    assert (labelled(slides, los)[2, 3:9] == 1).all()  # 10 % of the peak, but 100 mm/yr


def test_islands_are_neither() -> None:
    slides, los = blocks(60.0, width=20)
    assert slides.parts is not None
    body = slides.speed > 12
    still = np.zeros(los.shape, bool)
    still[10:14, 10:14] = True
    slides = replace(slides, speed=np.where(still, np.float32(0), slides.speed), body=body & ~still)
    label = labelled(slides, np.where(still, np.float32(0), los))
    assert (label[still] == IGNORED).all() and (label[body & ~still] == 1).all()


def test_the_world_is_labelled_where_it_moves(worlds: list[Landslides], mountains: Terrain) -> None:
    seen = 0
    for world in worlds:
        los = landslide_los_rate(world, mountains, ASCENDING)
        hidden = ASCENDING.hidden(mountains.dem, SIZE)
        label, peaks = label_whole_landslides(world, los, hidden, SIZE)
        assert not (label[world.identity == 0] > 0).any()
        assert (world.speed[label == 1] > 0).all()
        assert not (label[hidden] == 1).any()
        for number in range(1, world.count + 1):
            own = (world.identity == number) & ~hidden
            top = np.abs(los[own]).max(initial=0)
            assert abs(peaks[number]) == pytest.approx(top, abs=1e-4)
            found = label[own] == 1
            assert not found.any() or top >= 4
            if top >= LABEL_PEAK and world.body is not None:
                assert found.any()
            seen += found.any()
    assert seen > 40


def test_the_labels_of_plain_ellipses_hold_what_the_old_rule_held(mountains: Terrain) -> None:
    slides = draw_landslides(np.random.default_rng(4), mountains, POOL, 40)
    los = landslide_los_rate(slides, mountains, ASCENDING)
    hidden = np.zeros(los.shape, bool)
    old, old_peaks = label_landslides(slides, los, hidden)
    new, new_peaks = label_whole_landslides(slides, los, hidden, SIZE)
    np.testing.assert_array_equal(old_peaks, new_peaks)
    assert (old == 1).sum() > 500
    assert np.mean(new[old == 1] == 1) > 0.95
    # What is added is what surely moves with the rest: it is faster than half the peak, or seen.
    added = (new == 1) & (old == 0)
    peaks = np.zeros(slides.count + 1, np.float32)
    np.maximum.at(peaks, slides.identity.ravel(), slides.speed.ravel())
    assert ((slides.speed > 0.5 * peaks[slides.identity]) | (np.abs(los) >= 5))[added].all()
    assert added.sum() < 0.6 * (old == 1).sum()
