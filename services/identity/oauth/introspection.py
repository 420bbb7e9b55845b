"""What a token stands for, told to the client that it was issued to (RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services.chassis.errors import Unauthenticated
from services.chassis.rpc.call import Call
from services.chassis.tokens import TokenVerifier
from services.identity import bearers, sessions
from services.identity.oauth import families
from services.identity.oauth.clients import Client
from services.identity.oauth.families import RefreshTokens
from services.identity.oauth.refusals import invalid_client


@dataclass(frozen=True)
class Account:
    """Of a good token of the client's own."""

    token_type: str
    scopes: list[str]
    subject: str
    company: str | None
    expire_time: datetime
    issue_time: datetime | None = None
    token_id: str = ""
    key_thumbprint: str = ""


@dataclass(frozen=True)
class Introspection:
    """Looks tokens up, as they stand now."""

    tokens: TokenVerifier
    refresh_tokens: RefreshTokens

    def account(self, call: Call, client: Client, token: str) -> Account | None:
        """What the token stands for; None for whatever is not good, or not the client's."""
        if not client.confidential:
            raise invalid_client()
        return self._of_access(call, client, token) or self._of_refresh(call, client, token)

    def _of_access(self, call: Call, client: Client, token: str) -> Account | None:
        try:
            caller = self.tokens.verify(token)
        except Unauthenticated:
            return None
        if caller.client_id != client.client_id:
            return None
        if caller.is_application:
            if sessions.is_revoked(call.db, caller):
                return None
        else:
            call.enter(user=caller.subject)
            session = sessions.of_token(call.db, caller)
            if session is None or not session.alive(call.now):
                return None
        claims = self.tokens.claims(token)
        return Account(
            "access_token",
            claims["scope"].split(),
            caller.subject,
            caller.company,
            datetime.fromtimestamp(claims["exp"], UTC),
            datetime.fromtimestamp(claims["iat"], UTC),
            claims["jti"],
            caller.key_thumbprint,
        )

    def _of_refresh(self, call: Call, client: Client, token: str) -> Account | None:
        read = self.refresh_tokens.read(call.db, token) if not call.grant.user else None
        user_id = bearers.owner(call.db, bearers.FAMILY, read.family_id) if read else None
        if read is None or user_id is None:
            return None
        call.enter(user=user_id)
        family = families.find(call.db, read.family_id)
        if family is None or family.client_id != client.client_id or read.number != family.number:
            return None
        session = sessions.seek(call.db, family.session_id)
        if session is None or not session.alive(call.now):
            return None
        return Account("refresh_token", family.scopes, user_id, family.company, session.expire_time)
