"""Access tokens (RFC 9068): verified here by every service, and remembered until they expire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.chassis.applications import is_application
from services.chassis.caller import Caller, Kind
from services.chassis.clock import Clock
from services.chassis.errors import Unauthenticated
from services.chassis.rights import APPLICATION, OPERATOR, PRESETS, opened

TYPE = "at+jwt"
ALGORITHM = "ES256"
LEEWAY_SECONDS = 5
LONGEST_LIFE_SECONDS = 900
"""No token that we issue lives longer; one that claims to was never ours, whatever signed it."""
ONE_FACTOR, TWO_FACTORS = LEVELS = ("urn:comptoir:acr:1fa", "urn:comptoir:acr:2fa")
"""What a sign-in is worth, the least first: values of `acr`. A passkey counts as two, as it verifies the person."""
_CACHE_SIZE = 4096
_LONGEST = 8192
_HEADERS = {"typ", "alg", "kid"}
_ALL_SHOPS = "all"
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_OF_PEOPLE = {"role", "sid", "auth_time"}
_LATEST = 253_402_300_799
"""The end of the calendar, as a time."""

FindKey = Callable[[str], ECKey | None]


class TokenVerifier:
    """Turns an access token into a caller, or refuses it. One sentence for every forgery: which test it failed
    is nobody's business; only an expired token says so."""

    def __init__(self, issuer: str, find_key: FindKey, clock: Clock) -> None:
        self._issuer = issuer
        self._find_key = find_key
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Caller]] = {}

    def verify(self, token: str, service: str = "") -> Caller:
        """The caller that the token stands for, carried here by that service."""
        now = self._clock().timestamp()
        remembered = self._remembered(token, service, now)
        if remembered is not None:
            return remembered
        claims = self.claims(token)
        expires = claims["exp"] + LEEWAY_SECONDS
        if expires <= now:
            self._known.pop((token, service), None)
            raise Unauthenticated("The access token has expired.", reason="TOKEN_EXPIRED")
        if claims["iat"] > now + LEEWAY_SECONDS:
            raise _forged()
        caller = _caller(claims, service)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[token, service] = (expires, caller)
        return caller

    def remembered(self, token: str, service: str = "") -> Caller | None:
        """The caller, if the token was verified before and has not expired: for this nobody has to be asked."""
        return self._remembered(token, service, self._clock().timestamp())

    def _remembered(self, token: str, service: str, now: float) -> Caller | None:
        known = self._known.get((token, service))
        return known[1] if known is not None and known[0] > now else None

    def claims(self, token: str) -> dict[str, Any]:
        """What the token says, whether or not it has expired, if it is one of ours."""
        if len(token) > _LONGEST:
            raise _forged()
        try:
            compact = jws.extract_compact(token.encode("ascii"))
            header = compact.headers()
            kid = header.get("kid")
            if set(header) != _HEADERS or header["typ"] != TYPE or not isinstance(kid, str):
                raise _forged()
            key = self._find_key(kid)
            if key is None:
                raise _forged()
            payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
            return _checked(payload, self._issuer)
        except (JoseError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise _forged() from error


def _checked(payload: bytes, issuer: str) -> dict[str, Any]:
    claims = json.loads(payload)
    if not isinstance(claims, dict) or claims["iss"] != issuer or claims["aud"] != issuer:
        raise _forged()
    times, texts = ["exp", "iat"], ["sub", "client_id", "jti", "scope"]
    if _acts_by_itself(claims):
        texts.append("company")
    else:
        times.append("auth_time")
        texts += ["role", "sid"]
    for name in times:
        if type(claims[name]) is not int or not 0 <= claims[name] <= _LATEST:
            raise _forged()
    for name in texts:
        if type(claims[name]) is not str:
            raise _forged()
    if (
        claims["exp"] - claims["iat"] > LONGEST_LIFE_SECONDS
        or claims.get("auth_time", 0) > claims["iat"] + LEEWAY_SECONDS
    ):
        raise _forged()
    if "cnf" in claims and _THUMBPRINT.fullmatch(_bound_to(claims)) is None:
        raise _forged()
    if not isinstance(claims.get("acr", ""), str):
        raise _forged()
    if (
        not claims["sub"]
        or not isinstance(claims.get("company", ""), str)
        or not _are_shops(claims.get("shops"))
    ):
        raise _forged()
    return claims


def _bound_to(claims: dict[str, Any]) -> str:
    """Thumbprint of the key that the token is bound to; empty if it is to none."""
    if "cnf" not in claims:
        return ""
    (name, value), *others = claims["cnf"].items()
    if name != "jkt" or others or not isinstance(value, str):
        raise _forged()
    return value


def _acts_by_itself(claims: dict[str, Any]) -> bool:
    """Whether the token is an application's own: about itself, and with nothing of a person in it (RFC 9068 2.2)."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not is_application(subject):
        return False
    if claims["client_id"] != subject or not claims.keys().isdisjoint(_OF_PEOPLE):
        raise _forged()
    return True


def _are_shops(claim: object) -> bool:
    if isinstance(claim, list):
        return all(isinstance(shop, str) for shop in claim)
    return claim is None or claim == _ALL_SHOPS


def _caller(claims: dict[str, Any], service: str) -> Caller:
    company, scopes = claims.get("company"), frozenset(claims["scope"].split())
    if is_application(claims["sub"]):
        return Caller(
            kind=Kind.MERCHANT,
            subject=claims["sub"],
            service=service,
            company=company,
            rights=opened(APPLICATION, scopes),
            scopes=scopes,
            shops=_shops(claims),
            client_id=claims["client_id"],
            token_id=claims["jti"],
            key_thumbprint=_bound_to(claims),
            is_application=True,
        )
    role = claims["role"]
    operator = role == OPERATOR
    if (role and role not in PRESETS) or (operator == isinstance(company, str) and role):
        raise _forged()
    return Caller(
        kind=Kind.OPERATOR if operator else Kind.MERCHANT,
        subject=claims["sub"],
        service=service,
        company=company,
        rights=PRESETS.get(role, frozenset()),
        scopes=scopes,
        shops=None if operator else _shops(claims),
        client_id=claims["client_id"],
        session=claims["sid"],
        token_id=claims["jti"],
        authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC),
        key_thumbprint=_bound_to(claims),
        level=claims.get("acr", ""),
    )


def _shops(claims: dict[str, Any]) -> frozenset[str] | None:
    shops = claims.get("shops")
    return None if shops == _ALL_SHOPS else frozenset(shops or ())


def refuse_unproved(caller: Caller, *, proved: bool) -> None:
    """Refuses a token that is bound to a key where nobody saw that its bearer holds the key, and the reverse."""
    if caller.key_thumbprint and not proved:
        raise Unauthenticated("The access token is bound to a key that was not proved.", reason="TOKEN_BOUND")
    if proved and not caller.key_thumbprint:
        raise _forged()


def _forged() -> Unauthenticated:
    return Unauthenticated("The access token is not valid.", reason="TOKEN_INVALID")
