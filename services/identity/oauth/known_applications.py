"""Companies' applications in memory, with what tells whether one is who it says it is: most tokens are signed without
a look at the database (decision 0003).

Whoever writes an application makes every process forget it when that commits; all are forgotten every five minutes, and
none is used while forgetting is not heard of. Of secrets there is no more in memory than in the database: their hashes.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.cache import ReplyCache
from services.chassis.db.database import Database, enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.identity import companies
from services.identity.applications import rows, secrets
from services.identity.applications.rows import ApplicationRow
from services.identity.oauth.clients import Client

PUBLIC = "CLIENT_AUTHENTICATION_NONE"


@dataclass(frozen=True)
class Known:
    """One application that may act."""

    company: str
    client: Client
    authentication: str
    """How it proves who it is, by the name in the contract."""
    jwks: str
    secrets: secrets.Kept


@dataclass(frozen=True)
class KnownApplications:
    """Finds applications by their client ids, each in a transaction of its own: the call may be a person's."""

    database: Database
    cache: ReplyCache

    def __post_init__(self) -> None:
        self.cache.forget_written(self.database, _entry)

    def of(self, client_id: str) -> Known | None:
        """The application, as long as it may act."""
        return self.cache.read(_key(client_id), lambda: self._load(client_id))

    def described(self, client_id: str) -> Client | None:
        """The application as people are told of it, with its company's name; from the database, always."""
        with self.database.transaction(Scope(read_only=True)) as db:
            row = _entered(db, client_id)
            return _client(row, companies.names(db, [row.company]).get(row.company, "")) if row else None

    def _load(self, client_id: str) -> Known | None:
        with self.database.transaction(Scope(read_only=True)) as db:
            row = _entered(db, client_id)
            if row is None:
                return None
            kept = secrets.Kept.of(row)
            return Known(row.company, _client(row), row.client_authentication, row.jwks, kept)


def _entered(db: ScopedSession, client_id: str) -> ApplicationRow | None:
    """The application, in a transaction that is confined to its company from here on."""
    company = rows.owner(db, client_id)
    if company is None:
        return None
    enter(db, Scope(company, read_only=True))
    return rows.seek(db, client_id)


def _client(row: ApplicationRow, company_display_name: str = "") -> Client:
    return Client(
        row.application_id,
        row.display_name,
        row.redirect_uris,
        row.scopes,
        row.grant_types,
        confidential=row.client_authentication != PUBLIC,
        company=row.company,
        company_display_name=company_display_name,
        shops=None if row.all_shops else row.shop_ids,
        require_pushed_requests=row.require_pushed_requests,
        bind_tokens=row.bind_tokens,
    )


def _entry(row: object) -> str | None:
    return _key(row.application_id) if isinstance(row, ApplicationRow) else None


def _key(client_id: str) -> str:
    return f"application/{client_id}"
