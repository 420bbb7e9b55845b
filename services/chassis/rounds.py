"""Work that is done again and again, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from services.chassis import log


class Rounds:
    """Does `work` every so many seconds from `start` on. A round that fails is told as `failed`, and not the last."""

    def __init__(self, work: Callable[[], None], *, name: str, seconds: float, failed: str) -> None:
        self._work = work
        self._seconds = seconds
        self._failed = failed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def ending(self) -> bool:
        """Whether nothing more is to be taken up."""
        return self._stopping.is_set()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Takes up nothing more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._work()
            except Exception as error:
                log.event(self._failed, error=type(error).__qualname__, where=log.frames(error))
