"""Wrapped data keys in the service's own PostgreSQL database."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from services.chassis.vault.key_cache import WrappedKey


def data_keys_table(metadata: MetaData, name: str = "data_keys") -> Table:
    """The table in a service's metadata. Wrappings are bound to its name: once renamed, none unwraps."""
    return Table(
        name,
        metadata,
        Column("company", Text, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("kek_id", Text, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("create_time", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class SqlDataKeyStore:
    """A `DataKeyStore` over that table."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self._table = table
        self._columns = (table.c.company, table.c.version, table.c.kek_id, table.c.wrapped)
        # Asked at every write, so built once: to build a statement takes as long as to run it.
        self._one = select(*self._columns).where(
            table.c.company == bindparam("of"), table.c.version == bindparam("number")
        )
        self._newest = (
            select(*self._columns)
            .where(table.c.company == bindparam("of"), table.c.version >= 1)
            .order_by(table.c.version.desc())
            .limit(1)
        )

    def get(self, connection: Connection, company: str, version: int) -> WrappedKey | None:
        return _key(connection.execute(self._one, {"of": company, "number": version}).one_or_none())

    def newest(self, connection: Connection, company: str) -> WrappedKey | None:
        return _key(connection.execute(self._newest, {"of": company}).one_or_none())

    def add(self, connection: Connection, key: WrappedKey) -> WrappedKey:
        # The insert waits for a concurrent one of the same version to end. Under READ COMMITTED the SELECT
        # then sees the winner; stricter isolation ends the loser with SQLSTATE 40001, to be retried.
        connection.execute(insert(self._table).values(asdict(key)).on_conflict_do_nothing())
        standing = self.get(connection, key.company, key.version)
        if standing is None:
            raise RuntimeError(
                "the data key just added is not to be seen: hidden by a policy, or erased meanwhile"
            )
        return standing

    def replace(self, connection: Connection, old: WrappedKey, new: WrappedKey) -> bool:
        table = self._table
        statement = (
            update(table)
            .where(table.c.company == old.company, table.c.version == old.version)
            .where(table.c.wrapped == old.wrapped)
            .values(kek_id=new.kek_id, wrapped=new.wrapped)
        )
        return connection.execute(statement).rowcount == 1

    def delete(self, connection: Connection, company: str) -> int:
        return connection.execute(delete(self._table).where(self._table.c.company == company)).rowcount

    def page(
        self, connection: Connection, *, not_under: str, after: tuple[str, int] | None, limit: int
    ) -> list[WrappedKey]:
        table = self._table
        query = select(*self._columns).where(table.c.kek_id != not_under)
        if after:
            query = query.where(tuple_(table.c.company, table.c.version) > after)
        rows = connection.execute(query.order_by(table.c.company, table.c.version).limit(limit))
        return [WrappedKey(row.company, row.version, row.kek_id, bytes(row.wrapped)) for row in rows]

    def kek_ids(self, connection: Connection) -> set[str]:
        return set(connection.scalars(select(self._table.c.kek_id).distinct()))


def _key(row: Row[*tuple[Any, ...]] | None) -> WrappedKey | None:
    return WrappedKey(row.company, row.version, row.kek_id, bytes(row.wrapped)) if row else None
