"""Cells that spreadsheets might run, and lines that readers might break."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.changes.v1 import change_pb2
from services.chassis.changes.export import COLUMNS, csv_lines, guarded, ndjson_line


def change(after: Any, *, reason: str = "", source_address: str = "") -> change_pb2.Change:
    found = change_pb2.Change(
        fields=["display_name"],
        action=change_pb2.ACTION_UPDATE,
        reason=reason,
        source_address=source_address,
    )
    found.before.SetInParent()
    found.after.update({"display_name": after})
    return found


def cells(found: change_pb2.Change) -> list[dict[str, str]]:
    text = csv_lines(found).decode()
    return [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(text, newline=""))]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\ttext",
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff=1",
        "＝1",
        "＋1",
        "－1",
        "＠1",
        "﹢1",
        "﹣1",
        "⁼1",
        "−1",
        " ＝cmd|' /C calc'!A0",
    ],
)
def test_what_may_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["", " ", "text", "1+1", "a=b", "ada@halles.example", "'=1", "é", "(1)"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


def test_numbers_of_our_own_stay_numbers() -> None:
    assert [cells(change(value))[0]["after"] for value in (-5, 0, 2.5, True, None)] == [
        "-5",
        "0",
        "2.5",
        "true",
        "",
    ]


def test_lists_are_one_cell() -> None:
    assert cells(change(["=1", "b"]))[0]["after"] == '["=1", "b"]'


@given(st.text(), st.text())
@example("0\n=", "0;=")
def test_no_text_leaves_its_cell_or_begins_a_formula(value: str, reason: str) -> None:
    value, reason = (text.encode("utf-8", "replace").decode() for text in (value, reason))
    (row,) = cells(change(value, reason=reason))

    for written, text in ((row["after"], value), (row["reason"], reason)):
        assert written.replace("'", "") == text.replace("'", "")
    assert not row["after"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_change_of_no_field_of_the_contract_has_its_line_too() -> None:
    (row,) = cells(change_pb2.Change(action=change_pb2.ACTION_DELETE, resource="companies/acme"))

    assert (row["action"], row["resource"], row["field"]) == ("DELETE", "companies/acme", "")


def test_the_method_that_was_called_is_in_either_form() -> None:
    called = change("new")
    called.method = "/comptoir.shop.v1.ShopService/UpdateShop"

    assert cells(called)[0]["method"] == called.method
    assert json.loads(ndjson_line(called))["method"] == called.method


def test_a_line_of_ndjson_is_one_line_to_every_reader() -> None:
    text = "a\nb\u2028c\u2029d\x85e\r"
    line = ndjson_line(change(text, source_address="192.0.2.7")).decode()

    assert len(line.splitlines()) == 1
    assert json.loads(line)["after"]["display_name"] == text
    assert "192.0.2.7" not in line


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("x;=1+1;y", "x;'=1+1;y"),
        ("1 rue\n=1+1", "1 rue\n'=1+1"),
        ('x; "\N{FULLWIDTH EQUALS SIGN}1', "x; \"'\N{FULLWIDTH EQUALS SIGN}1"),
        ("a@b.example;c@d.example", "a@b.example;c@d.example"),
        ("x\t-1", "x\t'-1"),
    ],
)
def test_a_cell_that_begins_within_the_text_is_no_formula_either(text: str, safe: str) -> None:
    assert guarded(text) == safe
