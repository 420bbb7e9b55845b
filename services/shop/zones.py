"""The zones of companies, whose calendars the payments of their shops follow."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.cache import ReplyCache
from services.chassis.errors import NotReady
from services.chassis.mirrors.memory import entry
from services.chassis.rpc.call import Call
from services.shop.rows import MIRRORS

_KNOWN = MIRRORS["known_companies"]


def remembered(cache: ReplyCache, company: str, call: Call) -> str:
    """The company's zone as an IANA name, from memory where it can be."""
    return cache.read(entry(_KNOWN.name, company), lambda: find(call.db, company), fresh=call.fresh)


def find(db: Session, company: str) -> str:
    """The company's zone; NOT_READY while this service has not heard of the company."""
    query = select(_KNOWN.c.time_zone).where(_KNOWN.c.company == company)
    zone: str | None = db.connection().execute(query).scalar_one_or_none()
    if zone is None:
        raise NotReady(
            "This service has not heard of the company yet: try again in a moment.", retry_after_seconds=1
        )
    return zone
