"""Why a wrong signature is wrong: each plausible mistake is made on purpose, until the outcome is what was received.

A cause is told only of a signature that somebody with the key has made: what is compared is always a whole signature
or, of a cut one, so much that it cannot have been guessed. So nobody finds a right one piece by piece.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, unquote

from services.chassis.vault.secret import Secret
from services.shop import answers, credentials, signatures
from services.shop.answers import Answer
from services.shop.credentials import Credentials
from services.shop.forms import Form
from services.shop.keys import KINDS, KeyKind
from services.shop.rewriting import rewritten_bodies
from services.shop.verdicts import ShopKeys, Verdict, explained, of_all

if TYPE_CHECKING:
    from services.shop.key_values import KeyValue

_MOST_TRIES = 300
MOST_SIGNED = 4 * 1024 * 1024
"""Bytes that are signed in search of one cause: some hundredths of a second, whatever was received."""
_MOST_LEFT_OUT = 64
Try = tuple[str, "KeyValue", str]
"""A cause, and what somebody would have sent who made that mistake with this value."""


@dataclass
class Effort:
    """What is left to be signed in search of one cause."""

    left: int = MOST_SIGNED

    def spend(self, text: bytes) -> bytes:
        self.left -= len(text)
        return text

    def bound(self, tries: Iterator[Try]) -> Iterator[Try]:
        """The tries, until nothing is left."""
        return takewhile(lambda _: self.left >= 0, islice(tries, _MOST_TRIES))


def of_form(shop: ShopKeys, form: Form, now: datetime, effort: Effort | None = None) -> Verdict | None:
    """Why the form's signature is wrong, if that can be told."""
    due, effort = signatures.MODES[form.fields["vads_ctx_mode"]], effort or Effort()
    tries = effort.bound(_form_tries(shop, form, due, now, effort))
    return _first(shop, tries, form.signature, due, now)


def of_answer(shop: ShopKeys, answer: Answer, now: datetime, effort: Effort | None = None) -> Verdict | None:
    """Why the answer's hash is wrong, if that can be told."""
    try:
        said = answers.environment(answer.text)
    except answers.Unreadable:
        said = None
    kinds, effort = answers.due(answer, said), effort or Effort()
    tries = effort.bound(_answer_tries(shop, answer, kinds, now, effort))
    return _first(shop, tries, answer.hash, kinds[0], now)


def of_credentials(shop: ShopKeys, given: Credentials, now: datetime) -> Verdict | None:
    """Why the password is wrong, if that can be told."""
    for value in of_all(shop, (*credentials.PASSWORDS, *_others(credentials.PASSWORDS[0]))):
        due = _sibling(value.kind, credentials.PASSWORDS[0])
        if value.secret == given.password:
            cause = "CAUSE_RETIRED_KEY" if value.kind in credentials.PASSWORDS else "CAUSE_WRONG_KEY_FAMILY"
            return explained(shop, cause, value, now, due)
        if value.kind in credentials.PASSWORDS and value.secret == Secret(given.password.reveal().strip()):
            return explained(shop, "CAUSE_TRUNCATED", value, now, due)
    return None


def _first(
    shop: ShopKeys, tries: Iterator[Try], received: str, due: KeyKind, now: datetime
) -> Verdict | None:
    for cause, value, signature in tries:
        if signatures.same(signature, received):
            left_out = "The key is right, but the signature does not cover the fields that it must."
            return explained(shop, cause, value, now, due, field=left_out)
    return None


def _form_tries(shop: ShopKeys, form: Form, due: KeyKind, now: datetime, effort: Effort) -> Iterator[Try]:
    def sign(joined: str | bytes, value: KeyValue, algorithm: str = shop.algorithm) -> str:
        text = joined.encode() if isinstance(joined, str) else joined
        return signatures.form_signature(effort.spend(text), value.secret, algorithm)

    joined = signatures.join(form.fields)
    live = shop.live(due, now)
    for cause, value in _other_keys(shop, [due], now):
        yield cause, value, sign(joined, value)
    for value in live:
        yield from _damages(sign(joined, value), form.signature, value)
        other = signatures.HMAC_SHA_256 if shop.algorithm == signatures.SHA_1 else signatures.SHA_1
        yield "CAUSE_WRONG_ALGORITHM", value, sign(joined, value, other)
        for signature in _other_notations(joined.encode(), value.secret, effort):
            yield "CAUSE_WRONG_ALGORITHM", value, signature
        for ordered in _other_orders(form):
            yield "CAUSE_FIELD_ORDER", value, sign(ordered, value)
        for encoded in _other_charsets(joined):
            yield "CAUSE_CHARSET", value, sign(encoded, value)
        for fields in _rewritten_fields(form):
            yield "CAUSE_BODY_REENCODED", value, sign(signatures.join(fields), value)
        for left in _fields_left_out(form):
            yield "CAUSE_MISSING_FIELD", value, sign(left, value)


def _answer_tries(
    shop: ShopKeys, answer: Answer, kinds: list[KeyKind], now: datetime, effort: Effort
) -> Iterator[Try]:
    def sign(body: bytes, value: KeyValue) -> str:
        return signatures.sign_answer(effort.spend(body), value.secret)

    right = answers.bodies(answer.text)
    for cause, value in _other_keys(shop, kinds, now):
        for body in right:
            yield cause, value, sign(body, value)
    live = [value for kind in kinds for value in shop.live(kind, now)]
    for value in live:
        for body in right:
            ours = sign(body, value)
            yield from _damages(ours, answer.hash, value)
            yield "CAUSE_WRONG_ALGORITHM", value, base64.b64encode(bytes.fromhex(ours)).decode()
            keyless = hashlib.sha256(effort.spend(body) + value.secret.reveal())
            yield "CAUSE_WRONG_ALGORITHM", value, keyless.hexdigest()
    # Writing costs far more than signing: each form is written once, for all values.
    for text in rewritten_bodies(answer.text):
        body = text.encode("utf-8", "replace")
        for value in live:
            yield "CAUSE_BODY_REENCODED", value, sign(body, value)
    for encoded in _other_charsets(answer.text):
        for value in live:
            yield "CAUSE_CHARSET", value, sign(encoded, value)


