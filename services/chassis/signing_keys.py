"""The keys that verify tokens: identity's published set, refreshed in the background, the last known good one kept.

A service goes on accepting signed-in people while identity is down, and after a restart of its own meanwhile.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.chassis.errors import Fault

_log = logging.getLogger(__name__)
REFRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
"""Shortest time between two fetches for an unknown key, so that forged ids cost identity nothing."""


class SigningKeys:
    """Finds a key by its id."""

    def __init__(self, fetch: Callable[[], str], keep: Path | None = None) -> None:
        self._fetch = fetch
        self._keep = keep
        self._keys: dict[str, ECKey] = {}
        self._lock = threading.Lock()
        self._tried = float("-inf")
        if keep is not None and keep.exists():
            self._keys = _parse(keep.read_text())

    def find(self, kid: str) -> ECKey | None:
        """The key, fetched if it is new; None if there is no such key."""
        if kid not in self._keys:
            # Whoever comes while the keys are being fetched waits for them: the token may well be good.
            self._refresh(wait=True)
        elif time.monotonic() - self._tried > REFRESH_SECONDS:
            self._refresh(wait=False)
        return self._keys.get(kid)

    def _refresh(self, *, wait: bool) -> None:
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if time.monotonic() - self._tried <= RETRY_SECONDS:
                return
            self._fetch_and_keep()
        finally:
            self._lock.release()

    def _fetch_and_keep(self) -> None:
        try:
            text = self._fetch()
            self._keys = _parse(text)
            if self._keep is not None:
                scratch = self._keep.with_suffix(".new")
                scratch.write_text(text)
                scratch.replace(self._keep)
        except (Fault, OSError) as error:
            _log.warning("signing keys not refreshed", extra={"error": type(error).__name__})
        finally:
            # From the end: after an attempt that hung, the threads that waited for it must not hang again at once.
            self._tried = time.monotonic()


def _parse(text: str) -> dict[str, ECKey]:
    try:
        return {jwk["kid"]: ECKey.import_key(jwk) for jwk in json.loads(text)["keys"]}
    except (ValueError, KeyError, TypeError, JoseError):
        return {}
