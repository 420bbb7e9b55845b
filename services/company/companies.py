"""A company: its row, the rules of its fields, how it is found (CO1 to CO4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ARRAY, Text, false, select
from sqlalchemy.orm import Mapped, MappedColumn, Session, composite, mapped_column

from services.chassis import etags
from services.chassis.authorize import unknown
from services.chassis.changes.recorder import Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import TenantRow
from services.company import identifiers, regions
from services.company.contacts import Contact, email, settled
from services.company.findings import Broken, Findings
from services.company.identifiers import LegalIdentifier
from services.company.rows import Base

NAME = PATTERNS["comptoir.company/Company"]
_STREET_LINES = 3


@dataclass(frozen=True)
class Address:
    """A postal address without its country."""

    street: str
    postal_code: str
    locality: str


_PATHS = {
    "legal_identifier_kind": "legal_identifier.kind",
    "legal_identifier_value": "legal_identifier.value",
    **{column: f"address.{column}" for column in Address.__dataclass_fields__},
    **{
        f"{role}_{field}": f"{role}_contact.{field}"
        for role in ("manager", "technical")
        for field in Contact.__dataclass_fields__
    },
}


def _contact_columns(role: str) -> list[MappedColumn[Any]]:
    return [mapped_column(f"{role}_{field}") for field in Contact.__dataclass_fields__]


class CompanyRow(TenantRow, Base):
    """One company: the tenant itself."""

    __tablename__ = "companies"
    __recorded__ = Recorded("comptoir.company/Company", paths=_PATHS)

    legal_name: Mapped[str]
    region_code: Mapped[str]
    legal_identifier: Mapped[LegalIdentifier] = composite(
        mapped_column("legal_identifier_kind"), mapped_column("legal_identifier_value")
    )
    address: Mapped[Address] = composite(
        mapped_column("street"), mapped_column("postal_code"), mapped_column("locality")
    )
    time_zone: Mapped[str]
    language_code: Mapped[str]
    manager_contact: Mapped[Contact] = composite(*_contact_columns("manager"))
    technical_contact: Mapped[Contact] = composite(*_contact_columns("technical"))
    incident_emails: Mapped[list[str]] = mapped_column(ARRAY(Text))
    second_factor_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether identity gives tokens for the company only to those who have a second factor."""
    password_renewal_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether identity asks those without a second factor for another password every 90 days."""
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def name(self) -> str:
        return NAME.format({"company": self.company})

    @property
    def etag(self) -> str:
        return etags.etag(self.name, self.version)

    def touch(self, now: datetime) -> None:
        """Counts a change of the record."""
        self.version += 1
        self.update_time = now

    def swap_contacts(self) -> bool:
        """Exchanges the two contacts (CO3); says whether that changed anything."""
        manager, technical = self.manager_contact, self.technical_contact
        self.manager_contact, self.technical_contact = technical, manager
        return manager != technical

    def settle(self, written: tuple[str, ...]) -> None:
        """Brings the written fields into the form they are kept in, or raises `Invalid` with every broken rule."""
        findings = Findings("company", written)
        findings.take("region_code", self.region_code, regions.region)
        # Without a country there is nothing to judge the rest by.
        findings.conclude()
        self._settle_identifier(findings)
        self._settle_address(findings)
        findings.take("time_zone", self.time_zone, regions.time_zone)
        region = self.region_code
        self.manager_contact = settled(self.manager_contact, "manager_contact", region, findings)
        self.technical_contact = settled(self.technical_contact, "technical_contact", region, findings)
        emails = [
            findings.take(f"incident_emails[{n}]", each, email) for n, each in enumerate(self.incident_emails)
        ]
        self.incident_emails = list(dict.fromkeys(emails))
        findings.conclude()

    def _settle_identifier(self, findings: Findings) -> None:
        """The kind follows the country, so that either being written puts both to the test."""
        if not findings.covers("legal_identifier") and not findings.covers("region_code"):
            return
        kind, value = self.legal_identifier.kind, self.legal_identifier.value
        findings.judge(
            "legal_identifier.kind", kind, partial(identifiers.check_kind, region_code=self.region_code)
        )
        number = findings.judge("legal_identifier.value", value, partial(identifiers.stored, kind))
        self.legal_identifier = LegalIdentifier(kind, number)

    def _settle_address(self, findings: Findings) -> None:
        address = self.address
        postcode = partial(regions.postcode, region_code=self.region_code)
        self.address = Address(
            findings.take("address.street", address.street, _street),
            findings.take("address.postal_code", address.postal_code, postcode),
            address.locality,
        )


def _street(value: str) -> str:
    lines = [line.strip() for line in value.strip().splitlines()]
    if len(lines) > _STREET_LINES:
        raise Broken("street_lines", f"must be at most {_STREET_LINES} lines")
    return "\n".join(lines)


def find(db: Session, company: str, *, for_update: bool = False) -> CompanyRow:
    """The company, or the answer for an unknown one."""
    query = select(CompanyRow).where(CompanyRow.company == company)
    row = db.scalars(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise unknown(NAME.format({"company": company}))
    return row
