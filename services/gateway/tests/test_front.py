"""Requests on their way in: whole, in bounded time and memory, each service's in a lane of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from google.protobuf.message import Message
from werkzeug.datastructures import Headers

from services.chassis.clock import system_clock
from services.chassis.contract import Method, every_method
from services.chassis.testing.tokens import ISSUER, Mint
from services.chassis.tokens import TokenVerifier
from services.gateway import greenlets, lanes
from services.gateway.dpop import Proofs
from services.gateway.faults import LARGEST_BODY, Busy
from services.gateway.front import Front, environ
from services.gateway.lanes import InLoop, InThreads, Lanes
from services.gateway.rate_limit import RateLimit
from services.gateway.rest import Rest
from services.gateway.tests.entrance import Line

MINT = Mint()


@dataclass
class Scope:
    """A request as Granian describes it, for an address that is not REST's."""

    method: str = "POST"
    path: str = "/sign-in"
    headers: Any = field(default_factory=dict)
    query_string: str = ""
    http_version: str = "1.1"
    client: str = "192.0.2.7:5000"
    authority: str | None = "gateway.test"


class Hanging:
    """A platform of which one service never answers."""

    methods = every_method()

    def __init__(self, service: str) -> None:
        self._service = service
        self.asked = asyncio.Event()

    async def answer(self, method: Method, request: Message, **_: Any) -> Message:
        if method.service.split(".")[1] == self._service:
            self.asked.set()
            await asyncio.Event().wait()
        return method.response()


ANSWERING: Any = Hanging("none")


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the body."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]


def front(application: Any = echo, threads: int = 1, backend: Any = ANSWERING, **limits: Any) -> Front:
    verifier = TokenVerifier(ISSUER, MINT.find, system_clock)
    rest = Rest(backend, verifier, Proofs(ISSUER, system_clock), system_clock, RateLimit(1000, 1000), ISSUER)
    return Front(application, rest, Lanes(threads), "https://gateway.test", **limits)


def problem(line: Line) -> dict[str, Any]:
    status, headers, content = line.answer
    found: dict[str, Any] = json.loads(content)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == found["request_id"]
    assert headers["cache-control"] == "no-store"
    assert found["status"] == status
    return found


def test_a_body_in_chunks_arrives_whole() -> None:
    line = Line(b"ab", b"", b"cd")
    asyncio.run(front().__rsgi__(Scope(headers={"transfer-encoding": "chunked"}), line))

    assert line.answer[0] == 200
    assert line.answer[2] == b"abcd"


def test_a_stalled_body_is_given_up() -> None:
    line = Line(b"{", stalls=True)
    asyncio.run(front(slowest_body_seconds=0.01).__rsgi__(Scope(headers={"content-length": "9"}), line))

    assert problem(line)["reason"] == "BODY_TOO_SLOW"
    assert line.answer[0] == 408


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    line = Line(b"x" * 10)
    asyncio.run(front().__rsgi__(Scope(headers={"content-length": str(LARGEST_BODY + 1)}), line))

    assert problem(line)["reason"] == "BODY_TOO_LARGE"
    assert line.taken == 0


def test_where_applications_ask_what_never_came_in_is_told_in_their_form() -> None:
    line = Line(b"x" * 10)
    too_long = Scope(path="/oauth2/token", headers={"content-length": str(LARGEST_BODY + 1)})
    asyncio.run(front().__rsgi__(too_long, line))

    _, headers, content = line.answer
    assert (headers["content-type"], json.loads(content)["error"]) == ("application/json", "invalid_request")


def test_a_body_without_a_length_is_read_no_further_than_the_limit() -> None:
    line = Line(*[b"x" * 65536] * 1000)
    asyncio.run(front().__rsgi__(Scope(), line))

    assert problem(line)["reason"] == "BODY_TOO_LARGE"
    assert line.taken <= LARGEST_BODY + 65536


def test_bodies_of_all_requests_together_are_bounded_and_let_go_again() -> None:
    async def requests() -> tuple[list[Line], Line, Line]:
        door = front(slowest_body_seconds=0.05, most_held_bytes=100)
        stalled, second, third = [Line(b"x" * 24, stalls=True) for _ in range(4)], Line(b"x" * 20), Line(b"x")
        waiting = [
            asyncio.create_task(door.__rsgi__(Scope(client=f"192.0.2.{host}:5000"), line))
            for host, line in enumerate(stalled)
        ]
        while not all(line.taken for line in stalled):
            await asyncio.sleep(0)
        await door.__rsgi__(Scope(client="192.0.2.7:5000"), second)
        await asyncio.gather(*waiting)
        await door.__rsgi__(Scope(client="192.0.2.7:5000"), third)
        return stalled, second, third

    stalled, second, third = asyncio.run(requests())

    assert {problem(line)["reason"] for line in stalled} == {"BODY_TOO_SLOW"}
    assert (problem(second)["reason"], second.answer[1]["retry-after"]) == ("BUSY", "1")
    assert third.answer[0] == 200


