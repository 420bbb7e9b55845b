"""What people and applications do with applications, as tests need it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from joserfc.jwk import ECKey, RSAKey

from comptoir.identity.v1 import application_pb2, oauth_pb2, user_pb2
from services.chassis.testing.tokens import ISSUER, signed_text
from services.identity.tests.acts import REDIRECT, Acts

Application = application_pb2.Application
SCOPES = ["openid", "company", "users", "applications", "shop", "inbox"]


@dataclass(frozen=True)
class Registrant:
    """Somebody with a place, and a token that reaches all of it."""

    acts: Acts
    person: user_pb2.User
    company: str
    token: str

    def call(self, method: str, request: Any, answer: Any, **more: Any) -> Any:
        return self.acts.identity.call(
            f"ApplicationService/{method}", request, answer, token=self.token, **more
        )

    def register(self, **changes: Any) -> Application:
        """An application with a secret, for people and by itself, until a test changes something."""
        values: dict[str, Any] = {
            "display_name": "Order system",
            "client_authentication": application_pb2.CLIENT_AUTHENTICATION_SECRET,
            "redirect_uris": [REDIRECT],
            "scopes": ["openid", "shop.read", "users.read"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "all_shops": True,
            **changes,
        }
        request = application_pb2.CreateApplicationRequest(
            parent=self.company, application=Application(**values)
        )
        found: Application = self.call("CreateApplication", request, Application)
        return found

    def update(self, name: str, etag: str = "", **values: Any) -> Application:
        request = application_pb2.UpdateApplicationRequest(
            application=Application(name=name, etag=etag, **values), update_mask=FieldMask(paths=list(values))
        )
        found: Application = self.call("UpdateApplication", request, Application)
        return found

    def get(self, name: str) -> Application:
        found: Application = self.call(
            "GetApplication", application_pb2.GetApplicationRequest(name=name), Application
        )
        return found

    def suspend(self, name: str) -> None:
        self.call("SuspendApplication", application_pb2.SuspendApplicationRequest(name=name), Application)

    def resume(self, name: str) -> None:
        self.call("ResumeApplication", application_pb2.ResumeApplicationRequest(name=name), Application)

    def delete(self, name: str) -> None:
        self.call(
            "DeleteApplication",
            application_pb2.DeleteApplicationRequest(name=name),
            application_pb2.DeleteApplicationResponse,
        )

    def secret(self, name: str, overlap: timedelta = timedelta()) -> oauth_pb2.ClientCredentials:
        """The application as it presents itself from now on."""
        request = application_pb2.GenerateApplicationSecretRequest(name=name)
        request.overlap.FromTimedelta(overlap)
        made = self.call(
            "GenerateApplicationSecret", request, application_pb2.GenerateApplicationSecretResponse
        )
        return oauth_pb2.ClientCredentials(
            client_id=made.application.client_id, client_secret=made.client_secret
        )


def registrant(acts: Acts, role: str = "ROLE_OWNER", company: str = "", **place: Any) -> Registrant:
    company, person = company or acts.company(), acts.person()
    acts.place(company, person.name, role, **place)
    return Registrant(acts, person, company, token(acts, person, company))


def token(acts: Acts, person: user_pb2.User, company: str, *scopes: str) -> str:
    """An access token of the person, with every scope unless some are named."""
    asked = scopes or SCOPES
    client = acts.client(scopes=asked)
    code = acts.code(acts.sign_in(person.login), client.client_id, company, scopes=asked)
    return acts.redeem(client, code).access_token


def by_itself(acts: Acts, client: oauth_pb2.ClientCredentials, *scopes: str) -> oauth_pb2.TokenSet:
    grant = oauth_pb2.ClientCredentialsGrant(scopes=scopes)
    request = oauth_pb2.RedeemGrantRequest(client=client, client_credentials=grant)
    return acts.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)


def jwks(*keys: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def signed(
    acts: Acts, client_id: str, key: ECKey | RSAKey, now: float, **changes: Any
) -> oauth_pb2.ClientCredentials:
    """The client with an assertion that is in order, until a test changes a claim; None leaves one out."""
    header = {"alg": "ES256", "kid": str(key.kid), **changes.pop("header", {})}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "jti": uuid.uuid4().hex,
        "iat": int(now),
        "exp": int(now) + 60,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return oauth_pb2.ClientCredentials(client_id=client_id, client_assertion=signed_text(header, kept, key))
