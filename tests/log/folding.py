"""Changes equal effects: what stands in the tables is what the changes say, one upon the other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from services.chassis.changes.log import ChangeLog
from services.chassis.changes.recorder import CREATE, DELETE, state_of
from services.chassis.db.database import Database
from services.chassis.db.scope import Scope
from services.chassis.service import Service
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.vault import Vault
from services.company.companies import CompanyRow
from services.company.service import COMPANY
from services.identity.memberships import MemberRow
from services.identity.service import IDENTITY
from services.identity.users import UserRow
from services.shop.keys import KeyRow
from services.shop.service import SHOP
from services.shop.shops import ShopRow
from tests.log.checks import Entry, log_of
from tests.log.world import World

_BATCH = 500
_FOLDED: tuple[tuple[Service, str, tuple[Any, ...]], ...] = (
    (SHOP, "companies/", (ShopRow, KeyRow)),
    (COMPANY, "companies/", (CompanyRow,)),
    (IDENTITY, "companies/", (MemberRow,)),
    (IDENTITY, "users/", (UserRow,)),
)
"""Of each service, what the changes in such scopes are about."""


def rows_are_the_fold_of_changes(world: World) -> int:
    """Compares both in every scope of this world; how many changes were folded."""
    return sum(_folded(world, *each) for each in _FOLDED)


def _folded(world: World, service: Service, kind: str, classes: tuple[Any, ...]) -> int:
    keyring = FileKeyring.load(world.platform.layout.secret(service.name, "kek"))
    vault = Vault(DataKeys(service.name, keyring, SqlDataKeyStore(service.tables.data_keys)))
    log = ChangeLog(service.name, service.tables.log, vault)
    database, folded = Database(world.url(service.name, "svc")), 0
    types = {each.__recorded__.type for each in classes}
    try:
        for scope in world.scopes(service.name):
            if not scope.startswith(kind):
                continue
            entries = [each for each in log_of(world, service.name, scope) if each.type in types]
            with database.transaction(_read(scope)) as session:
                rows: list[Any] = [row for each in classes for row in session.scalars(select(each))]
                expected = {row.name: state_of(row) for row in rows}
                assert expected == _fold(log, session, scope, entries), scope
            folded += len(entries)
    finally:
        database.close()
    return folded


def _read(scope: str) -> Scope:
    owner = scope.rpartition("/")[2]
    if scope.startswith("users/"):
        return Scope(user=owner, read_only=True)
    return Scope(company=owner, read_only=True)


def _fold(log: ChangeLog, session: Any, scope: str, entries: list[Entry]) -> dict[str, dict[str, Any]]:
    state: dict[str, dict[str, Any]] = {}
    for start in range(0, len(entries), _BATCH):
        batch = entries[start : start + _BATCH]
        known = log.opened(session, scope, [each.sequence for each in batch])
        for each in batch:
            values = known[each.sequence]
            stood = state.get(each.resource, {})
            assert (each.action == CREATE) == (each.resource not in state), each.resource
            assert values.before == {field: stood[field] for field in values.before}, each.resource
            if each.action == DELETE:
                del state[each.resource]
            else:
                state[each.resource] = {**stood, **values.after}
    return state
