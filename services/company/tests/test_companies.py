"""Company records over the wire (CO1 to CO4)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from psycopg.rows import dict_row

from comptoir.company.v1 import company_pb2
from services.chassis.changes.log import ChangeLog
from services.chassis.db.scope import Scope
from services.chassis.errors import Denied, Invalid, NotFound, Stale, Unauthenticated
from services.chassis.testing.running import METHODS, Running
from services.company.rows import TABLES
from services.company.service import COMPANY

Company = company_pb2.Company


@pytest.fixture(scope="module")
def company(run_service: Callable[..., Running]) -> Running:
    return run_service(COMPANY)


def example() -> company_pb2.Company:
    """The company of the contract's own example."""
    request = METHODS["CompanyService/CreateCompany"].example()
    assert isinstance(request, company_pb2.CreateCompanyRequest)
    return request.company


def create(company: Running, record: company_pb2.Company, **options: Any) -> company_pb2.Company:
    request = company_pb2.CreateCompanyRequest(company=record, **options)
    return company.call("CompanyService/CreateCompany", request, Company, service="bootstrap")


def id_of(record: company_pb2.Company) -> str:
    return record.name.removeprefix("companies/")


def get(company: Running, name: str) -> company_pb2.Company:
    request = company_pb2.GetCompanyRequest(name=name)
    return company.call("CompanyService/GetCompany", request, Company, service="mailer")


def update(
    company: Running, record: company_pb2.Company, *paths: str, token: str | None = None, **options: Any
) -> company_pb2.Company:
    mask = FieldMask(paths=paths) if paths else None
    request = company_pb2.UpdateCompanyRequest(company=record, update_mask=mask, **options)
    token = token or company.mint.token(company=id_of(record))
    return company.call("CompanyService/UpdateCompany", request, Company, token=token)


def correct(
    company: Running, record: company_pb2.Company, *paths: str, reason: str = "Registry extract received"
) -> company_pb2.Company:
    mask = FieldMask(paths=paths) if paths else None
    request = company_pb2.CorrectCompanyRequest(company=record, update_mask=mask, reason=reason)
    return company.call("CompanyService/CorrectCompany", request, Company, token=company.mint.operator())


def swap(company: Running, record: company_pb2.Company, etag: str = "") -> company_pb2.Company:
    request = company_pb2.SwapContactsRequest(name=record.name, etag=etag)
    token = company.mint.token(company=id_of(record))
    return company.call("CompanyService/SwapContacts", request, Company, token=token)


def broken(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(violation.field, violation.rule) for violation in refused.value.violations]


def changes_of(company: Running, record: company_pb2.Company) -> list[dict[str, Any]]:
    """What the log says of the company, oldest first, with the values before and after."""
    scope, log = Scope(company=id_of(record)), ChangeLog("company", TABLES.log, company.resources.vault)
    with company.database.administrator() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        cursor.execute("select * from changes where scope = %s order by sequence", (record.name,))
        found = cursor.fetchall()
    with company.resources.database.transaction(scope) as session:
        return [{**row, **(log.values(session, record.name, row["sequence"]) or {})} for row in found]


def test_an_opened_company_is_read_back_as_it_was_answered(company: Running) -> None:
    opened = create(company, example())

    assert opened == get(company, opened.name)
    assert opened.legal_identifier.value == "0123455001"
    assert not opened.legal_identifier.checksum_doubtful
    assert opened.etag
    assert opened.create_time == opened.update_time


def test_the_platform_chooses_the_id_even_if_a_name_is_sent(company: Running) -> None:
    record = example()
    record.name = "companies/chosen"

    assert create(company, record).name != record.name
    with pytest.raises(NotFound):
        get(company, record.name)


def test_a_company_opened_for_trial_only_is_not_there(company: Running) -> None:
    answered = create(company, example(), validate_only=True)

    with pytest.raises(NotFound):
        get(company, answered.name)


