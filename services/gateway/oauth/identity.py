"""The identity service as these pages see it: one typed function an RPC, nothing kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from flask import g, request
from google.protobuf.message import Message

from comptoir.identity.v1 import (
    enrolment_pb2,
    invitation_pb2,
    oauth_pb2,
    password_pb2,
    session_pb2,
    user_pb2,
)
from services.chassis.errors import Invalid, NotFound, Precondition, Unauthenticated
from services.gateway.backend import Backend
from services.gateway.oauth import devices
from services.gateway.telemetry import Account

_LONGEST_AGENT = 512
M = TypeVar("M", bound=Message)


def _from_here(session: str) -> dict[str, Any]:
    """Where a sign-in comes from, and the session that the browser brought along."""
    return {
        "source_address": request.remote_addr or "",
        "user_agent": request.user_agent.string[:_LONGEST_AGENT],
        "session_token": session,
    }


def current_request_id() -> str:
    """Id of the request being served."""
    return account().request_id


def account() -> Account:
    """What the application tells of the request being served."""
    found: Account = g.account
    return found


@dataclass(frozen=True)
class Identity:
    """Calls identity for the gateway itself, inside a request; raises the faults that the calls end with."""

    backend: Backend

    def client(self, client_id: str) -> oauth_pb2.Client | None:
        """What is registered under the id, if anything."""
        try:
            return self._oauth("GetClient", oauth_pb2.GetClientRequest(client_id=client_id), oauth_pb2.Client)
        except (NotFound, Invalid):
            return None

    def start_session(
        self, login: str, password: str, language: str, session: str
    ) -> session_pb2.StartSessionResponse:
        """Signs a person in, from where this request comes; a language chosen on the page is their preference.
        `session`: what the browser brought along, which goes on if it is the same person's."""
        asked = session_pb2.StartSessionRequest(
            login=login,
            password=password,
            language_code=language,
            device_tokens=devices.shown(),
            **_from_here(session),
        )
        return self._session("StartSession", asked, session_pb2.StartSessionResponse)

    def challenge(self, token: str) -> session_pb2.Challenge | None:
        """What may answer the challenge, unless it is over."""
        try:
            asked = session_pb2.ShowChallengeRequest(challenge_token=token)
            return self._session("ShowChallenge", asked, session_pb2.Challenge)
        except (Unauthenticated, Invalid):
            return None

    def answer_challenge(
        self, token: str, proof: session_pb2.AnswerChallengeRequest, session: str
    ) -> session_pb2.StartSessionResponse:
        """Signs a person in by their second factor."""
        asked = session_pb2.AnswerChallengeRequest(challenge_token=token, **_from_here(session))
        asked.MergeFrom(proof)
        return self._session("AnswerChallenge", asked, session_pb2.StartSessionResponse)

    def begin_passkey(self) -> session_pb2.PasskeyOptions:
        """Options for whoever comes with a passkey alone."""
        asked = session_pb2.BeginPasskeySignInRequest()
        return self._session("BeginPasskeySignIn", asked, session_pb2.PasskeyOptions)

    def finish_passkey(
        self, proof: session_pb2.PasskeyProof, language: str, session: str
    ) -> session_pb2.StartSessionResponse:
        """Signs a person in by a passkey alone."""
        asked = session_pb2.FinishPasskeySignInRequest(
            proof=proof, language_code=language, **_from_here(session)
        )
        return self._session("FinishPasskeySignIn", asked, session_pb2.StartSessionResponse)

    def begin_enrolment(self, session_token: str) -> enrolment_pb2.BeginEnrolmentResponse:
        """What the person may add as a first factor."""
        asked = enrolment_pb2.BeginEnrolmentRequest(session_token=session_token)
        return self._enrolment("BeginEnrolment", asked, enrolment_pb2.BeginEnrolmentResponse)

    def finish_enrolment(self, session_token: str, proof: session_pb2.AnswerChallengeRequest) -> list[str]:
        """Adds it, and gives the recovery codes."""
        asked = enrolment_pb2.FinishEnrolmentRequest(session_token=session_token)
        if proof.HasField("passkey"):
            asked.passkey.CopyFrom(proof.passkey)
        else:
            asked.totp_code = proof.totp_code
        return list(
            self._enrolment("FinishEnrolment", asked, enrolment_pb2.FinishEnrolmentResponse).recovery_codes
        )

    def factors(self, session_token: str) -> enrolment_pb2.ShownFactors:
        """What proves who the person is, beside the password."""
        asked = enrolment_pb2.ShowFactorsRequest(session_token=session_token)
        return self._enrolment("ShowFactors", asked, enrolment_pb2.ShownFactors)

    def remove_factor(self, session_token: str, passkey_id: str) -> None:
        """Takes a passkey away, or the authenticator application where none is named."""
        asked = enrolment_pb2.RemoveFactorRequest(session_token=session_token)
        if passkey_id:
            asked.passkey_id = passkey_id
        else:
            asked.totp = True
        self._enrolment("RemoveFactor", asked, enrolment_pb2.RemoveFactorResponse)

    def renew_recovery_codes(self, session_token: str) -> list[str]:
        """New recovery codes."""
        asked = enrolment_pb2.RenewRecoveryCodesRequest(session_token=session_token)
        answer = enrolment_pb2.RenewRecoveryCodesResponse
        return list(self._enrolment("RenewRecoveryCodes", asked, answer).codes)

    def session(self, token: str) -> session_pb2.Session | None:
        """The session behind the token, marked as used, unless it has ended."""
        try:
            asked = session_pb2.TouchSessionRequest(session_token=token)
            return self._session("TouchSession", asked, session_pb2.Session)
        except (Unauthenticated, Invalid):
            return None

    def end_session(self, token: str) -> None:
        """Ends it, with the refresh tokens bound to it; one that has ended already is no error."""
        try:
            asked = session_pb2.EndSessionRequest(session_token=token)
            self._session("EndSession", asked, session_pb2.EndSessionResponse)
        except (Unauthenticated, Invalid, NotFound):
            return

    def request_password_reset(self, typed: str) -> None:
        """Has a link mailed to whoever it is; nobody learns whether there was anybody."""
        asked = password_pb2.RequestPasswordResetRequest(
            login_or_email=typed, source_address=request.remote_addr or ""
        )
        self._password("RequestPasswordReset", asked, password_pb2.RequestPasswordResetResponse)

    def shortest_new_password(self, link: str) -> int | None:
        """How many characters the password has at least that the link of a mail sets, if it is still good."""
        asked, answer = (
            password_pb2.CheckPasswordResetRequest(link=link),
            password_pb2.CheckPasswordResetResponse,
        )
        try:
            return self._password("CheckPasswordReset", asked, answer).shortest_password
        except (Precondition, Invalid):
            return None

    def reset_password(self, link: str, password: str) -> None:
        """Sets a new password for the link."""
        asked = password_pb2.ResetPasswordRequest(link=link, new_password=password)
        self._password("ResetPassword", asked, password_pb2.ResetPasswordResponse)

    def confirm_email(self, link: str) -> None:
        """Makes the address count to which the link was mailed."""
        asked = user_pb2.ConfirmEmailRequest(link=link)
        answer = user_pb2.ConfirmEmailResponse
        self.backend.ask("UserService/ConfirmEmail", asked, answer, request_id=current_request_id())

    def invitation(self, link: str) -> invitation_pb2.ShownInvitation | None:
        """What the link of a mail offers, if it is still good."""
        try:
            asked = invitation_pb2.ShowInvitationRequest(link=link)
            return self._invitation("ShowInvitation", asked, invitation_pb2.ShownInvitation)
        except (Precondition, Invalid, NotFound):
            return None

    def accept_invitation(self, asked: invitation_pb2.AcceptInvitationRequest) -> None:
        """Takes the place with a new account."""
        self._invitation("AcceptInvitation", asked, invitation_pb2.AcceptInvitationResponse)

    def claim_invitation(self, link: str, session_token: str) -> None:
        """Asks for the place in the name of who is signed in."""
        asked = invitation_pb2.ClaimInvitationRequest(link=link, session_token=session_token)
        self._invitation("ClaimInvitation", asked, invitation_pb2.ClaimInvitationResponse)

    def has_consented(self, session_token: str, client_id: str, scopes: list[str]) -> bool:
        """Whether the person need not be asked for these scopes again."""
        asked = oauth_pb2.GetConsentRequest(session_token=session_token, client_id=client_id, scopes=scopes)
        return self._oauth("GetConsent", asked, oauth_pb2.Consent).granted

    def authorization_code(self, asked: oauth_pb2.CreateAuthorizationCodeRequest) -> str:
        """A code for what the person agreed to."""
        return self._oauth("CreateAuthorizationCode", asked, oauth_pb2.CreateAuthorizationCodeResponse).code

    def redeem(self, asked: oauth_pb2.RedeemGrantRequest) -> oauth_pb2.TokenSet:
        """Tokens for a grant: client authentication, single use and signatures are all this one RPC."""
        return self._oauth("RedeemGrant", asked, oauth_pb2.TokenSet)

    def revoke(self, asked: oauth_pb2.RevokeTokenRequest) -> None:
        """Ends what the token belongs to."""
        self._oauth("RevokeToken", asked, oauth_pb2.RevokeTokenResponse)

    def introspect(self, asked: oauth_pb2.IntrospectTokenRequest) -> oauth_pb2.IntrospectTokenResponse:
        """What a token of the client's own stands for."""
        return self._oauth("IntrospectToken", asked, oauth_pb2.IntrospectTokenResponse)

    def push(
        self, asked: oauth_pb2.PushAuthorizationRequestRequest
    ) -> oauth_pb2.PushAuthorizationRequestResponse:
        """Keeps an authorization request for a minute."""
        return self._oauth("PushAuthorizationRequest", asked, oauth_pb2.PushAuthorizationRequestResponse)

    def take_pushed(self, client_id: str, request_id: str) -> str | None:
        """The pushed request's parameters, the first time that they are asked for."""
        asked = oauth_pb2.TakePushedRequestRequest(client_id=client_id, request_id=request_id)
        try:
            return self._oauth("TakePushedRequest", asked, oauth_pb2.TakePushedRequestResponse).parameters
        except (Precondition, Invalid):
            return None

    def user(self, subject: str) -> user_pb2.User:
        """The account of the person whom a verified access token is for."""
        asked = user_pb2.GetUserInfoRequest(name=f"users/{subject}")
        return self.backend.ask(
            "UserService/GetUserInfo", asked, user_pb2.User, request_id=current_request_id()
        )

    def _oauth(self, method: str, asked: Message, answer: type[M]) -> M:
        return self.backend.ask(f"OAuthService/{method}", asked, answer, request_id=current_request_id())

    def _invitation(self, method: str, asked: Message, answer: type[M]) -> M:
        return self.backend.ask(f"InvitationService/{method}", asked, answer, request_id=current_request_id())

    def _password(self, method: str, asked: Message, answer: type[M]) -> M:
        return self.backend.ask(f"PasswordService/{method}", asked, answer, request_id=current_request_id())

    def _enrolment(self, method: str, asked: Message, answer: type[M]) -> M:
        return self.backend.ask(f"EnrolmentService/{method}", asked, answer, request_id=current_request_id())

    def _session(self, method: str, asked: Message, answer: type[M]) -> M:
        return self.backend.ask(f"SessionService/{method}", asked, answer, request_id=current_request_id())
