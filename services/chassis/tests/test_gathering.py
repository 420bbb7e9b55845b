"""What comes by a stream is handed out in order, by the batch, and all of it before the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.chassis.feed.gathering import gathered
from services.chassis.testing.waiting import until


class Source:
    """A stream that counts what was taken from it."""

    def __init__(self, length: int, error: Exception | None = None) -> None:
        self.given = 0
        self._length = length
        self._error = error

    def __iter__(self) -> Iterator[int]:
        for number in range(self._length):
            self.given += 1
            yield number
        if self._error is not None:
            raise self._error


def test_everything_comes_once_in_order_and_never_too_much_at_once() -> None:
    batches = list(gathered(iter(Source(1000)), 7))
    assert list(range(1000)) == [number for batch in batches for number in batch]
    assert {len(batch) for batch in batches} <= set(range(1, 8))


def test_what_came_meanwhile_comes_together() -> None:
    source = Source(5)
    stream = gathered(iter(source), 200)
    first = next(stream)
    until(lambda: source.given == 5, "all was read")
    rest = [number for batch in stream for number in batch]
    assert [*first, *rest] == list(range(5))


def test_nobody_reads_ahead_without_bound() -> None:
    source = Source(1000)
    stream = gathered(iter(source), 10)
    first = next(stream)
    until(lambda: source.given == len(first) + 11, "it read ahead")
    # One more is in the hand of whoever waits for room.
    assert [len(next(stream)), source.given <= len(first) + 22] == [10, True]
    stream.close()


def test_what_the_stream_ends_with_is_raised_behind_what_came() -> None:
    stream = gathered(iter(Source(3, LookupError("gone"))), 200)
    came: list[int] = []
    with pytest.raises(LookupError):
        came.extend(number for batch in stream for number in batch)
    assert came == [0, 1, 2]


def test_leaving_ends_the_thread_that_reads_ahead() -> None:
    before = set(threading.enumerate())
    stream = gathered(iter(Source(1000)), 10)
    next(stream)
    stream.close()
    until(lambda: not {each for each in set(threading.enumerate()) - before if each.is_alive()}, "it ended")
