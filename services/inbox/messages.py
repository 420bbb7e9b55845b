"""Messages of the platform and each person's marks of having read them (IN2, IN3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from sqlalchemy import ColumnElement, ForeignKeyConstraint, Index, Select, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.chassis.errors import Invalid
from services.chassis.names import new_id
from services.chassis.pages import Page
from services.inbox.rows import Base

NAME = PATTERNS["comptoir.inbox/Message"]


class Text(TypedDict):
    """A message in one language."""

    language_code: str
    title: str
    body: str


class MessageRow(TenantRow, Base):
    """One message to a company; it never changes."""

    __tablename__ = "messages"
    __recorded__ = Recorded("comptoir.inbox/Message")
    __table_args__ = (
        Index("messages_by_time", "company", "create_time", "message_id"),
        TenantRow.__table_args__,
    )

    message_id: Mapped[str] = mapped_column(primary_key=True)
    texts: Mapped[list[Text]] = mapped_column(JSONB)
    create_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company, "message": self.message_id})


class ReadMarkRow(TenantRow, Base):
    """That one person has read one message; the first time is the one that counts.

    A cursor of that person, and so no change of the company's record.
    """

    __tablename__ = "read_marks"
    __table_args__ = (
        ForeignKeyConstraint(["company", "message_id"], ["messages.company", "messages.message_id"]),
        TenantRow.__table_args__,
    )

    message_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    read_time: Mapped[datetime]


Seen = tuple[MessageRow, datetime | None]
"""A message, and when the person who asks read it."""


def post(db: Session, texts: list[Text], now: datetime) -> MessageRow:
    """Adds a message to the company of the session."""
    row = MessageRow(message_id=new_id(), texts=texts, create_time=now)
    db.add(row)
    db.flush()
    return row


def find(db: Session, company: str, message_id: str, user: str) -> Seen:
    """The message as the person sees it, or the answer for an unknown one."""
    found = db.execute(_seen_by(user).where(MessageRow.message_id == message_id)).one_or_none()
    if found is None:
        raise unknown(NAME.format({"company": company, "message": message_id}))
    return found[0], found[1]


def listed(db: Session, page: Page, user: str) -> Sequence[Seen]:
    """One page of the company's messages as the person sees them, newest first."""
    query = _seen_by(user).order_by(MessageRow.create_time.desc(), MessageRow.message_id.desc())
    if page.after is not None:
        query = query.where(tuple_(MessageRow.create_time, MessageRow.message_id) < _place(page.after))
    return [(row[0], row[1]) for row in db.execute(query.limit(page.limit))]


def place(row: MessageRow) -> tuple[str, str]:
    """Where the message stands in the list, for a page token."""
    return row.create_time.isoformat(), row.message_id


def _place(after: tuple[str, ...]) -> tuple[datetime, str]:
    """The inverse of `place`. Anybody can make up a token, so it is judged like any other input."""
    try:
        time, message_id = after
        create_time = datetime.fromisoformat(time)
        if create_time.tzinfo is None:
            raise ValueError("a time of day without its zone")
    except ValueError as error:
        raise Invalid.field("page_token", "page_token", "is not a token of this list") from error
    return create_time, message_id


def mark_read(db: Session, company: str, message_id: str, user: str, now: datetime) -> Seen:
    """Marks the message as read by the person; one already marked stays as it is."""
    # Two tabs may mark at once: the second waits here, and then finds the mark of the first.
    db.execute(select(MessageRow).where(MessageRow.message_id == message_id).with_for_update(key_share=True))
    message, read_time = find(db, company, message_id, user)
    if read_time is None:
        db.add(ReadMarkRow(message_id=message_id, user_id=user, read_time=now))
    return message, read_time or now


def unread(db: Session, user: str) -> int:
    """How many of the company's messages the person has not read."""
    query = select(func.count()).select_from(MessageRow).outerjoin(ReadMarkRow, _mark_of(user))
    return db.scalars(query.where(ReadMarkRow.read_time.is_(None))).one()


def _seen_by(user: str) -> Select[MessageRow, datetime]:
    return select(MessageRow, ReadMarkRow.read_time).outerjoin(ReadMarkRow, _mark_of(user))


def _mark_of(user: str) -> ColumnElement[bool]:
    return and_(
        ReadMarkRow.company == MessageRow.company,
        ReadMarkRow.message_id == MessageRow.message_id,
        ReadMarkRow.user_id == user,
    )
