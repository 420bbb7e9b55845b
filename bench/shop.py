"""The shop service as it is, or the same without its log: `python -m bench.shop logged|unlogged TOKEN_KEY`.

The product has no switch for the log, and is to have none; so the log is taken out of it here. The database of such
a service must not insist on changes: `free` drops the triggers that do.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
from joserfc.jwk import ECKey
from psycopg import sql
from sqlalchemy import event

from bench.stand import UNLOGGED
from services.chassis import service as chassis
from services.chassis.changes.log import ChangeLog, Revision, Stamp
from services.chassis.db import tenancy
from services.chassis.testing.postgres import Clone
from services.shop.service import SHOP


def main(kind: str, token_key: Path) -> None:
    """Serves, as told by the environment; tokens are those signed by the key in that file."""
    key = ECKey.import_key(json.loads(token_key.read_text()))
    if kind == UNLOGGED:
        _leave_out_the_log()
    sys.argv[1:] = ["serve"]
    # Nobody is there to be followed: what the stand wrote into the mirrors is what was heard.
    chassis.run(replace(SHOP, find_key=lambda resources: lambda kid: key, mirrors=None))


class _NoLog(ChangeLog):
    def append(self, session: tenancy.ScopedSession, stamp: Stamp) -> Revision | None:
        return None


def _leave_out_the_log() -> None:
    # Neither what gathers the changes at each flush, nor what appends them before the commit.
    event.remove(tenancy.ScopedSession, "after_flush", tenancy._record)
    setattr(chassis, "ChangeLog", _NoLog)  # noqa: B010


def free(database: Clone) -> None:
    """Makes the database accept writes without a change."""
    with database.administrator() as connection:
        for trigger, table in _recorded(connection):
            statement = sql.SQL("drop trigger {} on {}")
            connection.execute(statement.format(sql.Identifier(trigger), sql.Identifier(table)))
        if _recorded(connection):
            raise RuntimeError("triggers that insist on a change are left")


def _recorded(connection: psycopg.Connection) -> list[tuple[str, str]]:
    query = (
        "select tgname::text, relname::text from pg_trigger join pg_class c on c.oid = tgrelid"
        " where tgname like '%\\_recorded'"
    )
    return connection.execute(query).fetchall()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
