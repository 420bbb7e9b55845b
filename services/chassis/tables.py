"""The tables that every service has beside its own: its log, its data keys, kept replies, cursors of mirrors."""

from __future__ import annotations

from sqlalchemy import MetaData, Table

from services.chassis.changes.ddl import change_log
from services.chassis.changes.tables import LogTables
from services.chassis.db.rows import data_keys_table
from services.chassis.db.schema import data_keys
from services.chassis.idempotency.tables import kept_replies, kept_replies_table
from services.chassis.mirrors.tables import mirror_cursors, mirror_cursors_table


class ChassisTables:
    """They in a service's metadata."""

    def __init__(self, metadata: MetaData) -> None:
        self.log = LogTables(metadata)
        self.data_keys: Table = data_keys_table(metadata)
        self.kept_replies: Table = kept_replies_table(metadata)
        self.mirror_cursors: Table = mirror_cursors_table(metadata)


def chassis_tables(service: str) -> None:
    """They in the service's first migration."""
    data_keys(service)
    change_log(service)
    kept_replies(service)
    mirror_cursors(service)
