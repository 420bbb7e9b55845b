"""Histories in bulk: chains that verify, written by COPY, with values beside only those changes that are looked at.

The others are as after an erasure: the commitment stands in the chain, and nothing is left to open.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain as chained
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from services.chassis.changes import chain
from services.chassis.changes.log import SCHEMA_VERSION
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.kek_file import FileKeyring
from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret
from services.chassis.vault.sql_store import SqlDataKeyStore
from services.chassis.vault.vault import Vault
from services.shop.rows import TABLES

SCALES = (10, 1_000, 100_000)
"""Numbers of companies that a platform is filled with."""
_BATCH = 20_000
_CHANGES = tuple(column.name for column in TABLES.log.changes.columns)
_VALUES = ("scope", "sequence", "value_id", "sealed")
_HEADS = ("scope", "sequence", "hash", "transaction", "position")
_STEP = timedelta(seconds=1)
_SHOP: Mapping[str, Any] = {
    "company": "",
    "shop_id": "",
    "display_name": "Boutique",
    "url": "",
    "manager_email": "",
    "capture_delay_days": 0,
    "validation_mode": "VALIDATION_MODE_AUTOMATIC",
    "extra_attempts": 3,
    "notify_refused_attempts": False,
    "signature_algorithm": "SIGNATURE_ALGORITHM_HMAC_SHA_256",
    "state": "SHOP_STATE_TEST_ONLY",
    "create_time": datetime(2026, 1, 1, tzinfo=UTC),
    "update_time": datetime(2026, 1, 1, tzinfo=UTC),
    "version": 1,
}


@dataclass(frozen=True)
class History:
    """So many changes of one shop's label, one a second, the last of them now."""

    company: str
    shop_id: str
    changes: int
    valued: Sequence[range] = ()
    """The sequences whose values are kept."""

    @property
    def scope(self) -> str:
        return f"companies/{self.company}"

    @property
    def shop(self) -> str:
        return f"companies/{self.company}/shops/{self.shop_id}"


def companies(count: int, changes: int) -> Iterator[History]:
    """A history for each of so many companies, without values."""
    return (History(f"company-{number}", f"{number:08d}", changes) for number in range(count))


class Bulk:
    """Writes histories into a database of the shop service, behind its back."""

    def __init__(self, connection: psycopg.Connection, owner_url: str, kek: Path) -> None:
        """`connection`: an administrator's, in autocommit. `kek`: the file of the service that will read."""
        self._connection = connection
        self._engine = create_engine(owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
        self._vault = Vault(DataKeys("shop", FileKeyring.load(kek), SqlDataKeyStore(TABLES.data_keys)))

    def write(self, histories: Iterable[History]) -> None:
        """Adds the histories of companies that have none yet, in one transaction."""
        with self._connection.transaction(), self._engine.begin() as keys:
            # The log is complete without the triggers that insist on it, and they cost as much as the rest.
            self._connection.execute("set local session_replication_role = replica")
            row = self._connection.execute("select pg_current_xact_id()::text").fetchone()
            assert row
            links = chained.from_iterable(_links(history, row[0]) for history in histories)
            while batch := list(islice(links, _BATCH)):
                self._copy("changes", _CHANGES, [[link.change[name] for name in _CHANGES] for link in batch])
                self._copy(
                    "change_values", _VALUES, [self._sealed(keys, link) for link in batch if link.values]
                )
                self._copy("change_heads", _HEADS, [_head(link, row[0]) for link in batch if link.is_last])

    def open_shops(self, histories: Iterable[History]) -> None:
        """Adds the shop, with its defaults, that each of the histories is about."""
        with self._connection.transaction():
            self._connection.execute("set local session_replication_role = replica")
            opened = list(histories)
            self._copy("shops", tuple(_SHOP), [[*_shop(history).values()] for history in opened])
            self._copy(
                "shop_directory", ("shop_id", "company"), [(each.shop_id, each.company) for each in opened]
            )

    def finish(self) -> None:
        """Lets PostgreSQL know what it has, as autovacuum would in time."""
        self._engine.dispose()
        self._connection.execute(
            "vacuum (analyze) changes, change_values, change_heads, shops, shop_directory"
        )

    def _copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _sealed(self, keys: Any, link: _Link) -> Sequence[Any]:
        history, value_id = link.history, secrets.token_hex(16)
        place = Place(
            service="shop",
            company=history.company,
            table="change_values",
            column="sealed",
            row=f"{history.scope}/{value_id}",
            kind="history",
            environment="-",
        )
        sealed = self._vault.seal(keys, place, Secret(link.values))
        return history.scope, link.change["sequence"], value_id, sealed


@dataclass(frozen=True)
class _Link:
    history: History
    change: dict[str, Any]
    values: bytes
    """Empty where they are not kept."""

    @property
    def is_last(self) -> bool:
        return bool(self.change["sequence"] == self.history.changes)


def _head(link: _Link, transaction: str) -> Sequence[Any]:
    return link.history.scope, link.history.changes, link.change["hash"], transaction, transaction


def _shop(history: History) -> dict[str, Any]:
    return {**_SHOP, "company": history.company, "shop_id": history.shop_id}


def _links(history: History, transaction: str) -> Iterator[_Link]:
    previous, start = chain.GENESIS, datetime.now(UTC) - history.changes * _STEP
    lasting = {
        "scope": history.scope,
        "type": "comptoir.shop/Shop",
        "resource": history.shop,
        "history": history.shop,
        "fields": ["display_name"],
        "client": "demo-app",
        "on_behalf_of": "",
        "reason": "",
        "method": "/comptoir.shop.v1.ShopService/UpdateShop",
        "schema_version": SCHEMA_VERSION,
    }
    for sequence in range(1, history.changes + 1):
        values = b""
        if any(sequence in valued for valued in history.valued):
            before, after = ({"display_name": f"Boutique {number}"} for number in (sequence - 1, sequence))
            values = chain.canonical({"before": before, "after": after, "salt": secrets.token_hex(16)})
        time, committed = start + sequence * _STEP, chain.commitment(values or secrets.token_bytes(16))
        metadata = {
            **lasting,
            "sequence": sequence,
            "time": time.isoformat(timespec="microseconds"),
            "action": "UPDATE" if sequence > 1 else "CREATE",
            "actor": f"users/person{sequence % 7}",
            "request_id": f"{sequence:032x}",
        }
        previous = chain.link(previous, metadata, committed)
        yield _Link(
            history,
            {
                **metadata,
                "time": time,
                "transaction": transaction,
                "position": transaction,
                "commitment": committed,
                "hash": previous,
            },
            values,
        )
