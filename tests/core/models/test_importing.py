"""Networks of other programs: with a card they give what they gave before; what doesn't fit is said in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.models import ChannelRequest, ImportOptions, import_model, open_backend, read_card
from ada_mapper.core.models.card import FOREIGN
from ada_mapper.core.models.importing import Deepness
from ada_mapper.core.progress import Progress
from tiny_models import card_of, write_model

RATE = ChannelRequest(ChannelKind.LOS_RATE, -100.0, 100.0)
SLOPE = ChannelRequest(ChannelKind.SLOPE, 0.0, 60.0)
DEEPNESS = {
    "model_type": "Segmentor",
    "class_names": {"0": "background", "1": "landslide"},
    "resolution": 2000,
    "tile_size": 128,
    "tiles_size": 128,
    "tiles_overlap": 15,
    "standardization_mean": [0.4, 0.2],
    "standardization_std": [0.5, 0.25],
    "seg_thresh": 0.6,
    "seg_small_segment": 5,
}


def foreign(
    path: Path,
    classes: int = 2,
    last: str = "Softmax",
    bands: int = 2,
    shape: tuple[Any, ...] = ("n", "h", "w"),
    metadata: dict[str, Any] | None = None,
    opset: int = 17,
) -> Path:
    """A 3 × 3 convolution, then ``last`` (Softmax, Sigmoid, ArgMax, Squeeze or nothing)."""
    weights = np.random.default_rng(classes).normal(0, 1, (classes, bands, 3, 3)).astype(np.float32)
    count, height, width = shape
    nodes = [helper.make_node("Conv", ["image", "weights"], ["logits"], pads=[1] * 4)]
    attributes = {"Softmax": {"axis": 1}, "ArgMax": {"axis": 1, "keepdims": 1}, "Squeeze": {}}
    if last:
        inputs = ["logits", "axes"] if last == "Squeeze" else ["logits"]
        nodes.append(helper.make_node(last, inputs, ["mask"], **attributes.get(last, {})))
    output_shape = (
        [count, height, width] if last == "Squeeze" else [count, 1 if last == "ArgMax" else classes, height, width]
    )
    output_type = TensorProto.INT64 if last == "ArgMax" else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [count, bands, height, width])],
        [helper.make_tensor_value_info("mask" if last else "logits", output_type, output_shape)],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([1]), "axes")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
    helper.set_model_props(model, {key: json.dumps(value) for key, value in (metadata or {}).items()})
    onnx.save(model, path)
    return path


def by_hand(path: Path, inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": inputs.astype(np.float32)})[0]


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def as_detected(path: Path, layers: list[np.ndarray]) -> np.ndarray:
    """Probability (1, h, w) as Detect areas computes it: layers scaled by the card's channels."""
    card = read_card(path)
    bands = np.concatenate([channel.bands(values, 30.0) for channel, values in zip(card.channels, layers)])
    return open_backend(path, "onnxruntime", 1).predict(bands[np.newaxis])


@pytest.fixture
def layers() -> list[np.ndarray]:
    random = np.random.default_rng(5)
    rate, slope = random.uniform(-90, 90, (64, 64)), random.uniform(1, 59, (64, 64))
    return [rate.astype(np.float32), slope.astype(np.float32)]


def test_a_network_made_for_deepness_gives_what_it_gives_there(tmp_path: Path, layers: list[np.ndarray]) -> None:
    source, output, said = foreign(tmp_path / "theirs.onnx", metadata=DEEPNESS), tmp_path / "ours.onnx", []
    requests = (ChannelRequest(ChannelKind.LOS_RATE), ChannelRequest(ChannelKind.SLOPE))
    import_model(source, output, ImportOptions(requests), Progress(on_info=said.append))
    pixels = np.stack(layers)[np.newaxis] / 255
    standardised = (pixels - np.reshape([0.4, 0.2], (1, 2, 1, 1))) / np.reshape([0.5, 0.25], (1, 2, 1, 1))
    np.testing.assert_allclose(as_detected(output, layers), by_hand(source, standardised)[:, 1], atol=2e-6)
    card = read_card(output)
    assert (card.pixel_size, card.tile_size, card.stride, card.threshold) == (20.0, 128, 128, 0.6)
    assert (card.low_threshold, card.min_area, card.classes[1]) == (0.6, (5 * 20.0) ** 2, "landslide")
    assert card.architecture == FOREIGN
    assert card.training["imported"]["metadata"]["seg_thresh"] == "0.6"
    assert any("probabilities of 2 classes" in sentence for sentence in said)


def test_limits_stand_for_0_and_255_before_the_standardisation(tmp_path: Path, layers: list[np.ndarray]) -> None:
    source, output = foreign(tmp_path / "theirs.onnx", metadata=DEEPNESS), tmp_path / "ours.onnx"
    card = import_model(source, output, ImportOptions((RATE, SLOPE)))
    scaled = np.stack([(layers[0] + 100) / 200, layers[1] / 60])[np.newaxis]
    standardised = (scaled - np.reshape([0.4, 0.2], (1, 2, 1, 1))) / np.reshape([0.5, 0.25], (1, 2, 1, 1))
    np.testing.assert_allclose(as_detected(output, layers), by_hand(source, standardised)[:, 1], atol=2e-6)
    assert card.fills == pytest.approx((0.4, 0.2))  # what the standardisation turns into 0


