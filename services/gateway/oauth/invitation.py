"""`/invitation` (ID7, ID8): where the link of an invitation leads, for newcomers and for who has an account already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from comptoir.identity.v1 import invitation_pb2, membership_pb2
from services.chassis.errors import Exhausted, Exists, Invalid, Precondition, Unauthenticated
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages, spoken
from services.gateway.oauth.places import INVITATION, SIGN_IN, with_query
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.refused import broken_password, later, told_when
from services.gateway.oauth.sessions import Sessions
from services.look.languages import first_known
from services.look.page import Problem

_LINK = "link"
_TYPED = ("login", "given_name", "family_name")


@dataclass(frozen=True)
class Invitation:
    """Shows what is offered, and takes it: with a new account, or in the name of who is signed in."""

    identity: Identity
    sessions: Sessions
    pages: Pages

    def show(self) -> Response:
        link = request.args.get(_LINK, "")
        offer = self.identity.invitation(link)
        if offer is None:
            return self._over()
        person = self.sessions.current()
        if person is None:
            return self._newcomer(link, offer)
        return self._page(
            "invitation_own.html", link, offer, person=person.session.user_display_name, sign_in=SIGN_IN
        )

    def submit(self) -> Response:
        """The page's one form: whose it was shown to, the field `own` tells."""
        fits, link = self.pages.csrf.fits(), request.form.get(_LINK, "")
        if not fits:
            return see_other(with_query(INVITATION, [(_LINK, link)]))
        return self._claim(link) if "own" in request.form else self._accept(link)

    def _claim(self, link: str) -> Response:
        """An operator decides. The place may be theirs already, which they may know."""
        person = self.sessions.current()
        if person is None:
            return see_other(with_query(INVITATION, [(_LINK, link)]))
        try:
            self.identity.claim_invitation(link, person.token)
        except Exists:
            return self._done("invitation.there", HTTPStatus.CONFLICT)
        except Unauthenticated:
            return see_other(with_query(INVITATION, [(_LINK, link)]))
        except (Precondition, Invalid):
            return self._over()
        return self._done("invitation.asked")

    def _accept(self, link: str) -> Response:
        """What breaks a rule is named, and the link stays good."""
        offer = self.identity.invitation(link)
        if offer is None:
            return self._over()
        password = request.form.get("new_password", "")
        problems = [Problem(f"invitation.{name}_missing", name) for name in _TYPED if not _typed(name)]
        if not password:
            problems.append(Problem("reset.password_missing", "new_password"))
        elif password != request.form.get("repeated_password", ""):
            problems.append(Problem("reset.password_differs", "repeated_password"))
        if problems:
            return self._newcomer(link, offer, problems)
        asked = invitation_pb2.AcceptInvitationRequest(
            link=link,
            password=password,
            language_code=spoken([offer.language_code]),
            login=_typed("login"),
            given_name=_typed("given_name"),
            family_name=_typed("family_name"),
        )
        try:
            self.identity.accept_invitation(asked)
        except Exists:
            return self._newcomer(link, offer, [Problem("invitation.login_taken", "login")])
        except Invalid as fault:
            return self._newcomer(link, offer, _broken(fault))
        except Precondition:
            return self._over()
        except Exhausted as fault:
            page = self._newcomer(link, offer, [later(fault)], HTTPStatus.TOO_MANY_REQUESTS)
            return told_when(page, fault)
        self.pages.csrf.renew()
        return self._done("invitation.taken")

    def _newcomer(
        self,
        link: str,
        offer: invitation_pb2.ShownInvitation,
        problems: Iterable[Problem] = (),
        status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        problems = list(problems)
        here = with_query(INVITATION, [(_LINK, link)])
        return self._page(
            "invitation_new.html",
            link,
            offer,
            status if problems else HTTPStatus.OK,
            problems=problems,
            email=offer.email,
            sign_in=with_query(SIGN_IN, [("next", here)]),
            typed={name: _typed(name) for name in _TYPED},
        )

    def _page(
        self,
        template: str,
        link: str,
        offer: invitation_pb2.ShownInvitation,
        status: int = HTTPStatus.OK,
        **values: Any,
    ) -> Response:
        role = membership_pb2.Role.Name(offer.role).removeprefix("ROLE_").lower()
        return self.pages.show(
            template,
            status,
            here=with_query(INVITATION, [(_LINK, link)]),
            ui_locales=[first_known(offer.language_code)],
            link=link,
            action=INVITATION,
            company=offer.company_display_name,
            role_key=f"role.{role}",
            **values,
        )

    def _done(self, key: str, status: int = HTTPStatus.OK) -> Response:
        return self.pages.show("invitation_done.html", status, here=SIGN_IN, key=key, sign_in=SIGN_IN)

    def _over(self) -> Response:
        return self.pages.show("invitation_over.html", HTTPStatus.GONE, here=SIGN_IN, sign_in=SIGN_IN)


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()


def _broken(fault: Invalid) -> list[Problem]:
    """The rules that are broken, each at its field."""
    fields = {found.field for found in fault.violations}
    named = [Problem(f"invitation.{name}_wrong", name) for name in _TYPED if name in fields]
    return [*named, *broken_password(fault, "password")] or [Problem("invitation.wrong")]
