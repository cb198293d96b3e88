"""Which package and device runs a model, that both agree, and what is said when something is missing or fails."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from ada_mapper.core.channels import MINMAX_CHANNELS, ChannelKind
from ada_mapper.core.errors import DependencyError, InputError
from ada_mapper.core.models import open_backend
from ada_mapper.core.models.backend import checked
from ada_mapper.core.models.onnx_runtime import OnnxRuntimeBackend
from ada_mapper.core.progress import Progress
from tiny_models import RATE, card_of, write_answering, write_model

SLOPE = MINMAX_CHANNELS[ChannelKind.SLOPE]


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def progress(messages: list[str]) -> Progress:
    return Progress(on_info=messages.append, on_warning=messages.append)


def _batch(count: int = 2, bands: int = 1, side: int = 64) -> np.ndarray:
    return np.random.default_rng(1).random((count, bands, side, side), dtype=np.float32)


def test_onnx_runtime_gives_the_probability_of_class_1(tmp_path: Path, progress: Progress, messages: list[str]) -> None:
    kernel = np.random.default_rng(2).random((3, 3), dtype=np.float32)
    kernel /= kernel.sum()
    path = write_model(tmp_path / "m.onnx", card_of(RATE, SLOPE), kernel)
    backend = open_backend(path, threads=3, progress=progress)
    batch = _batch(2, 2, 32)
    found = backend.predict(batch)
    assert found.shape == (2, 32, 32) and found.dtype == np.float32
    by_hand = (batch[1, 0, 4:7, 9:12] * kernel).sum()
    assert found[1, 5, 10] == pytest.approx(by_hand, rel=1e-5)
    assert (backend.parallel, backend.batch_size) == (3, 1)
    assert len(messages) == 1 and "ONNX Runtime" in messages[0] and "CPU, 3 threads" in messages[0]


def test_any_multiple_of_the_stride_is_a_tile(tmp_path: Path) -> None:
    backend = open_backend(write_model(tmp_path / "m.onnx", card_of()), "onnxruntime")
    for side in (32, 96, 160):
        batch = _batch(1, 1, side)
        np.testing.assert_allclose(backend.predict(batch), batch[:, 0], atol=1e-7)


def _without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.split(".")[0] in packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize(
    ("preference", "package"), [("auto", "onnxruntime"), ("onnxruntime", "onnxruntime"), ("torch", "torch")]
)
def test_missing_packages_are_named_with_the_way_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preference: str, package: str
) -> None:
    path = write_model(tmp_path / "m.onnx", card_of())
    _without(monkeypatch, "onnxruntime", "torch")
    with pytest.raises(DependencyError) as error:
        open_backend(path, preference)
    message = str(error.value)
    assert f"pip install {package}" in message and f"--user {package}" in message and "OSGeo4W" in message


def test_a_package_that_is_there_but_broken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "m.onnx", card_of())
    real = builtins.__import__

    def broken(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError("DLL load failed")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(DependencyError, match=r"can't be loaded .DLL load failed"):
        open_backend(path, "onnxruntime")


def test_unknown_backend() -> None:
    with pytest.raises(InputError, match="“tensorflow” is unknown"):
        open_backend("m.onnx", "tensorflow")


def test_files_that_are_no_usable_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="doesn't exist"):
        open_backend(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="not made for ADA Mapper"):
        open_backend(write_model(tmp_path / "bare.onnx", None))
    path = write_model(tmp_path / "other.onnx", card_of(RATE, SLOPE), inputs=3)
    with pytest.raises(
        InputError, match=r"other\.onnx: the network takes arrays of n × 3 × h × w .* card: los_rate, slope"
    ):
        open_backend(path)


def test_a_model_damaged_inside_is_an_input_error(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", card_of())
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Concat", b"Cancan"))
    with pytest.raises(InputError, match=r"m\.onnx can't be loaded by ONNX Runtime"):
        open_backend(path, "onnxruntime")


class _FakeSession:
    """A session on a graphics card that may fail when it is opened, at its first run, or later."""

    def __init__(self, real: Any, providers: list[str], fails_at: int, silently: bool) -> None:
        self._real, self._providers = real, providers
        self._left, self._silently = fails_at, silently

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"] if self._silently else self._providers

    def run(self, outputs: Any, inputs: Any) -> Any:
        if self._providers[0] != "CPUExecutionProvider":
            self._left -= 1
            if self._left < 0:
                raise RuntimeError("out of memory\non the card")
        return self._real.run(outputs, inputs)


def _fake_card(monkeypatch: pytest.MonkeyPatch, fails_at: int, silently: bool = False) -> None:
    real = onnxruntime.InferenceSession

    def session(path: str, options: Any, providers: list[str]) -> Any:
        return _FakeSession(real(path, options, providers=["CPUExecutionProvider"]), providers, fails_at, silently)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)


def test_a_graphics_card_is_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: Progress, messages: list[str]
) -> None:
    _fake_card(monkeypatch, fails_at=99)
    backend = open_backend(write_model(tmp_path / "m.onnx", card_of()), progress=progress)
    assert "CUDA" in backend.name and backend.batch_size > 1
    assert "CUDA" in messages[-1] and len(messages) == 1


@pytest.mark.parametrize(("fails_at", "silently"), [(0, False), (99, True)])
def test_a_graphics_card_that_doesnt_start_is_left_for_the_cpu(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    progress: Progress,
    messages: list[str],
    fails_at: int,
    silently: bool,
) -> None:
    _fake_card(monkeypatch, fails_at, silently)
    backend = open_backend(write_model(tmp_path / "m.onnx", card_of()), progress=progress, threads=2)
    assert "CPU, 2 threads" in backend.name and (backend.parallel, backend.batch_size) == (2, 1)
    assert any("CUDA can't be used" in message and "\n" not in message for message in messages)


def test_a_graphics_card_that_fails_on_the_way_is_left_for_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: Progress, messages: list[str]
) -> None:
    _fake_card(monkeypatch, fails_at=2)
    backend = open_backend(write_model(tmp_path / "m.onnx", card_of()), progress=progress)
    batch = _batch(3)
    for _ in range(3):
        np.testing.assert_allclose(backend.predict(batch), batch[:, 0], atol=1e-7)
    assert sum("CUDA failed" in message for message in messages) == 1
    assert "CPU" in backend.name


def test_session_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One intra-op thread, no spinning, all optimisations: what was measured to be the best."""
    seen = SimpleNamespace(options=None)
    real = onnxruntime.InferenceSession

    def session(path: str, options: Any, providers: list[str]) -> Any:
        seen.options = options
        return real(path, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    card = card_of()
    OnnxRuntimeBackend(write_model(tmp_path / "m.onnx", card), card, 4)
    assert seen.options.intra_op_num_threads == 1
    assert seen.options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert seen.options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compact network with random weights."""
    torch = pytest.importorskip("torch")
    from ada_mapper.core.models import build_network, export_onnx

    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("models") / "compact.onnx"
    export_onnx(build_network("compact", 2, 2), card_of(RATE, SLOPE), path)
    return path


def test_torch_and_onnx_runtime_agree(compact: Path, progress: Progress, messages: list[str]) -> None:
    batch = _batch(2, 2, 96)
    torch_backend = open_backend(compact, "torch", 2, progress)
    found = torch_backend.predict(batch)
    np.testing.assert_allclose(found, open_backend(compact, "onnxruntime").predict(batch), atol=1e-4)
    assert found.shape == (2, 96, 96) and found.dtype == np.float32
    assert "PyTorch" in messages[-1]


def test_torch_takes_over_where_onnx_runtime_is_absent(compact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "onnxruntime")
    assert open_backend(compact, "auto", 1).name.startswith("PyTorch")


def test_torch_leaves_the_number_of_threads_as_it_was(compact: Path) -> None:
    import torch

    before = torch.get_num_threads()
    open_backend(compact, "torch", before + 1).predict(_batch(1, 2, 32))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("answer", "options", "said"),
    [
        (float("nan"), {}, "values that are no numbers"),
        (float("inf"), {}, "so they are no probabilities"),
        (1.5, {}, "values from 1.5 to 1.5, so they are no probabilities"),
        (-3.0, {}, "values from -3 to -3"),
        (0.5, {"axis": 2, "classes": 1}, "aren't probabilities of two classes"),
        (0.5, {"axis": 0, "classes": "c"}, "aren't probabilities of two classes"),
        (0.5, {"kind": TensorProto.DOUBLE}, "output is of the type double, and float is needed"),
        (0.5, {"kind": TensorProto.INT64}, "output is of the type int64"),
        (0.5, {"sides": [128, 128]}, "takes tiles of 128 × 128 pixels only"),
        (0.5, {"sides": [64, 32]}, "takes tiles of 64 × 32 pixels only"),
        (0.5, {"count": 4}, "the network takes arrays of 4 × 1 × h × w (tiles, bands, rows, columns), which don't"),
    ],
)
def test_a_network_that_is_not_what_its_card_says_is_refused(
    tmp_path: Path, answer: float, options: dict[str, Any], said: str
) -> None:
    path = write_answering(tmp_path / "m.onnx", card_of(), answer, **options)
    with pytest.raises(InputError, match=re.escape(said)):
        open_backend(path, "onnxruntime")


def test_an_answer_smaller_than_its_tile_is_refused() -> None:
    batch = np.zeros((1, 1, 32, 32), np.float32)
    with pytest.raises(InputError, match="answers with 1 × 2 × 8 × 8 values where 1 × 2 × 32 × 32 are needed"):
        checked(np.zeros((1, 2, 8, 8), np.float32), batch, card_of())


def test_rounding_beyond_one_is_no_fault(tmp_path: Path) -> None:
    backend = open_backend(write_answering(tmp_path / "m.onnx", card_of(), 1.00001), "onnxruntime")
    assert backend.predict(_batch(1))[0, 0, 0] == np.float32(1.00001)


def test_answers_that_turn_bad_on_some_tile_are_refused(tmp_path: Path) -> None:
    backend = open_backend(write_model(tmp_path / "m.onnx", card_of()), "onnxruntime")
    with pytest.raises(InputError, match="no numbers"):
        backend.predict(np.full((1, 1, 64, 64), np.nan, np.float32))
