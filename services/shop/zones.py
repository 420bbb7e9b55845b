"""The zones of companies, whose calendars the payments of their shops follow, and the languages that they read."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.cache import ReplyCache
from services.chassis.errors import NotReady
from services.chassis.mirrors.memory import entry
from services.chassis.rpc.call import Call
from services.shop.rows import MIRRORS

_KNOWN = MIRRORS["known_companies"]


class Reader(NamedTuple):
    """How a company is written to."""

    time_zone: str
    """IANA name."""
    language_code: str


def remembered(cache: ReplyCache, company: str, call: Call) -> str:
    """The company's zone as an IANA name, from memory where it can be."""
    return cache.read(entry(_KNOWN.name, company), lambda: find(call.db, company), fresh=call.fresh)


def find(db: Session, company: str) -> str:
    """The company's zone; NOT_READY while this service has not heard of the company."""
    return reader(db, company).time_zone


def reader(db: Session, company: str) -> Reader:
    """The company's zone and language; NOT_READY while this service has not heard of the company."""
    query = select(_KNOWN.c.time_zone, _KNOWN.c.language_code).where(_KNOWN.c.company == company)
    found = db.connection().execute(query).one_or_none()
    if found is None:
        raise NotReady(
            "This service has not heard of the company yet: try again in a moment.", retry_after_seconds=1
        )
    return Reader(found.time_zone, found.language_code)
