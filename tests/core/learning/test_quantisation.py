"""Quantised models: close to the model, smaller, known by their card; calibration tiles; nothing half-written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.learning import QuantisationOptions, composite_inputs, quantise, simulated_inputs
from ada_mapper.core.models import convert_storage, export_onnx, export_weights, load_network, open_backend, read_card
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, RasterWriter
from ada_mapper.core.types import Array
from learning_tiles import CHANNELS, make_card
from tiny_models import card_of, grid, write_model
from tiny_network import trained_network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "compact.onnx"
    export_onnx(trained_network("compact", 4), make_card(), path, half_storage=True)
    return path


def tiles(count: int, seed: int = 0) -> list[Array]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(4, 64, 64)).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize(
    "options",
    [QuantisationOptions(), QuantisationOptions(8, False, True, True, "percentile")],
    ids=["default", "other"],
)
def test_a_quantised_model_is_small_and_close(model: Path, tmp_path: Path, options: QuantisationOptions) -> None:
    output = tmp_path / "int8.onnx"
    card = quantise(model, tiles(8), output, options)
    assert output.stat().st_size < 0.6 * model.stat().st_size
    probe = np.stack(tiles(3, 1))
    found, expected = (open_backend(path, "onnxruntime", 1).predict(probe) for path in (output, model))
    assert expected.std() > 0.01
    assert np.abs(found - expected).mean() < 0.3 * expected.std()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95
    assert read_card(output) == card
    assert card.quantised_from == "compact.onnx" and card.training["quantised"]["calibration_tiles"] == 8
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]


def test_weights_are_integers_and_the_head_is_not(model: Path, tmp_path: Path) -> None:
    quantise(model, tiles(2), tmp_path / "int8.onnx")
    graph = onnx.load(tmp_path / "int8.onnx").graph
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    integers = [values for values in weights if values.ndim == 4 and values.dtype == np.int8]
    floats = [values for values in weights if values.ndim == 4 and values.dtype == np.float32]
    count = sum(isinstance(module, torch.nn.Conv2d) for module in load_network(model).modules())
    assert (len(integers), len(floats)) == (count - 1, 1)
    assert max(int(np.abs(values.astype(int)).max()) for values in integers) <= 64  # 7 bits
    assert not any(node.op_type == "BatchNormalization" for node in graph.node)


def test_a_quantised_model_is_an_end_and_says_so(model: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "int8.onnx", tmp_path / "again"
    quantise(model, tiles(1), path)
    attempts = (
        lambda: load_network(path),
        lambda: quantise(path, tiles(1), output),
        lambda: convert_storage(path, output, half=False),
        lambda: export_weights(path, output),
    )
    for attempt in attempts:
        with pytest.raises(InputError, match=r"int8\.onnx is quantised.*compact\.onnx"):
            attempt()
    assert not output.exists()


def test_without_tiles_or_convolutions_there_is_nothing_to_do(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none that holds data"):
        quantise(model, [], tmp_path / "int8.onnx")
    damaged = tmp_path / "damaged.onnx"
    content = write_model(damaged, card_of()).read_bytes()
    damaged.write_bytes(content.replace(b"Conv", b"Comv"))
    with pytest.raises(InputError, match=r"damaged\.onnx can't be loaded"):
        quantise(damaged, tiles(1), tmp_path / "int8.onnx")
    assert not (tmp_path / "int8.onnx").exists()


def test_a_cancelled_run_leaves_nothing(model: Path, tmp_path: Path) -> None:
    given = []

    def counted() -> Iterator[Array]:
        for tile in tiles(9):
            given.append(1)
            yield tile

    with pytest.raises(CancelledError):
        quantise(model, counted(), tmp_path / "int8.onnx", progress=Progress(is_cancelled=lambda: len(given) >= 3))
    assert len(given) == 3 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"weight_bits": 4}, {"calibration": "guess"}])
def test_unknown_options(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"7 or 8 bits|“guess” is unknown"):
        QuantisationOptions(**options)


def test_simulated_tiles_lack_channels_now_and_then() -> None:
    card = make_card()
    inputs = list(simulated_inputs(card, 8))
    assert all(bands.shape == (4, 256, 256) and np.isfinite(bands).all() for bands in inputs)
    dropped = [(bands[3] == card.fills[3]).all() for bands in inputs]
    assert any(dropped) and not all(dropped)


def write_composite(path: Path, names: tuple[str, ...], values: Array) -> Path:
    on = grid(values.shape[2], values.shape[1])
    with RasterWriter(path, on, [BandDescription(name, "1") for name in names]) as writer:
        for band, layer in enumerate(values):
            writer.write(layer, band=band + 1)
    return path


def test_tiles_of_a_composite(tmp_path: Path) -> None:
    card = card_of(*CHANNELS[:2])
    values = np.random.default_rng(0).random((2, 150, 200)).astype(np.float32)
    values[:, :64, :64] = np.nan
    values[1, 100, 100] = np.nan
    path = write_composite(tmp_path / "composite.tif", card.band_names, values)
    found = list(composite_inputs(path, card))
    assert len(found) == 5  # of 2 × 3 places, one is without data
    np.testing.assert_array_equal(found[0], values[:, :64, 64:128])
    assert found[3][1, 36, 36] == card.fills[1]
    assert len(list(composite_inputs(path, card, 2))) == 2
    with pytest.raises(InputError, match=r"composite\.tif is not a composite for the model “toy”.*phase_rate, dem"):
        list(composite_inputs(path, card_of(CHANNELS[0], CHANNELS[2])))
    small = write_composite(tmp_path / "small.tif", card.band_names, values[:, :20, :20])
    with pytest.raises(InputError, match="smaller than 32 pixels"):
        list(composite_inputs(small, card))
