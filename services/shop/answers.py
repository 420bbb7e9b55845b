"""Answers of the REST API: whether their `kr-hash` is right, over `kr-answer` as received.

An answer is read for its mode alone: a test key never validates one of PRODUCTION, nor the reverse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.shop import signatures
from services.shop.keys import PRODUCTION, TEST, KeyKind
from services.shop.verdicts import UNKNOWN, ShopKeys, Verdict, accepted, matching, refused

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue

_MODES = {"TEST": TEST, "PRODUCTION": PRODUCTION}


class Doubtful(ValueError):
    """Nobody can tell of which environment the answer is: a test answer could else be read as a real one."""

    cause: str
    rule: str
    """What it breaks, as a sentence without its subject, `kr-answer`."""


class Repeated(Doubtful):
    """An object of the answer has a name twice, or its modes differ: readers differ in which one they believe."""

    cause, rule = "CAUSE_REPEATED_FIELD", "must have no name twice, and one mode"


class UnknownMode(Doubtful):
    """It says it is of an environment that there is not."""

    cause, rule = "CAUSE_MISSING_FIELD", "must have TEST or PRODUCTION for its mode"


class Unreadable(Doubtful):
    """It looks like JSON and is none that every reader reads alike: a lenient one could find a mode in it."""

    cause, rule = "CAUSE_UNREADABLE", "must be JSON that every reader reads alike, or nothing like it"


def environment(answer: str) -> str | None:
    """The environment that the answer says it is of; None if it says nothing, or is nothing like JSON.

    Looks at every `mode`, but for those in the merchant's own `metadata`. Raises `Repeated` if these differ, or if a
    name is repeated; `UnknownMode` if one is neither TEST nor PRODUCTION; `Unreadable` for JSON with mistakes.
    """
    try:
        # Numbers stay text: how large one is must not decide whether the answer can be read.
        read = json.loads(answer, object_pairs_hook=_object, parse_int=str, parse_float=str)
    except Repeated:
        raise
    except (ValueError, RecursionError):
        if "{" in answer or "[" in answer:
            raise Unreadable from None
        return None
    found = set(_modes(read))
    if not found <= _MODES.keys():
        raise UnknownMode
    if len(found) > 1:
        raise Repeated
    return _MODES[found.pop()] if found else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise Repeated
    return read


def _modes(read: object) -> Iterator[str]:
    parts = [read]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, dict):
            if part.get("mode") not in (None, ""):
                yield str(part["mode"])
            parts.extend(inner for name, inner in part.items() if name != "metadata")


@dataclass(frozen=True)
class Answer:
    """An answer as received, with what came beside it."""

    text: str
    hash: str
    hash_key: str
    hash_algorithm: str
    expected: str = ""
    """The environment that it is expected from, if that is known."""


def judge(shop: ShopKeys, answer: Answer, now: datetime) -> Verdict:
    """The verdict by the values that are valid now."""
    if answer.hash_algorithm != signatures.ANSWER_ALGORITHM:
        return refused("CAUSE_UNSUPPORTED_ALGORITHM", answer.expected)
    if answer.hash_key not in signatures.ANSWER_KEYS:
        return refused("CAUSE_UNSUPPORTED_KEY", answer.expected)
    if not answer.hash:
        return refused("CAUSE_MISSING_FIELD", answer.expected, field="kr-hash is missing or empty.")
    try:
        said = environment(answer.text)
    except Unreadable as doubt:
        # What was damaged on its way is unreadable too: only a right signature makes it one to refuse for that.
        verdict = _judge_signature(shop, answer, due(answer, None), now)
        return _refused(answer, doubt) if verdict.valid else verdict
    except Doubtful as doubt:
        return _refused(answer, doubt)
    if said and answer.expected and said != answer.expected:
        return refused("CAUSE_OTHER_ENVIRONMENT", said)
    return _judge_signature(shop, answer, due(answer, said), now)


def _refused(answer: Answer, doubt: Doubtful) -> Verdict:
    verdict = refused(doubt.cause, answer.expected)
    return verdict._replace(message=f"kr-answer {doubt.rule}.")


def due(answer: Answer, said: str | None) -> list[KeyKind]:
    """The keys that may have signed it: of one environment, or where nothing tells which, of either."""
    wanted = answer.expected or said
    return [
        signatures.answer_key(answer.hash_key, each) for each in ([wanted] if wanted else [TEST, PRODUCTION])
    ]


def _judge_signature(shop: ShopKeys, answer: Answer, kinds: list[KeyKind], now: datetime) -> Verdict:
    first = kinds[0]
    usable = [kind for kind in kinds if not shop.refuses(kind)]
    if not usable:
        return refused("CAUSE_SHOP_CLOSED", due=first)
    live = [value for kind in kinds for value in shop.live(kind, now)]
    for text in bodies(answer.text):

        def fits(value: KeyValue, text: bytes = text) -> bool:
            return signatures.same(signatures.sign_answer(text, value.secret), answer.hash)

        found = matching(live, fits)
        if found:
            closed = shop.refuses(found.kind)
            return refused("CAUSE_SHOP_CLOSED", due=found.kind) if closed else accepted(shop, found)
    generated = any(shop.values(kind) for kind in usable)
    return refused(UNKNOWN if generated else "CAUSE_KEY_NOT_GENERATED", due=first)


def bodies(text: str) -> list[bytes]:
    """The answer as received and, since some PHP stacks escape slashes, once more without that."""
    return [text.encode(), *([text.replace("\\/", "/").encode()] if "\\/" in text else [])]
