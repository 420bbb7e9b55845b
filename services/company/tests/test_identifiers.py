"""Numbers of the registers (CO1; domain, "Company")."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.company.findings import Broken
from services.company.identifiers import (
    OTHER,
    RIDET,
    SIRET,
    TAHITI,
    LegalIdentifier,
    check_kind,
    kind_of,
    stored,
)
from services.company.regions import FRENCH_REGISTER

KINDS = (RIDET, SIRET, TAHITI, OTHER)
digits = st.text("0123456789")
separators = st.sampled_from(["", " ", ".", "\u00a0", "\u202f", " . "])


def with_separators(number: str, between: list[str]) -> str:
    return "".join(sign + mark for sign, mark in zip(number, between, strict=True))


@st.composite
def separated(draw: st.DrawFn, number: st.SearchStrategy[str]) -> tuple[str, str]:
    plain = draw(number)
    between = draw(st.lists(separators, min_size=len(plain), max_size=len(plain)))
    return plain, with_separators(plain, between)


@given(separated(st.text("0123456789", min_size=10, max_size=10)))
def test_a_ridet_is_kept_as_its_10_digits_however_it_is_spaced(written: tuple[str, str]) -> None:
    plain, spaced = written
    assert plain == stored(RIDET, spaced)


@given(separated(st.text("0123456789", min_size=9, max_size=9)))
def test_a_ridet_of_9_digits_gets_its_leading_zero(written: tuple[str, str]) -> None:
    plain, spaced = written
    assert "0" + plain == stored(RIDET, spaced)


def test_the_usual_spelling_of_a_ridet_is_understood() -> None:
    assert stored(RIDET, "0 123 456.001") == "0123456001"


@given(st.text("0123456789", min_size=6, max_size=6))
def test_exactly_one_check_digit_of_a_rid_is_beyond_doubt(start: str) -> None:
    doubts = [LegalIdentifier(RIDET, f"{start}{digit}001").is_doubtful for digit in range(10)]
    assert doubts.count(False) == 1


@given(digits.filter(lambda number: len(number) not in (9, 10)))
def test_other_lengths_are_no_ridet(number: str) -> None:
    with pytest.raises(Broken) as refused:
        stored(RIDET, number)
    assert refused.value.rule == "ridet"


@pytest.mark.parametrize("number", ["73282932000074", "732 829 320 00074", "732.829.320.00074"])
def test_a_siret_is_kept_as_its_14_digits(number: str) -> None:
    assert stored(SIRET, number) == "73282932000074"


@given(position=st.integers(0, 13), digit=st.integers(1, 9))
def test_any_one_mistyped_digit_of_a_siret_is_refused(position: int, digit: int) -> None:
    number = "73282932000074"
    typed = str((int(number[position]) + digit) % 10)
    with pytest.raises(Broken) as refused:
        stored(SIRET, number[:position] + typed + number[position + 1 :])
    assert refused.value.rule == "siret_check_digit"


def test_establishments_of_la_poste_are_accepted_by_their_own_rule() -> None:
    assert stored(SIRET, "356 000 000 49837") == "35600000049837"
    assert LegalIdentifier(SIRET, "35600000049837").is_doubtful is False


def test_an_establishment_of_la_poste_under_neither_rule_is_doubtful_but_stands() -> None:
    assert stored(SIRET, "35600000049836") == "35600000049836"
    assert LegalIdentifier(SIRET, "35600000049836").is_doubtful is True


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("003970", "003970"),
        ("003970-001", "003970001"),
        ("e12345", "E12345"),
        ("E12 345 002", "E12345002"),
    ],
)
def test_a_tahiti_number_has_6_characters_or_9_with_its_establishment(written: str, kept: str) -> None:
    assert kept == stored(TAHITI, written)


@pytest.mark.parametrize("number", ["", "12345", "1234567", "1E2345", "12345678", "1234567890"])
def test_other_shapes_are_no_tahiti_number(number: str) -> None:
    with pytest.raises(Broken) as refused:
        stored(TAHITI, number)
    assert refused.value.rule == "tahiti"


@pytest.mark.parametrize(
    ("written", "kept"),
    [("hrb 86891", "HRB86891"), ("0403.170.701", "0403170701"), ("11.222.333/0001-81", "11222333/0001-81")],
)
def test_numbers_of_other_registers_lose_spaces_and_dots_only(written: str, kept: str) -> None:
    assert kept == stored(OTHER, written)


@given(kind=st.sampled_from(KINDS), value=st.text(max_size=40))
def test_what_is_kept_is_plain_and_is_kept_the_same_again(kind: str, value: str) -> None:
    try:
        kept = stored(kind, value)
    except Broken:
        return
    assert kept
    assert set(kept) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/-")
    assert kept == stored(kind, kept)


@given(
    kind=st.sampled_from((RIDET, SIRET, TAHITI)),
    number=st.text("٠١٢٣٤٥٦٧٨٩०१२३४५६७८९", min_size=9, max_size=14),
)
def test_digits_of_other_scripts_are_refused(kind: str, number: str) -> None:
    with pytest.raises(Broken):
        stored(kind, number)


@pytest.mark.parametrize(
    ("country", "kind"),
    [
        ("NC", RIDET),
        ("PF", TAHITI),
        *((code, SIRET) for code in FRENCH_REGISTER),
        ("WF", OTHER),
        ("BE", OTHER),
    ],
)
def test_the_kind_follows_the_country(country: str, kind: str) -> None:
    assert kind == kind_of(country)
    for other in KINDS:
        if other == kind:
            assert other == check_kind(other, country)
        else:
            with pytest.raises(Broken):
                check_kind(other, country)
