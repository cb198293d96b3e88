"""Networks × channel combinations on one test set: known answers, what can't be served, the classical detector."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from ada_mapper.core.accuracy import (
    area_pixels,
    combination_label,
    compare_channels,
    comparison_figure,
    tile_objects,
    write_comparison_csv,
    write_comparison_report,
)
from ada_mapper.core.accuracy.comparison import BEST_CLASSICAL, BEST_DOWNHILL, CLASSICAL, EVERYTHING, unserved_reason
from ada_mapper.core.accuracy.tile_scores import tile_counts
from ada_mapper.core.channels import COMBINATIONS, Channel, ChannelKind, minmax_channel
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.models import FirstTiles, measured_pixels, network_input
from ada_mapper.core.progress import Progress
from ada_mapper.core.types import Array
from balanced_html import Balanced
from tiny_models import card_of, write_model

KIND = ChannelKind
PHASE = minmax_channel(KIND.PHASE_RATE, -10.0, 10.0)
LOS = minmax_channel(KIND.LOS_RATE, -50.0, 50.0, optional=True)
DEM = minmax_channel(KIND.DEM, 0.0, 4000.0, optional=True)
SLOPE = minmax_channel(KIND.SLOPE, 0.0, 70.0, optional=True)
COHERENCE = minmax_channel(KIND.COHERENCE, 0.0, 1.0, optional=True)


@dataclass(frozen=True)
class Tile:
    layers: Mapping[str, Array]
    label: np.ndarray
    pixel_size: float = 30.0
    metadata: Mapping[str, Any] = field(default_factory=dict)


def make_tile(seed: int, region: str = "", size: int = 70) -> Tile:
    """A square that moves; the phase rate sees the upper two thirds of it, the LOS rate has none there."""
    random = np.random.default_rng(seed)
    label = np.zeros((size, size), np.uint8)
    label[20:50, 20:40] = 1
    phase_rate = random.normal(0, 0.2, label.shape)
    phase_rate[20:40, 20:40] = 9.0
    los_rate = random.normal(0, 1.0, label.shape)
    los_rate[20:50, 20:40] = np.nan
    layers = {
        "phase_rate": phase_rate,
        "los_rate": los_rate,
        "dem": np.full(label.shape, 1000.0),
        "slope": np.full(label.shape, 20.0),
        "coherence": np.full(label.shape, 0.5),
    }
    as_float32 = {name: values.astype(np.float32) for name, values in layers.items()}
    return Tile(as_float32, label, metadata={"region": region})


def write(path: Path, *channels: Channel, name: str = "toy", **options: object) -> Path:
    """A model whose probability is its first band."""
    return write_model(path, card_of(*channels, name=name, threshold=0.9, low_threshold=0.9, **options))


@pytest.fixture
def tiles() -> list[Tile]:
    return [make_tile(seed) for seed in range(4)]


def test_known_scores_of_each_combination(tmp_path: Path, tiles: list[Tile]) -> None:
    comparison = compare_channels([write(tmp_path / "a.onnx", PHASE, LOS, DEM, SLOPE)], tiles)
    assert [row.combination for row in comparison.rows] == list(COMBINATIONS)
    served = {row.combination: row for row in comparison.rows if row.scores is not None}
    assert set(served) == set(COMBINATIONS) - {"los_rate"}
    for row in served.values():
        figures = row.scores.figures
        assert figures["iou"].value == pytest.approx(2 / 3)
        assert (figures["precision"].value, figures["recall"].value) == pytest.approx((1, 2 / 3))
        assert (figures["object_recall"].value, figures["object_precision"].value) == (1, 1)
        assert row.scores.objects.true_count == 4
        assert row.scores.mapped_km2 == pytest.approx(4 * 70 * 70 * 900 / 1e6)
        assert row.coverage == 1
    refused = comparison.rows[0]
    assert (refused.scores, refused.reason) == (None, "needs the phase rate")


def test_a_rate_with_gaps_misses_what_lies_in_them(tmp_path: Path, tiles: list[Tile]) -> None:
    path = write(tmp_path / "los.onnx", minmax_channel(KIND.LOS_RATE, -50.0, 50.0))
    row = compare_channels([path], tiles).rows[0]
    assert row.combination == "los_rate"
    assert row.scores.figures["recall"].value == 0
    assert row.coverage == pytest.approx(1 - 600 / 4900)
    own = compare_channels([path], tiles, own_ground=True).rows[0]
    assert own.scores.objects.true_count == 0
    assert math.isnan(own.scores.figures["recall"].value)


def test_several_models_keep_apart_and_tell_what_they_lack(tmp_path: Path, tiles: list[Tile]) -> None:
    paths = [
        write(tmp_path / "one.onnx", PHASE),
        write(tmp_path / "two.onnx", PHASE, DEM),
        write(tmp_path / "more.onnx", PHASE, COHERENCE, name="other"),
    ]
    comparison = compare_channels(paths, tiles)
    assert list(comparison.models) == ["toy (one)", "toy (two)", "other"]
    reasons = {(row.model, row.combination): row.reason for row in comparison.rows}
    assert reasons["toy (one)", "phase_rate"] == "" == reasons["toy (two)", "phase_rate+dem"]
    assert reasons["toy (one)", "phase_rate+dem"] == "has no channel for the DEM"
    assert reasons["other", EVERYTHING] == ""
    assert ("toy (one)", EVERYTHING) not in reasons
    strict = card_of(PHASE, minmax_channel(KIND.DEM, 0.0, 1.0))
    assert unserved_reason(strict, (KIND.PHASE_RATE,), tiles[0]) == "needs the DEM"
    bare = Tile({"phase_rate": tiles[0].layers["phase_rate"]}, tiles[0].label)
    assert unserved_reason(card_of(PHASE, DEM), (KIND.PHASE_RATE, KIND.DEM), bare) == "the tiles have no DEM"


def test_the_classical_detector_stands_beside(tmp_path: Path, tiles: list[Tile]) -> None:
    rows = compare_channels([write(tmp_path / "a.onnx", PHASE)], tiles).classical
    assert [row.model for row in rows] == [CLASSICAL, BEST_CLASSICAL]
    assert rows[0].combination == "LOS rate, 4 standard deviations"
    assert rows[1].scores.figures["iou"].value >= rows[0].scores.figures["iou"].value
    assert rows[1].combination.startswith("phase rate")
    assert rows[1].scores.confusion.true_positive + rows[1].scores.confusion.false_negative == 4 * 600


def test_the_classical_detector_of_downhill_motion_has_a_row_of_its_own(tmp_path: Path, tiles: list[Tile]) -> None:
    for tile in tiles:
        # The moving square goes away and downhill; ground that heaves as much beside it does not go downhill.
        tile.layers["phase_rate"][20:50, 20:40] = 9.0
        tile.layers["phase_rate"][20:50, 45:65] = -9.0
        tile.layers["los_sensitivity"] = np.full(tile.label.shape, -0.5, np.float32)
    path = write(tmp_path / "a.onnx", PHASE)
    rows = compare_channels([path], tiles).classical
    assert [row.model for row in rows] == [CLASSICAL, BEST_CLASSICAL, BEST_DOWNHILL]
    assert "downhill" in rows[2].combination and "downhill" not in rows[1].combination
    # Half of what moves is no landslide.
    assert rows[1].scores.figures["iou"].value == pytest.approx(0.5, abs=0.1)
    assert rows[2].scores.figures["iou"].value > 0.9
    tuned = compare_channels([path], tiles[:2], tuning_tiles=tiles[2:])
    assert tuned.tuned_apart and [row.model for row in tuned.classical] == [row.model for row in rows]
    write_comparison_report(tmp_path / "r.html", tuned)
    assert "classical detector of downhill motion, tuned: phase rate" in (tmp_path / "r.html").read_text("utf-8")


def test_the_classical_detector_is_tuned_on_other_tiles_where_there_are_any(tmp_path: Path, tiles: list[Tile]) -> None:
    path = write(tmp_path / "a.onnx", PHASE)
    # Here only the LOS rate shows the motion, so that what is best there is not what is best on the test tiles.
    other = make_tile(9)
    other.layers["los_rate"][20:50, 20:40] = 60.0
    other.layers["phase_rate"][:] = np.random.default_rng(9).normal(0, 0.2, other.label.shape)
    apart = compare_channels([path], tiles, tuning_tiles=[other])
    assert apart.tuned_apart and apart.classical[1].combination.startswith("LOS rate")
    here = compare_channels([path], tiles)
    assert not here.tuned_apart and here.classical[1].combination.startswith("phase rate")


def test_intervals_are_drawn_from_regions_where_there_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", PHASE)
    many = [make_tile(seed, region=f"region {seed % 10}") for seed in range(12)]
    assert compare_channels([path], many).drawn == "10 regions"
    few = [make_tile(seed, region=f"region {seed % 2}") for seed in range(4)]
    assert compare_channels([path], few).drawn == "4 tiles"


def test_simulated_tiles_are_made_when_asked_for() -> None:
    made = []

    def source(index: int) -> Tile:
        made.append(index)
        return make_tile(index)

    tiles = FirstTiles(source, 3)
    assert len(tiles) == 3 and made == []
    assert tiles[2].label.sum() == 600 and made == [2]
    assert len(tiles[:2]) == 2 and made == [2, 0, 1]
    with pytest.raises(IndexError):
        tiles[3]


def test_what_cannot_be_compared(tmp_path: Path, tiles: list[Tile]) -> None:
    path = write(tmp_path / "a.onnx", PHASE)
    with pytest.raises(InputError, match="at least one model"):
        compare_channels([], tiles)
    with pytest.raises(InputError, match="at least one model"):
        compare_channels([path], [])
    with pytest.raises(CancelledError):
        compare_channels([path], tiles, Progress(is_cancelled=lambda: True))
    feet = Channel(KIND.PHASE_RATE, "mm/yr", "away", PHASE.scaling)
    with pytest.raises(InputError, match="no phase rate in mm/yr away"):
        network_input(tiles[0], card_of(feet))


def test_the_figure_stands_alone_and_has_a_bar_for_what_could_be_judged(tmp_path: Path, tiles: list[Tile]) -> None:
    path = write(tmp_path / "a.onnx", PHASE, LOS, name="<a>")
    comparison = compare_channels([path], tiles)
    drawing = ElementTree.fromstring(comparison_figure(comparison))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    titles = [title.text or "" for title in drawing.iter("{http://www.w3.org/2000/svg}title")]
    # phase rate alone, and with the LOS rate: no other combination of the seven is served
    assert [title.split(":")[0] for title in titles] == ["<a>, phase rate", "<a>, phase rate LOS rate"]
    shown = [float(title.split(":")[1].split("(")[0]) for title in titles]
    ious = [100 * row.scores.figures["iou"].value for row in comparison.rows if row.scores is not None]
    assert shown == pytest.approx(ious, abs=0.05)


def test_report_and_table_hold_every_row(tmp_path: Path, tiles: list[Tile]) -> None:
    paths = [write(tmp_path / "a.onnx", PHASE, LOS), write(tmp_path / "b.onnx", PHASE, COHERENCE, name="<b>")]
    comparison = compare_channels(paths, tiles)
    write_comparison_report(tmp_path / "report.html", comparison, {"Tiles": "made by a test"})
    parser = Balanced()
    parser.feed((tmp_path / "report.html").read_text("utf-8"))
    assert parser.open == [] and "b" not in parser.seen
    text = "".join(parser.text)
    assert "nan" not in text
    for combination in COMBINATIONS:
        assert combination_label(combination) in text
    assert "the model has no channel for the slope" in text
    # Numbers of the paper's tables are nobody's here.
    assert not any(number in text for number in ("94.49", "84.59", "93.88"))
    write_comparison_csv(tmp_path / "table.csv", comparison)
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 7 + 8 + 2
    assert float(rows[1]["iou"]) == pytest.approx(2 / 3, rel=1e-5)
    assert rows[0]["iou"] == "" and rows[0]["reason"] == "needs the phase rate"
    assert None not in rows[0] and all(value is not None for value in rows[0].values())


# The parts


def test_network_input_is_scaled_filled_and_padded() -> None:
    tile = make_tile(0, size=70)
    tile.layers["phase_rate"][0, 0] = np.nan
    card = card_of(PHASE, LOS, DEM, stride=32)
    bands, measured = network_input(tile, card, missing=(KIND.DEM,))
    assert bands.shape == (3, 96, 96) and bands.dtype == np.float32
    assert np.isfinite(bands).all()
    assert bands[0, 0, 0] == pytest.approx(PHASE.fill)
    assert (bands[2] == np.float32(DEM.fill)).all()
    assert bands[0, 25, 25] == pytest.approx((9 + 10) / 20)
    assert np.array_equal(bands[:, 69, :70], bands[:, 95, :70])
    assert measured[0, 0] and measured.all()
    only_phase = network_input(tile, card, missing=(KIND.LOS_RATE, KIND.DEM))[1]
    assert not only_phase[0, 0] and only_phase.sum() == 4899
    assert measured_pixels(tile).all()


def test_area_pixels_follow_the_cards_rules() -> None:
    probability = np.zeros((40, 40), np.float32)
    probability[2:12, 2:12] = 0.5
    probability[5, 5] = 0.9
    probability[20:30, 20:30] = 0.5  # never reaches the threshold
    probability[35, 35] = 0.95  # too small
    probability[0, 39] = np.nan
    card = card_of(PHASE, threshold=0.8, low_threshold=0.4, min_area=9000.0)
    found = area_pixels(probability, card, 30.0)
    assert found.sum() == 100 and found[2:12, 2:12].all()
    assert area_pixels(probability, card, 9.0).sum() == 0


def test_objects_of_a_tile_by_hand() -> None:
    label = np.zeros((60, 60), np.uint8)
    label[0:10, 0:10] = 1  # found by 40 of 100 pixels
    label[20:30, 0:10] = 1  # found by 20 of 100: too little
    label[40:50, 0:10] = 1  # mostly not counted
    label[0:2, 30:32] = 1  # too small to be asked for, and found
    found = np.zeros((60, 60), bool)
    found[0:4, 0:10] = found[20:22, 0:10] = found[0:2, 30:32] = True
    found[50:56, 50:56] = True  # a false alarm
    found[57:58, 0:3] = True  # too small to count
    counted = np.ones((60, 60), bool)
    counted[40:46, 0:10] = False
    scores = tile_objects(found, label, counted, min_pixels=9)
    assert (scores.true_count, scores.matched_true) == (2, 1)
    assert (scores.found_count, scores.matched_found) == (3, 1)
    motion = np.where(label == 1, 12.0, 0.0).astype(np.float32)
    motion[20:30, 0:10] = -6.0
    fast = tile_objects(found, label, counted, 9, motion, min_rate=10.0)
    assert (fast.true_count, fast.matched_true, fast.found_count, fast.matched_found) == (1, 1, 3, 1)
    assert (scores + fast).true_count == 3 and (scores + fast).found_count == 6


def test_counts_leave_out_ignored_pixels() -> None:
    tile = make_tile(1)
    tile.label[:, 60:] = 255
    found = np.zeros((70, 70), bool)
    found[20:50, 20:40] = found[:, 65:] = True
    counts = tile_counts(found, tile, np.ones((70, 70), bool), 5000.0)
    assert counts.tolist() == pytest.approx([600, 0, 0, 70 * 60 - 600, 1, 1, 1, 1, 70 * 60 * 900 / 1e6])
