"""Model files: PyTorch and ONNX Runtime agree, cards and weights survive, nothing half-written stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from ada_mapper.core.errors import InputError, OutputError  # noqa: E402
from ada_mapper.core.learning.export import export_onnx, load_network, write_card  # noqa: E402
from ada_mapper.core.learning.networks import NETWORKS, Network, build_network  # noqa: E402
from ada_mapper.core.model_card import CARD_KEY, read_card  # noqa: E402

from .learning_tiles import CHANNELS, make_card  # noqa: E402


def trained_network(architecture: str, channels: int) -> Network:
    """A network whose normalisation statistics are those of noise, as training would leave them."""
    torch.manual_seed(0)
    network = build_network(architecture, channels)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain mean over what it sees
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    with torch.no_grad():
        network(torch.randn(2, channels, 64, 64))
    return network.eval()


def by_torch(network: Network, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return np.asarray(torch.softmax(network(torch.from_numpy(inputs)), dim=1))


def by_onnxruntime(path: Path, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probability"], {"input": inputs})[0])


@pytest.mark.parametrize(
    ("architecture", "half_storage"), [*((name, False) for name in sorted(NETWORKS)), ("compact", True)]
)
def test_torch_and_onnxruntime_agree_for_any_size_and_number(
    architecture: str, half_storage: bool, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    network = trained_network(architecture, 3)
    card = make_card(architecture, CHANNELS[:3])
    export_onnx(network, card, path, half_storage)
    loaded = load_network(path)
    random = np.random.default_rng(0)
    for shape in ((1, 3, 64, 64), (3, 3, 32, 96)):
        inputs = random.normal(size=shape).astype(np.float32)
        found = by_onnxruntime(path, inputs)
        assert found.shape == (shape[0], 2, *shape[2:])
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        assert found[:, 1].std() > 0.01
        np.testing.assert_allclose(by_torch(loaded, inputs), found, atol=1e-4)
        # halves keep 11 bits of each weight
        np.testing.assert_allclose(by_torch(network, inputs), found, atol=0.02 if half_storage else 1e-4)


def test_weights_come_back_bit_by_bit_even_from_a_channels_last_network_in_training(tmp_path: Path) -> None:
    network = trained_network("compact", 4).to(memory_format=torch.channels_last).train()
    export_onnx(network, make_card(), tmp_path / "model.onnx")
    assert network.training
    loaded = load_network(tmp_path / "model.onnx").state_dict()
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, loaded[name]), name


def test_the_file_tells_its_card_its_versions_and_what_deepness_reads(tmp_path: Path) -> None:
    path, card = tmp_path / "model.onnx", make_card()
    export_onnx(build_network("compact", 4), card, path)
    assert read_card(path) == card
    model = onnx.load(path)
    assert model.ir_version == 10
    assert [entry.version for entry in model.opset_import if entry.domain == ""] <= [20]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata.pop(CARD_KEY) == card.to_json()
    assert metadata == card.deepness_metadata()


def test_a_new_card_leaves_the_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(trained_network("compact", 4), make_card(), path)
    before = load_network(path).state_dict()
    write_card(path, replace(make_card(), threshold=0.7))
    assert read_card(path).threshold == 0.7
    assert all(torch.equal(before[name], tensor) for name, tensor in load_network(path).state_dict().items())


def test_a_card_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="vgg16_unet"):
        export_onnx(build_network("compact", 4), make_card("vgg16_unet"), "model.onnx")
    with pytest.raises(InputError, match="3"):
        export_onnx(build_network("compact", 4), make_card(channels=CHANNELS[:3]), "model.onnx")


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(build_network("compact", 4), make_card(), path)
    write_card(path, make_card("resnet50_unet"))
    with pytest.raises(InputError, match=r"model\.onnx.*resnet50_unet"):
        load_network(path)
    write_card(path, make_card(channels=CHANNELS[:2]))
    with pytest.raises(InputError, match=r"model\.onnx.*don't fit"):
        load_network(path)


def test_a_folder_that_is_not_there_is_named_and_no_temporary_file_stays(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent"):
        export_onnx(build_network("compact", 4), make_card(), tmp_path / "absent" / "model.onnx")
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(OutputError, match=r"model\.onnx"):
        export_onnx(build_network("compact", 4), make_card(), tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
