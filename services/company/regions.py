"""Countries, time zones and postcodes."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

import pycountry

from services.company.findings import Broken

FRENCH_REGISTER = ("FR", "BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT")
"""France and the overseas territories with a country code of their own whose companies INSEE registers."""

_POSTCODES = {
    "FR": "",
    "BL": "97",
    "GF": "973",
    "GP": "971",
    "MF": "97",
    "MQ": "972",
    "NC": "988",
    "PF": "987",
    "PM": "975",
    "RE": "974",
    "YT": "976",
}
"""How postcodes of 5 digits begin, by country; other countries' are not judged."""


@cache
def region_name(code: str) -> str | None:
    """English short name of an ISO 3166-1 alpha-2 country."""
    country = pycountry.countries.get(alpha_2=code)
    return str(country.name) if country else None


def region(code: str) -> str:
    """The code, if a country has it."""
    if region_name(code) is None:
        raise Broken("region_code", "must be the ISO 3166-1 code of a country, such as NC")
    return code


@cache
def _time_zones() -> frozenset[str]:
    # The machine's own choice and the mark of an unset clock are no places.
    return frozenset(available_timezones() - {"Factory", "localtime"})


def time_zone(name: str) -> str:
    """The name, if IANA knows the zone."""
    if name not in _time_zones():
        raise Broken("time_zone", "must be the name of an IANA time zone, such as Pacific/Noumea")
    return name


def postcode(value: str, region_code: str) -> str:
    """The postcode as the country writes it; empty ones may be."""
    start = _POSTCODES.get(region_code)
    if start is None:
        return value.strip()
    plain = value.replace(" ", "")
    if plain and not re.fullmatch(rf"{start}[0-9]{{{5 - len(start)}}}", plain):
        beginning = f" beginning with {start}" if start else ""
        raise Broken("postal_code", f"must be 5 digits{beginning} in {region_name(region_code)}")
    return plain
