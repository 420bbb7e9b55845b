"""What must hold of every answer, whoever asked for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf import text_format
from google.protobuf.message import Message

from comptoir.options.v1 import policy_pb2
from services.chassis.caller import Kind
from tests.isolation.cells import STRANGE, Group
from tests.isolation.companies import Company
from tests.isolation.escapes import OPEN_TO_ALL, PLATFORM_WIDE, named
from tests.isolation.wire import Answer


def betrayed(
    group: Group, request: Message, answer: Answer, trusted: bool, companies: tuple[Company, ...]
) -> Iterator[str]:
    """Words of companies that the caller has no business with, in anything that came back."""
    asked = text_format.MessageToString(request, as_utf8=True).lower()
    for company in companies:
        if _is_open(group, asked, trusted, company):
            continue
        words = [word.lower() for word in company.words if word.lower() not in asked]
        for text in answer.texts():
            found = [word for word in words if word.encode() in text]
            if found:
                yield f"{found[0]!r} of another company in the answer {answer.code}"
                break


def _is_open(group: Group, asked: str, trusted: bool, company: Company) -> bool:
    who, method = group.who, group.method
    if trusted:
        told = any(word.lower() in asked for word in company.ids)
        return told or named(method) in PLATFORM_WIDE
    if who.kind is not Kind.MERCHANT:
        return False
    own = who.companies if method.policy.scope == policy_pb2.SCOPE_USER else who.companies[:1]
    return company.mark in own


def told_apart(group: Group, answers: Mapping[str, tuple[str, Answer]]) -> Iterator[str]:
    """Things that a stranger cannot see, and yet is answered differently about."""
    if named(group.method) in OPEN_TO_ALL:
        return
    # Another's thing under one's own company is one that never was there.
    pairs = [*(("never", kind) for kind in STRANGE), ("own never", "mixed")]
    if group.who.reaches and group.slot and group.slot.is_of("shop"):
        pairs.append(("own never", "sibling"))
    for reference, kind in pairs:
        if reference in answers and kind in answers:
            first, second = (_read(*answers[each]) for each in (reference, kind))
            if first != second:
                yield f"{kind!r} and {reference!r} are told apart: {second} and {first}"


def _read(value: str, answer: Answer) -> tuple[object, ...]:
    # What was done has times and versions of its own.
    if answer.is_ok:
        return (answer.code,)
    return answer.without(value, *(part for part in value.split("/")[1::2] if len(part) > 5))


def let_in(group: Group, kind: str, answer: Answer) -> Iterator[str]:
    """A stranger who was served, or an answer that is nobody's intention."""
    if answer.is_broken:
        yield f"a mistake of ours: {answer.code} {answer.body[:300]!r}"
    slot = group.slot
    foreign = slot is not None and slot.pattern is not None and "company" in slot.pattern.variables
    names_new = group.method.created and slot is not None and slot.path != group.method.names[0].path
    strange = foreign and not names_new and kind in (*STRANGE, "wild", "wrong")
    if answer.is_ok and strange and group.who.kind is Kind.MERCHANT:
        yield "a stranger was served"
    in_company = group.method.policy.scope == policy_pb2.SCOPE_COMPANY
    if answer.is_ok and group.who.name == "removed" and in_company and not group.method.reads_only:
        yield "somebody who was put out has written"
