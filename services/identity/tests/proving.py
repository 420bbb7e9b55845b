"""What people do with their factors, as tests need it: real calls, over the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pyotp

from comptoir.identity.v1 import enrolment_pb2, factor_pb2, session_pb2, user_pb2
from services.chassis.testing.tokens import ISSUER
from services.identity.tests.acts import PASSWORD, Acts
from services.identity.tests.authenticator import Authenticator


@dataclass
class Person:
    """Somebody with a place in a company, and what they prove with who they are."""

    acts: Acts
    user: user_pb2.User
    company: str
    token: str = ""
    session: str = ""
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    authenticator: Authenticator | None = None

    def call(self, method: str, request: Any, answer: Any, **more: Any) -> Any:
        return self.acts.identity.call(f"FactorService/{method}", request, answer, token=self.token, **more)

    def enrol_totp(self) -> factor_pb2.EnrolTotpResponse:
        request = factor_pb2.EnrolTotpRequest(name=f"{self.user.name}/totp")
        answer: factor_pb2.EnrolTotpResponse = self.call("EnrolTotp", request, factor_pb2.EnrolTotpResponse)
        self.secret = answer.secret
        return answer

    def confirm_totp(self, code: str) -> factor_pb2.ConfirmTotpResponse:
        request = factor_pb2.ConfirmTotpRequest(name=f"{self.user.name}/totp", code=code)
        answer: factor_pb2.ConfirmTotpResponse = self.call(
            "ConfirmTotp", request, factor_pb2.ConfirmTotpResponse
        )
        self.codes = list(answer.recovery_codes) or self.codes
        return answer

    def delete_totp(self) -> None:
        request = factor_pb2.DeleteTotpRequest(name=f"{self.user.name}/totp")
        self.call("DeleteTotp", request, factor_pb2.DeleteTotpResponse)

    def begin_passkey(self) -> factor_pb2.BeginPasskeyResponse:
        request = factor_pb2.BeginPasskeyRequest(parent=self.user.name)
        found: factor_pb2.BeginPasskeyResponse = self.call(
            "BeginPasskey", request, factor_pb2.BeginPasskeyResponse
        )
        return found

    def keep_passkey(self, challenge: str, credential: str) -> factor_pb2.CreatePasskeyResponse:
        request = factor_pb2.CreatePasskeyRequest(
            parent=self.user.name,
            passkey=factor_pb2.Passkey(display_name="Office laptop"),
            challenge=challenge,
            credential_json=credential,
        )
        answer: factor_pb2.CreatePasskeyResponse = self.call(
            "CreatePasskey", request, factor_pb2.CreatePasskeyResponse
        )
        self.codes = list(answer.recovery_codes) or self.codes
        return answer

    def add_passkey(self, authenticator: Authenticator | None = None) -> factor_pb2.Passkey:
        """A new passkey; by an authenticator of this origin unless it is another."""
        self.authenticator = authenticator or Authenticator(ISSUER)
        begun = self.begin_passkey()
        made = self.authenticator.create(begun.options_json)
        return self.keep_passkey(begun.challenge, made).passkey

    def passkeys(self) -> list[factor_pb2.Passkey]:
        request = factor_pb2.ListPasskeysRequest(parent=self.user.name)
        return list(self.call("ListPasskeys", request, factor_pb2.ListPasskeysResponse).passkeys)

    def remaining(self) -> int:
        request = factor_pb2.GetRecoveryCodesRequest(name=f"{self.user.name}/recoveryCodes")
        return int(self.call("GetRecoveryCodes", request, factor_pb2.RecoveryCodes).remaining)

    def code(self, steps: int = 0) -> str:
        """What the application shows now, or so many steps away."""
        return pyotp.TOTP(self.secret).at(self.acts.identity.resources.clock().timestamp() + 30 * steps)

    def challenge(self, session: str = "", password: str = PASSWORD) -> str:
        """What the browser holds after the right password."""
        request = session_pb2.StartSessionRequest(
            login=self.user.login, password=password, source_address="192.0.2.7", session_token=session
        )
        started = self.acts.identity.call(
            "SessionService/StartSession", request, session_pb2.StartSessionResponse
        )
        assert not started.session_token
        return str(started.challenge_token)

    def answer(self, challenge: str, **proof: Any) -> session_pb2.StartSessionResponse:
        request = session_pb2.AnswerChallengeRequest(challenge_token=challenge, **proof)
        found: session_pb2.StartSessionResponse = self.acts.identity.call(
            "SessionService/AnswerChallenge", request, session_pb2.StartSessionResponse
        )
        return found

    def claims(self, session: str) -> dict[str, Any]:
        """What an access token got in the session says."""
        client = self.acts.client()
        return self.acts.claims(
            self.acts.redeem(client, self.acts.code(session, client.client_id, self.company)).access_token
        )


def somebody(acts: Acts, **details: Any) -> Person:
    """A new person, just signed in with a password, with an access token."""
    user = acts.person(**details)
    company = acts.company()
    acts.place(company, user.name)
    person = Person(acts, user, company)
    again(person, acts.sign_in(user.login))
    return person


def again(person: Person, session: str) -> None:
    """Gives the person a token of this session."""
    client = person.acts.client()
    code = person.acts.code(session, client.client_id, person.company)
    person.session, person.token = session, person.acts.redeem(client, code).access_token


def with_totp(acts: Acts, **details: Any) -> Person:
    """A new person with an authenticator application; the code that confirmed it is some steps ago."""
    person = somebody(acts, **details)
    person.enrol_totp()
    person.confirm_totp(person.code())
    return person


def show(person: Person, challenge: str) -> session_pb2.Challenge:
    """What may answer the challenge."""
    request = session_pb2.ShowChallengeRequest(challenge_token=challenge)
    found: session_pb2.Challenge = person.acts.identity.call(
        "SessionService/ShowChallenge", request, session_pb2.Challenge
    )
    return found


def begin_alone(acts: Acts) -> session_pb2.PasskeyOptions:
    """Options for a passkey of whoever comes."""
    request = session_pb2.BeginPasskeySignInRequest()
    found: session_pb2.PasskeyOptions = acts.identity.call(
        "SessionService/BeginPasskeySignIn", request, session_pb2.PasskeyOptions
    )
    return found


def alone(acts: Acts, challenge: str, credential: str) -> session_pb2.StartSessionResponse:
    """Signs in with a passkey and nothing else."""
    request = session_pb2.FinishPasskeySignInRequest(
        proof=session_pb2.PasskeyProof(challenge=challenge, credential_json=credential)
    )
    found: session_pb2.StartSessionResponse = acts.identity.call(
        "SessionService/FinishPasskeySignIn", request, session_pb2.StartSessionResponse
    )
    return found


def begin_enrolment(acts: Acts, session: str) -> enrolment_pb2.BeginEnrolmentResponse:
    request = enrolment_pb2.BeginEnrolmentRequest(session_token=session)
    found: enrolment_pb2.BeginEnrolmentResponse = acts.identity.call(
        "EnrolmentService/BeginEnrolment", request, enrolment_pb2.BeginEnrolmentResponse
    )
    return found


def finish_enrolment(acts: Acts, session: str, **proof: Any) -> list[str]:
    request = enrolment_pb2.FinishEnrolmentRequest(session_token=session, **proof)
    answer = acts.identity.call(
        "EnrolmentService/FinishEnrolment", request, enrolment_pb2.FinishEnrolmentResponse
    )
    return list(answer.recovery_codes)


def altered(credential: str, **changes: Any) -> str:
    """The credential with other members; None leaves one out."""
    found = {**json.loads(credential), **changes}
    return json.dumps({name: value for name, value in found.items() if value is not None})
