"""People to talk to: how they are reached (CO2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.company.findings import Broken, Findings


@dataclass(frozen=True)
class Contact:
    """One person, as the company names them. The title is kept by its name in the contract."""

    title: str
    given_name: str
    family_name: str
    phone: str
    second_phone: str
    email: str


def settled(contact: Contact, path: str, region_code: str, findings: Findings) -> Contact:
    """The contact as it is kept."""
    number = partial(phone, region_code=region_code)
    return replace(
        contact,
        phone=findings.take(f"{path}.phone", contact.phone, number),
        second_phone=findings.take(f"{path}.second_phone", contact.second_phone, number),
        email=findings.take(f"{path}.email", contact.email, email),
    )


def phone(value: str, region_code: str) -> str:
    """The number in E.164; one without a country code is the company's country's. Empty ones may be."""
    if not value.strip():
        return ""
    try:
        number = phonenumbers.parse(value, region_code)
    except NumberParseException:
        number = None
    # E.164 has no extensions: dropping one in silence would lead to the wrong desk.
    if number is None or number.extension or not phonenumbers.is_valid_number(number):
        raise Broken(
            "phone", "must be a telephone number without extension; abroad, with + and the country code"
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def email(value: str) -> str:
    """The address with its domain in small letters. Whether the domain takes mail is not asked of the DNS."""
    try:
        return validate_email(value, check_deliverability=False, allow_smtputf8=False).ascii_email or value
    except EmailNotValidError:
        raise Broken("email", "is not an address that can receive mail") from None
