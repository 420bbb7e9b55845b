"""REST: each address hands the request on to the method of its verb and answers with what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug import wrappers
from werkzeug.exceptions import HTTPException

from services.chassis import tracing
from services.chassis.authorize import authorize
from services.chassis.clock import Clock
from services.chassis.errors import Fault, Internal
from services.chassis.idempotency.keys import METADATA
from services.chassis.request_ids import request_id
from services.chassis.rpc.metadata import CLIENT_ADDRESS
from services.chassis.tokens import TokenVerifier
from services.gateway import idempotency, problems, revisions, telemetry
from services.gateway.addresses import Address, Addresses
from services.gateway.answer import Answer
from services.gateway.backend import Backend
from services.gateway.bearer import NOBODY, Bearer, bearer
from services.gateway.default_headers import Application
from services.gateway.dpop import Proofs
from services.gateway.faults import LARGEST_BODY, of_http, wrong_verb
from services.gateway.placing import place
from services.gateway.rate_limit import RateLimit
from services.gateway.respond import check_acceptable, respond
from services.gateway.routes import Route, routes
from services.gateway.telemetry import Account
from services.gateway.transcode import complete, named


class Request(wrappers.Request):
    """A request of at most so many bytes."""

    max_content_length = LARGEST_BODY


@dataclass(frozen=True)
class Rest:
    """The public methods over HTTP."""

    backend: Backend
    tokens: TokenVerifier
    proofs: Proofs
    clock: Clock
    limit: RateLimit
    issuer: str
    routes: tuple[Route, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", routes(self.backend.methods))

    def before(self, others: Application) -> Application:
        """A WSGI application that serves the addresses of the contract and leaves all others to that one."""
        addresses = Addresses(self.routes)

        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            request = Request(environ)
            found = addresses.find(request.path)
            if found is None:
                return others(environ, start_response)
            return self._answer(*found, request).send(environ, start_response)

        return application

    def _answer(self, address: Address, segments: Sequence[str], request: Request) -> Answer:
        started = time.perf_counter()
        account = Account(request_id(request.headers.get("X-Request-Id")), is_read=request.method == "GET")
        try:
            answer = self._routed(address, segments, request, account)
        except Fault as fault:
            answer = problems.answer(fault, account, self.issuer)
        except HTTPException as error:
            answer = problems.answer(of_http(error, request.method), account, self.issuer)
        except Exception as error:
            telemetry.unexpected(account, error)
            answer = problems.answer(Internal("unforeseen"), account, self.issuer)
        answer.headers["X-Request-Id"] = account.request_id
        if account.level is not None:
            answer.headers.update(account.level.headers)
        telemetry.finished(account, answer.status, time.perf_counter() - started)
        return answer

    def _routed(
        self, address: Address, segments: Sequence[str], request: Request, account: Account
    ) -> Answer:
        route = address.routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            if request.method == "OPTIONS":
                return Answer(200, {"Allow": address.allowed})
            raise wrong_verb(request.method, address.allowed)
        account.route, account.is_read = route.label, route.method.reads_only
        with tracing.server_span(route.label, {"traceparent": request.headers.get("traceparent", "")}):
            return self._serve(route, segments, request, account)

    def _serve(self, route: Route, segments: Sequence[str], request: Request, account: Account) -> Answer:
        """The order is part of the promise: who, how often, whose and which right, and only then what."""
        who = self._who(route, request, account)
        account.caller = who.caller
        message, now = named(route, segments), self.clock()
        authorize(who.caller, route.method, message, now)
        check_acceptable(route, request.headers.get("Accept", ""))
        complete(route, message, request)
        if route.names_beyond_path:
            authorize(who.caller, route.method, message, now)
        told: dict[str, str] = {}
        try:
            answer = self.backend.call(
                route.method,
                message,
                request_id=account.request_id,
                authorization=who.authorization,
                more=_more(route, request),
                # Only writes are told anything that goes out as a header.
                told=None if route.method.reads_only else told,
            )
        except Fault as fault:
            raise place(route, fault) from None
        return respond(route, answer, request, told)

    def _who(self, route: Route, request: Request, account: Account) -> Bearer:
        """The caller, counted: by the token's client and person, or by address as long as there is no valid one."""
        who, refused = Bearer(NOBODY, None), None
        if not route.is_public:
            try:
                who = bearer(request, self.tokens, self.proofs)
            except Fault as fault:
                refused = fault
        account.level = self.limit.take(who.client or f"address {request.remote_addr}")
        account.level.check()
        if refused is not None:
            raise refused
        return who


def _more(route: Route, request: Request) -> dict[str, str]:
    """What goes with the call beside its message: the changes it makes say where they came from."""
    if route.method.reads_only:
        return revisions.least(route, request.headers.get(revisions.LEAST))
    key = idempotency.key(route, request.headers.get(idempotency.HEADER))
    return {CLIENT_ADDRESS: request.remote_addr or "", **({METADATA: key} if key else {})}
