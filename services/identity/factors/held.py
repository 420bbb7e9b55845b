"""Which factors a person has, and when the last of them must stay (ID10)."""

from __future__ import annotations

from sqlalchemy import BindParameter, bindparam, exists, select
from sqlalchemy.orm import Session

from services.chassis.authorize import unknown
from services.chassis.db.tenancy import ready
from services.chassis.errors import Precondition
from services.chassis.tokens import TWO_FACTORS
from services.identity import companies, memberships, passwords
from services.identity.factors.passkeys import PasskeyRow
from services.identity.factors.totp import TotpRow
from services.identity.password_rule import SHORTEST, SHORTEST_WITH_SECOND_FACTOR
from services.identity.sessions import SessionRow
from services.identity.users import NAME, UserRow

TOTP, PASSKEY = "totp", "passkey"
_user: BindParameter[str] = bindparam("user")
_confirmed = select(TotpRow.user_id).where(TotpRow.user_id == _user, TotpRow.confirm_time.is_not(None))
_passkeys = select(PasskeyRow.user_id).where(PasskeyRow.user_id == _user)
_ACCOUNT = ready(select(UserRow, exists(_confirmed) | exists(_passkeys)).where(UserRow.user_id == _user))


def account(db: Session, user_id: str) -> tuple[UserRow, bool]:
    """The person's account, and whether sign-in asks for more than a password. The transaction is confined to them."""
    found = db.execute(_ACCOUNT, {"user": user_id}).one_or_none()
    if found is None:
        raise unknown(NAME.format({"user": user_id}))
    row, has_second_factor = found
    return row, has_second_factor


def has_second_factor(db: Session, user_id: str) -> bool:
    """Whether sign-in asks the person for more than a password. The transaction is confined to the person."""
    return account(db, user_id)[1]


def shortest_password(db: Session, user_id: str) -> int:
    """The least length of a new password of the person (`password_rule.broken`)."""
    return SHORTEST_WITH_SECOND_FACTOR if has_second_factor(db, user_id) else SHORTEST


def lacks(db: Session, session: SessionRow, company: str | None) -> bool:
    """Whether the company lets nobody in who proved no more than this session's person did."""
    if company is None or session.level == TWO_FACTORS:
        return False
    return bool(companies.requiring_second_factor(db, [company]))


def may_go_without(db: Session, user_id: str) -> None:
    """Refuses to take the last factor away where something depends on there being one."""
    row = passwords.find(db, user_id)
    if row is not None and row.short:
        raise Precondition(
            f"Choose a password of {SHORTEST} characters or more first: yours is shorter.",
            reason="PASSWORD_TOO_SHORT",
        )
    places = [place.company for place, _ in memberships.of_person(db, user_id)]
    if companies.requiring_second_factor(db, places):
        raise Precondition(
            "A company that you belong to requires a second factor: add another one first.",
            reason="SECOND_FACTOR_REQUIRED",
        )
