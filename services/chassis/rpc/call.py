"""One call on its way through the stages: what it is, whose it is, what it may touch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import grpc
from google.protobuf.message import Message

from services.chassis.authorize import Grant
from services.chassis.caller import Caller, Kind
from services.chassis.changes.log import ChangeLog, Revision, Stamp
from services.chassis.contract import Method
from services.chassis.db.database import Database, check_writes, enter, visiting
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Invalid, TimedOut
from services.chassis.rpc.metadata import CLIENT_ADDRESS

Proceed = Callable[["Call"], Message]
"""The rest of the stages."""
Stage = Callable[["Call", Proceed], Message]
"""One cross-cutting rule: does its part before and after the rest."""
StagesOf = Callable[[Method], Sequence[Stage]]
"""What the calls of a method pass through, in its order."""


@dataclass
class Call:
    """State of one call. Handlers use `ids`, `company`, `caller`, `now`, `paths` and `db`."""

    method: Method
    message: bytes
    """The request as it came."""
    context: grpc.ServicerContext
    metadata: dict[str, str]
    now: datetime
    request_id: str
    caller: Caller = field(init=False)
    request: Message = field(init=False)
    grant: Grant = field(init=False)
    paths: tuple[str, ...] = ()
    """Fields that an update is to write."""
    deadline: float = 0.0
    """On the monotonic clock."""
    database: Database | None = None
    log: ChangeLog | None = None
    """Where the transaction's changes go."""
    revision: Revision | None = None
    """How far the log of its scope came by this call's write."""
    fresh: bool = False
    """Whether an answer from memory may be too old."""
    last: list[Callable[[], None]] = field(default_factory=list)
    """What is to be done in the transaction after everything else, the record and the kept reply included."""
    told: dict[str, str] = field(default_factory=dict)
    """Metadata that goes out behind the answer."""
    _session: ScopedSession | None = None

    @property
    def ids(self) -> dict[str, str]:
        """The ids in the name that the call is about."""
        return self.grant.ids

    @property
    def company(self) -> str:
        """The company that the call is confined to."""
        if self.grant.company is None:
            raise Invalid.field(self.method.names[0].dotted, "resource_name", "must name the company")
        return self.grant.company

    @property
    def user(self) -> str:
        """The person whose account the call is confined to."""
        if self.grant.user is None:
            raise LookupError("this call is confined to no person")
        return self.grant.user

    @property
    def db(self) -> ScopedSession:
        """The call's transaction; it begins at first use, and is committed before the answer leaves."""
        if self._session is None:
            if self.database is None:
                raise LookupError("this service has no database")
            self._session = self.database.open(self._scope())
        return self._session

    @property
    def has_transaction(self) -> bool:
        return self._session is not None

    def enter(self, *, company: str | None = None, user: str | None = None) -> None:
        """Confines a call that named nobody (`companies/-`, a login) once its handler knows whose it is."""
        self.grant = replace(self.grant, company=company, user=user)
        if self._session is not None:
            enter(self._session, self._scope())

    @contextmanager
    def visit(self, *, company: str | None = None, user: str | None = None) -> Iterator[None]:
        """Goes on with the rows of somebody else inside the block, in the same transaction, and back after it.

        What was written on either side is recorded in its own log, and held to that, before the scope changes. Heads
        stay locked from there on: visit companies in the order of their ids, then the person.
        """
        self._settle()
        outer, grant = self.db, self.grant
        self.grant = replace(grant, company=company, user=user)
        try:
            with visiting(outer, self._scope()) as self._session:
                yield
                self._settle()
        finally:
            self._session, self.grant = outer, grant

    def record(self) -> Revision | None:
        """Appends what was written so far to the log of its scope; None if nothing was, or nothing shall last."""
        if self.log is None or not self.has_transaction or self.method.reads_only or self.is_trial:
            return None
        self.db.flush()
        return self.log.append(self.db, self.stamp())

    @property
    def is_trial(self) -> bool:
        """Whether it only asks what would come of it (AIP-163)."""
        return bool(getattr(self.request, "validate_only", False))

    def _settle(self) -> None:
        self.record()
        if not self.is_trial and not self.method.reads_only:
            check_writes(self.db)

    def stamp(self) -> Stamp:
        """Who writes, for whom, why, and in which request."""
        caller = self.caller
        acts_for = caller.kind is Kind.OPERATOR and self.grant.company
        return Stamp(
            time=self.now,
            actor=caller.actor,
            on_behalf_of=f"companies/{self.company}" if acts_for else "",
            reason=getattr(self.request, "reason", ""),
            request_id=self.request_id,
            method=self.method.path,
            client=caller.client_id,
            source=self.metadata.get(CLIENT_ADDRESS, "") if caller.shows_token else "",
        )

    def remaining_seconds(self) -> float:
        """Time left to the deadline; raises when there is none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOut("The deadline passed.")
        return left

    def _scope(self) -> Scope:
        # Shaved, so that a statement's time-out can still be reported.
        timeout = max(1, int(self.remaining_seconds() * 900))
        return Scope(self.grant.company, self.grant.user, self.method.reads_only, timeout)
