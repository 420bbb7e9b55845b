"""REST: each address hands the request on to the method of its verb and answers with what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message
from werkzeug import wrappers
from werkzeug.exceptions import HTTPException

from services.chassis import tracing
from services.chassis.authorize import authorize
from services.chassis.clock import Clock
from services.chassis.errors import Fault, Internal
from services.chassis.idempotency.keys import METADATA
from services.chassis.request_ids import request_id
from services.chassis.rpc.metadata import CLIENT_ADDRESS
from services.chassis.sources import network
from services.chassis.tokens import TokenVerifier
from services.gateway import idempotency, problems, revisions, telemetry
from services.gateway.addresses import Address, Addresses
from services.gateway.answer import Answer
from services.gateway.backend import Backend
from services.gateway.bearer import NOBODY, Bearer, bearer, remembered
from services.gateway.dpop import Proofs
from services.gateway.faults import LARGEST_BODY, of_http, wrong_verb
from services.gateway.lanes import Room
from services.gateway.placing import place
from services.gateway.rate_limit import RateLimit
from services.gateway.respond import check_acceptable, respond
from services.gateway.routes import Route, routes
from services.gateway.telemetry import Account
from services.gateway.transcode import complete, named

_LONGEST_AT_ONCE = 64 * 1024
"""Bytes of a body that are decoded in the event loop."""


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
    addresses: Addresses = field(init=False)
    rooms: Mapping[str, Room] = field(init=False)
    """For each service, those who wait for it."""

    def __post_init__(self) -> None:
        addresses = Addresses(routes(self.backend.methods))
        object.__setattr__(self, "addresses", addresses)
        object.__setattr__(self, "rooms", {service: Room() for service in addresses.services})

    async def answer(self, address: Address, segments: Sequence[str], request: Request) -> Answer:
        """The answer to a request for this address."""
        started = time.perf_counter()
        account = Account(request_id(request.headers.get("X-Request-Id")), is_read=request.method == "GET")
        try:
            answer = await self._routed(address, segments, request, account)
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

    async def _routed(
        self, address: Address, segments: Sequence[str], request: Request, account: Account
    ) -> Answer:
        route = address.routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            if request.method == "OPTIONS":
                return Answer(200, {"Allow": address.allowed})
            raise wrong_verb(request.method, address.allowed)
        account.route, account.is_read = route.label, route.method.reads_only
        given = {"traceparent": request.headers.get("traceparent", "")}
        with tracing.server_span(route.label, given), self.rooms[address.service].place():
            return await self._serve(route, segments, request, account)

    async def _serve(
        self, route: Route, segments: Sequence[str], request: Request, account: Account
    ) -> Answer:
        """The order is part of the promise: who, how often, whose and which right, and only then what."""
        who = await self._who(route, request, account)
        account.caller = who.caller
        message, now = named(route, segments), self.clock()
        authorize(who.caller, route.method, message, now)
        check_acceptable(route, request.headers.get("Accept", ""))
        await _completed(route, message, request)
        if route.names_beyond_path:
            authorize(who.caller, route.method, message, now)
        told: dict[str, str] = {}
        try:
            answer = await self.backend.answer(
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

    async def _who(self, route: Route, request: Request, account: Account) -> Bearer:
        """The caller, counted: by the token's client and person; by where it comes from what bears none, or one that is
        yet to be verified and turns out to be bad."""
        known = None if route.is_public else remembered(request, self.tokens)
        if known is not None:
            self._count(known.client, account)
            return known
        source = f"source {network(request.remote_addr or '')}"
        self._count(source, account)
        if route.is_public:
            return Bearer(NOBODY, None)
        who = await asyncio.to_thread(bearer, request, self.tokens, self.proofs)
        if who.client:
            self._count(who.client, account)
            self.limit.give_back(source)
        return who

    def _count(self, client: str, account: Account) -> None:
        account.level = self.limit.take(client)
        account.level.check()


async def _completed(route: Route, message: Message, request: Request) -> None:
    """What is long to read is read in a thread, and holds up nobody."""
    if (request.content_length or 0) > _LONGEST_AT_ONCE:
        await asyncio.to_thread(complete, route, message, request)
    else:
        complete(route, message, request)


def _more(route: Route, request: Request) -> dict[str, str]:
    """What goes with the call beside its message: the changes it makes say where they came from."""
    if route.method.reads_only:
        return revisions.least(route, request.headers.get(revisions.LEAST))
    key = idempotency.key(route, request.headers.get(idempotency.HEADER))
    return {CLIENT_ADDRESS: request.remote_addr or "", **({METADATA: key} if key else {})}
