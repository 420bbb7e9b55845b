"""The history of a company (CO6): who changed what, when, from which value to which; as it stood; put back."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api import httpbody_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from comptoir.changes.v1 import change_pb2
from comptoir.company.v1 import company_pb2
from services.chassis import pages
from services.chassis.errors import Denied, Invalid, NotFound, Precondition, Stale
from services.chassis.testing.running import METHODS, Running
from services.company.service import COMPANY

Company = company_pb2.Company
Change = change_pb2.Change


@dataclass(frozen=True)
class Record:
    """One company and what its owner does with it."""

    running: Running
    name: str

    @property
    def id(self) -> str:
        return self.name.removeprefix("companies/")

    def token(self, **claims: Any) -> str:
        return self.running.mint.token(company=self.id, **claims)

    def update(self, *paths: str, token: str | None = None, **values: Any) -> company_pb2.Company:
        request = company_pb2.UpdateCompanyRequest(
            company=Company(name=self.name, **values), update_mask=FieldMask(paths=paths or list(values))
        )
        return self.running.call(
            "CompanyService/UpdateCompany", request, Company, token=token or self.token()
        )

    def get(self, read_time: datetime | None = None, **options: Any) -> company_pb2.Company:
        request = company_pb2.GetCompanyRequest(name=self.name)
        if read_time is not None:
            request.read_time.FromDatetime(read_time)
        options = options or {"token": self.token()}
        return self.running.call("CompanyService/GetCompany", request, Company, **options)

    def page(self, token: str | None = None, **asked: Any) -> company_pb2.ListCompanyChangesResponse:
        request = company_pb2.ListCompanyChangesRequest(parent=self.name, **asked)
        answer = company_pb2.ListCompanyChangesResponse
        return self.running.call(
            "CompanyService/ListCompanyChanges", request, answer, token=token or self.token()
        )

    def changes(self, **asked: Any) -> list[change_pb2.Change]:
        """All of them, newest first, page by page."""
        found: list[change_pb2.Change] = []
        token = ""
        while True:
            page = self.page(page_token=token, **asked)
            found += page.changes
            token = page.next_page_token
            if not token:
                return found

    def change(self, name: str, token: str | None = None) -> change_pb2.Change:
        request = company_pb2.GetCompanyChangeRequest(name=name)
        return self.running.call(
            "CompanyService/GetCompanyChange", request, Change, token=token or self.token()
        )

    def revert(self, name: str, token: str | None = None, **options: Any) -> company_pb2.Company:
        request = company_pb2.RevertCompanyChangeRequest(name=name, **options)
        return self.running.call(
            "CompanyService/RevertCompanyChange", request, Company, token=token or self.token()
        )

    def export(self, **asked: Any) -> tuple[httpbody_pb2.HttpBody, change_pb2.ExportedPage]:
        request = company_pb2.ExportCompanyChangesRequest(parent=self.name, **asked)
        body = self.running.call(
            "CompanyService/ExportCompanyChanges", request, httpbody_pb2.HttpBody, token=self.token()
        )
        told = change_pb2.ExportedPage()
        assert body.extensions[0].Unpack(told)
        return body, told

    def forget_values(self, sequence: int) -> None:
        with self.running.database.administrator() as connection:
            connection.execute(
                "delete from change_values where scope = %s and sequence = %s", [self.name, sequence]
            )


@pytest.fixture(scope="module")
def company(run_service: Callable[..., Running]) -> Running:
    return run_service(COMPANY)


@pytest.fixture
def record(company: Running) -> Record:
    """A new company."""
    request = METHODS["CompanyService/CreateCompany"].example()
    created = company.call("CompanyService/CreateCompany", request, Company, service="bootstrap")
    return Record(company, created.name)


def test_a_change_tells_who_what_when_and_from_which_value_to_which(record: Record) -> None:
    before = record.get()
    after = record.update(time_zone="Europe/Paris")
    newest, oldest = record.page().changes

    assert newest.name == f"{record.name}/changes/2"
    assert (newest.resource, newest.type) == (record.name, "comptoir.company/Company")
    assert (newest.action, newest.sequence) == (change_pb2.ACTION_UPDATE, 2)
    assert list(newest.fields) == ["time_zone"]
    assert dict(newest.before) == {"time_zone": before.time_zone}
    assert dict(newest.after) == {"time_zone": "Europe/Paris"}
    assert (newest.actor, newest.client) == ("users/userexample", "demo-app")
    assert newest.method == "/comptoir.company.v1.CompanyService/UpdateCompany"
    assert newest.create_time == after.update_time
    assert newest.request_id
    assert (oldest.action, oldest.actor) == (change_pb2.ACTION_CREATE, "services/bootstrap")
    assert oldest.HasField("before")
    assert dict(oldest.before) == {}
    assert oldest.after["manager_contact.email"] == before.manager_contact.email
    assert record.change(newest.name) == newest


def test_columns_that_are_no_fields_of_the_contract_are_not_shown(record: Record) -> None:
    (created,) = record.page().changes

    assert set(created.fields) == set(created.after)
    assert {"company", "version", "update_time"} & set(created.fields) == set()


def test_the_platforms_staff_reads_any_companys_history_and_stands_in_it(record: Record) -> None:
    staff = record.running.mint.operator()
    record.update(time_zone="Europe/Paris", token=staff)
    newest = record.page(token=staff).changes[0]

    assert (newest.actor, newest.on_behalf_of) == ("users/operatorexample", record.name)


def test_pages_follow_each_other_newest_first_without_gap_or_repetition(record: Record) -> None:
    for n in range(7):
        record.update(time_zone="Europe/Paris" if n % 2 else "Pacific/Tahiti")

    assert [each.sequence for each in record.changes(page_size=3)] == list(range(8, 0, -1))
    assert [each.sequence for each in record.changes(page_size=8)] == list(range(8, 0, -1))


def test_what_arrives_meanwhile_does_not_shift_the_pages(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    first = record.page(page_size=1)
    record.update(time_zone="Pacific/Tahiti")
    second = record.page(page_size=1, page_token=first.next_page_token)

    assert [each.sequence for each in (*first.changes, *second.changes)] == [2, 1]
    assert second.next_page_token == ""


def test_filters_keep_to_what_was_asked(record: Record) -> None:
    record.update("manager_contact.phone", manager_contact=company_pb2.Contact(phone="+687 27 12 34"))
    middle = record.update(time_zone="Europe/Paris", token=record.token(sub="somebodyelse"))
    record.update(language_code="en")
    time = middle.update_time

    def found(**asked: Any) -> list[int]:
        return [each.sequence for each in record.changes(**asked)]

    assert found(fields=["manager_contact"]) == [2, 1]
    assert found(fields=["manager_contact.phone", "time_zone"]) == [3, 2, 1]
    assert found(fields=["manager"]) == []
    assert found(actors=["users/somebodyelse"]) == [3]
    assert found(actions=[change_pb2.ACTION_CREATE]) == [1]
    assert found(types=["comptoir.company/Company"]) == [4, 3, 2, 1]
    assert found(types=["comptoir.shop/Shop"]) == []
    assert found(start_time=time) == [4, 3]
    assert found(end_time=time) == [2, 1]
    assert found(start_time=time, end_time=time) == []
    assert found(start_time=Timestamp(seconds=-62135596800), end_time=Timestamp(seconds=253402300799)) == [
        4,
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"fields": ["a' or 'b"]},
        {"fields": ["%"]},
        {"types": ["nothing"]},
        {"actors": ["users/\0"]},
        {"actions": [0]},
        {"actions": [9]},
        {"start_time": Timestamp(seconds=253402300800)},
        {"end_time": Timestamp(nanos=-1)},
    ],
)
def test_filters_that_are_none_are_refused(record: Record, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        record.page(**asked)


@pytest.mark.parametrize("text", ["", "-1", "0", "x", "1" * 19, "٣", "1.0"])
def test_page_tokens_that_were_made_up_are_refused(record: Record, text: str) -> None:
    record.update(time_zone="Europe/Paris")
    asked = company_pb2.ListCompanyChangesRequest(parent=record.name).SerializeToString(deterministic=True)
    method = METHODS["CompanyService/ListCompanyChanges"].path
    forged = pages.page(1, "", method, asked.hex()).token((text,))

    with pytest.raises(Invalid):
        record.page(page_size=1, page_token=forged)


def test_a_page_token_is_good_for_its_filters_and_its_company_only(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    token = record.page(page_size=1).next_page_token

    with pytest.raises(Invalid):
        record.page(page_token=token, actors=["users/userexample"])
    with pytest.raises(Invalid):
        record.export(page_token=token)


def test_another_companys_history_is_answered_like_one_that_never_was(
    company: Running, record: Record
) -> None:
    stranger, never = company.mint.token(company="acme"), Record(company, "companies/nevernevernever")
    acts: list[Callable[[Record], object]] = [
        lambda each: each.page(token=stranger),
        lambda each: each.change(f"{each.name}/changes/1", token=stranger),
        lambda each: each.revert(f"{each.name}/changes/1", token=stranger),
    ]
    for act in acts:
        answers = []
        for each in (record, never):
            with pytest.raises(NotFound) as refused:
                act(each)
            answers.append(refused.value.message.replace(each.id, "ID"))
        assert answers[0] == answers[1]
    with pytest.raises(NotFound):
        Record(company, "companies/acme").page()


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "01", "x"])
def test_a_change_that_never_was_is_unknown(record: Record, number: str) -> None:
    with pytest.raises(NotFound):
        record.change(f"{record.name}/changes/{number}")


@pytest.mark.parametrize("role", ["developer", "accountant", "reader"])
def test_only_holders_of_the_right_read_the_history(record: Record, role: str) -> None:
    token = record.token(role=role)
    for act in (
        lambda: record.page(token=token),
        lambda: record.change(f"{record.name}/changes/1", token=token),
        lambda: record.get(datetime.now(UTC) - timedelta(days=1), token=token),
    ):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.metadata == {"permission": "company.history.read"}


def test_an_application_without_the_scope_reads_nothing_of_the_past(record: Record) -> None:
    token = record.token(scope="company.read company.update")
    with pytest.raises(Denied) as refused:
        record.get(datetime.now(UTC) - timedelta(days=1), token=token)
    with pytest.raises(Denied):
        record.revert(f"{record.name}/changes/1", token=token)

    assert refused.value.reason == "INSUFFICIENT_SCOPE"


def test_a_service_of_the_platform_reads_the_present_alone(record: Record) -> None:
    with pytest.raises(Denied):
        record.get(datetime.now(UTC) - timedelta(days=1), service="mailer")


def test_a_change_whose_values_are_missing_stays_and_is_doubtful(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    record.forget_values(2)
    newest = record.page().changes[0]

    assert (newest.values_doubtful, newest.values_erased) == (True, False)
    assert list(newest.fields) == ["time_zone"]
    assert not newest.HasField("before")
    assert not newest.HasField("after")
    assert newest.source_address == ""


def test_values_of_a_company_whose_keys_were_destroyed_count_as_erased(record: Record) -> None:
    with record.running.database.administrator() as connection:
        connection.execute("delete from data_keys where company = %s", [record.id])
    record.running.resources.vault.flush()

    assert [each.values_erased for each in record.page().changes] == [True]


def test_the_address_of_a_change_is_told_and_no_file_holds_it(record: Record) -> None:
    request = company_pb2.UpdateCompanyRequest(
        company=Company(name=record.name, time_zone="Europe/Paris"),
        update_mask=FieldMask(paths=["time_zone"]),
    )
    metadata = {"x-client-address": "192.0.2.7"}
    record.running.call(
        "CompanyService/UpdateCompany", request, Company, token=record.token(), metadata=metadata
    )

    assert record.page().changes[0].source_address == "192.0.2.7"
    for form in (change_pb2.EXPORT_FORMAT_CSV, change_pb2.EXPORT_FORMAT_NDJSON):
        assert b"192.0.2.7" not in record.export(format=form)[0].data


def rows(data: bytes) -> list[dict[str, str]]:
    assert data.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_a_table_has_one_line_for_each_changed_field(record: Record) -> None:
    record.update(time_zone="Europe/Paris", language_code="en")
    body, told = record.export(actions=[change_pb2.ACTION_UPDATE])
    newest = record.page().changes[0]

    assert body.content_type == "text/csv; charset=utf-8"
    assert [(row["field"], row["before"], row["after"]) for row in rows(body.data)] == [
        ("language_code", "fr", "en"),
        ("time_zone", "Pacific/Noumea", "Europe/Paris"),
    ]
    assert rows(body.data)[0] == {
        "time": newest.create_time.ToJsonString(),
        "actor": "users/userexample",
        "application": "demo-app",
        "on_behalf_of": "",
        "action": "UPDATE",
        "type": "comptoir.company/Company",
        "resource": record.name,
        "field": "language_code",
        "before": "fr",
        "after": "en",
        "reason": "",
        "request_id": newest.request_id,
        "sequence": "2",
        "method": "/comptoir.company.v1.CompanyService/UpdateCompany",
    }
    assert told.next_page_token == ""
    assert told.file_name.startswith(f"companies-{record.id}-changes-20")
    assert told.file_name.endswith(".csv")


def test_no_cell_that_people_wrote_is_a_formula(record: Record) -> None:
    for evil in ("=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＠SUM(A1)"):
        record.update("address.locality", address=company_pb2.Address(locality=evil))
    record.update("manager_contact.phone", manager_contact=company_pb2.Contact(phone="+687 27 12 34"))
    body, _ = record.export(actions=[change_pb2.ACTION_UPDATE])
    cells = [cell for row in rows(body.data) for cell in row.values()]

    assert {"'=1+1", "'＝1+1", "'+687271234"} <= set(cells)
    assert not any(cell.lstrip()[:1] in tuple("=+-@＝＋－＠\t\r") for cell in cells if cell)


def test_each_line_of_ndjson_is_a_change_as_the_list_shows_it(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    body, told = record.export(format=change_pb2.EXPORT_FORMAT_NDJSON)
    lines = [json.loads(line) for line in body.data.decode().splitlines()]

    assert body.content_type == "application/x-ndjson"
    assert [line["sequence"] for line in lines] == ["2", "1"]
    assert lines[0]["before"] == {"time_zone": "Pacific/Noumea"}
    assert lines[0]["valuesErased"] is False
    assert told.file_name.endswith(".ndjson")


def test_a_file_comes_in_parts_that_make_one(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        record.update(time_zone="Europe/Paris" if n % 2 else "Pacific/Tahiti")
    whole, _ = record.export()
    monkeypatch.setattr("services.chassis.changes.export.MOST_CHANGES", 2)
    joined, token, parts = b"", "", 0
    while parts == 0 or token:
        body, told = record.export(page_token=token)
        joined, token, parts = joined + body.data, told.next_page_token, parts + 1

    assert (joined, parts) == (whole.data, 3)


def test_a_part_of_a_file_stays_below_its_most_bytes(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        record.update(time_zone="Europe/Paris" if n % 2 else "Pacific/Tahiti")
    monkeypatch.setattr("services.chassis.changes.export.MOST_BYTES", 1)
    first, told = record.export(format=change_pb2.EXPORT_FORMAT_NDJSON)
    second, _ = record.export(format=change_pb2.EXPORT_FORMAT_NDJSON, page_token=told.next_page_token)

    assert [json.loads(part.data)["sequence"] for part in (first, second)] == ["4", "3"]


def test_the_record_is_read_as_it_stood_at_every_step(record: Record) -> None:
    """A random sequence of updates of every kind against what was answered when they were made."""
    chance = random.Random(7)
    stood = [record.get()]
    for _ in range(25):
        contact = company_pb2.Contact(
            given_name=chance.choice(["Ada", "Jean", "Zoé"]), phone=chance.choice(["", "+687 27 12 34"])
        )
        address = company_pb2.Address(street=chance.choice(["", "1 quai"]), locality="Nouméa")
        updates: list[tuple[tuple[str, ...], dict[str, Any]]] = [
            ((), {"time_zone": chance.choice(["Europe/Paris", "Pacific/Tahiti"])}),
            (("address",), {"address": address}),
            (("address.street",), {"address": address}),
            (("manager_contact.given_name", "manager_contact.phone"), {"manager_contact": contact}),
            ((), {"incident_emails": ["a@halles.example", "b@halles.example"]}),
            (("incident_emails",), {}),
        ]
        paths, values = chance.choice(updates)
        stood.append(record.update(*paths, **values))
    for n, expected in enumerate(stood):
        time = expected.update_time.ToDatetime(UTC)
        until = stood[n + 1].update_time.ToDatetime(UTC) if n + 1 < len(stood) else time
        expected.etag = ""
        assert record.get(time) == expected
        if until > time:
            assert record.get(until - timedelta(microseconds=1)) == expected


def test_a_correction_is_undone_in_what_is_read_of_the_time_before(record: Record) -> None:
    before = record.get()
    request = company_pb2.CorrectCompanyRequest(
        company=Company(
            name=record.name,
            legal_identifier=company_pb2.LegalIdentifier(
                kind=company_pb2.LEGAL_IDENTIFIER_KIND_RIDET, value="0123456001"
            ),
        ),
        update_mask=FieldMask(paths=["legal_identifier"]),
        reason="Registry extract received",
    )
    staff = record.running.mint.operator()
    record.running.call("CompanyService/CorrectCompany", request, Company, token=staff)
    stood = record.get(before.update_time.ToDatetime(UTC))

    assert stood.legal_identifier == before.legal_identifier
    assert record.get().legal_identifier != before.legal_identifier
    assert record.page().changes[0].reason == "Registry extract received"


def test_there_was_nothing_before_the_creation_and_nothing_is_known_of_the_future(record: Record) -> None:
    created = record.get().create_time.ToDatetime(UTC)
    with pytest.raises(NotFound) as early:
        record.get(created - timedelta(microseconds=1))
    with pytest.raises(NotFound):
        record.get(datetime(1, 1, 1, tzinfo=UTC))
    with pytest.raises(Invalid) as late:
        record.get(datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(Invalid):
        record.get(datetime(9999, 12, 31, tzinfo=UTC))

    assert early.value.reason == "NOT_CREATED_YET"
    assert [v.field for v in late.value.violations] == ["read_time"]


def test_a_time_whose_values_are_missing_is_not_made_up(record: Record) -> None:
    between = record.update(time_zone="Europe/Paris").update_time.ToDatetime(UTC)
    record.update(language_code="en")
    record.forget_values(2)

    assert record.get(between).language_code == "fr"
    with pytest.raises(Precondition) as refused:
        record.get(record.get().create_time.ToDatetime(UTC))
    assert refused.value.reason == "VALUES_DOUBTFUL"


def test_reverting_puts_the_fields_of_the_change_back_and_is_a_change(record: Record) -> None:
    record.update(
        "manager_contact.given_name",
        "time_zone",
        manager_contact=company_pb2.Contact(given_name="Zoé"),
        time_zone="Europe/Paris",
    )
    record.update(language_code="en")
    after = record.revert(f"{record.name}/changes/2")
    newest = record.page().changes[0]

    assert (after.time_zone, after.manager_contact.given_name) == ("Pacific/Noumea", "Ada")
    assert after.language_code == "en"
    assert newest.reason == f"reverts {record.name}/changes/2"
    assert newest.method.endswith("/RevertCompanyChange")
    assert dict(newest.after) == {"manager_contact.given_name": "Ada", "time_zone": "Pacific/Noumea"}


def test_a_reverted_change_can_be_brought_back_with_a_reason_of_ones_own(record: Record) -> None:
    record.update(incident_emails=["a@halles.example"])
    record.revert(f"{record.name}/changes/2")
    after = record.revert(f"{record.name}/changes/3", reason="It was right")

    assert list(after.incident_emails) == ["a@halles.example"]
    assert record.page().changes[0].reason == "It was right"


def test_a_later_value_is_not_overwritten(record: Record) -> None:
    record.update(time_zone="Europe/Paris", language_code="en")
    record.update(time_zone="Pacific/Tahiti")
    with pytest.raises(Precondition) as refused:
        record.revert(f"{record.name}/changes/2")

    assert (refused.value.reason, refused.value.metadata) == ("CHANGED_SINCE", {"fields": "time_zone"})
    assert record.get().language_code == "en"


def test_a_revert_may_be_tried_and_a_stale_one_is_refused(record: Record) -> None:
    stale = record.get().etag
    record.update(time_zone="Europe/Paris")
    tried = record.revert(f"{record.name}/changes/2", validate_only=True)
    with pytest.raises(Stale):
        record.revert(f"{record.name}/changes/2", etag=stale)

    assert (tried.time_zone, tried.etag) == ("Pacific/Noumea", "")
    assert record.get().time_zone == "Europe/Paris"
    assert len(record.page().changes) == 2


def test_a_change_by_another_call_is_not_reverted_and_told_which_call_it_was(record: Record) -> None:
    request = company_pb2.RequirePasswordRenewalRequest(name=record.name, required=True)
    record.running.call("CompanyService/RequirePasswordRenewal", request, Company, token=record.token())
    with pytest.raises(Precondition) as refused:
        record.revert(f"{record.name}/changes/2")

    assert (refused.value.reason, refused.value.message) == (
        "NOT_REVERTIBLE",
        "This change cannot be reverted: password_renewal_required is changed by RequirePasswordRenewal, not by"
        " UpdateCompany.",
    )


def test_what_no_update_could_write_is_not_reverted(record: Record) -> None:
    request = company_pb2.CorrectCompanyRequest(
        company=Company(name=record.name, legal_name="Les Halles du Port SARL"),
        update_mask=FieldMask(paths=["legal_name"]),
        reason="Registry extract received",
    )
    staff = record.running.mint.operator()
    record.running.call("CompanyService/CorrectCompany", request, Company, token=staff)
    reasons = []
    for number in (1, 2):
        with pytest.raises(Precondition) as refused:
            record.revert(f"{record.name}/changes/{number}")
        reasons.append(refused.value.reason)

    assert reasons == ["NOT_REVERTIBLE", "NOT_REVERTIBLE"]
    assert record.get().legal_name == "Les Halles du Port SARL"


def test_missing_values_are_not_put_back(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    record.forget_values(2)
    with pytest.raises(Precondition) as refused:
        record.revert(f"{record.name}/changes/2")

    assert refused.value.reason == "VALUES_DOUBTFUL"


def test_reverting_takes_the_right_to_update(record: Record) -> None:
    record.update(time_zone="Europe/Paris")
    with pytest.raises(Denied) as refused:
        record.revert(f"{record.name}/changes/2", token=record.token(role="reader"))

    assert refused.value.metadata == {"permission": "company.update"}
