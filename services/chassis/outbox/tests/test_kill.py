"""A sender that is killed loses no mail; between the server's 250 and the commit it is sent twice, recognisably."""

from __future__ import annotations

import signal
from multiprocessing.context import SpawnProcess

import pytest

from services.chassis import fault_points
from services.chassis.outbox.tests.dying import started
from services.chassis.outbox.tests.office import Office
from services.chassis.testing.relay import Relay
from services.chassis.testing.waiting import until


def test_a_kill_before_the_commit_sends_the_same_message_id_twice(office: Office, relay: Relay) -> None:
    office.add()
    victims: list[SpawnProcess] = []

    def kill() -> str:
        if len(relay.taken) == 1:
            victims[0].kill()
            victims[0].join()
        return "250 OK"

    relay.to_message = kill
    victims.append(started(office))
    victims[0].join(60)
    waiting = office.rows("PENDING")

    def sent_again() -> bool:
        # The server of the database notices the end of the killed process a moment later.
        office.sender().work()
        return len(relay.taken) > 1

    assert len(waiting) == 1
    until(sent_again, "it is sent again")
    assert relay.ids == [waiting[0]["message_id"]] * 2
    assert [row["state"] for row in office.rows()] == ["SENT"]


def test_the_fault_point_ends_a_sender_between_the_servers_answer_and_the_commit(
    office: Office, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.add()
    for name, value in fault_points.environment("outbox.after_send=kill@1").items():
        monkeypatch.setenv(name, value)
    process = started(office)
    process.join(60)

    assert process.exitcode == -signal.SIGKILL
    assert (len(relay.taken), len(office.rows("PENDING"))) == (1, 1)


@pytest.mark.parametrize("count", [3])
def test_a_kill_before_the_mail_is_handed_over_doubles_nothing(
    office: Office, relay: Relay, count: int
) -> None:
    for number in range(count):
        office.add(recipient=f"users/person{number}")
    victims: list[SpawnProcess] = []

    def kill() -> str:
        if relay.tries == 1:
            victims[0].kill()
            victims[0].join()
        return "250 OK"

    relay.to_recipient = kill
    victims.append(started(office))
    victims[0].join(60)

    def all_sent() -> bool:
        office.sender().work()
        return len(relay.taken) == count

    until(all_sent, "all are sent")
    assert len(set(relay.ids)) == count
