"""Ports: fixed by default, movable together, and refused in one clear line when taken."""

import socket

import pytest

from deploy.local import ports
from deploy.local.errors import CannotStart

LOOPBACKS = [
    (socket.AF_INET, "127.0.0.1"),
    *([(socket.AF_INET6, "::1")] if socket.has_dualstack_ipv6() else []),
]


def test_default_ports_are_distinct_and_never_lent_to_outgoing_connections() -> None:
    assert len(ports.DEFAULTS) == len(set(ports.DEFAULTS.values()))
    assert [name for name, port in ports.DEFAULTS.items() if not 1024 <= port < 32768] == []


def test_a_base_moves_every_port() -> None:
    moved = ports.chosen({"COMPTOIR_PORT_BASE": "21000"})
    assert ports.DEFAULTS.keys() == moved.keys()
    assert list(range(21000, 21000 + len(moved))) == list(moved.values())


@pytest.mark.parametrize("base", ["80", "65530", "x", "-1", "2e4"])
def test_an_impossible_base_is_refused(base: str) -> None:
    with pytest.raises(CannotStart, match="COMPTOIR_PORT_BASE must be a number from 1024"):
        ports.chosen({"COMPTOIR_PORT_BASE": base})


@pytest.mark.parametrize(("family", "address"), LOOPBACKS)
def test_a_taken_port_is_named_with_what_wanted_it_and_how_to_choose_another(
    family: socket.AddressFamily, address: str
) -> None:
    with socket.create_server((address, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotStart) as refusal:
            ports.require_free({"gateway": port, **ports.free(["mail"])})
    message = str(refusal.value)
    assert f"cannot listen on port {port} (wanted by gateway): it is taken" in message
    assert "COMPTOIR_PORT_BASE=" in message
    assert "mail" not in message
    assert len(message.splitlines()) == 1


def test_free_ports_can_be_listened_on_at_once() -> None:
    chosen = ports.free(ports.DEFAULTS)
    assert len(ports.DEFAULTS) == len(set(chosen.values()))
    ports.require_free(chosen)
