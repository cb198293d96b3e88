"""The second head's targets against scipy's distances and counts by hand, and that it leaves the network as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.learning import TrainingOptions, train
from ada_mapper.core.learning.checkpoints import load_checkpoint
from ada_mapper.core.learning.second_head import REACH, SecondHead, distance_loss, edge_loss, outline_distance
from ada_mapper.core.learning.training import _new_run
from ada_mapper.core.models import IGNORED, build_network, export_onnx, load_network
from ada_mapper.core.progress import Progress
from learning_tiles import DiscTiles
from tiny_network import tiny_card, trained_network, use_tiny_network

OPTIONS = TrainingOptions(steps=6, batch_size=2, half=False, learning_rate=1e-3, evaluate_every=0.5, seed=3)


def blobs() -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(3, 64, 64)), (0, 4, 4))
    return (smooth > 0.03).astype(np.uint8)


def test_distances_are_those_of_scipy_within_reach() -> None:
    labels = blobs()
    expected = []
    for label in labels:
        inside, outside = (
            ndimage.distance_transform_cdt(side, "chessboard").astype(float) for side in (label, 1 - label)
        )
        expected.append(np.where(label == 1, inside - 0.5, 0.5 - outside).clip(-REACH - 0.5, REACH + 0.5))
    found = outline_distance(torch.from_numpy(labels)).numpy()
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_distances_of_a_bar_by_hand() -> None:
    labels = torch.zeros(1, 3, 8, dtype=torch.uint8)
    labels[..., 2:5] = 1
    labels[..., 7] = IGNORED
    expected = [-1.5, -0.5, 0.5, 1.5, 0.5, -0.5, -1.5, -2.5]
    assert outline_distance(labels)[0, 1].tolist() == expected
    assert outline_distance(labels, reach=1)[0, 0].tolist() == [max(-1.5, value) for value in expected]


def test_a_tile_of_one_class_has_no_outline() -> None:
    for value, distance in ((0, -REACH - 0.5), (1, REACH + 0.5)):
        labels = torch.full((1, 20, 20), value, dtype=torch.uint8)
        assert torch.equal(outline_distance(labels), torch.full((1, 20, 20), distance))


def test_what_is_right_costs_nothing_and_what_is_ignored_never_counts() -> None:
    labels = torch.from_numpy(blobs())
    labels[:, :8] = IGNORED
    scaled = outline_distance(labels) / (REACH + 0.5)
    right = torch.atanh(scaled.clamp(-1 + 1e-6, 1 - 1e-6))
    edge = torch.where(outline_distance(labels).abs() < 1, 60.0, -60.0)
    for loss, perfect in ((distance_loss, right), (edge_loss, edge)):
        assert float(loss(perfect, labels)) == pytest.approx(0, abs=1e-5)
        wrong = perfect.clone()
        wrong[:, :8] = 3.0
        assert float(loss(wrong, labels)) == pytest.approx(float(loss(perfect, labels)), abs=1e-7)
        assert float(loss(-perfect, labels)) > 0.5


def test_near_and_far_pixels_weigh_the_same() -> None:
    labels = torch.zeros(1, 32, 64, dtype=torch.uint8)
    labels[:, :, :1] = 1  # 32 pixels of it and 6 columns beside it are near, 57 columns far
    outputs = torch.full((1, 32, 64), -30.0)  # right where it is far
    near = (outline_distance(labels)[0, 0, :7] / (REACH + 0.5)).numpy()
    error = np.abs(-1 - near)
    smooth = np.where(error < 0.25, error**2 / 0.5, error - 0.125)
    assert float(distance_loss(outputs, labels)) == pytest.approx(smooth.mean() / 2, rel=1e-5)


@pytest.mark.parametrize("architecture", ["compact", "vgg16_unet"])
def test_it_gives_one_number_a_pixel_and_sees_what_the_last_layer_sees(architecture: str) -> None:
    network = trained_network(architecture, 2)
    second = SecondHead(network)
    with torch.inference_mode():
        features = network.features(torch.zeros(2, 2, 64, 32))
        assert second(network, features).shape == (2, 64, 32)
        second.layer.weight.zero_()
        second.layer.bias.fill_(0.5)
        assert torch.equal(second(network, features), torch.full((2, 64, 32), 0.5))


@pytest.mark.parametrize("head", ["distance", "edge"])
def test_it_shapes_the_training_and_leaves_no_trace_in_the_network(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_network(monkeypatch)
    card, tiles = tiny_card(), DiscTiles(size=64)
    alone, _ = train(card, tiles, [tiles(0)], OPTIONS)
    together, _ = train(card, tiles, [tiles(0)], replace(OPTIONS, second_head=head))
    assert together.state_dict().keys() == alone.state_dict().keys()
    assert not torch.equal(together.conv1.weight, alone.conv1.weight)
    export_onnx(together, card, tmp_path / "model.onnx")
    assert torch.equal(load_network(tmp_path / "model.onnx").conv1.weight, together.conv1.weight)


def test_a_run_with_it_goes_on_as_if_it_had_never_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)
    card, tiles = tiny_card(), DiscTiles(size=64)
    options = replace(OPTIONS, second_head="distance", average=0.9)
    whole, _ = train(card, tiles, [tiles(0)], options)
    told: list[float] = []
    stop = Progress(on_fraction=told.append, is_cancelled=lambda: bool(told) and told[-1] >= 0.5)
    with pytest.raises(CancelledError):
        train(card, tiles, [tiles(0)], options, tmp_path / "run.pt", stop)
    resumed, state = train(card, tiles, [tiles(0)], options, tmp_path / "run.pt")
    assert state.step == 6
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_run_without_it_does_not_go_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)
    card, tiles = tiny_card(), DiscTiles(size=64)
    train(card, tiles, [tiles(0)], OPTIONS, tmp_path / "run.pt")
    with pytest.raises(InputError, match="second head was not set, now edge"):
        train(card, tiles, [tiles(0)], replace(OPTIONS, second_head="edge"), tmp_path / "run.pt")
    identity = {"channels": ", ".join(card.band_names), **OPTIONS.identity()}
    run = _new_run(card, OPTIONS, torch.device("cpu"), build_network("tiny", len(card.band_names)))
    load_checkpoint(tmp_path / "run.pt", run, identity)
    assert run.second is None


def test_an_unknown_head_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"'corner'.*distance, edge"):
        TrainingOptions(steps=1, second_head="corner")
