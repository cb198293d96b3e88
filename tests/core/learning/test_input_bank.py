"""A bank gives what a training would have made of the same tiles, and only that."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.channels import ChannelKind, Scaling
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.learning import InputBank, TrainingOptions, fill_bank, to_input, train
from ada_mapper.core.learning.input_bank import BANDS, FACTS
from ada_mapper.core.models import IGNORED
from ada_mapper.core.progress import Progress
from learning_tiles import CHANNELS, DiscTile, DiscTiles, make_card
from tiny_network import tiny_card, use_tiny_network

COUNT = 5


@dataclass(frozen=True)
class GappyTiles:
    """Tiles with gaps, and every other one without a LOS rate."""

    def __call__(self, index: int) -> DiscTile:
        tile = DiscTiles(seed=9)(index)
        layers = {name: values.copy() for name, values in tile.layers.items()}
        layers["phase_rate"][:7] = np.nan
        layers["los_rate"][:3, :20] = np.nan
        layers["dem"][20:30] = np.nan
        if index % 2:
            del layers["los_rate"]
        return replace(tile, layers=layers)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    fill_bank(tmp_path / "bank", GappyTiles(), make_card(), COUNT, "gappy")
    return tmp_path / "bank"


def order_of(bank: InputBank, epoch: int = 0) -> list[int]:
    """Which of the source's tiles each index is, by the labels."""
    labels = [GappyTiles()(index).label for index in range(COUNT)]
    found = (bank(epoch * COUNT + index).label for index in range(COUNT))
    return [next(number for number, label in enumerate(labels) if np.array_equal(label, own)) for own in found]


@pytest.mark.parametrize("missing", [(), ("los_rate", "slope"), ("dem",)])
def test_the_network_sees_what_it_would_have_seen(bank: Path, missing: tuple[str, ...]) -> None:
    card, kinds = make_card(), frozenset(map(ChannelKind, missing))
    stored = InputBank(bank)
    for index, number in enumerate(order_of(stored)):
        bands, labels = to_input(stored(index), card, kinds)
        expected, expected_labels = to_input(GappyTiles()(number), card, kinds)
        np.testing.assert_allclose(bands, expected, rtol=2**-10, atol=1e-4)  # halves have 11 bits
        np.testing.assert_array_equal(labels, expected_labels)
        assert bands.dtype == np.float32
        assert (labels[:3] == (IGNORED if number % 2 or "los_rate" in missing else expected_labels[:3])).all()


def test_each_epoch_has_every_tile_once_in_its_own_order(bank: Path) -> None:
    stored = InputBank(bank, seed=3)
    orders = [order_of(stored, epoch) for epoch in range(6)]
    assert all(sorted(order) == list(range(COUNT)) for order in orders)
    assert len(set(map(tuple, orders))) > 1
    again = pickle.loads(pickle.dumps(stored))
    assert order_of(again, 2) == orders[2]


def test_a_crop_is_a_part_of_the_tile_as_it_was_scaled_whole(bank: Path) -> None:
    whole, cropped = InputBank(bank, seed=4), InputBank(bank, crop=32, seed=4)
    places = set()
    for index in range(4 * COUNT):
        tile, part = whole(index), cropped(index)
        assert part.label.shape == (32, 32)
        dem = tile.layers["phase_rate"]
        fits = [
            (row, column)
            for row in range(33)
            for column in range(33)
            if np.array_equal(dem[row : row + 32, column : column + 32], part.layers["phase_rate"], equal_nan=True)
        ]
        assert len(fits) == 1
        places.add(fits[0])
    assert len(places) > COUNT


def test_only_the_kinds_that_are_asked_for_are_given(bank: Path) -> None:
    kinds = (ChannelKind.SLOPE, ChannelKind.PHASE_RATE)
    card = make_card(channels=(CHANNELS[0], CHANNELS[3]))
    tile = InputBank(bank, kinds)(0)
    assert list(tile.layers) == ["slope", "phase_rate"]
    bands, _ = to_input(tile, card)
    np.testing.assert_allclose(bands[1], 18.4 / 60, atol=1e-3)
    with pytest.raises(InputError, match="holds no coherence"):
        InputBank(bank, (ChannelKind.COHERENCE,))(0)


def test_a_stopped_filling_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ada_mapper.core.learning.input_bank._KEPT_EACH", 2)
    made: list[int] = []

    class Counted(GappyTiles):
        def __call__(self, index: int) -> DiscTile:
            made.append(index)
            return super().__call__(index)

    stop = Progress(is_cancelled=lambda: len(made) >= 3)
    with pytest.raises(CancelledError):
        fill_bank(tmp_path / "bank", Counted(), make_card(), COUNT, "gappy", stop)
    with pytest.raises(InputError, match="isn't full"):
        InputBank(tmp_path / "bank")(0)
    fill_bank(tmp_path / "bank", Counted(), make_card(), COUNT, "gappy")
    assert made == [0, 1, 2, 2, 3, 4]
    fill_bank(tmp_path / "bank", Counted(), make_card(), COUNT, "gappy")
    assert len(made) == 6
    fill_bank(tmp_path / "other", GappyTiles(), make_card(), COUNT, "gappy")
    assert (tmp_path / "bank" / BANDS).read_bytes() == (tmp_path / "other" / BANDS).read_bytes()


def test_other_tiles_and_other_scalings_are_refused_and_other_fills_are_not(bank: Path) -> None:
    for changes in ({"origin": "others"}, {"count": COUNT + 1}):
        with pytest.raises(InputError, match="other tiles"):
            fill_bank(
                **{"folder": bank, "source": GappyTiles(), "card": make_card(), "count": COUNT, "origin": "gappy"}
                | changes
            )
    other = (replace(CHANNELS[0], scaling=Scaling("asinh", scale=3.0)), *CHANNELS[1:])
    with pytest.raises(InputError, match="other tiles"):
        fill_bank(bank, GappyTiles(), make_card(channels=other), COUNT, "gappy")
    same = (replace(CHANNELS[0], optional=True, fill=0.5), *CHANNELS[1:])
    fill_bank(bank, GappyTiles(), make_card(channels=same), COUNT, "gappy")


def test_a_folder_that_is_no_bank_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / FACTS).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="no bank of tiles"):
        InputBank(tmp_path)(0)
    with pytest.raises(InputError, match="absent"):
        InputBank(tmp_path / "absent")(0)


def test_a_network_learns_from_crops_of_a_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)
    card = tiny_card()
    fill_bank(tmp_path / "bank", DiscTiles(), card, 8, "discs")
    assert json.loads((tmp_path / "bank" / FACTS).read_text())["made"] == 8
    options = TrainingOptions(steps=30, batch_size=4, half=False, learning_rate=1e-2, evaluate_every=1.0)
    _, state = train(card, InputBank(tmp_path / "bank", crop=48), [DiscTiles(seed=1)(0)], options)
    assert state.history[-1]["best_iou"] > 0.8
