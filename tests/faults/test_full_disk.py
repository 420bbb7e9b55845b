"""A disk with no room left under PostgreSQL: changes are refused and say so, reads go on, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from deploy.local import ports
from deploy.local.platforms import Platform
from deploy.local.postgres import Cluster
from deploy.local.servers import Server
from services.chassis.testing.waiting import until
from tests.faults.visitor import GENEROUS_SECONDS, Outcome, Visitor, recovers, refused_in_time

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can mount a small disk"
)
_SIZE = "512m"


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform whose PostgreSQL has a small disk of its own."""
    directory, disk = tmp_path_factory.mktemp("cramped"), Path(tempfile.mkdtemp(prefix="comptoir-disk-"))
    (directory / "postgres").symlink_to(disk)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0711", "comptoir-test", disk], check=True
    )
    try:
        with Platform(directory, ports.free(ports.DEFAULTS)) as running:
            yield running
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
        disk.rmdir()


@contextmanager
def no_room(platform: Platform) -> Iterator[None]:
    """Fills the disk to its last byte, and clears what filled it in the end."""
    ballast = platform.layout.postgres.resolve() / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            written = 1
            while written:
                try:
                    written = file.write(bytes(1024 * 1024))
                except OSError:
                    written = 0
        yield
    finally:
        ballast.unlink()


def test_changes_are_refused_while_there_is_no_room_and_reads_go_on(cramped: Platform) -> None:
    visitor = Visitor.signed_in(cramped)
    with no_room(cramped):
        refused = until(lambda: _refused(visitor.renames_shop()), "a change is refused", GENEROUS_SECONDS)
        read = [visitor.reads_shop(), visitor.reads_company()]
    recovers("a full disk", visitor.renames_shop, visitor.corrects_company)

    assert refused_in_time(refused), refused
    assert refused.reason == "DATABASE_FULL"
    assert [outcome.status for outcome in read] == [200, 200]


def test_a_server_that_fell_for_lack_of_room_is_back_with_what_was_acknowledged(cramped: Platform) -> None:
    visitor = Visitor.signed_in(cramped)
    server = Cluster(cramped.layout.postgres, cramped.ports["postgres"]).server
    with no_room(cramped):
        until(lambda: _refused(visitor.renames_shop()), "a change is refused", GENEROUS_SECONDS)
        kept = _label(visitor)
        # The next segments of its log cannot be written, which no server survives.
        with pytest.raises(psycopg.OperationalError):
            _write_on(server)
        fallen = visitor.renames_shop()
    recovers("a fall for lack of room", visitor.reads_shop)
    found = _label(visitor)
    recovers("a fall for lack of room", visitor.renames_shop, visitor.corrects_company)

    assert refused_in_time(fallen), fallen
    assert found == kept


def _write_on(server: Server) -> None:
    with server.administrator() as connection:
        for _ in range(64):
            connection.execute("select pg_switch_wal(), txid_current()")
            connection.commit()


def _label(visitor: Visitor) -> str:
    return str(visitor.merchant.get(visitor.shop).json()["displayName"])


def _refused(outcome: Outcome) -> Outcome | None:
    return outcome if outcome.status != 200 else None
