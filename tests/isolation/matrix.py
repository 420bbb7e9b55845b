"""Runs groups of the matrix and says what was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.message import Message
from structlog.testing import capture_logs

from comptoir.options.v1 import policy_pb2
from services.chassis.caller import Kind
from services.chassis.contract import Method, every_method
from services.chassis.feed.method import METHOD as WATCH
from services.chassis.testing.running import METHODS
from services.gateway.routes import Route, routes
from tests.isolation.callers import Who, everybody
from tests.isolation.cells import Cells, Group, groups
from tests.isolation.companies import APPLICATION, OWN, SECRET, SPARE, USED, Company, found
from tests.isolation.escapes import ONE_TIME
from tests.isolation.oracles import betrayed, let_in, told_apart
from tests.isolation.slots import PLACES, slots
from tests.isolation.wire import Answer
from tests.isolation.world import World

OURS, THEIRS = "zqourszq", "zqtheirszq"
Cell = tuple[str, Message, str]
"""A kind of thing, the request that names it, and how."""
Sent = tuple[Group, str, Message]
_REAL = ("OK", "FAILED_PRECONDITION", "ALREADY_EXISTS", "ABORTED")
"""Answers to a request that was understood, allowed, and about something that is there, or refused by `ONE_TIME`."""


@dataclass
class Matrix:
    """The world, its two companies, and everybody who calls."""

    world: World
    ours: Company = field(init=False)
    theirs: Company = field(init=False)
    callers: list[Who] = field(init=False)
    cells: Cells = field(init=False)
    routes: dict[str, list[Route]] = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        world.ask("OAuthService/PutClient", METHODS["OAuthService/PutClient"].example(), service="bootstrap")
        proving: Any = METHODS["OAuthService/PutClient"].example()
        proving.client.client_id, proving.client_secret = APPLICATION, SECRET
        world.ask("OAuthService/PutClient", proving, service="bootstrap")
        self.ours, self.theirs = found(world, OURS), found(world, THEIRS)
        self.callers = everybody(world, self.ours, self.theirs)
        self.theirs.token()
        self.cells = Cells(
            self.ours, self.theirs, {m.path: self._second_page(m) for m in self.methods if _pages(m)}
        )
        self.routes = {}
        for route in routes(self.methods):
            self.routes.setdefault(route.method.path, []).append(route)

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those of the services; the feed has a suite of its own."""
        return tuple(method for method in every_method() if method.path != WATCH.path)

    def methods_of(self, service: str) -> list[Method]:
        return [method for method in self.methods if method.service.split(".")[1] == service]

    def warm(self, service: str) -> None:
        """The other company reads everything first, so that whatever is remembered is theirs."""
        for method in self.methods_of(service):
            if method.reads_only and method.names:
                request = self.theirs.filled(method)
                trusted = [who for who in self.callers if who.is_trusted(self.world, method)]
                for who in trusted:
                    self.world.send(method, request, service=who.service, token=who.token)
                if Kind.MERCHANT.value in method.callers:
                    self.world.send(method, request, service="gateway", token=self.theirs.token())

    def run(self, service: str, share: int = 1) -> list[str]:
        """What was wrong with the cells of a service's methods: those of strangers, then of who may name anybody."""
        chosen = [
            group
            for group in groups(self.methods_of(service), self.callers)
            if group.is_in(share) or _is_always_tried(group)
        ]
        # All that they name is made before anything is compared.
        strangers, trusted = [], []
        for group in chosen:
            if group.who.is_trusted(self.world, group.method):
                trusted.append((group, list(self.cells.requests(group, USED, USED))))
            else:
                strangers.append(
                    (group, list(self.cells.requests(group, OWN if group.method.reads_only else SPARE, OWN)))
                )
        with capture_logs() as lines:
            theirs, ours, both = self._by_named(trusted)
            problems = [
                *self._unharmed(
                    self.theirs, service, (p for g in strangers for p in self._strange(*g, share))
                ),
                *self._unharmed(self.theirs, service, self._trusted(ours)),
                *self._unharmed(self.ours, service, self._trusted(theirs)),
                *self._trusted(both),
            ]
        logged = str(lines).lower()
        problems += [f"{mark} stands in a log line" for mark in (OURS, THEIRS) if mark in logged]
        return problems

    def _unharmed(self, company: Company, service: str, calls: Iterable[str]) -> list[str]:
        """What the calls say, and the tables in which rows of the company are others afterwards."""
        before = self.world.digests(company.ids)
        problems = list(calls)
        after = self.world.digests(company.ids)
        changed = [table for table, digest in after.items() if before[table] != digest]
        return problems + [
            f"after calls to {service}, rows of the company {company.mark} are others in {table}"
            for table in changed
        ]

    def _strange(self, group: Group, requests: list[Cell], share: int) -> Iterator[str]:
        answers: dict[str, tuple[str, Answer]] = {}
        over_http: dict[str, dict[str, tuple[str, Answer]]] = {}
        by_rest = group.who.service == "gateway" and group.is_in(max(1, share // 2))
        ways = self.routes.get(group.method.path, []) if by_rest else []
        for kind, request, value in requests:
            answer = self.world.send(group.method, request, service=group.who.service, token=group.who.token)
            answers[kind] = value, answer
            yield from self._judged(group, kind, request, answer)
            for route in ways:
                fetched = self.world.fetch(route, request, token=group.who.token)
                if fetched is not None:
                    over_http.setdefault(f"{route.verb} {route.number}", {})[kind] = value, fetched
                    yield from self._judged(group, f"{kind} by {route.verb}", request, fetched)
        yield from (_said(group, "", each) for each in told_apart(group, answers))
        for way, found_there in over_http.items():
            yield from (_said(group, way, each) for each in told_apart(group, found_there))

    def _by_named(self, groups: list[tuple[Group, list[Cell]]]) -> tuple[list[Sent], list[Sent], list[Sent]]:
        """The calls that name the other company alone, those that do not name it, and those that name both."""
        theirs: list[Sent] = []
        ours: list[Sent] = []
        both: list[Sent] = []
        for group, requests in groups:
            for kind, request, _ in requests:
                names = [any(word in str(request) for word in each.ids) for each in (self.ours, self.theirs)]
                (both if all(names) else theirs if names[1] else ours).append((group, kind, request))
        return theirs, ours, both

    def _trusted(self, calls: list[Sent]) -> Iterator[str]:
        for group, kind, request in calls:
            answer = self.world.send(group.method, request, service=group.who.service, token=group.who.token)
            yield from self._judged(group, kind, request, answer, trusted=True)

    def _judged(
        self, group: Group, kind: str, request: Message, answer: Answer, *, trusted: bool = False
    ) -> Iterator[str]:
        companies = (self.ours, self.theirs)
        for each in (*let_in(group, kind, answer), *betrayed(group, request, answer, trusted, companies)):
            yield _said(group, kind, each)

    def real(self, method: Method) -> Answer:
        """The example, sent by somebody who may, about things made for it."""
        who = self.entitled(method)
        self.world.forget_attempts()
        if who.kind is Kind.MERCHANT and method.policy.scope == policy_pb2.SCOPE_USER:
            user = self.ours.admit()
            who = replace(who, user=user, token=self.ours.token(sub=user, role="developer"))
        request = self.cells.base(method, who, None)
        return self.world.send(method, request, service=who.service, token=who.token)

    def entitled(self, method: Method) -> Who:
        """Somebody who may call it."""
        by_name = {who.name: who for who in self.callers}
        if Kind.MERCHANT.value in method.callers:
            return by_name["owner"]
        return next(who for who in self.callers if who.is_trusted(self.world, method))

    def _second_page(self, method: Method) -> str:
        request: Any = self.theirs.filled(method, OWN)
        if "page_size" in method.descriptor.input_type.fields_by_name:
            request.page_size = 1
        return str(getattr(self.theirs.call(method, request), "next_page_token", ""))


def _pages(method: Method) -> bool:
    return any(slot.path[-1] in PLACES for slot in slots(method)) and bool(method.names)


def _is_always_tried(group: Group) -> bool:
    """For every method what it is about, and where its list goes on; and whether those are kept out who should be."""
    slot = group.slot
    if slot is not None and slot.path[-1] in PLACES:
        return group.who.name == "owner"
    if slot != (slots(group.method) or (None,))[0]:
        return False
    limited = slot is not None and slot.is_of("shop")
    return group.who.name in ("owner", *(["some shops", "removed"] if limited else []))


def _said(group: Group, kind: str, problem: str) -> str:
    slot = group.slot.dotted if group.slot else "-"
    return f"{group.method.name} {slot} ({kind}) by {group.who.name}: {problem}"


def is_real(answer: Answer) -> bool:
    """Whether the request reached what it was about."""
    return answer.reason in ONE_TIME or (answer.code in _REAL and answer.reason != "NOT_READY")
