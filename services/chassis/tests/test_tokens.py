"""Access tokens: what is not ours is refused and never ends in an error of our own (RFC 8725)."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from services.chassis.caller import Kind
from services.chassis.errors import Unauthenticated
from services.chassis.rights import PRESETS
from services.chassis.testing.tokens import ISSUER, Mint
from services.chassis.tokens import TokenVerifier

Make = Callable[[Mint], str]
STRANGER = ECKey.generate_key("P-256", {"kid": "test-key"})
APPLICATION = "app-m3q7xw2kz5tn4rbd6hcv"
GOOD = {"typ": "at+jwt", "alg": "ES256", "kid": "test-key"}


def encoded(part: object) -> str:
    """A segment: bytes as they are, anything else as JSON."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned(header: object, signature: str = "") -> Make:
    return lambda mint: f"{encoded(header)}.{encoded(mint.claims())}.{signature}"


def hmac_with(secret: Callable[[ECKey], bytes], alg: str = "HS256", digest: str = "sha256") -> Make:
    """Signed with something public, in the hope that it is taken for a shared key (RFC 8725 2.1)."""

    def make(mint: Mint) -> str:
        body = f"{encoded({**GOOD, 'alg': alg})}.{encoded(mint.claims())}"
        return f"{body}.{encoded(hmac.digest(secret(mint.key), body.encode(), digest))}"

    return make


def signed(payload: object, header: dict[str, Any] | None = None, key: ECKey | None = None) -> Make:
    """Signed properly, over whatever bytes."""

    def make(mint: Mint) -> str:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        registry = jws.JWSRegistry(strict_check_header=False, algorithms=["ES256"])
        return jws.serialize_compact({**GOOD, **(header or {})}, raw, key or mint.key, registry=registry)

    return make


def headed(**changes: Any) -> Make:
    """The right claims and the right key, under another header; None removes an entry."""

    def make(mint: Mint) -> str:
        header = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
        body = f"{encoded(header)}.{encoded(mint.claims())}"
        return f"{body}.{_signature(mint.key, body)}"

    return make


def claiming(**changes: Any) -> Make:
    return lambda mint: mint.token(**changes)


def altered(change: Callable[[str], str]) -> Make:
    return lambda mint: change(mint.token())


def by_stranger(**header: Any) -> Make:
    def make(mint: Mint) -> str:
        body = f"{encoded({**GOOD, **header})}.{encoded(mint.claims())}"
        return f"{body}.{_signature(STRANGER, body)}"

    return make


def part(token: str, n: int) -> str:
    return token.split(".")[n]


def with_part(n: int, value: Callable[[str], str]) -> Make:
    def change(token: str) -> str:
        parts = token.split(".")
        parts[n] = value(parts[n])
        return ".".join(parts)

    return altered(change)


