"""The second family of scenes: its landslides obey mechanics, its truth is whole, its noise has the covariance told."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import BandDescription, Grid, write_array
from ada_mapper.core.satellite import Viewing, to_los_rate, to_phase_rate
from ada_mapper.core.simulation import SecondFamilyInRealNoise, SecondFamilyTiles, Terrain
from ada_mapper.core.simulation.held_apart import KINDS
from ada_mapper.core.simulation.held_apart.bodies import draw_bodies, thickening
from ada_mapper.core.simulation.held_apart.centreline import descend
from ada_mapper.core.simulation.held_apart.cosines import exponential_field
from ada_mapper.core.simulation.held_apart.fields import crop, read_judging_fields, resampled
from ada_mapper.core.simulation.held_apart.pairs import motion_phases
from ada_mapper.core.simulation.held_apart.surroundings import draw_surroundings

PIXEL = 30.0


def hillside(size: int = 160, slope: float = 20.0) -> Terrain:
    """Ground that falls towards the east at a slope in degrees, with low waves."""
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    dem = 2000 - columns * PIXEL * math.tan(math.radians(slope)) + 15 * np.sin(rows / 9) * np.cos(columns / 11)
    return Terrain(dem.astype(np.float32), PIXEL)


@pytest.fixture(scope="module")
def bodies():
    """Many bodies on one hillside."""
    found = [body for seed in range(30) for body in draw_bodies(np.random.default_rng(seed), hillside(), 5)]
    assert {body.kind for body in found} == set(KINDS)
    return found


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """A folder of one fine and one smooth field, both of 64 pixels."""
    folder = tmp_path_factory.mktemp("fields")
    listed = []
    for name, metres in (("fine", 40.0), ("smooth", 90.0)):
        place = folder / "validation" / name
        place.mkdir(parents=True)
        grid = Grid("EPSG:32632", (500_000, metres, 0, 5_000_000, 0, -metres), 64, 64)
        values = np.random.default_rng(3).normal(0, 0.1, (64, 64)).astype(np.float32)
        write_array(place / "phase_rate.tif", grid, values, BandDescription("phase_rate", "rad/yr"))
        listed.append({"name": name, "role": "validation", "path": f"validation/{name}", "place": name,
                       "pixel_metres": metres})  # fmt: skip
    (folder / "fields.json").write_text(json.dumps({"fields": listed}), encoding="utf-8")
    return folder


def test_bodies_lie_apart_are_in_one_piece_and_move_only_inside(bodies):
    from scipy.ndimage import label

    for body in bodies:
        assert label(body.inside, np.ones((3, 3)))[1] == 1
        assert not body.velocity[:, ~body.inside].any()
        assert np.isfinite(body.velocity).all()
        speed = np.sqrt((body.velocity**2).sum(axis=0))
        assert speed.max() == pytest.approx(np.clip(speed.max(), 3, 3000), rel=1e-4)
        assert 0.0099 <= body.inside.sum() * PIXEL**2 / 1e6 <= 9
    for seed in range(5):
        taken = np.zeros((160, 160), int)
        for body in draw_bodies(np.random.default_rng(seed), hillside(), 5):
            taken[body.window] += body.inside
        assert taken.max() <= 1


def test_every_kind_moves_down_the_hillside(bodies):
    for kind in KINDS:
        down = [float(body.velocity[0].sum()) > 0 for body in bodies if body.kind == kind]
        assert all(down), kind


def test_a_flux_lifts_as_much_ground_as_it_lowers():
    rng, shape = np.random.default_rng(1), (40, 40)
    inside = rng.random(shape) < 0.8
    change = thickening(rng.uniform(1, 20, shape), rng.normal(size=shape), rng.normal(size=shape), inside, PIXEL)
    assert np.abs(change).max() > 0.1
    assert abs(change.sum()) < 1e-9 * np.abs(change).sum()
    assert not change[~inside].any()


def test_a_flux_that_slows_down_thickens_at_the_known_rate():
    # h u falls by 2 m²/yr over every 30 m: the ground rises by 2/30 m/yr, whether it flows east or north.
    flux, still, inside = np.tile(100.0 - 2 * np.arange(20), (20, 1)), np.zeros((20, 20)), np.ones((20, 20), bool)
    ones = np.ones((20, 20))
    np.testing.assert_allclose(thickening(ones, flux, still, inside, PIXEL)[:, 1:-1], 2 / 30)
    northward = np.ascontiguousarray(flux.T[::-1])
    np.testing.assert_allclose(thickening(ones, still, northward, inside, PIXEL)[1:-1], 2 / 30)


def test_flows_keep_their_mass(bodies):
    """Up less the motion along the ground is what the flux brings or takes: its sum is 0."""
    east, north = hillside().motion_gradient
    flows = [body for body in bodies if body.kind in ("earthflow", "rock glacier")]
    assert len(flows) > 10
    for body in flows:
        along = body.velocity[0] * east[body.window] + body.velocity[1] * north[body.window]
        change = (body.velocity[2] - along)[body.inside].astype(float)
        assert np.abs(change).max() > 0
        assert abs(change.sum()) < 1e-3 * np.abs(change).sum()


def test_slumps_turn_about_a_point_sinking_at_the_head_and_rising_at_the_foot(bodies):
    slumps = [body for body in bodies if body.kind == "slump" and body.inside.sum() > 40]
    assert len(slumps) > 5
    for body in slumps:
        columns = np.nonzero(body.inside)[1]
        up = body.velocity[2][body.inside]
        # Against the mean slope, the upper end sinks more than the lower one.
        head, foot = up[columns < np.quantile(columns, 0.25)].mean(), up[columns > np.quantile(columns, 0.75)].mean()
        assert head < foot
        assert head < 0


def test_thickness_of_a_slump_is_that_of_a_spoon(bodies):
    for body in bodies:
        if body.kind == "slump":
            inside = body.thickness[body.inside]
            assert (inside >= 0).all()
            assert np.median(inside) < body.thickness.max()


def test_the_line_of_sight_sees_motion_by_the_cosine():
    body = draw_bodies(np.random.default_rng(4), hillside(), 1)[0]
    viewing = Viewing(348.0, 38.0)
    expected = sum(part * look for part, look in zip(body.velocity.astype(float), viewing.to_satellite))
    np.testing.assert_allclose(body.los_rate(viewing.to_satellite), expected, rtol=1e-4, atol=1e-3)
    # From the west of an eastern slope, ground that moves east and down goes away.
    assert body.los_rate(viewing.to_satellite)[body.inside].mean() < 0
    assert body.los_rate(Viewing(192.0, 38.0).to_satellite)[body.inside].mean() > 0


def test_a_line_of_steepest_descent_goes_straight_down_a_plane():
    _, columns = np.mgrid[:100, :100].astype(np.float32)
    line = descend(Terrain(1000 - 10 * columns, PIXEL), (50, 10), 900.0, 0.5)
    assert line is not None
    assert line.length == pytest.approx(900, abs=21)
    np.testing.assert_allclose(line.points[:, 0], 50)
    assert (np.diff(line.points[:, 1]) > 0).all()
    places = line.coordinates(np.array([47, 53]), np.array([20, 20]), PIXEL)
    np.testing.assert_allclose(np.abs(places.across), 90, atol=1)
    np.testing.assert_allclose(places.along, 300, atol=15)
    assert places.across[0] == -places.across[1]
    np.testing.assert_allclose(places.east, 1)


def test_fields_have_unit_variance_and_an_exponential_covariance():
    rng = np.random.default_rng(5)
    lags, length = np.array([4, 10, 20]), 300.0
    products = np.zeros((3, 300))
    variance = np.zeros(300)
    for number in range(300):
        field = exponential_field(rng, (32, 32), PIXEL, length)
        variance[number] = np.mean(field**2)
        products[:, number] = [np.mean(field[:, lag:] * field[:, :-lag]) for lag in lags]
    assert variance.mean() == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(products.mean(axis=1), np.exp(-lags * PIXEL / length), atol=0.06)


def test_slow_motion_is_seen_as_it_is_and_fast_motion_loses_whole_cycles():
    rate = np.zeros((20, 20), np.float32)
    rate[5:15, 5:15] = 30
    bodies = (rate > 0).astype(np.int32)
    intervals = np.array([6.0, 12.0, 24.0])
    slow = motion_phases(np.random.default_rng(1), rate, bodies, intervals)
    expected = to_phase_rate(rate)[None] * (intervals / 365.25)[:, None, None]
    np.testing.assert_allclose(slow.phases, expected, atol=1e-4)
    assert slow.coherence.min() > 0.9
    fast = motion_phases(np.random.default_rng(1), 60 * rate, bodies, intervals)
    lost = (fast.phases - 60 * expected) / (2 * np.pi)
    np.testing.assert_allclose(lost, np.rint(lost), atol=1e-3)
    assert np.abs(lost).max() >= 1
    assert not lost[:, bodies == 0].any()
    assert fast.coherence[5, 10] < 0.5


def test_tiles_are_the_same_again_and_in_another_process():
    make = SecondFamilyTiles(7, size=96, per_km2=0.6)
    first = make(2)
    again = pickle.loads(pickle.dumps(make))(2)
    for name, values in first.layers.items():
        np.testing.assert_array_equal(values, again.layers[name], err_msg=name)
    np.testing.assert_array_equal(first.label, again.label)
    assert (make(3).layers["phase_rate"] != first.layers["phase_rate"]).any()


def test_truth_is_whole_slides_that_somebody_could_see():
    make = SecondFamilyTiles(8, size=128, per_km2=0.5)
    labelled = 0
    for tile in map(make, range(6)):
        facts = tile.metadata
        assert len(facts["kinds"]) == facts["landslides"] == int(tile.identity.max())
        assert not tile.label[tile.identity == 0].any()
        for number, peak in enumerate(facts["peaks"], 1):
            own = tile.identity == number
            assert float(np.abs(tile.motion[own]).max()) == pytest.approx(peak, rel=1e-5)
            assert set(np.unique(tile.label[own])) <= {1, 255}
            if peak < 8:
                assert (tile.label[own] == 255).all()
            labelled += bool((tile.label[own] == 1).any())
        assert not (tile.motion[tile.identity == 0] != 0).any()
    assert labelled > 3


def test_a_tile_measures_the_motion_that_it_tells():
    """Over the pixels of fast slides the rate's contrast is the truth's."""
    make = SecondFamilyTiles(11, size=128, per_km2=0.5, other_motion=False)
    shares = []
    for tile in map(make, range(8)):
        for number, peak in enumerate(tile.metadata["peaks"], 1):
            own = (tile.identity == number) & (tile.label == 1)
            if not 30 < peak < 90 or own.sum() < 20:
                continue
            rate = to_los_rate(tile.layers["phase_rate"])
            ring = _ring(tile.identity == number) & (tile.identity == 0)
            told = np.nanmean(rate[own]) - np.nanmean(rate[ring])
            shares.append(told / tile.motion[own].mean())
    assert len(shares) >= 4
    assert 0.5 < np.median(shares) < 1.5


def _ring(mask):
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=4) & ~binary_dilation(mask, iterations=1)


def test_other_motion_is_none_of_the_landslides_and_lost_cycles_are_no_motion():
    grounds, viewing = (hillside(200), hillside(200, 10.0)), Viewing(348.0, 38.0)
    taken = np.zeros((200, 200), bool)
    taken[80:120, 80:120] = True
    kinds = set()
    for seed in range(40):
        other = draw_surroundings(np.random.default_rng(seed), grounds[seed % 2], viewing, taken)
        kinds |= set(np.unique(other.kind).tolist())
        only_lost = other.kind == 1
        assert np.isfinite(other.los_rate).all() and np.isfinite(other.apparent_rate).all()
        assert (np.abs(other.apparent_rate[only_lost]) <= 100).all()
        assert ((other.unclosed >= 0) & (other.unclosed <= 1)).all()
        assert ((other.coherence > 0) & (other.coherence <= 1)).all()
    assert {0, 1, 3, 4, 5} <= kinds


def test_real_rates_stay_what_they_are_where_nothing_slides(fields):
    make = SecondFamilyInRealNoise(1, (), fields, size=64, per_km2=2.0, fine=True)
    tile = next(tile for tile in map(make, range(20)) if tile.metadata["landslides"])
    real = crop(np.random.default_rng(0), read_judging_fields(fields, ("validation",), places=("fine",))[0], 64)
    still = tile.motion == 0
    rate = tile.layers["phase_rate"]
    candidates = [real["phase_rate"], real["phase_rate"][:, ::-1]]
    differences = [np.nanstd((rate - one)[still & np.isfinite(rate)]) for one in candidates]
    assert min(differences) < 1e-5
    assert max(differences) > 0.05
    assert tile.metadata["place"] == "fine"
    assert np.isnan(tile.layers["closure"]).all()


def test_fields_are_chosen_by_role_place_and_pixels(fields):
    assert [own.name for own in read_judging_fields(fields, ("validation",))] == ["fine", "smooth"]
    fine, smooth = read_judging_fields(fields, ("validation",))
    assert fine.is_fine and not smooth.is_fine
    assert fine.layers["phase_rate"].shape == (64, 64)
    assert smooth.layers["phase_rate"].shape == (64, 64)
    np.testing.assert_allclose(smooth.factors, 3, rtol=1e-3)
    assert smooth.whole()["phase_rate"].shape[0] == pytest.approx(64 * 3, abs=1)
    assert crop(np.random.default_rng(0), smooth, 128)["phase_rate"].shape == (128, 128)
    assert crop(np.random.default_rng(0), smooth, 256)["phase_rate"].shape == (256, 256)
    with pytest.raises(InputError, match="no noise field"):
        read_judging_fields(fields, ("test",))
    with pytest.raises(InputError, match=r"fields\.json"):
        read_judging_fields(Path(fields) / "validation", ("test",))
    with pytest.raises(InputError, match="such pixels"):
        SecondFamilyInRealNoise(1, (), fields, places=("smooth",), fine=True, size=64)(0)


def test_resampling_keeps_a_plane_and_holes():
    rows, columns = np.mgrid[:30, :30].astype(np.float32)
    values = 2 * rows + columns
    values[10:20, 10:20] = np.nan
    finer = resampled(values, (3.0, 3.0))
    assert finer.shape == (90, 90)
    assert np.isnan(finer[45, 45])
    # Pixel centres: row 4 of the finer grid is row 1 of the coarse one.
    assert finer[4, 7] == pytest.approx(2 * 1 + 2, abs=1e-4)


def test_without_landslides_a_tile_has_none(fields):
    tile = SecondFamilyInRealNoise(1, (), fields, size=64, per_km2=0.0)(0)
    assert not tile.label.any() and not tile.motion.any()


def test_both_orbits_see_the_same_ground_and_landslides_each_in_its_own_noise():
    make = SecondFamilyTiles(5, size=128, per_km2=0.5)
    tiles = [make.both_orbits(index) for index in range(3)]
    assert any(first.identity.any() for first, _ in tiles)
    for first, second in tiles:
        assert (first.metadata["orbit"], second.metadata["orbit"]) == ("ascending", "descending")
        np.testing.assert_array_equal(first.layers["dem"], second.layers["dem"])
        np.testing.assert_array_equal(first.identity, second.identity)
        moving = first.identity > 0
        assert not moving.any() or not np.allclose(first.motion[moving], second.motion[moving])
        noise = [np.nan_to_num(tile.layers["phase_rate"])[~moving] for tile in (first, second)]
        assert abs(np.corrcoef(*noise)[0, 1]) < 0.9
    again = SecondFamilyTiles(5, size=128, per_km2=0.5).both_orbits(2)
    np.testing.assert_array_equal(again[1].layers["phase_rate"], tiles[2][1].layers["phase_rate"])
