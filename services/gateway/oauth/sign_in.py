"""`/sign-in` (ID1): login and password, in six languages, without a script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from services.chassis.errors import Exhausted, Invalid, Unauthenticated
from services.gateway.oauth.arrival import Arrival
from services.gateway.oauth.help import HelpSettings
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import (
    PASSKEY,
    PASSWORD_HELP,
    SIGN_IN,
    onward,
    with_query,
)
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.refused import later, told_when
from services.gateway.oauth.sessions import Sessions
from services.gateway.oauth.targets import Targets
from services.look.languages import known
from services.look.page import LANGUAGE_PARAMETER, Problem

_LONGEST_HINT = 128


@dataclass(frozen=True)
class SignIn:
    """The page, what it submits, and where it leads when nobody sent the browser here."""

    identity: Identity
    sessions: Sessions
    arrival: Arrival
    pages: Pages
    targets: Targets
    help: HelpSettings

    def show(self) -> Response:
        onto = onward(request.args.get("next"))
        # Only ever repeated to whoever sent it: nothing is looked up, so nothing is told about accounts.
        hint = self.targets.pending(onto).get("login_hint", "")
        return self._page(onto, login=hint[:_LONGEST_HINT])

    def submit(self) -> Response:
        """Unknown login and wrong password are one answer, and identity takes the same time over both."""
        fits = self.pages.csrf.fits()
        onto = onward(request.form.get("next"))
        login, password = request.form.get("login", "").strip(), request.form.get("password", "")
        missing = [
            Problem(f"sign_in.{f}_missing", f) for f in ("login", "password") if not request.form.get(f)
        ]
        if missing or not fits:
            return self._page(onto, login=login, problems=missing if fits else [Problem("form.stale")])
        try:
            language = known(request.form.get("language")) or ""
            started = self.identity.start_session(login, password, language, self.sessions.token())
        except (Unauthenticated, Invalid):
            return self._page(onto, login=login, problems=[Problem("sign_in.refused", "login")])
        except Exhausted as fault:
            return self._later(onto, login, fault)
        return self.arrival.lead(started, onto)

    def signed_in(self) -> Response:
        """Who is signed in."""
        person = self.sessions.current()
        if person is None:
            return see_other(SIGN_IN)
        return self.pages.show(
            "signed_in.html",
            ui_locales=[person.session.language_code],
            person=person.session.user_display_name,
        )

    def _later(self, onto: str, login: str, fault: Exhausted) -> Response:
        page = self._page(onto, HTTPStatus.TOO_MANY_REQUESTS, login=login, problems=[later(fault)])
        return told_when(page, fault)

    def _page(
        self,
        onto: str,
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
        *,
        login: str,
        problems: Iterable[Problem] = (),
    ) -> Response:
        problems = list(problems)
        pending = self.targets.pending(onto)
        application, targets = self.targets.waiting(onto)
        return self.pages.show(
            "sign_in.html",
            status if problems else HTTPStatus.OK,
            here=with_query(SIGN_IN, [("next", onto)]),
            problems=problems,
            form_targets=targets,
            ui_locales=pending.get("ui_locales", "").split(),
            onto=onto,
            chosen_language=known(request.args.get(LANGUAGE_PARAMETER) or request.form.get("language")),
            login=login,
            application=application,
            passkey=with_query(PASSKEY, [("next", onto)]),
            password_help=PASSWORD_HELP,
            faq=self.help.faq,
        )
