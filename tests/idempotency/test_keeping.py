"""What is kept, for how long, and that nobody can read or move it."""

from __future__ import annotations

import pytest

from comptoir.identity.v1 import session_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.errors import Internal, Stale
from services.chassis.testing.running import Running
from services.identity.tests.acts import PASSWORD, Acts, Hands
from tests.idempotency.sending import Answer, open_shop, rows, send, shops_of


def kept(running: Running) -> dict[bytes, bytes]:
    return {
        bytes(digest): bytes(sealed)
        for digest, sealed in rows(running, "select digest, sealed from kept_replies")
    }


def test_a_call_that_failed_keeps_nothing_and_leaves_its_key_free(shop: Running) -> None:
    name = open_shop(shop, "acme", None).message.name
    before = kept(shop)

    def rename(etag: str) -> Answer:
        record = shop_pb2.Shop(name=name, display_name="Quai", etag=etag)
        request = shop_pb2.UpdateShopRequest(shop=record)
        return send(shop, "ShopService/UpdateShop", request, "free", token=shop.mint.token())

    with pytest.raises(Stale):
        rename('"old"')
    assert kept(shop) == before
    assert not rename("").replayed


def test_a_reply_is_kept_for_a_day_and_then_the_key_is_free(shop: Running, hands: Hands) -> None:
    open_shop(shop, "daily", "day")
    hands.forward(hours=23, minutes=59)

    assert open_shop(shop, "daily", "day").replayed
    hands.forward(minutes=1)
    assert not open_shop(shop, "daily", "day").replayed
    assert open_shop(shop, "daily", "day").replayed
    assert shops_of(shop, "daily") == 2


def test_a_reply_that_bears_a_secret_is_kept_for_ten_minutes(acts: Acts, hands: Hands) -> None:
    person = acts.person()
    request = session_pb2.StartSessionRequest(
        login=person.login, password=PASSWORD, source_address="192.0.2.7", user_agent="Example/1.0"
    )

    def start() -> str:
        answer = send(acts.identity, "SessionService/StartSession", request, "short")
        return str(answer.message.session_token)

    first = start()
    hands.forward(minutes=9)
    second = start()
    hands.forward(minutes=1)
    third = start()

    assert first == second
    assert first != third


def test_what_expired_is_swept_by_later_writes_a_few_at_a_time(shop: Running, hands: Hands) -> None:
    for number in range(25):
        open_shop(shop, "swept", f"swept-{number}")
    hands.forward(hours=25)
    expired = len(kept(shop))
    open_shop(shop, "swept", "the-next")
    after_one = len(kept(shop))
    open_shop(shop, "swept", "the-one-after")
    open_shop(shop, "swept", "and-another")

    assert after_one == expired - 20 + 1
    assert len(kept(shop)) == 3


def test_what_is_kept_cannot_be_read(shop: Running, acts: Acts) -> None:
    open_shop(shop, "sealed", "a-key-to-be-seen", label="A label to be seen")
    person = acts.person()
    request = session_pb2.StartSessionRequest(login=person.login, password=PASSWORD)
    token = send(acts.identity, "SessionService/StartSession", request, "seen").message.session_token

    whole = b"".join(
        bytes(row) for pair in (kept(shop), kept(acts.identity)) for each in pair.items() for row in each
    )
    for plain in ("A label to be seen", "a-key-to-be-seen", token, PASSWORD, "companies/sealed"):
        assert plain.encode() not in whole


def test_a_kept_reply_put_in_anothers_row_is_not_told(shop: Running) -> None:
    known = set(kept(shop))
    open_shop(shop, "moved", "mine", label="Mine")
    mine = next(iter(set(kept(shop)) - known))
    open_shop(shop, "moved", "theirs", label="Theirs")
    theirs = next(iter(set(kept(shop)) - known - {mine}))
    with shop.database.administrator() as connection:
        connection.execute(
            "update kept_replies set sealed = (select sealed from kept_replies where digest = %s)"
            " where digest = %s",
            (theirs, mine),
        )

    with pytest.raises(Internal):
        open_shop(shop, "moved", "mine", label="Mine")
    assert open_shop(shop, "moved", "theirs", label="Theirs").replayed
    assert shops_of(shop, "moved") == 2
