"""Whether a sign-in is recent enough for what the application asked (OIDC Core 3.1.2.1: `prompt`, `max_age`).

A request that asks for a new sign-in carries a signed mark of the time it was sent to the sign-in page. Without the
mark, `prompt=login` would ask for ever, and `max_age=0` too; merely dropping the parameter instead would let whoever
sits at a signed-in browser go straight to the address that the sign-in page leads on to. A mark is good in the browser
that was sent to sign in, told by a cookie, and until that browser got the answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Response, request
from itsdangerous import BadSignature, TimestampSigner

from services.chassis.clock import Clock

MARK = "signed_in_after"
MARK_SECONDS = 600
COOKIE = "__Host-marked"
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}")
_SKEW = timedelta(seconds=1)


class _Signer(TimestampSigner):
    def __init__(self, key: bytes, clock: Clock) -> None:
        super().__init__(key, salt="comptoir.gateway.freshness")
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock().timestamp())


class Freshness:
    """Issues marks and judges sign-ins by them."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._signer = _Signer(key, clock)
        self._clock = clock

    def mark(self, onward: Callable[[str], Response]) -> Response:
        """The response that sends this browser to sign in, given a mark of now."""
        ticket = _ticket() or secrets.token_urlsafe(32)
        response = onward(self._signer.sign(_digest(ticket)).decode("ascii"))
        response.set_cookie(
            COOKIE, ticket, max_age=MARK_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
        )
        return response

    def spend(self, response: Response) -> Response:
        """The answer that this browser waited for: its marks are good no more."""
        if _ticket():
            response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
        return response

    def suffices(self, signed_in: datetime, prompts: frozenset[str], max_age: int | None, mark: str) -> bool:
        """Whether the person need not sign in again."""
        asks_anew = bool(prompts & {"login", "select_account"})
        too_old = max_age is not None and self._clock() - signed_in > timedelta(seconds=max_age)
        return not (asks_anew or too_old) or self._since(signed_in, mark)

    def _since(self, signed_in: datetime, mark: str) -> bool:
        try:
            whose, sent = self._signer.unsign(mark, max_age=MARK_SECONDS, return_timestamp=True)
        except BadSignature:
            return False
        return hmac.compare_digest(whose, _digest(_ticket())) and signed_in >= sent - _SKEW


def _ticket() -> str:
    """What tells the browser from others; empty if it has none of ours."""
    value = request.cookies.get(COOKIE, "")
    return value if _TICKET.fullmatch(value) else ""


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).hexdigest().encode()
