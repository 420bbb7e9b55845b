"""Notices that a database was restored: its log goes on in another cluster, or on another timeline of it.

Numbers of transactions begin anew there, so positions from before would lie in the future for ever; and cursors may be
ahead of what was restored. All positions are therefore put behind everybody, and cursors are given a new epoch.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, text

from services.chassis.feed.reader import CLUSTER


def note_cluster(connection: Connection) -> bool:
    """Compares the cluster with the one the log was written in, under the owner; says whether it is another."""
    query = "select cluster, " + CLUSTER + " from change_feed for update"  # noqa: S608 - constants
    known, present = connection.execute(text(query)).one()
    if known == present:
        return False
    if known:
        _put_behind(connection)
    connection.execute(
        text("update change_feed set epoch = :epoch, cluster = :cluster, floor = '0'"),
        {"epoch": secrets.token_hex(8), "cluster": present},
    )
    return bool(known)


def _put_behind(connection: Connection) -> None:
    connection.execute(text("update changes set transaction = '0', position = '0'"))
    connection.execute(text("alter table change_heads disable trigger change_heads_grow"))
    connection.execute(text("update change_heads set transaction = '0', position = '0'"))
    connection.execute(text("alter table change_heads enable trigger change_heads_grow"))
