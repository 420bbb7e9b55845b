"""An authenticator in software, as browsers have one: makes passkeys and signs, well or as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey on one device. What is changed here, or handed to `create` and `get`, ends up in what it sends."""

    origin: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    """Signatures so far; one that does not count, as those that are copied around, says 0 for ever."""
    counts: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""
    rp_id: str = ""

    def create(self, options_json: str, **changes: Any) -> str:
        """What `navigator.credentials.create()` gives for these options."""
        options = json.loads(options_json)
        self.user_handle, self.rp_id = decoded(options["user"]["id"]), options["rp"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = (
            bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        )
        data = self._data(changes.get("rp_id", self.rp_id), self.flags | ATTESTED) + attested
        client = self._client("webauthn.create", options, changes)
        return self._sent(
            clientDataJSON=encoded(client),
            attestationObject=encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            transports=["internal"],
        )

    def get(self, options_json: str, **changes: Any) -> str:
        """What `navigator.credentials.get()` gives for these options."""
        options = json.loads(options_json)
        if self.counts:
            self.count += 1
        data = self._data(changes.get("rp_id", options["rpId"]), self.flags)
        client = self._client("webauthn.get", options, changes)
        signed = data + hashlib.sha256(client).digest()
        signature = changes.get("key", self.key).sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._sent(
            clientDataJSON=encoded(client),
            authenticatorData=encoded(changes.get("data", data)),
            signature=encoded(changes.get("signature", signature)),
            userHandle=encoded(changes.get("user_handle", self.user_handle)),
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        said = {
            "type": changes.get("type", kind),
            "challenge": changes.get("challenge", options["challenge"]),
            "origin": changes.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _sent(self, **response: Any) -> str:
        name = encoded(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": response,
            }
        )
