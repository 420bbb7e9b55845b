"""People hear of their places in companies; operators see what could not be delivered (ID7, IN5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from comptoir.identity.v1 import mail_pb2, membership_pb2, user_pb2
from services.chassis.errors import Denied, Exists, NotFound
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.sender import Sender
from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.identity.mail.mails import MailRow
from services.identity.service import IDENTITY, sender
from services.identity.tests.acts import Acts, Hands
from services.identity.tests.post import mailing, text_of
from services.look.languages import CODES

ROLES = [value.name for value in membership_pb2.Role.DESCRIPTOR.values if value.number]
NOON = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
"""In Nouméa."""


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(NOON)


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands, relay: Relay) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000, **mailing(relay)))


@pytest.fixture
def post(acts: Acts, relay: Relay) -> Iterator[Sender]:
    """What sends identity's mail; what the test before left is gone."""
    post = sender(acts.identity.resources, Outbox(MailRow, acts.identity.settings.mail_domain))  # type: ignore[attr-defined]
    relay.to_recipient = lambda: "250 OK"
    post.work()
    relay.taken.clear()
    yield post
    post.stop()


@pytest.fixture
def operator(acts: Acts) -> str:
    return acts.token(acts.person(operator=True).login)


def call(acts: Acts, name: str, request: Any, answer: Any, token: str) -> Any:
    return acts.identity.call(f"MailService/{name}", request, answer, token=token)


def dead(acts: Acts, token: str) -> list[mail_pb2.Mail]:
    found = call(
        acts, "ListDeadMails", mail_pb2.ListDeadMailsRequest(), mail_pb2.ListDeadMailsResponse, token
    )
    return list(found.mails)


def retry(acts: Acts, name: str, token: str) -> mail_pb2.Mail:
    answer: mail_pb2.Mail = call(
        acts, "RetryMail", mail_pb2.RetryMailRequest(name=name), mail_pb2.Mail, token
    )
    return answer


def discard(acts: Acts, name: str, token: str) -> None:
    call(acts, "DiscardMail", mail_pb2.DiscardMailRequest(name=name), mail_pb2.DiscardMailResponse, token)


def refused(acts: Acts, relay: Relay, post: Sender) -> user_pb2.User:
    """Somebody whose mail was refused for good."""
    relay.to_recipient = lambda: "550 no such user"
    person = acts.person()
    acts.place(acts.company(), person.name)
    post.work()
    relay.to_recipient = lambda: "250 OK"
    return person


def test_a_person_is_told_of_a_place_and_of_its_end(
    acts: Acts, relay: Relay, post: Sender, operator: str
) -> None:
    person = acts.person(email="ada@halles.example")
    company = acts.company(display_name="Les Halles d'Été")
    acts.place(company, acts.person().name)
    post.work()
    relay.taken.clear()
    place = acts.place(company, person.name, "ROLE_DEVELOPER")
    post.work()
    acts.leave(place.name, operator)
    post.work()

    given, taken = relay.taken
    assert [given.recipients, taken.recipients] == [["ada@halles.example"]] * 2
    assert given.sender == str(given.message["From"]) == "no-reply@mail.example"
    assert str(given.message["Message-ID"]).endswith("@mail.example>")
    assert str(given.message["Subject"]) == "Vous accédez à la société Les Halles d'Été"
    assert str(taken.message["Subject"]) == "Vous n'accédez plus à la société Les Halles d'Été"
    assert text_of(given) == (
        "Bonjour Ada Exemple,\n\n"
        "Depuis le 03/11/2026 à 12:00 (Pacific/Noumea), vous accédez à la société Les Halles d'Été avec le rôle :"
        " développeur.\nUne fois connecté, cliquez sur la société affichée pour en choisir une autre.\n\n"
        "Si vous ne vous y attendiez pas, contactez votre service client.\n\nComptoir"
    )


