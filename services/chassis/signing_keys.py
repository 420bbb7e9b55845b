"""The keys that verify tokens: identity's published set, refreshed in the background, the last known good one kept.

A service goes on accepting signed-in people while identity is down, and after a restart of its own meanwhile.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import ECKey

from services.chassis import log
from services.chassis.errors import Unavailable

REFRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
"""Shortest time between two fetches for an unknown key, so that forged ids cost identity nothing."""
PATIENCE_SECONDS = 0.3
"""How long after a fetch began callers wait for it: counted from there, so that no flood of unknown ids can keep
the threads of a service waiting while identity hangs."""


class _Fetch:
    """One fetch under way."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()

    def wait(self) -> None:
        self.done.wait(max(0.0, self.began + PATIENCE_SECONDS - time.monotonic()))


class SigningKeys:
    """Finds a key by its id. Fetches run one at a time, on a thread of their own."""

    def __init__(self, fetch: Callable[[], str], keep: Path | None = None) -> None:
        self._fetch = fetch
        self._keep = keep
        self._text = ""
        self._keys: dict[str, ECKey] = {}
        self._lock = threading.Lock()
        self._under_way: _Fetch | None = None
        self._tried = float("-inf")
        if keep is not None and keep.exists():
            self._restore(keep)

    def find(self, kid: str) -> ECKey | None:
        """The key; None if there is no such key. Raises Unavailable while that cannot be told."""
        key = self._keys.get(kid)
        if key is not None:
            if time.monotonic() - self._tried > REFRESH_SECONDS:
                self._refresh(REFRESH_SECONDS)
            return key
        # The pause is for ids that are forged. Where no key is known at all, identity was not there yet: it may be now.
        fetch = self._refresh(RETRY_SECONDS if self._keys else 0.0)
        if fetch is not None:
            fetch.wait()
        key = self._keys.get(kid)
        if key is None and (not self._keys or (fetch is not None and not fetch.done.is_set())):
            raise _unreachable()
        return key

    def text(self) -> str:
        """The published set as JSON, waited for a moment where it is more than a minute old. Raises Unavailable while
        there is none."""
        fetch = self._refresh(REFRESH_SECONDS if self._text else 0.0)
        if fetch is not None:
            fetch.wait()
        if not self._text:
            raise _unreachable()
        return self._text

    def prepare(self) -> None:
        """Has them fetched, before the first token asks for one."""
        self._refresh(0.0)

    def _refresh(self, pause: float) -> _Fetch | None:
        """The fetch under way, begun now unless one ended within the pause."""
        with self._lock:
            if self._under_way is None and time.monotonic() - self._tried > pause:
                fetch = _Fetch()
                threading.Thread(target=self._run, args=(fetch,), name="signing-keys", daemon=True).start()
                self._under_way = fetch
            return self._under_way

    def _run(self, fetch: _Fetch) -> None:
        try:
            text = self._fetch()
            self._know(text)
            if self._keep is not None:
                # Several processes of one service may keep them in one place.
                scratch = self._keep.with_suffix(f".{os.getpid()}")
                scratch.write_text(text)
                scratch.replace(self._keep)
        except Exception as error:
            # Whatever it was: the keys that are known stay, and so does the file of the last good ones.
            log.event("signing keys not refreshed", error=type(error).__name__)
        finally:
            with self._lock:
                self._tried = time.monotonic()
                self._under_way = None
            fetch.done.set()

    def _know(self, text: str) -> None:
        self._keys = _parse(text)
        self._text = text

    def _restore(self, kept: Path) -> None:
        try:
            self._know(kept.read_text())
        except Exception as error:
            # The file only bridges an outage: a damaged one is no reason not to start.
            log.event("kept signing keys not usable", error=type(error).__name__)


def _unreachable() -> Unavailable:
    return Unavailable(
        "The keys that verify tokens cannot be reached.",
        reason="SIGNING_KEYS_UNAVAILABLE",
        retry_after_seconds=1,
    )


def _parse(text: str) -> dict[str, ECKey]:
    """The keys of a JWK Set (RFC 7517) by id; those of other types are for others. Raises on anything malformed."""
    found = [jwk for jwk in json.loads(text)["keys"] if jwk["kty"] == "EC"]
    if not found:
        raise ValueError("a set without keys")
    return {jwk["kid"]: ECKey.import_key(jwk) for jwk in found}
