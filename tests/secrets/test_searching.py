"""The search finds a value in each of its forms: what it does not find is not there."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.secrets.searching import Search

VALUE = b"testpassword_M/ade+Up 123~456"


@pytest.mark.parametrize(
    "left",
    [
        VALUE,
        VALUE.hex().encode(),
        VALUE.hex().upper().encode(),
        quote(VALUE).encode(),
        *(base64.b64encode(b"x" * before + VALUE + b"after") for before in range(7)),
        *(base64.urlsafe_b64encode(b"x" * before + VALUE) for before in range(7)),
    ],
)
def test_a_value_is_found_in_each_of_its_forms(tmp_path: Path, left: bytes) -> None:
    inner = tmp_path / "folder"
    inner.mkdir()
    (inner / "file").write_bytes(b"before" + left + b"after")

    assert {("value", "file")} == Search({"value": VALUE}).in_files([tmp_path])


def test_a_value_across_two_parts_of_a_large_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"\0" * (16 * 2**20 - 5) + VALUE)

    assert {("value", "large")} == Search({"value": VALUE}).in_files([tmp_path])


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(VALUE[:-1] + base64.b64encode(VALUE[:-8]))

    assert set() == Search({"value": VALUE}).in_files([tmp_path])
