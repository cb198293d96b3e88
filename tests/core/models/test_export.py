"""Model files and weights: PyTorch and ONNX Runtime agree, cards and weights survive, nothing unsafe is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.models import (
    COMPACT_WIDTHS,
    NETWORKS,
    ChannelRequest,
    ImportOptions,
    Network,
    build_network,
    convert_storage,
    export_onnx,
    export_weights,
    import_model,
    import_weights,
    load_network,
    read_card,
)
from ada_mapper.core.models.card import CARD_KEY, FOREIGN
from ada_mapper.core.models.files import write_card
from ada_mapper.core.models.weights import read_weights
from ada_mapper.core.progress import Progress
from learning_tiles import CHANNELS, make_card
from tiny_network import trained_network


def by_torch(network: Network, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return np.asarray(torch.softmax(network(torch.from_numpy(inputs)), dim=1))


def by_onnxruntime(path: Path, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probability"], {"input": inputs})[0])


@pytest.mark.parametrize(
    ("architecture", "half_storage"),
    [*((name, False) for name in sorted({*NETWORKS, *COMPACT_WIDTHS})), ("compact", True)],
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


def test_storage_changes_forth_and_back_bit_by_bit(tmp_path: Path) -> None:
    full, half, again, halved = (tmp_path / f"{name}.onnx" for name in ("full", "half", "again", "halved"))
    network = trained_network("compact", 4)
    export_onnx(network, make_card(), full)
    convert_storage(full, tmp_path / "same.onnx", half=False)
    assert (tmp_path / "same.onnx").read_bytes() == full.read_bytes()
    convert_storage(full, half, half=True)
    assert half.stat().st_size < 0.55 * full.stat().st_size
    convert_storage(half, again, half=False)
    convert_storage(again, halved, half=True)
    assert halved.read_bytes() == half.read_bytes()
    inputs = np.random.default_rng(0).normal(size=(1, 4, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(by_onnxruntime(again, inputs), by_onnxruntime(half, inputs))


@pytest.mark.parametrize("architecture", ["compact", "vgg16_unet"])
def test_weights_go_out_and_come_back_bit_by_bit(architecture: str, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    source, weights, back = (tmp_path / name for name in ("source.onnx", "weights.safetensors", "back.onnx"))
    network = trained_network(architecture, 4)
    export_onnx(network, make_card(architecture), source)
    export_weights(source, weights)
    stored = safetensors.load_file(weights)
    for name, tensor in network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(stored[name], tensor), name
    said: list[str] = []
    card = import_weights(weights, "resnet50_unet", ImportOptions(()), back, Progress(on_info=said.append))
    assert card == make_card(architecture) and "“test”" in said[0]
    inputs = np.random.default_rng(0).normal(size=(1, 4, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(by_onnxruntime(back, inputs), by_onnxruntime(source, inputs))
    again = load_network(back).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in load_network(source).state_dict().items())


OPTIONS = ImportOptions((ChannelRequest(ChannelKind.PHASE_RATE), ChannelRequest(ChannelKind.DEM, 0.0, 3000.0)), 30.0)


@pytest.mark.parametrize(
    "wrapped", [lambda s: s, lambda s: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in s.items()}}]
)
def test_a_state_dict_of_torch_becomes_a_model(tmp_path: Path, wrapped: Any) -> None:
    network = trained_network("compact", 2)
    torch.save(wrapped(network.state_dict()), tmp_path / "weights.pt")
    said: list[str] = []
    progress = Progress(on_info=said.append)
    card = import_weights(tmp_path / "weights.pt", "compact", OPTIONS, tmp_path / "model.onnx", progress)
    assert card.band_names == ("phase_rate", "dem") and card.channels[1].scaling.high == 3000.0
    assert card.channels[0].scaling.high == 35.0 and "from -35 to 35 rad/yr" in said[0]
    loaded = load_network(tmp_path / "model.onnx").state_dict()
    for name, tensor in network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(loaded[name], tensor), name


class Harmful:
    """What a pickle may hold: a call."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("this must never be printed",)


def test_pickles_and_damaged_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model.onnx"
    torch.save({"weights": Harmful()}, tmp_path / "harmful.pt")
    torch.save(build_network("compact", 2), tmp_path / "whole.pth")
    for name in ("harmful.pt", "whole.pth"):
        with pytest.raises(InputError, match=rf"{name} is refused because it holds Python objects"):
            import_weights(tmp_path / name, "compact", OPTIONS, output)
    assert "never" not in capsys.readouterr().out
    torch.save(build_network("compact", 2).state_dict(), tmp_path / "cut.pt")
    export_onnx(build_network("compact", 4), make_card(), tmp_path / "source.onnx")
    export_weights(tmp_path / "source.onnx", tmp_path / "cut.safetensors")
    for name in ("cut.pt", "cut.safetensors"):
        content = (tmp_path / name).read_bytes()
        for length in (0, 5, len(content) // 2, len(content) - 1):
            (tmp_path / name).write_bytes(content[:length])
            with pytest.raises(InputError, match=rf"{name} "):
                import_weights(tmp_path / name, "compact", OPTIONS, output)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="holds no weights"):
        read_weights(tmp_path / "list.pt")
    with pytest.raises(InputError, match="doesn't exist"):
        read_weights(tmp_path / "none.pt")
    assert not output.exists()


