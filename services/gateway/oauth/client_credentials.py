"""How an application says who it is wherever it asks by itself (RFC 6749 2.3.1, RFC 7523 2.2)."""

from __future__ import annotations

import base64
import binascii
import json
from urllib.parse import unquote_plus

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from comptoir.identity.v1 import oauth_pb2
from services.gateway.oauth.parameters import Parameters

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientRefused(InvalidClientError):
    """Unknown application or wrong secret: one answer for both."""

    status_code = 401
    description = "The application could not be authenticated."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*default_json_headers, ("WWW-Authenticate", 'Basic realm="Comptoir", charset="UTF-8"')]


def credentials(form: Parameters, authorization: str | None) -> oauth_pb2.ClientCredentials:
    """What the application presents, by exactly one of the methods; whether it is true is identity's affair."""
    if form.repeated:
        raise InvalidRequestError("A parameter is there more than once.")
    if form.value("client_assertion") or form.value("client_assertion_type"):
        return _signed(form, authorization)
    if authorization is None:
        client_id, secret = form.value("client_id"), form.value("client_secret")
    elif form.value("client_secret"):
        raise InvalidRequestError("The application authenticates in more than one way.")
    else:
        client_id, secret = _basic(authorization)
        if form.value("client_id") not in ("", client_id):
            raise InvalidRequestError("client_id is not the one that authenticates.")
    if not client_id:
        raise ClientRefused()
    return oauth_pb2.ClientCredentials(client_id=client_id, client_secret=secret)


def _signed(form: Parameters, authorization: str | None) -> oauth_pb2.ClientCredentials:
    assertion = form.value("client_assertion")
    if authorization is not None or form.value("client_secret"):
        raise InvalidRequestError("The application authenticates in more than one way.")
    if form.value("client_assertion_type") != _ASSERTION_TYPE:
        raise InvalidRequestError(f"client_assertion_type must be {_ASSERTION_TYPE}.")
    subject = _subject(assertion)
    if form.value("client_id") not in ("", subject):
        raise InvalidRequestError("client_id is not the one that authenticates.")
    return oauth_pb2.ClientCredentials(client_id=subject, client_assertion=assertion)


def _subject(assertion: str) -> str:
    """Whom the assertion is about, before anybody has verified it: that tells whose keys to verify it with."""
    try:
        payload = assertion.split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise ClientRefused() from None
    if not isinstance(subject, str) or not subject.isascii() or not subject:
        raise ClientRefused()
    return subject


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ClientRefused() from None
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise ClientRefused()
    return unquote_plus(client_id), unquote_plus(secret)
