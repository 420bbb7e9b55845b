"""What an operator does to a service's vault while the service runs: small transactions of the owner role, each
committed by itself. Whatever ends one of these in the middle, the next goes on from what the rows say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, func, select, text

from services.chassis import fault_points
from services.chassis.config import CommandRefused
from services.chassis.vault import kek_rotation, reseal
from services.chassis.vault.errors import KekFileInvalid
from services.chassis.vault.kek import KekToken
from services.chassis.vault.place import PLATFORM
from services.chassis.vault.sealed_fields import SealedField
from services.chassis.vault.vault import Vault

_POLL_SECONDS = 0.1
T = TypeVar("T")
_Step = tuple[int, Sequence[tuple[Any, ...]], tuple[Any, ...] | None]
"""How much one transaction did, what it left, and where the next begins; nowhere, if it was the last."""


@dataclass(frozen=True)
class Done:
    """What a sweep did, and what it left because it did not open."""

    count: int
    stranded: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Rotation:
    """The work of an operator on one service."""

    engine: Engine
    """Of the owner role: it alone sees every company's data keys."""
    vault: Vault
    data_keys: Table
    fields: Sequence[SealedField]
    kek_file: Path
    token: KekToken | None = None
    batch: int = 100
    """Rows a transaction: callers wait for none of them longer than that takes."""
    patience_seconds: float = 60.0
    """How long to wait for transactions that were begun before."""

    def add_kek(self) -> str:
        """Adds a generation that does not wrap yet, and returns its name."""
        return self._edited(lambda: kek_rotation.add_generation(self.kek_file, self.token))

    def promote_kek(self, generation: str) -> None:
        """From now on this generation wraps. Every replica's file must hold it already."""
        self._edited(lambda: kek_rotation.promote_generation(self.kek_file, generation, self.token))

    def rewrap(self) -> Done:
        """Wraps every data key under the current generation."""

        def step(connection: Connection, after: Any) -> _Step:
            swept = self.vault.rewrap(connection, after=after, limit=self.batch)
            return swept.rewrapped, swept.stranded, swept.cursor

        return self._sweep(step)

    def rotate_data_keys(self, older_than: timedelta, owner: str | None = None) -> int:
        """Gives a new data key to each owner, or to one, whose newest is older, and returns how many these are.

        So a rotation that was cut short, and is begun again before its keys are as old, does none of them twice.
        """
        keys = self.data_keys.c
        with self.engine.begin() as connection:
            cutoff = connection.execute(select(func.now())).scalar_one() - older_than
        due = select(keys.company).where(keys.version >= 1).group_by(keys.company)
        due = due.having(func.max(keys.create_time) < cutoff).order_by(keys.company).limit(self.batch)
        if owner is not None:
            due = due.where(keys.company == owner)
        count, more = 0, True
        while more:
            with self.engine.begin() as connection:
                owners = connection.scalars(due).all()
                for each in owners:
                    self.vault.rotate_company_key(connection, each)
                fault_points.reach("vault.before_commit")
            count += len(owners)
            more = len(owners) == self.batch
        return count

    def reseal(self, field: SealedField) -> Done:
        """Seals the field's values again that stand under a former data key.

        It first waits for the transactions that may still seal under one, or refuses if they do not end.
        """

        def step(connection: Connection, after: Any) -> _Step:
            swept = reseal.reseal(
                connection, self.vault, self.data_keys, field, after=after, limit=self.batch
            )
            return swept.resealed, swept.stranded, swept.cursor

        self._settle()
        return self._sweep(step)

    def erase(self, owner: str) -> int:
        """Deletes the data keys of a company, or of `users/…`, and returns how many there were."""
        if owner == PLATFORM:
            raise CommandRefused("the platform's own keys are not erased")
        with self.engine.begin() as connection:
            return self.vault.erase_company(connection, owner)

    def destroy_kek(self, generation: str) -> None:
        """Destroys a former generation once nothing stands under it and nothing begun before can add to it."""
        self._refuse_in_use(generation)
        self._settle()
        self._refuse_in_use(generation)
        self._edited(lambda: kek_rotation.destroy_generation(self.kek_file, generation, self.token))

    def wrapped_by(self, connection: Connection) -> dict[str, int]:
        """How many data keys stand under each generation."""
        keys = self.data_keys.c
        query = select(keys.kek_id, func.count()).group_by(keys.kek_id)
        return {row.kek_id: row[1] for row in connection.execute(query)}

    def newest_versions(self, connection: Connection) -> tuple[int, int]:
        """How many owners have data keys, and the lowest version among the newest of each: the highest floor."""
        keys = self.data_keys.c
        newest = select(func.max(keys.version).label("version")).where(keys.version >= 1)
        each = newest.group_by(keys.company).subquery()
        row = connection.execute(select(func.count(), func.coalesce(func.min(each.c.version), 0))).one()
        return row[0], row[1]

    def _sweep(self, step: Callable[[Connection, Any], _Step]) -> Done:
        count, stranded, cursor, more = 0, list[tuple[Any, ...]](), None, True
        while more:
            with self.engine.begin() as connection:
                done, left, cursor = step(connection, cursor)
                fault_points.reach("vault.before_commit")
            count, more = count + done, cursor is not None
            stranded += left
        return Done(count, tuple(stranded))

    def _refuse_in_use(self, generation: str) -> None:
        with self.engine.begin() as connection:
            count = self.wrapped_by(connection).get(generation, 0)
        if count:
            raise CommandRefused(
                f"{count} data keys still stand under {generation}; run `vault rewrap` first"
            )

    def _settle(self) -> None:
        """Returns once every transaction has ended that had begun to write when it was called."""
        with self.engine.begin() as connection:
            here = connection.execute(text("select pg_current_xact_id()::text::bigint")).scalar_one()
        oldest = text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        end, tick = time.monotonic() + self.patience_seconds, threading.Event()
        while True:
            with self.engine.begin() as connection:
                if connection.execute(oldest).scalar_one() > here:
                    return
            if time.monotonic() > end:
                raise CommandRefused(
                    "a transaction begun before still runs on the database server; end it, or try again later"
                )
            tick.wait(_POLL_SECONDS)

    def _edited(self, edit: Callable[[], T]) -> T:
        try:
            return edit()
        except KekFileInvalid as error:
            raise CommandRefused(str(error)) from None
