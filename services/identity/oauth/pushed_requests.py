"""Authorization requests that a client sends by itself, so that no browser can alter them (RFC 9126)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import PlatformRow
from services.identity import bearers
from services.identity.oauth.clients import Client
from services.identity.oauth.refusals import invalid_grant
from services.identity.rows import Base
from services.identity.sweeping import Sweep

LIFETIME = timedelta(seconds=60)
_KIND = "pushed-request"
_IN_DATABASE = {"synchronize_session": False}


class PushedRequestRow(PlatformRow, Base):
    """One request, until it is taken."""

    __tablename__ = "pushed_requests"
    __table_args__ = (Index("pushed_requests_expire_time", "expire_time"), PlatformRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    parameters: Mapped[str]
    expire_time: Mapped[datetime]


_sweep = Sweep(PushedRequestRow.__table__)


def push(db: Session, client: Client, parameters: str, now: datetime) -> str:
    """Keeps the request, and returns what it is kept under."""
    _sweep(db, now)
    value = bearers.new_value()
    row = PushedRequestRow(
        digest=bearers.digest(_KIND, value), client_id=client.client_id, parameters=parameters
    )
    row.expire_time = now + LIFETIME
    db.add(row)
    return value


def take(db: Session, client_id: str, value: str, now: datetime) -> str:
    """The parameters of the client's own request: of several who ask at once, one gets them."""
    row = PushedRequestRow
    mine = (row.digest == bearers.digest(_KIND, value)) & (row.client_id == client_id)
    taken = db.execute(
        delete(row).where(mine).returning(row.parameters, row.expire_time), execution_options=_IN_DATABASE
    ).one_or_none()
    if taken is None or taken.expire_time <= now:
        raise invalid_grant()
    parameters: str = taken.parameters
    return parameters
