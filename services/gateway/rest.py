"""REST: each route is one view, which hands the request on to its method and answers with what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, g, request
from werkzeug.routing import BaseConverter

from services.chassis import tracing
from services.chassis.authorize import authorize
from services.chassis.clock import Clock
from services.chassis.errors import Fault
from services.chassis.idempotency.keys import METADATA
from services.chassis.rpc.metadata import CLIENT_ADDRESS
from services.chassis.tokens import TokenVerifier
from services.gateway import idempotency, revisions
from services.gateway.backend import Backend
from services.gateway.bearer import NOBODY, Bearer, bearer
from services.gateway.path_template import SEGMENT
from services.gateway.placing import place
from services.gateway.rate_limit import RateLimit
from services.gateway.respond import check_acceptable, respond, tell
from services.gateway.routes import Route, routes
from services.gateway.telemetry import Account
from services.gateway.transcode import complete, named


class SegmentConverter(BaseConverter):
    """One segment of a resource name."""

    regex = SEGMENT
    part_isolating = True


@dataclass(frozen=True)
class Rest:
    """The public methods over HTTP."""

    backend: Backend
    tokens: TokenVerifier
    clock: Clock
    limit: RateLimit
    routes: tuple[Route, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", routes(self.backend.methods))

    def register(self, app: Flask) -> None:
        """Adds a URL rule for every route."""
        app.url_map.converters["segment"] = SegmentConverter
        for route in self.routes:
            app.add_url_rule(route.template.rule, route.endpoint, self._view(route), methods=[route.verb])

    def _view(self, route: Route) -> Callable[..., Response]:
        label = f"{route.verb} {route.template.text}"

        def view(**segments: str) -> Response:
            account: Account = g.account
            account.route, account.is_read = label, route.method.reads_only
            with tracing.server_span(label, {"traceparent": request.headers.get("traceparent", "")}):
                return self._serve(route, segments, account)

        return view

    def _serve(self, route: Route, segments: dict[str, str], account: Account) -> Response:
        """The order is part of the promise: who, how often, whose and which right, and only then what."""
        who = self._who(route)
        account.caller = who.caller
        message, now = named(route, segments), self.clock()
        authorize(who.caller, route.method, message, now)
        check_acceptable(route, request.headers.get("Accept", ""))
        complete(route, message, request)
        if route.names_beyond_path:
            authorize(who.caller, route.method, message, now)
        key = idempotency.key(route, request.headers.get(idempotency.HEADER))
        # Only writes are told anything that goes out as a header.
        told: dict[str, str] | None = None if route.method.reads_only else {}
        try:
            answer = self.backend.call(
                route.method,
                message,
                request_id=account.request_id,
                token=who.token,
                more=self._more(route, key),
                told=told,
            )
        except Fault as fault:
            raise place(route, fault) from None
        return tell(respond(route, answer, request), told)

    def _more(self, route: Route, key: str | None) -> dict[str, str]:
        """What goes with the call beside its message: the changes it makes say where they came from."""
        if route.method.reads_only:
            return revisions.least(route, request.headers.get(revisions.LEAST))
        return {CLIENT_ADDRESS: request.remote_addr or "", **({METADATA: key} if key else {})}

    def _who(self, route: Route) -> Bearer:
        """The caller, counted: by the token's client and person, or by address as long as there is no valid one."""
        if route.is_public:
            self._count("")
            return Bearer(NOBODY, None)
        try:
            who = bearer(request.headers.get("Authorization"), self.tokens)
        except Fault:
            self._count("")
            raise
        self._count(who.client)
        return who

    def _count(self, client: str) -> None:
        g.level = self.limit.take(client or f"address {request.remote_addr}")
        g.level.check()
