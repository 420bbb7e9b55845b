"""Checkpoints: what moved, signed and tied together; added to, never replaced; whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

from services.chassis.changes import checkpoint_files as files
from services.chassis.changes.checkpoints import (
    FULL_EVERY,
    Checkpoints,
    CheckpointSettings,
    write_checkpoint,
)
from services.chassis.clock import Clock
from services.chassis.config import ConfigError, load
from services.chassis.service import Service
from services.chassis.testing.postgres import Clone
from services.chassis.tests.sample.rows import SAMPLE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Writer:
    """The sample service's checkpoints, and a hand on its heads."""

    def __init__(self, database: Clone, place: Path) -> None:
        self.database = database
        self.directory = place / "checkpoints"
        self.directory.mkdir()
        self.key_file = place / "checkpoint-key"
        files.new_key(self.key_file)
        self.key = files.load_key(self.key_file)
        self.url_file = place / "feed-database-url"
        self.url_file.write_text(database.urls["feed"])

    def heads(self, heads: dict[str, int], epoch: str = "first") -> None:
        """Makes the heads these: the content of the chain does not matter here."""
        with self.database.administrator() as connection:
            connection.execute("truncate change_heads")
            connection.execute("update change_feed set epoch = %s", [epoch])
            for scope, sequence in heads.items():
                row = [scope, sequence, self.hash(scope, sequence)]
                connection.execute("insert into change_heads values (%s, %s, %s, '0', '0')", row)

    def hash(self, scope: str, sequence: int) -> bytes:
        return f"{scope}{sequence}".encode().ljust(32, b"-")

    def write(self, now: datetime = NOON) -> Path:
        with psycopg.connect(self.database.urls["feed"], autocommit=True) as connection:
            return write_checkpoint(connection, self.directory, self.key, "sample", now)

    def read(self, path: Path) -> files.Checkpoint:
        number = int(path.stem.rpartition("-")[2])
        return files.decode(path.read_bytes(), "sample", number, self.key.public_key())

    def listed(self, path: Path) -> dict[str, int]:
        return {scope: sequence for scope, (sequence, _) in self.read(path).heads.items()}

    def checkpoints(self, clock: Clock = lambda: NOON, **settings: Any) -> Checkpoints:
        given: dict[str, Any] = {
            "feed_database_url_file": self.url_file,
            "checkpoint_directory": self.directory,
            "checkpoint_key_file": self.key_file,
            **settings,
        }
        return Checkpoints("sample", CheckpointSettings(**given), clock)


@pytest.fixture(scope="module")
def database(clone: Callable[[Service], Clone]) -> Clone:
    return clone(SAMPLE)


@pytest.fixture
def writer(database: Clone, tmp_path: Path) -> Writer:
    writer = Writer(database, tmp_path)
    writer.heads({"companies/a": 3, "companies/b": 1, "platform": 7})
    return writer


def test_the_first_lists_every_head_the_next_what_moved(writer: Writer) -> None:
    first = writer.write()
    writer.heads({"companies/a": 3, "companies/b": 2, "platform": 7, "users/c": 1})
    second = writer.write(NOON + timedelta(hours=1))
    third = writer.write(NOON + timedelta(hours=2))

    assert writer.listed(first) == {"companies/a": 3, "companies/b": 1, "platform": 7}
    assert writer.listed(second) == {"companies/b": 2, "users/c": 1}
    assert writer.listed(third) == {}
    assert [writer.read(each).full for each in (first, second, third)] == [True, False, False]
    assert writer.hash("companies/a", 3).hex() == writer.read(first).heads["companies/a"][1]


def test_each_names_its_service_number_time_and_epoch_and_the_file_before(writer: Writer) -> None:
    first, second = writer.write(), writer.write(NOON + timedelta(hours=1))
    header = json.loads(second.read_bytes().splitlines()[0])

    assert {
        "comptoir": "checkpoint",
        "format": 1,
        "service": "sample",
        "number": 2,
        "time": "2026-03-01T13:00:00+00:00",
        "epoch": "first",
        "full": False,
        "previous": hashlib.sha256(first.read_bytes()).hexdigest(),
        "key": files.fingerprint(writer.key.public_key()),
        "heads": 0,
    } == header
    assert writer.read(first).previous == files.NOTHING


def test_every_so_many_lists_every_head_again(writer: Writer) -> None:
    paths = [writer.write(NOON + timedelta(hours=each)) for each in range(FULL_EVERY + 2)]

    assert [number for number, path in enumerate(paths) if writer.read(path).full] == [0, FULL_EVERY]
    assert len(writer.listed(paths[FULL_EVERY])) == 3


