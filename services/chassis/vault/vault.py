"""The vault: seals a secret into its place and opens it there, nowhere else (SH12)."""

from sqlalchemy import Connection

from services.chassis.vault import fingerprints
from services.chassis.vault.aead import decrypt, encrypt
from services.chassis.vault.data_keys import DataKeys
from services.chassis.vault.envelope import FORMAT, Envelope
from services.chassis.vault.errors import SealBroken
from services.chassis.vault.place import Place
from services.chassis.vault.rewrap import Cursor, Swept, rewrap
from services.chassis.vault.secret import Secret


class Vault:
    """One service's vault.

    Every method works inside the caller's transaction (`connection` is an engine's or `Session.connection()`)
    and commits nothing. Unwrapping may raise KeyUnavailable; bytes that do not belong raise SealBroken.
    """

    def __init__(self, keys: DataKeys) -> None:
        self._keys = keys

    def seal(self, connection: Connection, place: Place, secret: Secret) -> bytes:
        """The secret under the company's current data key; never the same bytes twice."""
        if place.service != self._keys.service:
            raise ValueError(f"a place of {place.service} in the vault of {self._keys.service}")
        key = self._keys.current(connection, place.company)
        version = key.stored.version
        return Envelope(version, encrypt(key.key, secret, place.associated_data(FORMAT, version))).to_bytes()

    def make_ready(self, connection: Connection, company: str) -> None:
        """Makes the company's data key if it has none, for a transaction that later may use it but not make it."""
        self._keys.current(connection, company)

    def open(self, connection: Connection, place: Place, sealed: bytes) -> Secret:
        """What was sealed at exactly this place. No query while the data key is remembered."""
        envelope = Envelope.parse(sealed)
        associated_data = place.associated_data(FORMAT, envelope.key_version)
        for key in self._keys.candidates(connection, place.company, envelope.key_version):
            secret = decrypt(key.key, envelope.box, associated_data)
            if secret is not None:
                return secret
        raise SealBroken

    def is_erased(self, connection: Connection, place: Place, sealed: bytes) -> bool:
        """Whether the data key of what was sealed is gone, so that nothing opens it any more."""
        version = Envelope.parse(sealed).key_version
        return self._keys.store.get(connection, place.company, version) is None

    def reseal(self, connection: Connection, place: Place, sealed: bytes) -> bytes:
        """The same secret under the company's current data key; the same bytes if they already are."""
        secret = self.open(connection, place, sealed)
        current = self._keys.current(connection, place.company).stored.version
        if Envelope.parse(sealed).key_version == current:
            return sealed
        return self.seal(connection, place, secret)

    def rotate_company_key(self, connection: Connection, company: str) -> int:
        """Makes the company's next data-key version and returns it; what older ones sealed still opens."""
        return self._keys.rotate(connection, company)

    def erase_company(self, connection: Connection, company: str) -> int:
        """Deletes all data keys of the company and returns how many.

        Its fields no longer open, except in a process that remembers a key until the cache's age, and from a
        backup until the KEK generation that wrapped the keys is destroyed.
        """
        return self._keys.erase(connection, company)

    def rewrap(self, connection: Connection, *, after: Cursor | None = None, limit: int = 200) -> Swept:
        """One batch of the sweep under the newest KEK generation; commit, then repeat from `Swept.cursor`.

        It reaches the companies that row-level security lets this transaction see.
        """
        return rewrap(connection, self._keys, after=after, limit=limit)

    def kek_generations_in_use(self, connection: Connection) -> set[str]:
        """Names of the generations that still wrap a data key: those must not be destroyed yet.

        Only a transaction that sees every company gives the whole answer.
        """
        return self._keys.store.kek_ids(connection)

    def fingerprint(self, connection: Connection, company: str, purpose: str, secret: Secret) -> bytes:
        """32 bytes for this secret that differ by company and purpose and stay alike through rotations."""
        key = self._keys.fingerprint_key(connection, company)
        return fingerprints.fingerprint(key.key, self._keys.service, company, purpose, secret)

    def known_fingerprint(
        self, connection: Connection, company: str, purpose: str, secret: Secret
    ) -> bytes | None:
        """As `fingerprint`, for look-ups in read-only transactions: None if the company never made one."""
        key = self._keys.known_fingerprint_key(connection, company)
        if key is None:
            return None
        return fingerprints.fingerprint(key.key, self._keys.service, company, purpose, secret)

    def flush(self) -> None:
        """Forgets every unwrapped data key."""
        self._keys.cache.flush()
