"""Authorization requests that applications push beforehand (RFC 9126): no browser sees or alters them on the way in.

A pushed request is handed out once. From then on it goes with the person's browser, signed, through our pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Response, json, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault
from services.chassis.sources import network
from services.gateway.oauth.client_credentials import credentials
from services.gateway.oauth.code_grant import CodeGrant
from services.gateway.oauth.parameters import Parameters
from services.gateway.oauth.places import pending_authorization
from services.gateway.oauth.server import Server
from services.gateway.oauth.token_request import InvalidProof, oauth_error
from services.gateway.rate_limit import RateLimit

PREFIX = "urn:ietf:params:oauth:request_uri:"
TAKEN = "pushed"
"""The parameter that holds a request on its way through our pages."""
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
_PAGES_SECONDS = 600
PER_SECOND, BURST = 20.0, 600
"""Requests that one source pushes through one process in the long run, and at once: each is kept for a minute, and a
public application proves nothing."""


@dataclass(frozen=True)
class PushedRequests:
    """Takes them in, hands them out."""

    server: Server
    signer: URLSafeTimedSerializer
    limit: RateLimit = field(default_factory=lambda: RateLimit(PER_SECOND, BURST))

    @classmethod
    def of(cls, server: Server, key: bytes) -> PushedRequests:
        return cls(server, URLSafeTimedSerializer(key, salt="comptoir.gateway.pushed"))

    def push(self) -> Response:
        """`POST /oauth2/par`: checked as the authorization endpoint would, and kept for a minute."""
        try:
            kept = self._taken_in()
        except OAuth2Error as error:
            # Told to whoever asked, never by way of a browser.
            error.redirect_uri = None
            return self.server.handle_error_response(None, error)
        body = {"request_uri": PREFIX + kept.request_id, "expires_in": kept.expires_in_seconds}
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        return Response(json.dumps(body), 201, headers)

    def _taken_in(self) -> oauth_pb2.PushAuthorizationRequestResponse:
        try:
            self.limit.take(network(request.remote_addr or "")).check()
            return self._kept()
        except Fault as fault:
            raise oauth_error(fault) from fault

    def _kept(self) -> oauth_pb2.PushAuthorizationRequestResponse:
        form = Parameters(request.form)
        client = credentials(form, request.headers.get("Authorization"))
        given = [(name, value) for name, value in request.form.items(multi=True) if name not in _PROOFS]
        parameters = MultiDict(
            [*given, *([] if form.value("client_id") else [("client_id", client.client_id)])]
        )
        if form.value("request_uri"):
            raise InvalidRequestError("request_uri is what this endpoint gives out.")
        proof = self.server.proof()
        if (
            proof is not None
            and parameters.setdefault("dpop_jkt", proof.key_thumbprint) != proof.key_thumbprint
        ):
            raise InvalidProof()
        grant = CodeGrant(self.server.pushed_request(parameters), self.server)
        grant.validate_authorization_request()
        asked = oauth_pb2.PushAuthorizationRequestRequest(
            client=client, parameters=urlencode(list(parameters.items(multi=True)))
        )
        return self.server.identity.push(asked)

    def taken(self) -> list[tuple[str, str]] | None:
        """Parameters to go on with in place of those in the address, if it names a pushed request."""
        uri, client_id = request.args.get("request_uri", ""), request.args.get("client_id", "")
        if not uri.startswith(PREFIX):
            return None
        parameters = self.server.identity.take_pushed(client_id, uri.removeprefix(PREFIX))
        if parameters is None:
            raise InvalidRequestError("The request_uri is unknown, was used, or has expired.")
        return [("client_id", client_id), (TAKEN, self.signer.dumps(parameters))]

    def pending(self, path: str) -> dict[str, str]:
        """Parameters of the authorization request that the path stands for; empty if it stands for none."""
        pending = pending_authorization(path)
        try:
            return dict(self.parameters(MultiDict(pending))[0])
        except OAuth2Error:
            return {}

    def parameters(self, args: MultiDict[str, str]) -> tuple[MultiDict[str, str], bool]:
        """The authorization request that the address stands for, and whether it was pushed."""
        if TAKEN not in args:
            return args, False
        try:
            text = self.signer.loads(args[TAKEN], max_age=_PAGES_SECONDS)
        except BadData:
            raise InvalidRequestError("The pushed request has expired.") from None
        found = MultiDict(parse_qsl(text, keep_blank_values=True))
        if found.get("client_id") != args.get("client_id"):
            raise InvalidRequestError("The pushed request is another application's.")
        return found, True
