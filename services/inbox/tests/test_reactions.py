"""Which changes of shops and keys a company is told of, and that it is told in every language (IN4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.chassis.changes.recorder import CREATE, UPDATE
from services.chassis.mirrors.told import Told
from services.inbox.reactions import REACTIONS, texts_of

SHOP = "companies/acme/shops/12345678"
KEY, PLACE = f"{SHOP}/keys/form-test", "comptoir.shop/Key"


def told(
    *fields: str, kind: str = PLACE, action: str = UPDATE, method: str = "", state: str = "", by: str = ""
) -> Told:
    return Told(
        type=kind,
        resource=KEY if kind == PLACE else SHOP,
        action=action,
        fields=fields,
        state={"state": state, "display_name": "Boutique"},
        scope="companies/acme",
        time=datetime(2026, 11, 24, tzinfo=UTC),
        actor="services/shop",
        on_behalf_of=by,
        request_id="request",
        method=method,
    )


NEW_VALUE = ("check_value", "generate_time", "generation")
GENERATE = "/comptoir.shop.v1.KeyService/GenerateProductionKey"
OF_SHOP = "comptoir.shop/Shop"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (told(*NEW_VALUE, action=CREATE, method=GENERATE), ["key_generated"]),
        (told(*NEW_VALUE, action=CREATE, method="/comptoir.shop.v1.ShopService/CreateShop"), []),
        (told(*NEW_VALUE, action=CREATE), []),
        (told(*NEW_VALUE, "former.expire_time"), ["key_generated"]),
        (told(*NEW_VALUE, "ended_time", "expire_time"), ["key_generated"]),
        (told("former.expire_time"), []),
        (told("former_count"), []),
        (told("expire_time"), []),
        (told("reveal_time"), ["key_revealed"]),
        (told("reminder_time"), ["key_expiring"]),
        (told("ended_time"), ["key_expired"]),
        (told("state", kind=OF_SHOP, state="SHOP_STATE_PRODUCTION_READY"), ["shop_ready"]),
        (told("state", kind=OF_SHOP, state="SHOP_STATE_CLOSED", by="companies/acme"), ["shop_closed"]),
        (told("url", kind=OF_SHOP, state="SHOP_STATE_CLOSED"), []),
    ],
)
def test_each_change_is_told_in_its_own_words_or_not_at_all(change: Told, expected: list[str]) -> None:
    assert expected == [reaction.message for reaction in REACTIONS if reaction.fits(change)]


def test_every_message_about_a_key_or_a_shop_names_it_in_six_languages() -> None:
    for reaction in REACTIONS:
        if reaction.source == "shop":
            texts = texts_of(reaction, told(kind=reaction.type))
            assert len({text["title"] for text in texts}) == len(texts) == 6
            assert all("12345678" in text["body"] for text in texts)
            assert all("form-test" in text["body"] for text in texts if reaction.type == PLACE)
