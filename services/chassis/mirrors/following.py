"""The followers of a service: one for each of the others that it keeps something of, or reacts to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Table

from services.chassis.changes.log import ChangeLog
from services.chassis.config import ConfigError, Settings
from services.chassis.db.database import Database
from services.chassis.feed.client import FeedClient
from services.chassis.mirrors.follower import Follower, React
from services.chassis.mirrors.kinds import Mirrors
from services.chassis.mirrors.lease import Lease
from services.chassis.mirrors.standing import SOURCE
from services.chassis.mirrors.writer import MirrorWriter

_PATIENCE_SECONDS = 600.0
"""While a vault is away, what it is needed for waits. Grants do not: soon nobody could write."""


@dataclass(frozen=True)
class Reactions:
    """What a service does about the changes of these sources."""

    sources: frozenset[str]
    react: React
    made_up_for: frozenset[str] = frozenset()
    """Types that are reacted to when a snapshot shows them, too: whether the change that made them was heard before,
    the reaction finds out for itself."""


def followers(
    mirrors: Mirrors,
    cursors: Table,
    settings: Settings,
    database: Database,
    changes: ChangeLog,
    reactions: Reactions | None,
) -> list[Follower]:
    """Not yet started. Raises `ConfigError` for a source without an address."""
    watched = reactions.sources if reactions else frozenset()
    found = []
    for source in sorted(mirrors.sources | watched):
        address = settings.feed_address(source)
        if address is None:
            raise ConfigError(f"COMPTOIR_{source.upper()}_FEED_ADDRESS: must say where {source} is watched")
        about = reactions if source in watched else None
        found.append(
            Follower(
                Lease(cursors, source),
                MirrorWriter(mirrors.of(source)),
                database,
                partial(FeedClient, address, settings.tls_directory),
                changes,
                about.react if about else None,
                about.made_up_for if about else frozenset(),
                0.0 if source == SOURCE else _PATIENCE_SECONDS,
            )
        )
    return found
