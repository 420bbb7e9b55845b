"""Proofs that whoever sends a request holds a key (DPoP, RFC 9449 4.3): for this request, made just now, and used once.

Once a process: the ids of proofs are kept in memory as long as a proof is fresh. Where tokens are given out, identity
keeps them for all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from werkzeug.wrappers import Request

from services.chassis.clock import Clock
from services.chassis.errors import Unauthenticated
from services.chassis.public_keys import ALGORITHMS, judged, members

HEADER = "DPoP"
_AGE, _SKEW = timedelta(seconds=60), timedelta(seconds=5)
_HEADERS = frozenset({"typ", "alg", "jwk"})
_LONGEST, _LONGEST_ID = 4096, 256


@dataclass(frozen=True)
class Proof:
    """A good one: the key's thumbprint (RFC 7638), and the proof's id."""

    key_thumbprint: str
    proof_id: str


class Proofs:
    """Judges the proofs of requests."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        """`issuer`: our own origin, from configuration and never from a header."""
        self._issuer = issuer
        self._clock = clock
        self._seen: OrderedDict[Proof, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def shown(self, request: Request) -> Proof | None:
        """The proof that came with the request, if one did. That it is new is for others to say."""
        text = request.headers.get(HEADER)
        return None if text is None else self._read(request, text, None)

    def shown_with(self, request: Request, token: str) -> Proof:
        """The proof that came with the request and its access token, and was not seen here before."""
        proof = self._read(request, request.headers.get(HEADER, ""), token)
        now = self._clock()
        with self._lock:
            # All are kept equally long, so the oldest is the first to go: none costs more for there being many.
            while self._seen and next(iter(self._seen.values())) <= now:
                self._seen.popitem(last=False)
            if proof in self._seen:
                raise invalid()
            self._seen[proof] = now + _AGE + 2 * _SKEW
        return proof

    def _read(self, request: Request, text: str, token: str | None) -> Proof:
        try:
            return self._checked(request, text, token)
        except (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError):
            raise invalid() from None

    def _checked(self, request: Request, text: str, token: str | None) -> Proof:
        if len(text) > _LONGEST:
            raise ValueError
        header = jws.extract_compact(text.encode("ascii"), registry=_registry()).headers()
        if set(header) != _HEADERS or header["typ"] != "dpop+jwt":
            raise ValueError
        public = members(header["jwk"])
        key, thumbprint = judged(public)
        claims = json.loads(_verified(text, key, ALGORITHMS[public["kty"]]))
        if claims["htm"] != request.method or not self._is_here(claims["htu"], request.path):
            raise ValueError
        if type(claims["iat"]) is not int or not self._is_now(claims["iat"]):
            raise ValueError
        # Encoded, since half a surrogate is in JSON's texts but goes into no message.
        if not isinstance(claims["jti"], str) or not 0 < len(claims["jti"].encode()) <= _LONGEST_ID:
            raise ValueError
        if token is not None and claims["ath"] != _hash(token):
            raise ValueError
        return Proof(thumbprint, claims["jti"])

    def _is_here(self, address: str, path: str) -> bool:
        """Whether this is the address of the request, apart from its query (RFC 9449 4.3)."""
        given, own = urlsplit(address), urlsplit(self._issuer)
        return (
            (given.scheme, given.hostname, given.port or 443) == (own.scheme, own.hostname, own.port or 443)
            and given.username is None
            and unquote(given.path) == path
        )

    def _is_now(self, issued: int) -> bool:
        now = self._clock().timestamp()
        return now - _AGE.total_seconds() <= issued <= now + _SKEW.total_seconds()


def invalid() -> Unauthenticated:
    """One sentence for every proof that is not in order: which test it failed is nobody's business."""
    return Unauthenticated("The DPoP proof is missing or not valid.", reason="INVALID_DPOP_PROOF")


def _verified(text: str, key: ECKey | RSAKey, algorithm: str) -> bytes:
    return jws.deserialize_compact(text, key, registry=_registry(algorithm)).payload


def _registry(*algorithms: str) -> jws.JWSRegistry:
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=list(algorithms))
    # The library's own limit leaves no room for an RSA key in the header.
    registry.max_header_length = _LONGEST
    return registry


def _hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()).decode().rstrip("=")