def test_what_is_kept_is_in_the_form_of_its_register_country_and_plan(company: Running) -> None:
    record = example()
    record.legal_identifier.value = "123 455.001"
    record.address.street = " 12 rue du Port \r\nPort Moselle "
    record.address.postal_code = "98 800"
    record.manager_contact.phone = "26.12.34"
    record.manager_contact.email = "Ada@HALLES.example"
    record.incident_emails.extend(["alert@halles.example", "alert@HALLES.example"])

    opened = create(company, record)

    assert opened.legal_identifier.value == "0123455001"
    assert opened.address.street == "12 rue du Port\nPort Moselle"
    assert opened.address.postal_code == "98800"
    assert opened.manager_contact.phone == "+687261234"
    assert opened.manager_contact.email == "Ada@halles.example"
    assert list(opened.incident_emails) == ["alert@halles.example"]
    assert opened == get(company, opened.name)


def test_a_doubtful_ridet_is_told_and_not_refused(company: Running) -> None:
    record = example()
    record.legal_identifier.value = "0123456001"

    assert create(company, record).legal_identifier.checksum_doubtful is True


def test_one_answer_names_every_field_that_breaks_a_rule(company: Running) -> None:
    record = example()
    record.time_zone = "Noumea"
    record.legal_identifier.value = "12"
    record.address.postal_code = "75001"
    record.address.street = "1\n2\n3\n4"
    record.manager_contact.phone = "12"
    record.technical_contact.email = "jean@localhost.invalid"
    record.incident_emails.extend(["fine@halles.example", "not@halles.invalid"])
    with pytest.raises(Invalid) as refused:
        create(company, record)

    assert sorted(broken(refused)) == [
        ("company.address.postal_code", "postal_code"),
        ("company.address.street", "street_lines"),
        ("company.incident_emails[1]", "email"),
        ("company.legal_identifier.value", "ridet"),
        ("company.manager_contact.phone", "phone"),
        ("company.technical_contact.email", "email"),
        ("company.time_zone", "time_zone"),
    ]


@pytest.mark.parametrize(
    ("country", "kind"),
    [
        ("NC", "LEGAL_IDENTIFIER_KIND_SIRET"),
        ("FR", "LEGAL_IDENTIFIER_KIND_RIDET"),
        ("RE", "LEGAL_IDENTIFIER_KIND_OTHER"),
        ("BE", "LEGAL_IDENTIFIER_KIND_SIRET"),
    ],
)
def test_the_kind_of_identifier_must_be_the_countrys(company: Running, country: str, kind: str) -> None:
    record = example()
    record.region_code = country
    record.legal_identifier.kind = company_pb2.LegalIdentifierKind.Value(kind)
    with pytest.raises(Invalid) as refused:
        create(company, record)

    assert ("company.legal_identifier.kind", "identifier_kind") in broken(refused)


def test_a_country_must_exist(company: Running) -> None:
    record = example()
    record.region_code = "XX"
    with pytest.raises(Invalid) as refused:
        create(company, record)

    assert broken(refused) == [("company.region_code", "region_code")]


@pytest.mark.parametrize(
    "address",
    ["a@halles.example\r\nBcc: b@halles.example", "a@halles.example;b@halles.example", "a@b@c.example"],
)
def test_no_header_or_list_gets_into_an_address(company: Running, address: str) -> None:
    record = example()
    record.incident_emails.append(address)
    with pytest.raises(Invalid) as refused:
        create(company, record)

    assert [field for field, _ in broken(refused)] == ["company.incident_emails[0]"]


