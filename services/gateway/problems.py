"""Faults as problem documents (RFC 9457): the one place where they become HTTP."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

from services.chassis.errors import Denied, Fault, Internal, Unauthenticated, Unavailable
from services.chassis.public_keys import ALGORITHMS
from services.gateway.answer import Answer
from services.gateway.reasons import PRIVATE, kebab, reason_of
from services.gateway.telemetry import Account

MEDIA_TYPE = "application/problem+json"
_SHOWN = ("permission", "scope", "max_age", "acr_values", "name", "current_etag", "limit", "found")
"""What is told of a fault's metadata; the rest is between services."""
_HEADERS = {"allow": "Allow", "accept": "Accept", "accept_encoding": "Accept-Encoding"}
_REALM = 'Bearer realm="comptoir"'
_FOR_CLIENTS = frozenset({"/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par"})
"""Where applications look for the members of RFC 6749 5.2."""


def public(fault: Fault, request_id: str) -> Fault:
    """The fault as outsiders may know it: of what is unexpected, nothing but the request id."""
    if type(fault) is Internal or fault.reason in PRIVATE:
        return Internal(f"Something went wrong here. Request {request_id}.")
    return fault


def answer(fault: Fault, account: Account, issuer: str, path: str = "") -> Answer:
    """What goes out for a fault, in the form that is expected at the path; the account takes its reason."""
    told = public(fault, account.request_id)
    account.reason = told.reason
    document, kind = problem(told, account.request_id, issuer), MEDIA_TYPE
    if path in _FOR_CLIENTS:
        document |= {"error": _oauth_error(told), "error_description": told.message}
        kind = "application/json"
    return Answer(int(told.http), {"Content-Type": kind, **headers(told)}, encode(document))


def _oauth_error(fault: Fault) -> str:
    if fault.http is HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error"
    return "temporarily_unavailable" if retry_after(fault) is not None else "invalid_request"


def problem(fault: Fault, request_id: str, issuer: str) -> dict[str, Any]:
    """The members of the document; `fault` is what `public` returned."""
    document: dict[str, Any] = {
        "type": f"{issuer}/problems/{kebab(fault.reason)}",
        "title": reason_of(fault.reason, fault.http).title,
        "status": int(fault.http),
        "detail": fault.message,
        "instance": f"urn:comptoir:request:{request_id}",
        "reason": fault.reason,
        "request_id": request_id,
        **{name: fault.metadata[name] for name in _SHOWN if name in fault.metadata},
    }
    if fault.violations:
        document["violations"] = [
            {"field": v.field, "rule": v.rule, "description": v.description} for v in fault.violations
        ]
    wait = retry_after(fault)
    if wait is not None:
        document["retry_after"] = wait
    return document


def encode(document: dict[str, Any]) -> bytes:
    """The document as it goes out."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")


def headers(fault: Fault) -> dict[str, str]:
    """Headers that say the same to clients that do not read the document."""
    found = {header: fault.metadata[name] for name, header in _HEADERS.items() if name in fault.metadata}
    wait = retry_after(fault)
    if wait is not None:
        found["Retry-After"] = str(wait)
    if isinstance(fault, Unauthenticated):
        found["WWW-Authenticate"] = _challenge(fault)
    elif isinstance(fault, Denied) and fault.reason == "INSUFFICIENT_SCOPE":
        found["WWW-Authenticate"] = (
            f'{_REALM}, error="insufficient_scope", scope="{fault.metadata.get("scope", "")}"'
        )
    return found


def retry_after(fault: Fault) -> int | None:
    """Whole seconds after which to come back."""
    if fault.retry_after_seconds is not None:
        return max(1, math.ceil(fault.retry_after_seconds))
    return 1 if isinstance(fault, Unavailable) else None


def _challenge(fault: Unauthenticated) -> str:
    """RFC 6750 3: no error for whoever tried nothing; RFC 9470 3 for a proof that is too old."""
    if fault.reason == "TOKEN_MISSING":
        return _REALM
    if fault.reason == "INSUFFICIENT_USER_AUTHENTICATION":
        age = fault.metadata.get("max_age", "0")
        values = fault.metadata.get("acr_values")
        level = f'acr_values="{values}", ' if values else ""
        return f'{_REALM}, error="insufficient_user_authentication", {level}max_age="{age}"'
    if fault.reason in ("INVALID_DPOP_PROOF", "TOKEN_BOUND"):
        error = "invalid_dpop_proof" if fault.reason == "INVALID_DPOP_PROOF" else "invalid_token"
        return f'DPoP realm="comptoir", error="{error}", algs="{" ".join(ALGORITHMS.values())}"'
    return f'{_REALM}, error="invalid_token"'
