"""Choosing a new password: the rule as it stands for one person, and what follows (ID4, ID5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.rpc.call import Call
from services.identity import memberships, password_rule, passwords, sessions, users
from services.identity.factors import challenges, held
from services.identity.mail.mails import Mails
from services.identity.passwords import REMEMBERED, PasswordRow, Passwords
from services.identity.profile import Findings
from services.identity.users import UserRow

FIELD = "new_password"


@dataclass(frozen=True)
class Choosing:
    """Sets new passwords."""

    passwords: Passwords
    mails: Mails

    def choose(self, call: Call, row: PasswordRow, password: str, session: str = "") -> UserRow:
        """Sets the password of the person that the call is confined to, ends their sessions but the one that is
        named, and tells them. The caller holds the row, and a place of the fence. Raises `Invalid` naming every broken
        rule.
        """
        challenges.end_all(call.db, call.user)
        sessions.end_others(call.db, call.user, session, call.now)
        person = users.find(call.db, call.user, for_update=True)
        self._judge(call, person, row, password)
        passwords.replace(call.db, row, self.passwords.hash_within(password), call.now)
        row.short = passwords.is_short(password)
        person.password_change_time = _later(person.password_change_time, call.now)
        person.touch(call.now)
        self.mails.password_changed(call.db, person, call.now)
        return person

    def _judge(self, call: Call, person: UserRow, row: PasswordRow, password: str) -> None:
        findings = Findings()
        places = memberships.of_person(call.db, person.user_id)
        for rule, sentence in password_rule.broken(
            password,
            login=person.login,
            names=(person.email.partition("@")[0], person.given_name, person.family_name),
            companies=[name for _, name in places],
            shortest=held.shortest_password(call.db, person.user_id),
        ):
            findings.note(FIELD, rule, sentence)
        known = [row.hash, *(former.hash for former in passwords.former(call.db, person.user_id))]
        if self.passwords.among(known, password):
            findings.note(FIELD, "password_reused", f"must not be one of the last {REMEMBERED}")
        findings.conclude()


def _later(before: datetime | None, now: datetime) -> datetime:
    """Now, or just after the change before: two in one instant are two changes, and the record tells them apart."""
    return max(now, before + timedelta(microseconds=1)) if before else now
