"""Forms come from our own pages: Origin first, then a signed token bound to a `__Host-csrf` cookie.

The cookie's prefix keeps subdomains and plain http from planting one; the signature keeps whoever manages to plant
one all the same from making the token that goes with it.
"""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Response, g, request
from itsdangerous import BadSignature, TimestampSigner

COOKIE = "__Host-csrf"
FIELD = "csrf_token"
LIFETIME_SECONDS = 12 * 3600
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


class ForeignForm(Exception):
    """The form was sent from another site's page."""


class Csrf:
    """Issues and checks the tokens of forms."""

    def __init__(self, key: bytes, origin: str) -> None:
        """`origin`: our own, from configuration and never from a header."""
        self._signer = TimestampSigner(key, salt="comptoir.gateway.csrf")
        self._origin = origin

    def token(self) -> str:
        """What the page being made puts into its form."""
        g.csrf_cookie = g.get("csrf_cookie") or _cookie() or secrets.token_urlsafe(32)
        return self._signer.sign(g.csrf_cookie).decode("ascii")

    def fits(self) -> bool:
        """Whether the form belongs to this browser's cookie; if not, or no longer, show it again.

        Raises `ForeignForm` where the browser itself says that the form stands on another site.
        """
        origin = request.headers.get("Origin")
        if origin is not None and origin != self._origin:
            raise ForeignForm
        try:
            signed = self._signer.unsign(request.form.get(FIELD, ""), max_age=LIFETIME_SECONDS)
        except BadSignature:
            return False
        return hmac.compare_digest(signed, _cookie().encode())

    def renew(self) -> None:
        """Forgets the browser's cookie, so that forms from before a sign-in or sign-out stop working."""
        g.csrf_cookie = secrets.token_urlsafe(32)

    def attach(self, response: Response) -> Response:
        """Gives the browser the cookie that the tokens issued with this response belong to."""
        value = g.get("csrf_cookie")
        if value and value != _cookie():
            response.set_cookie(COOKIE, value, secure=True, httponly=True, samesite="Lax", path="/")
        return response


def _cookie() -> str:
    """The browser's cookie; empty if there is none, or none of ours."""
    value = request.cookies.get(COOKIE, "")
    return value if _VALUE.fullmatch(value) else ""
