"""Who waits for whom among the threads that serve calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from services.chassis.rpc.workers import Workers
from services.chassis.testing.waiting import PATIENCE_SECONDS, until

THREADS, MOST = 2, 32


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(THREADS, MOST)
    yield workers
    workers.shutdown()


def spares() -> int:
    return sum(thread.name == "call spare" for thread in threading.enumerate())


def test_calls_whose_message_does_not_come_hold_up_nobody(workers: Workers) -> None:
    never = threading.Event()
    held = [workers.submit(never.wait, PATIENCE_SECONDS) for _ in range(MOST // 2)]

    assert workers.submit(lambda: "answered").result(PATIENCE_SECONDS) == "answered"
    assert not any(each.done() for each in held)

    never.set()
    assert all(each.result(PATIENCE_SECONDS) for each in held)
    until(lambda: spares() == 0, "who stood in is gone")


def test_a_system_without_threads_to_give_is_asked_again(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused, never = threading.Thread.start, threading.Event(), threading.Event()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name == "call spare" and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    held = [workers.submit(never.wait, PATIENCE_SECONDS) for _ in range(THREADS)]

    assert workers.submit(lambda: "answered").result(PATIENCE_SECONDS) == "answered"
    assert refused.is_set()

    never.set()
    assert all(each.result(PATIENCE_SECONDS) for each in held)


def test_there_are_never_more_threads_than_granted(workers: Workers) -> None:
    never = threading.Event()
    held = [workers.submit(never.wait, PATIENCE_SECONDS) for _ in range(MOST * 2)]
    until(lambda: spares() == MOST - THREADS, "as many stand in as may")
    beyond = workers.submit(lambda: "answered")

    assert not beyond.done()

    never.set()
    assert beyond.result(PATIENCE_SECONDS) == "answered"
    assert all(each.result(PATIENCE_SECONDS) for each in held)


def test_so_many_are_served_at_once_however_many_stood_in(workers: Workers) -> None:
    message, leave, lock = threading.Event(), threading.Event(), threading.Lock()
    inside: list[int] = [0]
    most = []

    def serve() -> None:
        message.wait(PATIENCE_SECONDS)
        workers.enter()
        with lock:
            inside[0] += 1
            most.append(inside[0])
        leave.wait(PATIENCE_SECONDS)
        with lock:
            inside[0] -= 1
        workers.leave()

    calls: list[Future[None]] = [workers.submit(serve) for _ in range(MOST // 2)]
    until(lambda: spares() > 2 * THREADS, "some stand in")
    message.set()
    until(lambda: len(most) == THREADS, "the first are served")
    leave.set()

    for call in calls:
        call.result(PATIENCE_SECONDS)
    assert max(most) == THREADS


def test_what_a_call_ends_with_is_told(workers: Workers) -> None:
    def refuse() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        workers.submit(refuse).result(PATIENCE_SECONDS)
