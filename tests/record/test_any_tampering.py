"""Whatever is done at random to what checkpoints have seen is reported in its scope; what is untouched never is."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import runpy
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.changes import chain
from tests.record.logs import ONE, THREE, TWO, VERIFIER, Log

Row = dict[str, str]
Tables = dict[str, list[Row]]

SEEN = {ONE: 7, TWO: 5, THREE: 5}
"""How far the newest checkpoint vouches for each scope."""
COLUMNS = sorted({*chain.METADATA, "commitment", "hash"} - {"scope"})


@pytest.fixture(scope="module")
def exported(written: Log) -> tuple[Log, Tables]:
    written.reset()
    place = written.dump(written.place / "exported")
    return written, {name: written.rows(place, name) for name in ("changes", "change_heads")}


def edit(data: st.DataObject, rows: list[Row], number: int) -> None:
    """Another value in one column."""
    column = data.draw(st.sampled_from(COLUMNS))
    row = rows[number]
    match column:
        case "sequence" | "schema_version":
            value = str(data.draw(st.integers(min_value=-3, max_value=20)))
        case "commitment" | "hash":
            value = "\\x" + data.draw(st.binary(min_size=0, max_size=32)).hex()
        case "fields":
            value = data.draw(st.sampled_from(["{}", "{url}", "{NULL}", '{"a,b"}', "[0:0]={url}", "{{url}}"]))
        case _:
            value = data.draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    row[column] = value


def delete(data: st.DataObject, rows: list[Row], number: int) -> None:
    """Some changes from there on."""
    del rows[number : number + data.draw(st.integers(min_value=1, max_value=3))]


def swap(data: st.DataObject, rows: list[Row], number: int) -> None:
    """Two changes under each other's numbers."""
    one, other = rows[number], rows[data.draw(st.integers(min_value=0, max_value=len(rows) - 1))]
    one["sequence"], other["sequence"] = other["sequence"], one["sequence"]


def insert(data: st.DataObject, rows: list[Row], number: int) -> None:
    """A change that was never made, with new numbers for those behind it or without."""
    rows.insert(number, {**rows[number], "actor": "users/somebody"})
    if data.draw(st.booleans()):
        for row in rows[number + 1 :]:
            row["sequence"] = str(int(row["sequence"]) + 1)


def cut(data: st.DataObject, rows: list[Row], number: int) -> None:
    """The end from there on."""
    del rows[number:]


TAMPERINGS: list[Callable[[st.DataObject, list[Row], int], None]] = [edit, delete, swap, insert, cut]


def rebuild(verifier: dict[str, Any], rows: list[Row]) -> None:
    """New numbers and hashes that fit, by the verifier's own idea of them, which other tests hold to the services'."""
    previous = chain.GENESIS
    for number, row in enumerate(rows, start=1):
        row["sequence"] = str(number)
        values: list[Any] = [row[column] for column in verifier["COLUMNS"]]
        values[1], values[6], values[13] = (
            number,
            verifier["_array"](row["fields"]),
            int(row["schema_version"]),
        )
        values[-2], values[-1] = bytes.fromhex(row["commitment"][2:]), b""
        change = verifier["change_of"](values)
        content = b"comptoir change\0" + previous + change.commitment + change.covered
        previous = hashlib.sha256(content).digest()
        row["hash"] = f"\\x{previous.hex()}"


def put_head(heads: list[Row], scope: str, rows: list[Row]) -> None:
    """The head as it should be for these."""
    heads[:] = [head for head in heads if head["scope"] != scope]
    if rows:
        heads.append({**rows[-1], "transaction": "0"})


def said(log: Log, verifier: dict[str, Any], tables: Tables, place: Path) -> tuple[int, set[str | None]]:
    """Exit status and the scopes of the findings."""
    for name, columns in (("changes", verifier["COLUMNS"]), ("change_heads", ("scope", "sequence", "hash"))):
        with open(place / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(tables[name])
    output = io.StringIO()
    with redirect_stdout(output):
        status = verifier["main"](
            [
                "--dump",
                str(place),
                "--checkpoints",
                str(log.checkpoints),
                "--public-key",
                str(log.public),
                # Of the hours between checkpoints another test tells.
                *("--max-age", "0", "--max-gap", "0"),
                "--json",
            ]
        )
    lines = map(json.loads, output.getvalue().splitlines())
    return status, {line["scope"] for line in lines if "finding" in line}


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_tampering_is_reported_in_its_scope(
    exported: tuple[Log, Tables], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    log, untouched = exported
    verifier = runpy.run_path(str(VERIFIER))
    tables = {name: [dict(row) for row in rows] for name, rows in untouched.items()}
    touched: set[str] = set()
    for scope in data.draw(st.lists(st.sampled_from(sorted(SEEN)), unique=True, max_size=3)):
        rows = [row for row in tables["changes"] if row["scope"] == scope]
        before = [dict(row) for row in rows]
        tamper = data.draw(st.sampled_from(TAMPERINGS))
        tamper(data, rows, data.draw(st.integers(min_value=0, max_value=SEEN[scope] - 1)))
        if data.draw(st.booleans(), label="head put back"):
            put_head(tables["change_heads"], scope, rows)
        if data.draw(st.booleans(), label="hashes made to fit"):
            rebuild(verifier, rows)
            put_head(tables["change_heads"], scope, rows)
        if not _same(rows, before):
            touched.add(scope)
        tables["changes"] = [row for row in tables["changes"] if row["scope"] != scope] + rows
    order = data.draw(st.permutations(tables["changes"]), label="order in the file")

    answer = said(log, verifier, {**tables, "changes": order}, tmp_path_factory.getbasetemp())

    assert answer == (1 if touched else 0, touched)


def _same(rows: list[Row], before: list[Row]) -> bool:
    covered = {*COLUMNS, "scope"}
    kept = [{key: row[key] for key in covered} for row in sorted(rows, key=lambda row: int(row["sequence"]))]
    return kept == [{key: row[key] for key in covered} for row in before]
