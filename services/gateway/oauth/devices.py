"""The tokens by which identity recognises this browser, one for each account that signed in with it (ID9).

They let nobody in: with one of them the browser still gets in while others keep the login locked.
"""

from __future__ import annotations

from flask import Response, request

COOKIE = "__Host-devices"
_SEPARATOR = "~"
_MOST = 5
_LONGEST = 128
_YEAR_SECONDS = 365 * 24 * 3600


def shown() -> list[str]:
    """What this browser has."""
    tokens = request.cookies.get(COOKIE, "").split(_SEPARATOR)
    return [token for token in tokens if 0 < len(token) <= _LONGEST][:_MOST]


def keep(response: Response, token: str) -> Response:
    """Has the browser keep one more, if there is one; the oldest goes when there are too many."""
    if token:
        kept = _SEPARATOR.join([token, *shown()][:_MOST])
        response.set_cookie(
            COOKIE, kept, max_age=_YEAR_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
        )
    return response
