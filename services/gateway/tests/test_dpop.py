"""Tokens that are bound to a key (DPoP, RFC 9449): with a new proof for this very request, and in no other way."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug.test import EnvironBuilder, TestResponse
from werkzeug.wrappers import Request

from comptoir.shop.v1 import shop_pb2
from services.chassis.errors import Unauthenticated
from services.chassis.testing.tokens import ISSUER, signed_text
from services.gateway.dpop import Proofs
from services.gateway.tests.door import Door

KEY, STRANGER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
WEAK = RSAKey.generate_key(1024)
ODD = RSAKey.import_key(rsa.generate_private_key(public_exponent=3, key_size=2048))


def proof(token: str | None, path: str, method: str = "GET", key: Any = KEY, **changes: Any) -> str:
    """A proof that is in order, until a test changes a claim or the header; None leaves one out."""
    header = {
        "typ": "dpop+jwt",
        "alg": "ES256",
        "jwk": key.as_dict(private=False),
        **changes.pop("header", {}),
    }
    claims = {
        "htm": method,
        "htu": ISSUER + path,
        "iat": int(time.time()),
        "jti": uuid.uuid4().hex,
        "ath": hashed(token) if token else None,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return signed_text({name: value for name, value in header.items() if value is not None}, kept, key)


def hashed(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


def bound(door: Door, key: Any = KEY) -> str:
    return door.mint.token(cnf={"jkt": key.thumbprint()})


def send(
    door: Door, path: str, token: str, shown: str | None, scheme: str = "DPoP", method: str = "GET"
) -> TestResponse:
    headers = {"Authorization": f"{scheme} {token}", **({"DPoP": shown} if shown is not None else {})}
    return door.call(method, path, token=None, headers=headers)


def test_a_bound_token_is_taken_with_a_proof(door: Door) -> None:
    path, token = door.opened(), bound(door)

    assert send(door, path, token, proof(token, path)).status_code == 200
    shops = "/v1/companies/acme/shops"
    assert send(door, f"{shops}?pageSize=5", token, proof(token, shops)).status_code == 200
    assert send(door, path, token, proof(token, path), scheme="dpop").status_code == 200
    renamed = door.client.open(
        path,
        method="PATCH",
        json={"displayName": "Autre"},
        headers={"Authorization": f"DPoP {token}", "DPoP": proof(token, path, "PATCH")},
    )
    assert renamed.status_code == 200, renamed.text


def test_a_key_of_rsa_is_taken_as_well(door: Door) -> None:
    key = RSAKey.generate_key(2048)
    path, token = door.opened(), bound(door, key)

    assert send(door, path, token, proof(token, path, key=key, header={"alg": "PS256"})).status_code == 200


def test_a_bound_token_opens_nothing_as_a_bearer_token(door: Door) -> None:
    path, token = door.opened(), bound(door)
    for shown in (None, proof(token, path)):
        refused = send(door, path, token, shown, scheme="Bearer")

        assert (refused.status_code, refused.get_json()["reason"]) == (401, "TOKEN_BOUND")
        assert refused.headers["WWW-Authenticate"].startswith('DPoP realm="comptoir", error="invalid_token"')
    assert send(door, path, door.mint.token(), proof(door.mint.token(), path)).status_code == 401


def test_a_service_takes_a_bound_token_only_from_a_gateway_that_saw_the_proof(door: Door) -> None:
    name, token = door.opened().removeprefix("/v1/"), bound(door)
    request = shop_pb2.GetShopRequest(name=name)

    def call(authorization: str) -> shop_pb2.Shop:
        return door.shop.call(
            "ShopService/GetShop", request, shop_pb2.Shop, metadata={"authorization": authorization}
        )

    assert call(f"DPoP {token}").name == name
    for authorization in (f"Bearer {token}", f"DPoP {door.mint.token()}", f"dpop {token}", token):
        with pytest.raises(Unauthenticated):
            call(authorization)


WRONG: dict[str, dict[str, Any]] = {
    "another method": {"htm": "POST"},
    "the method in small letters": {"htm": "get"},
    "no method": {"htm": None},
    "another address": {"htu": f"{ISSUER}/v1/companies/acme"},
    "another host": {"htu": "https://evil.example/v1"},
    "in clear": {"htu": "http://gateway.test"},
    "no address": {"htu": None},
    "an address that is a number": {"htu": 1},
    "too old": {"iat": 1},
    "from the future": {"iat": 4_000_000_000},
    "no time": {"iat": None},
    "a time that is true": {"iat": True},
    "a time that is a text": {"iat": "now"},
    "no id": {"jti": None},
    "an empty id": {"jti": ""},
    "a long id": {"jti": "x" * 300},
    "an id that is no text": {"jti": "\ud800"},
    "no hash of the token": {"ath": None},
    "the hash of another token": {"ath": hashed("another")},
    "another type": {"header": {"typ": "JWT"}},
    "no type": {"header": {"typ": None}},
    "no key": {"header": {"jwk": None}},
    "a private key": {"header": {"jwk": KEY.as_dict(private=True)}},
    "a shared key": {"header": {"jwk": OctKey.generate_key(256).as_dict(private=True)}},
    "the key of somebody else": {"header": {"jwk": STRANGER.as_dict(private=False)}},
    "a key that is a text": {"header": {"jwk": "key"}},
    "a key id": {"header": {"kid": "one"}},
    "a critical header": {"header": {"crit": ["exp"]}},
    "signed by somebody else": {"key": STRANGER},
    "a weak key": {"key": WEAK, "header": {"alg": "PS256"}},
    "a key of another exponent": {"key": ODD, "header": {"alg": "PS256"}},
    "another algorithm": {"key": RSAKey.generate_key(2048), "header": {"alg": "RS256"}},
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_proof_that_is_not_in_order_is_refused(door: Door, name: str) -> None:
    path, token = "/v1/companies/acme/shops", bound(door)
    refused = send(door, path, token, proof(token, path, **WRONG[name]))

    assert (refused.status_code, refused.get_json()["reason"]) == (401, "INVALID_DPOP_PROOF")
    assert 'error="invalid_dpop_proof", algs="ES256 PS256"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "." * 5000, "e30.e30.AAAA", "bnVsbA.bnVsbA.AAAA"])
def test_what_is_no_proof_is_refused(door: Door, text: str) -> None:
    refused = send(door, "/v1/companies/acme/shops", bound(door), text)

    assert (refused.status_code, refused.get_json()["reason"]) == (401, "INVALID_DPOP_PROOF")


def test_a_proof_counts_once(door: Door) -> None:
    path, token = door.opened(), bound(door)
    once = proof(token, path)

    assert [send(door, path, token, once).status_code for _ in range(3)] == [200, 401, 401]
    both = send(door, path, token, f"{proof(token, path)}, {proof(token, path)}")
    assert both.status_code == 401


def test_proofs_are_forgotten_once_they_are_too_old_to_be_taken() -> None:
    times = [datetime.now(UTC)]
    proofs, token = Proofs(ISSUER, lambda: times[-1]), "token"

    def shown(text: str) -> None:
        proofs.shown_with(Request(EnvironBuilder("/v1", headers=[("DPoP", text)]).get_environ()), token)

    for _ in range(3):
        shown(proof(token, "/v1", iat=int(times[-1].timestamp())))
    held = len(proofs._seen)
    times.append(times[-1] + timedelta(minutes=2))
    last = proof(token, "/v1", iat=int(times[-1].timestamp()))
    shown(last)

    assert (held, len(proofs._seen)) == (3, 1)
    with pytest.raises(Unauthenticated):
        shown(last)
