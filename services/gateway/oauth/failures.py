"""What people see when a request cannot be served and nobody else is to be told."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from authlib.oauth2 import OAuth2Error
from flask import Response

from services.chassis.errors import Exhausted, Fault, TimedOut, Unavailable
from services.gateway.oauth.csrf import ForeignForm
from services.gateway.oauth.identity import account, current_request_id
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.server import Server


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

    def _page(self, kind: str, status: HTTPStatus, code: str = "", detail: str = "") -> Response:
        request_id = current_request_id()
        return self.pages.show(
            "failure.html", status, kind=kind, code=code, detail=detail, request_id=request_id
        )
