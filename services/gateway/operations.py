"""One route as an operation of OpenAPI: its parameters, body, answers, the right that it asks for, an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.api import httpbody_pb2
from google.protobuf.descriptor import FieldDescriptor

from comptoir.options.v1 import policy_pb2
from services.chassis.contract import is_output, is_required
from services.chassis.rights import ACCOUNT_SCOPE, RIGHTS
from services.gateway import conditional, idempotency, revisions
from services.gateway.idempotency import takes_key
from services.gateway.revisions import takes_revision
from services.gateway.routes import WHOLE, Route
from services.gateway.scalars import camel_case
from services.gateway.schemas import Form, Schemas

Operation = dict[str, Any]

_ALWAYS = (400, 404, 405, 406, 429, 500, 503, 504)
_SEGMENT = r"^[a-z0-9][a-z0-9-]{0,62}$"


def operation(route: Route, schemas: Schemas, said: Mapping[str, str]) -> Operation:
    """The operation of a route."""
    method = route.method
    summary, _, rest = said.get(method.descriptor.full_name, method.name).partition(". ")
    body = _body(route, schemas)
    return {
        "operationId": method.name if route.number == 0 else f"{method.name}_{route.verb.lower()}",
        "tags": [tag(method.service)],
        "summary": summary.rstrip("."),
        "description": "\n\n".join(part for part in (rest, needs(route)) if part),
        "parameters": [*parameters_of(route), *_query(route, schemas), *_conditions(route)],
        **({"requestBody": body} if body else {}),
        "responses": dict(_responses(route, schemas)),
        "security": list(_security(route)),
        **({"x-permission": method.policy.permission} if method.policy.permission else {}),
        **({"x-fresh-proof": True} if method.policy.proof == policy_pb2.PROOF_FRESH else {}),
    }


def tag(service: str) -> str:
    """The group of a service's operations: `comptoir.shop.v1.ShopService` is `Shop`."""
    return service.rpartition(".")[2].removesuffix("Service")


def needs(route: Route) -> str:
    """What a caller must have, in words."""
    policy = route.method.policy
    if route.is_public:
        return "Open to anybody, without a token."
    if policy.permission:
        said = f"Needs the right `{policy.permission}`: to {RIGHTS[policy.permission]}."
    else:
        said = f"Needs no right, but the scope `{ACCOUNT_SCOPE}`: it is for one's own account."
    for field, right in route.method.field_rights.items():
        said += f" To change `{camel_case(field)}`, also `{right}`: to {RIGHTS[right]}."
    fresh = "a sign-in of the last five minutes (RFC 9470)"
    if policy.proof == policy_pb2.PROOF_FRESH:
        return f"{said} Asks for {fresh}."
    for field in sorted(route.method.proved_fields):
        said += f" To {'change' if route.method.updated else 'give'} `{camel_case(field)}` asks for {fresh}."
    for _, field, values in route.method.proved_values:
        given = ", ".join(f"`{value}`" for value in values.values())
        said += f" To give {given} as `{camel_case(field)}` asks for {fresh}."
    return said


def parameters_of(route: Route) -> list[dict[str, Any]]:
    """One parameter for each id in the path, with the example's value."""
    found = []
    for path in route.template.variables:
        pattern = next(name.pattern for name in route.method.names if name.dotted == path)
        example = pattern.parse(_at(_example(route), path)) or {}
        found += [_id(variable, example.get(variable)) for variable in pattern.variables]
    return found


def _id(variable: str, example: str | None) -> dict[str, Any]:
    return {
        "name": variable,
        "in": "path",
        "required": True,
        "description": f"Id of the {variable}.",
        "schema": {"type": "string", "pattern": _SEGMENT},
        **({"example": example} if example else {}),
    }


