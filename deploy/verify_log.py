#!/usr/bin/env python3
"""Checks the log of one Comptoir service: each chain in itself, and all of them against the signed checkpoints.

It needs Python 3.11, `cryptography`, and for a database `psycopg`; nothing of the project. docs/verifying.md says how
to run it, what it finds, what it cannot find, and how log and checkpoints are written.

Exit status: 0 nothing was found, 1 something was, 2 it could not check.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import itertools
import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COVERED = (
    *("scope", "sequence", "time", "type", "resource", "history", "action", "fields", "actor"),
    *("client", "on_behalf_of", "reason", "request_id", "method", "schema_version"),
)
"""The columns that a change's hash covers, beside the commitment to its values."""
COLUMNS = (*COVERED, "commitment", "hash")
GENESIS = bytes(32)


class CannotCheck(Exception):
    """What is needed to check cannot be had; the message says what."""


class Change(NamedTuple):
    """One row of the log."""

    scope: str
    sequence: int
    hash: bytes
    covered: bytes
    """Its columns as the hash covers them."""
    commitment: bytes


class Listed(NamedTuple):
    """What one checkpoint says of one scope."""

    number: int
    sequence: int
    hash: bytes


class Report:
    """Prints findings as they are made, for people or as one JSON object a line, and counts them."""

    def __init__(self, as_json: bool) -> None:
        self.findings = 0
        self.service = ""
        self._json = as_json

    def finding(
        self,
        problem: str,
        text: str,
        *,
        scope: str | None = None,
        changes: tuple[int, int] | None = None,
        after: int | None = None,
        before: int | None = None,
    ) -> None:
        """`changes`: first and last concerned; `after`, `before`: the checkpoints between which it was done."""
        self.findings += 1
        place = [self.service or "log"] + ([scope] if scope is not None else [])
        if changes:
            first, last = changes
            place.append(f"change {first}" if first == last else f"changes {first} to {last}")
        self._print(
            f"FINDING  {', '.join(place)}: {text} [{problem}]",
            {
                "finding": problem,
                "service": self.service,
                "scope": scope,
                "first": changes[0] if changes else None,
                "last": changes[1] if changes else None,
                "after_checkpoint": after,
                "before_checkpoint": before,
                "text": text,
            },
        )

    def note(self, text: str, **values: object) -> None:
        """Something to know that is not wrong."""
        self._print(
            f"note     {self.service or 'log'}: {text}", {"note": text, "service": self.service, **values}
        )

    def _print(self, line: str, values: dict[str, object]) -> None:
        # What the log says must not command the reader's terminal.
        safe = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)
        sys.stdout.write(f"{json.dumps(values) if self._json else safe}\n")


# --- the checkpoints ---------------------------------------------------------------------------------------------


