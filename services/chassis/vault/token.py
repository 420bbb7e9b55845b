"""KEKs inside a PKCS#11 token (OASIS PKCS #11 3.1): a hardware security module, or SoftHSM.

A generation is an AES-256 key whose label is its name, sensitive and not extractable: the token itself seals
(CKM_AES_GCM) and no process ever has its bytes. The random nonce comes from here, so a token that insists on making
its own (as some do in FIPS mode) cannot be used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, PinIncorrect, PinLocked, PKCS11Error, UserAlreadyLoggedIn
from pkcs11.mechanisms import GCMParams

from services.chassis.vault.aead import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from services.chassis.vault.errors import KeyUnavailable
from services.chassis.vault.secret import Secret

PATIENCE_SECONDS = 5.0
"""How long a call waits for those before it: a token that hangs holds up one thread, and the others for so long."""

_TEMPLATE = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
}
T = TypeVar("T")


class _Key(Protocol):
    """What the binding's keys can do, which its types do not say."""

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes: ...

    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes: ...

    def destroy(self) -> None: ...


class Token:
    """One token, over one session that its callers take turns in.

    The binding initialises the module as for a single thread (C_Initialize without arguments), so calls must not
    overlap. They are few: data keys are remembered for minutes. A broken session is opened again at the next call.
    """

    def __init__(
        self, module: Path, label: str, pin_file: Path, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._module = module
        self._label = label
        self._pin_file = pin_file
        self._patience_seconds = patience_seconds
        self._session: pkcs11.Session | None = None
        self._keys: dict[str, _Key] = {}
        self._refused: Secret | None = None

    def encrypt(self, key_id: str, plaintext: Secret, associated_data: bytes) -> bytes:
        """Nonce, ciphertext, tag, as `aead.encrypt`."""
        return self._ask(lambda session: self._seal(session, key_id, plaintext, associated_data))

    def decrypt(self, key_id: str, box: bytes, associated_data: bytes) -> Secret | None:
        """What `encrypt` was given, or None if box or associated data is not the one it had."""
        if len(box) < NONCE_BYTES + TAG_BYTES:
            return None
        return self._ask(lambda session: self._opened(session, key_id, box, associated_data))

    def generate(self, key_id: str) -> None:
        """Makes a key of that name inside the token. Raises KeyUnavailable if it has one, or does not answer."""

        def generate(session: pkcs11.Session) -> None:
            if _found(session, key_id):
                raise KeyUnavailable
            session.generate_key(KeyType.AES, KEY_BYTES * 8, label=key_id, store=True, template=_TEMPLATE)

        self._ask(generate, write=True)

    def destroy(self, key_id: str) -> None:
        """Destroys the key of that name, if the token has it."""

        def destroy(session: pkcs11.Session) -> None:
            for key in _found(session, key_id):
                key.destroy()

        self._ask(destroy, write=True)
        self._keys.pop(key_id, None)

    def close(self) -> None:
        """Logs out; the next call would log in again."""
        with _turn:
            self._drop()

    def _ask(self, do: Callable[[pkcs11.Session], T], *, write: bool = False) -> T:
        if not _turn.acquire(timeout=self._patience_seconds):
            raise KeyUnavailable
        try:
            found = self._tried(do, write=write)
            # What writes must not be done twice.
            if found is None and not write:
                self._start_afresh()
                found = self._tried(do, write=False)
        finally:
            _turn.release()
        if found is None:
            raise KeyUnavailable
        return found[0]

    def _tried(self, do: Callable[[pkcs11.Session], T], *, write: bool) -> tuple[T] | None:
        try:
            if write:
                with self._open(rw=True) as session:
                    return (do(session),)
            if self._session is None:
                self._session = self._open()
            return (do(self._session),)
        except (PKCS11Error, OSError):
            self._drop()
            return None

    def _start_afresh(self) -> None:
        # After a token was away some modules go on failing, whatever session they are asked in.
        with suppress(PKCS11Error):
            pkcs11.lib(str(self._module)).reinitialize()

    def _open(self, *, rw: bool = False) -> pkcs11.Session:
        token = pkcs11.lib(str(self._module)).get_token(token_label=self._label)
        pin = Secret(self._pin_file.read_bytes().strip())
        # A token locks itself after a few wrong PINs: one that was refused is not tried again.
        if pin == self._refused:
            raise KeyUnavailable
        try:
            return token.open(rw=rw, user_pin=pin.reveal_text())
        except UserAlreadyLoggedIn:
            # A process is logged in with all its sessions or with none.
            return token.open(rw=rw)
        except (PinIncorrect, PinLocked):
            self._refused = pin
            raise

    def _drop(self) -> None:
        session, self._session = self._session, None
        self._keys.clear()
        if session is not None:
            with suppress(PKCS11Error):
                session.close()

    def _key(self, session: pkcs11.Session, key_id: str) -> _Key:
        if key_id not in self._keys:
            found = _found(session, key_id)
            if len(found) != 1:
                # A session that is logged in no more sees no keys either: worth another, like other failures.
                raise NoSuchKey
            [self._keys[key_id]] = found
        return self._keys[key_id]

    def _seal(self, session: pkcs11.Session, key_id: str, plaintext: Secret, associated_data: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        options = GCMParams(nonce, aad=associated_data, tag_bits=TAG_BYTES * 8)
        key = self._key(session, key_id)
        sealed = key.encrypt(plaintext.reveal(), mechanism=Mechanism.AES_GCM, mechanism_param=options)
        return nonce + sealed

    def _opened(
        self, session: pkcs11.Session, key_id: str, box: bytes, associated_data: bytes
    ) -> Secret | None:
        options = GCMParams(box[:NONCE_BYTES], aad=associated_data, tag_bits=TAG_BYTES * 8)
        key = self._key(session, key_id)
        try:
            plain = key.decrypt(box[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=options)
        except PKCS11Error:
            # Tokens disagree on how a wrong tag is called (SoftHSM: CKR_GENERAL_ERROR). If the key opens what it
            # seals now, it was the box that was wrong; otherwise this raises, and the token is.
            self._prove(session, key_id)
            return None
        return Secret(plain)

    def _prove(self, session: pkcs11.Session, key_id: str) -> None:
        key, known = self._key(session, key_id), os.urandom(TAG_BYTES)
        box = self._seal(session, key_id, Secret(known), b"")
        options = GCMParams(box[:NONCE_BYTES], aad=b"", tag_bits=TAG_BYTES * 8)
        if known != key.decrypt(box[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=options):
            raise KeyUnavailable


_turn = threading.Lock()
"""One for the process, as the module and its login are."""


def _found(session: pkcs11.Session, key_id: str) -> list[_Key]:
    wanted = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.LABEL: key_id,
    }
    return cast(list[_Key], list(session.get_objects(wanted)))
