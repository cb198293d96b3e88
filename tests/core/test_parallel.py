"""Threads: as many as the machine has and memory bears, results in order, whatever goes wrong on the way."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core import parallel
from ada_mapper.core.errors import CancelledError
from ada_mapper.core.parallel import map_ordered, processors, thread_count
from ada_mapper.core.progress import Progress


def machine_of(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "processors", lambda: cores)


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system gives programs no processors of their own"
)
def test_processors_are_those_that_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert processors() == len(allowed)


@given(cores=st.integers(1, 256), megabytes=st.integers(0, 2000))
def test_memory_does_not_grow_with_the_machine(cores: int, megabytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        machine_of(cores, patch)
        threads = thread_count(megabytes * 2**20)
    assert 1 <= threads <= cores
    assert threads == 1 or threads * megabytes <= 512
    if megabytes <= 64:
        assert threads == min(cores, 8)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_in_order_and_never_far_ahead(threads: int) -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def slow_first(item: int) -> int:
        with lock:
            begun.append(item)
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * item

    fractions: list[float] = []
    results = map_ordered(slow_first, range(30), Progress(on_fraction=fractions.append), threads)
    for count, (item, result) in enumerate(results, 1):
        assert (item, result) == (count - 1, (count - 1) ** 2)
        assert len(begun) <= count + threads
    assert sorted(begun) == list(range(30))
    assert fractions == sorted(fractions) and fractions[-1] == 1


def stopping(item: int) -> int:
    if item == 5:
        raise ZeroDivisionError("at five")
    return item


def test_an_error_ends_the_work_where_it_happens() -> None:
    seen = []
    with pytest.raises(ZeroDivisionError, match="at five"):
        for item, _ in map_ordered(stopping, range(1000), Progress(), 3):
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


def test_cancelling_ends_what_has_not_begun() -> None:
    begun: list[int] = []
    seen: list[int] = []
    progress = Progress(is_cancelled=lambda: len(seen) == 3)
    with pytest.raises(CancelledError):
        for item, _ in map_ordered(lambda number: begun.append(number), range(1000), progress, 2):
            seen.append(item)
    assert seen == [0, 1, 2] and len(begun) <= 6


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(map_ordered(stopping, [], Progress())) == []


def test_an_executor_of_others_is_used_and_left_running() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="shared") as shared:
        name: Callable[[int], str] = lambda _: threading.current_thread().name  # noqa: E731
        names = [own for _, own in map_ordered(name, range(9), Progress(), executor=shared)]
        assert all(own.startswith("shared") for own in names)
        assert shared.submit(stopping, 1).result() == 1
