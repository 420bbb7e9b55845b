"""Bytes to JSON values (RFC 8259), keeping what the usual reader drops: names given twice, `NaN` and its like."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from services.chassis.errors import Invalid, Violation

BODY = "body"
"""Field that violations of the body as a whole name."""


class Members(dict[str, Any]):
    """A JSON object that remembers which names it was given more than once."""

    twice: frozenset[str] = frozenset()


class NotJson:
    """What stands for `NaN`, `Infinity` and `-Infinity`, so that whoever finds one can say where."""

    def __init__(self, text: str) -> None:
        self.text = text


def parse(body: bytes) -> Any:
    """The value that the body is; raises `Invalid`, with the position, for what is no JSON."""
    try:
        return _decoder.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise _malformed("is nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of thousands of digits, without saying where.
        raise _malformed("holds a number with too many digits") from None


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members(pairs)
    if len(members) != len(pairs):
        members.twice = frozenset(name for name, times in Counter(n for n, _ in pairs).items() if times > 1)
    return members


_decoder = json.JSONDecoder(object_pairs_hook=_members, parse_constant=NotJson)


def _malformed(description: str) -> Invalid:
    return Invalid(
        f"The body {description}.", reason="MALFORMED_JSON", violations=[Violation(BODY, "json", description)]
    )
