"""The tables of the log in a service's metadata, beside its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import UserDefinedType

from services.chassis.db.rows import TableClass


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's `xid8`: the full transaction id, which never wraps round."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "xid8"


class LogTables:
    """Heads, changes and values: one head a scope, one change a request and resource, its values sealed."""

    def __init__(self, metadata: MetaData) -> None:
        info = {"class": TableClass.LOG}
        self.heads = Table(
            "change_heads",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, nullable=False),
            Column("hash", LargeBinary, nullable=False),
            info=info,
        )
        self.changes = Table(
            "changes",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, primary_key=True, autoincrement=False),
            Column("transaction", TransactionId, nullable=False),
            Column("time", DateTime(timezone=True), nullable=False),
            Column("type", Text, nullable=False),
            Column("resource", Text, nullable=False),
            Column("action", Text, nullable=False),
            Column("fields", ARRAY(Text), nullable=False),
            Column("actor", Text, nullable=False),
            Column("on_behalf_of", Text, nullable=False),
            Column("reason", Text, nullable=False),
            Column("request_id", Text, nullable=False),
            Column("method", Text, nullable=False),
            Column("schema_version", Integer, nullable=False),
            Column("commitment", LargeBinary, nullable=False),
            Column("hash", LargeBinary, nullable=False),
            Index("changes_transaction", "transaction"),
            Index("changes_resource", "scope", "resource", "sequence"),
            info=info,
        )
        self.values = Table(
            "change_values",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, primary_key=True, autoincrement=False),
            Column("value_id", Text, nullable=False),
            Column("sealed", LargeBinary, nullable=False),
            info=info,
        )
