"""The manager of a shop is mailed what becomes of its keys, once, in the company's words and zone (SH12, IN5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.errors import Precondition
from services.chassis.outbox.sender import Sender
from services.chassis.testing.relay import Relay, Taken
from services.chassis.testing.running import Running
from services.look.languages import CODES
from services.shop.letters import OCCASIONS, WORDS
from services.shop.service import SHOP, letters_of, sender
from services.shop.tests.counter import Clock, Counter

MANAGER = "quais@boutique.example"
BEGIN = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


@pytest.fixture(scope="module")
def counter(run_service: Callable[..., Running], relay: Relay) -> Counter:
    settings = {"smtp_address": relay.address, "smtp_starttls": False, "mail_from": "no-reply@mail.example"}
    clock = Clock(BEGIN)
    return Counter(run_service(SHOP, clock=clock, **settings), clock)


@pytest.fixture
def post(counter: Counter, relay: Relay) -> Iterator[Sender]:
    """What sends the mail; what the test before left is gone, and counts against nobody any more."""
    resources = counter.running.resources
    post = sender(resources, letters_of(resources))
    write_to(counter)
    post.work()
    relay.taken.clear()
    counter.clock.forward(hours=2)
    yield post
    post.stop()


def write_to(counter: Counter, language: str = "fr", zone: str = "Pacific/Noumea") -> None:
    """Lets the service have heard that the company reads this language, by this clock."""
    counter.running.acquaintance.company("acme")
    with counter.running.database.administrator() as db:
        query = "update known_companies set language_code = %s, time_zone = %s where company = 'acme'"
        db.execute(query, [language, zone])


def relabel(counter: Counter, shop: str, label: str) -> None:
    """Puts a label that the contract would not let in."""
    with counter.running.database.administrator() as db:
        db.execute("set session_replication_role = replica")
        shop_id = shop.rpartition("/")[2]
        db.execute("update shops set display_name = %s where shop_id = %s", [label, shop_id])


def queue(counter: Counter) -> list[dict[str, str]]:
    """What each mail that waits is about."""
    with counter.running.database.administrator() as db:
        return [row[0] for row in db.execute("select arguments from outbox where state = 'PENDING'")]


def everything(counter: Counter, post: Sender) -> str:
    """All that a manager is told of becomes of one shop, each sent at once; the value that its key has."""
    shop = counter.opened(ready=True, displayName="Les Quais", managerEmail=MANAGER)
    post.work()
    for method in ("GenerateProductionKey", "GenerateProductionKey", "UndoRotation"):
        counter.act(method, shop, "form-production")
        post.work()
    value = counter.revealed(shop, "form-production")
    post.work()
    end = counter.clock() + timedelta(days=31)
    counter.act("ScheduleKeyExpiry", shop, "form-production", expireTime=end.isoformat())
    for left in (30, 0):
        counter.clock.now = end - timedelta(days=left)
        counter.keep_time()
        post.work()
    return value


def text_of(mail: Taken) -> str:
    return "\n".join(mail.message.get_content().splitlines())


def subjects(relay: Relay) -> list[str]:
    # Where a long one is folded, the library that writes it may leave a blank more.
    return [" ".join(str(mail.message["Subject"]).split()) for mail in relay.taken]


def test_a_letter_says_which_key_of_which_shop_and_when(counter: Counter, relay: Relay, post: Sender) -> None:
    shop = counter.opened(displayName="Les Quais", managerEmail=MANAGER)
    counter.clock.now = datetime(2027, 1, 3, 23, 30, tzinfo=UTC)
    counter.revealed(shop, "form-test")
    check = counter.key(shop, "form-test").check_value
    post.work()

    (mail,) = relay.taken
    shop_id = shop.rpartition("/")[2]
    assert mail.recipients == mail.message.get_all("To") == [MANAGER]
    assert mail.sender == str(mail.message["From"]) == "no-reply@mail.example"
    assert str(mail.message["Message-ID"]).endswith("@mail.example>")
    assert str(mail.message["Subject"]) == "Boutique Les Quais : une clé a été affichée en clair"
    assert text_of(mail) == (
        "Bonjour,\n\n"
        f"La clé form-test (valeur de contrôle {check}) de la boutique Les Quais ({shop_id}) a été affichée en clair le"
        " 04/01/2027 à 10:30 (Pacific/Noumea).\n"
        "L'historique dit à qui. Si cela n'était pas voulu, générez une nouvelle clé.\n\n"
        "Vous recevez ce message en tant que gestionnaire de cette boutique. Si vous ne vous y attendiez pas,"
        " contactez votre service client.\n\nComptoir"
    )


@pytest.mark.parametrize("language", CODES)
def test_each_occasion_is_told_once_in_the_companys_language_and_zone(
    counter: Counter, relay: Relay, post: Sender, language: str
) -> None:
    write_to(counter, language, "Asia/Kolkata")
    counter.clock.now = (counter.clock() + timedelta(hours=1)).replace(minute=15)
    value = everything(counter, post)
    post.work()

    say = WORDS.into(language)
    kinds = [
        "shop_ready",
        "key_generated",
        "key_replaced",
        "rotation_undone",
        "key_revealed",
        "key_expiring",
        "key_expired",
    ]
    assert {occasion.kind for occasion in OCCASIONS} == set(kinds)
    assert subjects(relay) == [say(f"{kind}.subject", label="Les Quais") for kind in kinds]
    for mail in relay.taken:
        assert mail.message["Content-Language"] == language
        assert re.search(r":45( Uhr)? \(Asia/Kolkata\)", text_of(mail))
        assert value not in text_of(mail)


def test_a_key_that_ends_is_told_of_three_times_before_and_once_after(
    counter: Counter, relay: Relay, post: Sender
) -> None:
    shop = counter.opened(displayName="Les Quais", managerEmail=MANAGER)
    end = counter.clock() + timedelta(days=40)
    counter.act("ScheduleKeyExpiry", shop, "hmac-test", expireTime=end.isoformat())
    counted = {}
    for left in (40, 31, 30, 30, 8, 7, 7, 2, 1, 1, 0, 0):
        counter.clock.now = end - timedelta(days=left)
        counter.keep_time()
        post.work()
        counted[left] = len(relay.taken)

    assert counted == {40: 0, 31: 0, 30: 1, 8: 1, 7: 2, 2: 2, 1: 3, 0: 4}
    said = [text_of(mail) for mail in relay.taken]
    day = f"{end + timedelta(hours=11):%d/%m/%Y à %H:%M} (Pacific/Noumea)"
    assert ["cessera d'être valable" in text for text in said] == [True] * 3 + [False]
    assert [text for text in said if day not in text] == []


def test_a_public_key_has_no_check_value_to_tell(counter: Counter, relay: Relay, post: Sender) -> None:
    shop = counter.opened(ready=True, managerEmail=MANAGER)
    # Of what waits since the same moment, either may be the last to be sent.
    post.work()
    key = counter.act("GenerateProductionKey", shop, "public-production")
    post.work()

    text = text_of(relay.taken[-1])
    assert "La clé de production public-production de la boutique" in text
    assert key.public_value not in text


def test_what_happens_to_test_keys_and_what_is_refused_is_not_told(
    counter: Counter, relay: Relay, post: Sender
) -> None:
    shop = counter.opened(managerEmail=MANAGER)
    counter.act("RegenerateTestKey", shop, "form-test", overlap="3600s")
    counter.act("UndoRotation", shop, "form-test")
    with pytest.raises(Precondition):
        counter.act("GenerateProductionKey", shop, "form-production")
    with pytest.raises(Precondition):
        counter.revealed(shop, "public-test")

    assert queue(counter) == []
    post.work()
    assert relay.taken == []


def test_a_shop_without_a_manager_is_not_written_to(counter: Counter, relay: Relay, post: Sender) -> None:
    shop = counter.opened(ready=True)
    counter.act("GenerateProductionKey", shop, "form-production")
    counter.revealed(shop, "form-production")
    post.work()

    assert relay.taken == []
    assert queue(counter) == []


def test_a_hostile_label_is_only_a_label(counter: Counter, relay: Relay, post: Sender) -> None:
    shop = counter.opened(managerEmail=MANAGER)
    relabel(counter, shop, "Quais\r\nBcc: eve@evil.example\r\n\r\n{body}\u2028=?utf-8?q?a=0ABcc:_eve?=")
    counter.revealed(shop, "form-test")
    post.work()

    (mail,) = relay.taken
    assert mail.recipients == mail.message.get_all("To") == [MANAGER]
    assert mail.message["Bcc"] is None
    one_line = "Quais Bcc: eve@evil.example {body} = ?utf-8?q?a=0ABcc:_eve?="
    assert str(mail.message["Subject"]) == f"Boutique {one_line} : une clé a été affichée en clair"
    assert f"de la boutique {one_line} (" in text_of(mail)


def test_the_queue_holds_no_address_no_label_and_no_value(counter: Counter, post: Sender) -> None:
    shop = counter.opened(displayName="Les Quais", managerEmail=MANAGER)
    value = counter.revealed(shop, "form-test")
    with counter.running.database.administrator() as db:
        kept = str(db.execute("select * from outbox where state = 'PENDING'").fetchall())

    assert shop.rpartition("/")[2] in kept
    for text in (MANAGER, "@boutique", "Quais", value):
        assert text not in kept


def test_a_company_that_is_not_known_yet_is_written_to_once_it_is(
    counter: Counter, relay: Relay, post: Sender
) -> None:
    shop = counter.opened(managerEmail=MANAGER)
    counter.revealed(shop, "form-test")
    rename = "update known_companies set company = %s where company = %s"
    with counter.running.database.administrator() as db:
        db.execute(rename, ["unheard", "acme"])
    post.work()
    early = list(relay.taken)
    with counter.running.database.administrator() as db:
        db.execute(rename, ["acme", "unheard"])
    counter.clock.forward(minutes=1)
    post.work()

    assert early == []
    assert [mail.recipients for mail in relay.taken] == [[MANAGER]]


def test_nobody_can_make_a_company_be_sent_mail_without_bound(
    counter: Counter, relay: Relay, post: Sender
) -> None:
    for shop in [counter.opened(managerEmail=MANAGER) for _ in range(5)]:
        for _ in range(5):
            counter.clock.forward(seconds=1)
            counter.revealed(shop, "form-test")
    post.work()
    at_once = len(relay.taken)
    counter.clock.forward(hours=1)
    post.work()

    assert (at_once, len(relay.taken)) == (20, 25)
