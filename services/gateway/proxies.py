"""Where a request comes from, behind proxies or not: limits by source go by it, and changes tell it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

_HEADER = "x-forwarded-for"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
"""A setting: addresses or networks, with blanks or commas between them."""


@dataclass(frozen=True)
class Proxies:
    """The proxies that are believed: of each it is known that it notes where its own client is, behind whatever that
    client said."""

    networks: tuple[Network, ...]

    def source(self, peer: str, headers: Any) -> str:
        """The last address on the way here that is no such proxy's; `headers` as Granian has them.

        What came before that address was written by whoever it belongs to, and may be anything.
        """
        if not self.networks:
            return peer
        found = peer
        hops = [hop.strip() for value in headers.get_all(_HEADER) for hop in value.split(",")]
        while hops and self._trusts(found):
            hop = hops.pop()
            if _address(hop) is None:
                break
            found = hop
        return found

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