@pytest.mark.parametrize("language", CODES)
def test_a_person_is_told_of_changes_suspension_and_resumption_once_each(
    acts: Acts, relay: Relay, post: Sender, operator: str, language: str
) -> None:
    company = acts.company(display_name="Atelier")
    acts.place(company, acts.person().name)
    place = acts.place(company, acts.person(language_code=language).name, "ROLE_READER")
    post.work()
    relay.taken.clear()
    membership = membership_pb2.Membership(name=place.name, role=membership_pb2.ROLE_DEVELOPER)
    for method, request in (
        ("UpdateMembership", membership_pb2.UpdateMembershipRequest(membership=membership)),
        ("SuspendMembership", membership_pb2.SuspendMembershipRequest(name=place.name)),
        ("ResumeMembership", membership_pb2.ResumeMembershipRequest(name=place.name)),
    ):
        for _ in range(2):
            acts.identity.call(
                f"MembershipService/{method}", request, membership_pb2.Membership, token=operator
            )
        post.work()

    subjects = [str(mail.message["Subject"]) for mail in relay.taken]
    assert len(set(subjects)) == len(subjects) == 3
    assert all("Atelier" in subject for subject in subjects)
    assert {language} == {mail.message["Content-Language"] for mail in relay.taken}


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_words_in_every_language(
    acts: Acts, relay: Relay, post: Sender, language: str, role: str
) -> None:
    person = acts.person(language_code=language, time_zone="Europe/Lisbon")
    acts.place(acts.company(display_name="Atelier"), person.name, role)
    post.work()

    (mail,) = relay.taken
    assert mail.message["Content-Language"] == language
    assert "Atelier" in str(mail.message["Subject"])
    assert "01:00" in text_of(mail)
    assert "Europe/Lisbon" in text_of(mail)


def test_a_refused_call_sends_nothing(acts: Acts, relay: Relay, post: Sender) -> None:
    company, person = acts.company(), acts.person()
    acts.place(company, person.name)
    with pytest.raises(Exists):
        acts.place(company, person.name)
    post.work()

    assert len(relay.taken) == 1


def test_a_hostile_name_is_only_a_name(acts: Acts, relay: Relay, post: Sender) -> None:
    company = acts.company(display_name="Halles\r\nBcc: eve@evil.example\r\n\r\n=?utf-8?q?a=0ABcc:_eve?=")
    person = acts.person(given_name="Ada; eve@evil.example, eve@evil.example")
    acts.place(company, person.name)
    post.work()

    (mail,) = relay.taken
    assert mail.recipients == [person.email]
    assert mail.message.get_all("To") == [person.email]
    assert mail.message["Bcc"] is None
    assert str(mail.message["Subject"]).endswith("Halles Bcc: eve@evil.example = ?utf-8?q?a=0ABcc:_eve?=")


def test_the_queue_holds_no_name_and_no_address(acts: Acts, post: Sender) -> None:
    person = acts.person()
    acts.place(acts.company(display_name="Les Halles"), person.name)
    with acts.identity.database.administrator() as connection:
        kept = str(connection.execute("select * from outbox where state = 'PENDING'").fetchall())

    assert person.name in kept
    for text in (person.email, "@halles", "Ada", "Exemple", "Halles", "http"):
        assert text not in kept


def test_mail_for_an_account_that_is_gone_is_dropped(acts: Acts, relay: Relay, post: Sender) -> None:
    person = acts.person()
    acts.place(acts.company(), person.name)
    with acts.identity.database.administrator() as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from users where user_id = %s", [person.name.removeprefix("users/")])
    post.work()

    assert relay.taken == []


def test_operators_see_what_was_refused_and_nothing_personal(
    acts: Acts, relay: Relay, post: Sender, operator: str
) -> None:
    person = refused(acts, relay, post)
    (mail,) = [each for each in dead(acts, operator) if each.recipient == person.name]

    assert (mail.kind, mail.state) == ("place_given", mail_pb2.MAIL_STATE_DEAD)
    assert (mail.attempts, mail.last_error) == (1, "RECIPIENT_550")
    assert mail.create_time.ToDatetime(UTC) == mail.due_time.ToDatetime(UTC) == acts_now(acts)
    assert person.email not in str(mail)


