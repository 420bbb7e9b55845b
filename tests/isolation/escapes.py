"""Where the matrix is told more than the contract says: each with its reason."""

from __future__ import annotations

from services.chassis.contract import Method


def named(method: Method) -> str:
    """A method as it stands in these lists: `Service/Method`."""
    return f"{method.service.rpartition('.')[2]}/{method.name}"


PLATFORM_WIDE = {
    "MailService/ListDeadMails": "staff see all mail that was given up, whoever it was for",
}
"""Methods that show trusted callers more than the company they name."""

OPEN_TO_ALL = {
    "LogoService/GetImage": "a picture is open to whoever has its random name: payment pages show it to anybody",
}
"""Methods that tell what exists from what does not."""

NO_REAL_CALL = {
    "InvitationService/ApproveAdmission": "needs somebody who took a mailed link: test_invitations.py there",
    "InvitationService/RefuseAdmission": "needs somebody who took a mailed link: test_invitations.py there",
    "OAuthService/RedeemGrant": "needs a code, which only a visit gives: test_codes.py there",
    "PasswordService/CheckPasswordReset": "needs a link, which only its mail holds: test_reset_password.py there",
    "PasswordService/ResetPassword": "needs a link, which only its mail holds: test_reset_password.py there",
}
"""Methods whose example cannot be turned into a call that does something, and where they are proved instead: among
the tests of identity."""
