"""Client secrets: made here, shown once, kept as hashes; two are valid at once while an application is changed over."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from services.chassis.errors import Precondition
from services.identity.applications.rows import ApplicationRow

BY_SECRET = "CLIENT_AUTHENTICATION_SECRET"  # noqa: S105 - a name of the contract
_FINGERPRINT_DIGITS = 12


def generate(row: ApplicationRow, overlap: timedelta, now: datetime) -> str:
    """A new secret. The present one becomes the former, for so long."""
    if row.client_authentication != BY_SECRET:
        raise Precondition("The application proves who it is without a secret.", reason="NO_CLIENT_SECRET")
    value = secrets.token_urlsafe(32)
    if overlap and row.secret_digest is not None:
        row.former_digest, row.former_fingerprint = row.secret_digest, row.secret_fingerprint
        row.former_expire_time = now + overlap
    else:
        row.former_digest, row.former_fingerprint, row.former_expire_time = None, "", None
    row.secret_digest = digest(value)
    row.secret_fingerprint = row.secret_digest.hex()[:_FINGERPRINT_DIGITS]
    row.secret_time = now
    row.touch(now)
    return value


@dataclass(frozen=True)
class Kept:
    """What is kept of an application's secrets."""

    digest: bytes | None
    fingerprint: str
    former_digest: bytes | None
    former_fingerprint: str
    former_expire_time: datetime | None

    @classmethod
    def of(cls, row: ApplicationRow) -> Self:
        present, former = row.secret_digest, row.former_digest
        return cls(present, row.secret_fingerprint, former, row.former_fingerprint, row.former_expire_time)

    def matching(self, shown: str, now: datetime) -> str | None:
        """Fingerprint of the valid secret that this is; None if it is none. It takes the same time for each."""
        found, offered = None, digest(shown)
        former_until = self.former_expire_time
        for kept, fingerprint, valid in (
            (self.digest, self.fingerprint, True),
            (self.former_digest, self.former_fingerprint, former_until is not None and now < former_until),
        ):
            same = hmac.compare_digest(offered, kept or bytes(32))
            if same and valid and kept is not None:
                found = fingerprint
        return found


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