def _other_keys(shop: ShopKeys, due: list[KeyKind], now: datetime) -> Iterator[tuple[str, KeyValue]]:
    """Every value of the shop that is not a valid one of the keys due, the likely ones first."""
    for value in of_all(shop, due):
        if not value.is_live(now):
            yield "CAUSE_RETIRED_KEY", value
    twins = [kind for kind in KINDS.values() if kind.use == due[0].use and kind not in due]
    for value in of_all(shop, twins):
        yield "CAUSE_OTHER_ENVIRONMENT", value
    for value in of_all(shop, _others(due[0])):
        yield "CAUSE_WRONG_KEY_FAMILY", value


def _others(due: KeyKind) -> list[KeyKind]:
    """The keys for other uses, those of the same environment first."""
    kinds = [kind for kind in KINDS.values() if kind.use != due.use]
    return sorted(kinds, key=lambda kind: kind.environment != due.environment)


def _sibling(kind: KeyKind, due: KeyKind) -> KeyKind:
    """The key for the use of `due` in the environment of the other."""
    return next(
        each for each in KINDS.values() if (each.use, each.environment) == (due.use, kind.environment)
    )


def _damages(right: str, received: str, value: KeyValue) -> Iterator[Try]:
    """The right signature, if the received one is that with some damage: in place of what it then equals."""
    undone = (
        received.strip(),
        received.replace(" ", "+"),
        unquote(received),
        unquote(received).replace(" ", "+").strip(),
        received.replace("-", "+").replace("_", "/"),
        received + "=" * (-len(received) % 4),
        received.strip("\"'"),
    )
    hexadecimal = len(right) % 4 == 0 and "=" not in right and right == right.lower()
    whole = any(
        signatures.same(right, each) for each in (*undone, *([received.lower()] if hexadecimal else ()))
    )
    # Half a signature has more bits than anybody guesses; a shorter piece would be a way to try them one by one.
    piece = received.strip().rstrip("…. ")
    cut = len(right) // 2 <= len(piece) < len(right) and signatures.same(right[: len(piece)], piece)
    if whole or cut:
        yield "CAUSE_TRUNCATED", value, received


def _other_notations(joined: bytes, key: Secret, effort: Effort) -> Iterator[str]:
    text = joined + b"+" + key.reveal()
    yield hmac.digest(key.reveal(), effort.spend(text), "sha256").hex()
    without_key = hmac.digest(key.reveal(), effort.spend(joined), "sha256")
    yield base64.b64encode(without_key).decode()
    yield without_key.hex()
    without_hmac = hashlib.sha256(effort.spend(text))
    yield without_hmac.hexdigest()
    yield base64.b64encode(without_hmac.digest()).decode()
    yield base64.b64encode(hashlib.sha1(effort.spend(text), usedforsecurity=False).digest()).decode()
    yield hmac.digest(key.reveal(), effort.spend(text), "sha1").hex()


def _other_orders(form: Form) -> Iterator[str]:
    names = signatures.signed_names(form.fields)
    given = [name for name, _ in form.received or form.fields.items() if name.startswith("vads_")]
    for order in (given, sorted(names, key=str.lower), sorted(names, reverse=True), _numbers_by_size(names)):
        yield "+".join([form.fields[name] for name in order])
    yield "+".join(sorted([form.fields[name] for name in names]))


def _numbers_by_size(names: Iterable[str]) -> list[str]:
    """As some languages sort: the number at the end of a name by its size, `x2` before `x10`."""

    def key(name: str) -> tuple[str, int]:
        stem = name.rstrip("0123456789")
        digits = name[len(stem) :]
        return stem, int(digits[:18] or 0)

    return sorted(names, key=key)


def _other_charsets(text: str) -> Iterator[bytes]:
    for charset in ("latin-1", "cp1252"):
        for encoded in (_encoded(text, charset), _twice_encoded(text, charset), _once_decoded(text, charset)):
            if encoded is not None:
                yield encoded


def _encoded(text: str, charset: str) -> bytes | None:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        return None


def _twice_encoded(text: str, charset: str) -> bytes | None:
    """UTF-8 that was taken for the charset and encoded once more."""
    try:
        return text.encode().decode(charset).encode()
    except UnicodeDecodeError:
        return None


def _once_decoded(text: str, charset: str) -> bytes | None:
    """What was signed, if the text that arrived is such."""
    encoded = _encoded(text, charset)
    try:
        return encoded.decode().encode() if encoded is not None else None
    except UnicodeDecodeError:
        return None


def _rewritten_fields(form: Form) -> Iterator[dict[str, str]]:
    for write in (str.strip, html.unescape, html.escape, unquote, quote_plus):
        yield {name: write(value) for name, value in form.fields.items()}


def _fields_left_out(form: Form) -> Iterator[str]:
    names = signatures.signed_names(form.fields)
    yield "+".join([form.fields[name] for name in names if form.fields[name]])
    yield "+".join([form.fields[name] for name in sorted(form.fields) if name != "signature"])
    for missing in names[:_MOST_LEFT_OUT]:
        yield "+".join([form.fields[name] for name in names if name != missing])