class Evidence:
    """What the checkpoints that hold say, kept on disk: years of them do not fit into memory."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store
        store.execute("create table listed (scope text, number integer, sequence integer, hash blob)")
        self.numbers: list[int] = []
        self.times: list[datetime] = []
        self.restored: set[int] = set()
        """The restores that whoever runs this knows of, by the first checkpoint after each."""
        self._whole_until: dict[int, int] = {}

    def take(self, header: dict[str, Any], heads: Iterable[dict[str, Any]]) -> None:
        number = header["number"]
        rows = [(each["scope"], number, each["sequence"], bytes.fromhex(each["hash"])) for each in heads]
        self._store.executemany("insert into listed values (?, ?, ?, ?)", rows)
        self.numbers.append(number)
        self.times.append(datetime.fromisoformat(header["time"]).astimezone(UTC))

    def close(self) -> None:
        """To be called when all were taken."""
        self._store.execute("create index listed_scope on listed (scope, number)")
        for number in reversed(self.numbers):
            self._whole_until[number] = self._whole_until.get(number + 1, number)

    def of(self, scope: str) -> list[Listed]:
        query = "select number, sequence, hash from listed where scope = ? order by number"
        return [Listed(*row) for row in self._store.execute(query, (scope,))]

    def window(self, last: Listed, following: Listed | None) -> tuple[int, int | None]:
        """Between which checkpoints a scope left what `last` said: one that lists nothing says that nothing moved."""
        until = self._whole_until[last.number]
        return (until, None) if following is None else (min(until, following.number - 1), following.number)

    def excused(self, one: Listed, listed: Sequence[Listed]) -> bool:
        """Whether a known restore lost it: it was listed before, and beyond what was there afterwards."""
        return any(
            one.number < number and one.sequence > next((e.sequence for e in listed if e.number == number), 0)
            for number in self.restored
        )


class Files:
    """Reads a directory of checkpoints, in order, and says what is wrong with them."""

    def __init__(self, keys: Sequence[Ed25519PublicKey], report: Report, evidence: Evidence) -> None:
        self._keys = {hashlib.sha256(key.public_bytes_raw()).hexdigest(): key for key in keys}
        self._report = report
        self._evidence = evidence
        self._epoch: str | None = None
        self._digest: str | None = None
        self._number: int | None = None
        self._restored: set[int] = set()

    def read(self, directory: Path, service: str, restored: set[int]) -> None:
        try:
            names = sorted(path.name for path in directory.iterdir() if path.suffix == ".ndjson")
        except OSError as error:
            raise CannotCheck(f"{directory}: {error.strerror}") from None
        self._report.service = service
        found = [
            (match, name) for name in names if (match := re.fullmatch(r"([a-z-]+)-(\d{8,})\.ndjson", name))
        ]
        for name in set(names) - {name for _, name in found}:
            self._wrong("FILE_NAME", f"{name} is not the name of a checkpoint")
        for match, name in sorted(found, key=lambda each: (int(each[0][2]), each[1])):
            self._take(directory / name, int(match[2]))
        if self._number is None:
            self._wrong("NO_CHECKPOINT", "there is no checkpoint, so nothing bears witness to the log")
        if unknown := restored - self._restored:
            raise CannotCheck(f"no restore is recorded just before checkpoint {min(unknown)}")
        self._evidence.restored = restored
        self._evidence.close()

    def _wrong(self, problem: str, text: str, after: int | None = None, before: int | None = None) -> None:
        self._report.finding(problem, text, after=after, before=before)

    def _take(self, path: Path, number: int) -> None:
        content = path.read_bytes()
        gap = self._number is not None and number > self._number + 1
        if gap and self._number is not None:
            missing = f"checkpoints {self._number + 1} to {number - 1} are missing"
            self._wrong("FILE_MISSING", missing, self._number, number)
        header, heads = self._opened(path.name, content)
        if header is None:
            self._number, self._digest = number, None
            return
        if self._number is None and number > 1:
            self._report.note(
                f"the checkpoints begin with {number}: those before were archived, or taken away"
            )
        if self._number is None and not header["full"]:
            self._wrong("FILE_MISSING", f"checkpoint {number} goes on from one that is missing", None, number)
        if self._digest is not None and not gap and header["previous"] != self._digest:
            text = f"checkpoint {number} does not continue the file of checkpoint {number - 1}"
            self._wrong("FILE_CHAIN", text, number - 1, number)
        if self._epoch is not None and header["epoch"] != self._epoch:
            self._restored.add(number)
            self._report.note(
                f"by its epoch, the database was restored before checkpoint {number}", restored=number
            )
        self._evidence.take(header, heads)
        self._number, self._epoch = number, header["epoch"]
        self._digest = hashlib.sha256(content).hexdigest()

    def _opened(self, name: str, content: bytes) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        end = content.rfind(b"\n", 0, -1) + 1
        try:
            lines = content[:end].split(b"\n")[:-1]
            header = json.loads(lines[0])
            signature = base64.b64decode(json.loads(content[end:])["signature"], validate=True)
            key = self._keys.get(header["key"])
            datetime.fromisoformat(header["time"])
        except (ValueError, KeyError, TypeError, IndexError):
            self._wrong("FILE_UNREADABLE", f"{name} is not a checkpoint, or was edited")
            return None, []
        if key is None:
            self._wrong("FILE_KEY", f"{name} names a key that was not given: forged, or of another service")
            return None, []
        try:
            key.verify(signature, content[:end])
        except InvalidSignature:
            self._wrong("FILE_SIGNATURE", f"{name} was edited or forged: its signature does not hold")
            return None, []
        self._report.service = self._report.service or header["service"]
        if header["service"] != self._report.service:
            self._wrong("FILE_SERVICE", f"{name} is a checkpoint of the service {header['service']}")
            return None, []
        if name != f"{header['service']}-{header['number']:08d}.ndjson":
            self._wrong("FILE_NAME", f"{name} is checkpoint {header['number']} under another name")
            return None, []
        return header, [json.loads(line) for line in lines[1:]]


def check_times(evidence: Evidence, report: Report, now: datetime, age: timedelta, gap: timedelta) -> None:
    """Whether checkpoints came as often as they should; an age or gap of zero is not looked at."""
    kept = list(zip(evidence.numbers, evidence.times, strict=True))
    for (one, earlier), (other, later) in itertools.pairwise(kept):
        if gap and later - earlier > gap:
            text = f"checkpoints {one} and {other} lie {_hours(later - earlier)} hours apart: {_UNSEEN}"
            report.finding("GAP", text, after=one, before=other)
    if kept and age and now - max(evidence.times) > age:
        number = kept[-1][0]
        text = f"checkpoint {number}, the newest, is {_hours(now - max(evidence.times))} hours old: {_UNSEEN}"
        report.finding("STALE", text, after=number)


_UNSEEN = "whoever kept checkpoints from being written, or took them away, could rewrite those hours"


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.1f}"


# --- the log -----------------------------------------------------------------------------------------------------


def change_of(row: Sequence[Any]) -> Change:
    """A row as the chain sees it; whatever a column holds that it never should leads to another hash."""
    values = dict(zip(COLUMNS, row, strict=True))
    committed, digest = values.pop("commitment") or b"", values.pop("hash") or b""
    try:
        time = datetime.fromisoformat(values["time"])
        values["time"] = time.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, TypeError, OverflowError):
        pass
    covered = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Change(values["scope"] or "", values["sequence"] or 0, digest, covered, committed)


class Database:
    """The log in a database, as of one moment, read in pieces."""

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise CannotCheck(
                "psycopg is not installed: pip install 'psycopg[binary]', or use --dump"
            ) from None
        self.failure: type[Exception] = psycopg.Error
        try:
            self.connection = psycopg.connect(url, connect_timeout=10, client_encoding="utf8")
            self.connection.read_only = True
            self.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            # A search path kept with the role could put other tables before the catalogue.
            self.connection.execute(
                "set local search_path = pg_catalog; set local timezone = 'UTC'; set local datestyle = 'ISO'"
            )
            self._refuse_half_a_view()
        except psycopg.Error as error:
            raise CannotCheck(f"the database: {str(error).partition(chr(10))[0]}") from None

    def heads(self) -> Iterator[tuple[str, int, bytes]]:
        with self.connection.cursor("heads") as cursor:
            cursor.itersize = 5000
            cursor.execute("select scope, sequence, hash from public.change_heads")
            yield from cursor

    def changes(self) -> Iterator[Change]:
        columns = ", ".join(f"{each}::text" if each == "time" else each for each in COLUMNS)
        with self.connection.cursor("changes") as cursor:
            cursor.itersize = 5000
            cursor.execute(f"select {columns} from public.changes order by scope, sequence")  # noqa: S608
            yield from map(change_of, cursor)

    def _refuse_half_a_view(self) -> None:
        """A view could show anything; under row-level security, a role that no rule lets read all sees a part, and so
        does one that a restrictive rule narrows, whatever the others allow."""
        kinds = self.connection.execute(
            "select relname, relkind::text, row_security_active(oid) and (not exists (select from pg_policies"
            " where schemaname = 'public' and tablename = relname and qual = 'true' and cmd in ('SELECT', 'ALL')"
            " and permissive = 'PERMISSIVE' and current_user = any (roles)) or exists (select from pg_policies"
            " where schemaname = 'public' and tablename = relname and permissive = 'RESTRICTIVE')) from pg_class"
            " where relnamespace = 'public'::regnamespace and relname in ('changes', 'change_heads')"
        ).fetchall()
        if len(kinds) != 2 or any(kind not in "rp" for _, kind, _ in kinds):
            raise CannotCheck("the database has no tables public.changes and public.change_heads")
        if any(hidden for _, _, hidden in kinds):
            raise CannotCheck("this role sees a part of the log only: use the feed's, or an administrator's")


class Dump:
    """The log as CSV with a header, as `\\copy` writes it: changes.csv and change_heads.csv, rows in any order."""

    failure = sqlite3.Error

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.connection = sqlite3.connect("")

    def heads(self) -> Iterator[tuple[str, int, bytes]]:
        for scope, sequence, digest in self._rows("change_heads.csv", ("scope", "sequence", "hash")):
            yield scope, int(sequence), _bytea(digest)

    def changes(self) -> Iterator[Change]:
        self.connection.execute("create table rows (scope text, sequence integer, content text)")
        rows = ((row[0], int(row[1]), json.dumps(row)) for row in self._rows("changes.csv", COLUMNS))
        self.connection.executemany("insert into rows values (?, ?, ?)", rows)
        for (content,) in self.connection.execute("select content from rows order by scope, sequence"):
            row = dict(zip(COLUMNS, json.loads(content), strict=True))
            row["sequence"], row["schema_version"] = int(row["sequence"]), int(row["schema_version"])
            row["fields"] = _array(row["fields"])
            row["commitment"], row["hash"] = _bytea(row["commitment"]), _bytea(row["hash"])
            yield change_of(list(row.values()))

    def _rows(self, name: str, columns: Sequence[str]) -> Iterator[list[str]]:
        csv.field_size_limit(1 << 30)
        try:
            with open(self._directory / name, encoding="utf-8", newline="") as file:
                lines = csv.reader(file, strict=True)
                header = next(lines, [])
                places = [header.index(column) for column in columns]
                for line in lines:
                    yield [line[place] for place in places]
        except OSError as error:
            raise CannotCheck(f"{name}: {error.strerror}") from None
        except (csv.Error, ValueError, IndexError) as error:
            raise CannotCheck(f"{name}: it is not CSV with the columns {', '.join(columns)}") from error


def _bytea(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError("a hash that is not hexadecimal")
    return bytes.fromhex(text[2:])


def _array(text: str) -> Any:
    """PostgreSQL's literal of a list of texts; anything else stays what it is, and hashes to something else."""
    element = r'"(?:[^"\\]|\\.)*"|[^",{}\\\s]+'
    if not re.fullmatch(rf"\{{(?:(?:{element})(?:,(?:{element}))*)?\}}", text, re.DOTALL):
        return text
    found = re.findall(element, text[1:-1], re.DOTALL)
    return [
        re.sub(r"\\(.)", r"\1", each[1:-1], flags=re.DOTALL)
        if each[0] == '"'
        else None if each.upper() == "NULL" else each
        for each in found
    ]  # fmt: skip


