"""A browser that signed in before gets in while outsiders keep its login locked (ID9)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from comptoir.identity.v1 import session_pb2
from services.chassis.errors import Unauthenticated
from services.identity.tests.acts import PASSWORD, Acts, Hands
from services.identity.tests.work import work

WRONG = "not the password 1"


def start(acts: Acts, login: str, password: str = PASSWORD, tokens: Sequence[str] = ()) -> str:
    """The device's token that came back."""
    request = session_pb2.StartSessionRequest(
        login=login, password=password, source_address="192.0.2.7", device_tokens=tokens
    )
    answer = acts.identity.call("SessionService/StartSession", request, session_pb2.StartSessionResponse)
    assert answer.session_token
    return answer.device_token


def fail(acts: Acts, login: str, tokens: Sequence[str] = (), password: str = WRONG, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated) as refused:
            start(acts, login, password, tokens)
        assert refused.value.reason == "INVALID_CREDENTIALS"


def test_a_known_browser_gets_in_while_the_login_is_locked(acts: Acts) -> None:
    login = acts.person().login
    token = start(acts, login)
    fail(acts, login, times=10)
    fail(acts, login, password=PASSWORD)

    assert start(acts, login, tokens=[token]) == ""
    fail(acts, login, password=PASSWORD)


def test_its_failures_lock_it_alone(acts: Acts, hands: Hands) -> None:
    login = acts.person().login
    token, other = start(acts, login), start(acts, login)
    fail(acts, login, [token], times=10)
    fail(acts, login, [token], PASSWORD)

    assert start(acts, login, tokens=[other]) == ""
    assert start(acts, login)
    hands.forward(minutes=30)
    assert start(acts, login, tokens=[token]) == ""


def test_a_browser_is_known_to_the_accounts_it_was_used_for_and_to_no_other(acts: Acts) -> None:
    one, two, stranger = (acts.person().login for _ in range(3))
    tokens = [start(acts, one), start(acts, two)]
    for login in (one, two, stranger):
        fail(acts, login, times=10)

    assert start(acts, one, tokens=tokens) == ""
    assert start(acts, two, tokens=tokens) == ""
    fail(acts, stranger, tokens, PASSWORD)


def test_forged_and_old_tokens_make_nobody_known(acts: Acts, hands: Hands) -> None:
    login = acts.person().login
    token = start(acts, login)
    device, day, mac = token.split(".")
    forged = [
        f"{device}.{int(day) + 1}.{mac}",
        f"{device}.{day}.{mac[:-1]}",
        f"a{device[1:]}.{day}.{mac}",
        "..",
    ]
    fail(acts, login, times=10)
    for value in forged:
        if value != token:
            fail(acts, login, [value], PASSWORD)
    hands.forward(days=366)
    fail(acts, login, times=10)

    fail(acts, login, [token], PASSWORD)


def test_showing_a_token_tells_nothing_about_who_exists(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    known = acts.person().login
    token = start(acts, known)
    done = []
    for login in ("never-registered", acts.person().login, known):
        with work(acts, monkeypatch) as seen:
            fail(acts, login, [token])
        done.append(seen)

    assert done[0] == done[1] == done[2]
