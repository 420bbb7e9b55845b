"""People see where they are signed in, and end it (ID9)."""

from __future__ import annotations

from functools import partial

import pytest

from comptoir.identity.v1 import user_pb2, user_session_pb2
from services.chassis.errors import Fault, NotFound, Unauthenticated
from services.identity.tests.acts import Acts, Hands, at_once


class Account:
    """A person who is signed in at two places, with an application in each."""

    def __init__(self, acts: Acts) -> None:
        self.acts = acts
        self.user = acts.person()
        self.client = acts.client(scopes=["account"], display_name="Caisse")
        company = acts.company()
        acts.place(company, self.user.name)
        self.sessions, self.tokens = [], []
        for source, agent in (("192.0.2.7", "Phone/1.0"), ("2001:db8::9", "Desk/2.0\n")):
            session = acts.start(self.user.login, source=source, agent=agent).session_token
            code = acts.code(session, self.client.client_id, company, scopes=["account"])
            self.sessions.append(session)
            self.tokens.append(acts.redeem(self.client, code))

    def listed(self, n: int = 1) -> list[user_session_pb2.UserSession]:
        request = user_session_pb2.ListUserSessionsRequest(parent=self.user.name)
        return list(
            self.acts.identity.call(
                "UserSessionService/ListUserSessions",
                request,
                user_session_pb2.ListUserSessionsResponse,
                token=self.tokens[n].access_token,
            ).sessions
        )

    def revoke(self, name: str, n: int = 1) -> str:
        self.acts.identity.call(
            "UserSessionService/RevokeUserSession",
            user_session_pb2.RevokeUserSessionRequest(name=name),
            user_session_pb2.RevokeUserSessionResponse,
            token=self.tokens[n].access_token,
        )
        return "revoked"

    def revoke_others(self, n: int = 1) -> None:
        self.acts.identity.call(
            "UserSessionService/RevokeOtherUserSessions",
            user_session_pb2.RevokeOtherUserSessionsRequest(parent=self.user.name),
            user_session_pb2.RevokeOtherUserSessionsResponse,
            token=self.tokens[n].access_token,
        )

    def over(self, n: int) -> bool:
        """Whether the browser, its application and the token that it has are all out."""
        update = user_pb2.UpdateUserRequest(user=user_pb2.User(name=self.user.name, title=user_pb2.TITLE_MRS))
        token = self.tokens[n]
        tries = (
            partial(self.acts.touch, self.sessions[n]),
            partial(self.acts.refresh, self.client, token.refresh_token),
            partial(
                self.acts.identity.call,
                "UserService/UpdateUser",
                update,
                user_pb2.User,
                token=token.access_token,
            ),
        )
        ends = [end for act in tries for end in at_once(1, act)]
        refused = [isinstance(end, Fault) for end in ends]
        assert all(refused) or not any(refused)
        return all(refused)


@pytest.fixture
def account(acts: Acts) -> Account:
    return Account(acts)


def test_sessions_are_listed_with_browser_place_application_and_times(
    acts: Acts, account: Account, hands: Hands
) -> None:
    hands.forward(minutes=2)
    acts.touch(account.sessions[0])
    first, second = account.listed()

    assert (first.present, first.user_agent, first.source_address) == (False, "Phone/1.0", "192.0.2.7")
    assert (second.present, second.user_agent, second.source_address) == (True, "Desk/2.0 ", "2001:db8::9")
    assert list(first.applications) == list(second.applications) == ["Caisse"]
    assert first.use_time.seconds - first.create_time.seconds == 120
    assert second.use_time == second.create_time
    assert first.expire_time.seconds - first.create_time.seconds == 12 * 3600
    assert [each.present for each in account.listed(0)] == [True, False]


def test_revoking_one_ends_it_everywhere_and_no_other(account: Account) -> None:
    other = next(each for each in account.listed() if not each.present)
    account.revoke(other.name)

    assert account.over(0)
    assert not account.over(1)
    assert [each.present for each in account.listed()] == [True]
    with pytest.raises(NotFound):
        account.revoke(other.name)


def test_revoking_the_present_one_signs_out(account: Account) -> None:
    present = next(each for each in account.listed() if each.present)
    account.revoke(present.name)

    assert account.over(1)
    with pytest.raises(Unauthenticated):
        account.revoke_others()


def test_revoking_the_others_keeps_the_present_one(account: Account) -> None:
    account.revoke_others()

    assert account.over(0)
    assert not account.over(1)


def test_nobody_sees_or_ends_the_sessions_of_somebody_else(acts: Acts, account: Account) -> None:
    stranger = Account(acts)
    theirs = stranger.listed()[0].name
    own = theirs.replace(stranger.user.name, account.user.name)
    for name in (theirs, own):
        with pytest.raises(NotFound):
            account.revoke(name)

    assert not stranger.over(0)
    assert not stranger.over(1)


def test_idle_sessions_are_not_listed(acts: Acts, account: Account, hands: Hands) -> None:
    for _ in range(2):
        hands.forward(minutes=4)
        acts.touch(account.sessions[1])
    hands.forward(minutes=8)
    token = acts.refresh(account.client, account.tokens[1].refresh_token)
    account.tokens[1] = token

    assert [each.present for each in account.listed()] == [True]


def test_of_several_who_end_a_session_at_once_one_does(account: Account) -> None:
    other = next(each for each in account.listed() if not each.present)
    ends = at_once(8, lambda: account.revoke(other.name))

    assert ends.count("revoked") == 1
    assert {type(end) for end in ends} == {str, NotFound}
