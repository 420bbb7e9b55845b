"""How people and places are reached (CO2, CO4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.company.contacts import email, phone
from services.company.findings import Broken
from services.company.regions import postcode, region, time_zone


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("26 12 34", "NC", "+687261234"),
        ("+687 26.12.34", "FR", "+687261234"),
        ("01 23 45 67 89", "FR", "+33123456789"),
        ("0033 1 23 45 67 89", "NC", "+33123456789"),
        ("40 42 42 42", "PF", "+68940424242"),
        ("0262 12 34 56", "RE", "+262262123456"),
        ("  ", "NC", ""),
    ],
)
def test_a_telephone_number_is_kept_in_e164(written: str, country: str, kept: str) -> None:
    assert kept == phone(written, country)


@pytest.mark.parametrize("number", ["12", "26 12 34 ext. 5", "call me", "+999 26 12 34", "01 23 45 67 89"])
def test_what_nobody_could_dial_is_refused(number: str) -> None:
    with pytest.raises(Broken) as refused:
        phone(number, "NC")
    assert refused.value.rule == "phone"


@given(st.text(max_size=32))
def test_a_kept_number_is_kept_the_same_again(value: str) -> None:
    try:
        kept = phone(value, "NC")
    except Broken:
        return
    assert kept == phone(kept, "FR")
    assert kept == "" or (kept[0] == "+" and kept[1:].isascii() and kept[1:].isdigit())


def test_the_domain_of_an_address_is_kept_in_small_letters() -> None:
    assert email("Ada.Exemple@HALLES.Example") == "Ada.Exemple@halles.example"


@pytest.mark.parametrize(
    "address",
    [
        "ada@halles.example\r\nBcc: all@halles.example",
        "ada@halles.example;eve@halles.example",
        "ada@localhost",
        "ada@halles..example",
        '"ada\n"@halles.example',
        "ada@halles.invalid",
    ],
)
def test_an_address_that_cannot_receive_mail_is_refused(address: str) -> None:
    with pytest.raises(Broken):
        email(address)


@given(st.text(max_size=60))
def test_no_line_break_or_list_ever_passes_as_an_address(value: str) -> None:
    try:
        kept = email(value)
    except Broken:
        return
    assert not set("\r\n;,") & set(kept)
    assert kept.count("@") == 1


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("98800", "NC", "98800"),
        ("98 800", "NC", "98800"),
        ("75001", "FR", "75001"),
        ("98714", "PF", "98714"),
        ("97400", "RE", "97400"),
        ("SW1A 1AA", "GB", "SW1A 1AA"),
        ("", "NC", ""),
    ],
)
def test_postcodes_are_written_as_their_country_does(written: str, country: str, kept: str) -> None:
    assert kept == postcode(written, country)


@pytest.mark.parametrize(
    ("written", "country"),
    [("98700", "NC"), ("9880", "NC"), ("98800", "PF"), ("7500", "FR"), ("750011", "FR"), ("7500A", "FR")],
)
def test_postcodes_of_elsewhere_are_refused(written: str, country: str) -> None:
    with pytest.raises(Broken) as refused:
        postcode(written, country)
    assert refused.value.rule == "postal_code"


@pytest.mark.parametrize("code", ["XX", "EU", "ZZ", ""])
def test_only_countries_are_countries(code: str) -> None:
    with pytest.raises(Broken):
        region(code)


@pytest.mark.parametrize("name", ["", "Noumea", "../../etc/passwd", "pacific/noumea", "localtime", "UTC+11"])
def test_only_time_zones_are_time_zones(name: str) -> None:
    assert time_zone("Pacific/Noumea") == "Pacific/Noumea"
    with pytest.raises(Broken):
        time_zone(name)
