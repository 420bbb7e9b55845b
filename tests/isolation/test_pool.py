"""Two companies share two connections, and whatever happens to a call, the next one on its connection is its own.

Calls are refused half-way, given up by their callers, run into locks and deadlines, and lose the server under them.
None may show the other company's messages, and none may find its own gone: so a connection without a company looks.
"""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from sqlalchemy import Engine, PoolProxiedConnection

from comptoir.inbox.v1 import message_pb2
from deploy.local.postgres import Cluster, temporary_cluster
from services.chassis import tls
from services.chassis.testing.postgres import Databases
from services.chassis.testing.running import METHODS, Running
from services.chassis.testing.waiting import until
from services.inbox.service import INBOX
from tests import soak_page

_BIG = 100_000
_TITLE = "Two connections, two companies"
_ABOUT = """Calls of two companies' people over two connections of one service: refused half-way, cancelled, too late,
run into locks, their backends ended, and the server restarted under them every few seconds."""
COMPANIES = ("zqoursz", "zqtheirsz")
CALLERS_AT_ONCE = 6
_ALLOWED = {"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}
"""What may become of a call to one's own, with all that happens."""


def _connected(engine: Engine) -> PoolProxiedConnection | None:
    """A connection of the pool, unless the server is just starting."""
    try:
        return engine.raw_connection()
    except psycopg.OperationalError:
        return None


@dataclass
class Traffic:
    """Calls of both companies' people, and what was wrong with any."""

    inbox: Running
    certificates: Path
    seed: int = 7
    wrong: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    _channels: dict[str, grpc.Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        address = f"127.0.0.1:{self.inbox.server.port}"
        for service in ("gateway", "bootstrap"):
            credentials = tls.channel_credentials(self.certificates / service)
            self._channels[service] = grpc.secure_channel(address, credentials)
        self.tokens = {
            each: self.inbox.mint.token(company=each, sub=f"person-of-{each}") for each in COMPANIES
        }
        self.messages = {each: [self._post(each) for _ in range(3)] for each in COMPANIES}

    def _post(self, company: str) -> str:
        self.inbox.acquaintance.company(company)
        answer: Any = self.inbox.client("bootstrap").call(
            METHODS["MessageService/CreateMessage"], posting(company)
        )
        return str(answer.name)

    def run(self, calls: int) -> None:
        """So many calls from several at once."""
        numbers = iter(range(calls))
        lock = threading.Lock()

        def work(worker: int) -> None:
            chance = random.Random(self.seed * 1000 + worker)
            while True:
                with lock:
                    if next(numbers, None) is None:
                        return
                self._one(chance)

        with ThreadPoolExecutor(CALLERS_AT_ONCE) as pool:
            list(pool.map(work, range(CALLERS_AT_ONCE)))

    def _one(self, chance: random.Random) -> None:
        own, other = chance.sample(COMPANIES, 2)
        act = chance.choice(
            (self._list, self._list, self._get, self._mark, self._foreign, self._refused, self._write)
        )
        method, request, service, expected = act(own, other, chance)
        code, answer = self._send(method, request, service, own, chance)
        self.ended[code] += 1
        if code not in expected and code not in _ALLOWED - {"OK"}:
            self.wrong.append(f"{method} for {own}: {code} {answer!r}")
        if other in str(answer) and code == "OK":
            self.wrong.append(f"{method} for {own} shows {other}")
        if code == "OK" and isinstance(answer, message_pb2.ListMessagesResponse) and not answer.messages:
            self.wrong.append(f"{own} has lost its messages: a connection that knew no company")

    def _send(
        self, method: str, request: Any, service: str, own: str, chance: random.Random
    ) -> tuple[str, Any]:
        known = METHODS[method]
        stub: Any = self._channels[service].unary_unary(
            known.path,
            request_serializer=known.request.SerializeToString,
            response_deserializer=known.response.FromString,
        )
        metadata = () if service != "gateway" else (("authorization", f"Bearer {self.tokens[own]}"),)
        fate = chance.random()
        call = stub.future(
            request, timeout=chance.uniform(0.001, 0.02) if fate < 0.15 else 20, metadata=metadata
        )
        if fate > 0.85:
            threading.Event().wait(chance.uniform(0, 0.01))
            call.cancel()
        try:
            return "OK", call.result()
        except grpc.FutureCancelledError:
            return "CANCELLED", None
        except grpc.RpcError as error:
            failed: Any = error
            return failed.code().name, failed.details()

    def _list(self, own: str, *_: object) -> tuple[str, Any, str, set[str]]:
        request = message_pb2.ListMessagesRequest(parent=f"companies/{own}")
        return "MessageService/ListMessages", request, "gateway", {"OK"}

    def _get(self, own: str, other: str, chance: random.Random) -> tuple[str, Any, str, set[str]]:
        request = message_pb2.GetMessageRequest(name=chance.choice(self.messages[own]))
        return "MessageService/GetMessage", request, "gateway", {"OK"}

    def _mark(self, own: str, other: str, chance: random.Random) -> tuple[str, Any, str, set[str]]:
        request = message_pb2.MarkMessageReadRequest(name=chance.choice(self.messages[own]))
        return "MessageService/MarkMessageRead", request, "gateway", {"OK"}

    def _foreign(self, own: str, other: str, chance: random.Random) -> tuple[str, Any, str, set[str]]:
        name = chance.choice(self.messages[other]).replace(other, own)
        return "MessageService/GetMessage", message_pb2.GetMessageRequest(name=name), "gateway", {"NOT_FOUND"}

    def _refused(self, own: str, *_: object) -> tuple[str, Any, str, set[str]]:
        """Aborted by its handler, with a transaction open."""
        request = message_pb2.MarkMessageReadRequest(name=f"companies/{own}/messages/{'z' * 20}")
        return "MessageService/MarkMessageRead", request, "gateway", {"NOT_FOUND"}

    def _write(self, own: str, *_: object) -> tuple[str, Any, str, set[str]]:
        return "MessageService/CreateMessage", posting(own), "bootstrap", {"OK"}

    def remembered(self) -> list[tuple[str | None, ...]]:
        """What the idle connections of the pool still know of the last call."""
        engine = self.inbox.resources.database.engine
        held = [until(partial(_connected, engine), "the server is there") for _ in range(2)]
        found = []
        for connection in held:
            driver: Any = connection.driver_connection
            found += driver.execute(
                "select nullif(current_setting('app.company', true), ''),"
                " nullif(current_setting('app.user', true), ''), nullif(current_setting('app.mirror', true), '')"
            ).fetchall()
            connection.close()
        return found

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()


def posting(company: str) -> message_pb2.CreateMessageRequest:
    text = message_pb2.LocalizedText(language_code="fr", title=f"Message {company}", body="Bonjour.")
    return message_pb2.CreateMessageRequest(
        parent=f"companies/{company}", message=message_pb2.Message(texts=[text])
    )


class Trouble(threading.Thread):
    """Locks a table for longer than some deadlines, and ends connections at the server, until it is told to end."""

    def __init__(self, inbox: Running, restart: Callable[[], None] | None = None) -> None:
        super().__init__(daemon=True)
        self._inbox, self._restart = inbox, restart
        self._over = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        while not self._over.wait(0.15):
            try:
                self._round()
            except psycopg.Error:
                continue
            self.rounds += 1

    def _round(self) -> None:
        if self._restart is not None and self.rounds % 20 == 10:
            self._restart()
            return
        with self._inbox.database.administrator() as connection:
            if self.rounds % 3 == 0:
                connection.autocommit = False
                connection.execute("lock table read_marks in access exclusive mode")
                self._over.wait(0.05)
                connection.rollback()
            else:
                act = "pg_cancel_backend" if self.rounds % 3 == 1 else "pg_terminate_backend"
                connection.execute(
                    f"select {act}(pid) from pg_stat_activity where usename = 'inbox_svc' and state = %s",
                    ["active" if act == "pg_cancel_backend" else "idle in transaction"]
                    if self.rounds % 2
                    else ["idle"],
                )

    def end(self) -> None:
        self._over.set()
        self.join()


def settle(traffic: Traffic, calls: int, restart: Callable[[], None] | None = None) -> None:
    trouble = Trouble(traffic.inbox, restart)
    trouble.start()
    try:
        traffic.run(calls)
    finally:
        trouble.end()


def check(traffic: Traffic) -> None:
    assert traffic.wrong == []
    # Those that found the server away were answered at once, and so are many.
    found_it = traffic.ended.total() - traffic.ended["UNAVAILABLE"]
    assert traffic.ended["OK"] > max(found_it / 3, traffic.ended.total() / 10), traffic.ended
    assert {"CANCELLED", "DEADLINE_EXCEEDED", "NOT_FOUND"} <= set(traffic.ended), traffic.ended
    assert traffic.remembered() == [(None, None, None)] * 2


@pytest.fixture
def traffic(run_service: Callable[..., Running], certificates: Path) -> Iterator[Traffic]:
    made = Traffic(run_service(INBOX, connections=2), certificates)
    yield made
    made.close()


def test_no_call_finds_what_the_last_one_left_on_its_connection(traffic: Traffic) -> None:
    settle(traffic, 800)

    check(traffic)


@pytest.fixture
def restarted(certificates: Path, tmp_path: Path) -> Iterator[tuple[Traffic, Cluster]]:
    """The same over a server of its own, which can be restarted."""
    with temporary_cluster() as cluster:
        clone = Databases(cluster.server, tmp_path).clone(INBOX)
        inbox = Running(INBOX, clone, certificates, tmp_path, connections=2)
        traffic = Traffic(inbox, certificates)
        yield traffic, cluster
        traffic.close()
        inbox.stop()


@pytest.mark.parametrize(
    "calls",
    [pytest.param(5_000, marks=pytest.mark.slow), pytest.param(_BIG, marks=pytest.mark.soak)],
)
def test_nor_does_it_when_the_server_restarts_under_them(
    restarted: tuple[Traffic, Cluster], calls: int
) -> None:
    traffic, cluster = restarted

    def restart() -> None:
        assert cluster.process is not None
        cluster.process.kill(signal.SIGINT)
        cluster.process.wait_healthy()

    settle(traffic, calls, restart)

    check(traffic)
    if calls >= _BIG:
        rows = {"calls": traffic.ended.total(), **{f"… {code}": n for code, n in traffic.ended.most_common()}}
        soak_page.write(_TITLE, _ABOUT, {**rows, "that saw another's, or were answered otherwise": 0})
