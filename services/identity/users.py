"""A person's account, and the directory from logins to accounts (ID1 to ID3)."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from sqlalchemy import ARRAY, Index, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.database import Database
from services.chassis.db.rows import DirectoryRow, PersonRow
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ready
from services.chassis.errors import Exists
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/User"]


class UserRow(PersonRow, Base):
    """One account: one login, whatever the number of companies. Choices are kept by their name in the contract."""

    __tablename__ = "users"
    __recorded__ = Recorded(
        "comptoir.identity/User", omit=frozenset({"version", "update_time", "former_email"})
    )

    login: Mapped[str]
    email: Mapped[str]
    title: Mapped[str] = mapped_column(default="TITLE_UNSPECIFIED")
    given_name: Mapped[str]
    family_name: Mapped[str]
    phones: Mapped[list[str]] = mapped_column(ARRAY(Text))
    language_code: Mapped[str]
    time_zone: Mapped[str]
    home_page: Mapped[str] = mapped_column(default="HOME_PAGE_DASHBOARD")
    operator: Mapped[bool]
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    password_change_time: Mapped[datetime | None]
    """None while the password is the first one."""
    unconfirmed_email: Mapped[str] = mapped_column(default="", server_default=text("''"))
    former_email: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """Where the senders of the version before tell of a change of the address; `MailRow.sealed_to` counts."""

    @property
    def name(self) -> str:
        return NAME.format({"user": self.user_id})

    @property
    def display_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def etag(self) -> str:
        return etags.etag(self.name, self.version)

    def touch(self, now: datetime) -> None:
        """Counts a change of the account."""
        self.version += 1
        self.update_time = now


class LoginRow(DirectoryRow, Base):
    """Whose account a login opens."""

    __tablename__ = "logins"
    __table_args__ = (Index("logins_user_id", "user_id", unique=True), DirectoryRow.__table_args__)

    login_key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]


_logins = LoginRow.__table__.c
_OWNER = ready(select(_logins.user_id).where(_logins.login_key == bindparam("key")))
_ACCOUNT = ready(select(UserRow).where(UserRow.user_id == bindparam("user")))
_HELD_ACCOUNT = ready(
    select(UserRow).where(UserRow.user_id == bindparam("user")).with_for_update(key_share=True)
)


def login_key(login: str) -> str:
    """What makes two logins the same: compatible forms and letter case do not differ."""
    folded = unicodedata.normalize("NFKC", login).casefold()
    # PostgreSQL takes no NUL; the replacement is in no login, so nothing is found either.
    return unicodedata.normalize("NFKC", folded).replace("\0", "\N{REPLACEMENT CHARACTER}")


def owner(db: Session, login: str) -> str | None:
    """The id of the person whose login this is."""
    return db.scalars(_OWNER, {"key": login_key(login)}).one_or_none()


def register(db: Session, login: str, user_id: str) -> None:
    """Takes the login for the person."""
    taken = db.execute(
        insert(LoginRow)
        .values(login_key=login_key(login), user_id=user_id)
        .on_conflict_do_nothing()
        .returning(LoginRow.user_id)
    ).one_or_none()
    if taken is None:
        raise Exists("This login is taken.", reason="LOGIN_TAKEN")


def move(db: Session, user_id: str, login: str) -> None:
    """Has another login lead to the account in place of the present one."""
    query = select(LoginRow).where(LoginRow.user_id == user_id).with_for_update()
    row = db.scalars(query).one_or_none()
    if row is None:
        raise unknown(NAME.format({"user": user_id}))
    if row.login_key != login_key(login):
        db.delete(row)
        db.flush()
        register(db, login, user_id)


def find(db: Session, user_id: str, *, for_update: bool = False) -> UserRow:
    """The account, or the answer for an unknown one."""
    row = db.scalars(_HELD_ACCOUNT if for_update else _ACCOUNT, {"user": user_id}).one_or_none()
    if row is None:
        raise unknown(NAME.format({"user": user_id}))
    return row


def name_for_company(db: Session, database: Database, user_id: str) -> str | None:
    """First and last name of a person, for a call that is confined to a company and will copy it; None if unknown.

    The account itself is not to be seen by such a call, so another transaction reads it. The directory's row stays
    locked until the call ends: a renaming waits for that (`hold_name`) and then finds the copy.
    """
    query = select(LoginRow.user_id).where(LoginRow.user_id == user_id).with_for_update(read=True)
    if db.scalars(query).one_or_none() is None:
        return None
    with database.transaction(Scope(user=user_id, read_only=True)) as own:
        return find(own, user_id).display_name


def hold_name(db: Session, user_id: str) -> None:
    """Waits for those who are copying the person's name, and lets nobody else begin."""
    db.scalars(select(LoginRow.user_id).where(LoginRow.user_id == user_id).with_for_update()).one()


def prefer_language(row: UserRow, language_code: str, now: datetime) -> None:
    """Makes the language the person's preference, wherever it was chosen (ID3)."""
    if row.language_code != language_code:
        row.language_code = language_code
        row.touch(now)
