"""`/account/factors` (ID10): what proves who one is, beside the password: seen, added to, taken away.

Everything here wants a sign-in of the last five minutes, by two factors where there are two: whoever comes without is
sent to sign in, and back. Factors are added on the page that asks for the first one, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from services.chassis.errors import Invalid, NotFound, Precondition, Unauthenticated
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import ENROL, FACTORS, SIGN_IN, with_query
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.sessions import Sessions, SignedIn
from services.look import dates
from services.look.page import Problem

_STAYS = {
    "SECOND_FACTOR_REQUIRED": "factors.required",
    "PASSWORD_TOO_SHORT": "factors.password_too_short",
}
"""Why the last factor stays, by identity's reason."""


@dataclass(frozen=True)
class Factors:
    """The page, and what its buttons do."""

    identity: Identity
    sessions: Sessions
    pages: Pages

    def show(self) -> Response:
        person = self.sessions.current()
        return self._page(person) if person else _sign_in()

    def submit(self) -> Response:
        """Takes away what the form names, or makes new recovery codes."""
        fits, person = self.pages.csrf.fits(), self.sessions.current()
        if person is None:
            return _sign_in()
        if not fits:
            return self._page(person, [Problem("form.stale")])
        try:
            if "renew" in request.form:
                return self._codes(person)
            passkey = request.form.get("passkey", "")
            if passkey or "totp" in request.form:
                self.identity.remove_factor(person.token, passkey)
        except Unauthenticated:
            return _sign_in()
        except Precondition as fault:
            return (
                self._page(person, [Problem(_STAYS[fault.reason])]) if fault.reason in _STAYS else _sign_in()
            )
        except (Invalid, NotFound):
            # It is gone, which is what was wanted; or it never was.
            pass
        return see_other(FACTORS)

    def _codes(self, person: SignedIn) -> Response:
        codes = self.identity.renew_recovery_codes(person.token)
        locales = [person.session.language_code]
        return self.pages.show(
            "recovery_codes.html", ui_locales=locales, here=FACTORS, codes=codes, onto=FACTORS
        )

    def _page(self, person: SignedIn, problems: Iterable[Problem] = ()) -> Response:
        problems = list(problems)
        try:
            held = self.identity.factors(person.token)
        except (Unauthenticated, Precondition):
            return _sign_in()
        return self.pages.show(
            "factors.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
            here=FACTORS,
            problems=problems,
            ui_locales=[person.session.language_code],
            held=held,
            day=dates.day,
            action=FACTORS,
            add=with_query(ENROL, [("next", FACTORS)]),
        )


def _sign_in() -> Response:
    return see_other(with_query(SIGN_IN, [("next", FACTORS)]))
