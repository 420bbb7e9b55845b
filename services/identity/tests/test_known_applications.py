"""Applications in memory: most tokens ask no database, and no process goes on trusting what another one changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault, Unauthenticated
from services.chassis.testing.running import Running
from services.chassis.testing.transactions import begins_none
from services.chassis.testing.waiting import until
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands
from services.identity.tests.registering import by_itself, registrant


@pytest.fixture(scope="module")
def other(
    acts: Acts, hands: Hands, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Acts]:
    """Another process of the same service."""
    directory = tmp_path_factory.mktemp("other")
    kek = acts.identity.settings.kek_file
    running = Running(IDENTITY, acts.identity.database, certificates, directory, clock=hands, kek_file=kek)
    yield Acts(running)
    running.stop()


def test_a_token_for_a_known_application_asks_no_database(acts: Acts) -> None:
    owner = registrant(acts)
    client = owner.secret(owner.register().name)

    until(lambda: begins_none(acts.identity, lambda: by_itself(acts, client)), "the application is in memory")


def test_what_changes_of_an_application_counts_at_once_where_it_was_and_soon_everywhere(
    acts: Acts, other: Acts
) -> None:
    owner = registrant(acts)
    made = owner.register(scopes=["openid", "shop.read", "users.read"])
    client = owner.secret(made.name)
    for process in (acts, other):
        by_itself(process, client)

    owner.update(made.name, scopes=["openid", "shop.read"])
    assert "users.read" not in by_itself(acts, client).scopes
    until(lambda: "users.read" not in by_itself(other, client).scopes, "the other process forgot its scopes")

    former, client = client, owner.secret(made.name)
    _refused(acts, former)
    until(partial(_is_refused, other, former), "the other process forgot the former secret")
    by_itself(other, client)

    owner.suspend(made.name)
    _refused(acts, client)
    until(partial(_is_refused, other, client), "the other process heard of the suspension")

    owner.resume(made.name)
    by_itself(acts, client)
    by_itself(other, client)

    owner.delete(made.name)
    _refused(acts, client)
    until(partial(_is_refused, other, client), "the other process heard of the removal")


def _refused(process: Acts, client: oauth_pb2.ClientCredentials) -> None:
    with pytest.raises(Unauthenticated):
        by_itself(process, client)


def _is_refused(process: Acts, client: oauth_pb2.ClientCredentials) -> bool:
    try:
        by_itself(process, client)
    except Fault:
        return True
    return False
