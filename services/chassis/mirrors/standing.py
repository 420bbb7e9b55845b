"""Whether a person still has what their token says, asked at every write of theirs.

A token lives five minutes; a place taken away or a session ended is felt by writes within a second. Reads go on for the
life of the token. The answer comes from this service's own database, inside the call's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import FromClause, Table, and_, exists, func, literal, select

from services.chassis.authorize import authorize, unknown
from services.chassis.caller import Caller, Kind
from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.rights import PRESETS
from services.chassis.rpc.call import Call, Proceed

SOURCE = "identity"
OLDEST = timedelta(seconds=5)
"""Grants that were not heard of for longer let nobody write."""


@dataclass(frozen=True)
class Standing:
    """The stage. `cursors` is None in identity itself, whose own tables are never behind."""

    grants: FromClause
    ended_sessions: FromClause
    cursors: Table | None

    def __call__(self, call: Call, proceed: Proceed) -> Message:
        if call.caller.is_person and not call.method.reads_only:
            self._check(call)
        return proceed(call)

    def _check(self, call: Call) -> None:
        caller = call.caller
        found = call.db.connection().execute(self._query(caller)).one()
        if not found.heard:
            raise Unavailable(
                "Whether you may still write cannot be told at present.",
                reason="GRANTS_STALE",
                retry_after_seconds=1,
            )
        if found.ended:
            raise Unauthenticated("The session is over: sign in again.", reason="SESSION_ENDED")
        if call.grant.company is None or caller.kind is not Kind.MERCHANT:
            return
        if found.role is None or found.suspended:
            # As for any other company that is not theirs.
            raise unknown(call.method.names[0].value(call.request))
        call.caller = _as_granted(caller, found)
        authorize(call.caller, call.method, call.request, call.now)

    def _query(self, caller: Caller) -> Any:
        grants, ended = self.grants, self.ended_sessions
        over = exists().where(ended.c.user_id == caller.subject, ended.c.session_id == caller.session)
        mine = and_(grants.c.company == (caller.company or ""), grants.c.user_id == caller.subject)
        one = select(self._heard().label("heard"), over.label("ended")).subquery()
        return select(
            one, grants.c.role, grants.c.all_shops, grants.c.shop_ids, grants.c.suspended
        ).select_from(one.outerjoin(grants, mine))

    def _heard(self) -> Any:
        if self.cursors is None:
            return literal(True)
        recent = self.cursors.c.heard_time > func.now() - OLDEST
        return exists().where(self.cursors.c.source == SOURCE, recent)


def _as_granted(caller: Caller, found: Any) -> Caller:
    preset = found.role.removeprefix("ROLE_").lower()
    return replace(
        caller,
        rights=PRESETS.get(preset, frozenset()),
        shops=None if found.all_shops else frozenset(found.shop_ids),
    )