def _query(route: Route, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for field in route.query:
        schema = schemas.field(field)
        yield {
            "name": field.json_name,
            "in": "query",
            "required": is_required(field),
            "description": schema.pop("description", ""),
            "schema": schema,
        }


def _conditions(route: Route) -> Iterator[dict[str, Any]]:
    if route.etag and not route.method.reads_only:
        yield _header("If-Match", "The ETag last read: a stale one is refused with `412`.", conditional.FORM)
    if takes_key(route):
        yield _header(
            idempotency.HEADER,
            "A key of your own for this request, of 1 to 255 visible ASCII characters, quoted or not: sent again "
            "within 24 hours (10 minutes where the answer bears a secret), it is answered as the first time and has "
            "no second effect.",
            idempotency.FORM,
        )
    if _has_etag(route):
        yield _header("If-None-Match", "The ETag already held: answered with `304` while it is current.")
    if takes_revision(route):
        yield _header(
            revisions.LEAST,
            "A `Comptoir-Revision` that a change told: the answer is never older than that change.",
            revisions.FORM,
        )
    yield _header(
        "X-Request-Id", "An id of your own for the request: 8 to 64 letters, digits, `.`, `_` or `-`."
    )


def _header(name: str, description: str, pattern: str = "") -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _has_etag(route: Route) -> bool:
    return route.method.reads_only and (
        _answers_file(route) or "etag" in route.method.descriptor.output_type.fields_by_name
    )


def _answers_file(route: Route) -> bool:
    return route.method.descriptor.output_type is httpbody_pb2.HttpBody.DESCRIPTOR


def _body(route: Route, schemas: Schemas) -> dict[str, Any]:
    if not route.body:
        return {}
    if route.takes_bytes:
        field = route.method.descriptor.input_type.fields_by_name[route.body]
        said = schemas.field(field).get("description", "")
        return {"required": True, "description": said, "content": {"*/*": {"schema": {}}}}
    schema = _body_schema(route, schemas)
    described = schemas.components[schema["$ref"].rpartition("/")[2]]
    content = {"schema": schema, "example": body_example(route)}
    return {
        "required": route.body != WHOLE or "required" in described,
        "content": {"application/json": content},
    }


def _body_schema(route: Route, schemas: Schemas) -> dict[str, Any]:
    message = route.method.descriptor.input_type
    if route.body != WHOLE:
        resource = message.fields_by_name[route.body].message_type
        assert resource is not None
        return schemas.message(resource, Form.UPDATE if route.updates else Form.FULL)
    fields = [f for f in message.fields if f.name not in route.template.variables and not is_output(f)]
    reference = schemas.part(message, fields, message.name)
    if route.method.policy.corrects and route.method.updated:
        updated = message.fields_by_name[route.method.updated]
        fields_shown = schemas.components[message.name]["properties"]
        fields_shown[updated.json_name] |= _correction(route, updated, schemas)
    return reference


def _correction(route: Route, updated: FieldDescriptor, schemas: Schemas) -> dict[str, Any]:
    """The part of the resource that a correction may write."""
    wanted = {*route.method.policy.corrects, "etag"}
    resource = updated.message_type
    assert resource is not None
    fields = [field for field in resource.fields if field.name in wanted]
    return schemas.part(resource, fields, f"{resource.name}Correction", Form.UPDATE)


def _responses(route: Route, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    output = route.method.descriptor.output_type
    if _answers_file(route):
        content: dict[str, Any] = {"*/*": {"schema": {}}}
    else:
        content = {"application/json": {"schema": schemas.message(output)}}
    headers += ["ETag"] if _answers_file(route) or "etag" in output.fields_by_name else []
    pages = "page_token" in route.method.descriptor.input_type.fields_by_name
    headers += ["Link"] if pages else []
    headers += ["Content-Disposition"] if pages and _answers_file(route) else []
    headers += ["Idempotency-Replayed"] if takes_key(route) else []
    headers += [revisions.HEADER] if not route.method.reads_only else []
    shown = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    yield "200", {"description": "Done.", "headers": shown, "content": content}
    if _has_etag(route):
        yield "304", {"description": "The version already held is current."}
    for status in sorted(_refusals(route)):
        yield str(status), {"$ref": f"#/components/responses/{status}"}


def _refusals(route: Route) -> set[int]:
    statuses = set(_ALWAYS)
    if not route.is_public:
        statuses |= {401, 403}
    if not route.method.reads_only:
        statuses |= {409}
    if takes_key(route):
        statuses |= {422}
    if route.etag:
        statuses |= {412}
    if route.body:
        statuses |= {408, 413, 415}
    return statuses


def _security(route: Route) -> Iterator[dict[str, list[str]]]:
    if route.is_public:
        return
    right = route.method.policy.permission
    scope = right.split(".")[0] if right else ACCOUNT_SCOPE
    yield {"oauth2": [scope]}
    yield {"openIdConnect": [scope]}


def _example(route: Route) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(route.method.policy.example)
    return example


def body_example(route: Route) -> dict[str, Any]:
    """The body of the example request: without what stands in the path."""
    example = _example(route)
    for path in route.template.variables:
        *steps, last = path.split(".")
        holder = example
        for step in steps:
            holder = holder[camel_case(step)]
        holder.pop(camel_case(last), None)
    return example if route.body == WHOLE else dict(example.get(camel_case(route.body), {}))


def path_example(route: Route) -> str:
    """The path of the example request."""
    example = _example(route)
    text = route.template.text
    for path, pattern in route.template.variables.items():
        text = text.replace(f"{{{path}={pattern}}}", _at(example, path))
    return text


def _at(example: Mapping[str, Any], path: str) -> str:
    value: Any = example
    for step in path.split("."):
        value = value[camel_case(step)]
    return str(value)
