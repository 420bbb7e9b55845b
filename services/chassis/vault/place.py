"""Where a sealed field stands: the associated data that ties it to its row, column, company and the rest."""

from dataclasses import dataclass, fields
from operator import attrgetter

PLATFORM = "-"
"""Company of secrets that belong to the platform itself, such as identity's signing keys."""


def canonical(*parts: str | int) -> bytes:
    """The parts as bytes that no other list of texts gives: each after its length in 4 bytes, big-endian."""
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The full place of one secret field. `row` is the row's own id; a part that does not apply is "-"."""

    service: str
    company: str
    table: str
    column: str
    row: str
    kind: str
    environment: str

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name):
                raise ValueError(f'{field.name} of a place is empty; say "-" where there is none')

    def associated_data(self, format_version: int, key_version: int) -> bytes:
        """What AES-GCM authenticates beside the ciphertext: this place and both versions."""
        return canonical("comptoir field", format_version, key_version, *_parts(self))


# `astuple` would copy each part, four times as slow on the path of every opening.
_parts = attrgetter(*(field.name for field in fields(Place)))
