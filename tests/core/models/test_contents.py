"""Model files that could do harm are refused in one sentence before any library opens them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.errors import InputError
from ada_mapper.core.learning import quantise
from ada_mapper.core.models import (
    ChannelRequest,
    ImportOptions,
    convert_storage,
    export_weights,
    import_model,
    load_model,
    open_backend,
    require_harmless,
)
from tiny_models import card_of, write_model

OPTIONS = ImportOptions((ChannelRequest(ChannelKind.LOS_RATE, -100.0, 100.0),), pixel_size=30.0, tile_size=64)


def save(path: Path, nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto] | None = None) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, "h", "w"])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets, functions=functions or [])
    helper.set_model_props(model, card_of().metadata())
    onnx.save(model, path)
    return path


def refused(path: Path) -> str:
    """What is said of the file by all that open models, which is the same."""
    output = path.with_name("output.onnx")
    said = set()
    for use in (
        require_harmless,
        load_model,
        open_backend,
        lambda source: import_model(source, output, OPTIONS),
        lambda source: convert_storage(source, output, True),
        lambda source: export_weights(source, output),
        lambda source: quantise(source, [np.zeros((1, 64, 64), np.float32)], output),
    ):
        with pytest.raises(InputError) as caught:
            use(path)
        said.add(str(caught.value))
    assert not output.exists()
    assert len(said) == 1 and str(path) in said.copy().pop()
    return said.pop()


def loop(steps: int) -> onnx.NodeProto:
    scalar = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("c", 9))]
    value = helper.make_tensor_value_info("v", TensorProto.FLOAT, None)
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["go"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [*scalar, value],
        [helper.make_tensor_value_info("go", TensorProto.BOOL, []), helper.make_tensor_value_info("w", 1, None)],
    )
    return helper.make_node("Loop", ["steps", "", "input"], ["y"], body=body)


def constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def test_a_loop_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "loop.onnx", [constant("steps", np.array(2**62)), loop(2**62)])
    assert "holds a loop (Loop)" in refused(path)


def test_a_loop_inside_a_branch_or_a_function_is_refused(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [constant("steps", np.array(2**62)), loop(2**62)], "b", [], [helper.make_tensor_value_info("y", 1, None)]
    )
    choice = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    path = save(tmp_path / "branch.onnx", [constant("yes", np.array(True)), choice])
    assert "holds a loop (Loop)" in refused(path)
    function = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node("Scan", ["a"], ["b"])], [])
    path = save(tmp_path / "function.onnx", [helper.make_node("F", ["input"], ["y"], domain="own")], [function])
    assert "holds a loop (Scan)" in refused(path)


def test_functions_that_double_each_other_are_refused(tmp_path: Path) -> None:
    """Forty functions of two calls each are 2⁴⁰ steps once they are put in place."""
    functions = []
    for number in range(40):
        inner = [f"F{number + 1}", "own"] if number < 39 else ["Relu", ""]
        calls = [helper.make_node(inner[0], [a], [b], domain=inner[1]) for a, b in (("a", "m"), ("m", "b"))]
        functions.append(helper.make_function("own", f"F{number}", ["a"], ["b"], calls, [helper.make_opsetid("", 17)]))
    call = helper.make_node("F0", ["input"], ["y"], domain="own")
    assert "more than a million steps" in refused(save(tmp_path / "double.onnx", [call], functions))
    ring = [
        helper.make_function("own", name, ["a"], ["b"], [helper.make_node(other, ["a"], ["b"], domain="own")] * 2, [])
        for name, other in (("F0", "F1"), ("F1", "F0"))
    ]
    assert "more than a million steps" in refused(save(tmp_path / "ring.onnx", [call], ring))
    require_harmless(save(tmp_path / "few.onnx", [call], functions[-1:]))


def external(path: Path, location: str, size: int = 0) -> Path:
    """A model of which one tensor says that it lies in another file."""
    write_model(path, card_of(), np.full((3, 3), 1 / 9, np.float32))
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(size or 36))):
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "a/../../secret.bin",
        "{folder}/secret.bin",
        "C:\\secret.bin",
        "..\\secret.bin",
        "/etc/passwd",
        "",
    ],
)
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    (tmp_path / "models").mkdir()
    path = external(tmp_path / "models" / "m.onnx", location.format(folder=tmp_path))
    assert "outside of its folder or at no usable place" in refused(path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights.bin").symlink_to(tmp_path / "secret.bin")
    assert "outside of its folder" in refused(external(tmp_path / "models" / "m.onnx", "weights.bin"))


def test_weights_in_a_constant_are_looked_at_too(tmp_path: Path) -> None:
    path = save(
        tmp_path / "c.onnx", [constant("one", np.zeros(9, np.float32)), helper.make_node("Relu", ["input"], ["y"])]
    )
    model = onnx.load(path)
    tensor = model.graph.node[0].attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../x")
    path.write_bytes(model.SerializeToString())
    assert "outside of its folder" in refused(path)


def test_missing_and_short_weights_are_told(tmp_path: Path) -> None:
    path = external(tmp_path / "m.onnx", "weights.bin")
    assert "in the file weights.bin, which is not beside it" in refused(path)
    (tmp_path / "weights.bin").write_bytes(bytes(35))
    assert "weights.bin, the weights of" in refused(path) and "is not complete" in refused(path)


def test_a_model_with_weights_beside_it_is_imported_as_one_file(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(np.full(9, 1 / 9, np.float32).tobytes())
    path = external(tmp_path / "m.onnx", "weights.bin")
    (tmp_path / "elsewhere").mkdir()
    output = tmp_path / "elsewhere" / "n.onnx"
    import_model(path, output, OPTIONS)
    batch = np.random.default_rng(0).random((1, 1, 64, 64), dtype=np.float32)
    expected = batch[0, 0, 9:12, 19:22].mean()
    assert open_backend(output).predict(batch)[0, 10, 20] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("content", [b"", b"a text\n" * 99, bytes(500), b"\x08\x08\x3a\x05"])
def test_what_is_no_model_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert "is not an ONNX model, or it is damaged" in refused(path)


def test_operators_that_nobody_knows_are_told_by_name(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Magic", ["input"], ["y"], domain="own")])
    with pytest.raises(InputError, match=r"can't be loaded by ONNX Runtime \S+ \(own:Magic") as caught:
        open_backend(path, "onnxruntime")
    assert "\n" not in str(caught.value) and "ONNXRuntimeError" not in str(caught.value)
