"""What a snapshot shows is made up for: tried again when it fails, given up one by one, done by one process alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from psycopg.errors import LockNotAvailable

from comptoir.shop.v1 import shop_pb2
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Unavailable
from services.chassis.mirrors.following import Reactions
from services.chassis.mirrors.lease import LeaseLost
from services.chassis.mirrors.told import Told
from services.chassis.names import new_id
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.chassis.vault.errors import KeyUnavailable
from services.inbox import messages, reactions
from services.inbox.service import INBOX
from services.shop.service import SHOP

_SHOP = "comptoir.shop/Shop"
_NEWS = next(each for each in reactions.REACTIONS if each.type == _SHOP)
_NOBODY = "127.0.0.1:1"
"""A feed at which nobody answers."""


class Listener:
    """An inbox that tells of every shop that a snapshot shows, and what may befall it then."""

    def __init__(self, run_service: Callable[..., Running], feed_of: Callable[..., Feeding]) -> None:
        self.asked: Counter[str] = Counter()
        self._befalls: Callable[[str], None] = lambda _: None
        shop = run_service(SHOP)
        made_up_for = Reactions(frozenset({"shop"}), self._react, frozenset({_SHOP}))
        self._inbox = run_service(replace(INBOX, reactions=lambda _: made_up_for))
        self._feed = feed_of(shop)
        create = shop_pb2.CreateShopRequest(
            parent=f"companies/{new_id()}", shop=shop_pb2.Shop(display_name="Boutique")
        )
        method = "ShopService/CreateShop"
        self.shops = sorted(
            shop.call(method, create, shop_pb2.Shop, service="bootstrap").name for _ in range(4)
        )

    def _react(self, session: ScopedSession, change: Told) -> None:
        if change.type == _SHOP:
            self.asked[change.resource] += 1
            messages.post(session, reactions.texts_of(_NEWS, change), datetime.now(UTC))
            session.flush()
            self._befalls(change.resource)

    def rows(self, query: str, lock_timeout: str = "0") -> list[tuple[str, ...]]:
        with self._inbox.database.administrator() as connection:
            connection.execute("select set_config('lock_timeout', %s, false)", (lock_timeout,))
            return connection.execute(query.encode()).fetchall()

    def told_of(self, befalls: Callable[[str], None]) -> list[str]:
        """The shops that it told of by the end of the snapshot."""
        self._befalls = befalls
        self._inbox.follow(company=_NOBODY, identity=_NOBODY, shop=self._feed.address)
        complete = "select 1 from mirror_cursors where source = 'shop' and cursor <> ''"
        until(lambda: self.rows(complete), "the snapshot is complete")
        self._inbox.unfollow()
        found = self.rows("select reason from changes where type = 'comptoir.inbox/Message'")
        return sorted(reason.removeprefix("follows from ") for [reason] in found)


@pytest.fixture
def listener(run_service: Callable[..., Running], feed_of: Callable[..., Feeding]) -> Listener:
    return Listener(run_service, feed_of)


def test_a_passing_error_begins_the_snapshot_anew_and_loses_nothing(listener: Listener) -> None:
    def befalls(shop: str) -> None:
        if shop in listener.shops[:2] and listener.asked[shop] <= 2:
            raise Unavailable("away for a moment")

    assert set(listener.told_of(befalls)) == set(listener.shops)


@pytest.mark.parametrize("away", [Unavailable("away"), KeyUnavailable(), LockNotAvailable()], ids=repr)
def test_what_is_away_for_longer_than_tries_last_is_waited_for(listener: Listener, away: Exception) -> None:
    def befalls(shop: str) -> None:
        if shop == listener.shops[1] and listener.asked[shop] <= 8:
            raise away

    assert set(listener.told_of(befalls)) == set(listener.shops)


def test_those_that_always_fail_are_given_up_and_the_others_done(listener: Listener) -> None:
    bad = listener.shops[:2]

    def befalls(shop: str) -> None:
        if shop in bad:
            raise ValueError("nobody can write this message")

    assert set(listener.told_of(befalls)) == set(listener.shops) - set(bad)
    assert [listener.asked[shop] for shop in bad] == [5, 5]


def test_nobody_takes_over_from_who_reacts_however_long_that_takes(listener: Listener) -> None:
    refused: list[str] = []

    def befalls(shop: str) -> None:
        taken = "update mirror_cursors set holder = 'next', lease_until = now() where source = 'shop'"
        try:
            listener.rows(f"{taken} returning source", lock_timeout="50ms")
        except LockNotAvailable:
            refused.append(shop)

    assert listener.told_of(befalls) == listener.shops
    assert sorted(refused) == listener.shops


def test_who_lost_the_lease_has_tried_nothing(listener: Listener) -> None:
    def befalls(shop: str) -> None:
        if listener.asked[shop] <= 6:
            raise LeaseLost(shop)

    assert set(listener.told_of(befalls)) == set(listener.shops)
