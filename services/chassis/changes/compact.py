"""Lets go of what the log need not keep: sources after 90 days, and the place from which watchers may still go on.

No change is taken away: the chain is for ever. A watcher that was away for longer than the feed reaches back is told
to begin anew, which costs less than a month of changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

SOURCES_KEPT = timedelta(days=90)
FEED_REACHES_BACK = timedelta(days=30)


def compact(connection: Connection, now: datetime, reach: timedelta = FEED_REACHES_BACK) -> None:
    """Runs under the owner, in a transaction of its own."""
    connection.execute(
        text(
            "update change_feed set floor = greatest(floor, coalesce("
            " (select position from changes where time < :before order by position desc limit 1), '0'))"
        ),
        {"before": now - reach},
    )
    connection.execute(
        text(
            "update change_values v set source = null from changes c where v.source is not null"
            " and c.scope = v.scope and c.sequence = v.sequence and c.time < :before"
        ),
        {"before": now - SOURCES_KEPT},
    )
