"""Opening an account: its login, its details and its first password, in the scope of the person that it makes (ID1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.identity import addresses, password_rule
from services.identity.passwords import PasswordRow
from services.identity.profile import Findings
from services.identity.users import UserRow


def judge_password(
    row: UserRow, password: str, field: str, findings: Findings, companies: Sequence[str] = ()
) -> None:
    """Notes every rule that the first password of the person breaks. `companies`: names of those they will be in."""
    names = (row.email.partition("@")[0], row.given_name, row.family_name)
    for rule, sentence in password_rule.broken(password, login=row.login, names=names, companies=companies):
        findings.note(field, rule, sentence)


def open_account(db: Session, row: UserRow, password_hash: str, now: datetime) -> None:
    """Keeps the account. Its login was taken for it before; the session is confined to the person."""
    db.add(row)
    db.flush()
    addresses.keep(db, row.user_id, row.email)
    db.add(PasswordRow(hash=password_hash, set_time=now))
