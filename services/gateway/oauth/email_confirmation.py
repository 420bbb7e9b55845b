"""`/account/email` (ID2): the link that was mailed to a new address. Opening it only asks: mail is read by scanners."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from services.chassis.errors import Invalid, Precondition
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import EMAIL, SIGN_IN, with_query
from services.look.page import Problem

_LINK = "link"


@dataclass(frozen=True)
class EmailConfirmation:
    """The question, and the answer to it."""

    identity: Identity
    pages: Pages

    def ask(self) -> Response:
        return self._question(request.args.get(_LINK, ""))

    def submit(self) -> Response:
        fits, link = self.pages.csrf.fits(), request.form.get(_LINK, "")
        if not fits:
            return self._question(link, [Problem("form.stale")])
        try:
            self.identity.confirm_email(link)
        except (Precondition, Invalid):
            return self._said("email.over", HTTPStatus.GONE)
        return self._said("email.done", HTTPStatus.OK)

    def _question(self, link: str, problems: Iterable[Problem] = ()) -> Response:
        """Without a link there is nothing to ask; whether one is still good, identity says only by taking it."""
        if not link:
            return self._said("email.over", HTTPStatus.GONE)
        problems = list(problems)
        return self.pages.show(
            "email_confirm.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
            here=with_query(EMAIL, [(_LINK, link)]),
            problems=problems,
            link=link,
            action=EMAIL,
        )

    def _said(self, key: str, status: int) -> Response:
        return self.pages.show("email_said.html", status, here=SIGN_IN, key=key, sign_in=SIGN_IN)
