"""Authorization codes: single use, 60 seconds, bound to client, redirect URI and verifier (RFC 6749 4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.db.rows import PersonRow
from services.identity import bearers, sessions
from services.identity.oauth.clients import Client
from services.identity.oauth.refusals import invalid_redirect_uri, invalid_scope
from services.identity.rows import Base
from services.identity.sessions import SessionRow

LIFETIME = timedelta(seconds=60)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class CodeRow(PersonRow, Base):
    """One code. A redeemed one stays as long as its session, to be known again when it is replayed."""

    __tablename__ = "codes"
    __table_args__ = (bearers.reference(), sessions.reference(), PersonRow.__table_args__)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[str]
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    nonce: Mapped[str]
    company: Mapped[str | None]
    create_time: Mapped[datetime]
    redeem_time: Mapped[datetime | None]
    family_id: Mapped[str | None]
    """The refresh tokens that it was redeemed for."""
    key_thumbprint: Mapped[str] = mapped_column(server_default="")
    """Of the key that whoever redeems it must hold; empty for any."""

    def redeemable(self, redirect_uri: str, verifier: str, now: datetime) -> bool:
        """Whether this is the moment, the place and the party that the code was issued for."""
        return (
            now < self.create_time + LIFETIME
            and redirect_uri == self.redirect_uri
            and _VERIFIER.fullmatch(verifier) is not None
            and hmac.compare_digest(s256(verifier), self.code_challenge)
        )


def s256(verifier: str) -> str:
    """The challenge of a verifier (RFC 7636 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_request(client: Client, redirect_uri: str, scopes: Collection[str]) -> None:
    """Refuses what the client was not registered for."""
    if redirect_uri not in client.redirect_uris:
        raise invalid_redirect_uri()
    if not scopes or not set(scopes) <= set(client.scopes):
        raise invalid_scope(set(scopes) - set(client.scopes))


def issue(
    db: Session,
    session: SessionRow,
    client: Client,
    *,
    redirect_uri: str,
    scopes: Collection[str],
    code_challenge: str,
    nonce: str,
    company: str | None,
    key_thumbprint: str,
    now: datetime,
) -> str:
    """A code for what the person consented to."""
    value = bearers.new_value()
    row = CodeRow(
        user_id=session.user_id,
        digest=bearers.keep(db, bearers.CODE, value, session.user_id, session.expire_time),
        session_id=session.session_id,
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        scopes=sorted(set(scopes)),
        nonce=nonce,
        company=company,
        create_time=now,
        key_thumbprint=key_thumbprint,
    )
    db.add(row)
    return value


def find(db: Session, value: str) -> CodeRow | None:
    """The code, whatever its state."""
    query = select(CodeRow).where(CodeRow.digest == bearers.digest(bearers.CODE, value))
    return db.scalars(query, execution_options={"populate_existing": True}).one_or_none()
