"""Replies kept in memory for the hot path: only such as every entitled caller would get alike, keyed by company.

A write forgets the entry in its own transaction; PostgreSQL's NOTIFY carries that to every other process when the
transaction commits. While the connection that listens is silent for two seconds, nothing is answered from memory; what
is there may bear secrets, so it is also let go of then, and every five minutes. A process that was frozen begins with
nothing when it hears again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

import psycopg
from sqlalchemy import event
from sqlalchemy.orm import Session

from services.chassis import log
from services.chassis.db.database import LOST_HOST, Database
from services.chassis.db.patience import Patient
from services.chassis.db.tenancy import ScopedSession

SILENCE_SECONDS = 2.0
OLDEST_SECONDS = 300.0
"""As long as the vault keeps data keys: the longest that an erased company's secrets outlive it in memory."""
_BEAT_SECONDS = 0.5
_LARGEST = 50_000
"""Entries: at some 2 KB a reply as a Python object, about 100 MB a process, within what a container is given."""
T = TypeVar("T")


class ReplyCache:
    """A cache of one service; `channel` is the name under which its processes tell each other."""

    def __init__(self, database_url: str, channel: str) -> None:
        self._url = database_url
        self._channel = f"cache_{channel}"
        self._entries: dict[str, object] = {}
        self._generation = 0
        self._lock = threading.Lock()
        """Held while a reply is kept and while one is forgotten: a forgetting in between would be lost for ever."""
        self._heard = self._cleared = float("-inf")
        self._stopping = threading.Event()
        self._watching: list[Callable[[Session, object], None]] = []
        self._thread = threading.Thread(target=self._listen, name=self._channel, daemon=True)
        self._thread.start()

    def read(self, key: str, load: Callable[[], T], *, fresh: bool = False) -> T:
        """The entry, or what `load` gives, which is kept unless something changed meanwhile; `fresh`: no entry."""
        found = self._entries.get(key) if self.live and not fresh else None
        if found is not None:
            return cast("T", found)
        generation = self._generation
        value = load()
        with self._lock:
            if self.live and generation == self._generation:
                if len(self._entries) >= _LARGEST:
                    self._entries.clear()
                self._entries[key] = value
        return value

    def forget(self, db: Session, *keys: str) -> None:
        """Forgets the entries, here and in every other process, if and when the transaction commits."""
        driver = db.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute("select pg_notify(%s, key) from unnest(%s::text[]) key", (self._channel, list(keys)))
        event.listen(db, "after_commit", lambda _: self._drop(*keys), once=True)

    def forget_written(self, database: Database, entry_of: Callable[[object], str | None]) -> None:
        """Forgets what is kept of rows of the database whenever they are written through their mapped classes, as
        `forget` does; `entry_of` says under which key that is, if any is."""

        def written(session: Session, _: object) -> None:
            # Of all the sessions of the process, those of this service's own database.
            if session.get_bind().engine.pool is not database.engine.pool:
                return
            rows = (*session.new, *session.dirty, *session.deleted)
            entries = {entry for row in rows if (entry := entry_of(row))}
            if entries:
                self.forget(session, *entries)

        event.listen(ScopedSession, "after_flush", written)
        self._watching.append(written)

    @property
    def live(self) -> bool:
        """Whether forgetting reaches this process."""
        return time.monotonic() - self._heard < SILENCE_SECONDS

    def close(self) -> None:
        for written in self._watching:
            event.remove(ScopedSession, "after_flush", written)
        self._stopping.set()
        self._thread.join()

    def _drop(self, *keys: str) -> None:
        with self._lock:
            self._generation += 1
            for key in keys:
                self._entries.pop(key, None)

    def _clear(self) -> None:
        with self._lock:
            self._generation += 1
            self._entries.clear()
        self._cleared = time.monotonic()

    def _hear(self) -> None:
        """Notes that the connection is alive. A process that was frozen hears only now what was written meanwhile."""
        now = time.monotonic()
        if now - self._heard >= SILENCE_SECONDS or now - self._cleared >= OLDEST_SECONDS:
            self._clear()
        self._heard = now

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen_once()
            except psycopg.Error as error:
                log.event("cache lost its listener", error=type(error).__name__)
            self._heard = float("-inf")
            self._clear()
            self._stopping.wait(_BEAT_SECONDS)

    def _listen_once(self) -> None:
        with Patient.connect(self._url, autocommit=True, connect_timeout=3, **LOST_HOST) as connection:
            connection.be_patient(SILENCE_SECONDS)
            connection.execute(f'listen "{self._channel}"')
            # What was written while nobody listened is unknown: begin with nothing.
            self._clear()
            while not self._stopping.is_set():
                self._hear()
                for notice in connection.notifies(timeout=_BEAT_SECONDS):
                    self._drop(notice.payload)
                    self._hear()
                    if self._stopping.is_set():
                        return
                connection.be_patient(SILENCE_SECONDS)
                connection.execute("select 1")
