"""Authlib's client, as it comes, completes an application's whole life."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from deploy.local.browser import Application


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