def test_a_merchant_changes_what_the_mask_names_and_nothing_else(company: Running) -> None:
    before = create(company, example())
    change = Company(name=before.name, etag=before.etag, time_zone="Europe/Paris", language_code="de")
    change.address.locality = "Nouméa"
    change.address.postal_code = "nothing"
    change.manager_contact.phone = "26 12 34"

    after = update(company, change, "time_zone", "address.locality", "manager_contact.phone")

    expected = Company()
    expected.CopyFrom(before)
    expected.time_zone, expected.address.locality = "Europe/Paris", "Nouméa"
    expected.manager_contact.phone = "+687261234"
    expected.etag = after.etag
    expected.update_time.CopyFrom(after.update_time)
    assert expected == after == get(company, before.name)
    assert after.etag != before.etag


def test_a_stale_second_write_is_refused(company: Running) -> None:
    before = create(company, example())
    change = Company(name=before.name, etag=before.etag, time_zone="Europe/Paris")
    update(company, change, "time_zone")
    with pytest.raises(Stale):
        update(company, change, "time_zone")


def test_an_update_that_changes_nothing_leaves_the_version(company: Running) -> None:
    before = create(company, example())

    assert before == update(company, before)


def test_an_update_for_trial_only_answers_and_changes_nothing(company: Running) -> None:
    before = create(company, example())
    change = Company(name=before.name, time_zone="Europe/Paris")

    assert update(company, change, "time_zone", validate_only=True).time_zone == "Europe/Paris"
    assert before == get(company, before.name)


@pytest.mark.parametrize(
    "path",
    [
        "legal_name",
        "region_code",
        "legal_identifier",
        "legal_identifier.value",
        "legal_identifier.kind",
        "legal_identifier.checksum_doubtful",
        "name",
        "create_time",
        "update_time",
        "etag",
        "*",
    ],
)
def test_no_mask_reaches_what_a_merchant_cannot_change(company: Running, path: str) -> None:
    before = create(company, example())
    change = example()
    change.name, change.legal_name, change.region_code = before.name, "Other", "FR"
    change.legal_identifier.kind = company_pb2.LEGAL_IDENTIFIER_KIND_SIRET
    change.legal_identifier.value = "73282932000074"
    with pytest.raises(Invalid) as refused:
        update(company, change, "time_zone", path)

    assert [field for field, _ in broken(refused)] == ["update_mask"]
    assert before == get(company, before.name)


def test_without_a_mask_the_body_cannot_reach_it_either(company: Running) -> None:
    before = create(company, example())
    change = example()
    change.name, change.legal_name, change.region_code = before.name, "Other", "FR"
    change.legal_identifier.value = "0999999001"
    change.time_zone = "Europe/Paris"
    after = update(company, change)

    assert after.time_zone == "Europe/Paris"
    for field in ("name", "legal_name", "region_code", "legal_identifier", "create_time"):
        assert getattr(before, field) == getattr(after, field)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("time_zone", "company.time_zone"),
        ("language_code", "company.language_code"),
        ("manager_contact", "company.manager_contact"),
        ("manager_contact.title", "company.manager_contact.title"),
        ("technical_contact.email", "company.technical_contact.email"),
    ],
)
def test_required_fields_are_not_emptied(company: Running, path: str, field: str) -> None:
    before = create(company, example())
    with pytest.raises(Invalid) as refused:
        update(company, Company(name=before.name), path)

    assert field in [name for name, _ in broken(refused)]


def test_what_an_update_does_not_write_is_not_judged(company: Running) -> None:
    record = example()
    record.address.postal_code = "98800"
    opened = create(company, record)
    moved = Company(name=opened.name, region_code="FR")
    moved.legal_identifier.kind = company_pb2.LEGAL_IDENTIFIER_KIND_SIRET
    moved.legal_identifier.value = "73282932000074"
    correct(company, moved)

    after = update(company, Company(name=opened.name, language_code="it"), "language_code")

    assert (after.region_code, after.address.postal_code, after.language_code) == ("FR", "98800", "it")


