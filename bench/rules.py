"""What resolving the rules of one payment costs, settings and facts in hand: a plain one, and two that ask more."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bench.measure import ROUNDS
from bench.report import Figure
from comptoir_rules import Settings, Source, Transaction, resolve

MOST_MICROSECONDS = 20.0
SHOP = Settings("Europe/Paris", capture_delay_days=3)
_PLAIN = Transaction(datetime(2026, 6, 1, 10, tzinfo=UTC), Source.FORM, 20_000, "EUR", "CB")
KINDS: Mapping[str, Transaction] = {
    "plain": _PLAIN,
    "deferred, manual": replace(_PLAIN, capture_delay="30", validation_mode="1"),
    "4 instalments": replace(_PLAIN, instalments="MULTI:first=10000;count=4;period=30"),
}
_CALLS = 50_000
_FEWEST_CALLS = 1_000


def payment_rules(scale: float) -> list[Figure]:
    """CPU of one resolution in this process, by kind of payment."""
    calls = max(int(_CALLS * scale), _FEWEST_CALLS)
    return [_figure(kind, transaction, calls) for kind, transaction in KINDS.items()]


def _figure(kind: str, transaction: Transaction, calls: int) -> Figure:
    spent = statistics.median(_round(transaction, calls) for _ in range(ROUNDS))
    return Figure(
        f"payment rules, {kind}, µs", spent, "limit", MOST_MICROSECONDS, spent / MOST_MICROSECONDS, 1.0
    )


def _round(transaction: Transaction, calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        resolve(SHOP, transaction)
    return (time.process_time() - begun) / calls * 1e6