def acts_now(acts: Acts) -> datetime:
    return acts.identity.resources.clock()


def test_an_operator_sends_a_dead_mail_again(acts: Acts, relay: Relay, post: Sender, operator: str) -> None:
    person = refused(acts, relay, post)
    (mail,) = [each for each in dead(acts, operator) if each.recipient == person.name]
    again = retry(acts, mail.name, operator)
    post.work()

    assert (again.state, again.attempts) == (mail_pb2.MAIL_STATE_PENDING, 0)
    assert [each.recipients for each in relay.taken] == [[person.email]]
    assert mail.name not in [each.name for each in dead(acts, operator)]
    assert changes(acts, mail.name) == [("UPDATE", ["attempts", "state"])]
    with pytest.raises(NotFound):
        retry(acts, mail.name, operator)


def test_an_operator_discards_a_dead_mail(acts: Acts, relay: Relay, post: Sender, operator: str) -> None:
    person = refused(acts, relay, post)
    (mail,) = [each for each in dead(acts, operator) if each.recipient == person.name]
    discard(acts, mail.name, operator)
    post.work()

    assert relay.taken == []
    assert [action for action, _ in changes(acts, mail.name)] == ["DELETE"]
    for act in (retry, discard):
        with pytest.raises(NotFound):
            act(acts, mail.name, operator)


def test_mail_that_waits_is_neither_retried_nor_discarded(acts: Acts, operator: str, post: Sender) -> None:
    acts.place(acts.company(), acts.person().name)
    with acts.identity.database.administrator() as connection:
        found = connection.execute("select mail_id from outbox where state = 'PENDING'").fetchone()
    assert found is not None
    for act in (retry, discard):
        with pytest.raises(NotFound):
            act(acts, f"mails/{found[0]}", operator)


def test_a_dead_mail_changes_only_with_an_entry_in_the_log(acts: Acts, relay: Relay, post: Sender) -> None:
    refused(acts, relay, post)
    for statement in ("update outbox set state = 'PENDING'", "delete from outbox"):
        with (
            pytest.raises(psycopg.errors.DatabaseError) as silent,
            acts.identity.database.administrator() as connection,
            connection.transaction(),
        ):
            connection.execute(f"{statement} where state = 'DEAD'")
        assert silent.value.sqlstate == "CM001"


def test_every_dead_mail_is_on_exactly_one_page(
    acts: Acts, relay: Relay, post: Sender, operator: str
) -> None:
    for _ in range(3):
        refused(acts, relay, post)
    seen, token = [], "first"
    while token:
        request = mail_pb2.ListDeadMailsRequest(page_size=2, page_token=token.removeprefix("first"))
        page = call(acts, "ListDeadMails", request, mail_pb2.ListDeadMailsResponse, operator)
        seen += [mail.name for mail in page.mails]
        token = page.next_page_token

    assert [mail.name for mail in dead(acts, operator)] == seen
    assert len(seen) >= 3


def test_members_see_no_mail(acts: Acts) -> None:
    company, person = acts.company(), acts.person()
    acts.place(company, person.name)
    with pytest.raises(Denied) as denied:
        dead(acts, acts.token(person.login, company))

    assert denied.value.metadata["permission"] == "platform.mail.manage"


def changes(acts: Acts, resource: str) -> list[tuple[str, list[str]]]:
    """What the log says of a mail: in the platform's scope, by an operator."""
    with acts.identity.database.administrator() as connection:
        rows = connection.execute(
            "select action, fields from changes where scope = 'platform' and resource = %s"
            " and actor like 'users/%%' order by sequence",
            [resource],
        ).fetchall()
    return [(action, [field for field in fields if field != "due_time"]) for action, fields in rows]
