"""Where a request comes from: what a believed proxy noted, and nothing that anybody else wrote."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from services.chassis.config import ConfigError, load
from services.gateway.config import GatewaySettings
from services.gateway.proxies import Proxies

TRUSTED = Proxies((ip_network("10.0.0.0/8"), ip_network("2001:db8::/64")))
CLIENT = "203.0.113.9"


class Headers:
    def __init__(self, *forwarded: str) -> None:
        self._forwarded = forwarded

    def get_all(self, name: str) -> Any:
        return self._forwarded if name == "x-forwarded-for" else ()


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("10.0.0.1", [CLIENT], CLIENT),
        ("10.0.0.1", [f"{CLIENT}, 10.0.0.2"], CLIENT),
        ("10.0.0.1", [CLIENT, "10.0.0.2"], CLIENT),
        ("2001:db8::1", ["2001:db8:1::9"], "2001:db8:1::9"),
        ("::ffff:10.0.0.1", [CLIENT], CLIENT),
        # What the client wrote itself stands before what the proxy saw.
        ("10.0.0.1", [f"198.51.100.1, {CLIENT}"], CLIENT),
        ("10.0.0.1", ["198.51.100.1", CLIENT], CLIENT),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        # Whoever is not believed says nothing.
        (CLIENT, ["198.51.100.1"], CLIENT),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [f"{CLIENT}, unknown"], "10.0.0.1"),
        ("10.0.0.1", [f"{CLIENT}, nonsense, 10.0.0.2"], "10.0.0.2"),
    ],
)
def test_the_source_is_the_last_address_that_no_believed_proxy_has(
    peer: str, forwarded: list[str], source: str
) -> None:
    assert TRUSTED.source(peer, Headers(*forwarded)) == source


def test_nobody_is_believed_unless_configured() -> None:
    assert Proxies(()).source("10.0.0.1", Headers(CLIENT)) == "10.0.0.1"


@pytest.mark.parametrize(
    ("value", "is_refused"),
    [("10.0.0.0/8, 2001:db8::7  192.0.2.1", False), ("", False), ("10.0.0.1/8", True), ("proxy.test", True)],
)
def test_the_setting_takes_addresses_and_networks(
    value: str, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_TRUSTED_PROXIES", value)
    with pytest.raises(ConfigError) as found:
        load(GatewaySettings)

    assert ("COMPTOIR_TRUSTED_PROXIES" in str(found.value)) is is_refused
