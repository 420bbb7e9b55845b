"""Cursors and revisions as they are handed out: sealed, so that none is made up, and none tells of other tenants."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from services.chassis.vault.aead import decrypt, encrypt
from services.chassis.vault.secret import Secret

LONGEST = 2048
"""Characters; a snapshot taken among hundreds of open transactions still fits."""


class Tokens:
    """Seals small values under a key of the database: another service's or another database's tokens do not open."""

    def __init__(self, key: bytes) -> None:
        self._key = Secret(key)

    def seal(self, kind: str, binding: str, values: list[Any]) -> str:
        """The values as a token of this kind, for nobody but whom `binding` names."""
        text = json.dumps(values, separators=(",", ":")).encode()
        box = encrypt(self._key, Secret(text), _purpose(kind, binding))
        return base64.urlsafe_b64encode(box).decode().rstrip("=")

    def open(self, kind: str, binding: str, token: str) -> list[Any] | None:
        """The values; None for a token that was forged, cut, or made for another purpose or caller."""
        try:
            box = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        opened = decrypt(self._key, box, _purpose(kind, binding)) if len(token) <= LONGEST else None
        if opened is None:
            return None
        values: list[Any] = json.loads(opened.reveal())
        return values


def _purpose(kind: str, binding: str) -> bytes:
    return f"comptoir {kind}\0{binding}".encode()
