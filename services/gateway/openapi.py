"""The OpenAPI 3.1 document of the REST API, made from the contract alone: nothing in it is written twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from google.api import httpbody_pb2

from services.chassis.rights import ACCOUNT_SCOPE, RIGHTS, SCOPES
from services.gateway.comments import comments
from services.gateway.operations import operation, parameters_of, tag
from services.gateway.problems import MEDIA_TYPE
from services.gateway.routes import Route
from services.gateway.schemas import Schemas

Document = dict[str, Any]

_INTRODUCTION = """\
Everything that the Back Office does, it does by this API, and so can you.

- **Names.** A resource is named by its path: `companies/{company}/shops/{shop}` is at
  `/v1/companies/{company}/shops/{shop}`. What does not exist and what belongs to another company is the same `404`.
- **Updates.** `PATCH` changes the fields that stand in its body, or those that `updateMask` names.
- **Versions.** Send the `ETag` of what was read as `If-Match`; a stale one is refused with `412`.
- **Repetitions.** Send an `Idempotency-Key` of your own with a change, and the same key when you repeat it because no
  answer came: it has one effect and one answer, which says `Idempotency-Replayed: true` when it was given before.
- **Reading what you wrote.** A change tells its `Comptoir-Revision`; a read of the same part of the platform that sends
  it as `Comptoir-Min-Revision` is never answered from before that change.
- **Lists.** `pageSize` and `pageToken`; the next page is in `nextPageToken` and in the `Link` header.
- **Trial runs.** `validateOnly=true` answers as if the change were made, and makes none.
- **Problems.** Every refusal is a problem document (RFC 9457) that names the field, the rule or the missing right.
"""
_STATUSES = {
    400: "The request breaks rules, which `violations` names.",
    401: "The access token is missing, not valid or expired, or a fresh proof is needed.",
    403: "A right is missing, which `permission` names, or a scope, which `scope` names.",
    404: "There is no such resource, or it belongs to another company.",
    405: "The address is served, but not for this method.",
    406: "The answer is JSON, which `Accept` excludes.",
    408: "The body did not arrive in time.",
    409: "It exists already, or is not in a state that allows this, or the first request with the same "
    "`Idempotency-Key` is still under way.",
    412: "It has changed since it was read.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "Too many requests in a short time; `Retry-After` says when to come back.",
    500: "Something went wrong; the request id tells us what.",
    503: "A part of the platform is away; `Retry-After` says when to come back.",
    504: "It took too long.",
}
_WITH_RETRY = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_STANDARD_SCOPES = {
    "openid": "know who the person is",
    "profile": "read the person's name and preferences",
    "email": "read the person's e-mail address",
    ACCOUNT_SCOPE: "read and change the person's own account",
}


def document(routes: Iterable[Route], issuer: str) -> Document:
    """The whole document; `issuer` is the public origin of the gateway."""
    served = list(routes)
    said = comments()
    roots = [m for r in served for m in (r.method.descriptor.input_type, r.method.descriptor.output_type)]
    schemas = Schemas([root for root in roots if root is not httpbody_pb2.HttpBody.DESCRIPTOR], said)
    paths = _paths(served, schemas, said)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Comptoir", "version": version("comptoir"), "description": _INTRODUCTION},
        "servers": [{"url": issuer}],
        "tags": list(_tags(served, said)),
        "paths": paths,
        "components": {
            "schemas": {**dict(sorted(schemas.components.items())), "Problem": _PROBLEM},
            "responses": dict(_responses()),
            "headers": _HEADERS,
            "securitySchemes": _security(issuer),
        },
        "externalDocs": {"url": f"{issuer}/reference", "description": "The same, to read."},
    }


def _paths(routes: list[Route], schemas: Schemas, said: Mapping[str, str]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        item = paths.setdefault(route.template.readable([p["name"] for p in parameters_of(route)]), {})
        item[route.verb.lower()] = operation(route, schemas, said)
    return paths


def _tags(routes: list[Route], said: Mapping[str, str]) -> Iterator[Document]:
    for service in dict.fromkeys(route.method.service for route in routes):
        yield {"name": tag(service), "description": said.get(service, "")}


def _responses() -> Iterator[tuple[str, Document]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in _STATUSES.items():
        headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWW-Authenticate"}
        if status in _WITH_RETRY:
            headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
        yield str(status), {"description": description, "headers": headers, "content": content}


def _security(issuer: str) -> Document:
    flow = {
        "authorizationUrl": f"{issuer}/oauth2/authorize",
        "tokenUrl": f"{issuer}/oauth2/token",
        "refreshUrl": f"{issuer}/oauth2/token",
        "scopes": {scope: _allows(scope) for scope in (*SCOPES, *RIGHTS)},
    }
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "Authorization code with PKCE (S256). A scope covers the rights that it begins.",
            "flows": {"authorizationCode": flow},
        },
        "openIdConnect": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{issuer}/.well-known/openid-configuration",
        },
    }


def _allows(scope: str) -> str:
    rights = [words for right, words in RIGHTS.items() if right == scope or right.startswith(scope + ".")]
    return _STANDARD_SCOPES.get(scope) or "; ".join(rights)


_PROBLEM: Document = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "reason", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Address of the reason's explanation."},
        "title": {"type": "string", "description": "The kind of problem, always the same for a reason."},
        "status": {"type": "integer", "description": "The status of the response."},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "instance": {"type": "string", "format": "uri", "description": "This occurrence."},
        "reason": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$", "description": "For programs: stable."},
        "request_id": {"type": "string", "description": "For support: finds the request in our logs."},
        "permission": {"type": "string", "enum": sorted(RIGHTS), "description": "The right that is missing."},
        "scope": {"type": "string", "description": "The scope that the application lacks."},
        "max_age": {"type": "string", "description": "Seconds that a proof counts as fresh (RFC 9470)."},
        "name": {"type": "string", "description": "The resource in question."},
        "current_etag": {"type": "string", "description": "The version that there is now."},
        "limit": {"type": "string", "description": "The bound that was exceeded."},
        "found": {"type": "string", "description": "What was found instead."},
        "retry_after": {"type": "integer", "description": "Seconds to wait before another try."},
        "violations": {
            "type": "array",
            "description": "Every broken rule, not just the first.",
            "items": {
                "type": "object",
                "required": ["field", "rule", "description"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "The field as it stands in the body, with dots and `[n]`, such as "
                        "`managerContact.email`; or the parameter, the header, or `body` for the whole.",
                    },
                    "rule": {"type": "string", "description": "For programs: the rule that is broken."},
                    "description": {"type": "string", "description": "The rule in words."},
                },
            },
        },
    },
}
_HEADERS: Document = {
    name: {"description": description, "schema": {"type": kind}}
    for name, kind, description in (
        ("X-Request-Id", "string", "Identifies the request; the client's own, if it sent a sane one."),
        ("ETag", "string", "Version of what is answered."),
        ("Link", "string", 'The next page, as `rel="next"`.'),
        ("Content-Disposition", "string", "The name to save the file under."),
        ("RateLimit", "string", "Requests left, and seconds until all are back."),
        (
            "RateLimit-Policy",
            "string",
            "Requests that may be made at once, and in how many seconds they come back.",
        ),
        (
            "Idempotency-Replayed",
            "string",
            "`true` if the request was done before, and this is its answer of then.",
        ),
        ("Comptoir-Revision", "string", "How far the record came by this change."),
        ("Retry-After", "integer", "Seconds to wait before another try."),
        ("WWW-Authenticate", "string", "What to prove (RFC 6750, RFC 9470)."),
    )
}
