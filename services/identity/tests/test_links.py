"""Links that are mailed: derived when they are sent, one live for a purpose, each used once (ID5)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from services.chassis.db.scope import Scope
from services.chassis.errors import Fault, Precondition
from services.chassis.names import new_id
from services.chassis.testing.tokens import ISSUER
from services.identity import links
from services.identity.links import RESET, Links, Purpose
from services.identity.tests.acts import Acts, Hands, at_once

OTHER = Purpose("other", RESET.lifetime, "/other")


@pytest.fixture
def made(acts: Acts, hands: Hands) -> Made:
    return Made(acts, hands)


class Made:
    """Links of one process of identity, each step in a transaction of its own."""

    def __init__(self, acts: Acts, hands: Hands) -> None:
        resources = acts.identity.resources
        self.database, self.hands = resources.database, hands
        self.links = Links(resources.vault, ISSUER)

    def issue(self, subject: str) -> str:
        with self.database.transaction(Scope()) as db:
            return self.links.issue(db, RESET, subject, self.hands())

    def url(self, link_id: str) -> str:
        with self.database.transaction(Scope()) as db:
            found = self.links.address(db, link_id, self.hands())
        return found.url if found else ""

    def value(self, link_id: str) -> str:
        return parse_qs(urlsplit(self.url(link_id)).query)["link"][0]

    def read(self, value: str, purpose: Purpose = RESET) -> str:
        with self.database.transaction(Scope(read_only=True)) as db:
            return self.links.read(db, purpose, value, self.hands()).subject

    def redeem(self, value: str) -> str:
        with self.database.transaction(Scope()) as db:
            return self.links.redeem(db, RESET, value, self.hands()).subject


def subject() -> str:
    return f"users/{new_id()}"


def test_a_link_leads_from_its_mail_to_what_it_is_about_once(made: Made) -> None:
    about = subject()
    link_id = made.issue(about)
    value = made.value(link_id)

    assert made.url(link_id) == f"{ISSUER}/password/reset?link={value}"
    assert made.read(value) == about
    assert made.redeem(value) == about
    for act in (made.read, made.redeem):
        with pytest.raises(Precondition) as refused:
            act(value)
        assert refused.value.reason == "LINK_NOT_VALID"
    assert made.url(link_id) == ""


def test_of_twenty_who_use_a_link_at_once_one_succeeds(made: Made) -> None:
    about = subject()
    value = made.value(made.issue(about))
    ends = at_once(20, lambda: made.redeem(value))

    assert [end for end in ends if isinstance(end, str)] == [about]
    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"LINK_NOT_VALID", "DATABASE_BUSY"}


def test_what_is_rolled_back_uses_nothing_up(made: Made) -> None:
    about = subject()
    value = made.value(made.issue(about))
    with made.database.open(Scope()) as db:
        made.links.redeem(db, RESET, value, made.hands())
        db.rollback()

    assert made.redeem(value) == about


def test_another_link_ends_the_one_before_but_not_that_of_somebody_else(made: Made) -> None:
    mine, other = subject(), subject()
    first, others = made.issue(mine), made.issue(other)
    before = made.value(first)
    after = made.value(made.issue(mine))

    with pytest.raises(Precondition):
        made.redeem(before)
    assert made.url(first) == ""
    assert made.redeem(after) == mine
    assert made.redeem(made.value(others)) == other


def test_a_link_dies_with_its_time(made: Made, hands: Hands) -> None:
    link_id = made.issue(subject())
    value = made.value(link_id)
    hands.forward(minutes=29, seconds=59)
    assert made.read(value)
    hands.forward(seconds=1)

    with pytest.raises(Precondition):
        made.redeem(value)
    assert made.url(link_id) == ""


def test_withdrawn_links_open_nothing(made: Made) -> None:
    about = subject()
    value = made.value(made.issue(about))
    with made.database.transaction(Scope()) as db:
        links.withdraw(db, about, OTHER)
    assert made.read(value) == about
    with made.database.transaction(Scope()) as db:
        links.withdraw(db, about)

    with pytest.raises(Precondition):
        made.read(value)


def test_no_other_value_opens_anything(made: Made) -> None:
    value = made.value(made.issue(subject()))
    link_id, mac = value.split(".")
    flipped = ("B" if mac[0] == "A" else "A") + mac[1:]
    others = made.value(made.issue(subject())).split(".")[1]
    for forged in (
        "",
        ".",
        link_id,
        f"{link_id}.",
        f"{link_id}.{flipped}",
        f"{link_id}.{others}",
        value + "A",
    ):
        with pytest.raises(Precondition):
            made.read(forged)
    with pytest.raises(Precondition):
        made.read(value, OTHER)
    assert made.read(value)


def test_the_database_holds_no_value_and_expired_links_die_out(made: Made, acts: Acts, hands: Hands) -> None:
    value = made.value(made.issue(subject()))
    with acts.identity.database.administrator() as db:
        kept = db.execute("select row_to_json(links)::text from links").fetchall()
    assert not any(value.split(".")[1] in text for (text,) in kept)
    hands.forward(hours=1)
    for _ in range(len(kept)):
        made.issue(subject())

    with acts.identity.database.administrator() as db:
        old = db.execute("select count(*) from links where expire_time <= %s", [hands.now]).fetchone()
    assert old == (0,)
