"""Headers of every page: nothing inline, and a script only on the pages that speak to an authenticator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

OWN_FORMS = "same-origin"
"""The referrer policy where there are forms of ours: with `no-referrer`, browsers send `Origin: null` with them."""
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_YEAR_SECONDS = 365 * 24 * 3600


def page_headers(form_targets: Iterable[str] = (), *, script: bool = False) -> dict[str, str]:
    """Headers of an HTML page. `form_targets`: CSP sources, beside our own origin, where its forms may end up;
    `script`: whether a file of our own may run."""
    scripts = "script-src 'self'; " if script else ""
    forms = " ".join(("'self'", *form_targets))
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; {scripts}style-src 'self'; img-src 'self'; "
            f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
        "Referrer-Policy": OWN_FORMS,
        "Strict-Transport-Security": f"max-age={_YEAR_SECONDS}",
        "X-Content-Type-Options": "nosniff",
    }


def form_target(uri: str) -> str:
    """The narrowest CSP source that covers the URI: its origin, or its scheme where a source cannot say more."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        return f"{parts.scheme}:"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
