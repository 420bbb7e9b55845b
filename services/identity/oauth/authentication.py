"""Which client asks, and whether it is: the platform's own, or an application that a company has registered.

What is to be known of an application lies with its company, and the call may have to be confined to a person: so it is
looked up in a transaction of its own. What that writes stays, whatever becomes of the call: the id of an assertion is
used up, and the use of a secret is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from services.chassis.applications import is_application
from services.chassis.db.database import Database, enter
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.rpc.call import Call
from services.identity import companies
from services.identity.applications import rows, secrets, uses
from services.identity.applications.rows import ApplicationRow
from services.identity.oauth import assertions, clients, used_values
from services.identity.oauth.clients import Client
from services.identity.oauth.refusals import invalid_client, invalid_proof

_PUBLIC = "CLIENT_AUTHENTICATION_NONE"
_SIGNS = "CLIENT_AUTHENTICATION_PRIVATE_KEY"
PROOF_REMEMBERED = timedelta(minutes=5)
"""Longer than the gateway takes any proof for fresh."""
ENDPOINTS = ("", "/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke")
"""Where a client may say that its assertion is for, behind the issuer (RFC 7523 3, RFC 9126 2)."""


@dataclass(frozen=True)
class Shown:
    """What a client presents; empty is what it does not."""

    client_id: str
    secret: str
    assertion: str


@dataclass(frozen=True)
class Authentication:
    """Finds clients and judges their proofs."""

    database: Database
    issuer: str
    uses: uses.Uses = field(default_factory=uses.Uses)

    def find(self, call: Call, client_id: str) -> Client:
        """The client, or the answer for an unknown one."""
        if is_application(client_id):
            with self.database.transaction(Scope(read_only=True)) as db:
                row = _entered(db, client_id)
                if row is None:
                    raise clients.unknown()
                return _client(row, companies.names(db, [row.company]).get(row.company, ""))
        client = clients.find(call.db, client_id)
        if client is None:
            raise clients.unknown()
        return client

    def authenticate(self, call: Call, shown: Shown) -> Client:
        """The client that proves to be the one it says it is."""
        if is_application(shown.client_id):
            return self._application(call, shown)
        if shown.assertion:
            raise invalid_client()
        return clients.authenticate(call.db, shown.client_id, shown.secret)

    def proved(self, call: Call, client: Client, key_thumbprint: str, proof_id: str) -> str:
        """The key that the client holds, if it must or wants to prove one; a proof counts once."""
        if not key_thumbprint:
            if client.bind_tokens:
                raise invalid_proof()
            return ""
        with self.database.transaction(Scope()) as db:
            once, until = f"{key_thumbprint}\0{proof_id}", call.now + PROOF_REMEMBERED
            if not used_values.use(db, used_values.PROOF, once, until, call.now):
                raise invalid_proof()
        return key_thumbprint

    def _application(self, call: Call, shown: Shown) -> Client:
        with self.database.transaction(Scope()) as db:
            row = _entered(db, shown.client_id)
            if row is None:
                raise invalid_client()
            credential = self._credential(db, row, shown, call)
            if credential:
                self.uses.note(db, row.application_id, credential, call.now)
            return _client(row)

    def _credential(self, db: ScopedSession, row: ApplicationRow, shown: Shown, call: Call) -> str:
        """What it has proved itself by: exactly in the way that it is registered for."""
        kind, secret, assertion = row.client_authentication, shown.secret, shown.assertion
        if kind == _SIGNS and assertion and not secret:
            audiences = [self.issuer + path for path in ENDPOINTS]
            read = assertions.read(assertion, row.jwks, row.application_id, audiences, call.now)
            once = f"{row.application_id}\0{read.assertion_id}"
            if used_values.use(db, used_values.ASSERTION, once, read.expire_time, call.now):
                return uses.BY_KEY
        elif kind == secrets.BY_SECRET and secret and not assertion:
            fingerprint = secrets.matching(row, secret, call.now)
            if fingerprint is not None:
                return fingerprint
        elif kind == _PUBLIC and not secret and not assertion:
            return ""
        raise invalid_client()


def _entered(db: ScopedSession, client_id: str) -> ApplicationRow | None:
    """The application, in a transaction that is confined to its company from here on."""
    company = rows.owner(db, client_id)
    if company is None:
        return None
    enter(db, Scope(company, read_only=db.scope.read_only))
    return rows.seek(db, client_id)


def _client(row: ApplicationRow, company_display_name: str = "") -> Client:
    return Client(
        row.application_id,
        row.display_name,
        row.redirect_uris,
        row.scopes,
        row.grant_types,
        confidential=row.client_authentication != _PUBLIC,
        company=row.company,
        company_display_name=company_display_name,
        shops=None if row.all_shops else row.shop_ids,
        require_pushed_requests=row.require_pushed_requests,
        bind_tokens=row.bind_tokens,
    )
