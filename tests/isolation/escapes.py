"""Where the matrix is told more than the contract says: each with its reason."""

from __future__ import annotations

from services.chassis.contract import Method


def named(method: Method) -> str:
    """A method as it stands in these lists: `Service/Method`."""
    return f"{method.service.rpartition('.')[2]}/{method.name}"


PLATFORM_WIDE = {
    "InvitationService/ListAdmissions": "staff see everybody who waits to be let in, by whichever company",
    "MailService/ListDeadMails": "staff see all mail that was given up, whoever it was for",
}
"""Methods that show trusted callers more than the company they name."""

OPEN_TO_ALL = {
    "LogoService/GetImage": "a picture is open to whoever has its random name: payment pages show it to anybody",
}
"""Methods that tell what exists from what does not."""

ONE_TIME = {
    "CHALLENGE_ENDED": "a sign-in that waits for its second step",
    "INVALID_GRANT": "a code that only a browser's visit gives, or a token of its like",
    "LINK_NOT_VALID": "a link that only its mail holds",
    "PROOF_REFUSED": "an authenticator's answer",
}
"""Reasons with which a method refuses what can be used once and cannot be made up; its own tests prove the rest."""

ENDS_PEOPLE = {
    "UserService/DeleteUser": "erases its caller, whom the next message needs",
    "UserService/EraseUser": "erases anybody, whom the next message may need",
}
"""Methods that are not called at random, among others by the same people."""

_AUTHENTICATOR = "needs somebody's authenticator: the tests of second factors, of identity"
NO_REAL_CALL = {
    **dict.fromkeys(
        (
            "EnrolmentService/FinishEnrolment",
            "EnrolmentService/RemoveFactor",
            "EnrolmentService/RenewRecoveryCodes",
            "FactorService/CreatePasskey",
            "FactorService/DeletePasskey",
            "FactorService/DeleteTotp",
            "FactorService/GetRecoveryCodes",
            "FactorService/GetTotp",
            "FactorService/RegenerateRecoveryCodes",
            "FactorService/UpdatePasskey",
        ),
        _AUTHENTICATOR,
    ),
}
"""Methods whose example cannot be turned into a call about something, and where they are proved instead."""
