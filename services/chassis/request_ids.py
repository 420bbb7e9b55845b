"""Ids of requests: they identify one in answers, logs and the record, from the gateway to the last service."""

from __future__ import annotations

import re
from random import Random

_random = Random()  # noqa: S311 - tells requests apart, protects nothing
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(given: str | None) -> str:
    """The caller's own id if it is a sane one, otherwise a new one."""
    return given if given and _SANE.fullmatch(given) else f"{_random.getrandbits(128):032x}"
