"""Follows one feed for as long as the process lives, in a thread of its own, and saves what it was told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from comptoir_client import wire
from comptoir_client.channel import Channel
from comptoir_client.copies import Change, Copy, Renewed
from comptoir_client.errors import ComptoirError, Invalid, TimedOut
from comptoir_client.saved import Saved

WATCH = wire.method("comptoir.changes.v1.FeedService", "WatchChanges")
_PAUSE_SECONDS = 0.5
_STREAM_SECONDS = 120.0
"""A stream ends by itself after so long, so that a feed that hangs is not waited for for ever; certificates that
were renewed are read again with the next one."""
SAVE_SECONDS = 30.0
"""How old what is on disk may become while there is something to save."""
_IDLE_SAVE_SECONDS = 600.0
"""The same while nothing but time has passed."""
Listener = Callable[[Change | Renewed], None]
"""What to do about a change, in the thread that follows: everything behind it waits. After a restart it is told again
what was told since the last saving; never anything out of order."""
_log = logging.getLogger("comptoir_client")
T = TypeVar("T")


class Follower(Generic[T]):
    """One source."""

    def __init__(
        self,
        copy: Copy[T],
        dial: Callable[[], Channel],
        monotonic: Callable[[], float],
        saved: Saved[T] | None = None,
        listener: Listener | None = None,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        self._copy = copy
        self._dial = dial
        self._monotonic = monotonic
        self._saved = saved
        self._listener = listener
        self._save_seconds = save_seconds
        self._last_saved = monotonic()
        self._channel: Channel | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"comptoir {copy.kind.source}", daemon=True)

    def start(self) -> None:
        """Begins with what was saved, and then follows."""
        if self._saved is not None:
            self._saved.load(self._copy)
        self._thread.start()

    def close(self) -> None:
        """Ends the stream, and saves."""
        self._stopping.set()
        if self._channel is not None:
            self._channel.close()
        self._thread.join()

    def _run(self) -> None:
        said = ""
        while not self._stopping.is_set():
            try:
                self._follow()
                said = ""
            except Exception as error:
                # Nothing may end this thread: what fails now is tried again, from the same cursor.
                said = self._say(error, said)
            self._stopping.wait(_PAUSE_SECONDS)
        self._save()

    def _say(self, error: Exception, said: str) -> str:
        """Says why the feed is not followed, once while the reason is the same."""
        why = error.reason if isinstance(error, ComptoirError) else type(error).__name__
        if why != said:
            _log.warning("%s is not followed: %s", self._copy.kind.source, why)
        return why

    def _follow(self) -> None:
        copy = self._copy
        copy.begin()
        request = WATCH.request(cursor=copy.cursor, types=[copy.kind.type])
        self._channel = channel = self._dial()
        try:
            for answer in channel.stream(WATCH, request, _STREAM_SECONDS):
                heard = copy.take(answer)
                if heard is not None and self._listener is not None:
                    self._tell(heard, self._listener)
                if answer.WhichOneof("event") in ("heartbeat", "snapshot_end"):
                    self._save_in_time(renewed=isinstance(heard, Renewed))
                if self._stopping.is_set():
                    return
        except TimedOut:
            return
        except Invalid:
            # The cursor is refused: another service's certificate, or the source is another. All of it, anew.
            copy.forget_cursor()
            raise
        finally:
            channel.close()

    def _tell(self, heard: Change | Renewed, listener: Listener) -> None:
        try:
            listener(heard)
        except Exception:
            _log.exception("a listener failed")

    def _save_in_time(self, *, renewed: bool) -> None:
        """Only between changes, when all there is was told."""
        age = self._monotonic() - self._last_saved
        if renewed or age >= (self._save_seconds if self._copy.changed else _IDLE_SAVE_SECONDS):
            self._save()

    def _save(self) -> None:
        if self._saved is None or not self._copy.cursor:
            return
        self._last_saved = self._monotonic()
        try:
            self._saved.save(self._copy)
        except OSError as error:
            _log.warning("%s is not saved (%s)", self._copy.kind.source, type(error).__name__)
