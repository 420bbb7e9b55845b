"""The matrix, cell by cell: one field of one method, one caller, and each kind of thing that the field can name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from google.protobuf.message import Message

from comptoir.options.v1 import policy_pb2
from services.chassis.contract import PATTERNS, Method
from services.chassis.names import Pattern
from tests.isolation.callers import Who
from tests.isolation.companies import APPLICATION, NOWHERE, OWN, PASSWORD, SECRET, SIBLING, Company
from tests.isolation.slots import PLACES, Slot, slots

STRANGE = ("other", "deleted", "never", "nowhere")
"""Kinds that are one and the same to a stranger."""
_UNUSED = {"shop": "00000000", "change": "999999", "key": "form-production"}


@dataclass(frozen=True)
class Group:
    """One field of one method before one caller; `slot` is None for a method that names nothing."""

    method: Method
    slot: Slot | None
    who: Who

    def is_in(self, share: int) -> bool:
        """Whether it belongs to one of so many parts of the whole matrix, the same in every run."""
        words = f"{self.method.path} {self.slot and self.slot.dotted} {self.who.name}"
        return crc32(words.encode()) % share == 0


def groups(methods: Iterable[Method], callers: Iterable[Who]) -> Iterator[Group]:
    """The whole matrix."""
    people = list(callers)
    for method in methods:
        for slot in slots(method) or (None,):
            yield from (Group(method, slot, who) for who in people)


@dataclass(frozen=True)
class Cells:
    """Fills requests for one group: what is the caller's stands in every field but the one that is tried."""

    ours: Company
    theirs: Company
    places: Mapping[str, str]
    """For each method that gives pages, where the other company's second page begins."""

    def requests(self, group: Group, mine: int, others: int) -> Iterator[tuple[str, Message, str]]:
        """Each kind with its request, and what stands in the field."""
        method, slot = group.method, group.slot
        like = slot.read(method.example()) if slot else ""
        if slot is None:
            yield "own", self.base(method, group.who, mine), ""
            return
        for kind, value in self._values(slot, like, mine, others, method):
            request = self.base(method, group.who, mine)
            if value is not None:
                slot.write(request, value)
            yield kind, request, slot.read(request)

    def base(self, method: Method, who: Who, number: int | None = OWN) -> Message:
        """The example, about what is the caller's; with None, about things made for this call."""
        request = method.example()
        own = bool(who.user) and method.policy.scope == policy_pb2.SCOPE_USER
        made = {"user": who.user} if own else {}
        for slot in slots(method):
            given = slot.read(request)
            if given and slot.pattern:
                like = slot.pattern.parse(given) or {}
                slot.write(request, self.ours.name(slot.pattern, like, number, made))
            elif given and slot.variable:
                slot.write(request, made.get(slot.variable) or self.ours.id(slot.variable, number))
        user = made.get("user", "")
        known = user if user in self.ours.logins else self.ours.members[number or OWN]
        self._prove(request, known, fresh=number is None)
        return request

    def _prove(self, request: Any, user: str, *, fresh: bool) -> None:
        """A session and a password of somebody real where the request takes one."""
        fields = request.DESCRIPTOR.fields_by_name
        if "session_token" in fields:
            request.session_token = self.ours.session(user, anew=fresh)
        if "client" in fields and fields["client"].message_type.name == "ClientCredentials":
            request.client.client_id, request.client.client_secret = APPLICATION, SECRET
        if "login" in fields and "password" in fields:
            request.login = self.ours.logins[user]
            request.password = PASSWORD

    def _values(
        self, slot: Slot, like: str, mine: int, others: int, method: Method
    ) -> Iterator[tuple[str, str | None]]:
        if method.reads_only or method.policy.scope != policy_pb2.SCOPE_USER:
            # What is done to one's own account would be done to the caller of all the others.
            yield "own", None
        if slot.pattern:
            yield from self._names(slot.pattern, slot.pattern.parse(like) or {}, mine, others)
        elif slot.variable:
            yield "sibling", self.ours.id(slot.variable, SIBLING)
            yield "other", self.theirs.id(slot.variable, others)
            # What is created under an unused id uses it.
            yield "never", "11111111" if method.created else _UNUSED.get(slot.variable, "z" * 20)
            if slot.variable in self.theirs.gone:
                yield "deleted", self.theirs.gone[slot.variable]
        elif slot.path[-1] in PLACES:
            yield "other", self.places.get(method.path) or self.theirs.mark
            yield "never", "bm93aGVyZQ"
        else:
            yield "text", self.theirs.mark
            yield "id", self.theirs.company
            yield "name", f"users/{self.theirs.members[OWN]}"

    def _names(
        self, pattern: Pattern, like: Mapping[str, str], mine: int, others: int
    ) -> Iterator[tuple[str, str]]:
        like = {variable: like.get(variable, "form-test") for variable in pattern.variables}
        inner = [variable for variable in pattern.variables if variable != "company"]
        other = pattern.parse(self.theirs.name(pattern, like, others)) or {}
        yield "other", pattern.format(other)
        yield "wrong", self._wrong(pattern, others)
        if "company" in other:
            yield "nowhere", pattern.format({**other, "company": NOWHERE})
        if not inner:
            return
        own = pattern.parse(self.ours.name(pattern, like, mine)) or {}
        first = inner[0]
        never = _UNUSED.get(first, "z" * 20)
        yield "never", pattern.format({**other, first: never})
        yield "own never", pattern.format({**own, first: never})
        if first in ("shop", "membership", "message", "user"):
            yield "sibling", self.ours.name(pattern, like, SIBLING)
        if first in self.theirs.gone:
            yield "deleted", pattern.format({**other, first: self.theirs.gone[first]})
            yield "own deleted", pattern.format({**own, first: self.ours.gone[first]})
        if "company" in other:
            yield "wild", pattern.format({**other, "company": "-"})
            if first != "change":
                # Every log has the same numbers.
                yield "mixed", pattern.format({**other, "company": self.ours.company})

    def _wrong(self, pattern: Pattern, number: int) -> str:
        """Something of the other company that is of another type."""
        kind = "comptoir.identity/Membership" if "shop" in pattern.variables else "comptoir.shop/Shop"
        return self.theirs.name(PATTERNS[kind], {}, number)
