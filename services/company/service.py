"""What the company service is made of."""

from __future__ import annotations

from pathlib import Path

from comptoir.company.v1 import company_pb2
from services.chassis.feed.published import Published
from services.chassis.rpc.server import Handlers
from services.chassis.service import Resources, Service
from services.company.api import CompanyApi
from services.company.companies import CompanyRow
from services.company.openings import OpeningRow
from services.company.rows import MIRRORS, STANDING, TABLES, Base


def _handlers(resources: Resources) -> Handlers:
    return {company_pb2.DESCRIPTOR.services_by_name["CompanyService"]: CompanyApi()}


COMPANY = Service(
    name="company",
    handlers=_handlers,
    metadata=Base.metadata,
    tables=TABLES,
    mirrors=MIRRORS,
    standing=STANDING,
    published=(
        Published(
            CompanyRow,
            (
                "legal_name",
                "region_code",
                "time_zone",
                "language_code",
                "second_factor_required",
                "password_renewal_required",
            ),
        ),
        # It holds an address of a person, and is for whoever makes what the company begins with.
        Published(OpeningRow, ("owner_email", "shop_display_name"), readers=frozenset({"identity", "shop"})),
    ),
    versions=Path(__file__).parent / "migrations",
)
