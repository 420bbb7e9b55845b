"""The gateway, put together: REST, and by Flask the OAuth endpoints and the pages that explain both."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from services.chassis.clock import Clock, system_clock
from services.chassis.errors import Fault, Internal
from services.chassis.request_ids import request_id
from services.chassis.signing_keys import SigningKeys
from services.chassis.tokens import FindKey, TokenVerifier
from services.gateway import faults, oauth, problems, telemetry
from services.gateway.backend import Backend
from services.gateway.bearer import published_keys
from services.gateway.config import GatewaySettings
from services.gateway.default_headers import add_defaults
from services.gateway.documents import documents
from services.gateway.dpop import Proofs
from services.gateway.faults import LARGEST_BODY
from services.gateway.front import Front
from services.gateway.lanes import Lanes
from services.gateway.rate_limit import RateLimit
from services.gateway.rest import Rest
from services.gateway.routes import routes
from services.gateway.telemetry import Account


def create_front(
    settings: GatewaySettings,
    backend: Backend | None = None,
    *,
    find_key: FindKey | None = None,
    clock: Clock = system_clock,
) -> Front:
    """The gateway over these services. Make it in the worker: channels do not survive a fork."""
    backend = backend or Backend(settings.addresses, settings.tls_directory)
    keys = published_keys(backend, settings.state_directory)
    rest = Rest(
        backend,
        TokenVerifier(settings.issuer, find_key or keys.find, clock),
        Proofs(settings.issuer, clock),
        clock,
        RateLimit(settings.rate_per_second, settings.rate_burst),
        settings.issuer,
    )
    app = create_app(settings, backend, keys, clock=clock)
    lanes, trusted = Lanes(settings.threads), settings.trusted_proxies
    return Front(app.wsgi_app, rest, lanes, settings.issuer, trusted_proxies=trusted)


def create_app(
    settings: GatewaySettings, backend: Backend, keys: SigningKeys, *, clock: Clock = system_clock
) -> Flask:
    """What Flask serves: documents of the contract, the OAuth endpoints and their pages."""
    app = Flask(__name__, static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # A redirect to a tidier path would answer API clients with a page.
    app.url_map.merge_slashes = False
    app.register_blueprint(documents(routes(backend.methods), settings.issuer))
    app.register_blueprint(oauth.blueprint(backend, settings, keys, clock))
    app.wsgi_app = add_defaults(app.wsgi_app)  # type: ignore[method-assign, assignment]
    app.before_request(_begin)
    app.after_request(_end)
    _answer_faults(app, settings.issuer)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    g.account = Account(request_id(request.headers.get("X-Request-Id")), is_read=request.method == "GET")


def _end(response: Response) -> Response:
    account: Account = g.account
    response.headers["X-Request-Id"] = account.request_id
    telemetry.finished(account, response.status_code, time.perf_counter() - g.started)
    return response


def _answer_faults(app: Flask, issuer: str) -> None:
    """Whatever goes wrong becomes a problem document."""

    @app.errorhandler(Fault)
    def known(fault: Fault) -> Response:
        answer = problems.answer(fault, g.account, issuer, request.path)
        return Response(answer.body, answer.status, answer.headers)

    @app.errorhandler(HTTPException)
    def of_http(error: HTTPException) -> Response:
        return known(faults.of_http(error, request.method))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        telemetry.unexpected(g.account, error)
        return known(Internal("unforeseen"))