def test_two_writers_at_once_leave_one_whole_record(company: Running) -> None:
    before = create(company, example())
    zones = ["Europe/Paris", "Pacific/Tahiti", "Indian/Reunion", "America/Cayenne"]

    def write(zone: str) -> bool:
        try:
            update(company, Company(name=before.name, etag=before.etag, time_zone=zone), "time_zone")
            return True
        except Stale:
            return False

    with ThreadPoolExecutor(4) as pool:
        won = [zone for zone, wrote in zip(zones, pool.map(write, zones), strict=True) if wrote]

    assert [get(company, before.name).time_zone] == won


def test_contacts_are_exchanged_in_one_step(company: Running) -> None:
    before = create(company, example())

    after = swap(company, before, etag=before.etag)

    assert after.manager_contact == before.technical_contact
    assert after.technical_contact == before.manager_contact
    assert after == get(company, before.name)
    with pytest.raises(Stale):
        swap(company, before, etag=before.etag)


def test_exchanging_like_contacts_changes_nothing(company: Running) -> None:
    record = example()
    record.technical_contact.CopyFrom(record.manager_contact)
    before = create(company, record)

    assert before == swap(company, before)


@pytest.mark.parametrize(
    ("method", "request_type", "field"),
    [
        ("RequireSecondFactor", company_pb2.RequireSecondFactorRequest, "second_factor_required"),
        ("RequirePasswordRenewal", company_pb2.RequirePasswordRenewalRequest, "password_renewal_required"),
    ],
)
def test_what_is_required_of_users_is_decided_against_fresh_proof(
    company: Running, method: str, request_type: Any, field: str
) -> None:
    before = create(company, example())

    def decide(required: bool | None, etag: str = "", **claims: Any) -> company_pb2.Company:
        request = request_type(name=before.name, required=required, etag=etag)
        token = company.mint.token(company=id_of(before), **claims)
        return company.call(f"CompanyService/{method}", request, company_pb2.Company, token=token)

    after = decide(True, before.etag)
    assert (getattr(before, field), getattr(after, field)) == (False, True)
    assert decide(True) == after == get(company, before.name)
    assert [change["fields"] for change in changes_of(company, before)[1:]] == [[field]]
    with pytest.raises(Invalid) as refused:
        decide(None)
    assert broken(refused) == [("required", "required")]
    with pytest.raises(Stale):
        decide(False, before.etag)
    with pytest.raises(Denied):
        decide(False, role="developer")
    with pytest.raises(Unauthenticated):
        decide(False, auth_time=1)
    assert not getattr(decide(False), field)


def test_a_correction_is_recorded_with_who_why_and_what_it_replaced(company: Running) -> None:
    before = create(company, example())

    after = correct(company, Company(name=before.name, legal_name="Les Halles du Port SARL"), "legal_name")

    assert after.legal_name == "Les Halles du Port SARL"
    assert after.etag != before.etag
    opening, correction = changes_of(company, before)
    assert (opening["action"], opening["actor"]) == ("CREATE", "services/bootstrap")
    assert (correction["action"], correction["actor"]) == ("UPDATE", "users/operatorexample")
    assert (correction["resource"], correction["on_behalf_of"]) == (before.name, before.name)
    assert correction["reason"] == "Registry extract received"
    assert correction["before"] == {"legal_name": "Les Halles du Port"}
    assert correction["after"] == {"legal_name": "Les Halles du Port SARL"}


def test_each_write_is_one_change_and_what_changes_nothing_is_none(company: Running) -> None:
    before = create(company, example())
    correct(company, Company(name=before.name, legal_name=before.legal_name))
    update(company, before)
    update(company, Company(name=before.name, time_zone="UTC"), "time_zone", validate_only=True)
    assert len(changes_of(company, before)) == 1

    update(company, Company(name=before.name, time_zone="UTC"), "time_zone")
    swap(company, before)

    assert [change["fields"] for change in changes_of(company, before)[1:]] == [
        ["time_zone"],
        [
            f"{role}_contact.{field}"
            for role in ("manager", "technical")
            for field in ("email", "given_name", "title")
        ],
    ]


