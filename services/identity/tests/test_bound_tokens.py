"""Tokens bound to a key that their client holds (DPoP, RFC 9449): codes, refresh tokens, access tokens."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault
from services.identity.oauth.clients import TOKEN_EXCHANGE
from services.identity.tests.acts import REDIRECT, SECRET, VERIFIER, Acts, at_once
from services.identity.tests.registering import registrant
from services.identity.tests.test_introspection import introspect

MINE, OTHER = "A" * 43, "B" * 43
SCOPES = ["openid", "shop"]


def redeem(
    acts: Acts, client: oauth_pb2.ClientCredentials, key: str = "", proof_id: str = "", **grant: Any
) -> oauth_pb2.TokenSet:
    """The tokens for a grant, with a new proof of the key unless its id is given."""
    request = oauth_pb2.RedeemGrantRequest(client=client, **grant)
    if key:
        request.key_proof.key_thumbprint, request.key_proof.proof_id = key, proof_id or uuid.uuid4().hex
    return acts.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)


def code(value: str) -> dict[str, Any]:
    grant = oauth_pb2.AuthorizationCodeGrant(code=value, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    return {"authorization_code": grant}


def refresh(value: str) -> dict[str, Any]:
    return {"refresh_token": oauth_pb2.RefreshTokenGrant(refresh_token=value)}


def ends(act: Any) -> str:
    with pytest.raises(Fault) as refused:
        act()
    return refused.value.reason


@pytest.fixture(scope="module")
def member(acts: Acts) -> tuple[str, str]:
    """A session, and the company of its person."""
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    return acts.sign_in(person.login), company


def test_a_public_clients_tokens_stay_with_the_key_of_the_sign_in(
    acts: Acts, member: tuple[str, str]
) -> None:
    session, company = member
    client = acts.client(scopes=SCOPES, grant_types=["authorization_code", "refresh_token", TOKEN_EXCHANGE])
    first = redeem(acts, client, MINE, **code(acts.code(session, client.client_id, company, scopes=SCOPES)))

    assert acts.claims(first.access_token)["cnf"] == {"jkt": MINE}
    assert [
        ends(lambda: redeem(acts, client, **refresh(first.refresh_token))),
        ends(lambda: redeem(acts, client, OTHER, **refresh(first.refresh_token))),
    ] == ["INVALID_GRANT"] * 2
    second = redeem(acts, client, MINE, **refresh(first.refresh_token))
    assert acts.claims(second.access_token)["cnf"] == {"jkt": MINE}
    exchange = oauth_pb2.TokenExchangeGrant(subject_token=second.access_token, company=company)
    assert ends(lambda: redeem(acts, client, token_exchange=exchange)) == "INVALID_SUBJECT_TOKEN"
    assert ends(lambda: redeem(acts, client, OTHER, token_exchange=exchange)) == "INVALID_SUBJECT_TOKEN"
    third = redeem(acts, client, MINE, token_exchange=exchange)
    assert acts.claims(third.access_token)["cnf"] == {"jkt": MINE}


def test_a_confidential_clients_refresh_token_is_bound_by_its_secret_alone(
    acts: Acts, member: tuple[str, str]
) -> None:
    session, company = member
    client = acts.client(secret=SECRET, scopes=SCOPES)
    first = redeem(acts, client, MINE, **code(acts.code(session, client.client_id, company, scopes=SCOPES)))
    plain = redeem(acts, client, **refresh(first.refresh_token))
    bound = redeem(acts, client, OTHER, **refresh(first.refresh_token))

    assert "cnf" not in acts.claims(plain.access_token)
    assert acts.claims(bound.access_token)["cnf"] == {"jkt": OTHER}
    assert introspect(acts, client, bound.access_token).key_thumbprint == OTHER


def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key(
    acts: Acts, member: tuple[str, str]
) -> None:
    session, company = member
    client = acts.client(scopes=SCOPES)
    value = acts.code(session, client.client_id, company, scopes=SCOPES, key_thumbprint=MINE)

    assert ends(lambda: redeem(acts, client, **code(value))) == "INVALID_GRANT"
    assert ends(lambda: redeem(acts, client, OTHER, **code(value))) == "INVALID_GRANT"
    assert redeem(acts, client, MINE, **code(value)).access_token


def test_a_proof_is_good_for_one_token_request_however_many_come_at_once(acts: Acts) -> None:
    owner = registrant(acts)
    client, own = owner.secret(owner.register().name), oauth_pb2.ClientCredentialsGrant()

    ended = at_once(20, lambda: redeem(acts, client, MINE, "one proof", client_credentials=own))

    assert sum(not isinstance(each, Fault) for each in ended) == 1
    assert {each.reason for each in ended if isinstance(each, Fault)} == {"INVALID_KEY_PROOF"}


def test_an_application_whose_tokens_must_be_bound_gets_no_others(acts: Acts) -> None:
    owner = registrant(acts)
    client = owner.secret(owner.register(bind_tokens=True).name)
    own = oauth_pb2.ClientCredentialsGrant()

    assert ends(lambda: redeem(acts, client, client_credentials=own)) == "INVALID_KEY_PROOF"
    token = redeem(acts, client, MINE, client_credentials=own).access_token
    assert acts.claims(token)["cnf"] == {"jkt": MINE}
