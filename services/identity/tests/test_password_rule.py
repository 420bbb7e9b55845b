"""How the password rule counts (ID9)."""

from __future__ import annotations

import pytest

from services.identity.password_rule import SHORTEST_WITH_SECOND_FACTOR, broken, normal, pieces


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("x", 1),
        ("password", 1),
        ("p@55w0rd", 1),
        ("123456789", 1),
        ("987654321", 1),
        ("qwertyuiop", 1),
        ("zzzzzzzz", 1),
        ("1987", 1),
        ("ada", 1),
        ("kopkopkop", 4),
        ("password-1987-ada", 5),
        ("mule bend tray", 14),
    ],
)
def test_a_piece_is_what_comes_to_mind_at_once(text: str, count: int) -> None:
    assert count == pieces(text, ["ada"])


def test_with_a_second_factor_twelve_characters_do() -> None:
    password = "mule-bend-4x"

    assert [rule for rule, _ in broken(password, login="ada")] == ["password_length"]
    assert list(broken(password, login="ada", shortest=SHORTEST_WITH_SECOND_FACTOR)) == []


def test_compatible_forms_are_one_password() -> None:
    assert normal("\ufb01ve \uff14 you") == normal("five 4 you")
