"""`/sign-in/passkey` (ID10): a passkey alone. The only way in that needs a script, as browsers offer it to no form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from comptoir.identity.v1 import session_pb2
from services.chassis.errors import Invalid, Unauthenticated
from services.gateway.oauth.arrival import Arrival
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import PASSKEY, SIGN_IN, onward, with_query
from services.gateway.oauth.targets import Targets
from services.look.languages import known
from services.look.page import LANGUAGE_PARAMETER, Problem


@dataclass(frozen=True)
class PasskeySignIn:
    """The page and what it submits."""

    identity: Identity
    arrival: Arrival
    pages: Pages
    targets: Targets

    def show(self) -> Response:
        return self._page(onward(request.args.get("next")))

    def submit(self) -> Response:
        fits, form = self.pages.csrf.fits(), request.form
        onto = onward(form.get("next"))
        if not fits:
            return self._page(onto, [Problem("form.stale")])
        proof = session_pb2.PasskeyProof(
            challenge=form.get("challenge", ""), credential_json=form.get("credential", "")
        )
        try:
            language = known(form.get("language")) or ""
            started = self.identity.finish_passkey(proof, language, self.arrival.sessions.token())
        except (Unauthenticated, Invalid):
            return self._page(onto, [Problem("passkey.refused")])
        return self.arrival.lead(started, onto)

    def _page(self, onto: str, problems: Iterable[Problem] = ()) -> Response:
        problems, options = list(problems), self.identity.begin_passkey()
        return self.pages.show(
            "passkey.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
            here=with_query(PASSKEY, [("next", onto)]),
            problems=problems,
            form_targets=self.targets.of(onto),
            ui_locales=self.targets.pending(onto).get("ui_locales", "").split(),
            script=True,
            onto=onto,
            chosen_language=known(request.args.get(LANGUAGE_PARAMETER) or request.form.get("language")),
            options=options.options_json,
            challenge=options.challenge,
            sign_in=with_query(SIGN_IN, [("next", onto)]),
        )
