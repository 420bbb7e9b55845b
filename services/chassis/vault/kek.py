"""Key-encryption keys: what wraps data keys, by a file's bytes or by a KMS."""

from collections.abc import Sequence
from typing import Protocol

from services.chassis.vault.aead import decrypt, encrypt
from services.chassis.vault.errors import SealBroken
from services.chassis.vault.secret import Secret


class KeyEncryptionKey(Protocol):
    """One generation of the KEK. A KMS adapter raises KeyUnavailable when its service does not answer."""

    @property
    def key_id(self) -> str:
        """Stable name of the generation, stored beside each key that it wraps."""

    def wrap(self, key: Secret, associated_data: bytes) -> bytes:
        """The key, readable only to this generation and only with the same associated data."""

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> Secret:
        """The key again. Raises SealBroken if the bytes or the associated data are not those of `wrap`."""


class Keyring(Protocol):
    """The generations at hand: one that wraps, and older ones that still unwrap until they are destroyed."""

    def current(self) -> KeyEncryptionKey:
        """The generation for new keys. Raises KeyUnavailable."""

    def generation(self, key_id: str) -> KeyEncryptionKey | None:
        """The named generation, None once destroyed. Asked at each opening: it must not leave the machine."""


class LocalKek:
    """A generation whose 32 bytes are in this process's memory."""

    def __init__(self, key_id: str, key: Secret) -> None:
        self.key_id = key_id
        self._key = key

    def wrap(self, key: Secret, associated_data: bytes) -> bytes:
        return encrypt(self._key, key, associated_data)

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> Secret:
        key = decrypt(self._key, wrapped, associated_data)
        if key is None:
            raise SealBroken
        return key


class KekToken(Protocol):
    """Keys that never leave a device, found by the names of generations. Every method may raise KeyUnavailable."""

    def encrypt(self, key_id: str, plaintext: Secret, associated_data: bytes) -> bytes: ...

    def decrypt(self, key_id: str, box: bytes, associated_data: bytes) -> Secret | None:
        """What `encrypt` was given, None if box or associated data is not the one it had."""

    def generate(self, key_id: str) -> None:
        """Makes a key of that name inside the device."""

    def destroy(self, key_id: str) -> None:
        """Destroys the key of that name, if the device has it."""


class TokenKek:
    """A generation whose key is in a token: only what it wraps passes through this process."""

    def __init__(self, key_id: str, token: KekToken) -> None:
        self.key_id = key_id
        self._token = token

    def wrap(self, key: Secret, associated_data: bytes) -> bytes:
        return self._token.encrypt(self.key_id, key, associated_data)

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> Secret:
        key = self._token.decrypt(self.key_id, wrapped, associated_data)
        if key is None:
            raise SealBroken
        return key


class FixedKeyring:
    """A keyring known at start, newest generation first: what a KMS adapter is put in."""

    def __init__(self, generations: Sequence[KeyEncryptionKey]) -> None:
        if not generations:
            raise ValueError("a keyring needs a generation")
        self._current = generations[0]
        self._by_id = {kek.key_id: kek for kek in generations}

    def current(self) -> KeyEncryptionKey:
        return self._current

    def generation(self, key_id: str) -> KeyEncryptionKey | None:
        return self._by_id.get(key_id)