def flipped(segment: str, at: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    raw[at] ^= 1
    return encoded(bytes(raw))


def uncanonical(segment: str) -> str:
    """Other text for the same bytes: the spare bits of the last character set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def mixed(mint: Mint) -> str:
    """The signature of one good token under another's claims."""
    one, other = mint.token(), mint.token(sub="somebodyelse")
    return ".".join((part(one, 0), part(other, 1), part(one, 2)))


def der_signature(mint: Mint) -> str:
    raw = base64.urlsafe_b64decode(part(mint.token(), 2) + "==")
    numbers = [b"\x02\x21\x00" + raw[:32], b"\x02\x21\x00" + raw[32:]]
    der = b"\x30\x46" + b"".join(numbers)
    return ".".join((*mint.token().split(".")[:2], encoded(der)))


def rsa_signed(mint: Mint) -> str:
    key = RSAKey.generate_key(2048, {"kid": "test-key"})
    return jwt.encode({**GOOD, "alg": "RS256"}, mint.claims(), key, algorithms=["RS256"])


def _signature(key: ECKey, body: str) -> str:
    """ES256 over the text as it stands."""
    return encoded(jws.JWSRegistry(algorithms=["ES256"]).get_alg("ES256").sign(body.encode(), key))


FORGERIES: dict[str, Make] = {
    # No signature, or one that anybody could make.
    "alg none": unsigned({**GOOD, "alg": "none"}),
    "alg none in capitals": unsigned({**GOOD, "alg": "NONE"}),
    "alg none in mixed letters": unsigned({**GOOD, "alg": "nOnE"}),
    "alg empty": unsigned({**GOOD, "alg": ""}),
    "alg null": unsigned({**GOOD, "alg": None}),
    "alg a list": unsigned({**GOOD, "alg": ["ES256"]}),
    "alg missing": unsigned({"typ": "at+jwt", "kid": "test-key"}),
    "alg none with a signature": lambda mint: unsigned({**GOOD, "alg": "none"}, part(mint.token(), 2))(mint),
    "signature missing": unsigned(GOOD),
    "signature of zeros": unsigned(GOOD, encoded(bytes(64))),
    "signature of ones": unsigned(GOOD, encoded(b"\xff" * 64)),
    "signature in DER": der_signature,
    "signature of another token": mixed,
    "hmac with the public key as PEM": hmac_with(lambda key: key.as_pem(private=False)),
    "hmac with the public key as DER": hmac_with(lambda key: key.as_der(private=False)),
    "hmac with the public key as JWK": hmac_with(lambda key: json.dumps(key.as_dict(private=False)).encode()),
    "hmac with the point": hmac_with(lambda key: base64.urlsafe_b64decode(str(key.as_dict()["x"]) + "=")),
    "hmac with the key id": hmac_with(lambda key: b"test-key"),
    "hmac with nothing": hmac_with(lambda key: b""),
    "hmac of 512 bits": hmac_with(lambda key: key.as_pem(private=False), "HS512", "sha512"),
    "hmac said to be ES256": hmac_with(lambda key: key.as_pem(private=False), "ES256"),
    # Other algorithms and keys.
    "ES256K": headed(alg="ES256K"),
    "ES384": headed(alg="ES384"),
    "EdDSA": headed(alg="EdDSA"),
    "PS256": headed(alg="PS256"),
    "RS256 of another key": rsa_signed,
    "a stranger's key under our id": by_stranger(),
    "the stranger's key in the header": by_stranger(jwk=STRANGER.as_dict(private=False)),
    "our key in the header": lambda mint: headed(jwk=mint.key.as_dict(private=False))(mint),
    "a place to fetch keys from": by_stranger(jku="https://gateway.test/jwks"),
    "a place to fetch certificates from": by_stranger(x5u="https://gateway.test/x5u"),
    "a chain of certificates": by_stranger(x5c=["MIIB"]),
    "a thumbprint": headed(x5t="AAAA"),
    # Key ids.
    "kid unknown": headed(kid="another-key"),
    "kid empty": headed(kid=""),
    "kid missing": headed(kid=None),
    "kid a number": headed(kid=1),
    "kid a list": headed(kid=["test-key"]),
    "kid an object": headed(kid={"kid": "test-key"}),
    "kid a path": headed(kid="../../../../dev/null"),
    "kid a statement": headed(kid="test-key' or '1'='1"),
    "kid with NUL": headed(kid="test-key\0"),
    "kid of 4 KB": headed(kid="k" * 4096),
    # Headers.
    "crit": headed(crit=["exp"]),
    "crit of nothing": headed(crit=[]),
    "crit unknown": headed(crit=["https://example.com/x"], **{"https://example.com/x": True}),
    "payload said not to be encoded": headed(crit=["b64"], b64=False),
    "typ missing": headed(typ=None),
    "typ of an ID token": headed(typ="JWT"),
    "typ of a logout token": headed(typ="logout+jwt"),
    "typ a number": headed(typ=1),
    "cty": headed(cty="JWT"),
    "zip": headed(zip="DEF"),
    "header a list": unsigned([GOOD]),
    "header a text": unsigned("ES256"),
    "header a number": unsigned(1),
    "header null": unsigned(None),
    "header no JSON": unsigned(b"{typ: at+jwt"),
    "header no UTF-8": unsigned(b"\xff\xfe"),
    "header very deep": unsigned(b"[" * 4000),
    # Claims, properly signed.
    "other issuer": claiming(iss="https://elsewhere.example"),
    "issuer with a slash": claiming(iss=ISSUER + "/"),
    "issuer missing": claiming(iss=None),
    "other audience": claiming(aud="demo-app"),
    "several audiences": claiming(aud=[ISSUER, "demo-app"]),
    "audience missing": claiming(aud=None),
    "expired": claiming(exp=1_700_000_000),
    "exp missing": claiming(exp=None),
    "good for years": claiming(exp=4_000_000_000),
    "proof after the issue": claiming(auth_time=4_000_000_000),
    "sub empty": claiming(sub=""),
    "exp a text": claiming(exp="4102444800"),
    "exp a fraction": claiming(exp=4102444800.5),
    "exp true": claiming(exp=True),
    "not yet issued": claiming(iat=4_102_444_800),
    "iat missing": claiming(iat=None),
    "auth_time missing": claiming(auth_time=None),
    "auth_time beyond any calendar": claiming(auth_time=10**30),
    "sub missing": claiming(sub=None),
    "sub a number": claiming(sub=7),
    "client_id missing": claiming(client_id=None),
    "jti missing": claiming(jti=None),
    "sid missing": claiming(sid=None),
    "scope a list": claiming(scope=["openid"]),
    "role unknown": claiming(role="emperor"),
    "role missing": claiming(role=None),
    "role a list": claiming(role=["owner"]),
    "operator with a company": claiming(role="operator"),
    "owner without a company": claiming(company=None),
    "company a number": claiming(company=1),
    "company a list": claiming(company=["acme"]),
    "shops a number": claiming(shops=1),
    "shops another word": claiming(shops="some"),
    "shops an object": claiming(shops={"12345678": True}),
    "shops of numbers": claiming(shops=[12345678]),
    "shops of lists": claiming(shops=[["12345678"]]),
    "an ID token": lambda mint: mint.token({"typ": "JWT"}, aud="demo-app", at_hash="x", nonce="y"),
    # An application's own token, with something of a person, or of another, in it.
    "application with a session": lambda mint: mint.application(APPLICATION, sid="session"),
    "application with a role": lambda mint: mint.application(APPLICATION, role="owner"),
    "application with an empty role": lambda mint: mint.application(APPLICATION, role=""),
    "application that signed in": lambda mint: mint.application(APPLICATION, auth_time=1_700_000_000),
    "application by another client": lambda mint: mint.application(APPLICATION, client_id="demo-app"),
    "application without a company": lambda mint: mint.application(APPLICATION, company=None),
    "application without a client": lambda mint: mint.application(APPLICATION, client_id=None),
    "application of the platform": lambda mint: mint.application("demo-app"),
    "application with an id of another form": lambda mint: mint.application("app-1"),
    "application with a company that is a list": lambda mint: mint.application(APPLICATION, company=["acme"]),
    # A binding to a key that is none.
    "bound to a word": claiming(cnf="key"),
    "bound to nothing": claiming(cnf={}),
    "bound to a number": claiming(cnf={"jkt": 1}),
    "bound to a short thumbprint": claiming(cnf={"jkt": "AAAA"}),
    "bound to a certificate": claiming(cnf={"x5t#S256": "A" * 43}),
    "bound twice": claiming(cnf={"jkt": "A" * 43, "x5t#S256": "A" * 43}),
    "bound to a list": claiming(cnf=[{"jkt": "A" * 43}]),
    "claims a list": signed([1]),
    "claims null": signed(None),
    "claims no JSON": signed(b"{"),
    "claims no UTF-8": signed(b'{"iss": "\xff"}'),
    "claims empty": signed(b""),
    "claims very deep": signed(b"[" * 4000),
    "a number of many digits": signed(b'{"exp": ' + b"9" * 5000 + b"}"),
    # Shapes.
    "nothing": lambda mint: "",
    "a word": lambda mint: "token",
    "dots": lambda mint: "..",
    "two parts": altered(lambda token: token.rpartition(".")[0]),
    "four parts": altered(lambda token: token + ".AAAA"),
    "five parts": altered(lambda token: f"{token}.AAAA.AAAA"),
    "empty payload": with_part(1, lambda _: ""),
    "cut short": altered(lambda token: token[:-5]),
    "begun late": altered(lambda token: token[1:]),
    "header altered": with_part(0, lambda segment: flipped(segment, 3)),
    "payload altered": with_part(1, lambda segment: flipped(segment, 20)),
    "signature altered at its start": with_part(2, lambda segment: flipped(segment, 0)),
    "signature altered at its end": with_part(2, lambda segment: flipped(segment, -1)),
    "signature written in other letters": with_part(2, uncanonical),
    "signature a byte too long": with_part(2, lambda segment: segment + "AA"),
    "padded": altered(lambda token: token + "=="),
    "a blank before": altered(lambda token: " " + token),
    "a line break behind": altered(lambda token: token + "\n"),
    "not ASCII": altered(lambda token: token + "é"),
    "a lone surrogate": altered(lambda token: token + "\ud800"),
    "NUL": altered(lambda token: token + "\0"),
    "8 KB and more": lambda mint: mint.token(padding="x" * 8192),
    "8 KB of nothing": lambda mint: "A" * 8192,
    "8 KB of dots": lambda mint: "." * 8192,
}


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


@pytest.fixture
def verifier(mint: Mint) -> TokenVerifier:
    return TokenVerifier(ISSUER, mint.find, lambda: datetime.now(UTC))


@pytest.mark.parametrize("make", FORGERIES.values(), ids=FORGERIES)
def test_what_is_not_ours_is_refused(verifier: TokenVerifier, mint: Mint, make: Make) -> None:
    token = make(mint)
    reasons = []
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            verifier.verify(token)
        reasons.append(refused.value.reason)

    assert reasons in (["TOKEN_INVALID"] * 2, ["TOKEN_EXPIRED"] * 2)
    assert verifier.verify(mint.token()).subject == "userexample"


def test_forgeries_are_told_apart_by_nothing_but_their_age(verifier: TokenVerifier, mint: Mint) -> None:
    answers = set()
    for name, make in FORGERIES.items():
        with pytest.raises(Unauthenticated) as refused:
            verifier.verify(make(mint))
        if name != "expired":
            answers.add((refused.value.message, refused.value.reason, str(refused.value.metadata)))

    assert answers == {("The access token is not valid.", "TOKEN_INVALID", "{}")}


def test_the_helpers_of_these_tests_make_good_tokens_of_good_parts(
    verifier: TokenVerifier, mint: Mint
) -> None:
    claims = mint.claims()
    other, good = (verifier.verify(make(mint)) for make in (headed(), signed(claims)))

    assert other.token_id != good.token_id == claims["jti"]
    assert replace(other, token_id=good.token_id) == good


def test_a_good_token_says_who_calls(verifier: TokenVerifier, mint: Mint) -> None:
    merchant = verifier.verify(mint.token(role="reader", shops=["12345678"], scope="shop openid"))
    operator = verifier.verify(mint.operator())
    nobody_yet = verifier.verify(mint.token(role="", company=None, shops=None))

    assert (merchant.kind, merchant.company, merchant.rights) == (Kind.MERCHANT, "acme", PRESETS["reader"])
    assert (merchant.shops, merchant.scopes) == (frozenset({"12345678"}), frozenset({"shop", "openid"}))
    assert (operator.kind, operator.company, operator.shops) == (Kind.OPERATOR, None, None)
    assert (nobody_yet.kind, nobody_yet.rights, nobody_yet.shops) == (Kind.MERCHANT, frozenset(), frozenset())


def test_a_good_token_of_an_application_says_what_its_scopes_open(
    verifier: TokenVerifier, mint: Mint
) -> None:
    caller = verifier.verify(mint.application(APPLICATION, scope="shop users platform", shops=["12345678"]))

    assert (caller.kind, caller.is_application, caller.is_person) == (Kind.MERCHANT, True, False)
    assert (caller.company, caller.subject, caller.session) == ("acme", APPLICATION, "")
    assert caller.rights == {right for right in PRESETS["owner"] if right.startswith(("shop.", "users."))} - {
        "users.manage"
    }
    assert (caller.shops, caller.authenticated_at) == (frozenset({"12345678"}), None)


def test_a_remembered_token_needs_no_key_and_still_expires(mint: Mint) -> None:
    asked: list[str] = []
    now = datetime.now(UTC)

    def find(kid: str) -> ECKey | None:
        asked.append(kid)
        return mint.find(kid)

    ages = iter([0, 60, 304, 306, 306])
    start = int(now.timestamp())
    verifier = TokenVerifier(ISSUER, find, lambda: datetime.fromtimestamp(start + next(ages), UTC))
    token = mint.token(iat=start, exp=start + 300)

    assert len({id(verifier.verify(token)) for _ in range(3)}) == 1
    assert asked == ["test-key"]
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            verifier.verify(token)
        assert refused.value.reason == "TOKEN_EXPIRED"
