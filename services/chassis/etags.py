"""Entity tags (AIP-154): a version of a resource, opaque to whoever sends it back."""

from __future__ import annotations

import hashlib

from services.chassis.errors import Stale


def etag(*parts: object) -> str:
    """The tag of a version; the same parts always give the same tag."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
    return f'"{digest}"'


def check(given: str, current: str, name: str) -> None:
    """Refuses a stale tag. None given is no check: the writer chose the last word. `*` is any version (RFC 9110)."""
    if given and given not in (current, "*"):
        raise Stale(
            f"{name} has changed since it was read: read it again.",
            metadata={"name": name, "current_etag": current},
        )
