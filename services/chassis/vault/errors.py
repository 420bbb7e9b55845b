"""What can go wrong in the vault; every text is fixed, so that none can carry a secret."""

from pathlib import Path
from typing import ClassVar


class VaultError(Exception):
    """Root of the vault's errors; `reason` is stable and may leave the process."""

    reason: ClassVar[str] = "VAULT_ERROR"
    text: ClassVar[str] = "the vault could not answer"

    def __init__(self) -> None:
        super().__init__(self.text)


class SealBroken(VaultError):
    """The bytes are not what was sealed at this place.

    Altered, moved, truncated, below the floor, of an erased company: which one is not told, since the answer
    would help only whoever is trying.
    """

    reason = "SEAL_BROKEN"
    text = "the sealed value does not belong here or was altered"


class KeyUnavailable(VaultError):
    """The KEK generation that wraps the data key is destroyed, not delivered yet, or its KMS is silent."""

    reason = "KEY_UNAVAILABLE"
    text = "the key that protects this value is not available"


class KekFileInvalid(KeyUnavailable):
    """The KEK file cannot be used. `str` names the file for the operator's log; show callers `text`."""

    reason = "KEK_FILE_INVALID"

    def __init__(self, path: Path, problem: str) -> None:
        Exception.__init__(self, f"{path}: {problem}")
