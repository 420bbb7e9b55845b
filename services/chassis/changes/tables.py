"""The tables of the log in a service's metadata, beside its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import UserDefinedType

from services.chassis.db.rows import TableClass


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's `xid8`: the full transaction id, which never wraps round."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "xid8"


class LogTables:
    """Heads, changes, values, and the state of the feed: one head a scope, one change a request and resource."""

    def __init__(self, metadata: MetaData) -> None:
        info = {"class": TableClass.LOG}
        self.heads = Table(
            "change_heads",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, nullable=False),
            Column("hash", LargeBinary, nullable=False),
            Column("transaction", TransactionId, nullable=False),
            Column("position", TransactionId, nullable=False),
            info=info,
        )
        self.changes = Table(
            "changes",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, primary_key=True, autoincrement=False),
            Column("transaction", TransactionId, nullable=False),
            Column("position", TransactionId, nullable=False),
            Column("history", Text, nullable=False),
            Column("time", DateTime(timezone=True), nullable=False),
            Column("type", Text, nullable=False),
            Column("resource", Text, nullable=False),
            Column("action", Text, nullable=False),
            Column("fields", ARRAY(Text), nullable=False),
            Column("actor", Text, nullable=False),
            Column("client", Text, nullable=False),
            Column("on_behalf_of", Text, nullable=False),
            Column("reason", Text, nullable=False),
            Column("request_id", Text, nullable=False),
            Column("method", Text, nullable=False),
            Column("schema_version", Integer, nullable=False),
            Column("commitment", LargeBinary, nullable=False),
            Column("hash", LargeBinary, nullable=False),
            Index("changes_position", "position", "scope", "sequence"),
            Index("changes_history", "scope", "history", "sequence"),
            info=info,
        )
        self.values = Table(
            "change_values",
            metadata,
            Column("scope", Text, primary_key=True),
            Column("sequence", BigInteger, primary_key=True, autoincrement=False),
            Column("value_id", Text, nullable=False),
            Column("sealed", LargeBinary, nullable=False),
            Column("source", LargeBinary),
            info=info,
        )
        self.feed = Table(
            "change_feed",
            metadata,
            Column("only", Boolean, primary_key=True),
            Column("epoch", Text, nullable=False),
            Column("token_key", LargeBinary, nullable=False),
            Column("cluster", Text, nullable=False),
            Column("floor", TransactionId, nullable=False),
            info={"class": TableClass.PLATFORM},
        )
