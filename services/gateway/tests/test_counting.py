"""What REST counts before it does any work: who is known by their client, everybody else by where they come from."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.message import Message
from joserfc.jwk import ECKey
from werkzeug.test import create_environ

from services.chassis.clock import system_clock
from services.chassis.contract import Method, every_method
from services.chassis.testing.tokens import ISSUER, Mint
from services.chassis.tokens import TokenVerifier
from services.gateway.dpop import Proofs
from services.gateway.rate_limit import RateLimit
from services.gateway.rest import Request, Rest

MINT, FORGER = Mint(), Mint()
_PATH = "/v1/companies/acme"


class Answering:
    """A platform that answers everything with nothing."""

    methods = every_method()

    async def answer(self, method: Method, request: Message, **_: Any) -> Message:
        return method.response()


class Counting:
    """REST for two requests in a row, and how often it looked for the key of a token."""

    def __init__(self) -> None:
        self.looked = 0
        backend: Any = Answering()
        verifier = TokenVerifier(ISSUER, self._find, system_clock)
        limit = RateLimit(0.001, 2)
        self._rest = Rest(backend, verifier, Proofs(ISSUER, system_clock), system_clock, limit, ISSUER)

    def _find(self, kid: str) -> ECKey | None:
        self.looked += 1
        return MINT.find(kid)

    def status(self, token: str = "", source: str = "192.0.2.7") -> int:
        """What a request for a company is answered with."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        environ = create_environ(_PATH, headers=headers, environ_base={"REMOTE_ADDR": source})
        found = self._rest.addresses.find(_PATH)
        assert found is not None
        return asyncio.run(self._rest.answer(*found, Request(environ))).status


def test_addresses_of_one_network_are_counted_together() -> None:
    rest = Counting()
    statuses = [rest.status(source=f"2001:db8::{host}") for host in range(3)]

    assert statuses == [401, 401, 429]
    assert rest.status(source="2001:db8:0:1::1") == 401


def test_nothing_is_verified_for_who_has_no_request_left() -> None:
    rest = Counting()
    statuses = [rest.status(FORGER.token()) for _ in range(4)]

    assert statuses == [401, 401, 429, 429]
    assert rest.looked == 2


def test_good_tokens_cost_the_place_that_they_come_from_nothing() -> None:
    rest = Counting()
    statuses = [rest.status(MINT.token(client_id=f"client{number}")) for number in range(5)]

    assert statuses == [200] * 5


def test_who_is_beyond_their_own_limit_costs_it_their_requests() -> None:
    rest = Counting()
    statuses = [rest.status(MINT.token()) for _ in range(7)]

    assert statuses == [200, 200, 429, 429, 429, 429, 429]
    assert rest.looked == 4
