"""A person's place in a company, with a preset of rights and the shops they reach (ID6, ID7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Index, Text, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.database import Database
from services.chassis.db.rows import MembershipRow
from services.chassis.db.tenancy import ready
from services.chassis.errors import Exists, Invalid
from services.chassis.mirrors.known import require
from services.chassis.pages import Page
from services.chassis.rights import OPERATOR, PRESETS
from services.identity import companies, users
from services.identity.rows import Base
from services.identity.users import UserRow

NAME = PATTERNS["comptoir.identity/Membership"]
OWNER = "ROLE_OWNER"


class MemberRow(MembershipRow, Base):
    """One place. The person's name is copied here, since a company does not see the accounts of its people."""

    __tablename__ = "memberships"
    __recorded__ = Recorded("comptoir.identity/Membership", omit=frozenset({"user_display_name", "version"}))
    __table_args__ = (Index("memberships_user_id", "user_id"), MembershipRow.__table_args__)

    role: Mapped[str]
    all_shops: Mapped[bool]
    shop_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    user_display_name: Mapped[str]
    create_time: Mapped[datetime]
    suspended: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "membership": self.user_id})

    @property
    def preset(self) -> str:
        """The role as rights know it: `ROLE_OWNER` is `owner`."""
        return self.role.removeprefix("ROLE_").lower()

    @property
    def permissions(self) -> list[str]:
        return sorted(PRESETS[self.preset])

    @property
    def etag(self) -> str:
        return etags.etag(self.name, self.create_time.isoformat(), self.version)

    def write(self, role: str, all_shops: bool, shop_ids: Sequence[str]) -> bool:
        """Takes over what the place gives; whether that is anything new."""
        given = (role, all_shops, list(shop_ids))
        if given == (self.role, self.all_shops, self.shop_ids):
            return False
        self.role, self.all_shops, self.shop_ids = given
        self.version += 1
        return True

    def suspend(self, suspended: bool) -> bool:
        """Keeps the person out, or lets them in again; whether that is anything new."""
        if suspended == self.suspended:
            return False
        self.suspended = suspended
        self.version += 1
        return True


_PLACES = ready(
    select(MemberRow, companies.KNOWN.c.display_name)
    .outerjoin(companies.KNOWN, companies.KNOWN.c.company == MemberRow.company)
    .where(MemberRow.user_id == bindparam("user"))
)


def check_shops(all_shops: bool, shop_ids: Sequence[str], field: str = "membership.shop_ids") -> None:
    """All shops and single ones exclude each other."""
    if all_shops and shop_ids:
        raise Invalid.field(field, "all_shops", "must be empty where all shops are reached")


@dataclass(frozen=True)
class Authority:
    """What tokens say a person may do: where, as what, in which shops."""

    role: str
    company: str | None
    shops: list[str] | None
    """None for every shop."""


def authority(db: Session, person: UserRow, company: str | None) -> Authority | None:
    """What the person may do in the company now, or as staff without one; None if nothing. Whether the company wants
    more proof than the session holds is another question (`factors.held.lacks`)."""
    if company is None:
        return Authority(OPERATOR, None, None) if person.operator else None
    return authority_in(db, person.user_id, company)


def authority_in(db: Session, user_id: str, company: str) -> Authority | None:
    """What a person may do in the company now; None if nothing."""
    row = seek(db, company, user_id)
    if row is None or row.suspended:
        return None
    return Authority(row.preset, row.company, None if row.all_shops else list(row.shop_ids))


def seek(db: Session, company: str, user_id: str) -> MemberRow | None:
    """The place, if there is one."""
    return db.scalars(
        select(MemberRow).where(MemberRow.company == company, MemberRow.user_id == user_id)
    ).one_or_none()


def find(db: Session, company: str, user_id: str) -> MemberRow:
    """The place, or the answer for an unknown one."""
    row = seek(db, company, user_id)
    if row is None:
        raise unknown(NAME.format({"company": company, "membership": user_id}))
    return row


def listed(db: Session, page: Page) -> Sequence[MemberRow]:
    """One page of the company's places, by person."""
    query = select(MemberRow).order_by(MemberRow.user_id).limit(page.limit)
    if page.after is not None:
        query = query.where(MemberRow.user_id > page.after[0])
    return db.scalars(query).all()


def of_person(db: Session, user_id: str) -> list[tuple[MemberRow, str]]:
    """A person's places with their companies' names, by name."""
    places = [(row, name or "") for row, name in db.execute(_PLACES, {"user": user_id})]
    return sorted(places, key=lambda place: (place[1].casefold(), place[0].company))


def give(db: Session, database: Database, row: MemberRow) -> None:
    """Gives the place: to somebody who exists, in a company that is known."""
    check_shops(row.all_shops, row.shop_ids)
    require(db, companies.KNOWN, company=row.company)
    name = users.name_for_company(db, database, row.user_id)
    if name is None:
        raise Invalid.field("membership.user", "unknown", "is nobody's account")
    row.user_display_name = name
    db.add(row)
    db.flush()


def taken() -> Exists:
    """What the violated primary key means."""
    return Exists("The person has a place in this company.", reason="MEMBERSHIP_EXISTS")


def rename(db: Session, user_id: str, display_name: str) -> None:
    """Copies the person's new name to all their places."""
    users.hold_name(db, user_id)
    query = select(MemberRow).where(MemberRow.user_id == user_id).order_by(MemberRow.company)
    for row in db.scalars(query.with_for_update()):
        row.user_display_name = display_name
