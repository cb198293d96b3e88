"""Ordered work over threads, a little ahead of its consumer."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, TypeVar

from .progress import Progress

THREADS = 2

S = TypeVar("S")

T = TypeVar("T")


def map_ordered(function: Callable[[S], T], items: Sequence[S], progress: Progress) -> Iterator[tuple[S, T]]:
    """(item, function(item)) in order, computed in threads a little ahead of the consumer.

    Reports progress; an error or a cancellation stops what has not begun.
    """
    with ThreadPoolExecutor(THREADS) as executor:
        pending: deque[tuple[S, Future[T]]] = deque()
        waiting = iter(items)
        done = 0
        try:
            while True:
                for item in itertools.islice(waiting, THREADS + 1 - len(pending)):
                    pending.append((item, executor.submit(function, item)))
                if not pending:
                    return
                progress.check()
                item, future = pending.popleft()
                yield item, future.result()
                done += 1
                progress.report(done / len(items))
        finally:
            for _, future in pending:
                future.cancel()
