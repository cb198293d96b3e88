"""Batches made ahead of time, while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..progress import Progress
from .inputs import BatchSource

Batch = tuple[Tensor, Tensor]

AHEAD = 2
_WAIT_SECONDS = 0.2


def batches(source: BatchSource, step: int, workers: int, progress: Progress) -> Generator[Batch, None, None]:
    """Batch number ``step`` and all that follow: float32 (n, bands, h, w) and uint8 labels (n, h, w).

    Made by ``workers`` processes, or by a thread when there are none (inside QGIS there must be none). Which of
    them makes a batch doesn't change it. Close the iterator when done. Raises CancelledError while it waits.
    """
    first, within = divmod(step, source.views)
    groups = _by_processes(source, first, workers) if workers else _by_thread(source, first, progress)
    try:
        yield from islice((batch for group in groups for batch in group), within, None)
    finally:
        groups.close()


def _by_processes(source: BatchSource, first: int, workers: int) -> Generator[list[Batch], None, None]:
    loader: DataLoader[Any] = DataLoader(
        source,
        batch_size=None,
        sampler=range(first, 2**31),
        num_workers=workers,
        prefetch_factor=AHEAD,
        generator=torch.Generator(),
    )
    yield from loader


def _by_thread(source: BatchSource, first: int, progress: Progress) -> Generator[list[Batch], None, None]:
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Any]] = deque(pool.submit(source.__getitem__, first + i) for i in range(AHEAD))
        try:
            for group in count(first + AHEAD):
                while not wait([waiting[0]], timeout=_WAIT_SECONDS).done:
                    progress.check()
                made = waiting.popleft().result()
                waiting.append(pool.submit(source.__getitem__, group))
                yield [(torch.from_numpy(bands), torch.from_numpy(labels)) for bands, labels in made]
        finally:
            for future in waiting:
                future.cancel()
