"""AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front of the ciphertext and its tag."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.vault.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


def new_key() -> Secret:
    """A random 256-bit key. With random nonces it may seal 2³² messages (SP 800-38D, 8.3)."""
    return Secret(os.urandom(KEY_BYTES))


def encrypt(key: Secret, plaintext: Secret, associated_data: bytes) -> bytes:
    """Nonce, ciphertext, tag. The length of the plaintext shows; its content and place do not."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key.reveal()).encrypt(nonce, plaintext.reveal(), associated_data)


def decrypt(key: Secret, box: bytes, associated_data: bytes) -> Secret | None:
    """What `encrypt` was given, or None if key, box or associated data is not the one it had."""
    if len(box) < NONCE_BYTES + TAG_BYTES:
        return None
    try:
        return Secret(AESGCM(key.reveal()).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], associated_data))
    except InvalidTag:
        return None
