"""Ids of requests, by the same rule as the services', which import far more than a front door should."""

from __future__ import annotations

import re
from secrets import token_hex

_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(given: str | None) -> str:
    """The client's own id if it is a sane one, otherwise a new one."""
    return given if given and _SANE.fullmatch(given) else token_hex(16)
