"""The password rule (ID9, NIST SP 800-63B-4 3.1.1.2): length, a letter and a digit, nothing that everybody would try.

A password is judged by how many *pieces* it is made of: a common word, a keyboard run, a repetition, a year or a
name of the person's own is one piece, however long; any other character is one as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

SHORTEST = 15
"""Without a second factor."""
SHORTEST_WITH_SECOND_FACTOR = 12
LONGEST = 128
FEWEST_PIECES = 8
_SHORTEST_WORD = 3
_REFUSED_WHOLE = 4
"""Length from which the login or a company's name may not appear in the password at all."""
_RUN = 3
_YEAR = re.compile(r"(19|20)\d\d")
_ROWS = (
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
)
_DISGUISES = str.maketrans("@4310$57!", "aaeiossti")


def normal(password: str) -> str:
    """The form in which passwords are judged and hashed (NFKC); nothing is cut off."""
    return unicodedata.normalize("NFKC", password)


def broken(
    password: str,
    *,
    login: str,
    names: Iterable[str] = (),
    companies: Iterable[str] = (),
    shortest: int = SHORTEST,
) -> Iterator[tuple[str, str]]:
    """For each rule that the password breaks its id and a sentence. `names`: others that refer to the person;
    `companies`: names of those that they belong to."""
    password = normal(password)
    if not shortest <= len(password) <= LONGEST:
        yield "password_length", f"must have between {shortest} and {LONGEST} characters"
    if not re.search(r"[^\W\d_]", password) or not re.search(r"\d", password):
        yield "password_mixture", "must hold a letter and a digit"
    plain, own, theirs = _plain(password), _plain(login), [_plain(name) for name in companies]
    if len(own) >= _REFUSED_WHOLE and own in plain:
        yield "password_personal", "must not hold the login"
    elif any(len(_solid(name)) >= _REFUSED_WHOLE and _solid(name) in _solid(plain) for name in theirs):
        yield "password_company", "must not hold the name of the company"
    elif pieces(plain, [own, *map(_plain, names), *_words_of(theirs)]) < FEWEST_PIECES:
        yield "password_common", "is made of what everybody tries first: words, runs, repetitions, names"


def pieces(plain: str, names: Iterable[str]) -> int:
    """How many pieces the text is made of; `names` count as words."""
    words = _common_words() | {name for name in names if len(name) >= _SHORTEST_WORD}
    undisguised = plain.translate(_DISGUISES)
    count = at = 0
    while at < len(plain):
        at += max(1, _word(undisguised, at, words), _run(plain, at), _year(plain, at), _echo(plain, at))
        count += 1
    return count


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _solid(text: str) -> str:
    """The text without what may stand between its words."""
    return "".join(character for character in text if character.isalnum())


def _words_of(names: Iterable[str]) -> Iterator[str]:
    return (word for name in names for word in re.findall(r"\w+", name))


@cache
def _common_words() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_words.txt").read_text().splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _word(text: str, at: int, words: frozenset[str] | set[str]) -> int:
    """Length of the longest word that begins here."""
    return max((len(word) for word in words if text.startswith(word, at)), default=0)


def _run(text: str, at: int) -> int:
    """Length of the run that begins here: one character again and again, an alphabet's or a keyboard's order."""
    longest = 0
    for follows in (_same, _next, _previous, _beside):
        end = at + 1
        while end < len(text) and follows(text[end - 1], text[end]):
            end += 1
        longest = max(longest, end - at)
    return longest if longest >= _RUN else 0


def _same(one: str, other: str) -> bool:
    return one == other


def _next(one: str, other: str) -> bool:
    return ord(other) - ord(one) == 1


def _previous(one: str, other: str) -> bool:
    return _next(other, one)


def _beside(one: str, other: str) -> bool:
    return any(one + other in row or other + one in row for row in _ROWS)


def _year(text: str, at: int) -> int:
    return 4 if _YEAR.match(text, at) else 0


def _echo(text: str, at: int) -> int:
    """Length of what begins here and was there before."""
    length = 0
    while at + length < len(text) and text.find(text[at : at + length + 1]) < at:
        length += 1
    return length if length >= _RUN else 0
