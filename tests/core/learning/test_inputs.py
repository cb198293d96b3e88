"""What a network learns from: scaled, filled, dropped, flipped; always the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from ada_mapper.core.channels import Channel, ChannelKind, Scaling
from ada_mapper.core.errors import InputError
from ada_mapper.core.learning import bundled_card, to_input
from ada_mapper.core.learning.inputs import BatchSource, draw_missing
from ada_mapper.core.models import IGNORED
from learning_tiles import CHANNELS, KIND, DiscTiles, make_card


def test_channels_are_scaled_as_the_card_says_and_keep_its_order() -> None:
    tile = DiscTiles()(0)
    bands, labels = to_input(tile, make_card())
    np.testing.assert_allclose(bands[0], np.arcsinh(tile.layers["phase_rate"] / 2), rtol=1e-6)
    np.testing.assert_allclose(bands[1], np.clip(tile.layers["los_rate"] / 40, -1, 1), rtol=1e-6)
    # a plane rises 10 m a column: it lies at its own local mean wherever the window is whole
    np.testing.assert_allclose(bands[2][:, 10:-10], 0, atol=1e-4)
    np.testing.assert_allclose(bands[3], 18.4 / 60, rtol=1e-5)
    np.testing.assert_array_equal(labels, tile.label)


def test_no_data_is_filled_after_scaling_and_ignored_only_without_any_rate() -> None:
    tile = DiscTiles()(0)
    tile.layers["phase_rate"][:8] = np.nan
    tile.layers["los_rate"][4:12] = np.nan
    tile.layers["dem"][20:24] = np.nan
    bands, labels = to_input(tile, make_card())
    assert np.isfinite(bands).all()
    assert np.all(bands[0][:8] == 0)
    assert np.all(bands[1][4:12] == 0.25)
    assert np.all(bands[2][20:24] == 0)
    assert np.all(labels[4:8] == IGNORED)
    np.testing.assert_array_equal(np.delete(labels, range(4, 8), 0), np.delete(tile.label, range(4, 8), 0))


def test_a_missing_rate_does_not_count_as_measured() -> None:
    tile = DiscTiles()(0)
    tile.layers["phase_rate"][:8] = np.nan
    bands, labels = to_input(tile, make_card(), {KIND.LOS_RATE, KIND.SLOPE})
    assert np.all(bands[1] == 0.25) and np.all(bands[3] == -0.5)
    assert np.all(labels[:8] == IGNORED)


def test_wrapped_phase_takes_two_bands() -> None:
    channel = Channel(KIND.PHASE_RATE_WRAPPED, "rad/yr", "away", Scaling("wrap", cycle=4.0))
    tile = DiscTiles()(0)
    bands, _ = to_input(tile, make_card(channels=(channel,)))
    angle = 2 * np.pi * tile.layers["phase_rate"].astype(float) / 4
    np.testing.assert_allclose(bands, [np.sin(angle), np.cos(angle)], atol=1e-5)


def test_a_unit_that_tiles_do_not_have_is_refused() -> None:
    channel = Channel(KIND.LOS_RATE, "m/yr", "toward", Scaling("asinh", scale=0.01))
    with pytest.raises(InputError, match="LOS rate in m/yr"):
        to_input(DiscTiles()(0), make_card(channels=(channel,)))


def test_only_optional_channels_are_dropped_each_alone_and_all_together() -> None:
    random = np.random.default_rng(0)
    drawn = [draw_missing(make_card(), random) for _ in range(2000)]
    optional = {channel.kind for channel in CHANNELS if channel.optional}
    assert set().union(*drawn) == optional
    for wanted in [set(), *({kind} for kind in optional), {KIND.DEM, KIND.SLOPE}, optional]:
        assert sum(missing == wanted for missing in drawn) > 20
    required = make_card(channels=tuple(replace(channel, optional=False) for channel in CHANNELS))
    assert all(draw_missing(required, random) == frozenset() for _ in range(50))


def test_evidence_goes_together_or_each_alone_beside_what_goes_of_the_ground() -> None:
    random = np.random.default_rng(0)
    count = 6000
    drawn = [draw_missing(bundled_card(), random) for _ in range(count)]
    evidence = {kind for kind in KIND if kind.is_evidence}
    assert evidence == {KIND.STANDARD_ERROR, KIND.COHERENCE, KIND.CLOSURE}

    def share(wanted: set[ChannelKind]) -> float:
        return sum(missing & evidence == wanted for missing in drawn) / count

    # 0.4 + 0.6 · 0.25³ have none, 0.6 · 0.75³ have all, 0.6 · 0.25 · 0.75² go without one alone
    assert share(evidence) == pytest.approx(0.409, abs=0.02)
    assert share(set()) == pytest.approx(0.253, abs=0.02)
    for kind in evidence:
        assert share({kind}) == pytest.approx(0.084, abs=0.012)
    ground = {KIND.DEM, KIND.SLOPE, KIND.LOS_SENSITIVITY}
    bare = [ground <= missing for missing in drawn]
    assert np.mean(bare) == pytest.approx(0.2 + 0.8 * 0.25**3, abs=0.02)
    # what goes of the ground says nothing of what goes of the evidence
    both = [ground <= missing and evidence <= missing for missing in drawn]
    assert np.mean(both) == pytest.approx(np.mean(bare) * share(evidence), abs=0.015)
    assert all(not {KIND.PHASE_RATE, KIND.LOS_RATE} <= missing for missing in drawn)


def test_what_a_tile_lacks_of_an_optional_layer_is_filled() -> None:
    tile = DiscTiles()(0)
    channel = Channel(KIND.STANDARD_ERROR, "mm/yr", "", Scaling("asinh", scale=1.0), optional=True, fill=-1.0)
    bands, labels = to_input(tile, make_card(channels=(*CHANNELS, channel)))
    without, same_labels = to_input(tile, make_card())
    np.testing.assert_array_equal(bands[:-1], without)
    np.testing.assert_array_equal(labels, same_labels)
    assert np.all(bands[-1] == -1)
    with pytest.raises(InputError, match="no standard error"):
        to_input(tile, make_card(channels=(*CHANNELS, replace(channel, optional=False))))


def test_batches_are_a_function_of_seed_and_group() -> None:
    source = BatchSource(DiscTiles(), make_card(), seed=3, batch_size=4, views=2)
    first, again = source[5], BatchSource(DiscTiles(), make_card(), seed=3, batch_size=4, views=2)[5]
    for (bands, labels), (same_bands, same_labels) in zip(first, again):
        np.testing.assert_array_equal(bands, same_bands)
        np.testing.assert_array_equal(labels, same_labels)
    assert len(first) == 2
    assert first[0][0].shape == (4, 4, 64, 64) and first[0][1].dtype == np.uint8
    other = BatchSource(DiscTiles(), make_card(), seed=4, batch_size=4, views=2)[5]
    assert any(not np.array_equal(a, b) for (a, _), (b, _) in zip(first, other))


def test_a_batch_holds_its_tiles_as_they_are_or_flipped_east_to_west() -> None:
    card = make_card(channels=CHANNELS[:1])
    source = BatchSource(DiscTiles(), card, seed=0, batch_size=16)
    (bands, labels), *_ = source[1]
    flipped = 0
    for position in range(16):
        wanted_bands, wanted_labels = to_input(DiscTiles()(16 + position), card)
        is_flipped = not np.array_equal(bands[position], wanted_bands)
        flipped += is_flipped
        step = -1 if is_flipped else 1
        np.testing.assert_array_equal(bands[position], wanted_bands[..., ::step])
        np.testing.assert_array_equal(labels[position], wanted_labels[..., ::step])
    assert 2 <= flipped <= 14
