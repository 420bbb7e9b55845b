"""OAuth clients: what they may ask for, where answers go, how they prove who they are (RFC 6749 2, RFC 8252)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.applications import is_application
from services.chassis.changes.recorder import Recorded
from services.chassis.db.rows import PlatformRow
from services.chassis.errors import NotFound, Unavailable
from services.chassis.rights import RIGHTS, SCOPES
from services.identity.applications.secrets import digest
from services.identity.oauth import redirects
from services.identity.oauth.refusals import invalid_client, unauthorized_client
from services.identity.profile import Findings
from services.identity.rows import Base

AUTHORIZATION_CODE, REFRESH_TOKEN = "authorization_code", "refresh_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
SHORTEST_SECRET = 32
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Client:
    """What grants must know of a client, whoever registered it."""

    client_id: str
    display_name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    grant_types: Sequence[str]
    confidential: bool
    first_party: bool = False
    company: str | None = None
    """The company that registered it, and in which alone it acts; None for the platform's own."""
    company_display_name: str = ""
    shops: Sequence[str] | None = ()
    """Those that it reaches by itself; None for every shop."""
    require_pushed_requests: bool = False
    bind_tokens: bool = False
    """Whether its tokens must be bound to a key."""

    def require(self, grant_type: str) -> None:
        """Refuses a grant type that the client was not registered for."""
        if grant_type not in self.grant_types:
            raise unauthorized_client(grant_type)

    def acts_in(self, company: str | None) -> bool:
        """Whether it is any business of the client's what happens there."""
        return self.company is None or self.company == company


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
    def client(self) -> Client:
        return Client(
            self.client_id,
            self.display_name,
            self.redirect_uris,
            self.scopes,
            self.grant_types,
            confidential=self.secret_digest is not None,
            first_party=self.first_party,
        )


def find(db: Session, client_id: str) -> Client | None:
    """The platform's own client of this id."""
    row = _find(db, client_id)
    return row.client if row is not None else None


def _find(db: Session, client_id: str) -> ClientRow | None:
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    return db.scalars(select(ClientRow).where(ClientRow.client_id == client_id)).one_or_none()


def unknown() -> NotFound:
    """The answer for a client that nobody has registered."""
    return NotFound("There is no such client.", reason="CLIENT_UNKNOWN")


def authenticate(db: Session, client_id: str, secret: str) -> Client:
    """The client that proves to be this one; a public client has nothing to prove, and must not pretend to."""
    row = _find(db, client_id)
    expected = row.secret_digest if row else None
    matches = hmac.compare_digest(digest(secret), expected or digest(""))
    if row is None or not matches:
        raise invalid_client()
    return row.client


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
    _check(client_id, secret, redirect_uris, scopes)
    query = select(ClientRow).where(ClientRow.client_id == client_id).with_for_update()
    row = db.scalars(query).one_or_none()
    if row is None:
        row = ClientRow(client_id=client_id)
        db.add(row)
    row.display_name = display_name
    row.redirect_uris = redirect_uris
    row.scopes = scopes
    row.grant_types = grant_types
    row.secret_digest = digest(secret) if secret else None
    row.first_party = first_party
    # Registered again as it is, nothing happens that the record could tell of.
    if db.is_modified(row):
        row.update_time = now
    return row


def registered_twice() -> Unavailable:
    """What the violated primary key means: two registered the same new client at once."""
    return Unavailable("The client is being registered.", reason="REGISTERED_AT_ONCE", retry_after_seconds=1)


def _check(client_id: str, secret: str, redirect_uris: Iterable[str], scopes: Iterable[str]) -> None:
    findings = Findings()
    if is_application(client_id):
        findings.note(
            "client.client_id", "client_id", "has the form that ids of companies' applications have"
        )
    if secret and len(secret) < SHORTEST_SECRET:
        findings.note("client_secret", "string.min_len", f"must have at least {SHORTEST_SECRET} characters")
    for n, uri in enumerate(redirect_uris):
        if not redirects.is_safe(uri):
            findings.note(f"client.redirect_uris[{n}]", "redirect_uri", redirects.RULE)
    for n, scope in enumerate(scopes):
        if scope not in SCOPES and scope not in RIGHTS:
            findings.note(f"client.scopes[{n}]", "scope", "is not a scope of the platform")
    findings.conclude()