@pytest.mark.parametrize(
    ("classes", "last", "opset", "area_class"),
    [(2, "", 17, None), (2, "", 11, 0), (3, "", 11, 1), (3, "Softmax", 17, 2), (1, "Sigmoid", 17, None),
     (1, "", 17, None), (2, "Sigmoid", 17, None), (1, "Squeeze", 17, None)],
)  # fmt: skip
def test_whatever_the_network_gives_becomes_a_probability(
    tmp_path: Path, layers: list[np.ndarray], classes: int, last: str, opset: int, area_class: int | None
) -> None:
    source, output = foreign(tmp_path / "theirs.onnx", classes, last, opset=opset), tmp_path / "ours.onnx"
    import_model(source, output, ImportOptions((RATE, SLOPE), pixel_size=30.0, area_class=area_class))
    answer = by_hand(source, np.stack([(layers[0] + 100) / 200, layers[1] / 60])[np.newaxis])
    if last == "Squeeze":
        answer = answer[:, np.newaxis]
    if last in ("", "Squeeze"):
        answer = 1 / (1 + np.exp(-answer)) if classes == 1 else softmax(answer)
    chosen = classes - 1 if area_class is None else area_class
    np.testing.assert_allclose(as_detected(output, layers), answer[:, chosen], atol=2e-6)


def test_a_fixed_tile_is_the_only_one(tmp_path: Path) -> None:
    source, output = foreign(tmp_path / "theirs.onnx", shape=(1, 96, 96), metadata=DEEPNESS), tmp_path / "ours.onnx"
    card = import_model(source, output, ImportOptions((RATE, SLOPE)))
    assert (card.tile_size, card.stride) == (96, 96)
    assert open_backend(output, "onnxruntime").predict(np.zeros((1, 2, 96, 96), np.float32)).shape == (1, 96, 96)
    with pytest.raises(InputError, match="96 pixels a side and can't have 64"):
        import_model(source, output, ImportOptions((RATE, SLOPE), tile_size=64))


def test_what_the_user_says_goes_before_what_the_file_says(tmp_path: Path) -> None:
    source, output = foreign(tmp_path / "theirs.onnx", metadata=DEEPNESS), tmp_path / "ours.onnx"
    options = ImportOptions((RATE, SLOPE), 30.0, 64, 0.7, 900.0, 0, "logits", "mine")
    card = import_model(source, output, options)
    assert (card.pixel_size, card.tile_size, card.threshold, card.min_area) == (30.0, 64, 0.7, 900.0)
    assert card.name == "mine" and read_card(output) == card


ONE = (RATE,)
TWO = (RATE, SLOPE)
UNSCALED = (ChannelRequest(ChannelKind.LOS_RATE), SLOPE)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ({}, ImportOptions(ONE, 30.0), "input has 2 bands, but the channels given make 1"),
        ({"bands": 3}, ImportOptions(TWO, 30.0), "input has 3 bands, but the channels given make 2"),
        ({"metadata": DEEPNESS}, ImportOptions(ONE), "standardise 2 bands, but the channels given make 1"),
        ({}, ImportOptions((), 30.0), "no channels are given"),
        ({}, ImportOptions(TWO), "doesn't say its pixel size"),
        ({}, ImportOptions(UNSCALED, 30.0), "doesn't say how the LOS rate is scaled"),
        ({"classes": 3}, ImportOptions(TWO, 30.0), "knows 3 classes"),
        ({}, ImportOptions(TWO, 30.0, area_class=2), "no class 2: its classes are 0 to 1"),
        ({"last": "ArgMax"}, ImportOptions(TWO, 30.0), "int64 instead of probabilities"),
        ({"shape": (1, 64, 96)}, ImportOptions(TWO, 30.0), "64 × 96 pixels, and only square"),
        ({"shape": (4, "h", "w")}, ImportOptions(TWO, 30.0), "exactly 4 tiles at a time"),
        ({"metadata": {"model_type": "Detector"}}, ImportOptions(TWO, 30.0), "model_type is Detector"),
        ({"metadata": {"resolution": "fine"}}, ImportOptions(TWO), "resolution is .* instead of numbers"),
    ],
)
def test_what_does_not_fit_is_one_sentence_with_the_file(
    tmp_path: Path, network: dict[str, Any], options: ImportOptions, message: str
) -> None:
    source, output = foreign(tmp_path / "theirs.onnx", **network), tmp_path / "ours.onnx"
    with pytest.raises(InputError, match=message) as error:
        import_model(source, output, options)
    assert str(error.value).startswith(str(source)) and str(error.value).endswith(".")
    assert not output.exists()


def test_channels_need_both_limits() -> None:
    with pytest.raises(InputError, match="both a low and a high"):
        ChannelRequest(ChannelKind.DEM, 0.0)