class Log:
    """Checks every chain of a source."""

    def __init__(
        self, source: Database | Dump, store: sqlite3.Connection, evidence: Evidence, report: Report
    ) -> None:
        self._source = source
        self._store = store
        self._evidence = evidence
        self._report = report
        self.changes = self.scopes = self.newer = self.newer_scopes = 0

    def check(self) -> None:
        self._store.execute("create table heads (scope text, sequence integer, hash blob)")
        self._store.executemany("insert into heads values (?, ?, ?)", self._source.heads())
        self._store.execute("create index heads_scope on heads (scope)")
        self._store.execute("create table seen (scope text primary key)")
        for scope, rows in itertools.groupby(self._source.changes(), key=lambda change: change.scope):
            self._store.execute("insert or ignore into seen values (?)", (scope,))
            self._check_scope(scope, rows)
        elsewhere = "select scope from heads union select scope from listed where sequence > 0"
        left = self._store.execute(f"{elsewhere} except select scope from seen order by scope").fetchall()  # noqa: S608
        for (scope,) in left:
            self._check_scope(scope, ())

    def _check_scope(self, scope: str, rows: Iterable[Change]) -> None:
        listed = self._evidence.of(scope)
        there: dict[int, bytes | None] = dict.fromkeys((each.sequence for each in listed), None)
        end, last = self._check_chain(scope, rows, there)
        heads = self._store.execute("select sequence, hash from heads where scope = ?", (scope,)).fetchall()
        if [(end, last)] != heads and (end or heads):
            said = " and ".join(f"change {sequence}" for sequence, _ in heads) or "nothing"
            text = f"the head says {said}, the chain ends with change {end}"
            text += " and another hash" if end in {sequence for sequence, _ in heads} else ""
            self._report.finding("HEAD", text, scope=scope, changes=(end, end))
        self._compare(scope, end, listed, there)
        newer = max(0, end - (listed[-1].sequence if listed else 0))
        self.scopes += end > 0
        self.newer += newer
        self.newer_scopes += newer > 0

    def _check_chain(
        self, scope: str, rows: Iterable[Change], there: dict[int, bytes | None]
    ) -> tuple[int, bytes]:
        """Where the chain ends, and with which hash; fills in the hashes that `there` asks for."""
        previous, expected = GENESIS, 1
        broken: tuple[int, int] | None = None
        for change in rows:
            self.changes += 1
            content = b"comptoir change\0" + previous + change.commitment + change.covered
            at = change.sequence
            fits = at == expected
            altered = fits and hashlib.sha256(content).digest() != change.hash
            if broken and not altered:
                self._altered(scope, broken)
                broken = None
            if altered:
                broken = (broken[0] if broken else at, at)
            elif at > expected:
                self._report.finding(
                    "MISSING", "missing from the chain", scope=scope, changes=(expected, at - 1)
                )
            elif at < expected:
                self._report.finding("REPEATED", "stands there more than once", scope=scope, changes=(at, at))
            if at in there:
                there[at] = change.hash
            previous, expected = change.hash, max(expected, at + 1)
        if broken:
            self._altered(scope, broken)
        return expected - 1, previous

    def _altered(self, scope: str, changes: tuple[int, int]) -> None:
        text = (
            "not what was written, or not in its place: its hash does not follow from it and the one before"
        )
        self._report.finding("ALTERED", text, scope=scope, changes=changes)

    def _compare(
        self, scope: str, end: int, listed: Sequence[Listed], there: dict[int, bytes | None]
    ) -> None:
        """The scope with what the checkpoints listed of it."""
        lost = [each for each in listed if each.sequence and there[each.sequence] != each.hash]
        bad = [each for each in lost if not self._evidence.excused(each, listed)]
        if len(bad) < len(lost):
            text = f"{scope}: what checkpoint {lost[-1].number} saw was lost by the restore that you know of"
            self._report.note(text, scope=scope)
        if not bad:
            self._went_back(scope, listed)
            return
        last = bad[-1]
        # Since when the log is what it is: the last that saw something else, and who next saw it move.
        following = next((each for each in listed if each.number > last.number), None)
        after, before = self._evidence.window(last, following)
        when = f"after checkpoint {after}" + (f" and before checkpoint {before}" if before else "")
        if rewritten := [each for each in bad if each.sequence <= end]:
            lowest = min(each.sequence for each in rewritten)
            # A checkpoint that came after the deed vouches for nothing before it.
            earlier = [each for each in listed if each not in lost and each.number < last.number]
            first = 1 + max((each.sequence for each in earlier if each.sequence < lowest), default=0)
            seen = rewritten[-1]
            text = f"rewritten {when}: checkpoint {seen.number} saw another hash of change {seen.sequence}"
            changes = (first, max(each.sequence for each in rewritten))
            self._report.finding("REWRITTEN", text, scope=scope, changes=changes, after=after, before=before)
        if furthest := max((each.sequence for each in bad if each.sequence > end), default=0):
            problem = "CUT" if end else "REMOVED"
            text = (
                f"cut off {when}: the chain ends with change {end}"
                if end
                else f"the scope was removed {when}"
            )
            changes = (end + 1, furthest)
            self._report.finding(problem, text, scope=scope, changes=changes, after=after, before=before)

    def _went_back(self, scope: str, listed: Sequence[Listed]) -> None:
        for one, other in itertools.pairwise(listed):
            if other.sequence < one.sequence and other.number not in self._evidence.restored:
                after, before = self._evidence.window(one, other)
                text = (
                    f"the log went back from change {one.sequence}, between checkpoints {after} and {before}"
                )
                changes = (other.sequence + 1, one.sequence)
                self._report.finding(
                    "WENT_BACK", text, scope=scope, changes=changes, after=after, before=before
                )


