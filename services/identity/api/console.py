"""`python -m services.identity create-operator` and `break-glass`: the platform's staff, from the machine's console.

Both end with a link that sets a password, shown once on the standard output and kept nowhere: it is derived, works
once, and not for long (`links.py`). Whoever is let in again hears of it by mail as well.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis import log
from services.chassis.changes.log import ChangeLog, Stamp
from services.chassis.clock import system_clock
from services.chassis.config import CommandRefused, load
from services.chassis.db.database import Database, enter
from services.chassis.db.role import service_url
from services.chassis.db.scope import Scope
from services.chassis.db.tenancy import ScopedSession
from services.chassis.errors import Fault
from services.chassis.names import new_id
from services.chassis.outbox.outbox import Outbox
from services.chassis.outbox.settings import SenderSettings
from services.chassis.request_ids import request_id
from services.chassis.service import Service
from services.chassis.vault.configured import configured_vault
from services.chassis.vault.errors import VaultError
from services.identity import opening, users
from services.identity.api import operator_details
from services.identity.api.users import new_row
from services.identity.emergency import EmergencyAccessRow
from services.identity.factors.removing import Removing
from services.identity.links import RESET, Links
from services.identity.mail.mails import MailRow, Mails
from services.identity.passwords import Passwords
from services.identity.profile import Findings

_LONGEST_REASON = 500


@dataclass(frozen=True)
class Console:
    """What one command works with, in one transaction."""

    service: Service
    db: ScopedSession
    links: Links
    mails: Mails
    changes: ChangeLog

    def link(self, user_id: str) -> str:
        """A link that sets the person's password; the one before opens nothing any more."""
        now = system_clock()
        address = self.links.address(
            self.db, self.links.issue(self.db, RESET, users.NAME.format({"user": user_id}), now), now
        )
        if address is None:
            raise LookupError("the link just issued is not there")
        return address.url

    def record(self, command: str, reason: str) -> None:
        """Writes down what was done, by whom and why."""
        self.db.flush()
        self.changes.append(
            self.db,
            Stamp(
                time=system_clock(),
                actor=f"services/{command}",
                request_id=request_id(None),
                method=command,
                reason=reason,
            ),
        )


def create_operator(service: Service, arguments: Sequence[str]) -> None:
    """Opens the account of an operator, and shows the link that sets its password."""
    parser = _parser(service, "create-operator")
    operator_details.add_options(parser)
    user = operator_details.user_of(parser.parse_args(arguments))
    if faults := operator_details.faults(user):
        raise CommandRefused("; ".join(faults))
    # Nobody knows it: the link sets another.
    password = secrets.token_urlsafe(48)
    with _console(service) as console:
        findings, now = Findings(), system_clock()
        row = new_row(user, now, findings)
        row.operator = True
        findings.conclude()
        users.register(console.db, row.login, row.user_id)
        url = console.link(row.user_id)
        enter(console.db, Scope(user=row.user_id))
        opening.open_account(console.db, row, Passwords().hash(password), now)
        console.record("create-operator", "")
    _show(url)


def break_glass(service: Service, arguments: Sequence[str]) -> None:
    """Lets an operator who is locked out in again, tells them, and writes down who asked for it and why."""
    parser = _parser(service, "break-glass")
    parser.add_argument("--login", required=True)
    parser.add_argument("--by", required=True, type=_line(100), help="who gives the access, by name")
    parser.add_argument("--reason", required=True, type=_line(_LONGEST_REASON))
    parser.add_argument("--remove-factors", action="store_true", help="take every second factor away as well")
    given = parser.parse_args(arguments)
    with _console(service) as console:
        user_id = users.owner(console.db, given.login)
        if user_id is None:
            raise CommandRefused("nobody has this login")
        url = console.link(user_id)
        enter(console.db, Scope(user=user_id))
        _require_operator(console.db, user_id)
        now = system_clock()
        console.db.add(
            EmergencyAccessRow(user_id=user_id, access_id=new_id(), given_by=given.by, create_time=now)
        )
        console.mails.emergency_access(console.db, user_id, now)
        if given.remove_factors:
            Removing(console.mails).all(console.db, user_id, now)
        console.record("break-glass", given.reason)
    log.event("emergency access given", user=user_id, by=given.by, factors_removed=given.remove_factors)
    _show(url)


def _require_operator(db: Session, user_id: str) -> None:
    if not users.find(db, user_id).operator:
        raise CommandRefused("this is no operator's login; anybody else resets their password by e-mail")


@contextmanager
def _console(service: Service) -> Iterator[Console]:
    settings = load(SenderSettings)
    vault = configured_vault(service.name, service.tables.data_keys, settings)
    database = Database(service_url(service.name, settings), conflicts=service.conflicts)
    try:
        with database.transaction(Scope()) as db:
            changes = ChangeLog(service.name, service.tables.log, vault)
            mails = Mails(Outbox(MailRow, settings.mail_domain), vault)
            yield Console(service, db, Links(vault, settings.issuer), mails, changes)
    except (Fault, VaultError) as error:
        raise CommandRefused(str(error)) from None
    finally:
        database.close()


def _parser(service: Service, command: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"python -m services.{service.name} {command}")


def _line(longest: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not 1 <= len(text.strip()) <= longest or not text.isprintable():
            raise argparse.ArgumentTypeError(f"is one line of 1 to {longest} characters")
        return text.strip()

    return check


def _show(url: str) -> None:
    # Not a line of the log, which is kept: this is for the person at the console alone.
    print(f"This link sets the password. It works once, for {RESET.lifetime.seconds // 60} minutes:\n{url}")
