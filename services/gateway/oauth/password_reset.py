"""`/help/password` and `/password/reset` (ID5): one procedure for a forgotten password and a locked account.

Sign-in leads to the second page too, with the place to go on to, where a password is too old or too short (ID9, ID10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from services.chassis.errors import Exhausted, Invalid, Precondition
from services.gateway.oauth.help import HelpSettings
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import PASSWORD_HELP, PASSWORD_RESET, SIGN_IN, onward, with_query
from services.gateway.oauth.refused import broken_password, later, told_when
from services.look.page import Problem

_LONGEST = 254
_LINK = "link"


@dataclass(frozen=True)
class PasswordReset:
    """Asks for a link by mail, and for the new password that it opens the way to."""

    identity: Identity
    pages: Pages
    help: HelpSettings

    def ask(self) -> Response:
        """Asks who it is about."""
        return self._ask()

    def send(self) -> Response:
        """One answer whoever it is: identity finds out whether there is anybody, and tells it to nobody here."""
        fits, typed = self.pages.csrf.fits(), request.form.get("account", "").strip()
        if not typed or not fits:
            problem = Problem("reset.account_missing", "account") if fits else Problem("form.stale")
            return self._ask(typed, problem)
        if len(typed) > _LONGEST or "\0" in typed:
            return self._ask("", Problem("reset.account_missing", "account"))
        try:
            self.identity.request_password_reset(typed)
        except Exhausted as fault:
            page = self._ask(typed, later(fault), status=HTTPStatus.TOO_MANY_REQUESTS)
            return told_when(page, fault)
        return self.pages.show("reset_sent.html", here=PASSWORD_HELP, sign_in=SIGN_IN)

    def choose(self) -> Response:
        """The form for the new password, if the link is good."""
        return self._choose(request.args.get(_LINK, ""), request.args.get("next", ""))

    def submit(self) -> Response:
        """Sets it. Whatever breaks the rule is named, and the link stays good."""
        fits, link, onto = self.pages.csrf.fits(), request.form.get(_LINK, ""), request.form.get("next", "")
        chosen = request.form.get("new_password", "")
        if not fits:
            return self._choose(link, onto, [Problem("form.stale")])
        if not chosen:
            return self._choose(link, onto, [Problem("reset.password_missing", "new_password")])
        if chosen != request.form.get("repeated_password", ""):
            return self._choose(link, onto, [Problem("reset.password_differs", "repeated_password")])
        try:
            self.identity.reset_password(link, chosen)
        except Precondition:
            return self._over()
        except Invalid as fault:
            # None if it is the link that no link can look like.
            broken = broken_password(fault, "new_password")
            return self._choose(link, onto, broken) if broken else self._over()
        except Exhausted as fault:
            page = self._choose(link, onto, [later(fault)], HTTPStatus.TOO_MANY_REQUESTS)
            return told_when(page, fault)
        self.pages.csrf.renew()
        sign_in = with_query(SIGN_IN, [("next", onward(onto))] if onto else [])
        return self.pages.show("reset_done.html", here=sign_in, sign_in=sign_in)

    def _ask(self, typed: str = "", problem: Problem | None = None, *, status: int = 422) -> Response:
        return self.pages.show(
            "help_password.html",
            status if problem else HTTPStatus.OK,
            here=PASSWORD_HELP,
            problems=[problem] if problem else [],
            account=typed[:_LONGEST],
            action=PASSWORD_HELP,
            support=self.help.support,
            sign_in=SIGN_IN,
        )

    def _choose(self, link: str, onto: str, problems: Iterable[Problem] = (), status: int = 422) -> Response:
        """The form. `onto`: where sign-in was going that found the password not enough; empty if a mail led here."""
        problems, shortest = list(problems), self.identity.shortest_new_password(link)
        if shortest is None:
            return self._over()
        return self.pages.show(
            "reset_choose.html",
            status if problems else HTTPStatus.OK,
            here=with_query(PASSWORD_RESET, [(_LINK, link), *([("next", onto)] if onto else [])]),
            problems=problems,
            link=link,
            onto=onto,
            shortest=shortest,
            action=PASSWORD_RESET,
        )

    def _over(self) -> Response:
        return self.pages.show(
            "reset_over.html", HTTPStatus.GONE, here=PASSWORD_HELP, password_help=PASSWORD_HELP
        )