def test_truncated_and_other_files(tmp_path: Path) -> None:
    source, output = foreign(tmp_path / "theirs.onnx"), tmp_path / "ours.onnx"
    content = source.read_bytes()
    for length in (0, 1, 20, len(content) // 2, len(content) - 1):
        source.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"theirs\.onnx"):
            import_model(source, output, ImportOptions(TWO, 30.0))
    with pytest.raises(InputError, match="doesn't exist"):
        import_model(tmp_path / "none.onnx", output, ImportOptions(TWO, 30.0))
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.onnx"]


def test_a_model_with_a_card_is_copied_as_it_is_but_a_broken_one_is_not(tmp_path: Path) -> None:
    source, output, said = write_model(tmp_path / "m.onnx", card_of()), tmp_path / "copy.onnx", []
    import_model(source, output, ImportOptions(()), Progress(on_info=said.append))
    assert output.read_bytes() == source.read_bytes()
    assert any("taken as it is" in sentence for sentence in said)
    output.unlink()
    broken = write_model(tmp_path / "broken.onnx", card_of(), inputs=3)
    with pytest.raises(InputError, match=r"don.t fit the bands of its card: los_rate"):
        import_model(broken, output, ImportOptions(()))
    assert not output.exists()


def test_metadata_of_older_files_is_plain_text() -> None:
    facts = Deepness.of({"model_type": "Segmentor", "resolution": "30", "tile_size": "512"})
    assert (facts.is_given, facts.pixel_size, facts.tile_size) == (True, 0.3, 512)
    assert Deepness.of({}) == Deepness()


def test_an_import_stops_while_the_network_computes(tmp_path: Path) -> None:
    """A network of very many steps is cut off between two of them."""
    path = foreign(tmp_path / "slow.onnx")
    model = onnx.load(path)
    first = model.graph.node[0]
    steps = [helper.make_node("Tanh", [f"t{number}"], [f"t{number + 1}"]) for number in range(20_000)]
    steps[0].input[0], first.input[0] = "image", f"t{len(steps)}"
    nodes = [*steps, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)
    asked: list[int] = []

    def is_cancelled() -> bool:
        asked.append(1)
        return len(asked) > 3

    options = ImportOptions((RATE, SLOPE), pixel_size=20.0, tile_size=256)
    with pytest.raises(CancelledError):
        import_model(path, tmp_path / "m.onnx", options, Progress(is_cancelled=is_cancelled))
    assert not (tmp_path / "m.onnx").exists()


def test_a_network_without_a_version_of_onnx_is_told(tmp_path: Path) -> None:
    path = foreign(tmp_path / "none.onnx", last="")
    model = onnx.load(path)
    del model.opset_import[:]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"none\.onnx"):
        import_model(path, tmp_path / "m.onnx", ImportOptions((RATE, SLOPE), pixel_size=20.0))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("resolution", '"ten"'),
        ("resolution", "[" * 90_000),
        ("resolution", "1e999"),
        ("tiles_size", '{"a": 1}'),
        ("standardization_mean", '[0.1, "b"]'),
        ("standardization_std", "[NaN, 1]"),
        ("seg_thresh", str(10**400)),
    ],
)
def test_metadata_that_hold_no_numbers_are_told_by_key(tmp_path: Path, key: str, value: str) -> None:
    path = foreign(tmp_path / "odd.onnx", metadata=DEEPNESS)
    model = onnx.load(path)
    next(entry for entry in model.metadata_props if entry.key == key).value = value
    onnx.save(model, path)
    with pytest.raises(InputError, match=f"its metadata {key} is") as caught:
        import_model(path, tmp_path / "m.onnx", ImportOptions((RATE, SLOPE)))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pixel_size": float("nan")}, "pixel size must be above 0"),
        ({"pixel_size": -1.0}, "pixel size must be above 0"),
        ({"pixel_size": float("inf")}, "pixel size must be above 0"),
        ({"tile_size": 10**9}, "at most 8192 pixels"),
        ({"tile_size": -64}, "multiple of the stride"),
        ({"threshold": 7.0}, "thresholds"),
        ({"min_area": float("nan")}, "minimum area"),
        ({"area_class": -1}, "no class -1"),
        ({"channels": (replace(RATE, low=float("nan")), SLOPE)}, "needs the number “low”"),
        ({"channels": (replace(RATE, low=5.0, high=5.0), SLOPE)}, "needs low < high"),
        ({"channels": (replace(RATE, low=0.0, high=float("inf")), SLOPE)}, "needs the number “high”"),
        ({"channels": (replace(RATE, unit="furlong"), SLOPE)}, "can't have the unit"),
    ],
)
def test_impossible_settings_are_told(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = foreign(tmp_path / "net.onnx")
    options = ImportOptions(**{"channels": (RATE, SLOPE), "pixel_size": 20.0, "tile_size": 64, **changed})
    with pytest.raises(InputError, match=said) as caught:
        import_model(path, tmp_path / "m.onnx", options)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "m.onnx").exists()
