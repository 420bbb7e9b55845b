"""What applications sign to say who they are lets in once, and nothing that is not in order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from comptoir.identity.v1 import application_pb2, oauth_pb2
from services.chassis.errors import Fault, Unauthenticated
from services.identity.tests.acts import Acts, Hands, at_once
from services.identity.tests.registering import Registrant, by_itself, jwks, registrant, signed

KEY = ECKey.generate_key("P-256", {"kid": "one"})
SIGNS = application_pb2.CLIENT_AUTHENTICATION_PRIVATE_KEY
PUBLIC = application_pb2.CLIENT_AUTHENTICATION_NONE


@pytest.fixture(scope="module")
def owner(acts: Acts) -> Registrant:
    return registrant(acts)


def test_only_its_own_proof_lets_an_application_in(acts: Acts, owner: Registrant, hands: Hands) -> None:
    secret = owner.register()
    shown = owner.secret(secret.name)
    signing = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    assertion = signed(acts, signing.client_id, KEY, hands().timestamp())

    for wrong in (
        oauth_pb2.ClientCredentials(client_id=secret.client_id),
        oauth_pb2.ClientCredentials(client_id=secret.client_id, client_secret=shown.client_secret + "x"),
        oauth_pb2.ClientCredentials(client_id=signing.client_id),
        oauth_pb2.ClientCredentials(client_id=signing.client_id, client_secret=shown.client_secret),
        oauth_pb2.ClientCredentials(
            client_id=signing.client_id,
            client_secret="x" * 40,
            client_assertion=assertion.client_assertion,
        ),
        oauth_pb2.ClientCredentials(client_id="app-" + "a" * 20, client_secret=shown.client_secret),
    ):
        with pytest.raises(Unauthenticated) as refused:
            by_itself(acts, wrong)
        assert refused.value.reason == "INVALID_CLIENT"
    assert by_itself(acts, assertion).access_token


def test_one_assertion_lets_in_once_however_many_come_at_once(
    acts: Acts, owner: Registrant, hands: Hands
) -> None:
    signing = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    client = signed(acts, signing.client_id, KEY, hands().timestamp())

    ended = at_once(20, lambda: by_itself(acts, client))

    assert sum(not isinstance(each, Fault) for each in ended) == 1
    assert {each.reason for each in ended if isinstance(each, Fault)} == {"INVALID_CLIENT"}


def test_a_strangers_signature_lets_nobody_in(acts: Acts, owner: Registrant, hands: Hands) -> None:
    made = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    stranger = ECKey.generate_key("P-256", {"kid": "one"})
    with pytest.raises(Unauthenticated):
        by_itself(acts, signed(acts, made.client_id, stranger, hands().timestamp()))


@pytest.mark.parametrize("wrong", [{"jti": "\ud800"}, {"exp": 10**18}, {"exp": 1e300}, {"iat": -(10**18)}])
def test_what_is_no_text_and_no_time_is_refused_as_any_other(
    acts: Acts, owner: Registrant, hands: Hands, wrong: dict[str, Any]
) -> None:
    made = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    with pytest.raises(Unauthenticated) as refused:
        by_itself(acts, signed(acts, made.client_id, KEY, hands().timestamp(), **wrong))
    assert refused.value.reason == "INVALID_CLIENT"


def test_a_key_signs_by_its_one_algorithm(acts: Acts, owner: Registrant, hands: Hands) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa"})
    text = json.dumps({"keys": [key.as_dict(private=False), KEY.as_dict(private=False)]})
    made, now = owner.register(client_authentication=SIGNS, jwks=text), hands().timestamp()

    assert by_itself(acts, signed(acts, made.client_id, key, now, header={"alg": "PS256"})).access_token
    assert by_itself(acts, signed(acts, made.client_id, KEY, now)).access_token
    with pytest.raises(Unauthenticated):
        by_itself(acts, signed(acts, made.client_id, key, now, header={"alg": "RS256"}))