@pytest.mark.parametrize(
    ("architecture", "inputs", "classes", "message"),
    [
        ("compact", 3, 2, "for 3 input bands, but the channels given make 2"),
        ("vgg16_unet", 2, 2, "not the weights of a vgg16_unet network .* are missing"),
        ("compact", 2, 3, "with 2 classes"),
        ("unet", 2, 2, "no network called 'unet'"),
    ],
)
def test_weights_of_another_network_or_other_channels(
    tmp_path: Path, architecture: str, inputs: int, classes: int, message: str
) -> None:
    torch.save(build_network("compact", inputs, classes).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=message):
        import_weights(tmp_path / "weights.pt", architecture, OPTIONS, tmp_path / "model.onnx")


def test_weights_need_a_pixel_size_and_limits_in_unusual_units(tmp_path: Path) -> None:
    torch.save(build_network("compact", 1).state_dict(), tmp_path / "weights.pt")
    request = ChannelRequest(ChannelKind.LOS_RATE, unit="m/yr")
    for options, message in ((ImportOptions((request,)), "pixel size"), (ImportOptions((request,), 30.0), "m/yr")):
        with pytest.raises(InputError, match=message):
            import_weights(tmp_path / "weights.pt", "compact", options, tmp_path / "model.onnx")


def test_an_imported_network_is_not_for_torch(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(build_network("compact", 4), make_card(), path)
    write_card(path, replace(make_card(), architecture=FOREIGN))
    with pytest.raises(InputError, match="imported from another program"):
        load_network(path)
    with pytest.raises(InputError, match="imported from another program"):
        export_weights(path, tmp_path / "weights.safetensors")


def stopped_after(checks: int) -> Progress:
    """A Progress that is cancelled from its nth check on."""
    left = iter(range(checks))
    return Progress(is_cancelled=lambda: next(left, None) is None)


@pytest.mark.parametrize("checks", [0, 1, 2, 3])
def test_a_stopped_export_or_import_leaves_nothing(tmp_path: Path, checks: int) -> None:
    source, weights, output = (tmp_path / name for name in ("source.onnx", "weights.safetensors", "output"))
    export_onnx(trained_network("compact", 3), make_card("compact", CHANNELS[:3]), source)
    export_weights(source, weights)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    options = ImportOptions((ChannelRequest(ChannelKind.DEM),), pixel_size=30.0)
    for run in (
        lambda progress: convert_storage(source, output, True, progress),
        lambda progress: convert_storage(source, output, False, progress),
        lambda progress: import_weights(weights, "compact", options, output, progress),
        *([lambda progress: export_weights(source, output, progress)] if checks < 3 else []),
        *([lambda progress: import_model(source, output, options, progress)] if checks < 3 else []),
    ):
        with pytest.raises(CancelledError):
            run(stopped_after(checks))
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_settings_that_the_card_contradicts_are_told(tmp_path: Path) -> None:
    source, weights = tmp_path / "source.onnx", tmp_path / "weights.safetensors"
    export_onnx(trained_network("compact", 3), make_card("compact", CHANNELS[:3]), source)
    card = export_weights(source, weights)
    options = ImportOptions(
        (ChannelRequest(ChannelKind.DEM),), pixel_size=12.5, tile_size=card.tile_size, threshold=0.75
    )
    warnings: list[str] = []
    progress = Progress(on_warning=warnings.append)
    assert import_weights(weights, "vgg16_unet", options, tmp_path / "a.onnx", progress).architecture == "compact"
    import_model(source, tmp_path / "b.onnx", options, progress)
    of_settings = [
        f"The pixel size given (12.5) is not used: the card of the model “{card.name}” says {card.pixel_size:g}.",
        f"The threshold given (0.75) is not used: the card of the model “{card.name}” says {card.threshold:g}.",
    ]
    network = (
        f"The network given (vgg16_unet) is not used: the card of “{card.name}” says that the weights are of the "
        "network compact."
    )
    assert warnings == [network, *of_settings, *of_settings]


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    weights = build_network("compact", 1).state_dict()
    weights[next(iter(weights))].view(-1)[0] = float("nan")
    torch.save(weights, tmp_path / "nan.pt")
    options = ImportOptions((ChannelRequest(ChannelKind.DEM),), pixel_size=30.0)
    with pytest.raises(InputError, match=r"nan\.pt holds weights that are no numbers"):
        import_weights(tmp_path / "nan.pt", "compact", options, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_files_that_are_none_hold_no_weights(tmp_path: Path) -> None:
    for path in ("", " ", tmp_path, tmp_path / "none.pt"):
        with pytest.raises(InputError, match=r"No model file is named|is a folder|doesn't exist"):
            read_weights(path)
    for name, content in (("a.pt", b""), ("a.safetensors", b""), ("b.safetensors", bytes(8)), ("b.pt", b"text" * 99)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} is ") as caught:
            read_weights(tmp_path / name)
        assert "\n" not in str(caught.value) and " ()" not in str(caught.value)
