"""What is told of each request: one histogram and one counter, one line of the log. Never its content."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prometheus_client import Counter, Histogram

from services.chassis import log
from services.chassis.caller import Caller
from services.gateway.rate_limit import Level

_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_seconds = Histogram("comptoir_http_seconds", "Time of requests by route.", ["route"], buckets=_BUCKETS)
_outcomes = Counter("comptoir_http_requests", "Requests by route and outcome.", ["route", "status", "reason"])
_random = random.Random()  # noqa: S311 - picks a sample, protects nothing
_DEEPEST = 8


@dataclass
class Account:
    """What is known of one request by the time that it is over."""

    request_id: str
    route: str = "other"
    """Verb and template, never the path itself."""
    is_read: bool = True
    reason: str = ""
    caller: Caller | None = None
    level: Level | None = None
    """What is left to its client."""


@lru_cache(maxsize=4096)
def _of(route: str, status: int, reason: str) -> tuple[Any, Any]:
    return _seconds.labels(route), _outcomes.labels(route, str(status), reason)


def finished(account: Account, status: int, seconds: float) -> None:
    """Counts a request and writes its line; of reads that went well, a sample's."""
    histogram, counter = _of(account.route, status, account.reason)
    histogram.observe(seconds)
    counter.inc()
    if status < 400 and account.is_read and _random.random() >= log.READ_SAMPLE:
        return
    caller = account.caller
    log.event(
        "request",
        route=account.route,
        status=status,
        reason=account.reason or None,
        milliseconds=round(seconds * 1000, 2),
        request_id=account.request_id,
        caller=f"{caller.kind.name.lower()}:{caller.subject}" if caller else None,
        company=caller.company if caller else None,
    )


def unexpected(account: Account, error: BaseException) -> None:
    """The line of an error nobody foresaw: where it happened, but never its text, which may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    log.event(
        "unexpected",
        route=account.route,
        request_id=account.request_id,
        error=type(error).__qualname__,
        where=[f"{f.filename.rpartition('/services/')[2]}:{f.lineno} {f.name}" for f in frames],
    )
