"""The published list of who may call whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.contract import Method, every_method
from services.chassis.errors import Denied
from services.chassis.rpc.peers import Peers

PEERS = Peers.load(Path(__file__).parents[3] / "deploy" / "callers.toml")


def allowed(service: str, method: Method) -> bool:
    try:
        PEERS.check(service, method.path)
    except Denied:
        return False
    return True


def test_who_is_not_listed_calls_nothing() -> None:
    assert not any(allowed("stranger", method) for method in every_method())


@pytest.mark.parametrize(
    ("service", "written"),
    [
        # What a shop has to have done before it goes live is seen by nobody else (SH6).
        ("payment-engine", ["ReportProductionPayment", "ReportTestPayment"]),
        ("payment-pages", []),
        ("mailer", []),
    ],
)
def test_services_on_the_payment_path_write_only_what_they_alone_have_seen(
    service: str, written: list[str]
) -> None:
    assert written == sorted(m.name for m in every_method() if allowed(service, m) and not m.reads_only)


def test_only_the_gateway_carries_tokens() -> None:
    assert PEERS.forwarders == {"gateway"}


def test_every_pattern_of_the_list_names_a_method() -> None:
    paths = [method.path for method in every_method()]
    for patterns in PEERS.allowed.values():
        for pattern in patterns:
            assert any(_matches(pattern, path) for path in paths), pattern


def _matches(pattern: str, path: str) -> bool:
    try:
        Peers({"one": (pattern,)}, frozenset()).check("one", path)
    except Denied:
        return False
    return True


def test_the_gateway_cannot_sign_and_is_listed_method_by_method() -> None:
    assert not any(allowed("gateway", m) for m in every_method() if m.name in ("SignForm", "LookupShop"))
    assert [p for p in PEERS.allowed["gateway"] if p.startswith("comptoir.identity") and "*" in p] == []
