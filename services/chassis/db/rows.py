"""What kinds of tables there are. Every table is of exactly one; a catalog test compares this with the database."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import DateTime, MetaData, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.vault import sql_store

COLUMN_TYPES: dict[Any, Any] = {str: Text(), datetime: DateTime(timezone=True)}
"""What annotations of mapped classes stand for; `type_annotation_map` of every service's base."""


class TableClass(Enum):
    """Whose rows a table holds, and so what row-level security does with them."""

    TENANT = "tenant"
    """A company's: seen only with that company set."""
    PERSON = "person"
    """A person's: seen only with that person set."""
    MEMBERSHIP = "membership"
    """A person's place in a company: seen with either of the two set."""
    VAULT = "vault"
    """A company's wrapped data keys, and the platform's own under '-'."""
    LOG = "log"
    """The changes of a company, of a person, or of the platform, each a scope of its own."""
    MIRROR = "mirror"
    """What is kept of another service's rows of a company: seen with that company set, written by the mirror."""
    DIRECTORY = "directory"
    """Where to look a tenant or a person up by something only they have."""
    PLATFORM = "platform"
    """The platform's own."""


OPEN = frozenset({TableClass.DIRECTORY, TableClass.PLATFORM})
"""Tables whose rows nobody in particular owns."""

OWNERS: dict[TableClass | None, tuple[str, ...]] = {
    TableClass.TENANT: ("company",),
    TableClass.PERSON: ("user_id",),
    TableClass.MEMBERSHIP: ("company", "user_id"),
    TableClass.MIRROR: ("company",),
}
"""For each scoped class of tables, the columns of which the call's scope must set one."""


class TenantRow:
    """A row of a company. Keys begin with the company, so foreign keys cannot cross it (they ignore policies)."""

    __table_args__: Any = {"info": {"class": TableClass.TENANT}}
    company: Mapped[str] = mapped_column(primary_key=True)


class PersonRow:
    """A row of a person."""

    __table_args__: Any = {"info": {"class": TableClass.PERSON}}
    user_id: Mapped[str] = mapped_column(primary_key=True)


class MembershipRow:
    """A row of a person in a company."""

    __table_args__: Any = {"info": {"class": TableClass.MEMBERSHIP}}
    company: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)


class DirectoryRow:
    """A row that leads from something only its owner has to the owner."""

    __table_args__: Any = {"info": {"class": TableClass.DIRECTORY}}


class PlatformRow:
    """A row of the platform."""

    __table_args__: Any = {"info": {"class": TableClass.PLATFORM}}


SCOPED: dict[type, tuple[str, ...]] = {
    TenantRow: OWNERS[TableClass.TENANT],
    PersonRow: OWNERS[TableClass.PERSON],
    MembershipRow: OWNERS[TableClass.MEMBERSHIP],
}
"""The same by the bases of mapped classes."""


def data_keys_table(metadata: MetaData) -> Table:
    """The vault's table in a service's metadata. The vault knows nothing of classes of tables; this page does."""
    table = sql_store.data_keys_table(metadata)
    table.info["class"] = TableClass.VAULT
    return table