# --- the command -------------------------------------------------------------------------------------------------


def _keys(paths: Iterable[Path]) -> list[Ed25519PublicKey]:
    keys: list[Ed25519PublicKey] = []
    for path in paths:
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise CannotCheck(f"{path}: {error.strerror}") from None
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise CannotCheck(f"{path}: it is not an Ed25519 public key in PEM")
        keys.append(key)
    return keys


def check(given: argparse.Namespace, report: Report) -> None:
    """Checks and reports. Raises CannotCheck."""
    keys = _keys(given.public_key)
    with closing(sqlite3.connect("")) as store:
        evidence = Evidence(store)
        # Before the log is looked at: a checkpoint written meanwhile would be ahead of it.
        Files(keys, report, evidence).read(given.checkpoints, given.service, set(given.restored))
        source = Database(given.database) if given.database else Dump(given.dump)
        with closing(source.connection):
            log = Log(source, store, evidence, report)
            try:
                log.check()
            except (source.failure, ValueError, TypeError) as error:
                raise CannotCheck(f"the log cannot be read: {type(error).__name__}") from None
    if evidence.numbers:
        report.note(
            f"the newest checkpoint is {evidence.numbers[-1]}, of {evidence.times[-1].isoformat()}",
            newest=evidence.numbers[-1],
        )
        spans = timedelta(hours=given.max_age), timedelta(hours=given.max_gap)
        check_times(evidence, report, given.now or datetime.now(UTC), *spans)
    report.note(
        f"{log.changes} changes in {log.scopes} scopes; {log.newer} of them, in {log.newer_scopes}, are newer than"
        " what checkpoints list: that the newest were not removed or rewritten cannot be told",
        changes=log.changes,
        scopes=log.scopes,
        newer=log.newer,
    )


