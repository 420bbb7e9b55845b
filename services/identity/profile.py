"""Rules of a person's details that the contract cannot state (ID2, ID3). One answer names every broken one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.chassis.errors import Invalid, Violation

_WRITTEN_NUMBER = re.compile(r"\+[0-9 ().\-/]+")


class Findings:
    """What is found wrong with one request."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def note(self, field: str, rule: str, description: str) -> None:
        self._violations.append(Violation(field, rule, description))

    def conclude(self) -> None:
        """Raises `Invalid` if any rule is broken."""
        if self._violations:
            raise Invalid(
                "; ".join(f"{found.field}: {found.description}" for found in self._violations),
                violations=self._violations,
            )


def phones(values: Iterable[str], findings: Findings) -> list[str]:
    """The numbers in E.164, in their order."""
    kept: list[str] = []
    for n, value in enumerate(values):
        number = _e164(value)
        if number is None:
            findings.note(
                f"user.phones[{n}]", "phone", "must be a telephone number with + and the country code"
            )
        elif number in kept:
            findings.note(f"user.phones[{n}]", "repeated.unique", "is given twice")
        else:
            kept.append(number)
    return kept


def _e164(value: str) -> str | None:
    """Possible is enough: published lists of numbers in use lag behind, and leave out those kept for examples."""
    if not _WRITTEN_NUMBER.fullmatch(value):
        return None
    try:
        number = phonenumbers.parse(value, None)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@cache
def _time_zones() -> frozenset[str]:
    # The machine's own choice and the mark of an unset clock are no places.
    return frozenset(available_timezones() - {"Factory", "localtime"})


def time_zone(name: str, findings: Findings) -> str:
    """The name, if IANA knows the zone."""
    if name not in _time_zones():
        findings.note(
            "user.time_zone", "time_zone", "must be the name of an IANA time zone, such as Pacific/Noumea"
        )
    return name


def email(address: str, findings: Findings, field: str = "user.email") -> str:
    """The address with its domain in small letters. Whether the domain takes mail is not asked of the DNS."""
    try:
        # `.test` (RFC 2606) never leads to anybody's mailbox, which is what it is good for.
        found = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        findings.note(field, "email", "is not an address that can receive mail")
        return address
    return found.ascii_email or address
