"""Keyed fingerprints: to find or compare a secret without opening it, and a short code to show for it."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.vault.aead import KEY_BYTES
from services.chassis.vault.place import canonical
from services.chassis.vault.secret import Secret


def fingerprint(key: Secret, service: str, company: str, purpose: str, secret: Secret) -> bytes:
    """HMAC-SHA-256, 32 bytes, keyed by HKDF (RFC 5869) for this service, company and purpose alone."""
    info = canonical("comptoir fingerprint", service, company, purpose)
    derived = Secret(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key.reveal()))
    return hmac.digest(derived.reveal(), secret.reveal(), "sha256")


def check_code(digest: bytes) -> str:
    """The first 6 hex digits of a fingerprint: lets two people see that they hold the same key (SH12)."""
    return digest[:3].hex()
