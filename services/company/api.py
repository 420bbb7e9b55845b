"""The company service on the wire: decodes, calls, encodes."""

from __future__ import annotations

from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from comptoir.company.v1 import company_pb2
from services.chassis import etags
from services.chassis.changes import as_of, export, history, revert
from services.chassis.masks import merge
from services.chassis.names import new_id
from services.chassis.rpc.call import Call
from services.company import companies
from services.company.companies import Address, CompanyRow
from services.company.contacts import Contact
from services.company.identifiers import LegalIdentifier
from services.company.openings import opening

_EVERY_FIELD = tuple(company_pb2.Company.DESCRIPTOR.fields_by_name)
_HISTORY = "company.history.read"
_PLAIN = ("legal_name", "region_code", "time_zone", "language_code")


class CompanyApi:
    """`comptoir.company.v1.CompanyService`."""

    def get_company(self, request: company_pb2.GetCompanyRequest, call: Call) -> company_pb2.Company:
        row = companies.find(call.db, call.company)
        return as_of.read(row, _company, request, call, _HISTORY)

    def update_company(self, request: company_pb2.UpdateCompanyRequest, call: Call) -> company_pb2.Company:
        row = companies.find(call.db, call.company, for_update=True)
        _change(row, request.company, call)
        return _company(row)

    def swap_contacts(self, request: company_pb2.SwapContactsRequest, call: Call) -> company_pb2.Company:
        row = companies.find(call.db, call.company, for_update=True)
        etags.check(request.etag, row.etag, row.name)
        if row.swap_contacts():
            row.touch(call.now)
        return _company(row)

    def require_second_factor(
        self, request: company_pb2.RequireSecondFactorRequest, call: Call
    ) -> company_pb2.Company:
        return _decide("second_factor_required", request, call)

    def require_password_renewal(
        self, request: company_pb2.RequirePasswordRenewalRequest, call: Call
    ) -> company_pb2.Company:
        return _decide("password_renewal_required", request, call)

    def create_company(self, request: company_pb2.CreateCompanyRequest, call: Call) -> company_pb2.Company:
        return _open(request.company, call)

    def open_company(self, request: company_pb2.OpenCompanyRequest, call: Call) -> company_pb2.Company:
        company = _open(request.company, call)
        call.db.add(opening(call.company, request.owner_email, request.shop_display_name))
        return company

    def correct_company(self, request: company_pb2.CorrectCompanyRequest, call: Call) -> company_pb2.Company:
        row = companies.find(call.db, call.company, for_update=True)
        # The reason goes into the record with the change.
        _change(row, request.company, call)
        return _company(row)

    def list_company_changes(
        self, request: company_pb2.ListCompanyChangesRequest, call: Call
    ) -> company_pb2.ListCompanyChangesResponse:
        return company_pb2.ListCompanyChangesResponse(**history.listed(request, call))

    def get_company_change(
        self, request: company_pb2.GetCompanyChangeRequest, call: Call
    ) -> change_pb2.Change:
        return history.get(request, call)

    def export_company_changes(
        self, request: company_pb2.ExportCompanyChangesRequest, call: Call
    ) -> httpbody_pb2.HttpBody:
        return export.export(request, call)

    def revert_company_change(
        self, request: company_pb2.RevertCompanyChangeRequest, call: Call
    ) -> company_pb2.Company:
        row = companies.find(call.db, call.company, for_update=True)
        return self.update_company(revert.update_of(row, request, call, _HISTORY), call)


def _open(given: company_pb2.Company, call: Call) -> company_pb2.Company:
    """A new company, to which the call is confined from here on."""
    call.enter(company=new_id())
    row = CompanyRow(company=call.company, create_time=call.now, update_time=call.now, version=1)
    row.second_factor_required = row.password_renewal_required = False
    _write(given, row)
    row.settle(_EVERY_FIELD)
    call.db.add(row)
    return _company(row)


def _decide(
    field: str,
    request: company_pb2.RequireSecondFactorRequest | company_pb2.RequirePasswordRenewalRequest,
    call: Call,
) -> company_pb2.Company:
    """Writes what the company requires of its users; what is so already is no change."""
    row = companies.find(call.db, call.company, for_update=True)
    etags.check(request.etag, row.etag, row.name)
    if getattr(row, field) != request.required:
        setattr(row, field, request.required)
        row.touch(call.now)
    return _company(row)


def _change(row: CompanyRow, given: company_pb2.Company, call: Call) -> None:
    """Writes the fields that the call names; what comes out the same is no change."""
    etags.check(given.etag, row.etag, row.name)
    before, company = _company(row), _company(row)
    merge(given, company, call.paths)
    _write(company, row)
    row.settle(call.paths)
    if _company(row) != before:
        row.touch(call.now)


def _company(row: CompanyRow) -> company_pb2.Company:
    company = company_pb2.Company(
        name=row.name,
        etag=row.etag,
        incident_emails=row.incident_emails,
        second_factor_required=row.second_factor_required,
        password_renewal_required=row.password_renewal_required,
    )
    for field in _PLAIN:
        setattr(company, field, getattr(row, field))
    identifier, address = row.legal_identifier, row.address
    company.legal_identifier.kind = company_pb2.LegalIdentifierKind.Value(identifier.kind)
    company.legal_identifier.value = identifier.value
    company.legal_identifier.checksum_doubtful = identifier.is_doubtful
    company.address.street = address.street
    company.address.postal_code = address.postal_code
    company.address.locality = address.locality
    company.manager_contact.CopyFrom(_contact(row.manager_contact))
    company.technical_contact.CopyFrom(_contact(row.technical_contact))
    company.create_time.FromDatetime(row.create_time)
    company.update_time.FromDatetime(row.update_time)
    return company


def _contact(contact: Contact) -> company_pb2.Contact:
    return company_pb2.Contact(
        title=company_pb2.Title.Value(contact.title),
        given_name=contact.given_name,
        family_name=contact.family_name,
        phone=contact.phone,
        second_phone=contact.second_phone,
        email=contact.email,
    )


def _write(company: company_pb2.Company, row: CompanyRow) -> None:
    for field in _PLAIN:
        setattr(row, field, getattr(company, field))
    identifier, address = company.legal_identifier, company.address
    kind = company_pb2.LegalIdentifierKind.Name(identifier.kind)
    row.legal_identifier = LegalIdentifier(kind, identifier.value)
    row.address = Address(address.street, address.postal_code, address.locality)
    row.manager_contact = _read_contact(company.manager_contact)
    row.technical_contact = _read_contact(company.technical_contact)
    row.incident_emails = list(company.incident_emails)


def _read_contact(contact: company_pb2.Contact) -> Contact:
    return Contact(
        title=company_pb2.Title.Name(contact.title),
        given_name=contact.given_name,
        family_name=contact.family_name,
        phone=contact.phone,
        second_phone=contact.second_phone,
        email=contact.email,
    )
