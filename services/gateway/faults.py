"""Faults that only HTTP knows; the others come from the one tree in the chassis."""

from __future__ import annotations

from http import HTTPStatus

from services.chassis.errors import Invalid, NotFound, Unavailable


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
