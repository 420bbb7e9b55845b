"""The fence around slow work: a few inside, fewer waiting, nobody for long."""

from __future__ import annotations

import threading

import pytest

from services.chassis.errors import Exhausted
from services.chassis.fence import Fence


def test_whoever_finds_no_place_is_told_to_come_back() -> None:
    fence = Fence(1)
    with fence.enter(), pytest.raises(Exhausted) as refused, fence.enter():
        pass

    assert (refused.value.reason, refused.value.retry_after_seconds) == ("BUSY", 1)


def test_one_may_wait_for_a_place_and_gets_it() -> None:
    fence, inside = Fence(1, waiting=1, patience_seconds=30), threading.Event()

    def wait() -> None:
        with fence.enter():
            inside.set()

    with fence.enter():
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert not inside.is_set()
    waiter.join(30)

    assert inside.is_set()


def test_patience_ends() -> None:
    fence = Fence(1, waiting=1, patience_seconds=0.01)
    with fence.enter(), pytest.raises(Exhausted), fence.enter():
        pass


def test_nobody_takes_it_whole() -> None:
    fence, inside = Fence(2, waiting=1, patience_seconds=30), threading.Event()

    def wait() -> None:
        with fence.enter("alice"):
            inside.set()

    with fence.enter("mallory"):
        with fence.enter("mallory"):
            with pytest.raises(Exhausted), fence.enter("mallory"):
                pass
            waiter = threading.Thread(target=wait)
            waiter.start()
            assert not inside.is_set()
        waiter.join(30)

    assert inside.is_set()
