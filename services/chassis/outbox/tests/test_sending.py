"""Mail is sent once, in order of its time, tried again, given up, and never held in a way that others feel (IN5)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.outbox.mail import Letter, Mail
from services.chassis.outbox.sender import pause
from services.chassis.outbox.tables import OutboxRow
from services.chassis.outbox.tests.office import ADDRESS, OUTBOX, SENDER, Office, letter, sender_to
from services.chassis.outbox.tests.refusing import Refusing
from services.chassis.testing.link import linked
from services.chassis.testing.relay import Relay
from services.chassis.testing.waiting import until


def test_mail_arrives_once_as_it_was_written(office: Office, relay: Relay) -> None:
    office.add()
    sender = office.sender()
    sender.work()
    sender.work()

    (mail,) = relay.taken
    assert (mail.sender, mail.recipients) == (SENDER, [ADDRESS])
    assert mail.message.get_content().splitlines() == ["Bonjour,", ".", "notice"]
    assert {
        "From": SENDER,
        "To": ADDRESS,
        "Subject": "Été",
        "Content-Language": "fr",
        "Auto-Submitted": "auto-generated",
    }.items() <= dict(mail.message.items()).items()
    assert mail.content.isascii()
    assert relay.ids == [row["message_id"] for row in office.rows("SENT")]


def test_what_is_rolled_back_sends_nothing(office: Office, relay: Relay) -> None:
    def fail() -> None:
        with office.database.transaction(Scope(company="acme")) as db:
            OUTBOX.add(db, Mail("notice", "users/ada"), office.now)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    office.sender().work()

    assert (relay.tries, office.rows()) == (0, [])


def test_a_thread_sends_as_soon_as_mail_is_added(office: Office, relay: Relay) -> None:
    sender = office.sender()
    sender.start()
    for number in range(3):
        office.add()
        until(lambda sent=number + 1: len(relay.taken) == sent, "the mail is sent")  # type: ignore[misc]


def test_a_temporary_refusal_is_tried_again_ever_later(office: Office, relay: Relay) -> None:
    relay.to_recipient = lambda: "451 try again ada@halles.example"
    office.add()
    sender, waits = office.sender(), []
    for _ in range(10):
        sender.work()
        (row,) = office.rows("PENDING")
        assert row["last_error"] == "RECIPIENT_451"
        waits.append((row["due_time"] - office.now).total_seconds())
        office.now = row["due_time"] - timedelta(milliseconds=1)
        tries = relay.tries
        sender.work()
        assert tries == relay.tries, "tried before its time"
        office.now = row["due_time"]
    relay.to_recipient = lambda: "250 OK"
    sender.work()

    fulls = [min(3600, 30 * 2**n) for n in range(10)]
    assert all(full / 2 <= wait <= full for wait, full in zip(waits, fulls, strict=True))
    assert (relay.tries, len(relay.taken)) == (11, 1)


def test_a_pause_never_exceeds_an_hour() -> None:
    assert all(timedelta(minutes=30) <= pause(n) <= timedelta(hours=1) for n in range(8, 200))


def test_a_server_that_is_away_is_waited_for(office: Office, relay: Relay) -> None:
    office.add()
    there, office.address = office.address, "127.0.0.1:1"
    office.sender().work()
    (row,) = office.rows("PENDING")
    assert (row["attempts"], row["due_time"]) == (0, row["create_time"])
    office.address = there
    office.forward(minutes=1)
    office.sender().work()

    assert row["last_error"] == "UNREACHABLE"
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    ("greeting", "code"),
    [("450 later\r\n", "CONNECTION_450"), ("554 no\r\n", "CONNECTION_554"), ("", "UNREACHABLE")],
)
def test_a_server_that_fails_is_asked_once_a_round_and_no_mail_pays(
    office: Office, relay: Relay, greeting: str, code: str
) -> None:
    for number in range(8):
        office.add(recipient=f"users/person{number}")
    with Refusing(greeting.encode()) as refusing:
        office.address = refusing.address
        sender, waits = office.sender(), []
        sender.work()
        for calls in range(1, 8):
            failed = office.now
            assert refusing.calls == calls
            while refusing.calls == calls:
                office.forward(seconds=0.5)
                sender.work()
            waits.append((office.now - failed).total_seconds())

    fulls = [min(60, 5 * 2**n) for n in range(7)]
    assert all(full / 2 <= wait <= full + 0.5 for full, wait in zip(fulls, waits, strict=True))
    assert {(0, "PENDING")} == {(row["attempts"], row["state"]) for row in office.rows()}
    assert {row["create_time"] for row in office.rows()} == {row["due_time"] for row in office.rows()}
    # Which of them is tried, as all are due since the same moment, is the database's choice.
    assert {code} == {row["last_error"] for row in office.rows()} - {""}

    office.address = relay.address
    office.sender().work()
    assert len(relay.taken) == 8


def test_a_mail_that_breaks_the_dialogue_does_not_stay_first_in_the_queue(
    office: Office, relay: Relay
) -> None:
    relay.to_recipient = lambda: "421 closing" if relay.tries == 1 else "250 OK"
    for number in range(2):
        office.add(recipient=f"users/person{number}")
    sender = office.sender()
    sender.work()
    tries = relay.tries
    office.forward(seconds=6)
    sender.work()

    assert (tries, len(relay.taken)) == (1, 1)
    assert [(row["attempts"], row["last_error"]) for row in office.rows("PENDING")] == [(1, "RECIPIENT_421")]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"to_recipient": "550 no ada@halles.example here"}, "RECIPIENT_550"),
        ({"to_message": "554 spam"}, "MESSAGE_554"),
    ],
)
def test_a_permanent_refusal_ends_it(
    office: Office, relay: Relay, answers: dict[str, str], code: str
) -> None:
    for name, answer in answers.items():
        setattr(relay, name, lambda answer=answer: answer)
    office.add()
    office.sender().work()
    office.forward(days=10)
    office.sender().work()

    (row,) = office.rows()
    assert (row["state"], row["last_error"], row["attempts"]) == ("DEAD", code, 1)
    assert relay.tries == 1


def test_a_mail_is_given_up_after_so_many_attempts(office: Office, relay: Relay) -> None:
    relay.to_recipient = lambda: "450 later"
    office.add()
    sender = office.sender(attempts=3)
    for _ in range(5):
        sender.work()
        office.forward(hours=1)

    assert [(row["state"], row["attempts"]) for row in office.rows()] == [("DEAD", 3)]
    assert relay.tries == 3


def test_mail_for_nobody_is_dropped(office: Office, relay: Relay) -> None:
    office.add()
    office.sender(lambda session, row: None).work()

    assert (relay.tries, office.rows()) == (0, [])


def test_a_mail_that_cannot_be_written_keeps_no_other_waiting(office: Office, relay: Relay) -> None:
    def render(session: ScopedSession, row: OutboxRow) -> Letter:
        if row.kind == "broken":
            raise KeyError(ADDRESS)
        return letter(session, row)

    office.add("broken")
    office.add()
    office.sender(render).work()

    assert [row["last_error"] for row in office.rows("PENDING")] == ["NOT_WRITTEN"]
    assert len(relay.taken) == 1


def test_two_senders_never_send_one_mail_twice(office: Office, relay: Relay) -> None:
    for number in range(30):
        office.add(recipient=f"users/person{number % 10}")
    senders = [office.sender() for _ in range(4)]
    together = threading.Barrier(len(senders))

    def work(index: int) -> None:
        together.wait()
        senders[index].work()

    threads = [threading.Thread(target=work, args=[index]) for index in range(len(senders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    senders[0].work()

    assert len(relay.ids) == 30
    assert {row["message_id"] for row in office.rows("SENT")} == set(relay.ids)


def test_a_recipient_gets_so_many_an_hour_and_the_rest_later(office: Office, relay: Relay) -> None:
    for _ in range(7):
        office.add()
    office.add(recipient="users/grace")
    senders = [office.sender(hourly=3) for _ in range(2)]
    counts = []
    for _ in range(4):
        for sender in senders:
            sender.work()
        counts.append(len(relay.taken))
        office.forward(hours=1)

    assert counts == [4, 7, 8, 8]
    assert len(set(relay.ids)) == 8


def test_what_was_sent_is_forgotten_after_an_hour(office: Office, relay: Relay) -> None:
    office.add()
    sender = office.sender()
    sender.work()
    office.forward(hours=1)
    sender.work()

    assert office.rows() == []


def test_a_slow_mail_server_holds_up_no_watch(office: Office, relay: Relay) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        answer.wait(20)
        return "250 OK"

    relay.to_message = slow
    office.add()
    working = threading.Thread(target=office.sender().work)
    working.start()
    assert asked.wait(20)
    with office.clone.administrator() as connection:
        running = connection.execute(
            "select count(*), count(backend_xid) from pg_stat_activity"
            " where datname = %s and state = 'idle in transaction'",
            [office.clone.name],
        ).fetchone()
    answer.set()
    working.join()

    assert running == (1, 0)
    assert len(office.rows("SENT")) == 1


def test_the_server_is_not_asked_while_the_mail_is_with_another(office: Office, relay: Relay) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        answer.wait(20)
        return "250 OK"

    relay.to_message = slow
    office.add()
    working = threading.Thread(target=office.sender().work)
    working.start()
    assert asked.wait(20)
    office.sender().work()
    tries = relay.tries
    answer.set()
    working.join()
    office.sender().work()

    assert (tries, relay.tries) == (1, 1)


def test_mail_goes_out_again_after_a_network_swallowed_every_byte(office: Office, relay: Relay) -> None:
    with linked(office.clone.urls["svc"]) as (link, url):
        sender = sender_to(url, office.address, office.clock, letter)
        sender.start()
        try:
            office.add()
            until(lambda: office.rows("SENT"), "the mail is sent")
            with link.swallowing(), capture_logs() as lines:
                office.add()
                until(lambda: any(line["event"] == "outbox interrupted" for line in lines), "it gives up")
            until(lambda: len(relay.taken) == 2, "the mail is sent as well")
        finally:
            sender.stop()
