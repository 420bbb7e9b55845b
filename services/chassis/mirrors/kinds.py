"""What services keep of each other: for each kind, whose it is, by what it is found, and which of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.names import Pattern


@dataclass(frozen=True)
class Kind:
    """One type of resource of another service, in a table of ours."""

    table: str
    source: str
    """The service whose it is."""
    type: str
    owned: TableClass
    key: tuple[str, ...]
    """The ids of the resource's name, in their order."""
    columns: Mapping[str, tuple[str, Any]]
    """For each column the path of its field, and its type."""
    kept_for: timedelta | None = None
    """For those that mean nothing after a while: how long, counted from the one time that they hold."""

    @property
    def pattern(self) -> Pattern:
        return PATTERNS[self.type]

    def make_columns(self) -> list[sa.Column[Any]]:
        """Fresh columns, for the metadata or for a migration."""
        keys = [sa.Column(name, sa.Text, primary_key=True) for name in self.key]
        others = [sa.Column(name, kind, nullable=False) for name, (_, kind) in self.columns.items()]
        return [*keys, *others, sa.Column("generation", sa.Text, nullable=False)]


_TEXT = sa.Text()
KINDS: dict[str, Kind] = {
    kind.table: kind
    for kind in (
        Kind(
            "known_companies",
            "company",
            "comptoir.company/Company",
            TableClass.DIRECTORY,
            ("company",),
            {
                "display_name": ("legal_name", _TEXT),
                "region_code": ("region_code", _TEXT),
                "time_zone": ("time_zone", _TEXT),
                "language_code": ("language_code", _TEXT),
            },
        ),
        Kind(
            "company_policies",
            "company",
            "comptoir.company/Company",
            TableClass.DIRECTORY,
            ("company",),
            {"second_factor_required": ("second_factor_required", sa.Boolean())},
        ),
        Kind(
            "password_policies",
            "company",
            "comptoir.company/Company",
            TableClass.DIRECTORY,
            ("company",),
            {"password_renewal_required": ("password_renewal_required", sa.Boolean())},
        ),
        Kind(
            "known_shops",
            "shop",
            "comptoir.shop/Shop",
            TableClass.MIRROR,
            ("company", "shop_id"),
            {"display_name": ("display_name", _TEXT)},
        ),
        Kind(
            "known_grants",
            "identity",
            "comptoir.identity/Membership",
            TableClass.MIRROR,
            ("company", "user_id"),
            {
                "role": ("role", _TEXT),
                "all_shops": ("all_shops", sa.Boolean()),
                "shop_ids": ("shop_ids", sa.ARRAY(sa.Text)),
                "suspended": ("suspended", sa.Boolean()),
            },
        ),
        Kind(
            "known_applications",
            "identity",
            "comptoir.identity/Application",
            TableClass.MIRROR,
            ("company", "application_id"),
            {
                "scopes": ("scopes", sa.ARRAY(sa.Text)),
                "grant_types": ("grant_types", sa.ARRAY(sa.Text)),
                "all_shops": ("all_shops", sa.Boolean()),
                "shop_ids": ("shop_ids", sa.ARRAY(sa.Text)),
                "suspended": ("suspended", sa.Boolean()),
            },
        ),
        Kind(
            "ended_sessions",
            "identity",
            "comptoir.identity/EndedSession",
            TableClass.DIRECTORY,
            ("user_id", "session_id"),
            {"end_time": ("end_time", sa.DateTime(timezone=True))},
            # No access token lives longer than a quarter of an hour.
            kept_for=timedelta(hours=1),
        ),
    )
}


@dataclass(frozen=True)
class Mirror:
    """A kind in a service's metadata."""

    kind: Kind
    table: sa.Table


def mirror(metadata: sa.MetaData, table: str) -> Mirror:
    """The table of this name in a service's metadata."""
    kind = KINDS[table]
    return Mirror(kind, sa.Table(table, metadata, *kind.make_columns(), info={"class": kind.owned}))


def mirror_table(table: str, service: str) -> None:
    """The table in a migration."""
    kind = KINDS[table]
    op.create_table(table, *kind.make_columns())
    secure(table, kind.owned, service)


class Mirrors:
    """Several of them in one service's metadata, by the name of their tables."""

    def __init__(self, metadata: sa.MetaData, *tables: str) -> None:
        self._all = {table: mirror(metadata, table) for table in tables}

    def __getitem__(self, table: str) -> sa.Table:
        return self._all[table].table

    def of(self, source: str) -> tuple[Mirror, ...]:
        """What is kept of one service."""
        return tuple(each for each in self._all.values() if each.kind.source == source)

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(each.kind.source for each in self._all.values())
