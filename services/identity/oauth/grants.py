"""Redeeming grants for tokens (RFC 6749 4.1.3 and 6): one transaction that consumes the grant, checks the session and
the place in the company, writes the family and signs.

A grant shown twice was stolen from somebody, so what it gave is revoked; of a code that came twice at once, one is
merely refused. The call that notices is refused, and its transaction rolled back: the revocation is committed in
another one, while the session is still held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.errors import Unauthenticated
from services.chassis.rpc.call import Call
from services.chassis.tokens import TokenVerifier
from services.identity import bearers, memberships, sessions, users
from services.identity.applications import rows as applications
from services.identity.applications.rules import BY_ITSELF, own_scopes
from services.identity.factors import held
from services.identity.memberships import Authority
from services.identity.oauth import codes, families, tokens
from services.identity.oauth.clients import AUTHORIZATION_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE, Client
from services.identity.oauth.codes import CodeRow
from services.identity.oauth.families import FamilyRow, RefreshTokens
from services.identity.oauth.refusals import (
    invalid_grant,
    invalid_scope,
    invalid_subject_token,
    not_a_member,
    second_factor_required,
)
from services.identity.oauth.signing_keys import KeyRing
from services.identity.oauth.tokens import LIFETIME_SECONDS, Subject
from services.identity.sessions import SessionRow

OPENID = "openid"
R = TypeVar("R", CodeRow, FamilyRow)


@dataclass(frozen=True)
class Tokens:
    """What a grant was redeemed for; texts are empty where there is none."""

    access_token: str
    refresh_token: str
    id_token: str
    scopes: Sequence[str]
    seconds: int = LIFETIME_SECONDS


@dataclass(frozen=True)
class Grants:
    """Redeems and revokes."""

    issuer: str
    keys: KeyRing
    refresh_tokens: RefreshTokens
    verifier: TokenVerifier
    database: Database
    clock: Clock

    def redeem_code(
        self,
        call: Call,
        client: Client,
        code: str,
        redirect_uri: str,
        verifier: str,
        key: str,
        received: datetime,
    ) -> Tokens:
        """The first tokens of a sign-in."""
        client.require(AUTHORIZATION_CODE)
        session, row = _held(call, bearers.CODE, code, codes.find)
        if row.client_id != client.client_id:
            raise invalid_grant()
        if row.redeem_time is not None:
            if received > row.redeem_time:
                self._revoke_aside(row.family_id)
            raise invalid_grant()
        if not row.redeemable(redirect_uri, verifier, call.now) or row.key_thumbprint not in ("", key):
            raise invalid_grant()
        authority = _authority(call, session, row.company)
        row.redeem_time = self.clock()
        refresh = ""
        if REFRESH_TOKEN in client.grant_types:
            family = families.found(call.db, session, client, row.scopes, row.company, key, call.now)
            row.family_id = family.family_id
            refresh = self.refresh_tokens.newest(call.db, family)
        subject = Subject(session, client.client_id, row.scopes, call.now, key)
        return self._signed(subject, authority, refresh, row.nonce)

    def refresh(self, call: Call, client: Client, token: str, scopes: Sequence[str], key: str) -> Tokens:
        """Further tokens, with what the person may do by now. Asking for them is a use of the session."""
        client.require(REFRESH_TOKEN)
        read = self.refresh_tokens.read(call.db, token)
        if read is None:
            raise invalid_grant()
        session, family = _held(call, bearers.FAMILY, read.family_id, families.find)
        if family.client_id != client.client_id or family.key_thumbprint not in ("", key):
            raise invalid_grant()
        given = [scope for scope in family.scopes if scope in client.scopes]
        if not given or not set(scopes) <= set(given):
            raise invalid_scope(set(scopes) - set(given))
        if not family.accept(read.number, call.now, rotating=not client.confidential):
            self._revoke_aside(family.family_id)
            raise invalid_grant()
        authority = _authority(call, session, family.company)
        sessions.note_use(call.db, session, call.now)
        asked = [scope for scope in given if scope in scopes] or given
        subject = Subject(session, client.client_id, asked, call.now, key)
        return self._signed(subject, authority, self.refresh_tokens.newest(call.db, family), nonce="")

    def by_itself(self, call: Call, client: Client, scopes: Sequence[str], key: str) -> Tokens:
        """A token for what the client may do in nobody's name (RFC 6749 4.4)."""
        client.require(BY_ITSELF)
        given = own_scopes(client.scopes)
        if client.company is None or not given or not set(scopes) <= set(given):
            raise invalid_scope(set(scopes) - set(given))
        asked = [scope for scope in given if scope in scopes] or given
        access = tokens.application_token(
            self.keys.signer(), self.issuer, client, asked, client.company, call.now, key
        )
        return Tokens(access, "", "", asked)

    def subject(self, call: Call, token: str) -> Caller:
        """The person whose access token is to be exchanged, to whom the call is confined before anything is read."""
        try:
            caller = self.verifier.verify(token)
        except Unauthenticated:
            raise invalid_subject_token() from None
        if not caller.is_person:
            raise invalid_subject_token()
        call.enter(user=caller.subject)
        return caller

    def exchange(
        self,
        call: Call,
        client: Client,
        caller: Caller,
        token: str,
        company: str,
        scopes: Sequence[str],
        key: str,
    ) -> Tokens:
        """A token of the same sign-in for another company of the person's (RFC 8693): nothing is kept of it.

        It ends with the one that it was exchanged for, so that whoever stole that one cannot go on for ever.
        """
        client.require(TOKEN_EXCHANGE)
        if caller.client_id != client.client_id or caller.key_thumbprint not in ("", key):
            raise invalid_subject_token()
        given = sorted(caller.scopes & set(client.scopes))
        if not given or not set(scopes) <= set(given):
            raise invalid_scope(set(scopes) - set(given))
        session = sessions.of_token(call.db, caller)
        if session is None or not session.alive(call.now):
            raise invalid_subject_token()
        authority = memberships.authority_in(call.db, caller.subject, company)
        if authority is None:
            raise not_a_member()
        if held.lacks(call.db, session, company):
            raise second_factor_required()
        asked = [s for s in given if s in scopes] or given
        subject = Subject(session, client.client_id, asked, call.now, key, self.verifier.claims(token)["exp"])
        access = tokens.access_token(self.keys.signer(), self.issuer, subject, authority)
        return Tokens(access, "", "", subject.scopes, subject.seconds)

    def revoke(self, call: Call, client: Client, token: str) -> None:
        """Ends the family of the client's own refresh token, or its own access token alone; anything else is not
        known, which is no error."""
        if self._revoke_access(call, client, token):
            return
        read = self.refresh_tokens.read(call.db, token)
        user_id = bearers.owner(call.db, bearers.FAMILY, read.family_id) if read else None
        if read is None or user_id is None:
            return
        call.enter(user=user_id)
        family = families.find(call.db, read.family_id)
        if family is not None and family.client_id == client.client_id:
            sessions.lock(call.db, family.session_id)
            bearers.forget(call.db, bearers.FAMILY, read.family_id)

    def _revoke_access(self, call: Call, client: Client, token: str) -> bool:
        """Whether it is an access token: it is revoked then, if it is the client's own."""
        try:
            caller = self.verifier.verify(token)
        except Unauthenticated:
            return False
        if caller.client_id != client.client_id:
            return True
        # Whoever else revokes it meanwhile waits for the one or for the other row.
        if caller.is_application:
            call.enter(company=caller.company)
            applications.find(call.db, call.company, caller.subject, for_update=True)
        else:
            call.enter(user=caller.subject)
            if sessions.lock(call.db, caller.session) is None:
                # Its end revoked the token already.
                return True
        sessions.revoke_token(call.db, caller, call.now)
        return True

    def _signed(self, subject: Subject, authority: Authority, refresh: str, nonce: str) -> Tokens:
        key = self.keys.signer()
        access = tokens.access_token(key, self.issuer, subject, authority)
        identity = OPENID in subject.scopes
        id_token = tokens.id_token(key, self.issuer, subject, nonce, access) if identity else ""
        return Tokens(access, refresh, id_token, subject.scopes)

    def _revoke_aside(self, family_id: str | None) -> None:
        if family_id is not None:
            with self.database.transaction(Scope()) as db:
                bearers.forget(db, bearers.FAMILY, family_id)


def _held(
    call: Call, kind: str, value: str, find: Callable[[Session, str], R | None]
) -> tuple[SessionRow, R]:
    """What the value stands for, as it is now, with its live session held; the call is its person's from here on."""
    user_id = bearers.owner(call.db, kind, value)
    if user_id is None:
        raise invalid_grant()
    call.enter(user=user_id)
    seen = find(call.db, value)
    session = sessions.lock(call.db, seen.session_id) if seen else None
    # Only now is it certain what others, who held the session before, made of it.
    row = find(call.db, value)
    if session is None or row is None or not session.alive(call.now):
        raise invalid_grant()
    return session, row


def _authority(call: Call, session: SessionRow, company: str | None) -> Authority:
    """What the person may do in the company at this moment."""
    found = memberships.authority(call.db, users.find(call.db, session.user_id), company)
    if found is None or held.lacks(call.db, session, company):
        raise invalid_grant()
    return found
