"""What a stream has brought meanwhile, taken together: whoever is behind catches up by the batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def gathered(stream: Iterator[T], most: int) -> Generator[list[T], None, None]:
    """Lists of what came since the last one, never empty, never longer than `most`. A thread reads ahead, no further
    than that; what the stream ends with is raised here, after all that came before it.

    To be closed when it is left early; the thread ends when the stream next gives something, or is cancelled.
    """
    basket: _Basket[T] = _Basket(most)
    threading.Thread(target=basket.fill, args=(stream,), name="read ahead", daemon=True).start()
    try:
        while (came := basket.take()) is not None:
            yield came
    finally:
        basket.leave()


class _Basket(Generic[T]):
    """Between the thread that fills it and the one that takes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._came: deque[T] = deque()
        self._over = False
        self._left = False
        self._error: BaseException | None = None
        self._moved = threading.Condition()

    def fill(self, stream: Iterator[T]) -> None:
        try:
            for each in stream:
                if not self._put(each):
                    return
        except BaseException as error:
            self._error = error
        finally:
            with self._moved:
                self._over = True
                self._moved.notify_all()

    def take(self) -> list[T] | None:
        """All that is there, once there is something; None at the end."""
        with self._moved:
            self._moved.wait_for(lambda: self._came or self._over)
            came = list(self._came)
            self._came.clear()
            self._moved.notify_all()
        if not came and self._error is not None:
            raise self._error
        return came or None

    def leave(self) -> None:
        """Nobody will take any more."""
        with self._moved:
            self._left = True
            self._moved.notify_all()

    def _put(self, each: T) -> bool:
        with self._moved:
            self._moved.wait_for(lambda: len(self._came) < self._most or self._left)
            self._came.append(each)
            self._moved.notify_all()
            return not self._left
