"""`/oauth2/authorize`, and the page that asks a person to consent and to choose a company."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError
from authlib.oidc.core.errors import ConsentRequiredError, InteractionRequiredError, LoginRequiredError
from flask import Response, request

from services.chassis.errors import Fault
from services.gateway.oauth.authorization_request import Wishes
from services.gateway.oauth.code_grant import Agreement, CodeGrant, FactorMissing
from services.gateway.oauth.freshness import MARK, Freshness
from services.gateway.oauth.id_tokens import IdTokens
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import AUTHORIZE, CONSENT, ENROL, SIGN_IN, with_query
from services.gateway.oauth.pushed import PushedRequests
from services.gateway.oauth.redirects import from_fault, see_other
from services.gateway.oauth.server import Server
from services.gateway.oauth.sessions import Sessions, SignedIn
from services.look.headers import form_target
from services.look.page import Problem

ALLOW = "allow"


@dataclass(frozen=True)
class AuthorizationEndpoint:
    """Brings an application's request and a person together (RFC 6749 4.1.1, OIDC Core 3.1.2)."""

    server: Server
    sessions: Sessions
    pages: Pages
    freshness: Freshness
    id_tokens: IdTokens
    pushed: PushedRequests

    def ask(self) -> Response:
        """Answers at once where nothing is left to ask, otherwise shows the page that does."""
        taken = self.pushed.taken()
        if taken is not None:
            return see_other(with_query(AUTHORIZE, taken))
        grant = self._grant()
        wishes = Wishes.of(grant.request.payload)
        with _told_to_application(grant):
            person = self._person(wishes)
            if person is None:
                return self._sign_in(wishes)
            if not wishes.are_met_by(person.session.level):
                return self._enrol(wishes)
            companies = _companies(person, wishes, grant.request.client.company)
            company = _settled(companies)
            consented = self._has_consented(grant, wishes, person)
            if company is not None and consented:
                return self._agreed(grant, wishes, person, company)
            if wishes.silent:
                raise InteractionRequiredError() if consented else ConsentRequiredError()
            return self._page(grant, wishes, person, companies)

    def ask_by_form(self) -> Response:
        """The same request as a form (OIDC Core 3.1.2.1), sent on as a link: another site's form brings no cookie."""
        return see_other(with_query(AUTHORIZE, request.form.items(multi=True)))

    def decide(self) -> Response:
        """What the person decided on the page, for the request that is still in the address."""
        fits = self.pages.csrf.fits()
        grant = self._grant()
        wishes = Wishes.of(grant.request.payload)
        with _told_to_application(grant):
            person = self._person(wishes)
            if person is None:
                return self._sign_in(wishes)
            companies = _companies(person, wishes, grant.request.client.company)
            if not fits:
                return self._page(grant, wishes, person, companies, [Problem("form.stale")])
            if request.form.get("decision") != ALLOW:
                return self._answer(grant, None)
            company = _settled(companies, request.form.get("company"))
            if company is None:
                problem = Problem("consent.company_missing", "company-1")
                return self._page(grant, wishes, person, companies, [problem])
            return self._agreed(grant, wishes, person, company)

    def _grant(self) -> CodeGrant:
        parameters, pushed = self.pushed.parameters(request.args)
        asked = self.server.pushed_request(parameters) if pushed else parameters
        grant = self.server.get_consent_grant(asked)
        assert isinstance(grant, CodeGrant)
        return grant

    def _person(self, wishes: Wishes) -> SignedIn | None:
        """Who is signed in, if that is enough for the application."""
        person = self.sessions.current()
        if person is None:
            return None
        signed_in = person.session.authenticate_time.ToDatetime(UTC)
        mark = request.args.get(MARK, "")
        if not self.freshness.suffices(signed_in, wishes.prompts, wishes.max_age, mark):
            return None
        if wishes.id_token_hint:
            hint = self.id_tokens.read(wishes.id_token_hint)
            return person if hint is not None and hint.subject == person.subject else None
        return person

    def _sign_in(self, wishes: Wishes) -> Response:
        if wishes.silent:
            raise LoginRequiredError()
        kept = [(name, value) for name, value in request.args.items(multi=True) if name != MARK]

        def onward(mark: str) -> Response:
            return see_other(with_query(SIGN_IN, [("next", with_query(AUTHORIZE, [*kept, (MARK, mark)]))]))

        return self.freshness.mark(onward)

    def _has_consented(self, grant: CodeGrant, wishes: Wishes, person: SignedIn) -> bool:
        if "consent" in wishes.prompts:
            return False
        return self.server.identity.has_consented(person.token, grant.request.client.client_id, grant.scopes)

    def _agreed(self, grant: CodeGrant, wishes: Wishes, person: SignedIn, company: str) -> Response:
        """The person's yes, if they have proved enough for the application and for the company."""
        try:
            if not wishes.are_met_by(person.session.level):
                raise FactorMissing
            return self._answer(grant, Agreement(person.token, company))
        except FactorMissing:
            return self._enrol(wishes)

    def _enrol(self, wishes: Wishes) -> Response:
        """Leads to where a second factor is added, or shown, and back to the request."""
        if wishes.silent:
            raise InteractionRequiredError()
        back = with_query(AUTHORIZE, request.args.items(multi=True))
        return see_other(with_query(ENROL, [("next", back)]))

    def _answer(self, grant: CodeGrant, agreement: Agreement | None) -> Response:
        response = self.server.create_authorization_response(grant.request, agreement, grant)
        assert isinstance(response, Response)
        return self.freshness.spend(response)

    def _page(
        self,
        grant: CodeGrant,
        wishes: Wishes,
        person: SignedIn,
        companies: dict[str, str],
        problems: Iterable[Problem] = (),
    ) -> Response:
        problems = list(problems)
        return self.pages.show(
            "consent.html",
            422 if problems else 200,
            here=with_query(AUTHORIZE, request.args.items(multi=True)),
            problems=problems,
            # The browser applies the page's policy to the redirect that answers the form, too.
            form_targets=[form_target(grant.redirect_uri)],
            ui_locales=(*wishes.ui_locales, person.session.language_code),
            action=with_query(CONSENT, request.args.items(multi=True)),
            client=grant.request.client,
            scopes=[scope for scope in grant.scopes if scope != "openid"],
            person=person.session.user_display_name,
            companies=companies,
        )


@contextmanager
def _told_to_application(grant: CodeGrant) -> Iterator[None]:
    """From here on the redirect URI is known to be the application's, so errors go there."""
    try:
        yield
    except OAuth2Error as error:
        error.redirect_uri, error.state = grant.redirect_uri, grant.request.payload.state
        raise
    except Fault as fault:
        raise from_fault(fault, grant.redirect_uri, grant.request.payload.state) from fault


def _companies(person: SignedIn, wishes: Wishes, only: str) -> dict[str, str]:
    """The companies left to choose from; one that is not the person's is refused like one that is not there.

    `only`: the company that registered the application, if one has: it acts in no other.
    """
    wanted = wishes.company or only
    if not wanted and (person.companies or person.session.operator):
        return person.companies
    if wanted not in person.companies or (only and wanted != only):
        raise AccessDeniedError()
    return {wanted: person.companies[wanted]}


def _settled(companies: dict[str, str], chosen: str | None = None) -> str | None:
    """The company the tokens are for: empty where there is none, None while the choice is open."""
    if len(companies) <= 1:
        return next(iter(companies), "")
    return chosen if chosen in companies else None
