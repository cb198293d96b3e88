"""Where a network is trained: the fastest device at hand, and whether half precision pays there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from ..errors import InputError

DEVICES = ("auto", "cuda", "mps", "cpu")


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; for "auto" an NVIDIA or AMD GPU, else Apple's, else the processor.

    InputError when a device is asked for by name that isn't there.
    """
    if name not in DEVICES:
        raise InputError(
            "There is no device called {name!r}. Choose one of: {devices}.", name=name, devices=", ".join(DEVICES)
        )
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if not present[name]:
        raise InputError("PyTorch finds no device {name!r} on this computer. Choose auto or cpu.", name=name)
    return torch.device(name)


def device_label(device: torch.device) -> str:
    """The device in words for the log."""
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return {"mps": "GPU (Metal)", "cpu": f"CPU, {threads} thread{'s' * (threads != 1)}"}[device.type]


def computes_in_half(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself; where it is emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        try:
            return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        except (AttributeError, RuntimeError):  # a build without oneDNN
            return False
    return False


@contextlib.contextmanager
def own_settings(seed: int, threads: int) -> Iterator[None]:
    """PyTorch with this seed and number of threads; both are put back, because QGIS may use PyTorch elsewhere."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
