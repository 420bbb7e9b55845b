"""Codes, refresh tokens and assertions, at the token endpoints of two gateways."""

from __future__ import annotations

import time
import uuid
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.browser import Application
from tests.accounts import PASSWORD
from tests.clients.registered import register
from tests.races.doors import Doors

TOKEN = "/oauth2/token"


class Unredeemed(Application):
    """Stops at the code."""

    def redeem(self, **grant: str) -> dict[str, Any]:
        return {**grant, "client_id": self.client_id}


def test_one_code_gives_tokens_once_and_a_later_replay_ends_them(doors: Doors) -> None:
    login = doors.person().login
    grant = Unredeemed(doors.addresses[0], doors.authority).sign_in(login, PASSWORD)
    answers = doors.race(lambda door, _: doors.post(door, TOKEN, grant))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    replay = doors.post(doors.addresses[0], TOKEN, grant)
    # On a busy machine a slow one of the twenty is a replay itself: what was won is over now, if not before.
    after = doors.post(doors.addresses[1], TOKEN, refreshing(won[0]["refresh_token"]))

    assert len(won) == 1
    assert {answer.status_code for answer in answers} <= {200, 400, 503}
    assert [each.status_code for each in (replay, after)] == [400, 400]


def refreshing(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "client_id": "demo-app", "refresh_token": token}


def test_one_refresh_token_has_one_distinct_successor(doors: Doors) -> None:
    login = doors.person().login
    first = doors.application().sign_in(login, PASSWORD)["refresh_token"]
    answers = doors.race(lambda door, _: doors.post(door, TOKEN, refreshing(first)))
    given = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len(set(given)) == 1
    assert first not in given
    assert doors.post(doors.addresses[1], TOKEN, refreshing(given[0])).status_code == 200


def test_one_assertion_lets_its_application_in_once(doors: Doors) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    made = register(doors.platform.description, key)
    client, now = made["clientId"], int(time.time())
    claims = {
        "iss": client,
        "sub": client,
        "aud": doors.addresses[0],
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
    }
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key),
    }
    statuses = [answer.status_code for answer in doors.race(lambda door, _: doors.post(door, TOKEN, form))]

    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 401, 503}
