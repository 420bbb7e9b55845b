"""Erasing a person: account, places, sessions, links, and the keys under which their history lies sealed.

What remains are ids, and the chain of their log, which still verifies: its values no longer open. The login is free
again: nothing in any record names people by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, select

from services.chassis.rpc.call import Call
from services.chassis.vault.vault import Vault
from services.identity import links, managing, sessions, users
from services.identity.bearers import BearerRow
from services.identity.memberships import MemberRow
from services.identity.users import LoginRow

_IN_DATABASE = {"synchronize_session": False}


@dataclass(frozen=True)
class Erasing:
    """Erases people."""

    vault: Vault

    def erase(self, call: Call, user_id: str) -> None:
        """Erases the person. Raises NotFound if there is none, Precondition where they are the last owner."""
        with _as_person(call, user_id):
            users.find(call.db, user_id)
            # From here on nobody gives them a place.
            users.hold_name(call.db, user_id)
            companies = sorted(call.db.scalars(select(MemberRow.company).where(MemberRow.user_id == user_id)))
        for company in companies:
            with call.visit(company=company):
                held = managing.hold(call.db, company, user_id, None)
                held.keep_an_owner()
                call.db.delete(held.place)
        with _as_person(call, user_id):
            _forget(call, user_id)
        # The last change and the kept reply are sealed too, so this comes after them.
        call.last.append(lambda: self._destroy_keys(call, user_id))

    def _destroy_keys(self, call: Call, user_id: str) -> None:
        with _as_person(call, user_id):
            self.vault.erase_company(call.db.connection(), call.db.scope.owner)


def _forget(call: Call, user_id: str) -> None:
    sessions.end_others(call.db, user_id, "", call.now)
    links.withdraw(call.db, users.NAME.format({"user": user_id}))
    call.db.execute(delete(BearerRow).where(BearerRow.user_id == user_id), execution_options=_IN_DATABASE)
    call.db.execute(delete(LoginRow).where(LoginRow.user_id == user_id), execution_options=_IN_DATABASE)
    # Whatever else is theirs goes with the account: each such table refers to it.
    call.db.delete(users.find(call.db, user_id, for_update=True))


@contextmanager
def _as_person(call: Call, user_id: str) -> Iterator[None]:
    if call.grant.user == user_id:
        yield
    else:
        with call.visit(user=user_id):
            yield
