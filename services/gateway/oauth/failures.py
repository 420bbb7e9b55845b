"""What people see when a request cannot be served and nobody else is to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from authlib.oauth2 import OAuth2Error
from flask import Response, request
from werkzeug.exceptions import NotFound

from services.chassis.errors import Exhausted, Fault, TimedOut, Unavailable
from services.gateway import problems
from services.gateway.faults import of_http
from services.gateway.oauth.csrf import ForeignForm
from services.gateway.oauth.identity import account, current_request_id
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import SIGN_IN
from services.gateway.oauth.server import Server

_FOR_PROGRAMS = re.compile(
    r"/(?:v1|oauth2|\.well-known|static|look|problems|reference|openapi\.json|healthz)(?:/.*)?"
)


@dataclass(frozen=True)
class Failures:
    """Error handlers of the pages."""

    server: Server
    pages: Pages

    def of_protocol(self, error: OAuth2Error) -> Response:
        """Back to the application if its address is known to be its own; otherwise never away from here."""
        account().reason = error.error or ""
        if error.redirect_uri:
            return self.server.handle_error_response(None, error)
        return self._page(
            "application",
            HTTPStatus.BAD_REQUEST,
            code=error.error or "",
            detail=error.get_error_description(),
        )

    def of_service(self, fault: Fault) -> Response:
        account().reason = fault.reason
        if isinstance(fault, Unavailable | TimedOut | Exhausted):
            response = self._page("away", HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = str(ceil(fault.retry_after_seconds or 5))
            return response
        return self._page("unexpected", HTTPStatus.INTERNAL_SERVER_ERROR)

    def of_form(self, _: ForeignForm) -> Response:
        account().reason = "FOREIGN_FORM"
        return self._page("foreign", HTTPStatus.FORBIDDEN)

    def of_address(self, error: NotFound) -> Response:
        """A page for a person who went astray; programs are told as they are told of any other fault."""
        fault = of_http(error, request.method)
        if _FOR_PROGRAMS.fullmatch(request.path) or not _is_for_a_person():
            answer = problems.answer(fault, account(), self.server.issuer, request.path)
            return Response(answer.body, answer.status, answer.headers)
        account().reason = fault.reason
        return self._page("nowhere", HTTPStatus.NOT_FOUND, onward=SIGN_IN)

    def _page(
        self, kind: str, status: HTTPStatus, code: str = "", detail: str = "", onward: str = ""
    ) -> Response:
        """`onward`: the page from which to go on, if there is one."""
        return self.pages.show(
            "failure.html",
            status,
            kind=kind,
            code=code,
            detail=detail,
            onward=onward,
            request_id=current_request_id(),
        )


def _is_for_a_person() -> bool:
    """Whether a page is what the client takes most readily: one that takes anything is a program."""
    offered = [problems.MEDIA_TYPE, "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
