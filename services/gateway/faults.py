"""Faults that only HTTP knows; the others come from the one tree in the chassis."""

from __future__ import annotations

from http import HTTPStatus

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from services.chassis.errors import Fault, Internal, Invalid, NotFound, Unavailable

LARGEST_BODY = 2 * 1024 * 1024
"""Most bytes of a request: a logo of 1 MB in base64, with room."""


class NoRoute(NotFound):
    """Nothing is served at this address."""

    default_reason = "ROUTE_NOT_FOUND"


class WrongVerb(Invalid):
    """The address is served, but not for this method; `metadata['allow']` lists those (RFC 9110 15.5.6)."""

    http, default_reason = HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"


class NotAcceptable(Invalid):
    """The client takes none of the media types that there are (RFC 9110 15.5.7)."""

    http, default_reason = HTTPStatus.NOT_ACCEPTABLE, "NOT_ACCEPTABLE"


class TooSlow(Invalid):
    """The body did not arrive in time (RFC 9110 15.5.9)."""

    http, default_reason = HTTPStatus.REQUEST_TIMEOUT, "BODY_TOO_SLOW"


class TooLarge(Invalid):
    """The body is larger than any request needs (RFC 9110 15.5.14)."""

    http, default_reason = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BODY_TOO_LARGE"


class WrongMedia(Invalid):
    """The body is of a media type, or in a coding, that is not read here; `metadata['accept']` says what is
    (RFC 9110 15.5.16)."""

    http, default_reason = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"


class Busy(Unavailable):
    """Too many requests wait for the same service already."""

    default_reason = "BUSY"


def too_large() -> TooLarge:
    """For a body beyond `LARGEST_BODY`."""
    return TooLarge(f"The body must not exceed {LARGEST_BODY} bytes.")


def of_http(error: HTTPException, verb: str) -> Fault:
    """What Flask and Werkzeug refuse by themselves."""
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge("The body is larger than this address takes, or has too many parts.")
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return wrong_verb(verb, allowed)
    if error.code == HTTPStatus.NOT_FOUND:
        return NoRoute("There is nothing at this address.")
    if error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Invalid("The request cannot be read.", reason="MALFORMED_REQUEST")
    return Internal("unforeseen")


def wrong_verb(verb: str, allowed: str) -> WrongVerb:
    """For an address that serves only these verbs."""
    return WrongVerb(f"{verb} is not served at this address.", metadata={"allow": allowed})
