"""Processes of a kind that are restarted one after the other behind a stock proxy: no request and no call fails."""

from __future__ import annotations

import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from comptoir.shop.v1 import shop_pb2
from deploy.local.platforms import Platform
from deploy.local.processes import Kept
from services.chassis.errors import Fault
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from services.chassis.testing.waiting import until
from tests.faults.proxies import BY_CONNECTION, BY_REQUEST, Proxy, proxy
from tests.faults.replicas import port, replica
from tests.faults.visitor import GENEROUS_SECONDS, Outcome, Visitor, recovers

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy")

_ROUNDS = 2
_BETWEEN = 20
"""Requests that are answered before the next one is restarted."""


def test_no_request_fails_while_one_gateway_after_the_other_is_restarted(
    faulty: Platform, visitor: Visitor, tmp_path: Path
) -> None:
    first = faulty.process("gateway")
    with (
        replica(faulty, "gateway", tmp_path) as second,
        proxy(tmp_path, BY_REQUEST, port(first), port(second)) as between,
    ):
        through = visitor.through(f"http://{between.address}")
        until(lambda: _status(through.reads_shop) == 200, "the proxy serves", GENEROUS_SECONDS)
        with working([through.reads_shop, through.renames_shop]) as statuses:
            restart(statuses, between, first, second)

    assert set(statuses) == {200}, statuses


def test_no_call_fails_while_one_process_of_a_service_after_the_other_is_restarted(
    faulty: Platform, visitor: Visitor, tmp_path: Path
) -> None:
    (front := tmp_path / "front").mkdir()
    first = faulty.process("shop")
    with (
        replica(faulty, "shop", tmp_path) as second,
        proxy(tmp_path, BY_CONNECTION, port(first), port(second)) as between,
        replica(faulty, "gateway", front, COMPTOIR_SHOP_ADDRESS=between.address) as gateway,
    ):
        through = visitor.through(f"https://localhost:{port(gateway)}")
        recovers("the start", through.reads_shop, through.renames_shop)
        client = Client(between.address, faulty.layout.certificates / "payment-engine")
        request = shop_pb2.GetShopRequest(name="companies/-/shops/12345678")

        def reads_inside() -> str:
            try:
                client.call(METHODS["ShopService/GetShop"], request)
            except Fault as fault:
                return fault.reason
            return "OK"

        with working([patient(through.reads_shop), patient(through.renames_shop), reads_inside]) as ended:
            restart(ended, between, first, second)
        client.close()

    assert set(ended) == {200, "OK"}, ended


def patient(does: Callable[[], Outcome]) -> Callable[[], Outcome]:
    """As a caller does who is told to come back, and comes once."""

    def act() -> Outcome:
        outcome = does()
        return does() if outcome.status == HTTPStatus.SERVICE_UNAVAILABLE else outcome

    return act


@contextmanager
def working(doing: Sequence[Callable[[], Outcome | str]]) -> Iterator[Counter[int | str]]:
    """Does each of these again and again, three at once, and counts what they come to."""
    statuses: Counter[int | str] = Counter()
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            for does in doing:
                statuses[_status(does)] += 1

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        yield statuses
    finally:
        enough.set()
        for worker in workers:
            worker.join()


def restart(statuses: Counter[int | str], between: Proxy, *each: Kept) -> None:
    """Restarts one after the other, while work goes on."""
    for kept in each * _ROUNDS:
        until(between.has_both, "the proxy knows of both", GENEROUS_SECONDS)
        before, served = kept.pid, statuses.total()
        kept.kill(signal.SIGTERM)
        until(partial(_is_another, kept, before), "another process is there", GENEROUS_SECONDS)
        kept.wait_healthy()
        until(partial(_has_more, statuses, served + _BETWEEN), "work goes on", GENEROUS_SECONDS)


def _is_another(kept: Kept, before: int) -> bool:
    return kept.pid != before


def _has_more(statuses: Counter[int | str], count: int) -> bool:
    return statuses.total() > count


def _status(does: Callable[[], Outcome | str]) -> int | str:
    try:
        outcome = does()
    except requests.RequestException as error:
        return type(error).__name__
    return outcome if isinstance(outcome, str) else outcome.status
