"""Data keys: made, wrapped, found, rotated and erased, one series of versions per service and company."""

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import Connection

from services.chassis.vault.aead import new_key
from services.chassis.vault.errors import KeyUnavailable
from services.chassis.vault.kek import KeyEncryptionKey, Keyring
from services.chassis.vault.key_cache import DataKey, KeyCache, WrappedKey
from services.chassis.vault.place import canonical

FINGERPRINT_VERSION = 0
"""The version that never seals: a company's fingerprint key, kept by rotations so that prints match."""


class DataKeyStore(Protocol):
    """Where wrapped keys are kept. Every method works inside the caller's transaction and commits nothing."""

    name: str

    def get(self, connection: Connection, company: str, version: int) -> WrappedKey | None: ...

    def newest(self, connection: Connection, company: str) -> WrappedKey | None:
        """The highest version that seals (1 or more)."""

    def add(self, connection: Connection, key: WrappedKey) -> WrappedKey:
        """Inserts the key unless its version exists; returns the one that stands, the same for all."""

    def replace(self, connection: Connection, old: WrappedKey, new: WrappedKey) -> bool:
        """Puts `new` where exactly `old` stands; False if something else does by now."""

    def delete(self, connection: Connection, company: str) -> int:
        """Deletes every version of the company and returns how many there were."""

    def page(
        self, connection: Connection, *, not_under: str, after: tuple[str, int] | None, limit: int
    ) -> list[WrappedKey]:
        """Keys that another generation than `not_under` wraps, in order of company and version."""

    def kek_ids(self, connection: Connection) -> set[str]:
        """Names of all the generations under which a key stands."""


class DataKeys:
    """The data keys of one service.

    `minimum_version` is the floor: versions below it neither seal nor open, whatever the store holds.
    """

    def __init__(
        self,
        service: str,
        keyring: Keyring,
        store: DataKeyStore,
        *,
        minimum_version: int = 1,
        cache: KeyCache | None = None,
    ) -> None:
        if minimum_version < 1:
            raise ValueError("the first version that seals is 1")
        self.service = service
        self.keyring = keyring
        self.store = store
        self.cache = cache or KeyCache()
        self._minimum_version = minimum_version

    def current(self, connection: Connection, company: str) -> DataKey:
        """The key that seals now, made if the company has none at or above the floor."""
        newest = self.store.newest(connection, company)
        if newest is None or newest.version < self._minimum_version:
            newest = self._make(connection, company, self._minimum_version)
        return self._usable(connection, newest)

    def rotate(self, connection: Connection, company: str) -> int:
        """Makes the next version and returns its number; two rotations at once make one version."""
        newest = self.store.newest(connection, company)
        following = newest.version + 1 if newest else 1
        return self._make(connection, company, max(following, self._minimum_version)).version

    def candidates(self, connection: Connection, company: str, version: int) -> Iterator[DataKey]:
        """The key remembered for this version, then the stored one if that is another.

        Both are needed: a key made in a transaction that was rolled back may be remembered while the one that
        took its version is stored.
        """
        if version < self._minimum_version:
            return
        remembered = self._remembered(company, version)
        if remembered:
            yield remembered
        stored = self.store.get(connection, company, version)
        if stored and not (remembered and remembered.stored == stored):
            yield self._usable(connection, stored)

    def fingerprint_key(self, connection: Connection, company: str) -> DataKey:
        """The company's fingerprint key, made if there is none.

        Always looked up: a print under a remembered key whose row was rolled back would never match again.
        """
        stored = self.store.get(connection, company, FINGERPRINT_VERSION)
        return self._usable(connection, stored or self._make(connection, company, FINGERPRINT_VERSION))

    def known_fingerprint_key(self, connection: Connection, company: str) -> DataKey | None:
        """The company's fingerprint key, None if it was never needed."""
        stored = self.store.get(connection, company, FINGERPRINT_VERSION)
        return self._usable(connection, stored) if stored else None

    def erase(self, connection: Connection, company: str) -> int:
        """Deletes the company's keys and returns how many there were."""
        self.cache.forget(company)
        return self.store.delete(connection, company)

    def rewrap(self, connection: Connection, old: WrappedKey, kek: KeyEncryptionKey) -> bool:
        """Wraps the same key under another generation; False if the row changed meanwhile."""
        key = self._unwrap(old)
        place = self._place(old.company, old.version, kek.key_id)
        new = WrappedKey(old.company, old.version, kek.key_id, kek.wrap(key.key, place))
        return self.store.replace(connection, old, new)

    def _make(self, connection: Connection, company: str, version: int) -> WrappedKey:
        kek = self.keyring.current()
        wrapped = kek.wrap(new_key(), self._place(company, version, kek.key_id))
        return self.store.add(connection, WrappedKey(company, version, kek.key_id, wrapped))

    def _usable(self, connection: Connection, stored: WrappedKey) -> DataKey:
        remembered = self._remembered(stored.company, stored.version)
        if remembered and remembered.stored == stored:
            return remembered
        if self.keyring.generation(stored.kek_id) is None:
            # The row may have been read just before a sweep, and its generation destroyed just after.
            stored = self.store.get(connection, stored.company, stored.version) or stored
        key = self._unwrap(stored)
        self.cache.put(key)
        return key

    def _remembered(self, company: str, version: int) -> DataKey | None:
        key = self.cache.get(company, version)
        # A destroyed generation takes its keys out of memory too, without waiting for their age.
        if key and self.keyring.generation(key.stored.kek_id) is None:
            self.cache.forget(company)
            return None
        return key

    def _unwrap(self, stored: WrappedKey) -> DataKey:
        kek = self.keyring.generation(stored.kek_id)
        if kek is None:
            raise KeyUnavailable
        place = self._place(stored.company, stored.version, stored.kek_id)
        return DataKey(stored, kek.unwrap(stored.wrapped, place))

    def _place(self, company: str, version: int, kek_id: str) -> bytes:
        return canonical("comptoir data key", self.service, self.store.name, company, version, kek_id)
