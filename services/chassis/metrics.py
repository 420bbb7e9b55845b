"""Prometheus metrics: one histogram of calls, by method and outcome, on the service's own metrics port."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from prometheus_client import Counter, Histogram, start_http_server

from services.chassis.contract import Method
from services.chassis.errors import Fault

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_seconds = Histogram("comptoir_call_seconds", "Time of calls by method.", ["method"], buckets=_BUCKETS)
_outcomes = Counter("comptoir_calls", "Calls by method and outcome.", ["method", "code", "reason"])


@lru_cache(maxsize=4096)
def _of(path: str, code: str, reason: str) -> tuple[Any, Any]:
    return _seconds.labels(path), _outcomes.labels(path, code, reason)


def observe(method: Method, fault: Fault | None, seconds: float) -> None:
    """Counts one call."""
    histogram, counter = _of(method.path, fault.code.name if fault else "OK", fault.reason if fault else "")
    histogram.observe(seconds)
    counter.inc()


def serve(address: str) -> None:
    """Answers `GET /metrics` on this address, in a thread of its own."""
    host, _, port = address.rpartition(":")
    start_http_server(int(port), addr=host)
