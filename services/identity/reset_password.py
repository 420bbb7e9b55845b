"""A forgotten password or a locked login (ID5): a link by mail, and a new password for it, which unlocks.

Asking tells nothing about who has an account: found or not, the same statements are sent and a mail is queued. Where
there is nobody it is for nobody, and the sender drops it. Mails are bounded for each person, found or not, with a pause
as long as a link lives: while nothing more is mailed, the last link that was is still good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.chassis.sources import network
from services.identity import addresses, attempts, change_email, passwords, users
from services.identity.attempts import LOGIN, Attempts, Limit
from services.identity.choosing import Choosing
from services.identity.factors import held
from services.identity.links import RESET, LinkRow, Links
from services.identity.mail.mails import Mails
from services.identity.users import UserRow, login_key

SOURCE = Limit("reset-source", tries=20, within=timedelta(hours=1), pause=timedelta(minutes=15))
TARGET = Limit("reset-target", tries=3, within=RESET.lifetime, pause=RESET.lifetime)
CHOICES = Limit("reset-choice", tries=20, within=RESET.lifetime, pause=RESET.lifetime)
"""Of one link: passwords that may be proposed."""


@dataclass(frozen=True)
class ResetPassword:
    """Mails links, and sets the passwords that are chosen with them."""

    attempts: Attempts
    choosing: Choosing
    links: Links
    mails: Mails

    def ask(self, call: Call, typed: str, source: str) -> None:
        """Mails a link to everybody whose login or address it is. Raises Exhausted when the source must wait."""
        self.attempts.take(SOURCE, network(source), call.now)
        login = users.owner(call.db, typed)
        found = {*([login] if login else []), *addresses.owners(call.db, typed)}
        for user_id in sorted(found) or [""]:
            self._mail(call.db, user_id, login_key(typed), call.now)

    def check(self, call: Call, value: str) -> int:
        """How many characters the password has at least that the live link may set."""
        link = self.links.read(call.db, RESET, value, call.now)
        call.enter(user=_person(link))
        return held.shortest_password(call.db, call.user)

    def redeem(self, call: Call, value: str, password: str) -> UserRow:
        """Sets the password of whom the link is about, ends all sessions and unlocks the login. Of several at once
        one succeeds; a password that breaks the rule leaves the link as it was."""
        # Who opens nothing, or tries on and on, does not get near the fence, or one could keep everybody out of it.
        opened = self.links.read(call.db, RESET, value, call.now)
        self.attempts.take(CHOICES, opened.link_id, call.now)
        with self.choosing.passwords.fence.enter():
            link = self.links.redeem(call.db, RESET, value, call.now)
            call.enter(user=_person(link))
            row = passwords.hold(call.db, call.user)
            person = self.choosing.choose(call, row, password)
        # Whoever had to take the account back may not have asked for the new address.
        change_email.forget(call, person)
        attempts.forget(call.db, LOGIN, login_key(person.login))
        attempts.forget(call.db, TARGET, person.user_id)
        return person

    def _mail(self, db: Session, user_id: str, typed: str, now: datetime) -> None:
        allowed = attempts.allowed(db, TARGET, user_id or typed, now)
        target = user_id if user_id and allowed else new_id()
        link_id = self.links.issue(db, RESET, users.NAME.format({"user": target}), now)
        self.mails.reset(db, target, link_id, now)


def _person(link: LinkRow) -> str:
    return (users.NAME.parse(link.subject) or {})["user"]
