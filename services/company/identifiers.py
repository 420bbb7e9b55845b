"""Legal identifiers: which register a country has, and what its numbers look like (CO1; domain, "Company").

A failing check digit is refused where the register itself holds no such number, and a mere warning elsewhere.
INSEE issues every SIRET with its check digits but those of La Poste's establishments, so any other failure is a
typing error, which nobody but an operator could undo later. ISEE gives RIDET numbers whose RID does fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum import luhn
from stdnum.fr import siret

from services.company.findings import Broken
from services.company.regions import FRENCH_REGISTER, region_name

RIDET = "LEGAL_IDENTIFIER_KIND_RIDET"
SIRET = "LEGAL_IDENTIFIER_KIND_SIRET"
TAHITI = "LEGAL_IDENTIFIER_KIND_TAHITI"
OTHER = "LEGAL_IDENTIFIER_KIND_OTHER"

_KINDS = {"NC": RIDET, "PF": TAHITI, **dict.fromkeys(FRENCH_REGISTER, SIRET)}
_LA_POSTE = "356000000"
_SEPARATORS = re.compile(r"[\s.]+")


@dataclass(frozen=True)
class LegalIdentifier:
    """A number in a register."""

    kind: str
    value: str

    @property
    def is_doubtful(self) -> bool:
        """Whether the check digit fails in a number that may stand all the same."""
        if self.kind == RIDET:
            return not luhn.is_valid(self.value[:7])
        return self.kind == SIRET and not siret.is_valid(self.value)


def kind_of(region_code: str) -> str:
    """The kind of identifier that companies of this country have."""
    return _KINDS.get(region_code, OTHER)


def check_kind(kind: str, region_code: str) -> str:
    """The kind, if it is the country's."""
    if kind != kind_of(region_code):
        word = kind_of(region_code).rpartition("_")[2]
        raise Broken("identifier_kind", f"must be {word} for a company of {region_name(region_code)}")
    return kind


def stored(kind: str, value: str) -> str:
    """The number as it is kept: without spaces and dots, in capitals, a RIDET with its leading zero."""
    compact = _SEPARATORS.sub("", value)
    if kind == RIDET:
        return _ridet(compact)
    if kind == SIRET:
        return _siret(compact)
    if kind == TAHITI:
        return _tahiti(compact)
    return _other(compact)


def _ridet(number: str) -> str:
    """7 digits of the company (RID) and 3 of the establishment; the leading zero is often left out."""
    if not re.fullmatch(r"[0-9]{9,10}", number):
        raise Broken("ridet", "must be the 10 digits of a RIDET, such as 0 123 456.001")
    return number.zfill(10)


def _siret(number: str) -> str:
    if not re.fullmatch(r"[0-9]{14}", number):
        raise Broken("siret", "must be the 14 digits of a SIRET")
    if not siret.is_valid(number) and not number.startswith(_LA_POSTE):
        raise Broken("siret_check_digit", "is no SIRET: its check digit shows a typing error")
    return number


def _tahiti(number: str) -> str:
    """6 characters of the company, the first of which may be a letter, and mostly 3 digits of the establishment.

    Source: the territory's own portal of administrative forms, which writes `003970-001`.
    """
    plain = number.replace("-", "").upper()
    if not re.fullmatch(r"[0-9A-Z][0-9]{5}([0-9]{3})?", plain):
        raise Broken("tahiti", "must be a TAHITI number: 6 characters, or 9 with the establishment")
    return plain


def _other(number: str) -> str:
    plain = number.upper()
    if not re.fullmatch(r"[0-9A-Z]([0-9A-Z/-]*[0-9A-Z])?", plain):
        raise Broken("identifier", "must be of letters and digits, with - and / between them")
    return plain
