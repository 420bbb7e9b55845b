"""Answers that go back to the application through the browser."""

from __future__ import annotations

from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from flask import Response, redirect

from services.chassis.errors import (
    Denied,
    Exhausted,
    Fault,
    NotFound,
    Precondition,
    TimedOut,
    Unauthenticated,
    Unavailable,
)

_ERRORS: tuple[tuple[tuple[type[Fault], ...], str, str], ...] = (
    ((Unauthenticated,), "login_required", "The person must sign in again."),
    ((Denied, NotFound, Precondition), "access_denied", "The request was refused."),
    ((Exhausted, Unavailable, TimedOut), "temporarily_unavailable", "Try again later."),
)


def location(uri: str, **parameters: str | None) -> str:
    """The registered URI, byte for byte, with the parameters that have a value after it."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    if not query:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def error_redirect(error: OAuth2Error, issuer: str) -> Response:
    """The error as the application gets it: with its state and the issuer (RFC 6749 4.1.2.1, RFC 9207)."""
    target = location(
        error.redirect_uri,
        error=error.error,
        error_description=error.get_error_description(),
        state=error.state,
        iss=issuer,
    )
    return Response(status=303, headers={"Location": target})


def from_fault(fault: Fault, redirect_uri: str, state: str | None) -> OAuth2Error:
    """What the application is told when identity refuses or is away, in fixed sentences of the characters allowed."""
    for kinds, code, description in _ERRORS:
        if isinstance(fault, kinds):
            return OAuth2Error(description, error=code, redirect_uri=redirect_uri, state=state)
    return OAuth2Error(
        "Something went wrong here.", error="server_error", redirect_uri=redirect_uri, state=state
    )


def see_other(address: str) -> Response:
    """On to another page of ours, by GET."""
    response = redirect(address, 303)
    assert isinstance(response, Response)
    return response
