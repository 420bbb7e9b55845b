"""A change that cannot be reacted to is given up, after some tries, and one that cannot at present is waited for;
whatever came with them is done, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.db.tenancy import ScopedSession
from services.chassis.mirrors.following import Reactions
from services.chassis.mirrors.told import Told
from services.chassis.names import new_id
from services.chassis.testing.feeding import Feeding
from services.chassis.testing.running import Running
from services.chassis.testing.waiting import until
from services.chassis.vault.errors import KeyUnavailable
from services.inbox import reactions
from services.inbox.service import INBOX
from services.shop.service import SHOP

_NOBODY = "127.0.0.1:1"
"""A feed at which nobody answers."""


def test_what_always_fails_is_given_up_and_what_was_away_is_not_and_the_rest_is_done_once(
    run_service: Callable[..., Running], feed_of: Callable[..., Feeding]
) -> None:
    asked: Counter[str] = Counter()
    bad, late = set[str](), set[str]()

    def react(session: ScopedSession, change: Told) -> None:
        asked[change.resource] += 1
        reactions.react(session, change)
        if change.resource in bad:
            raise ValueError("nobody can write this message")
        if change.resource in late and asked[change.resource] <= 8:
            raise KeyUnavailable

    shop = run_service(SHOP)
    inbox = run_service(replace(INBOX, reactions=lambda _: Reactions(frozenset({"shop"}), react)))
    company = new_id()
    create = shop_pb2.CreateShopRequest(
        parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique")
    )
    opened = shop.call("ShopService/CreateShop", create, shop_pb2.Shop, service="bootstrap")
    kinds = ("form-test", "hmac-test", "rest-password-test", "public-test")
    names = [f"{opened.name}/keys/{kind}" for kind in kinds]
    inbox.follow(company=_NOBODY, identity=_NOBODY, shop=feed_of(shop).address)

    def rows(query: str) -> list[tuple[str, ...]]:
        with inbox.database.administrator() as connection:
            return connection.execute(query.encode()).fetchall()

    until(
        lambda: rows("select cursor from mirror_cursors where source = 'shop' and cursor <> ''"),
        "the shops are known",
    )
    inbox.unfollow()
    asked.clear()
    bad.add(names[2])
    late.add(names[1])
    for name in names:
        request = key_pb2.RegenerateTestKeyRequest(name=name)
        shop.call(
            "KeyService/RegenerateTestKey", request, key_pb2.Key, token=shop.mint.token(company=company)
        )
    inbox.follow_again()

    until(lambda: asked[names[3]], "what came behind it is done", 120)
    until(lambda: len(rows("select 1 from messages")) == 3, "the others are told")
    assert (asked[names[1]], asked[names[2]]) == (9, 5)
    inbox.unfollow()
    written = rows("select method from changes where type = 'comptoir.inbox/Message'")
    assert len(written) == 3
