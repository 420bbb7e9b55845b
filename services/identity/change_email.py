"""Changing one's e-mail address (ID2): it counts once a link that was mailed to it is opened; the old one is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis.errors import Invalid, Precondition
from services.chassis.rpc.call import Call
from services.identity import addresses, links, profile, users
from services.identity.attempts import Attempts, Limit
from services.identity.links import CONFIRM_EMAIL, RESET, Links
from services.identity.mail.mails import Mails
from services.identity.profile import Findings
from services.identity.users import UserRow

MAILS = Limit("email-confirmation", tries=5, within=timedelta(hours=1), pause=timedelta(hours=1))
"""Of one person: the address may be somebody else's."""


@dataclass(frozen=True)
class ChangeEmail:
    """Takes a new address down, has it confirmed, and tells the old one."""

    attempts: Attempts
    links: Links
    mails: Mails

    def ask(self, call: Call, address: str) -> UserRow:
        """Keeps the new address beside the one that counts, and mails its link."""
        person = users.find(call.db, call.user, for_update=True)
        findings = Findings()
        wished = profile.email(address, findings, field="email")
        if wished == person.email:
            findings.note("email", "email_unchanged", "is the address of the account already")
        findings.conclude()
        if wished != person.unconfirmed_email:
            person.unconfirmed_email, person.former_email = wished, person.email
            person.touch(call.now)
            self.mails.email_changing(call.db, person, call.now)
        self._mail(call, person)
        return person

    def ask_again(self, call: Call) -> UserRow:
        """Mails another link, which replaces the one before."""
        person = self._pending(call)
        self._mail(call, person)
        return person

    def cancel(self, call: Call) -> UserRow:
        """Forgets the new address."""
        person = self._pending(call)
        forget(call, person)
        return person

    def confirm(self, call: Call, value: str) -> None:
        """Makes the new address count; of several at once one does. Links to the old one open nothing any more."""
        link = self.links.redeem(call.db, CONFIRM_EMAIL, value, call.now)
        call.enter(user=(users.NAME.parse(link.subject) or {})["user"])
        person = users.find(call.db, call.user, for_update=True)
        if not person.unconfirmed_email:
            raise links.not_valid()
        person.former_email, person.email = person.email, person.unconfirmed_email
        person.unconfirmed_email = ""
        person.touch(call.now)
        addresses.keep(call.db, person.user_id, person.email)
        links.withdraw(call.db, link.subject, RESET)
        self.mails.email_changed(call.db, person, call.now)

    def _pending(self, call: Call) -> UserRow:
        person = users.find(call.db, call.user, for_update=True)
        if not person.unconfirmed_email:
            raise Precondition("No new address waits to be confirmed.", reason="EMAIL_NOT_PENDING")
        return person

    def _mail(self, call: Call, person: UserRow) -> None:
        self.attempts.take(MAILS, person.user_id, call.now)
        link_id = self.links.issue(call.db, CONFIRM_EMAIL, person.name, call.now)
        self.mails.confirm_email(call.db, person.user_id, link_id, call.now)


def forget(call: Call, person: UserRow) -> None:
    """Forgets a new address that was not confirmed, if there is one. The caller holds the account."""
    if person.unconfirmed_email:
        person.unconfirmed_email = ""
        person.touch(call.now)
        links.withdraw(call.db, person.name, CONFIRM_EMAIL)


def change_login(call: Call, mails: Mails, login: str) -> UserRow:
    """Gives the account of the person that the call is about another login, and tells them."""
    users.move(call.db, call.ids["user"], login)
    call.enter(user=call.ids["user"])
    person = users.find(call.db, call.user, for_update=True)
    if login == person.login:
        raise Invalid.field("login", "login_unchanged", "is the login of the account already")
    person.login = login
    person.touch(call.now)
    mails.login_changed(call.db, person.user_id, call.now)
    return person