def test_a_correction_reaches_the_three_fields_only(company: Running) -> None:
    before = create(company, example())
    with pytest.raises(Invalid) as refused:
        correct(company, Company(name=before.name, time_zone="Europe/Paris"), "time_zone")

    assert [field for field, _ in broken(refused)] == ["update_mask"]
    change = Company(name=before.name, legal_name="Halles", time_zone="Europe/Paris")
    with pytest.raises(Invalid) as unmasked:
        correct(company, change)
    assert broken(unmasked) == [("company.time_zone", "not_corrected")]
    assert get(company, before.name) == before
    after = correct(company, change, "legal_name")
    assert (after.legal_name, after.time_zone) == ("Halles", before.time_zone)


def test_a_correction_may_carry_what_only_the_service_writes(company: Running) -> None:
    before = create(company, example())
    change = Company(name=before.name, legal_name="Halles", etag=before.etag, create_time=before.create_time)

    assert correct(company, change).legal_name == "Halles"


def test_a_corrected_country_needs_an_identifier_of_its_register(company: Running) -> None:
    before = create(company, example())
    with pytest.raises(Invalid) as refused:
        correct(company, Company(name=before.name, region_code="FR"), "region_code")

    assert broken(refused) == [("company.legal_identifier.kind", "identifier_kind")]
    assert before == get(company, before.name)


def test_a_correction_needs_a_reason(company: Running) -> None:
    before = create(company, example())
    with pytest.raises(Invalid) as refused:
        correct(company, Company(name=before.name, legal_name="Halles"), "legal_name", reason="")

    assert broken(refused) == [("reason", "required")]


def test_merchants_do_not_correct_or_open(company: Running) -> None:
    record = create(company, example())
    token = company.mint.token(company=id_of(record))
    correction = company_pb2.CorrectCompanyRequest(company=record, reason="mine")
    with pytest.raises(Denied):
        company.call("CompanyService/CorrectCompany", correction, Company, token=token)
    opening = company_pb2.CreateCompanyRequest(company=example())
    with pytest.raises(Denied):
        company.call("CompanyService/CreateCompany", opening, Company, token=token)


def test_another_companys_token_gets_the_answer_of_a_company_that_never_existed(company: Running) -> None:
    theirs = create(company, example())
    answers = []
    for name in (theirs.name, "companies/neverexisted"):
        with pytest.raises(NotFound) as refused:
            update(company, Company(name=name, time_zone="UTC"), "time_zone", token=company.mint.token())
        answers.append(refused.value.message.replace(name, "NAME"))

    assert answers[0] == answers[1]


def test_a_reader_reads_and_is_told_which_right_a_change_needs(company: Running) -> None:
    record = create(company, example())
    reader = company.mint.token(company=id_of(record), role="reader")
    request = company_pb2.GetCompanyRequest(name=record.name)
    assert company.call("CompanyService/GetCompany", request, Company, token=reader) == record
    with pytest.raises(Denied) as refused:
        update(company, Company(name=record.name, time_zone="UTC"), "time_zone", token=reader)

    assert refused.value.metadata["permission"] == "company.update"


def test_nobody_reads_a_company(company: Running) -> None:
    record = create(company, example())
    with pytest.raises(Unauthenticated):
        company.call("CompanyService/GetCompany", company_pb2.GetCompanyRequest(name=record.name), Company)


def test_the_wildcard_names_no_company(company: Running) -> None:
    with pytest.raises(Invalid) as refused:
        get(company, "companies/-")

    assert broken(refused) == [("name", "resource_name")]


def test_refusals_never_repeat_what_was_typed(company: Running) -> None:
    record = example()
    record.manager_contact.phone = "0011223344556677"
    record.manager_contact.email = "ada@secret.invalid"
    with pytest.raises(Invalid) as refused:
        create(company, record)

    assert "0011223344556677" not in refused.value.message
    assert "secret" not in refused.value.message
