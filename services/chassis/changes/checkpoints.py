"""Writes signed checkpoints of all heads of the log outside the database, hourly (security.md, Record).

Whoever rules the database can rebuild a chain, heads and all. What a checkpoint listed before, he cannot: the key
is not in the database. `deploy/verify_log.py` compares. `checkpoint_files` describes the files.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis import log
from services.chassis.changes import checkpoint_files as files
from services.chassis.changes.checkpoint_files import NOTHING, Checkpoint, CheckpointBroken, Heads
from services.chassis.clock import Clock, system_clock
from services.chassis.config import ConfigError, SecretFile

FULL_EVERY = 24
"""One in so many lists every head, so that the ones before it can be archived; the others list what moved."""
_LOOK_SECONDS = 30.0
_SESSION = "-c statement_timeout=120000 -c lock_timeout=1000 -c search_path=public"


def _directory(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("must be a directory")
    return path


class CheckpointSettings(BaseSettings):
    """What writing checkpoints needs."""

    model_config = SettingsConfigDict(env_prefix="COMPTOIR_", frozen=True, extra="ignore")

    feed_database_url_file: SecretFile
    """File with the database URL of the `feed` role."""
    checkpoint_directory: Annotated[Path, AfterValidator(_directory)]
    """Where checkpoints are added. It should be copied to where this service cannot write."""
    checkpoint_key_file: SecretFile
    """File with the Ed25519 key that signs them, of this service alone; see `checkpoint_files.new_key`."""
    checkpoint_minutes: Annotated[int, Field(ge=1)] = 60
    """From one checkpoint to the next."""


@dataclass(frozen=True)
class _Before:
    """What the checkpoints so far say, taken together."""

    epoch: str
    heads: Heads


def write_checkpoint(
    connection: psycopg.Connection, directory: Path, key: Ed25519PrivateKey, service: str, now: datetime
) -> Path:
    """Adds one checkpoint to the directory and returns its file.

    `connection` is one of the `feed` role, outside of a transaction. Nothing is remembered between two calls: what
    there was before is read from the directory, so it goes on after a restart, and where that cannot be read or was
    tampered with, all heads are listed. Raises FileExistsError if another process wrote the same number meanwhile.
    """
    last = files.newest(directory, service)
    epoch, heads = _read(connection)
    before = _before(directory, service, last, key.public_key())
    if last and before is None:
        log.event("checkpoints before this one are not whole", number=last + 1)
    known = before.heads if before else {}
    _tell_of_losses(known, heads, last + 1)
    full = before is None or before.epoch != epoch or last % FULL_EVERY == 0
    moved = {scope: head for scope, head in heads.items() if full or known.get(scope) != head}
    gone = dict.fromkeys(known.keys() - heads.keys(), (0, NOTHING))
    previous = hashlib.sha256(files.path_of(directory, service, last).read_bytes()) if last else None
    checkpoint = Checkpoint(
        service=service,
        number=last + 1,
        time=now.astimezone(UTC).isoformat(timespec="seconds"),
        epoch=epoch,
        full=full,
        previous=previous.hexdigest() if previous else NOTHING,
        heads={**moved, **gone},
    )
    return files.store(directory, service, last + 1, files.encode(checkpoint, key))


class Checkpoints:
    """Writes a service's checkpoints as they fall due. Raises ConfigError if the key cannot be used."""

    def __init__(self, service: str, settings: CheckpointSettings, clock: Clock = system_clock) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        try:
            self._key = files.load_key(settings.checkpoint_key_file)
        except files.CheckpointKeyInvalid as error:
            raise ConfigError(f"COMPTOIR_CHECKPOINT_KEY_FILE: {error}") from None

    def write(self, now: datetime) -> Path:
        """Writes one now, due or not. Raises psycopg.Error, OSError."""
        url = self._settings.feed_database_url_file.read_text().strip()
        with psycopg.connect(url, autocommit=True, connect_timeout=5, options=_SESSION) as connection:
            directory = self._settings.checkpoint_directory
            path = write_checkpoint(connection, directory, self._key, self._service, now)
        log.event("checkpoint", file=path.name)
        return path

    def run_due(self, now: datetime) -> Path | None:
        """Writes one if the last is old enough, by its own date, or not whole. Raises psycopg.Error, OSError."""
        last = self._last_time()
        interval = timedelta(minutes=self._settings.checkpoint_minutes)
        # One from the future says that the clock was put back: waiting for it could take years.
        if last is not None and last <= now < last + interval:
            return None
        try:
            return self.write(now)
        except FileExistsError:
            return None

    def run(self, stop: threading.Event) -> None:
        """Runs in a thread until told to stop; what fails is logged and tried again half a minute later."""
        while not stop.is_set():
            try:
                self.run_due(self._clock())
            except (psycopg.Error, OSError) as error:
                log.event("checkpoint failed", error=type(error).__name__)
            stop.wait(_LOOK_SECONDS)

    def _last_time(self) -> datetime | None:
        directory = self._settings.checkpoint_directory
        number = files.newest(directory, self._service)
        if not number:
            return None
        try:
            content = files.path_of(directory, self._service, number).read_bytes()
            last = files.decode(content, self._service, number, self._key.public_key())
        except CheckpointBroken:
            return None
        return datetime.fromisoformat(last.time)


def _read(connection: psycopg.Connection) -> tuple[str, Heads]:
    """Epoch and heads as of one moment."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        feed = connection.execute("select epoch from change_feed").fetchone()
        heads = connection.execute("select scope, sequence, encode(hash, 'hex') from change_heads")
        return feed[0] if feed else "", {scope: (sequence, digest) for scope, sequence, digest in heads}


def _before(directory: Path, service: str, last: int, public: Ed25519PublicKey) -> _Before | None:
    """The heads as the files since the last full one say; None without one, or if one of them is not as signed."""
    found: list[Checkpoint] = []
    try:
        for number in range(last, max(0, last - FULL_EVERY), -1):
            content = files.path_of(directory, service, number).read_bytes()
            found.append(files.decode(content, service, number, public))
            if found[-1].full:
                break
    except (CheckpointBroken, FileNotFoundError):
        return None
    if not found or not found[-1].full:
        return None
    heads: Heads = {}
    for checkpoint in reversed(found):
        heads |= checkpoint.heads
    return _Before(found[0].epoch, {scope: head for scope, head in heads.items() if head[0]})


def _tell_of_losses(known: Heads, heads: Heads, number: int) -> None:
    """A log only grows; after a restore, or by somebody's hand, it did not."""
    lost = 0
    for scope, (sequence, digest) in known.items():
        now, at_present = heads.get(scope, (0, NOTHING))
        lost += now < sequence or (now == sequence and at_present != digest)
    if lost:
        log.event("the log went back", scopes=lost, number=number)
