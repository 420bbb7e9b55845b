"""A company, as far as payments depend on it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comptoir_client.errors import Invalid

_NAME = re.compile(r"companies/([a-z0-9][a-z0-9-]{0,62})")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Company:
    """One company: days and words are counted and written its way."""

    company: str
    """Its id."""
    legal_name: str
    region_code: str
    """ISO 3166, two letters."""
    time_zone: str
    """IANA name of the zone that its days are counted in."""
    language_code: str

    @property
    def name(self) -> str:
        """The resource name."""
        return f"companies/{self.company}"


FIELDS = ("legal_name", "region_code", "time_zone", "language_code")
"""Paths of what is kept of a company."""


def read(name: str, state: Mapping[str, Any]) -> Company:
    """The company of this name, from its published fields. Raises LookupError or ValueError for anything else."""
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise ValueError("no name of a company")
    return Company(
        sys.intern(parsed[1]),
        str(state["legal_name"]),
        sys.intern(str(state["region_code"])),
        sys.intern(str(state["time_zone"])),
        sys.intern(str(state["language_code"])),
    )


def state(company: Company) -> dict[str, Any]:
    """Its published fields, as `read` takes them."""
    return {field: getattr(company, field) for field in FIELDS}


def split(company: str) -> str:
    """The id, from a name or from the id itself. Raises `Invalid`."""
    found = company.removeprefix("companies/")
    if not _ID.fullmatch(found):
        raise Invalid.field("company", "resource_name", "must be a company's id or companies/{company}")
    return found
