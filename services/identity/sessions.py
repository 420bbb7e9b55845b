"""A signed-in browser: opened by sign-in, used, idle, ended (ID9: idle 15 minutes, absolute 12 hours).

Codes and refresh tokens hang on the session they came from. Whoever changes one of them holds the session's row
(`lock`), so that nothing of one session is done twice at once, and nothing while it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ForeignKeyConstraint, Index, Text, bindparam, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.caller import Caller
from services.chassis.changes.recorder import CREATE, Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import DirectoryRow, PersonRow
from services.chassis.db.tenancy import ready
from services.chassis.errors import Unauthenticated
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.chassis.tokens import ONE_FACTOR, TWO_FACTORS
from services.identity import bearers
from services.identity.rows import Base
from services.identity.sweeping import Sweep

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
_REMEMBERED = timedelta(hours=1)
PASSWORD, SEVERAL = "pwd", "mfa"
"""Methods of RFC 8176: a password, and more than one factor."""
ENDED = PATTERNS["comptoir.identity/EndedSession"]
NAME = PATTERNS["comptoir.identity/UserSession"]
_MOST_LISTED = 100
NOTED_EVERY = timedelta(minutes=1)
"""Use is written down at most this often, so an idle session may end up to a minute early."""


class SessionRow(PersonRow, Base):
    """One session. No history is kept of it."""

    __tablename__ = "sessions"
    __table_args__ = (
        bearers.reference(),
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    session_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    authenticate_time: Mapped[datetime]
    create_time: Mapped[datetime]
    use_time: Mapped[datetime]
    source_address: Mapped[str]
    user_agent: Mapped[str]
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{pwd}")
    """How the person last proved who they are (RFC 8176)."""

    @property
    def level(self) -> str:
        """What that is worth."""
        return TWO_FACTORS if SEVERAL in self.methods else ONE_FACTOR

    @property
    def expire_time(self) -> datetime:
        return self.create_time + ABSOLUTE

    def alive(self, now: datetime) -> bool:
        return now < self.use_time + IDLE and now < self.expire_time


class EndedSessionRow(DirectoryRow, Base):
    """A session that is over while access tokens of it may still be alive: what other services hear of it.

    A token that is revoked by itself is kept here too, with its own id in place of a session's (decision 18).
    """

    __tablename__ = "ended_sessions"
    __table_args__ = (Index("ended_sessions_end_time", "end_time"), DirectoryRow.__table_args__)
    __recorded__ = Recorded("comptoir.identity/EndedSession", actions=frozenset({CREATE}))

    user_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    end_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return ENDED.format({"user": self.user_id, "session": self.session_id})

    @property
    def history(self) -> str:
        return f"users/{self.user_id}"


_BY_DIGEST = select(SessionRow).where(SessionRow.digest == bindparam("kept"))
_OPEN, _HELD = ready(_BY_DIGEST), ready(_BY_DIGEST.with_for_update(key_share=True))
_sweep_ended = Sweep(EndedSessionRow.__table__, "end_time", kept=_REMEMBERED)
"""Takes some of those away of which no access token can be alive."""


def reference() -> ForeignKeyConstraint:
    """Ties a row to the session it ends with."""
    return ForeignKeyConstraint(
        ["user_id", "session_id"], ["sessions.user_id", "sessions.session_id"], ondelete="CASCADE"
    )


def start(
    db: Session, user_id: str, source: str, agent: str, methods: Sequence[str], now: datetime
) -> tuple[str, SessionRow]:
    """A new session, and the value for the browser's cookie."""
    value = bearers.new_value()
    row = SessionRow(
        user_id=user_id,
        session_id=new_id(),
        digest=bearers.keep(db, bearers.SESSION, value, user_id, now + ABSOLUTE),
        authenticate_time=now,
        create_time=now,
        use_time=now,
        source_address=_visible(source),
        user_agent=_visible(agent),
        methods=list(methods),
    )
    db.add(row)
    db.flush()
    _sweep_ended(db, now)
    return value, row


def go_on(db: Session, row: SessionRow, methods: Sequence[str], now: datetime) -> str:
    """The session, which is held, goes on as its person has just proved anew who they are; under another value, so that
    one that somebody else knew by now opens nothing."""
    value, former = bearers.new_value(), row.digest
    row.digest = bearers.keep(db, bearers.SESSION, value, row.user_id, row.expire_time)
    row.methods, row.authenticate_time, row.use_time = list(methods), now, now
    db.flush()
    bearers.forget_digest(db, former)
    return value


def enter(call: Call, value: str) -> SessionRow:
    """The live session behind a cookie's value; the call is confined to its person from here on."""
    user_id = bearers.owner(call.db, bearers.SESSION, value)
    if user_id is None:
        raise _ended()
    call.enter(user=user_id)
    row = call.db.scalars(_OPEN, {"kept": bearers.digest(bearers.SESSION, value)}).one_or_none()
    if row is None or not row.alive(call.now):
        raise _ended()
    return row


def live(db: Session, value: str, now: datetime) -> SessionRow | None:
    """The live session behind a cookie's value, if it is of the person whom the transaction is confined to; held."""
    row = db.scalars(_HELD, {"kept": bearers.digest(bearers.SESSION, value)}).one_or_none()
    return row if row is not None and row.alive(now) else None


