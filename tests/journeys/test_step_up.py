"""An application meets a call that wants fresh proof, sends its person to give it, and calls again (RFC 9470)."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
import requests

from deploy.local.browser import Merchant
from deploy.local.databases import database_name
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from tests.accounts import PASSWORD, opened
from tests.journeys.test_second_factor import TWO, WithFactor, claims

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def let_time_pass(platform: Platform, user: str) -> None:
    """Has the person have proved who they are six minutes earlier than they did."""
    cluster = Cluster(platform.layout.postgres, platform.ports["postgres"])
    with cluster.server.administrator(database_name("identity")) as connection:
        connection.execute(
            "update sessions set authenticate_time = authenticate_time - interval '6 minutes'"
            " where user_id = %s",
            (user.removeprefix("users/"),),
        )


def test_a_challenge_leads_through_the_pages_to_a_token_that_the_call_takes(
    platform: Platform, demonstration: dict[str, Any]
) -> None:
    user = opened(platform, "stephane")
    application = WithFactor(demonstration["gateway"], demonstration["ca"])

    def asks(tokens: dict[str, Any]) -> requests.Response:
        merchant = Merchant(application.gateway, application.authority, tokens["access_token"])
        return merchant.request("POST", f"/v1/{user.name}/totp:enrol", json={})

    def challenged(answer: requests.Response) -> dict[str, str]:
        assert answer.status_code == 401, answer.text
        assert answer.json()["reason"] == "INSUFFICIENT_USER_AUTHENTICATION"
        found = dict(_CHALLENGE.findall(answer.headers["WWW-Authenticate"]))
        assert found["error"] == "insufficient_user_authentication"
        return {name: found[name] for name in ("acr_values", "max_age") if name in found}

    first = application.sign_in(user.login, PASSWORD)
    let_time_pass(platform, user.name)
    old = application.redeem(grant_type="refresh_token", refresh_token=first["refresh_token"])
    stepped = application.sign_in(user.login, PASSWORD, **challenged(asks(old)))
    made = asks(stepped)
    assert made.status_code == 200, made.text
    assert claims(stepped["access_token"])["sid"] == claims(first["access_token"])["sid"]

    # With a second factor it is the factor that is asked for.
    totp = pyotp.TOTP(made.json()["secret"])
    merchant = Merchant(application.gateway, application.authority, stepped["access_token"])
    added = merchant.request("POST", f"/v1/{user.name}/totp:confirm", json={"code": totp.now()})
    assert added.status_code == 200, added.text
    stronger = application.redeem(grant_type="refresh_token", refresh_token=stepped["refresh_token"])
    let_time_pass(platform, user.name)
    stale = application.redeem(grant_type="refresh_token", refresh_token=stronger["refresh_token"])
    merchant = Merchant(application.gateway, application.authority, stale["access_token"])
    wanted = challenged(merchant.request("DELETE", f"/v1/{user.name}/totp"))
    application.codes = {"code": totp.at(time.time() + 30)}
    again = application.sign_in(user.login, PASSWORD, **wanted)
    merchant = Merchant(application.gateway, application.authority, again["access_token"])
    removed = merchant.request("DELETE", f"/v1/{user.name}/totp")

    assert (wanted["acr_values"], wanted["max_age"]) == (TWO, "300")
    assert claims(again["access_token"])["acr"] == TWO
    assert removed.status_code == 200, removed.text
