"""Ids of requests, which identify one in answers, logs and the record, from the gateway to the last service; and others
that tell things apart and protect nothing, which need no randomness of the system's."""

from __future__ import annotations

import re
from random import Random

_random = Random()  # noqa: S311 - tells requests apart, protects nothing
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(given: str | None) -> str:
    """The caller's own id if it is a sane one, otherwise a new one."""
    return given if given and _SANE.fullmatch(given) else new_number()


def new_number(bits: int = 128) -> str:
    """A number that nobody has drawn before, in hexadecimal digits. It can be guessed."""
    return f"{_random.getrandbits(bits):0{bits // 4}x}"