def leave(call: Call, value: str, user_id: str) -> None:
    """Ends the session behind a cookie's value, which is of this person or was: its browser goes on with another."""
    with call.visit(user=user_id):
        _end_by_value(call.db, value, call.now)


def hold(call: Call, value: str) -> SessionRow:
    """As `enter`, and nobody else changes the session, or what hangs on it, until the call ends."""
    row = lock(call.db, enter(call, value).session_id)
    if row is None:
        raise _ended()
    return row


def seek(db: Session, session_id: str) -> SessionRow | None:
    """The session of this id, if it is still kept."""
    return db.scalars(select(SessionRow).where(SessionRow.session_id == session_id)).one_or_none()


def of_token(db: Session, caller: Caller) -> SessionRow | None:
    """The session of a verified access token, if the token was not revoked by itself."""
    query = select(SessionRow).where(SessionRow.session_id == caller.session, ~_revoked(caller))
    return db.scalars(query).one_or_none()


def is_revoked(db: Session, caller: Caller) -> bool:
    """Whether a verified access token was revoked by itself."""
    return bool(db.scalar(select(_revoked(caller))))


def revoke_token(db: Session, caller: Caller, now: datetime) -> None:
    """Ends one access token and nothing else. The caller holds what keeps others from doing so at once."""
    _sweep_ended(db, now)
    if not is_revoked(db, caller):
        db.add(EndedSessionRow(user_id=caller.subject, session_id=caller.token_id, end_time=now))


def _revoked(caller: Caller) -> Any:
    row = EndedSessionRow
    return exists().where(row.user_id == caller.subject, row.session_id == caller.token_id)


def lock(db: Session, session_id: str) -> SessionRow | None:
    """The session as it is now, held until the call ends; None if it has ended."""
    query = select(SessionRow).where(SessionRow.session_id == session_id)
    return db.scalars(
        query.with_for_update(key_share=True), execution_options={"populate_existing": True}
    ).one_or_none()


def strengthen(db: Session, session_id: str, methods: Iterable[str]) -> None:
    """Notes that the session has just seen these methods too. Raises Unauthenticated if it ended meanwhile."""
    row = lock(db, session_id)
    if row is None:
        raise _ended()
    row.methods = list(dict.fromkeys((*row.methods, *methods)))


def end(call: Call, value: str) -> None:
    """Ends the session behind a cookie's value, and whatever hangs on it; one that is over already stays so."""
    user_id = bearers.owner(call.db, bearers.SESSION, value)
    if user_id is None:
        return
    call.enter(user=user_id)
    _end_by_value(call.db, value, call.now)


def listed(db: Session, user_id: str, now: datetime) -> list[SessionRow]:
    """The person's live sessions, the latest used first."""
    query = select(SessionRow).where(SessionRow.user_id == user_id, SessionRow.use_time > now - IDLE)
    rows = db.scalars(query.order_by(SessionRow.use_time.desc(), SessionRow.session_id)).all()
    return [row for row in rows if row.alive(now)][:_MOST_LISTED]


def revoke(db: Session, session_id: str, now: datetime) -> bool:
    """Ends a session of the person that the transaction is confined to; False if there is none, or none alive."""
    query = select(SessionRow).where(SessionRow.session_id == session_id).with_for_update()
    row = db.scalars(query).one_or_none()
    if row is None or not row.alive(now):
        return False
    _end(db, row, now)
    return True


def end_others(db: Session, user_id: str, kept: str, now: datetime) -> None:
    """Ends every session of the person but one, or every one where none is named, and whatever hangs on them."""
    theirs = select(SessionRow).where(SessionRow.user_id == user_id, SessionRow.session_id != kept)
    for row in db.scalars(theirs.order_by(SessionRow.session_id).with_for_update()):
        _end(db, row, now)


def _end_by_value(db: Session, value: str, now: datetime) -> None:
    query = select(SessionRow).where(SessionRow.digest == bearers.digest(bearers.SESSION, value))
    row = db.scalars(query.with_for_update()).one_or_none()
    if row is None:
        bearers.forget(db, bearers.SESSION, value)
    else:
        _end(db, row, now)


def _end(db: Session, row: SessionRow, now: datetime) -> None:
    """Ends a session that the caller holds."""
    _sweep_ended(db, now)
    db.add(EndedSessionRow(user_id=row.user_id, session_id=row.session_id, end_time=now))
    bearers.forget_digest(db, row.digest)


def note_use(db: Session, row: SessionRow, now: datetime) -> None:
    """Writes the use down, unless it was just done."""
    if now - row.use_time >= NOTED_EVERY:
        held = lock(db, row.session_id)
        if held is None:
            raise _ended()
        held.use_time = max(held.use_time, now)


def _ended() -> Unauthenticated:
    return Unauthenticated("The session is over: sign in again.", reason="SESSION_ENDED")


def _visible(text: str) -> str:
    """What browsers say of themselves is kept for the person to read."""
    return "".join(character if character.isprintable() else " " for character in text)
