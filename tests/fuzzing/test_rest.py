"""Any request to any route by anybody over REST: a status that the document names, in the shape that it names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from services.chassis.caller import Kind
from services.chassis.contract import every_method
from services.chassis.testing.every_service import SERVICES
from services.gateway.openapi import document
from services.gateway.routes import Route, routes
from tests.fuzzing.messages import mutated, sensible
from tests.isolation.escapes import ENDS_PEOPLE, named
from tests.isolation.matrix import Matrix
from tests.isolation.wire import Answer

API = document(routes(every_method()), "https://gateway.test")
OPERATIONS = {item[verb]["operationId"]: item[verb] for item in API["paths"].values() for verb in item}
PROBLEM = "application/problem+json"


def operation(route: Route) -> dict[str, Any]:
    name = route.method.name if route.number == 0 else f"{route.method.name}_{route.verb.lower()}"
    found: dict[str, Any] = OPERATIONS[name]
    return found


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What the document says, references followed."""
    while "$ref" in part:
        target: Any = API
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part


def departures(route: Route, answer: Answer) -> list[str]:
    """What of an answer the document does not say."""
    responses = operation(route)["responses"]
    if answer.code not in responses:
        return [f"the status {answer.code} is none of {sorted(responses)}: {answer.body[:300]!r}"]
    kind = dict(answer.rest).get("content-type", b"").decode().partition(";")[0]
    content = resolved(responses[answer.code]).get("content", {})
    if answer.code == "304":
        return []
    if kind not in content:
        return [] if "*/*" in content else [f"the type {kind!r} is none of {sorted(content)}"]
    schema = {**content[kind]["schema"], "components": API["components"]}
    body = json.loads(answer.body)
    said = body.get("status") if kind == PROBLEM else None
    wrong = [error.message[:300] for error in OAS31Validator(schema).iter_errors(body)]
    return wrong + ([f"the problem says {said}"] if kind == PROBLEM and str(said) != answer.code else [])


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_within_the_document(matrix: Matrix, service: str) -> None:
    methods = [method for method in matrix.methods_of(service) if named(method) not in ENDS_PEOPLE]
    served = [route for method in methods for route in matrix.routes.get(method.path, ())]
    people = [who for who in matrix.callers if who.kind is not Kind.INTERNAL]
    known = [*matrix.ours.ids, *matrix.theirs.ids]

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def send(data: Any) -> None:
        route: Route = data.draw(st.sampled_from(served))
        who = data.draw(st.sampled_from(people))
        request = data.draw(mutated(sensible(matrix, route.method, who), known))
        answer = matrix.world.fetch(route, request, token=who.token)
        if answer is not None:
            assert not answer.is_broken, (route.endpoint, who.name, answer)
            assert departures(route, answer) == [], (route.endpoint, who.name, answer)

    send()
