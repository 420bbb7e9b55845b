"""Authlib's client, as it comes, completes an application's whole life."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from deploy.local.browser import Application
from tests.clients.registered import register


class Visitor(Application):
    """A person whom somebody else's client sends to the gateway."""

    def arrive(self, address: str, login: str, password: str) -> str:
        """The address that the person is sent back to."""
        answer = self._through_pages(address, {}, {"login": login, "password": password})
        return f"{self.redirect_uri}?{urlencode(answer)}"


def test_authlib_signs_in_refreshes_and_revokes(demonstration: dict[str, Any]) -> None:
    person = Visitor(demonstration["gateway"], demonstration["ca"])
    password = next(each["password"] for each in demonstration["logins"] if each["login"] == "alice")
    client = OAuth2Session(
        person.client_id,
        scope="openid profile account",
        redirect_uri=person.redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    )
    client.verify, client.trust_env = demonstration["ca"], False
    metadata = client.get(
        f"{demonstration['gateway']}/.well-known/openid-configuration", withhold_token=True
    ).json()
    verifier = secrets.token_urlsafe(48)

    address, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier
    )
    back = person.arrive(address, "alice", password)
    token = client.fetch_token(
        metadata["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state
    )
    userinfo = client.get(metadata["userinfo_endpoint"]).json()
    second = client.refresh_token(metadata["token_endpoint"], token["refresh_token"])
    revoked = client.revoke_token(metadata["revocation_endpoint"], second["refresh_token"])

    assert userinfo["name"] == "Alice Exemple"
    assert second["access_token"] != token["access_token"]
    assert revoked.status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(metadata["token_endpoint"], second["refresh_token"])


def test_authlib_gets_tokens_for_an_application_by_its_signature_and_by_its_secret(
    demonstration: dict[str, Any],
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    signing, showing = register(demonstration, key), register(demonstration)
    endpoint = f"{demonstration['gateway']}/oauth2/token"
    # Left to itself it says an hour.
    soon = {"exp": int(time.time()) + 60}
    by_signature = OAuth2Session(
        signing["clientId"], key, token_endpoint_auth_method=PrivateKeyJWT(endpoint, claims=soon, alg="ES256")
    )
    by_secret = OAuth2Session(
        showing["clientId"], showing["clientSecret"], token_endpoint_auth_method="client_secret_basic"
    )
    shop = f"{demonstration['gateway']}/v1/{demonstration['companies']['halles']}/shops/12345678"
    for client in (by_signature, by_secret):
        client.verify, client.trust_env = demonstration["ca"], False
        tokens = client.fetch_token(endpoint, grant_type="client_credentials", scope="shop")

        assert tokens["scope"] == "shop"
        assert client.get(shop).json()["name"] == shop.partition("/v1/")[2]
    told = by_secret.introspect_token(
        f"{demonstration['gateway']}/oauth2/introspect", token=by_secret.token["access_token"]
    ).json()
    assert (told["active"], told["sub"]) == (True, showing["clientId"])