def _span(text: str) -> float:
    hours = float(text)
    if not 0 <= hours <= 1e6:
        raise ValueError
    return hours


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], epilog="See docs/verifying.md.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--database", metavar="URL", help="the service's database")
    where.add_argument("--dump", metavar="DIR", type=Path, help="holds changes.csv and change_heads.csv")
    parser.add_argument("--checkpoints", metavar="DIR", type=Path, required=True)
    for_keys = "of the service, from elsewhere than the checkpoints; again for a former one"
    parser.add_argument(
        "--public-key", metavar="PEM", type=Path, action="append", required=True, help=for_keys
    )
    parser.add_argument("--service", default="", help="by default, what the first checkpoint says")
    for_restored = "the first checkpoint after a restore that you know of"
    parser.add_argument(
        "--restored", metavar="NUMBER", type=int, action="append", default=[], help=for_restored
    )
    for name, what in (("age", "the newest checkpoint may be old"), ("gap", "two neighbours may lie apart")):
        many = f"how much {what}; 3 by default, 0 to leave it unchecked"
        parser.add_argument(f"--max-{name}", metavar="HOURS", type=_span, default=3.0, help=many)
    for_now = "the time to check ages at, to repeat a check later; by default, the clock's"
    parser.add_argument("--now", metavar="ISO", type=_time, help=for_now)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args(arguments)
    report = Report(given.json)
    try:
        check(given, report)
    except CannotCheck as error:
        sys.stderr.write(f"verify_log: cannot check: {error}\n")
        return 2
    if not given.json:
        said = f"{report.findings} findings" if report.findings else "nothing found"
        sys.stdout.write(f"result   {report.service}: {said}\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
