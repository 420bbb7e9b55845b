"""Mail leaves the platform: who was given a place in the demonstration hears of it, and who manages its shops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.local.mailbox import Mail, Mailbox
from deploy.local.platforms import Platform
from services.chassis.testing.waiting import until

PLACES = {
    ("alice@boutique.example", "Les Halles du Port"),
    ("bruno@boutique.example", "Les Halles du Port"),
    ("bruno@boutique.example", "Atelier Lumière"),
    ("chloe@boutique.example", "Atelier Lumière"),
    ("remi@boutique.example", "Les Halles du Port"),
}

MANAGER = "alice@boutique.example"
WAY_TO_PRODUCTION = {
    "ses clés de production peuvent être générées",
    "La clé de production form-production",
    "La clé de production rest-password-production",
    "La clé de production public-production",
    "La clé de production hmac-production",
}


def places_told(mails: Iterable[Mail]) -> dict[tuple[str, str], Mail]:
    """The mails that tell of a place, by recipient and company; other journeys may have given further places."""
    return {
        (recipient, company): mail
        for mail in mails
        if "accédez à la société" in mail.subject
        for recipient in mail.recipients
        for company in ("Les Halles du Port", "Atelier Lumière")
        if company in mail.subject
    }


def test_every_place_of_the_demonstration_arrives_in_the_mail_sink(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    mailbox = Mailbox(platform.layout.mail)

    def told() -> list[Mail]:
        found = places_told(mailbox.mails(mailbox.ids()))
        return [found[place] for place in sorted(PLACES)] if found.keys() >= PLACES else []

    mails = until(told, "every place is told of", 60)

    assert len({mail.headers["message-id"] for mail in mails}) == len(PLACES)
    assert {mail.headers["from"] for mail in mails} == {"no-reply@localhost"}
    assert all("Pacific/Noumea" in mail.text and mail.links == [] for mail in mails)


def test_the_manager_of_the_demonstration_hears_of_the_way_to_production(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    mailbox = Mailbox(platform.layout.mail)

    def told() -> list[Mail]:
        mails = [mail for mail in mailbox.mails(mailbox.ids()) if mail.recipients == (MANAGER,)]
        found = {words: mail for mail in mails for words in WAY_TO_PRODUCTION if words in mail.text}
        return list(found.values()) if found.keys() >= WAY_TO_PRODUCTION else []

    mails = until(told, "the manager is told of the shop and of its production keys", 60)

    assert len({mail.headers["message-id"] for mail in mails}) == len(WAY_TO_PRODUCTION)
    assert all("Pacific/Noumea" in mail.text and mail.links == [] for mail in mails)
