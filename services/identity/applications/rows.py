"""An application in the database, and what leads from its client id to its company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, delete, false, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow, TenantRow
from services.chassis.db.tenancy import ready
from services.chassis.errors import Precondition
from services.chassis.pages import Page
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/Application"]
MOST = 100
"""Applications of one company."""


class ApplicationRow(TenantRow, Base):
    """One application. Its secrets have too many bits to be guessed, so plain hashes keep them (unlike people's)."""

    __tablename__ = "applications"
    __recorded__ = Recorded(
        "comptoir.identity/Application",
        omit=frozenset({"version", "update_time", "secret_digest", "former_digest", "secret_time"}),
        paths={
            "secret_fingerprint": "secret.fingerprint",
            "former_fingerprint": "former_secret.fingerprint",
            "former_expire_time": "former_secret.expire_time",
        },
    )

    application_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    client_authentication: Mapped[str]
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    jwks: Mapped[str]
    all_shops: Mapped[bool]
    shop_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    require_pushed_requests: Mapped[bool] = mapped_column(server_default=false())
    bind_tokens: Mapped[bool] = mapped_column(server_default=false())
    suspended: Mapped[bool] = mapped_column(default=False)
    secret_digest: Mapped[bytes | None]
    secret_fingerprint: Mapped[str] = mapped_column(default="")
    secret_time: Mapped[datetime | None]
    former_digest: Mapped[bytes | None]
    former_fingerprint: Mapped[str] = mapped_column(default="")
    former_expire_time: Mapped[datetime | None]
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "application": self.application_id})

    @property
    def etag(self) -> str:
        return etags.etag(self.name, self.create_time.isoformat(), self.version)

    def touch(self, now: datetime) -> None:
        self.version += 1
        self.update_time = now


class ApplicationIdRow(DirectoryRow, Base):
    """Whose application a client id is. There is a row as long as the application may act."""

    __tablename__ = "application_ids"

    application_id: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str]


_ids = ApplicationIdRow.__table__.c
_OWNER = ready(select(_ids.company).where(_ids.application_id == bindparam("application")))
_APPLICATION = ready(select(ApplicationRow).where(ApplicationRow.application_id == bindparam("application")))


def seek(db: Session, application_id: str) -> ApplicationRow | None:
    """The company's application, if there is one."""
    return db.scalars(_APPLICATION, {"application": application_id}).one_or_none()


def find(db: Session, company: str, application_id: str, *, for_update: bool = False) -> ApplicationRow:
    """The application, or the answer for an unknown one."""
    query = select(ApplicationRow).where(
        ApplicationRow.company == company, ApplicationRow.application_id == application_id
    )
    row = db.scalars(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise unknown(NAME.format({"company": company, "application": application_id}))
    return row


def listed(db: Session, page: Page) -> Sequence[ApplicationRow]:
    """One page of the company's applications, by id."""
    query = select(ApplicationRow).order_by(ApplicationRow.application_id).limit(page.limit)
    if page.after is not None:
        query = query.where(ApplicationRow.application_id > page.after[0])
    return db.scalars(query).all()


def leave_room(db: Session, company: str) -> None:
    """Refuses one more application than a company has at most. Who asks waits for others who add one."""
    theirs = select(ApplicationRow.application_id).where(ApplicationRow.company == company)
    db.execute(theirs.order_by(ApplicationRow.application_id).with_for_update())
    # A statement of its own, so that it sees what was added meanwhile.
    if (db.scalar(select(func.count()).select_from(theirs.subquery())) or 0) >= MOST:
        raise Precondition(
            f"{MOST} applications are the most that a company has: remove one first.",
            reason="TOO_MANY_APPLICATIONS",
        )


def owner(db: Session, application_id: str) -> str | None:
    """The company whose application this is, as long as it may act."""
    return db.scalars(_OWNER, {"application": application_id}).one_or_none()


def lead(db: Session, row: ApplicationRow) -> None:
    """Lets the client id lead to its company."""
    values = {"application_id": row.application_id, "company": row.company}
    db.execute(insert(ApplicationIdRow).values(values).on_conflict_do_nothing())


def lead_nowhere(db: Session, row: ApplicationRow) -> None:
    """From now on the client id is one that nobody has registered."""
    db.execute(delete(ApplicationIdRow).where(ApplicationIdRow.application_id == row.application_id))
