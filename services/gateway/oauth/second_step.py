"""`/sign-in/second-step` (ID10): after the right password, the second factor; only then is there a session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from comptoir.identity.v1 import session_pb2
from services.chassis.errors import Exhausted, Invalid, Unauthenticated
from services.gateway.oauth import arrival
from services.gateway.oauth.arrival import Arrival
from services.gateway.oauth.identity import Identity
from services.gateway.oauth.pages import Pages
from services.gateway.oauth.places import SECOND_STEP, SIGN_IN, onward, with_query
from services.gateway.oauth.redirects import see_other
from services.gateway.oauth.refused import later, told_when
from services.gateway.oauth.targets import Targets
from services.look.page import Problem


@dataclass(frozen=True)
class SecondStep:
    """The page that asks for the factor, and what it submits."""

    identity: Identity
    arrival: Arrival
    pages: Pages
    targets: Targets

    def show(self) -> Response:
        onto = onward(request.args.get("next"))
        if not arrival.challenge():
            return see_other(with_query(SIGN_IN, [("next", onto)]))
        return self._page(onto)

    def submit(self) -> Response:
        fits = self.pages.csrf.fits()
        onto = onward(request.form.get("next"))
        proof = proof_in_form()
        if not fits or proof is None:
            return self._page(onto, [Problem("second_step.missing" if fits else "form.stale")])
        try:
            session = self.arrival.sessions.token()
            started = self.identity.answer_challenge(arrival.challenge(), proof, session)
            return self.arrival.lead(started, onto)
        except Exhausted as fault:
            page = self._page(onto, [later(fault)], HTTPStatus.TOO_MANY_REQUESTS)
            return told_when(page, fault)
        except (Unauthenticated, Invalid):
            return self._page(onto, [Problem("second_step.refused", _field(proof))])

    def _page(
        self,
        onto: str,
        problems: Iterable[Problem] = (),
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        """The page as long as the challenge stands; without a form once it is over."""
        problems = list(problems)
        challenge = self.identity.challenge(arrival.challenge())
        if challenge is None:
            problems = [Problem("second_step.ended")]
        return self.pages.show(
            "second_step.html",
            status if problems else HTTPStatus.OK,
            here=with_query(SECOND_STEP, [("next", onto)]),
            problems=problems,
            form_targets=self.targets.of(onto),
            ui_locales=[challenge.language_code] if challenge else [],
            script=True,
            onto=onto,
            challenge=challenge,
            sign_in=with_query(SIGN_IN, [("next", onto)]),
        )


def proof_in_form() -> session_pb2.AnswerChallengeRequest | None:
    """The first of the proofs that the form holds, in a request that lacks everything else; None if it holds none."""
    form = request.form
    if credential := form.get("credential", ""):
        passkey = session_pb2.PasskeyProof(challenge=form.get("challenge", ""), credential_json=credential)
        return session_pb2.AnswerChallengeRequest(passkey=passkey)
    if code := form.get("code", "").strip():
        return session_pb2.AnswerChallengeRequest(totp_code=code)
    if code := form.get("recovery_code", "").strip():
        return session_pb2.AnswerChallengeRequest(recovery_code=code)
    return None


def _field(proof: session_pb2.AnswerChallengeRequest) -> str:
    """Where on the page the proof was typed, if it was typed."""
    return {"totp_code": "code", "recovery_code": "recovery_code"}.get(proof.WhichOneof("proof") or "", "")
