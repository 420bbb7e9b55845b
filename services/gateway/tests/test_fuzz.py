"""Whatever is sent, by whoever: an answer below 500, and every refusal a problem document that repeats no secret."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.decode import fields_of
from services.gateway.routes import Route
from services.gateway.tests.door import ROUTES, Door

SERVED = [route for name, route in ROUTES.items() if name.startswith(("shop.", "media."))]

segments = st.text(min_size=1, max_size=12).filter(lambda text: text not in (".", ".."))
known_segments = st.sampled_from(
    ["acme", "victim", "-", "69876357", "00000000", "form-test", "hmac-test", "~"]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["VALIDATION_MODE_MANUAL", "https://boutique.example", "\0", "a" * 200, "2026-01-01T00:00:00Z"]
    )
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
header_values = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
tags = st.sampled_from(["*", '"a"', 'W/"a"', '"a", "b"', "", "a"]) | header_values


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """A verb, a path, and the rest of a request to a route of the shop or the media service."""
    route = draw(st.sampled_from(SERVED))
    path = route.template.shape
    while "*" in path:
        path = path.replace("*", quote(draw(known_segments | segments), safe="").replace("*", "%2A"), 1)
    verb = draw(
        st.sampled_from([route.verb] * 8 + ["GET", "PATCH", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"])
    )
    rest: dict[str, Any] = {"query_string": draw(queries(route)), "headers": draw(conditions())}
    rest |= draw(bodies(route))
    return verb, path, rest


def queries(route: Route) -> st.SearchStrategy[dict[str, str]]:
    names = [name for field in route.query for name in (field.name, field.json_name)]
    known = st.sampled_from(names) if names else st.nothing()
    return st.dictionaries(known | st.text(max_size=10), st.text(max_size=20), max_size=2)


def conditions() -> st.SearchStrategy[dict[str, str]]:
    names = st.sampled_from(
        ["If-Match", "If-None-Match", "Accept", "X-Request-Id", "traceparent", "Content-Encoding"]
    )
    return st.dictionaries(names, tags, max_size=2)


def bodies(route: Route) -> st.SearchStrategy[dict[str, Any]]:
    """None, bytes, or JSON of which many names are those of the fields that the body has."""
    message = route.method.descriptor.input_type
    field = message.fields_by_name.get(route.body)
    known = sorted(fields_of(field.message_type if field is not None and field.message_type else message))
    objects = st.dictionaries(st.sampled_from(known) | st.text(max_size=8), values, max_size=4)
    texts = (objects | values).map(lambda value: json.dumps(value).encode())
    raw = st.binary(max_size=40).map(lambda data: {"data": data, "content_type": "image/png"})
    return (
        st.just({})
        | (texts | st.binary(max_size=40)).map(
            lambda data: {"data": data, "content_type": "application/json"}
        )
        | raw
    )


@pytest.mark.parametrize("who", ["owner", "reader", "operator", "nobody"])
def test_no_request_is_answered_with_an_error_of_ours(door: Door, who: str) -> None:
    token = {
        "owner": door.mint.token(),
        "reader": door.mint.token(role="reader"),
        "operator": door.mint.operator(),
        "nobody": None,
    }[who]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests())
    def send(asked: tuple[str, str, dict[str, Any]]) -> None:
        verb, path, rest = asked
        answer = door.call(verb, path, token=token, **rest)

        assert answer.status_code < 500, answer.text
        assert len(answer.headers["X-Request-Id"]) >= 8
        assert "Set-Cookie" not in answer.headers
        assert token is None or token not in answer.text
        if answer.status_code >= 400 and verb != "HEAD":
            assert answer.headers["Content-Type"] == "application/problem+json"
            problem = answer.get_json()
            assert problem["status"] == answer.status_code
            assert problem["reason"] != "INTERNAL"
            assert "Traceback" not in answer.text

    send()
