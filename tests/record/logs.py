"""A log that a real service wrote, with checkpoints; a superuser's hand on it; the verifier as an auditor runs it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from google.protobuf.field_mask_pb2 import FieldMask
from psycopg import sql
from psycopg.rows import dict_row

from comptoir.shop.v1 import shop_pb2
from services.chassis.changes import chain
from services.chassis.changes import checkpoint_files as files
from services.chassis.changes.checkpoints import write_checkpoint
from services.chassis.testing.running import Running

VERIFIER = Path(__file__).parents[2] / "deploy" / "verify_log.py"
ONE, TWO, THREE = "companies/one", "companies/two", "companies/three"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_TABLES = ("changes", "change_values", "change_heads", "change_feed")
# Nothing but this file, the standard library and installed packages: the project itself is not to be found.
_ALONE = """
import importlib.util, runpy, sys
packages, *sys.argv = sys.argv[1:]
sys.path.append(packages)
assert not [name for name in ("services", "deploy", "comptoir") if importlib.util.find_spec(name)]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Finding(NamedTuple):
    """The place of a finding, as --json gives it."""

    problem: str
    scope: str | None = None
    first: int | None = None
    last: int | None = None
    after: int | None = None
    before: int | None = None


class Answer(NamedTuple):
    """What the verifier said."""

    status: int
    findings: set[Finding]
    notes: list[dict[str, Any]]
    error: str


class Log:
    """The log of a shop service: `one` has 7 changes, `two` 6, `three` 5; the last of `two` is in no checkpoint.

    Checkpoint 1 lists one: 5, two: 5; checkpoint 2, one: 7; checkpoint 3, three: 5; checkpoint 4, nothing.
    """

    def __init__(self, shop: Running, place: Path) -> None:
        self.shop = shop
        self.place = place
        self.checkpoints = place / "checkpoints"
        self._untouched = place / "untouched"
        self._untouched.mkdir()
        key = place / "checkpoint-key"
        files.new_key(key)
        self.key = files.load_key(key)
        self.public = place / "checkpoint-key.pem"
        self._write()

    def reset(self) -> None:
        """Everything as it was written."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        shutil.copytree(self._untouched, self.checkpoints)
        with self.superuser() as connection:
            for table in _TABLES:
                name, saved = sql.Identifier(table), sql.Identifier("saved", table)
                connection.execute(sql.SQL("truncate {}").format(name))
                connection.execute(sql.SQL("insert into {} select * from {}").format(name, saved))

    def superuser(self) -> psycopg.Connection[Any]:
        """Triggers are no obstacle to it."""
        connection = self.shop.database.administrator()
        connection.execute("set session_replication_role = replica")
        return connection

    def execute(self, *statements: str) -> None:
        with self.superuser() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rebuild(self, scope: str, edit: Callable[[list[dict[str, Any]]], None]) -> None:
        """Rewrites a scope as somebody would who knows the format: numbers, hashes and head all fit."""
        with self.superuser() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            rows = cursor.execute(
                "select * from changes where scope = %s order by sequence", [scope]
            ).fetchall()
            edit(rows)
            connection.execute("delete from changes where scope = %s", [scope])
            previous = chain.GENESIS
            for sequence, row in enumerate(rows, start=1):
                row["sequence"] = sequence
                time = row["time"].astimezone(UTC).isoformat(timespec="microseconds")
                previous = row["hash"] = chain.link(previous, {**row, "time": time}, row["commitment"])
                columns = sql.SQL(", ").join(map(sql.Identifier, row))
                values = sql.SQL(", ").join(map(sql.Placeholder, row))
                insert = sql.SQL("insert into changes ({}) values ({})").format(columns, values)
                connection.execute(insert, row)
            beyond = "delete from change_values where scope = %s and sequence > %s"
            connection.execute(beyond, [scope, len(rows)])
            head = [len(rows), previous, scope]
            connection.execute("update change_heads set sequence = %s, hash = %s where scope = %s", head)

    def write_checkpoint(self, number: int) -> Path:
        with psycopg.connect(self.shop.database.urls["feed"], autocommit=True) as connection:
            now = NOON + timedelta(hours=number)
            return write_checkpoint(connection, self.checkpoints, self.key, "shop", now)

    def file(self, number: int, service: str = "shop") -> Path:
        return files.path_of(self.checkpoints, service, number)

    def dump(self, place: Path) -> Path:
        """What `\\copy` writes."""
        place.mkdir(exist_ok=True)
        with self.superuser() as connection:
            for table in ("changes", "change_heads"):
                query = sql.SQL("copy {} to stdout (format csv, header)").format(sql.Identifier(table))
                with connection.cursor().copy(query) as copy:
                    (place / f"{table}.csv").write_bytes(b"".join(copy))
        return place

    def rows(self, dump: Path, table: str = "changes") -> list[dict[str, str]]:
        with open(dump / f"{table}.csv", newline="") as file:
            return list(csv.DictReader(file))

    def verify(self, *options: str | Path, url: str | None = None, dump: Path | None = None) -> Answer:
        """Runs it from elsewhere, alone."""
        given = ("--dump", dump) if dump else ("--database", url or self.shop.database.urls["feed"])
        return verify(*given, "--checkpoints", self.checkpoints, "--public-key", self.public, *options)

    def _write(self) -> None:
        self.checkpoints.mkdir()
        for company in ("one", "two"):
            self.open_shop(company)
        self.write_checkpoint(1)
        self.rename("one", "Quai")
        self.rename("one", "Grand quai")
        self.write_checkpoint(2)
        self.open_shop("three")
        self.write_checkpoint(3)
        self.write_checkpoint(4)
        self.rename("two", "Marché")
        shutil.rmtree(self._untouched)
        shutil.copytree(self.checkpoints, self._untouched)
        self.execute("create schema saved", *(f"create table saved.{t} as table {t}" for t in _TABLES))

    def open_shop(self, company: str) -> None:
        request = shop_pb2.CreateShopRequest(
            parent=f"companies/{company}", shop=shop_pb2.Shop(display_name="Boutique")
        )
        shop = self.shop.call("ShopService/CreateShop", request, shop_pb2.Shop, service="bootstrap")
        (self.place / company).write_text(shop.name)

    def rename(self, company: str, name: str) -> None:
        shop = shop_pb2.Shop(name=(self.place / company).read_text(), display_name=name)
        request = shop_pb2.UpdateShopRequest(shop=shop, update_mask=FieldMask(paths=["display_name"]))
        token = self.shop.mint.token(company=company)
        self.shop.call("ShopService/UpdateShop", request, shop_pb2.Shop, token=token)


def verify(*arguments: str | Path) -> Answer:
    """The verifier in an interpreter that knows nothing of the project."""
    alone = [sys.executable, "-I", "-S", "-c", _ALONE, sysconfig.get_path("purelib"), VERIFIER]
    command = [*alone, "--now", (NOON + timedelta(hours=5)).isoformat(), *arguments]
    done = subprocess.run(
        [*map(str, command), "--json"],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    keys = ("finding", "scope", "first", "last", "after_checkpoint", "before_checkpoint")
    return Answer(
        done.returncode,
        {Finding(*(line[key] for key in keys)) for line in lines if "finding" in line},
        [line for line in lines if "note" in line],
        done.stderr,
    )
