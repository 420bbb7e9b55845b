"""Where a browser may be sent with a code (RFC 6749 3.1.2, RFC 8252 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

RULE = "must be an https URL, http on the loopback, or a private scheme of a domain, without fragment"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_safe(uri: str) -> bool:
    """Whether a code may go there."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if "#" in uri or not uri.isascii() or not uri.isprintable() or parts.username is not None:
        return False
    if parts.scheme in ("http", "https"):
        return bool(host) and (parts.scheme == "https" or host in _LOOPBACK)
    return "." in parts.scheme
