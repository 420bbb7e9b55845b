"""Whether a person, or an application, still has what its token says, asked at every write.

A token lives five minutes; a place taken away, a session ended or an application removed is felt by writes within a
second. Reads go on for the life of the token. The answer comes from this service's own database, inside the call's
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from google.protobuf.message import Message
from sqlalchemy import FromClause, Table, and_, exists, func, literal, select

from services.chassis.applications import is_application
from services.chassis.authorize import authorize, unknown
from services.chassis.caller import Caller, Kind
from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.mirrors.kinds import Mirrors
from services.chassis.rights import APPLICATION, PRESETS, opened
from services.chassis.rpc.call import Call, Proceed

SOURCE = "identity"
OLDEST = timedelta(seconds=5)
"""Grants that were not heard of for longer let nobody write."""
BY_ITSELF = "client_credentials"
"""The grant type by which an application acts in nobody's name."""
_OF_APPLICATION = {
    "application_id": "application_id",
    "scopes": "scopes",
    "grant_types": "grant_types",
    "all_shops": "reaches_all",
    "shop_ids": "reached",
}


@dataclass(frozen=True)
class Standing:
    """The stage of writes. `cursors` is None in identity itself, whose own tables are never behind."""

    grants: FromClause
    ended_sessions: FromClause
    applications: FromClause
    cursors: Table | None

    @classmethod
    def of(cls, mirrors: Mirrors, cursors: Table) -> Self:
        """By what a service keeps of identity."""
        return cls(mirrors["known_grants"], mirrors["ended_sessions"], mirrors["known_applications"], cursors)

    def __call__(self, call: Call, proceed: Proceed) -> Message:
        if call.caller.shows_token:
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
            raise Unauthenticated("The session is over, or the token was revoked.", reason="SESSION_ENDED")
        registered = is_application(caller.client_id)
        if registered and found.application_id is None:
            raise Unauthenticated("The application is suspended, or was removed.", reason="APPLICATION_ENDED")
        if call.grant.company is None or caller.kind is not Kind.MERCHANT:
            return
        if not caller.is_application and (found.role is None or found.suspended):
            # As for any other company that is not theirs.
            raise unknown(call.method.names[0].value(call.request))
        call.caller = _as_registered(caller, found) if registered else caller
        if not caller.is_application:
            call.caller = _as_granted(call.caller, found)
        authorize(call.caller, call.method, call.request, call.now)

    def _query(self, caller: Caller) -> Any:
        grants, ended, registered = self.grants, self.ended_sessions, self.applications
        # A token that was revoked by itself is told as an ended session is, under its own id.
        ids = (caller.session, caller.token_id)
        over = exists().where(ended.c.user_id == caller.subject, ended.c.session_id.in_(ids))
        one = select(self._heard().label("heard"), over.label("ended")).subquery()
        company = caller.company or ""
        place = and_(grants.c.company == company, grants.c.user_id == caller.subject)
        columns: list[Any] = [one, grants.c.role, grants.c.all_shops, grants.c.shop_ids, grants.c.suspended]
        joined = one.outerjoin(grants, place)
        if is_application(caller.client_id):
            mine = and_(
                registered.c.company == company,
                registered.c.application_id == caller.client_id,
                registered.c.suspended.is_(False),
            )
            joined = joined.outerjoin(registered, mine)
            columns += [registered.c[name].label(label) for name, label in _OF_APPLICATION.items()]
        return select(*columns).select_from(joined)

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


def _as_registered(caller: Caller, found: Any) -> Caller:
    """Within the scopes that the application has by now; by itself, with what these open."""
    scopes = caller.scopes & frozenset(found.scopes)
    if not caller.is_application:
        return replace(caller, scopes=scopes)
    return replace(
        caller,
        scopes=scopes,
        rights=opened(APPLICATION, scopes) if BY_ITSELF in found.grant_types else frozenset(),
        shops=None if found.reaches_all else frozenset(found.reached),
    )
