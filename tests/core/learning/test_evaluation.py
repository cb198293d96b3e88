"""Scores, thresholds and calibration with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.learning import best_classical, choose_thresholds, judge, judge_classical, judged_tiles, to_input
from ada_mapper.core.learning.evaluation import (
    best_threshold,
    calibrate,
    pixel_and_area_score,
    predict,
    probability_histogram,
    scores_at,
)
from ada_mapper.core.models import Network
from learning_tiles import CHANNELS, KIND, DiscTiles, make_card

CARD = make_card(channels=CHANNELS[:1])


class Pixelwise(Network):
    """Logit = gain · phase channel + offset: a network whose every answer is known."""

    architecture = "compact"
    stride = 32

    def __init__(self, gain: float, offset: float) -> None:
        super().__init__(channels=1)
        self.head = torch.nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([0.0, gain]).reshape(2, 1, 1, 1))
            self.head.bias.copy_(torch.tensor([0.0, offset]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(x)
        return logits


def test_scores_of_a_histogram_follow_from_its_counts() -> None:
    histogram = np.zeros((2, 1000), np.int64)
    histogram[1, [100, 500, 900]] = 10, 20, 30
    histogram[0, [50, 600]] = 1000, 5
    scores = scores_at(histogram, 0.5)
    assert scores.iou == pytest.approx(50 / 65)
    assert scores.precision == pytest.approx(50 / 55)
    assert scores.recall == pytest.approx(50 / 60)
    # below 0.1 all of class 1 is found with 5 false pixels; from 0.06 on none of the thousand
    assert best_threshold(histogram) == pytest.approx(0.06)
    assert scores_at(histogram, 0.06).iou == pytest.approx(60 / 65)


def test_a_histogram_counts_each_valid_pixel_once() -> None:
    tile = DiscTiles()(0)
    tile.layers["phase_rate"][:5] = np.nan
    histogram = probability_histogram(Pixelwise(3.0, -3.0), CARD, [tile, tile])
    assert histogram.sum(axis=1).tolist() == [2 * int((tile.label[5:] == truth).sum()) for truth in (0, 1)]


def test_calibration_recovers_the_probabilities_that_labels_were_drawn_from() -> None:
    random = np.random.default_rng(0)
    tiles = [DiscTiles(size=128)(index) for index in range(6)]
    for tile in tiles:
        bands, _ = to_input(tile, CARD)
        truth = 1 / (1 + np.exp(-(2.0 * bands[0].astype(float) - 1.5)))
        tile.label[:] = random.random(truth.shape) < truth
    network = Pixelwise(gain=5.0, offset=1.0)
    before = predict(network, to_input(tiles[0], CARD)[0][np.newaxis])
    a, b = calibrate(network, CARD, tiles)
    assert (a * 5.0, a * 1.0 + b) == pytest.approx((2.0, -1.5), abs=0.05)
    bands, _ = to_input(tiles[0], CARD)
    after = predict(network, bands[np.newaxis])[0]
    np.testing.assert_allclose(after, 1 / (1 + np.exp(-(2.0 * bands[0] - 1.5))), atol=0.02)
    assert not np.allclose(before, after, atol=0.05)


def test_thresholds_and_scores_of_a_perfect_detector() -> None:
    tiles = [DiscTiles()(index) for index in range(4)]
    answers = judged_tiles(Pixelwise(20.0, -20.0), CARD, tiles)
    low_first = choose_thresholds(CARD, answers)[::-1]
    assert low_first == tuple(sorted(low_first))
    judged = judge(CARD, answers)
    assert judged["iou"] > 0.97
    assert judged["true_areas"] == 4
    assert (judged["object_recall"], judged["object_precision"]) == (1.0, 1.0)
    assert judged["false_alarms_per_100_km2"] == 0
    blind = judged_tiles(Pixelwise(20.0, -20.0), CARD, tiles, {KIND.PHASE_RATE})
    assert judge(CARD, blind)["true_areas"] == 0


def test_the_score_that_chooses_weights_counts_areas_as_much_as_pixels() -> None:
    tiles = [DiscTiles()(index) for index in range(4)]
    answers = judged_tiles(Pixelwise(20.0, -20.0), CARD, tiles)
    assert pixel_and_area_score(CARD, answers) > 0.985
    # One of four equal areas missed: IoU 3/4, recall 3/4 and precision 1, so F1 6/7.
    blind = replace(answers[0], probability=np.zeros_like(answers[0].probability))
    truth = [replace(tile, probability=(tile.label == 1).astype(np.float32)) for tile in answers[1:]]
    sizes = [int((tile.label == 1).sum()) for tile in (blind, *truth)]
    expected = (sum(sizes[1:]) / sum(sizes) + 6 / 7) / 2
    assert pixel_and_area_score(CARD, [blind, *truth]) == pytest.approx(expected, abs=0.02)
    assert pixel_and_area_score(CARD, [blind]) == 0


def test_the_classical_detector_is_judged_on_the_same_pixels() -> None:
    tiles = [DiscTiles(size=96)(index) for index in range(3)]
    known = judged_tiles(Pixelwise(1.0, 0.0), CARD, tiles)
    judged = judge_classical(best_classical(tiles, known), CARD, tiles, known)
    assert judged["true_areas"] == 3
    assert judged["iou"] > 0.5


@pytest.mark.parametrize("count", [0, 1])
def test_a_classical_detector_is_chosen_even_where_nothing_is_to_be_found(count: int) -> None:
    flat = DiscTiles(size=96)(0)
    still = {kind: np.zeros_like(values) for kind, values in flat.layers.items()}
    tiles = [replace(flat, layers=still, label=np.zeros_like(flat.label))] * count
    chosen = best_classical(tiles, judged_tiles(Pixelwise(1.0, 0.0), CARD, tiles))
    assert "iou" not in judge_classical(chosen, CARD, tiles, judged_tiles(Pixelwise(1.0, 0.0), CARD, tiles))