def test_a_new_epoch_lists_every_head_and_what_is_gone(writer: Writer) -> None:
    writer.write()
    writer.heads({"companies/a": 2, "platform": 7}, epoch="restored")

    after = writer.write()

    assert writer.read(after).full
    assert writer.listed(after) == {"companies/a": 2, "companies/b": 0, "platform": 7}


def test_a_log_that_went_back_is_listed_and_told(writer: Writer, capsys: pytest.CaptureFixture[str]) -> None:
    writer.write()
    writer.heads({"companies/a": 2, "platform": 7})

    assert writer.listed(writer.write()) == {"companies/a": 2, "companies/b": 0}
    assert "the log went back" in capsys.readouterr().out
    assert writer.listed(writer.write()) == {}


def test_it_goes_on_in_full_after_a_file_that_was_tampered_with(writer: Writer) -> None:
    first = writer.write()
    first.chmod(0o640)
    first.write_bytes(first.read_bytes().replace(b'"sequence":3', b'"sequence":4'))

    second = writer.write()

    assert writer.read(second).full
    assert hashlib.sha256(first.read_bytes()).hexdigest() == writer.read(second).previous


def test_a_file_is_never_replaced(writer: Writer) -> None:
    first = writer.write()
    before = first.read_bytes()

    with pytest.raises(FileExistsError):
        files.store(writer.directory, "sample", 1, b"another")

    assert before == first.read_bytes()
    assert [first.name] == os.listdir(writer.directory)


def test_several_at_once_leave_one_chain(writer: Writer) -> None:
    barrier = threading.Barrier(4)

    def write() -> None:
        barrier.wait()
        writer.checkpoints().run_due(NOON)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    paths = sorted(writer.directory.iterdir())
    assert [path.name for path in paths] == [f"sample-{n + 1:08d}.ndjson" for n in range(len(paths))]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert [writer.read(path).previous for path in paths] == [files.NOTHING, *digests[:-1]]


def test_a_full_disk_leaves_nothing_half(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            writer.write()
    assert files.newest(writer.directory, "sample") == 0

    path = writer.write()
    assert [path.name] == os.listdir(writer.directory)
    assert len(writer.listed(path)) == 3


def test_it_falls_due_by_the_date_of_the_last_one_also_after_a_restart(writer: Writer) -> None:
    assert writer.checkpoints().run_due(NOON) is not None
    assert writer.checkpoints().run_due(NOON + timedelta(minutes=59)) is None
    assert writer.checkpoints(checkpoint_minutes=30).run_due(NOON + timedelta(minutes=30)) is not None
    assert writer.checkpoints().run_due(NOON - timedelta(days=400)) is not None, "the clock was put back"


def test_the_loop_writes_at_once_and_ends_when_told(writer: Writer) -> None:
    stop = threading.Event()

    def clock() -> datetime:
        stop.set()
        return NOON

    writer.checkpoints(clock).run(stop)

    assert files.newest(writer.directory, "sample") == 1


def test_the_loop_outlives_a_database_that_is_away(writer: Writer, tmp_path: Path) -> None:
    stop = threading.Event()
    url = tmp_path / "away"
    url.write_text("postgresql://nobody@127.0.0.1:1/none")
    thread = threading.Thread(target=writer.checkpoints(feed_database_url_file=url).run, args=[stop])
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_the_key_is_its_owners_and_its_public_half_everybodys(writer: Writer, tmp_path: Path) -> None:
    public = tmp_path / "checkpoint-key.pem"

    assert writer.key_file.stat().st_mode & 0o777 == 0o600
    assert public.stat().st_mode & 0o777 == 0o644
    assert serialization.load_pem_public_key(public.read_bytes()) == writer.key.public_key()


def test_a_key_that_others_can_read_is_refused(writer: Writer) -> None:
    writer.key_file.chmod(0o640)

    with pytest.raises(ConfigError, match="lets others in"):
        writer.checkpoints()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused_without_quoting_it(writer: Writer, content: bytes) -> None:
    writer.key_file.write_bytes(content)

    with pytest.raises(ConfigError, match="not an Ed25519 key") as refused:
        writer.checkpoints()
    assert "AAAA" not in str(refused.value)


def test_settings_say_all_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTOIR_CHECKPOINT_DIRECTORY", str(tmp_path / "nowhere"))

    with pytest.raises(ConfigError) as refused:
        load(CheckpointSettings)

    for name in ("FEED_DATABASE_URL_FILE", "CHECKPOINT_DIRECTORY", "CHECKPOINT_KEY_FILE"):
        assert f"COMPTOIR_{name}" in str(refused.value)
