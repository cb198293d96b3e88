"""Calls in the background: answers and errors come back, of those that are cancelled or unwanted, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from qgis.core import QgsApplication
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QThread, QThreadPool

from ada_mapper.core.errors import CancelledError
from ada_mapper.ui.runs import BackgroundCall, background

Wait = Callable[..., None]


@pytest.fixture
def owner(qgis_app: QgsApplication) -> QObject:
    """Whose interest counts."""
    return QObject()


@pytest.fixture
def told() -> list[Any]:
    """What came back."""
    return []


@pytest.fixture
def busy(owner: QObject, wait_until: Wait) -> Iterator[Event]:
    """As many calls as there are threads, which go on until the event is set."""
    event = Event()
    for _ in range(QThreadPool.globalInstance().maxThreadCount()):
        BackgroundCall(owner, "busy", lambda is_cancelled: event.wait(20), lambda _: None, lambda _: None).start()
    yield event
    event.set()
    wait_until(lambda: not background._running)


def start(owner: QObject, function: Callable[..., Any], told: list[Any]) -> BackgroundCall:
    return BackgroundCall(owner, "test", function, told.append, told.append).start()


def test_answers_and_errors_come_to_the_main_thread(owner: QObject, told: list[Any], wait_until: Wait) -> None:
    def fail(is_cancelled: Callable[[], bool]) -> None:
        raise ValueError("wrong")

    threads: list[bool] = []
    call = BackgroundCall(
        owner,
        "test",
        lambda is_cancelled: QThread.currentThread() is owner.thread(),
        lambda answer: threads.extend([answer, QThread.currentThread() is owner.thread()]),
        told.append,
    )
    call.start()
    start(owner, fail, told)
    wait_until(lambda: threads and told)
    assert threads == [False, True]
    assert str(told[0]) == "wrong"
    assert not background._running


def test_one_that_is_cancelled_before_its_turn_tells_so(
    owner: QObject, told: list[Any], busy: Event, wait_until: Wait
) -> None:
    """As in QGIS's list of tasks: nobody waits for it for ever."""
    call = start(owner, lambda is_cancelled: 1, told)
    assert call.status() == call.TaskStatus.Queued
    call.cancel()
    wait_until(lambda: told)
    assert isinstance(told[0], CancelledError)


def test_nothing_is_heard_after_stop_or_when_the_owner_is_gone(
    owner: QObject, told: list[Any], busy: Event, wait_until: Wait
) -> None:
    other = QObject()
    start(owner, lambda is_cancelled: 1, told).stop()
    start(other, lambda is_cancelled: 1, told)
    sip.delete(other)
    busy.set()
    wait_until(lambda: not background._running)
    assert not told
