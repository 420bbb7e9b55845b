"""Files of checkpoints: what the heads of a service's log were at one time, signed, each tied to the one before.

A file is lines of JSON (NDJSON, UTF-8, each line ended by one newline), named `<service>-<number>.ndjson` with at least
eight digits. docs/verifying.md says the same to an auditor.

- The first line is the header: `comptoir` ("checkpoint"), `format` (1), `service`, `number` (1, 2, …), `time`
  (RFC 3339, UTC), `epoch` (of the service's feed: another after the database was restored), `full` (whether every
  head is listed, or only those that moved since the checkpoint before), `previous` (SHA-256 of the whole file before,
  64 zeros for the first), `key` (SHA-256 of the 32 bytes of the public key), `heads` (how many lines follow).
- Then one line a head: `scope`, `sequence`, `hash`; a head that is gone has sequence 0. Hashes are hexadecimal.
- The last line holds the `signature` in base64: Ed25519 (RFC 8032) over all bytes before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis import fault_points
from services.chassis.durable import sync_directory, write_new

NOTHING = "0" * 64
"""In the place of a hash that there is not."""

Heads = dict[str, tuple[int, str]]
"""Sequence and hash by scope."""


class CheckpointBroken(Exception):
    """A file is not a checkpoint of this service, or not one that this key signed."""


class CheckpointKeyInvalid(Exception):
    """The file of the signing key cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Checkpoint:
    """What one file says."""

    service: str
    number: int
    time: str
    epoch: str
    full: bool
    previous: str
    heads: Heads


def encode(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The file, signed."""
    header = {
        "comptoir": "checkpoint",
        "format": 1,
        "service": checkpoint.service,
        "number": checkpoint.number,
        "time": checkpoint.time,
        "epoch": checkpoint.epoch,
        "full": checkpoint.full,
        "previous": checkpoint.previous,
        "key": fingerprint(key.public_key()),
        "heads": len(checkpoint.heads),
    }
    heads = [
        {"scope": scope, "sequence": sequence, "hash": digest}
        for scope, (sequence, digest) in sorted(checkpoint.heads.items())
    ]
    body = b"".join(_line(each) for each in (header, *heads))
    return body + _line({"signature": base64.b64encode(key.sign(body)).decode()})


def decode(content: bytes, service: str, number: int, public: Ed25519PublicKey) -> Checkpoint:
    """What a file says. Raises CheckpointBroken."""
    end = content.rfind(b"\n", 0, -1) + 1
    try:
        public.verify(base64.b64decode(json.loads(content[end:])["signature"]), content[:end])
        header, *heads = map(json.loads, content[:end].splitlines())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise CheckpointBroken(f"checkpoint {number} is not as it was signed") from None
    if (header["service"], header["number"]) != (service, number):
        raise CheckpointBroken(f"the file of checkpoint {number} holds another")
    return Checkpoint(
        service=service,
        number=number,
        time=header["time"],
        epoch=header["epoch"],
        full=header["full"],
        previous=header["previous"],
        heads={head["scope"]: (head["sequence"], head["hash"]) for head in heads},
    )


def path_of(directory: Path, service: str, number: int) -> Path:
    """Where a checkpoint lies."""
    return directory / f"{service}-{number:08d}.ndjson"


def newest(directory: Path, service: str) -> int:
    """The number of the last checkpoint, 0 if there is none. It is read from the names alone."""
    name = re.compile(rf"{re.escape(service)}-([0-9]{{8,}})\.ndjson")
    return max(
        (int(match[1]) for each in os.listdir(directory) if (match := name.fullmatch(each))), default=0
    )


def store(directory: Path, service: str, number: int, content: bytes) -> Path:
    """Puts a file in its place, whole and on disk, or not at all. Raises FileExistsError rather than replace one."""
    path = path_of(directory, service, number)
    draft = directory / f".{path.name}.{secrets.token_hex(4)}"
    write_new(draft, content, 0o440)
    fault_points.reach("checkpoint.before_rename")
    try:
        # A rename would replace what another process has just put there.
        os.link(draft, path)
    except FileNotFoundError:
        raise FileExistsError(path) from None  # who took the number removed the drafts for it
    finally:
        draft.unlink(missing_ok=True)
        _remove_drafts(directory, service, number)
    sync_directory(directory)
    return path


def new_key(path: Path) -> None:
    """Makes a signing key that only its owner can read (PKCS #8, PEM), and its public half as `<path>.pem`."""
    key = Ed25519PrivateKey.generate()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    for target, content, mode in (
        (path.with_name(f"{path.name}.pem"), public, 0o644),
        (path, private, 0o600),
    ):
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        write_new(draft, content, mode)
        draft.replace(target)
    sync_directory(path.parent)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The signing key. Raises CheckpointKeyInvalid, also if others than its owner could read it."""
    try:
        state, content = path.stat(), path.read_bytes()
    except OSError as error:
        raise CheckpointKeyInvalid(f"{path}: {error.strerror}") from None
    if state.st_mode & 0o077:
        mode = stat.S_IMODE(state.st_mode)
        raise CheckpointKeyInvalid(f"{path}: mode {mode:04o} lets others in; make it 0400 or 0600")
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CheckpointKeyInvalid(f"{path}: it is not an Ed25519 key in PEM without a password")
    return key


def fingerprint(public: Ed25519PublicKey) -> str:
    """How a checkpoint names its key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _remove_drafts(directory: Path, service: str, number: int) -> None:
    """Those that crashes left: nobody can publish a draft whose number is taken."""
    for draft in directory.glob(f".{service}-*.ndjson.*"):
        taken = draft.name.split(".")[1].rpartition("-")[2]
        if taken.isdecimal() and int(taken) <= number:
            draft.unlink(missing_ok=True)
