"""The sweep that wraps every data key under the newest KEK generation, before the former one is destroyed."""

from dataclasses import dataclass

from sqlalchemy import Connection

from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.errors import VaultError

Cursor = tuple[str, int]
"""Company and version of the last key looked at."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One batch of the sweep.

    `stranded` keys could not be unwrapped this time and stay as they are. `cursor` is None at the end.
    """

    rewrapped: int
    stranded: tuple[Cursor, ...]
    cursor: Cursor | None


def rewrap(connection: Connection, keys: DataKeys, *, after: Cursor | None, limit: int) -> Swept:
    """Wraps up to `limit` keys again. A sweep cut short may begin anew: keys already done are passed over.

    Raises KeyUnavailable if there is no generation to wrap under.
    """
    kek = keys.keyring.current()
    page = keys.store.page(connection, not_under=kek.key_id, after=after, limit=limit)
    rewrapped = 0
    stranded: list[Cursor] = []
    for old in page:
        try:
            rewrapped += keys.rewrap(connection, old, kek)
        except VaultError:
            stranded.append((old.company, old.version))
    cursor = (page[-1].company, page[-1].version) if len(page) == limit else None
    return Swept(rewrapped, tuple(stranded), cursor)
