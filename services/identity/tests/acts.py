"""What people, clients and the platform's tools do with identity, as tests need it: real calls, over the wire."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from joserfc import jwt
from joserfc.jwk import KeySet

from comptoir.identity.v1 import membership_pb2, oauth_pb2, session_pb2, user_pb2
from services.chassis.errors import Fault
from services.chassis.testing.running import Running
from services.identity.oauth.codes import s256

PASSWORD = "a made-up phrase 4 you"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
REDIRECT = "https://app.example/callback"
SECRET = "a secret of forty characters, made up!!!"
SCOPES = ("account", "openid", "shop", "users")
T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass
class Hands:
    """A clock that a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def at_once(calls: int, act: Callable[[], T]) -> list[T | Fault]:
    """What each of so many parallel calls ended with."""

    def attempt(_: int) -> T | Fault:
        try:
            return act()
        except Fault as fault:
            return fault

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(attempt, range(calls)))


@dataclass(frozen=True)
class Acts:
    """Acts on one running service."""

    identity: Running

    def create(self, user: user_pb2.User, password: str = PASSWORD, **more: Any) -> user_pb2.User:
        request = user_pb2.CreateUserRequest(user=user, initial_password=password, **more)
        return self.identity.call("UserService/CreateUser", request, user_pb2.User, service="bootstrap")

    def person(self, *, operator: bool = False, **details: Any) -> user_pb2.User:
        """A new account, with a login of its own."""
        details.setdefault("login", f"person{next(_numbers)}")
        return self.create(details_of(**details), operator=operator)

    def company(self, company: str = "", display_name: str = "Les Halles du Port") -> str:
        """A company that identity has heard of."""
        name = f"companies/{company or f'company{next(_numbers)}'}"
        self.identity.acquaintance.company(name.removeprefix("companies/"), display_name)
        return name

    def place(
        self, company: str, user: str, role: str = "ROLE_OWNER", shop_ids: Sequence[str] | None = None
    ) -> membership_pb2.Membership:
        """A place in the company, in all shops unless some are named."""
        membership = membership_pb2.Membership(
            user=user,
            role=membership_pb2.Role.Value(role),
            all_shops=shop_ids is None,
            shop_ids=shop_ids or (),
        )
        return self.identity.call(
            "MembershipService/CreateMembership",
            membership_pb2.CreateMembershipRequest(parent=company, membership=membership),
            membership_pb2.Membership,
            service="bootstrap",
        )

    def leave(self, membership: str, operator_token: str) -> None:
        self.identity.call(
            "MembershipService/DeleteMembership",
            membership_pb2.DeleteMembershipRequest(name=membership),
            membership_pb2.DeleteMembershipResponse,
            token=operator_token,
        )

    def sign_in(self, login: str, password: str = PASSWORD, source: str = "192.0.2.7") -> str:
        """The value for the cookie."""
        return self.start(login, password, source).session_token

    def start(
        self,
        login: str,
        password: str = PASSWORD,
        source: str = "192.0.2.7",
        agent: str = "Example/1.0",
        brought: str = "",
    ) -> session_pb2.StartSessionResponse:
        """`brought`: the session that the browser has already."""
        request = session_pb2.StartSessionRequest(
            login=login, password=password, source_address=source, user_agent=agent, session_token=brought
        )
        return self.identity.call("SessionService/StartSession", request, session_pb2.StartSessionResponse)

    def touch(self, session: str) -> session_pb2.Session:
        request = session_pb2.TouchSessionRequest(session_token=session)
        return self.identity.call("SessionService/TouchSession", request, session_pb2.Session)

    def end(self, session: str) -> None:
        request = session_pb2.EndSessionRequest(session_token=session)
        self.identity.call("SessionService/EndSession", request, session_pb2.EndSessionResponse)

    def client(self, *, secret: str = "", **changes: Any) -> oauth_pb2.ClientCredentials:
        """A registered client, as it presents itself."""
        values: dict[str, Any] = {
            "client_id": f"client{next(_numbers)}",
            "display_name": "Demonstration",
            "redirect_uris": [REDIRECT],
            "scopes": SCOPES,
            "grant_types": ["authorization_code", "refresh_token"],
            **changes,
        }
        self.put_client(oauth_pb2.Client(**values), secret)
        return oauth_pb2.ClientCredentials(client_id=values["client_id"], client_secret=secret)

    def put_client(self, client: oauth_pb2.Client, secret: str = "") -> oauth_pb2.Client:
        request = oauth_pb2.PutClientRequest(client=client, client_secret=secret)
        return self.identity.call("OAuthService/PutClient", request, oauth_pb2.Client, service="bootstrap")

    def granted(self, session: str, client_id: str, *scopes: str) -> bool:
        request = oauth_pb2.GetConsentRequest(session_token=session, client_id=client_id, scopes=scopes)
        return self.identity.call("OAuthService/GetConsent", request, oauth_pb2.Consent).granted

    def code(self, session: str, client_id: str, company: str = "", **changes: Any) -> str:
        values: dict[str, Any] = {
            "redirect_uri": REDIRECT,
            "scopes": SCOPES,
            "code_challenge": s256(VERIFIER),
            "nonce": "once",
            **changes,
        }
        request = oauth_pb2.CreateAuthorizationCodeRequest(
            session_token=session, client_id=client_id, company=company, **values
        )
        return self.identity.call(
            "OAuthService/CreateAuthorizationCode", request, oauth_pb2.CreateAuthorizationCodeResponse
        ).code

    def redeem(
        self,
        client: oauth_pb2.ClientCredentials,
        code: str,
        redirect_uri: str = REDIRECT,
        verifier: str = VERIFIER,
    ) -> oauth_pb2.TokenSet:
        grant = oauth_pb2.AuthorizationCodeGrant(code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        request = oauth_pb2.RedeemGrantRequest(client=client, authorization_code=grant)
        return self.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)

    def refresh(self, client: oauth_pb2.ClientCredentials, token: str, *scopes: str) -> oauth_pb2.TokenSet:
        grant = oauth_pb2.RefreshTokenGrant(refresh_token=token, scopes=scopes)
        request = oauth_pb2.RedeemGrantRequest(client=client, refresh_token=grant)
        return self.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)

    def revoke(self, client: oauth_pb2.ClientCredentials, token: str) -> None:
        request = oauth_pb2.RevokeTokenRequest(client=client, token=token)
        self.identity.call("OAuthService/RevokeToken", request, oauth_pb2.RevokeTokenResponse)

    def jwks(self) -> dict[str, Any]:
        answer = self.identity.call(
            "OAuthService/ListSigningKeys",
            oauth_pb2.ListSigningKeysRequest(),
            oauth_pb2.ListSigningKeysResponse,
        )
        found: dict[str, Any] = json.loads(answer.jwks_json)
        return found

    def claims(self, token: str) -> dict[str, Any]:
        """What a token says, its signature verified with the published keys."""
        return jwt.decode(token, KeySet.import_key_set(self.jwks())).claims  # type: ignore[arg-type]

    def token(self, login: str, company: str = "", **changes: Any) -> str:
        """An access token, got by signing in and redeeming a code."""
        client = self.client(scopes=[*SCOPES, "platform"])
        session = self.sign_in(login)
        code = self.code(session, client.client_id, company, scopes=[*SCOPES, "platform"], **changes)
        return self.redeem(client, code).access_token


def details_of(**changes: Any) -> user_pb2.User:
    """Details of a made-up person."""
    values: dict[str, Any] = {
        "email": "ada@halles.example",
        "given_name": "Ada",
        "family_name": "Exemple",
        "language_code": "fr",
        "time_zone": "Pacific/Noumea",
        **changes,
    }
    return user_pb2.User(**values)
