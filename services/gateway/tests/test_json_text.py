"""Bytes that are no JSON, and JSON that readers tend to forgive."""

from __future__ import annotations

import pytest

from services.chassis.errors import Invalid
from services.gateway.json_text import Members, NotJson, parse


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"a": 1,\n "b" 2}', "line 2, column 6"),
        (b"", "line 1, column 1"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        (b'{"a": "\xff"}', "byte 7"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"9" * 5000, "too many digits"),
        (b"{} {}", "line 1, column 4"),
        (b"{'a': 1}", "line 1, column 2"),
    ],
)
def test_a_malformed_body_is_refused_with_its_position(body: bytes, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(body)

    assert refused.value.reason == "MALFORMED_JSON"
    assert [v.field for v in refused.value.violations] == ["body"]
    assert where in refused.value.violations[0].description


def test_a_malformed_body_is_not_repeated() -> None:
    with pytest.raises(Invalid) as refused:
        parse(b'{"password": hunter2hunter2}')

    assert "hunter2" not in f"{refused.value.message} {refused.value.violations}"


def test_names_given_twice_are_remembered() -> None:
    value = parse(b'{"a": 1, "b": 2, "a": 3}')

    assert isinstance(value, Members)
    assert value.twice == {"a"}


def test_what_is_not_a_number_is_told_apart_from_one() -> None:
    assert isinstance(parse(b"NaN"), NotJson)
    assert parse(b"-Infinity").text == "-Infinity"
