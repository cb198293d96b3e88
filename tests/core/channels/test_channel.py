"""Scaling by known answers and by independent recomputation; JSON round trips; errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ada_mapper.core.channels import COMBINATIONS, MINMAX_CHANNELS, Channel, ChannelKind, Scaling, minmax_channel
from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import Cells, RunningRelief, above_lattice_mean, above_local_mean
from examples import examples

NAN = math.nan
positive = st.floats(0.01, 1e4)
scalings = st.one_of(
    st.builds(lambda low, span: Scaling("minmax", low=low, high=low + span), st.floats(-1e4, 1e4), positive),
    st.builds(lambda scale, radius: Scaling("asinh", scale=scale, local_radius=radius), positive, positive),
    st.builds(
        lambda radius, cells: Scaling("asinh", scale=1.0, local_radius=radius, local_cells=cells),
        positive,
        st.integers(1, 100),
    ),
    st.builds(lambda scale, limit: Scaling("asinh", scale=scale, limit=limit), positive, positive),
    st.builds(lambda scale: Scaling("clip", scale=scale), positive),
    st.builds(lambda cycle: Scaling("wrap", cycle=cycle), positive),
)
layers = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.one_of(st.just(NAN), st.floats(-1000, 1000, width=32)),
)


def test_minmax_is_zero_at_low_one_at_high_and_cut_off_outside() -> None:
    scaled = Scaling("minmax", low=-10, high=30).apply([[-11, -10, 0, 30, 99, NAN]], 30)
    np.testing.assert_allclose(scaled, [[0, 0, 0.25, 1, 1, NAN]], rtol=1e-6)
    assert scaled.dtype == np.float32


def test_clip_and_asinh_known_answers() -> None:
    values = [[-50.0, -5.0, 0.0, 5.0, 50.0, NAN]]
    np.testing.assert_allclose(Scaling("clip", scale=10).apply(values, 30), [[-1, -0.5, 0, 0.5, 1, NAN]])
    expected = [[-2.3124383, -0.4812118, 0, 0.4812118, 2.3124383, NAN]]  # ln(x + √(x² + 1)) of ±5 and ±0.5
    np.testing.assert_allclose(Scaling("asinh", scale=10).apply(values, 30), expected, rtol=1e-6)


def test_what_lies_beyond_the_limit_is_taken_for_it_after_the_local_mean() -> None:
    limited = Scaling("asinh", scale=10, limit=3000)
    free = Scaling("asinh", scale=10)
    values = [[-1e6, -3000.0, -2999.0, 0.0, 40.0, 3001.0, NAN]]
    expected = free.apply([[-3000.0, -3000.0, -2999.0, 0.0, 40.0, 3000.0, NAN]], 30)
    np.testing.assert_allclose(limited.apply(values, 30), expected, rtol=1e-6)
    # 90 km/yr everywhere but in one pixel: the offset goes with the mean, and what stands out of it is cut off
    ground = np.full((41, 41), 90_000.0, np.float32)
    ground[20, 20] += 8000
    local = Scaling("asinh", scale=10, limit=3000, local_radius=300).apply(ground, 30)
    assert local[20, 20] == pytest.approx(math.asinh(300), rel=1e-6)
    assert local[0, 0] == 0
    assert local[20, 21] == pytest.approx(math.asinh(-8000 / 21**2 / 10), rel=1e-4)
    assert "limit" not in free.to_json() and limited.to_json()["limit"] == 3000


@pytest.mark.parametrize(
    "values",
    [{"limit": 0}, {"limit": -3.0}, {"limit": "3"}, {"limit": True}, {"limit": math.inf},
     {"method": "clip", "limit": 3.0}, {"method": "minmax", "scale": None, "low": 0, "high": 1, "limit": 3.0}],
)  # fmt: skip
def test_a_limit_is_a_number_above_0_and_belongs_to_asinh(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match="limit"):
        Scaling(**{"method": "asinh", "scale": 10.0, **values})  # type: ignore[arg-type]


def test_wrapped_rate_is_sine_and_cosine_of_its_part_of_a_cycle() -> None:
    channel = Channel(ChannelKind.PHASE_RATE_WRAPPED, "rad/yr", "away", Scaling("wrap", cycle=2 * math.pi), fill=0.0)
    sine, cosine = channel.bands([[0, math.pi / 2, math.pi, 2.5 * math.pi, NAN]], 30)
    np.testing.assert_allclose(sine, [[0, 1, 0, 1, NAN]], atol=1e-6)
    np.testing.assert_allclose(cosine, [[1, 0, -1, 0, NAN]], atol=1e-6)
    assert channel.band_names == ("phase_rate_wrapped_sine", "phase_rate_wrapped_cosine")


def _mean_by_hand(values: np.ndarray, radius: int) -> np.ndarray:
    height, width = values.shape
    result = np.full(values.shape, NAN)
    for row in range(height):
        for column in range(width):
            box = values[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
            if np.isfinite(values[row, column]):
                result[row, column] = np.nanmean(box.astype(float))
    return result


@examples(60)
@given(layers, st.integers(1, 15))
def test_relief_is_the_value_above_the_mean_of_the_valid_neighbours(values: np.ndarray, radius: int) -> None:
    scaled = Scaling("asinh", scale=7, local_radius=radius * 30.0).apply(values, 30)
    expected = np.arcsinh((values - _mean_by_hand(values, radius)) / 7)
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_relief_on_a_lattice_is_the_value_above_its_mean() -> None:
    """Radius 90 m at 30 m and one cell each way: cells of round(7 / 3) = 2 pixels, their means over three of them."""
    values = np.random.default_rng(8).normal(size=(20, 24)).astype(np.float32)
    scaled = Scaling("clip", scale=1000, local_radius=90, local_cells=1).apply(values, 30, (1, 4))
    np.testing.assert_allclose(scaled, above_lattice_mean(values, Cells(2, 1), (1, 4)) * np.float32(1e-3), rtol=1e-6)
    assert Scaling("clip", scale=1, local_radius=90, local_cells=1).halo(30) == 5


@examples(60)
@given(layers, scalings)
def test_nan_stays_nan_and_nothing_else_becomes_it(values: np.ndarray, scaling: Scaling) -> None:
    np.testing.assert_array_equal(np.isnan(scaling.apply(values, 30)), np.isnan(values))


@examples(30)
@given(scalings)
def test_scaling_survives_json(scaling: Scaling) -> None:
    assert Scaling.from_json(json.loads(json.dumps(scaling.to_json()))) == scaling


def test_apply_leaves_its_input_alone() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    for scaling in (Scaling("minmax", low=0, high=1), Scaling("clip", scale=1, local_radius=60)):
        scaling.apply(values, 30)
        np.testing.assert_array_equal(values, np.arange(12).reshape(3, 4))


def test_leading_dimensions_are_layers_of_their_own() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 20, 30)).astype(np.float32)
    scaling = Scaling("asinh", scale=1, local_radius=120)
    scaled = scaling.apply(values, 30)
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(scaled[index], scaling.apply(values[index], 30))


@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_a_window_with_a_halo_equals_the_whole_scene(holes: float) -> None:
    generator = np.random.default_rng(2)
    scene = (3000 + 500 * generator.standard_normal((300, 2300))).astype(np.float32)
    scene[generator.random(scene.shape) < holes] = NAN
    scaling = Scaling("clip", scale=1e4, local_radius=20 * 30)
    halo = scaling.halo(30)
    assert halo == 20
    whole = scaling.apply(scene, 30)
    for row, column in ((60, 500), (0, 0), (200, 2200)):
        top, left = max(row - halo, 0), max(column - halo, 0)
        part = scaling.apply(scene[top : row + 100 + halo, left : column + 100 + halo], 30)
        inner = part[row - top :, column - left :][:100, :100]
        np.testing.assert_allclose(inner, whole[row : row + 100, column : column + 100], atol=1e-7)


@examples(60)
@given(layers, st.integers(1, 15), st.lists(st.integers(1, 5), min_size=1))
def test_relief_of_rows_that_come_bit_by_bit(values: np.ndarray, radius: int, counts: list[int]) -> None:
    running, parts, row = RunningRelief(radius, values.shape[1]), [], 0
    for count in [*counts, len(values)]:
        running.push(values[row : row + count])
        row = min(row + count, len(values))
        given = sum(map(len, parts))
        assert running.ready == max(0, row - radius - given)
        parts.append(np.empty((running.ready, values.shape[1]), np.float32))
        running.give(parts[-1])
    running.finish()
    parts.append(np.empty((running.ready, values.shape[1]), np.float32))
    running.give(parts[-1])
    expected = above_local_mean(values, radius)
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-4)


def test_relief_where_gaps_come_and_go_down_the_rows() -> None:
    values = np.random.default_rng(6).normal(3000, 100, (300, 40)).astype(np.float32)
    values[70:75, 3:30] = NAN
    values[180] = NAN
    values[230:260] = NAN
    found = above_local_mean(values, 12)
    np.testing.assert_allclose(found, values - _mean_by_hand(values, 12), atol=2e-3)


def test_an_offset_disappears_in_the_relief() -> None:
    values = np.random.default_rng(4).normal(size=(30, 30)).astype(np.float32)
    scaling = Scaling("asinh", scale=1, local_radius=150)
    np.testing.assert_allclose(scaling.apply(values + 100, 30), scaling.apply(values, 30), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"method": "log"}, "unknown"),
        ({"method": "minmax", "low": 1.0}, "“high”"),
        ({"method": "minmax", "low": 2.0, "high": 2.0}, "low < high"),
        ({"method": "minmax", "low": 0.0, "high": NAN}, "“high”"),
        ({"method": "asinh", "scale": 0.0}, "above 0"),
        ({"method": "asinh", "scale": "big"}, "“scale”"),
        ({"method": "clip", "scale": 1.0, "low": 0.0}, "no number “low”"),
        ({"method": "wrap", "cycle": -1.0}, "above 0"),
        ({"method": "clip", "scale": 1.0, "local_radius": 0.0}, "local_radius"),
        ({"method": "clip", "scale": 1.0, "local_cells": 4}, "needs “local_radius”"),
        ({"method": "clip", "scale": 1.0, "local_radius": 90.0, "local_cells": 0}, "from 1 to 100"),
        ({"method": "clip", "scale": 1.0, "local_radius": 90.0, "local_cells": 2.5}, "whole number"),
        ({"method": "clip", "scale": 1.0, "local_radius": 90.0, "local_cells": True}, "whole number"),
    ],
)
def test_meaningless_scalings_are_refused(arguments: dict, part: str) -> None:
    with pytest.raises(InputError, match=part):
        Scaling(**arguments)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"unit": "degree"}, "unit"),
        ({"sign": "up"}, "sign"),
        ({"fill": NAN}, "filled"),
        ({"scaling": Scaling("wrap", cycle=1.0)}, "scaled by"),
        ({"kind": ChannelKind.DEM}, "unit"),
    ],
)
def test_contradicting_channels_are_refused(changes: dict, part: str) -> None:
    arguments = {
        "kind": ChannelKind.LOS_RATE,
        "unit": "mm/yr",
        "sign": "toward",
        "scaling": Scaling("clip", scale=1.0),
    }
    with pytest.raises(InputError, match=part):
        Channel(**{**arguments, **changes})


def test_channels_survive_json_and_unknown_entries_are_refused() -> None:
    for channel in MINMAX_CHANNELS.values():
        assert Channel.from_json(json.loads(json.dumps(channel.to_json()))) == channel
    values = MINMAX_CHANNELS[ChannelKind.DEM].to_json()
    with pytest.raises(InputError, match="colour"):
        Channel.from_json({**values, "colour": 1})
    with pytest.raises(InputError, match="“unit”"):
        Channel.from_json({key: value for key, value in values.items() if key != "unit"})
    with pytest.raises(InputError, match="aspect"):
        Channel.from_json({**values, "kind": "aspect"})
    with pytest.raises(InputError, match="scaling"):
        Channel.from_json({**values, "scaling": 3})


def test_the_papers_seven_combinations_all_hold_a_rate() -> None:
    assert len(COMBINATIONS) == len(set(COMBINATIONS.values())) == 7
    for name, kinds in COMBINATIONS.items():
        assert name.split("+") == [kind.value for kind in kinds]
        assert any(kind.is_rate for kind in kinds)


def test_minmax_channels_fill_with_what_zero_becomes() -> None:
    channel = minmax_channel(ChannelKind.LOS_RATE, -100, 300)
    assert channel.fill == pytest.approx(float(channel.bands([[0.0]], 30)[0, 0, 0]))
    assert (channel.unit, channel.sign) == ("mm/yr", "toward")
    assert minmax_channel(ChannelKind.DEM, 0, 10, optional=True, fill=0.5).fill == 0.5
