"""What explains the API and needs no service behind it: `/openapi.json`, `/reference`, `/problems`, `/healthz`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from flask import Blueprint, Response, render_template

from services.gateway.faults import NoRoute
from services.gateway.openapi import document
from services.gateway.reasons import REASONS, kebab
from services.gateway.reference import groups, schema_rows, styled
from services.gateway.routes import Route

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEALTH = "/healthz"
_FOR_A_WHILE = "public, max-age=300"


def documents(routes: Iterable[Route], issuer: str) -> Blueprint:
    """The pages, all of them made once."""
    blueprint = Blueprint("documents", __name__, template_folder="templates")
    blueprint.add_app_template_filter(styled, "styled")
    openapi = document(routes, issuer)
    encoded = json.dumps(openapi, ensure_ascii=False).encode()
    reasons = {kebab(reason): (reason, words) for reason, words in sorted(REASONS.items())}

    @blueprint.get(HEALTH)
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    @blueprint.get("/openapi.json")
    def openapi_json() -> Response:
        response = Response(encoded, content_type="application/json")
        response.headers["Cache-Control"] = _FOR_A_WHILE
        return response

    @blueprint.get("/reference")
    def reference() -> Response:
        return _page(
            render_template(
                "reference.html", api=openapi, groups=groups(openapi), schemas=schema_rows(openapi)
            )
        )

    @blueprint.get("/problems")
    def problems() -> Response:
        return _page(render_template("problems.html", reasons=reasons))

    @blueprint.get("/problems/<name>")
    def problem(name: str) -> Response:
        if name not in reasons:
            raise NoRoute("There is no such reason.")
        return _page(render_template("problem.html", reason=reasons[name]))

    return blueprint


def _page(html: str) -> Response:
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    response.headers["Cache-Control"] = _FOR_A_WHILE
    return response
