"""Every address of this half of the gateway, in one list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from services import look
from services.chassis.clock import Clock, system_clock
from services.chassis.config import ConfigError, load
from services.chassis.errors import Fault
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import TokenVerifier
from services.gateway.backend import Backend
from services.gateway.config import GatewaySettings
from services.gateway.dpop import Proofs
from services.gateway.oauth import places
from services.gateway.oauth.arrival import Arrival
from services.gateway.oauth.authorization_endpoint import AuthorizationEndpoint
from services.gateway.oauth.csrf import Csrf, ForeignForm
from services.gateway.oauth.email_confirmation import EmailConfirmation
from services.gateway.oauth.enrol import Enrol
from services.gateway.oauth.factors import Factors
from services.gateway.oauth.failures import Failures
from services.gateway.oauth.freshness import Freshness
from services.gateway.oauth.help import Help, HelpSettings
from services.gateway.oauth.id_tokens import IdTokens
from services.gateway.oauth.identity import Identity, account
from services.gateway.oauth.invitation import Invitation
from services.gateway.oauth.keys import PublishedKeys
from services.gateway.oauth.leaving import Leaving
from services.gateway.oauth.logout import Logout
from services.gateway.oauth.metadata import Discovery
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.passkey_sign_in import PasskeySignIn
from services.gateway.oauth.password_reset import PasswordReset
from services.gateway.oauth.pushed import PushedRequests
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.second_step import SecondStep
from services.gateway.oauth.server import Server
from services.gateway.oauth.sessions import Sessions
from services.gateway.oauth.sign_in import SignIn
from services.gateway.oauth.targets import Targets
from services.gateway.oauth.token_endpoint import TokenEndpoint
from services.gateway.oauth.userinfo import UserInfoEndpoint
from services.look.headers import OWN_FORMS

LARGEST_FORM_BYTES = 64 * 1024
SHORTEST_KEY_BYTES = 32
View = Callable[[], ResponseReturnValue]


def blueprint(
    backend: Backend, settings: GatewaySettings, keys: SigningKeys, clock: Clock = system_clock
) -> Blueprint:
    """The OAuth 2 and OpenID Connect endpoints with their pages; register it without a prefix.

    Raises `ConfigError`, `CatalogueError` or `ValueError` where settings or sentences are not fit to serve with.
    """
    if len(settings.cookie_key) < SHORTEST_KEY_BYTES:
        raise ConfigError(f"COMPTOIR_COOKIE_KEY_FILE: must hold at least {SHORTEST_KEY_BYTES} bytes")
    identity, help_settings = Identity(backend), load(HelpSettings)
    sessions = Sessions(identity)
    proofs = Proofs(settings.issuer, clock)
    server = Server(identity, settings.issuer, proofs)
    pages = Pages.load(Csrf(settings.cookie_key, settings.issuer))
    id_tokens = IdTokens(settings.issuer, keys.find)

    pushed = PushedRequests.of(server, settings.cookie_key)
    authorization = AuthorizationEndpoint(
        server, sessions, pages, Freshness(settings.cookie_key, clock), id_tokens, pushed
    )
    tokens = TokenEndpoint(server)
    userinfo = UserInfoEndpoint(server, identity, TokenVerifier(settings.issuer, keys.find, clock), proofs)
    discovery = Discovery(settings.issuer)
    arrival, targets = Arrival(sessions, pages.csrf), Targets(identity, pushed)
    sign_in = SignIn(identity, sessions, arrival, pages, targets, help_settings)
    second_step = SecondStep(identity, arrival, pages, targets)
    passkey = PasskeySignIn(identity, arrival, pages, targets)
    enrol = Enrol(identity, sessions, pages, targets)
    factors = Factors(identity, sessions, pages)
    logout = Logout(identity, sessions, pages, id_tokens)
    email = EmailConfirmation(identity, pages)
    help_pages, reset = Help(pages), PasswordReset(identity, pages, help_settings)
    invitation = Invitation(identity, sessions, pages)
    routes: tuple[tuple[str, str, View], ...] = (
        ("GET", places.AUTHORIZE, authorization.ask),
        ("POST", places.AUTHORIZE, authorization.ask_by_form),
        ("POST", places.CONSENT, authorization.decide),
        ("POST", "/oauth2/token", tokens.token),
        ("POST", "/oauth2/revoke", tokens.revoke),
        ("POST", "/oauth2/introspect", tokens.introspect),
        ("POST", places.PAR, pushed.push),
        ("GET", "/oauth2/jwks", PublishedKeys(keys).show),
        ("GET", "/oauth2/userinfo", userinfo.show),
        ("POST", "/oauth2/userinfo", userinfo.show),
        ("GET", places.LOGOUT, logout.ask),
        ("POST", places.LOGOUT, logout.submit),
        ("GET", "/.well-known/openid-configuration", discovery.show),
        ("GET", "/.well-known/oauth-authorization-server", discovery.show),
        ("GET", places.ORIGIN, partial(see_other, places.SIGN_IN)),
        ("GET", places.HELP, partial(see_other, places.FAQ)),
        ("GET", places.SIGN_IN, sign_in.show),
        ("POST", places.SIGN_IN, sign_in.submit),
        ("GET", places.SECOND_STEP, second_step.show),
        ("POST", places.SECOND_STEP, second_step.submit),
        ("GET", places.PASSKEY, passkey.show),
        ("POST", places.PASSKEY, passkey.submit),
        ("GET", places.ENROL, enrol.show),
        ("POST", places.ENROL, enrol.submit),
        ("GET", places.SIGNED_IN, sign_in.signed_in),
        ("GET", places.PASSWORD_HELP, reset.ask),
        ("POST", places.PASSWORD_HELP, reset.send),
        ("GET", places.PASSWORD_RESET, reset.choose),
        ("POST", places.PASSWORD_RESET, reset.submit),
        ("GET", places.FACTORS, factors.show),
        ("POST", places.FACTORS, factors.submit),
        ("GET", places.EMAIL, email.ask),
        ("POST", places.EMAIL, email.submit),
        ("GET", places.INVITATION, invitation.show),
        ("POST", places.INVITATION, invitation.submit),
        ("GET", places.FAQ, help_pages.questions),
    )
    oauth = _assembled(routes, Failures(server, pages))
    # The last one registered is the first to run.
    oauth.after_request(_guarded)
    oauth.after_request(Leaving(pages).ease)
    return oauth


def _assembled(routes: tuple[tuple[str, str, View], ...], failures: Failures) -> Blueprint:
    oauth = Blueprint("oauth", __name__, template_folder="templates")
    oauth.register_blueprint(look.blueprint())
    for method, address, view in routes:
        oauth.add_url_rule(address, f"{method} {address}".replace(".", "_"), view, methods=[method])
    oauth.before_request(_entered)
    oauth.register_error_handler(OAuth2Error, failures.of_protocol)
    oauth.register_error_handler(Fault, failures.of_service)
    oauth.register_error_handler(ForeignForm, failures.of_form)
    oauth.app_errorhandler(NotFound)(failures.of_address)
    return oauth


def _entered() -> None:
    request.max_content_length = LARGEST_FORM_BYTES
    account().route = f"{request.method} {request.url_rule}"


def _guarded(response: Response) -> Response:
    response.headers.setdefault("Referrer-Policy", OWN_FORMS)
    return response
