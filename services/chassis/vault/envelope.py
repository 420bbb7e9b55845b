"""The bytes of a sealed field: format (1 byte), data-key version (4, big-endian), nonce, ciphertext, tag."""

import struct
from dataclasses import dataclass
from typing import Self

from services.chassis.vault.errors import SealBroken

FORMAT = 1
LARGEST_VERSION = 2**31 - 1
"""What PostgreSQL's integer holds: a larger number in a header was never written by the vault."""

_HEADER = struct.Struct(">BI")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed field taken apart; nothing in it is trusted before the tag is."""

    key_version: int
    box: bytes

    @classmethod
    def parse(cls, sealed: bytes) -> Self:
        """Raises SealBroken for bytes that the vault cannot have written."""
        if len(sealed) < _HEADER.size:
            raise SealBroken
        format_version, key_version = _HEADER.unpack_from(sealed)
        if format_version != FORMAT or not 1 <= key_version <= LARGEST_VERSION:
            raise SealBroken
        return cls(key_version, sealed[_HEADER.size :])

    def to_bytes(self) -> bytes:
        return _HEADER.pack(FORMAT, self.key_version) + self.box
