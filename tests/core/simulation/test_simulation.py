"""The physics of simulated scenes: line of sight, networks, fields, motion, labels."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.errors import InputError
from ada_mapper.core.satellite import Viewing, to_los_rate, to_phase_rate
from ada_mapper.core.simulation import Terrain, smooth
from ada_mapper.core.simulation.atmosphere import FieldPool, power_law_field, smoothstep, turbulence
from ada_mapper.core.simulation.landslides import (
    Landslides,
    bowl_los_rate,
    draw_bowl,
    draw_landslides,
    label_landslides,
    landslide_los_rate,
)
from ada_mapper.core.simulation.network import PairNetwork, regular_network
from ada_mapper.core.simulation.surface import (
    LARGEST_PHASE_NOISE,
    class_coherence,
    draw_land_cover,
    lost_cycle_rate,
    lost_cycles,
    motion_coherence,
    phase_noise,
    stack_noise_by_class,
    weak_patches,
)
from ada_mapper.core.simulation.terrain import eroded_terrain, with_plain
from examples import examples

ASCENDING = Viewing(348, 38)
DESCENDING = Viewing(192, 38)


def plane(slope: float, aspect: float, size: int = 64, pixel: float = 30.0) -> Terrain:
    """A plane of this slope that falls toward ``aspect`` (degrees clockwise from north)."""
    east = np.arange(size) * pixel
    north = -np.arange(size)[:, None] * pixel
    azimuth, fall = math.radians(aspect), math.tan(math.radians(slope))
    dem = 3000 - fall * (east * math.sin(azimuth) + north * math.cos(azimuth))
    return Terrain(dem.astype(np.float32), pixel)


@pytest.fixture(scope="module")
def mountains() -> Terrain:
    return Terrain(eroded_terrain(np.random.default_rng(3), 256, 30.0), 30.0)


@pytest.fixture(scope="module")
def shapes() -> FieldPool:
    return FieldPool(5, 30.0, 512, 3, (-2.8, -3.2), 600.0, 4000.0)


# Line of sight


def test_the_unit_vector_points_up_and_back_to_the_satellite() -> None:
    east, north, up = Viewing(348, 30).to_satellite
    assert math.hypot(east, north, up) == pytest.approx(1)
    assert up == pytest.approx(math.cos(math.radians(30)))
    assert math.degrees(math.atan2(east, north)) % 360 == pytest.approx(348 + 270 - 360)
    assert Viewing(348, 30).orbit == "ascending"
    assert Viewing(192, 30).orbit == "descending"


def test_an_east_facing_slope_recedes_from_ascending_and_approaches_descending() -> None:
    gradient = plane(20, 90).motion_gradient
    slope, incidence, inclination = map(math.radians, (20, 38, 12))
    # By hand: motion (cos 20° east, sin 20° down) on the vectors (∓sin 38° cos 12°, ·, cos 38°).
    across = math.cos(slope) * math.sin(incidence) * math.cos(inclination)
    fall = math.sin(slope) * math.cos(incidence)
    seen = ASCENDING.downslope_sensitivity(*gradient)
    assert np.allclose(seen, -across - fall, atol=2e-4)
    assert np.all(seen < 0)
    seen = DESCENDING.downslope_sensitivity(*gradient)
    assert np.allclose(seen, across - fall, atol=2e-4)
    assert np.all(seen > 0)


def test_level_ground_has_no_downslope_motion() -> None:
    zero = np.zeros((3, 3), np.float32)
    assert np.all(ASCENDING.downslope_sensitivity(zero, zero) == 0)


@given(st.floats(1, 60), st.floats(0, 360), st.floats(20, 50))
def test_mirroring_east_and_west_turns_ascending_into_descending(slope: float, aspect: float, incidence: float) -> None:
    fall = math.tan(math.radians(slope))
    east = np.array([[-fall * math.sin(math.radians(aspect))]], np.float32)
    north = np.array([[-fall * math.cos(math.radians(aspect))]], np.float32)
    seen = Viewing(348, incidence).downslope_sensitivity(east, north)
    mirrored = Viewing(192, incidence).downslope_sensitivity(-east, north)
    assert seen == pytest.approx(mirrored, abs=1e-5)
    assert abs(float(seen[0, 0])) <= 1 + 1e-6


def test_layover_begins_at_the_incidence_angle_and_shadow_at_its_complement() -> None:
    # A slope that faces the ascending satellite falls to the west; its effective pixel is cos 12° shorter.
    assert not ASCENDING.hidden(plane(36, 270).dem, 30.0).any()
    assert ASCENDING.hidden(plane(40, 270).dem, 30.0)[:, 1:-1].all()
    assert not DESCENDING.hidden(plane(40, 270).dem, 30.0).any()
    assert DESCENDING.hidden(plane(54, 270).dem, 30.0)[:, :-1].all()
    assert not DESCENDING.hidden(plane(50, 270).dem, 30.0).any()


def test_a_wall_hides_ground_on_both_sides_of_it() -> None:
    dem = np.zeros((3, 60), np.float32)
    dem[:, 30] = 300
    hidden = Viewing(0, 40).hidden(dem, 30.0)[1]
    # Layover reaches 300 / tan 40° = 358 m toward the satellite, shadow 300·tan 40° = 252 m away from it.
    assert list(np.flatnonzero(hidden)) == list(range(30 - 11, 30 + 8 + 1))


def test_phase_and_los_rates_are_inverse_and_of_opposite_sign() -> None:
    rate = np.array([[-27.7328815, 10.0]], np.float32)
    phase = to_phase_rate(rate)
    assert phase[0, 0] == pytest.approx(2 * math.pi)
    assert np.allclose(to_los_rate(phase), rate)


def test_an_impossible_incidence_is_refused() -> None:
    with pytest.raises(InputError, match="incidence"):
        Viewing(348, 95)


# Networks in closed form


def test_a_pair_of_dates_weighs_both_dates_alike() -> None:
    network = PairNetwork(np.array([0, 36.525]), np.array([0]), np.array([1]))
    assert network.squared_sum == pytest.approx(0.01)
    assert network.date_weights == pytest.approx([-10, 10])


@pytest.mark.parametrize(("years", "expected"), [(1, 0.91), (2, 0.44), (6, 0.14)])
def test_the_gain_of_full_networks_is_the_known_one(years: float, expected: float) -> None:
    assert regular_network(years).date_gain == pytest.approx(expected, rel=0.08)


def test_lost_pairs_raise_the_gain() -> None:
    gains = [regular_network(2, lost=0.6, rng=np.random.default_rng(seed)).date_gain for seed in range(30)]
    assert np.mean(gains) == pytest.approx(1.96, rel=0.15)


def test_the_closed_form_equals_explicit_stacks() -> None:
    """Monte Carlo of Eq. 1 on single interferograms with atmosphere by date and noise by pair."""
    rng = np.random.default_rng(8)
    network = regular_network(1.2, lost=0.4, rng=rng)
    years = network.intervals / 365.25
    air = rng.normal(0, 0.7, (len(network.days), 20_000))
    own = rng.normal(0, 0.5, (len(years), 20_000))
    phase = 3.0 * years[:, None] + air[network.second] - air[network.first] + own
    rate = years @ phase / np.sum(years**2)
    expected = math.hypot(0.7 * network.date_gain, 0.5 * np.linalg.norm(years / network.squared_sum))
    assert rate.mean() == pytest.approx(3.0, abs=0.05)
    assert rate.std() == pytest.approx(expected, rel=0.02)


def test_a_network_without_pairs_is_refused() -> None:
    with pytest.raises(InputError, match="pair"):
        PairNetwork(np.array([0.0]), np.array([], np.int64), np.array([], np.int64))


# Fields


def test_turbulence_follows_both_power_laws() -> None:
    size, pixel = 512, 30.0
    power = np.zeros((size, size))
    for seed in range(4):
        power += np.abs(np.fft.fft2(power_law_field(np.random.default_rng(seed), size, pixel))) ** 2
    frequency = np.fft.fftfreq(size, pixel)
    wave = np.hypot(frequency[:, None], frequency[None, :])

    def exponent(longest: float, shortest: float) -> float:
        chosen = (wave > 1 / longest) & (wave < 1 / shortest)
        return float(np.polyfit(np.log(wave[chosen]), np.log(power[chosen]), 1)[0])

    assert exponent(12_000, 1_600) == pytest.approx(-8 / 3, abs=0.25)
    assert exponent(1_400, 70) == pytest.approx(-11 / 3, abs=0.1)


def test_turbulence_has_unit_variance_over_20_km_and_less_over_a_small_scene() -> None:
    large = [turbulence(np.random.default_rng(seed), 667, 30.0).std() for seed in range(4)]
    small = [turbulence(np.random.default_rng(seed), 128, 30.0).std() for seed in range(4)]
    assert np.mean(large) == pytest.approx(1.0, abs=0.15)
    assert np.mean(small) < 0.85


def test_drawn_fields_vary_and_repeat_with_their_generator(shapes: FieldPool) -> None:
    first = shapes.draw(np.random.default_rng(1), 64)
    assert first.shape == (64, 64)
    assert np.array_equal(first, shapes.draw(np.random.default_rng(1), 64))
    assert not np.array_equal(first, shapes.draw(np.random.default_rng(2), 64))
    assert np.array_equal(first, pickle.loads(pickle.dumps(shapes)).draw(np.random.default_rng(1), 64))


def test_the_fast_mean_is_as_wide_as_a_gaussian() -> None:
    impulse = np.zeros((201, 201), np.float32)
    impulse[100, 100] = 1
    for sigma in (1.0, 4.0, 20.0):
        blurred = smooth(impulse, sigma)
        offsets = np.arange(201) - 100
        assert blurred.sum() == pytest.approx(1, abs=0.01)
        assert math.sqrt(float((blurred.sum(axis=0) * offsets**2).sum())) == pytest.approx(sigma, rel=0.13)


def test_smoothstep_runs_from_low_to_high_in_either_order() -> None:
    values = np.array([0, 1, 1.5, 2, 3], np.float32)
    assert smoothstep(values, 1, 2) == pytest.approx([0, 0, 0.5, 1, 1])
    assert smoothstep(values, 2, 1) == pytest.approx([1, 1, 0.5, 0, 0])


# Terrain


def test_generated_terrain_has_plains_and_mountains(mountains: Terrain) -> None:
    assert np.isfinite(mountains.dem).all()
    assert (mountains.slope < 5).mean() > 0.03
    assert (mountains.slope > 20).mean() > 0.2
    assert mountains.slope.max() < 75
    again = eroded_terrain(np.random.default_rng(3), 256, 30.0)
    assert np.array_equal(mountains.dem, again)


@pytest.mark.parametrize("size", [128, 333, 200])
def test_generated_terrain_of_any_size(size: int) -> None:
    assert eroded_terrain(np.random.default_rng(0), size, 30.0).shape == (size, size)


def test_a_filled_plain_is_level_and_leaves_the_heights(mountains: Terrain) -> None:
    filled = Terrain(with_plain(mountains.dem, 0.4, 3.0, np.zeros_like(mountains.dem)), 30.0)
    lowest = mountains.dem < np.quantile(mountains.dem, 0.3)
    assert np.median(filled.slope[lowest]) < 1
    high = mountains.dem > np.quantile(mountains.dem, 0.8)
    assert np.allclose(filled.dem[high], mountains.dem[high], atol=0.1)


def test_slope_and_level_ground() -> None:
    assert np.allclose(plane(17, 33).slope, 17, atol=0.01)
    assert np.all(plane(2, 33).level_ground == 1)
    assert np.all(plane(9, 33).level_ground == 0)


# Landslides, bowls, labels


def test_landslides_lie_on_slopes_and_keep_their_limits(mountains: Terrain, shapes: FieldPool) -> None:
    slides = draw_landslides(np.random.default_rng(4), mountains, shapes, 40)
    assert 5 < slides.count <= 40
    assert np.array_equal(slides.speed > 0, slides.identity > 0)
    assert slides.speed.max() <= 250.001
    moving = slides.identity > 0
    assert np.average(mountains.motion_slope[moving] > 6, weights=slides.speed[moving]) > 0.95
    for number in range(1, slides.count + 1):
        member = slides.identity == number
        assert 8 <= slides.speed[member].max() <= 250.001
        assert 0.01e6 <= member.sum() * 900 <= 1.6 * 3e6


def test_no_landslide_on_level_ground(shapes: FieldPool) -> None:
    assert draw_landslides(np.random.default_rng(1), plane(2, 0), shapes, 10).count == 0


def test_landslides_move_down_the_slope_that_the_satellite_sees(shapes: FieldPool) -> None:
    terrain = plane(20, 90, 128)
    slides = draw_landslides(np.random.default_rng(1), terrain, shapes, 3)
    seen = landslide_los_rate(slides, terrain, ASCENDING)
    inside = slides.speed > 1
    expected = ASCENDING.downslope_sensitivity(*terrain.motion_gradient)[64, 64]
    assert inside.any()
    assert np.allclose(seen[inside] / slides.speed[inside], expected, atol=1e-3)


def make_slides(rates: list[float]) -> tuple[Landslides, np.ndarray]:
    rate = np.array([rates], np.float32)
    identity = np.ones(rate.shape, np.int32)
    return Landslides(np.abs(rate), identity, 1), rate


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([-40, -11, -10, -9, -1], [1, 1, 0, 0, 0]),  # 25 % of the peak
        ([12, 5.1, 5, 3], [1, 1, 0, 0]),  # 5 mm/yr
        ([7.9, 5.1, 2.0, 1.9], [255, 255, 255, 0]),  # too weak: neither
        ([8.0, -5.5, 4.9], [1, 1, 0]),
        ([0.9, 0.9], [0, 0]),  # can't be seen at all
    ],
)
def test_the_label_rule(rates: list[float], expected: list[int]) -> None:
    slides, rate = make_slides(rates)
    label, peaks = label_landslides(slides, rate, np.zeros(rate.shape, bool))
    assert label[0].tolist() == expected
    assert peaks[1] == pytest.approx(max(rates, key=abs))


def test_hidden_parts_are_neither_and_do_not_make_the_peak() -> None:
    slides, rate = make_slides([60, 20, 6])
    label, peaks = label_landslides(slides, rate, np.array([[True, False, False]]))
    assert label[0].tolist() == [255, 1, 1]
    assert peaks[1] == 20


def test_bowls_sink_on_plains_only(shapes: FieldPool) -> None:
    rows = np.arange(256, dtype=np.float32)[:, None]
    dem = np.maximum(0, rows - 128) * 10 * np.ones((1, 256), np.float32)
    bowl = draw_bowl(np.random.default_rng(2), Terrain(dem, 30.0), shapes, smallest=(3000.0, 50.0), margin=20)
    assert bowl.min() <= -30
    assert np.all(bowl <= 0)
    assert np.all(np.abs(bowl[140:]) < 0.5)
    row, column = np.unravel_index(int(bowl.argmin()), bowl.shape)
    assert 10 < row < 140
    assert 10 < column < 246
    assert not draw_bowl(np.random.default_rng(2), plane(20, 0), shapes).any()
    assert draw_bowl(np.random.default_rng(2), plane(20, 0), shapes, on_slopes=True).min() < -4
    assert draw_bowl(np.random.default_rng(2), plane(0, 0), shapes, uplift=True).max() > 4


def test_a_bowl_recedes_in_its_middle_and_is_pulled_inward() -> None:
    distance = np.hypot(*(np.indices((101, 101)) - 50)) / 20
    fall = (-50 * np.exp(-(distance**2))).astype(np.float32)
    straight = bowl_los_rate(fall, 30.0, ASCENDING, inward=0)
    assert np.allclose(straight, fall * math.cos(math.radians(38)))
    pulled = bowl_los_rate(fall, 30.0, ASCENDING, inward=0.3)
    # West of the middle the ground moves east, away from a satellite in the west.
    assert pulled[50, 36] < straight[50, 36]
    assert pulled[50, 64] > straight[50, 64]


# Surface


def test_phase_noise_by_coherence_and_looks() -> None:
    noise = phase_noise(np.array([0.01, 0.5, 0.99], np.float32), 10.0)
    assert noise[1] == pytest.approx(math.sqrt(0.75 / (20 * 0.25)))
    assert noise[0] == pytest.approx(LARGEST_PHASE_NOISE)
    assert noise[2] < 0.05


def test_coherence_falls_with_time() -> None:
    falls = class_coherence(np.array([6.0, 12.0, 36.0, 300.0]), 1.0)
    assert np.all(np.diff(falls, axis=0) < 0)
    assert np.all((falls > 0) & (falls < 1))


def test_class_noise_equals_the_sum_over_pairs() -> None:
    network = regular_network(0.8)
    deviation, coherence = stack_noise_by_class(network, 1.0, 12.0)
    by_pair = class_coherence(network.intervals, 1.0)
    expected = np.sqrt(
        ((network.intervals[:, None] / 365.25 / network.squared_sum * phase_noise(by_pair, 12.0)) ** 2).sum(axis=0)
    )
    assert np.allclose(deviation, expected, rtol=1e-4)
    assert np.allclose(coherence, by_pair.mean(axis=0), rtol=1e-4)


def test_motion_beyond_a_quarter_wavelength_loses_coherence() -> None:
    quarter = 55.465763 / 4 / (36 / 365.25)
    factor = motion_coherence(np.array([0, 10, quarter, -2 * quarter], np.float32), 36.0, 0.055465763)
    assert factor[0] == factor[1] == 1
    assert factor[2] < 0.5
    assert factor[3] < 0.01


def test_whole_cycles_are_lost_beyond_half_a_cycle() -> None:
    phase = np.array([3.1, 3.2, -7.0, 9.5], np.float32)
    assert np.allclose(phase + lost_cycles(phase), np.angle(np.exp(1j * phase)), atol=1e-5)
    network = regular_network(1.0)
    years = network.intervals / 365.25
    rate = np.array([[40.0]], np.float32)
    wrapped = np.angle(np.exp(1j * 40.0 * years))
    expected = np.sum(years * wrapped) / np.sum(years**2) - 40.0
    assert lost_cycle_rate(rate, network)[0, 0] == pytest.approx(expected, rel=1e-4)
    assert lost_cycle_rate(np.array([[20.0]], np.float32), network)[0, 0] == 0


@examples(10)
@given(st.integers(0, 1000))
def test_weak_patches_are_disjoint_and_bounded(seed: int) -> None:
    pool = FieldPool(5, 30.0, 256, 2, (-2.4, -2.8), 900.0, 5000.0)
    terrain = plane(10, 45, 128)
    cover = draw_land_cover(np.random.default_rng(seed), terrain, pool)
    coherence = cover.pair_coherence(12.0)
    assert np.all((coherence >= 0.02) & (coherence <= 0.98))
    patches = weak_patches(np.random.default_rng(seed), terrain, coherence, pool, 4)
    members = np.concatenate([np.array([], np.intp), *patches])
    assert len(np.unique(members)) == len(members)
    assert all(0 < len(patch) * 900 <= 10e6 for patch in patches)
