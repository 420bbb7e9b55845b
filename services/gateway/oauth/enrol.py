"""`/sign-in/enrol` (ID10): the first factor of somebody whom a company lets in only with one, or one more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request
from markupsafe import Markup

from services.chassis.errors import Exists, Invalid, Precondition, Unauthenticated
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import ENROL, SIGN_IN, onward, pending_authorization, with_query
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.second_step import proof_in_form
from services.gateway.oauth.sessions import Sessions, SignedIn
from services.gateway.oauth.targets import Targets
from services.look.page import Problem

_ENOUGH = {
    "PASSKEY_EXISTS": "enrol.passkey_exists",
    "TOO_MANY_PASSKEYS": "enrol.too_many_passkeys",
}
"""Why a passkey is not added, by identity's reason."""


@dataclass(frozen=True)
class Enrol:
    """The page that offers a passkey and an application, what it submits, and the recovery codes that come of it."""

    identity: Identity
    sessions: Sessions
    pages: Pages
    targets: Targets

    def show(self) -> Response:
        onto = onward(request.args.get("next"))
        return self._for_whoever_is_here(onto)

    def submit(self) -> Response:
        fits = self.pages.csrf.fits()
        onto, person, proof = onward(request.form.get("next")), self.sessions.current(), proof_in_form()
        if person is None or not fits or proof is None:
            problem = Problem("second_step.missing", "code") if fits else Problem("form.stale")
            return self._for_whoever_is_here(onto, [problem])
        try:
            codes = self.identity.finish_enrolment(person.token, proof)
        except Invalid:
            return self._for_whoever_is_here(onto, [Problem("second_step.refused", "code")])
        except (Exists, Precondition, Unauthenticated) as fault:
            problems = [Problem(_ENOUGH[fault.reason])] if fault.reason in _ENOUGH else []
            return self._for_whoever_is_here(onto, problems)
        if not codes:
            return see_other(onto)
        return self.pages.show(
            "recovery_codes.html", ui_locales=[person.session.language_code], codes=codes, onto=onto
        )

    def _for_whoever_is_here(self, onto: str, problems: Iterable[Problem] = ()) -> Response:
        """The page; or first the one to sign in at, where that is too long ago or was done without a factor."""
        person = self.sessions.current()
        if person is None:
            return see_other(with_query(SIGN_IN, [("next", with_query(ENROL, [("next", onto)]))]))
        try:
            return self._page(person, onto, list(problems))
        except Unauthenticated:
            return see_other(with_query(SIGN_IN, [("next", with_query(ENROL, [("next", onto)]))]))
        except Precondition:
            # There is a factor: what is missing is that it was shown.
            return see_other(with_query(SIGN_IN, [("next", onto)]))

    def _page(self, person: SignedIn, onto: str, problems: list[Problem]) -> Response:
        offer = self.identity.begin_enrolment(person.token)
        return self.pages.show(
            "enrol.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
            here=with_query(ENROL, [("next", onto)]),
            problems=problems,
            form_targets=self.targets.of(onto),
            ui_locales=[person.session.language_code],
            script=True,
            onto=onto,
            asked_for=bool(pending_authorization(onto)),
            offer=offer,
            # Drawn by identity, of nothing that anybody typed but the login, which has letters and digits.
            picture=Markup(offer.qr_svg),  # noqa: S704
        )
