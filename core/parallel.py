"""Ordered work over the threads that a machine has, a little ahead of its consumer."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Callable, TypeVar

from .progress import Progress

# More threads would wait for the disk and for each other, and each has files and memory of its own.
_MOST_THREADS = 8
# What the threads of one run may hold together.
_MEMORY = 512 * 2**20

S = TypeVar("S")
T = TypeVar("T")


def processors() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def thread_count(bytes_each: int = 0) -> int:
    """How many threads a run takes of which each holds so many bytes: one a processor, bounded in number and memory."""
    most = _MEMORY // bytes_each if bytes_each > 0 else _MOST_THREADS
    return max(1, min(processors(), _MOST_THREADS, most))


def map_ordered(
    function: Callable[[S], T],
    items: Iterable[S],
    progress: Progress,
    threads: int | None = None,
    executor: Executor | None = None,
) -> Generator[tuple[S, T], None, None]:
    """(item, function(item)) in order, computed in ``threads`` (by default ``thread_count``) ahead of the consumer.

    At most ``threads`` + 1 results wait, so memory is bounded whatever the number of items. Reports progress; an error
    or a cancellation stops what has not begun. An ``executor`` of several runs is used as it is, and not shut down.
    """
    items = list(items)
    ahead = (threads or thread_count()) + 1
    pending: deque[tuple[S, Future[T]]] = deque()
    with ExitStack() as own:
        if executor is None:
            executor = own.enter_context(ThreadPoolExecutor(ahead - 1))
        waiting = iter(items)
        try:
            for done in range(1, len(items) + 1):
                for item in itertools.islice(waiting, ahead - len(pending)):
                    pending.append((item, executor.submit(function, item)))
                progress.check()
                item, future = pending.popleft()
                yield item, future.result()
                progress.report(done / len(items))
        finally:
            for _, future in pending:
                future.cancel()
