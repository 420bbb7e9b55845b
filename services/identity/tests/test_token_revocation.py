"""One access token is revoked and nothing else (RFC 7009): writes feel it, and so does whoever asks about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from comptoir.identity.v1 import oauth_pb2, user_pb2
from services.chassis.errors import Fault, Unauthenticated
from services.identity.tests.acts import SECRET, Acts, Hands, at_once
from services.identity.tests.registering import by_itself, registrant
from services.identity.tests.test_introspection import introspect
from services.identity.tests.test_sessions import rows


def write(acts: Acts, user: str, token: str) -> None:
    request = user_pb2.UpdateUserRequest(user=user_pb2.User(name=user, title=user_pb2.TITLE_MRS))
    request.update_mask.paths.append("title")
    acts.identity.call("UserService/UpdateUser", request, user_pb2.User, token=token)


def two_tokens(acts: Acts) -> tuple[str, oauth_pb2.ClientCredentials, oauth_pb2.TokenSet, oauth_pb2.TokenSet]:
    """A person, a client, and tokens that it got twice in one sign-in of theirs."""
    person = acts.person(operator=True)
    client = acts.client(secret=SECRET)
    first = acts.redeem(client, acts.code(acts.sign_in(person.login), client.client_id))
    return person.name, client, first, acts.refresh(client, first.refresh_token)


def test_writes_refuse_the_token_and_take_the_next_one(acts: Acts) -> None:
    user, client, first, second = two_tokens(acts)
    write(acts, user, first.access_token)
    for _ in range(2):
        acts.revoke(client, first.access_token)
    with pytest.raises(Unauthenticated) as refused:
        write(acts, user, first.access_token)
    write(acts, user, second.access_token)

    assert refused.value.reason == "SESSION_ENDED"
    assert not introspect(acts, client, first.access_token).active
    assert introspect(acts, client, second.access_token).active
    assert acts.refresh(client, second.refresh_token).access_token


def test_only_the_client_that_got_it_revokes_it(acts: Acts) -> None:
    user, client, first, _ = two_tokens(acts)
    acts.revoke(acts.client(secret=SECRET), first.access_token)
    acts.revoke(client, first.access_token + "x")

    write(acts, user, first.access_token)


def test_an_application_revokes_its_own_token(acts: Acts) -> None:
    owner = registrant(acts)
    client = owner.secret(owner.register().name)
    first, second = (by_itself(acts, client).access_token for _ in range(2))
    for _ in range(2):
        acts.revoke(client, first)

    assert [introspect(acts, client, each).active for each in (first, second)] == [False, True]


@pytest.mark.parametrize("kind", ["person", "application"])
def test_twenty_who_revoke_it_at_once_are_all_told_that_it_is(acts: Acts, kind: str) -> None:
    if kind == "person":
        _, client, tokens, _ = two_tokens(acts)
        token = tokens.access_token
    else:
        owner = registrant(acts)
        client = owner.secret(owner.register().name)
        token = by_itself(acts, client).access_token
    revoke: Callable[[], None] = lambda: acts.revoke(client, token)  # noqa: E731
    ends = at_once(20, revoke)

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"DATABASE_BUSY"}
    assert not introspect(acts, client, token).active


def test_twenty_who_revoke_it_at_once_after_its_session_are_all_told_that_it_is(acts: Acts) -> None:
    person, client = acts.person(operator=True), acts.client(secret=SECRET)
    session = acts.sign_in(person.login)
    tokens = acts.redeem(client, acts.code(session, client.client_id))
    acts.end(session)
    revoke: Callable[[], None] = lambda: acts.revoke(client, tokens.access_token)  # noqa: E731
    ends = at_once(20, revoke)

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"DATABASE_BUSY"}
    assert not introspect(acts, client, tokens.access_token).active


@pytest.mark.parametrize("act", ["revokes a token", "signs in"])
def test_what_was_revoked_an_hour_ago_is_forgotten_when_somebody(acts: Acts, hands: Hands, act: str) -> None:
    _, client, first, _ = two_tokens(acts)
    acts.revoke(client, first.access_token)
    hands.forward(minutes=61)
    if act == "signs in":
        acts.sign_in(acts.person().login)
    else:
        _, client, first, _ = two_tokens(acts)
        hands.forward(seconds=2)
        acts.revoke(client, first.access_token)
    old = "select 1 from ended_sessions where end_time < %s"

    assert rows(acts, old, acts.identity.resources.clock() - timedelta(hours=1)) == []