def test_one_source_holds_no_more_than_its_part_of_all_bodies() -> None:
    async def requests() -> list[str]:
        door = front(slowest_body_seconds=0.05, most_held_bytes=400)
        stalled = [Line(b"x" * 60, stalls=True) for _ in range(4)]
        waiting = [
            asyncio.create_task(door.__rsgi__(Scope(client=f"[2001:db8::{host}]:5000"), line))
            for host, line in enumerate(stalled)
        ]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        neighbour = Line(b"x" * 90)
        await door.__rsgi__(Scope(client="[2001:db8:0:1::1]:5000"), neighbour)
        await asyncio.gather(*waiting)
        assert neighbour.answer[0] == 200
        again = Line(b"x" * 90)
        await door.__rsgi__(Scope(client="[2001:db8::1]:5000"), again)
        assert again.answer[0] == 200
        return [problem(line)["reason"] for line in stalled]

    assert asyncio.run(requests()) == ["BODY_TOO_SLOW", "BUSY", "BUSY", "BUSY"]


def test_a_service_that_hangs_holds_up_nobody_else() -> None:
    async def requests() -> None:
        backend = Hanging("shop")
        door, waiting = front(backend=backend), []
        headers = {"authorization": f"Bearer {MINT.token()}"}

        async def status(path: str) -> int:
            line = Line()
            await door.__rsgi__(Scope("GET", path, headers), line)
            return line.answer[0]

        waiting = [asyncio.create_task(status("/v1/companies/acme/shops")) for _ in range(300)]
        done, pending = await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        await backend.asked.wait()
        for path in ("/healthz", "/v1/companies/acme", "/oauth2/token"):
            assert await status(path) == 200
        assert {task.result() for task in done} == {503}
        assert await status("/v1/companies/acme/shops") == 503
        for task in pending:
            task.cancel()

    asyncio.run(requests())


def test_who_waits_behind_too_many_is_told_to_come_back() -> None:
    let_go = threading.Event()

    async def requests() -> None:
        lane = InThreads("shop", threads=1, most=2)
        present = [asyncio.create_task(lane.run(lambda: let_go.wait(30))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Exception, match="Too many requests wait"):
            await lane.run(lambda: True)
        let_go.set()
        assert await asyncio.gather(*present) == [True, True]
        assert await lane.run(lambda: True)

    asyncio.run(requests())


def test_a_lane_in_the_loop_lets_in_so_many_and_notes_the_others_first() -> None:
    order: list[str] = []

    async def requests() -> None:
        lane, let_go = InLoop(at_once=2, most=5), asyncio.Event()

        def work(name: str) -> str:
            order.append(f"{name} began")
            greenlets.wait_for(let_go.wait())
            return name

        present = [asyncio.create_task(lane.run(partial(work, name))) for name in "abcde"]
        await asyncio.sleep(0)
        order.append("all are there")
        with pytest.raises(Busy):
            await lane.run(lambda: "one too many")
        await asyncio.sleep(0)
        assert order == ["all are there", "a began", "b began"]
        let_go.set()
        assert await asyncio.gather(*present) == [*"abcde"]

    asyncio.run(requests())


def test_an_application_that_fails_says_nothing_of_why() -> None:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise ValueError("hunter2")

    line = Line()
    asyncio.run(front(application).__rsgi__(Scope(), line))

    assert problem(line)["reason"] == "INTERNAL"
    assert b"hunter2" not in line.answer[2]


class Pairs(dict[str, str]):
    """Headers, a name of which may be there twice."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def items(self) -> Any:
        return self._pairs


def test_headers_that_are_there_twice_are_joined_and_impostors_left_out() -> None:
    headers = Pairs(
        ("accept", "a"),
        ("accept", "b"),
        ("cookie", "c=1"),
        ("cookie", "d=2"),
        ("x_request_id", "impostor-id"),
        ("transfer-encoding", "chunked"),
    )
    found = environ(Scope(headers=headers, path="/é\ufffd"), "192.0.2.7", b"abc")

    assert (found["HTTP_ACCEPT"], found["HTTP_COOKIE"]) == ("a, b", "c=1; d=2")
    assert "HTTP_X_REQUEST_ID" not in found
    assert "HTTP_TRANSFER_ENCODING" not in found
    assert found["CONTENT_LENGTH"] == "3"
    assert found["REMOTE_ADDR"] == "192.0.2.7"
    assert found["PATH_INFO"].encode("latin-1").decode() == "/é\ufffd"


def test_the_client_of_a_believed_proxy_is_who_asks() -> None:
    def source(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["REMOTE_ADDR"].encode()]

    line, headers = Line(b""), Headers([("X-Forwarded-For", "203.0.113.9"), ("Content-Length", "0")])
    proxies = (ip_network("192.0.2.7"),)
    asyncio.run(front(source, trusted_proxies=proxies).__rsgi__(Scope(headers=headers), line))

    assert line.answer[2] == b"203.0.113.9"


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/healthz", "gateway"),
        ("/reference", "gateway"),
        ("/problems/busy", "gateway"),
        ("/.well-known/openid-configuration", "gateway"),
        ("/oauth2/jwks", "gateway"),
        ("/", "gateway"),
        ("/help", "gateway"),
        ("/help/faq", "gateway"),
        ("/help/password", "identity"),
        ("/oauth2/authorize", "identity"),
        ("/oauth2/token", "tokens"),
        ("/oauth2/token/", "identity"),
        ("/healthz/..", "identity"),
    ],
)
def test_what_needs_no_service_waits_for_none(path: str, lane: str) -> None:
    assert lanes.name_of(path) == lane
