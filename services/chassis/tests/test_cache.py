"""Replies kept in memory: a forgetting is never lost, whenever it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import psycopg
import pytest

from services.chassis import cache as replies
from services.chassis.cache import ReplyCache
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.testing.waiting import until
from services.chassis.tests.sample.rows import SAMPLE


@pytest.fixture
def database(clone: Callable[[Service], Clone]) -> Iterator[Database]:
    opened = Database(clone(SAMPLE).urls["svc"], connections=2)
    yield opened
    opened.close()


@pytest.fixture
def cache(database: Database) -> Iterator[ReplyCache]:
    url = database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    made = ReplyCache(url, "sample")
    end = time.monotonic() + 10
    while not made.live and time.monotonic() < end:
        threading.Event().wait(0.01)
    assert made.live
    yield made
    made.close()


def test_what_is_forgotten_while_it_is_being_kept_is_not_kept(cache: ReplyCache, database: Database) -> None:
    def write() -> None:
        with database.transaction(Scope()) as session:
            cache.forget(session, "key")

    writer = threading.Thread(target=write)

    class Entries(dict[str, object]):
        """Lets a write commit, and its notice arrive, between the decision to keep a reply and the keeping."""

        def __setitem__(self, key: str, value: object) -> None:
            if value == "old":
                writer.start()
                writer.join(0.5)
            super().__setitem__(key, value)

    cache._entries = Entries()
    assert cache.read("key", lambda: "old") == "old"
    writer.join()

    assert cache.read("key", lambda: "new") == "new"


def test_nothing_is_kept_beyond_its_age(cache: ReplyCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.read("key", lambda: "secret")
    assert cache._entries == {"key": "secret"}

    monkeypatch.setattr(replies, "OLDEST_SECONDS", 0.0)

    until(lambda: not cache._entries, "it was let go of")


def test_who_was_frozen_trusts_nothing_from_before(
    cache: ReplyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.read("key", lambda: "old")
    thawed = SimpleNamespace(monotonic=lambda: time.monotonic() + replies.SILENCE_SECONDS)
    monkeypatch.setattr(replies, "time", thawed)

    until(lambda: cache.live, "it hears again")
    assert cache.read("key", lambda: "new") == "new"


def test_nothing_is_kept_while_forgetting_is_not_heard_of(cache: ReplyCache, database: Database) -> None:
    cache.read("key", lambda: "secret")
    with psycopg.connect(cache._url, autocommit=True) as connection:
        ended = connection.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchone()
    assert ended
    assert ended[0] > 0

    until(lambda: not cache._entries, "it was let go of")
