"""Which client asks, and whether it is: the platform's own, or an application that a company has registered.

What is written meanwhile stays, whatever becomes of the call, and so has transactions of its own: the id of an
assertion is used up, and the use of a secret is noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis.applications import is_application
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.rpc.call import Call
from services.identity.applications import secrets, uses
from services.identity.oauth import assertions, clients, used_values
from services.identity.oauth.clients import Client
from services.identity.oauth.known_applications import PUBLIC, Known, KnownApplications
from services.identity.oauth.refusals import invalid_client, invalid_proof

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
    known: KnownApplications
    uses: uses.Uses

    def find(self, call: Call, client_id: str) -> Client:
        """The client, or the answer for an unknown one."""
        own = not is_application(client_id)
        client = clients.find(call.db, client_id) if own else self.known.described(client_id)
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
        known = self.known.of(shown.client_id)
        if known is None:
            raise invalid_client()
        credential = self._credential(known, shown, call)
        if credential:
            self.uses.note(known.company, known.client.client_id, credential, call.now)
        return known.client

    def _credential(self, known: Known, shown: Shown, call: Call) -> str:
        """What it has proved itself by: exactly in the way that it is registered for."""
        kind, secret, assertion = known.authentication, shown.secret, shown.assertion
        if kind == _SIGNS and assertion and not secret:
            audiences = [self.issuer + path for path in ENDPOINTS]
            client_id = known.client.client_id
            read = assertions.read(assertion, known.jwks, client_id, audiences, call.now)
            once = f"{client_id}\0{read.assertion_id}"
            with self.database.transaction(Scope()) as db:
                first = used_values.use(db, used_values.ASSERTION, once, read.expire_time, call.now)
            if first:
                return uses.BY_KEY
        elif kind == secrets.BY_SECRET and secret and not assertion:
            fingerprint = known.secrets.matching(secret, call.now)
            if fingerprint is not None:
                return fingerprint
        elif kind == PUBLIC and not secret and not assertion:
            return ""
        raise invalid_client()
