"""OAuth state on the wire: decodes, calls, encodes. The reasons that become OAuth errors are listed in `refusals`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from comptoir.identity.v1 import oauth_pb2
from services.chassis.contract import PATTERNS
from services.chassis.errors import Invalid
from services.chassis.rpc.call import Call
from services.identity import memberships, sessions, users
from services.identity.factors import held
from services.identity.oauth import clients, codes, consents, pushed_requests
from services.identity.oauth.authentication import Authentication, Shown
from services.identity.oauth.clients import AUTHORIZATION_CODE, Client
from services.identity.oauth.grants import Grants, Tokens
from services.identity.oauth.introspection import Introspection
from services.identity.oauth.refusals import not_a_member, second_factor_required
from services.identity.oauth.signing_keys import KeyRing

_INSTANT = timedelta(microseconds=1)
COMPANY = PATTERNS["comptoir.company/Company"]


@dataclass(frozen=True)
class OAuthApi:
    """`comptoir.identity.v1.OAuthService`."""

    authentication: Authentication
    grants: Grants
    introspection: Introspection
    keys: KeyRing

    def get_client(self, request: oauth_pb2.GetClientRequest, call: Call) -> oauth_pb2.Client:
        return _client(self.authentication.find(call, request.client_id))

    def put_client(self, request: oauth_pb2.PutClientRequest, call: Call) -> oauth_pb2.Client:
        asked = request.client
        row = clients.put(
            call.db,
            asked.client_id,
            request.client_secret,
            display_name=asked.display_name,
            redirect_uris=list(asked.redirect_uris),
            scopes=list(asked.scopes),
            grant_types=list(asked.grant_types),
            first_party=asked.first_party,
            now=call.now,
        )
        return _client(row.client)

    def get_consent(self, request: oauth_pb2.GetConsentRequest, call: Call) -> oauth_pb2.Consent:
        client = self.authentication.find(call, request.client_id)
        sessions.enter(call, request.session_token)
        return oauth_pb2.Consent(granted=consents.granted(call.db, client, request.scopes))

    def create_authorization_code(
        self, request: oauth_pb2.CreateAuthorizationCodeRequest, call: Call
    ) -> oauth_pb2.CreateAuthorizationCodeResponse:
        client, company = self.authentication.find(call, request.client_id), call.ids.get("company")
        client.require(AUTHORIZATION_CODE)
        codes.check_request(client, request.redirect_uri, request.scopes)
        session = sessions.hold(call, request.session_token)
        person = users.find(call.db, session.user_id, for_update=True)
        if not client.acts_in(company) or memberships.authority(call.db, person, company) is None:
            raise not_a_member()
        if held.lacks(call.db, session, company):
            raise second_factor_required()
        consents.remember(call.db, client, request.scopes, call.now)
        code = codes.issue(
            call.db,
            session,
            client,
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            company=company,
            key_thumbprint=request.key_thumbprint,
            now=call.now,
        )
        return oauth_pb2.CreateAuthorizationCodeResponse(code=code)

    def redeem_grant(self, request: oauth_pb2.RedeemGrantRequest, call: Call) -> oauth_pb2.TokenSet:
        tokens = self._redeemed(request, call)
        return oauth_pb2.TokenSet(
            access_token=tokens.access_token,
            expires_in_seconds=tokens.seconds,
            refresh_token=tokens.refresh_token,
            id_token=tokens.id_token,
            scopes=tokens.scopes,
        )

    def _redeemed(self, request: oauth_pb2.RedeemGrantRequest, call: Call) -> Tokens:
        exchanging = request.HasField("token_exchange")
        caller = self.grants.subject(call, request.token_exchange.subject_token) if exchanging else None
        client, proof = self._authenticated(request.client, call), request.key_proof
        key = self.authentication.proved(call, client, proof.key_thumbprint, proof.proof_id)
        if request.HasField("client_credentials"):
            return self.grants.by_itself(call, client, request.client_credentials.scopes, key)
        if caller is not None:
            wish = request.token_exchange
            company = _company(wish.company)
            return self.grants.exchange(call, client, caller, wish.subject_token, company, wish.scopes, key)
        if request.HasField("authorization_code"):
            shown = request.authorization_code
            return self.grants.redeem_code(
                call, client, shown.code, shown.redirect_uri, shown.code_verifier, key, _received(shown, call)
            )
        asked = request.refresh_token
        return self.grants.refresh(call, client, asked.refresh_token, asked.scopes, key)

    def revoke_token(
        self, request: oauth_pb2.RevokeTokenRequest, call: Call
    ) -> oauth_pb2.RevokeTokenResponse:
        self.grants.revoke(call, self._authenticated(request.client, call), request.token)
        return oauth_pb2.RevokeTokenResponse()

    def introspect_token(
        self, request: oauth_pb2.IntrospectTokenRequest, call: Call
    ) -> oauth_pb2.IntrospectTokenResponse:
        found = self.introspection.account(call, self._authenticated(request.client, call), request.token)
        if found is None:
            return oauth_pb2.IntrospectTokenResponse()
        message = oauth_pb2.IntrospectTokenResponse(
            active=True,
            token_type=found.token_type,
            scopes=found.scopes,
            subject=found.subject,
            company=f"companies/{found.company}" if found.company else "",
            token_id=found.token_id,
            key_thumbprint=found.key_thumbprint,
        )
        message.expire_time.FromDatetime(found.expire_time)
        if found.issue_time is not None:
            message.issue_time.FromDatetime(found.issue_time)
        return message

    def push_authorization_request(
        self, request: oauth_pb2.PushAuthorizationRequestRequest, call: Call
    ) -> oauth_pb2.PushAuthorizationRequestResponse:
        client = self._authenticated(request.client, call)
        return oauth_pb2.PushAuthorizationRequestResponse(
            request_id=pushed_requests.push(call.db, client, request.parameters, call.now),
            expires_in_seconds=int(pushed_requests.LIFETIME.total_seconds()),
        )

    def take_pushed_request(
        self, request: oauth_pb2.TakePushedRequestRequest, call: Call
    ) -> oauth_pb2.TakePushedRequestResponse:
        return oauth_pb2.TakePushedRequestResponse(
            parameters=pushed_requests.take(call.db, request.client_id, request.request_id, call.now)
        )

    def _authenticated(self, shown: oauth_pb2.ClientCredentials, call: Call) -> Client:
        presented = Shown(shown.client_id, shown.client_secret, shown.client_assertion)
        return self.authentication.authenticate(call, presented)

    def list_signing_keys(
        self, request: oauth_pb2.ListSigningKeysRequest, call: Call
    ) -> oauth_pb2.ListSigningKeysResponse:
        return oauth_pb2.ListSigningKeysResponse(jwks_json=self.keys.jwks())


def _received(shown: oauth_pb2.AuthorizationCodeGrant, call: Call) -> datetime:
    """When the request came in: without a word of the gateway, only now."""
    return shown.receive_time.ToDatetime(UTC) if shown.HasField("receive_time") else call.now + _INSTANT


def _company(name: str) -> str:
    found = COMPANY.parse(name)
    if found is None:
        field = "token_exchange.company"
        raise Invalid.field(field, "name", "must be the name of a company, such as companies/7fqj2k…")
    return found["company"]


def _client(row: Client) -> oauth_pb2.Client:
    return oauth_pb2.Client(
        client_id=row.client_id,
        display_name=row.display_name,
        redirect_uris=row.redirect_uris,
        scopes=row.scopes,
        grant_types=row.grant_types,
        confidential=row.confidential,
        first_party=row.first_party,
        company=f"companies/{row.company}" if row.company else "",
        company_display_name=row.company_display_name,
        require_pushed_requests=row.require_pushed_requests,
    )
