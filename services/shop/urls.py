"""Whether the address of a merchant's site may be one: https, and a host that the public Internet has.

Judges the text alone, before any name is resolved. Whoever calls the address resolves it once, and judges what it gets
by `is_public`. Sources: RFC 3986; for the spellings of IPv4 that browsers accept, the URL Standard (host parsing);
RFC 6890 and its registries for what is not public.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
"""What was given out for the public. It leaves out mapped, compatible and NAT64 addresses, which embed IPv4."""
_NOT_PUBLIC_6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
"""Of that: Teredo, ORCHID and other protocols, documentation, 6to4, AS112."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""In the third quarter of an address: the last quarter is an IPv4 address (RFC 5214)."""
_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "localdomain",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "onion",
    "svc",
    "cluster",
    "test",
    "invalid",
    "private",
    "intra",
)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_BRACKETED = re.compile(r"\[[^\[\]]*\](:[0-9]*)?", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_LONGEST_HOST = 253


class Refused(ValueError):
    """The address may not be one. `rule` is the rule's id; the text is safe to show."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def check(url: str) -> None:
    """Raises `Refused` with the first rule that the address breaks."""
    if _FORBIDDEN.search(url):
        raise Refused("url_characters", "must have no blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("url", "must be an address such as https://boutique.example") from None
    if parts.scheme != "https":
        raise Refused("https", "must begin with https://")
    if "@" in parts.netloc:
        raise Refused("no_user_info", "must have no user information")
    if port == 0:
        raise Refused("url", "must have a port that exists, or none")
    _check_host(parts)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public Internet, and embeds no other."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None or address not in _PUBLIC_6:
        return False
    isatap = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    return not (isatap or any(address in network for network in _NOT_PUBLIC_6))


def _check_host(parts: SplitResult) -> None:
    host = parts.hostname or ""
    if "[" in parts.netloc or "]" in parts.netloc:
        # The reader of addresses takes what is in the brackets, and drops what others may call: all before them.
        if not _BRACKETED.fullmatch(parts.netloc):
            raise Refused("url_host", "must have a valid IPv6 address")
        _check_address(_six(host))
        return
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if not all(map(_LABEL.fullmatch, labels)) or len(name) > _LONGEST_HOST:
        raise Refused("url_host", "must have a valid host name")
    if _NUMBER.fullmatch(labels[-1]):
        # Browsers read any such host as IPv4, in octal, hexadecimal, or with parts left out.
        _check_address(_four(name))
    elif labels[-1] in _PRIVATE_NAMES or len(labels) == 1:
        raise Refused("public_host", "must have a host that the public Internet has")


def _check_address(address: IPv4Address | IPv6Address) -> None:
    if not is_public(address):
        raise Refused("public_host", "must have no private address, plain or embedded")


def _six(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise Refused("url_host", "must have a valid IPv6 address") from None
    if address.scope_id is not None:
        raise Refused("url_host", "must have an IPv6 address without a zone")
    return address


def _four(name: str) -> IPv4Address:
    try:
        return IPv4Address(name)
    except ValueError:
        raise Refused("url_host", "must spell an IPv4 address as four decimal numbers") from None


def _ascii(host: str) -> str:
    """The host as it is looked up: other scripts by their ASCII form (RFC 3490), with every look-alike dot and digit
    brought to its plain form."""
    if len(host) > _LONGEST_HOST + 1 or "%" in host:
        raise Refused("url_host", "must have a valid host name")
    try:
        return host.encode("idna").decode().lower()
    except UnicodeError:
        raise Refused("url_host", "must have a valid host name") from None
