"""The keys that verify our tokens: what identity publishes, and the last known good set while identity is away."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from flask import Response
from joserfc.jwk import ECKey

from services.chassis.errors import Fault, Unavailable
from services.chassis.signing_keys import SigningKeys

REFRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
_log = logging.getLogger(__name__)


class PublishedKeys:
    """The JWK Set, at most a minute old while identity answers. A key is published long before it signs."""

    def __init__(self, fetch: Callable[[], str], keep: Path) -> None:
        self._fetch = fetch
        self._keep = keep
        self._text = keep.read_text() if keep.exists() else ""
        self._next = float("-inf")
        self._known = SigningKeys(self.text)

    def text(self) -> str:
        """The set as JSON. Raises `Unavailable` when identity is away and never was there."""
        if time.monotonic() >= self._next:
            self._refresh()
        if not self._text:
            raise Unavailable("The signing keys cannot be had at the moment.")
        return self._text

    def find(self, kid: str) -> ECKey | None:
        """One key by its id."""
        return self._known.find(kid)

    def show(self) -> Response:
        """`GET /oauth2/jwks` (RFC 7517)."""
        try:
            response = Response(self.text(), content_type="application/jwk-set+json")
        except Unavailable as fault:
            return Response(fault.message, int(fault.http), content_type="text/plain")
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    def _refresh(self) -> None:
        try:
            text = self._fetch()
        except Fault as fault:
            self._next = time.monotonic() + RETRY_SECONDS
            _log.warning("signing keys not refreshed", extra={"reason": fault.reason})
            return
        self._next = time.monotonic() + REFRESH_SECONDS
        if text != self._text:
            self._text = text
            scratch = self._keep.with_suffix(f".{os.getpid()}")
            scratch.write_text(text)
            scratch.replace(self._keep)
