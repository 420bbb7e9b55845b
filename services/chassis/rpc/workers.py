"""The threads that serve calls: few, and more only while some are held by calls whose message does not come.

grpcio gives a call a thread as soon as its headers are there. Few threads are what is fast, since one that idles is
woken for every call; but a handful of calls that never send their message would then shut out all others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
BEAT_SECONDS = 0.05
"""How long a message may take before its call counts as holding its thread."""


class Workers(Executor):
    """`threads` that work, and up to `most` with those that stand in for held ones."""

    def __init__(self, threads: int, most: int) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # A semaphore, of which this is the fastest that Python has.
        self._places: SimpleQueue[None] = SimpleQueue()
        self._threads = threads
        self._most = most
        self._awaiting: dict[int, float] = {}
        """Since when a thread, by its id, has a call whose message it awaits."""
        self._spares = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        for number in range(threads):
            self._places.put(None)
            threading.Thread(target=self._serve, name=f"call-{number}", daemon=True).start()
        threading.Thread(target=self._watch, name="calls held", daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Has a thread begin with the call when one is free."""
        future: Future[T] = Future()
        self._tasks.put(partial(self._run, future, fn, *args, **kwargs))
        return future

    def enter(self) -> None:
        """Told by the present thread when the message of its call is there; waits until fewer than `threads` are in."""
        self._awaiting.pop(threading.get_ident(), None)
        self._places.get()

    def leave(self) -> None:
        """Told when the call that entered is done."""
        self._places.put(None)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets the threads end once what was submitted is done; waits for none of them."""
        self._stopping.set()
        for _ in range(self._most):
            self._tasks.put(None)

    def _run(self, future: Future[T], fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
        self._awaiting[threading.get_ident()] = time.monotonic()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        finally:
            self._awaiting.pop(threading.get_ident(), None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            # What it holds, such as the call's answer, must not wait here for the next one.
            del task

    def _stand_in(self) -> None:
        try:
            while self._held() and (task := self._tasks.get(timeout=BEAT_SECONDS)) is not None:
                task()
                del task
        except Empty:
            pass
        finally:
            with self._lock:
                self._spares -= 1

    def _watch(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            held = self._held()
            # Twice as many, so that their number grows fast enough when each is held as soon as it is there.
            wanted = min(2 * held, self._most - self._threads) - self._spares
            for _ in range(wanted):
                if not self._stands_in_another():
                    break

    def _stands_in_another(self) -> bool:
        """False while the system has no thread to give."""
        with self._lock:
            self._spares += 1
        try:
            threading.Thread(target=self._stand_in, name="call spare", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._spares -= 1
            return False
        return True

    def _held(self) -> int:
        latest = time.monotonic() - BEAT_SECONDS
        return sum(since < latest for since in list(self._awaiting.values()))
