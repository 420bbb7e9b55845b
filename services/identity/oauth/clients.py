"""OAuth clients: what they may ask for, where answers go, how they prove who they are (RFC 6749 2, RFC 8252)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ARRAY, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.changes.recorder import Recorded
from services.chassis.db.rows import PlatformRow
from services.chassis.errors import NotFound, Unavailable
from services.chassis.rights import RIGHTS, SCOPES
from services.identity.oauth.refusals import invalid_client, unauthorized_client
from services.identity.profile import Findings
from services.identity.rows import Base

AUTHORIZATION_CODE, REFRESH_TOKEN = "authorization_code", "refresh_token"
SHORTEST_SECRET = 32
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ClientRow(PlatformRow, Base):
    """One client. Its secret has too many bits to be guessed, so a plain hash keeps it (unlike people's)."""

    __tablename__ = "clients"
    __recorded__ = Recorded("comptoir.identity/Client", secret=frozenset({"secret_digest"}))

    client_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_digest: Mapped[bytes | None]
    first_party: Mapped[bool]
    update_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return f"clients/{self.client_id}"

    @property
    def confidential(self) -> bool:
        return self.secret_digest is not None

    def require(self, grant_type: str) -> None:
        """Refuses a grant type that the client was not registered for."""
        if grant_type not in self.grant_types:
            raise unauthorized_client(grant_type)


def find(db: Session, client_id: str) -> ClientRow:
    """The client, or the answer for an unknown one."""
    row = _find(db, client_id)
    if row is None:
        raise NotFound("There is no such client.", reason="CLIENT_UNKNOWN")
    return row


def _find(db: Session, client_id: str) -> ClientRow | None:
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    return db.scalars(select(ClientRow).where(ClientRow.client_id == client_id)).one_or_none()


def authenticate(db: Session, client_id: str, secret: str) -> ClientRow:
    """The client that proves to be this one; a public client has nothing to prove, and must not pretend to."""
    row = _find(db, client_id)
    expected = row.secret_digest if row else None
    matches = hmac.compare_digest(_digest(secret), expected or _digest(""))
    if row is None or not matches:
        raise invalid_client()
    return row


def put(
    db: Session,
    client_id: str,
    secret: str,
    *,
    display_name: str,
    redirect_uris: list[str],
    scopes: list[str],
    grant_types: list[str],
    first_party: bool,
    now: datetime,
) -> ClientRow:
    """Registers the client, or replaces what was registered, its secret included."""
    _check(secret, redirect_uris, scopes)
    query = select(ClientRow).where(ClientRow.client_id == client_id).with_for_update()
    row = db.scalars(query).one_or_none()
    if row is None:
        row = ClientRow(client_id=client_id)
        db.add(row)
    row.display_name = display_name
    row.redirect_uris = redirect_uris
    row.scopes = scopes
    row.grant_types = grant_types
    row.secret_digest = _digest(secret) if secret else None
    row.first_party = first_party
    # Registered again as it is, nothing happens that the record could tell of.
    if db.is_modified(row):
        row.update_time = now
    return row


def registered_twice() -> Unavailable:
    """What the violated primary key means: two registered the same new client at once."""
    return Unavailable("The client is being registered.", reason="REGISTERED_AT_ONCE", retry_after_seconds=1)


def _check(secret: str, redirect_uris: Iterable[str], scopes: Iterable[str]) -> None:
    findings = Findings()
    if secret and len(secret) < SHORTEST_SECRET:
        findings.note("client_secret", "string.min_len", f"must have at least {SHORTEST_SECRET} characters")
    for n, uri in enumerate(redirect_uris):
        if not _is_safe(uri):
            findings.note(
                f"client.redirect_uris[{n}]",
                "redirect_uri",
                "must be an https URL, http on the loopback, or a private scheme of a domain, without fragment",
            )
    for n, scope in enumerate(scopes):
        if scope not in SCOPES and scope not in RIGHTS:
            findings.note(f"client.scopes[{n}]", "scope", "is not a scope of the platform")
    findings.conclude()


def _is_safe(uri: str) -> bool:
    """Where a browser may be sent with a code (RFC 6749 3.1.2, RFC 8252 7)."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if "#" in uri or not uri.isascii() or not uri.isprintable() or parts.username is not None:
        return False
    if parts.scheme in ("http", "https"):
        return bool(host) and (parts.scheme == "https" or host in _LOOPBACK)
    return "." in parts.scheme


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
