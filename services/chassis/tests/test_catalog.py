"""Each service's migrated database is what its mapped classes and their table classes say, and any slip is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table

from services.chassis.service import Service
from services.chassis.testing.catalog import departures
from services.chassis.testing.every_service import SERVICES
from services.chassis.tests.sample.rows import SAMPLE

Look = Callable[[Service], Connection]


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_the_database_is_what_the_classes_say(look: Look, service: Service) -> None:
    assert departures(look(service), service) == []


def test_a_table_of_each_class_can_be_right(look: Look) -> None:
    assert departures(look(SAMPLE), SAMPLE) == []


@pytest.mark.parametrize(
    ("slip", "found"),
    [
        ("alter table notes add column extra text", "differ: remove_column notes extra"),
        ("alter table notes drop column text", "differ: add_column notes text"),
        ("alter table notes alter text type varchar(10)", "differ: modify_type notes text"),
        ("alter table notes alter text drop not null", "differ: modify_nullable notes text"),
        ("alter table notes alter text set default ''", "differ: modify_default notes text"),
        ("create index on notes (company, text)", "differ: remove_index notes_company_text_idx"),
        ("alter table lines drop constraint lines_company_note_id_fkey", "differ: add_fk"),
        ("create table stray (id text)", "differ: remove_table stray"),
        ("alter table signs drop constraint signs_pkey", "signs: migrations and mapped classes differ"),
        (
            "alter table notes disable row level security",
            "notes: row-level security must be enabled and forced",
        ),
        (
            "alter table notes no force row level security",
            "notes: row-level security must be enabled and forced",
        ),
        ("alter table signs enable row level security", "signs: row-level security must be off"),
        ("drop policy notes_scope on notes", "notes: must have the policies"),
        ("drop policy diaries_scope on diaries", "diaries: must have the policies"),
        ("drop policy seats_scope on seats", "seats: must have the policies"),
        ("drop policy data_keys_scope on data_keys", "data_keys: must have the policies"),
        ("drop policy data_keys_insert on data_keys", "data_keys: must have the policies"),
        (
            "alter policy data_keys_insert on data_keys with check (true)",
            "data_keys: must have the policies",
        ),
        ("alter policy notes_scope on notes using (true)", "notes: must have the policies"),
        ("alter policy notes_scope on notes with check (true)", "notes: must have the policies"),
        (
            "alter policy notes_scope on notes using (company = current_setting('app.company', true))",
            "notes: must have the policies",
        ),
        ("alter policy notes_scope on notes to public", "notes: must have the policies"),
        ("create policy second on notes to sample_svc using (true)", "notes: must have the policies"),
        (
            "create policy feed on notes for select to sample_feed using (true)",
            "notes: must have the policies",
        ),
        ("create policy needless on signs using (true)", "signs: must have no policy"),
        ("grant select on notes to public", "notes: - must not be granted SELECT"),
        ("grant select on notes to sample_feed", "notes: sample_feed must not be granted SELECT"),
        ("grant select (text) on notes to sample_feed", "notes: sample_feed must not be granted SELECT text"),
        ("grant truncate on notes to sample_svc", "notes: sample_svc must not be granted TRUNCATE"),
        ("grant select on notes to sample_svc with grant option", "notes: sample_svc must not be granted"),
        ("grant update on data_keys to sample_svc", "data_keys: sample_svc must not be granted UPDATE"),
        ("grant select on alembic_version to sample_svc", "alembic_version: sample_svc must not be granted"),
        (
            "grant create on schema public to sample_svc",
            "schema public: sample_svc must not be granted CREATE",
        ),
        ("grant usage on schema public to public", "schema public: - must not be granted USAGE"),
        (
            "alter default privileges for role sample_owner grant select on tables to public",
            "default privileges: - must not be granted SELECT",
        ),
        ("create view seen as select * from notes", "seen: there must be no view"),
        ("create materialized view kept as select * from notes", "kept: there must be no materialised view"),
        ("create sequence counted", "counted: there must be no sequence"),
        ("create table parts (id text) partition by list (id)", "parts: there must be no partitioned table"),
        (
            "create function peek() returns bigint language sql security definer as 'select count(*) from notes'",
            "peek: there must be no SECURITY DEFINER function",
        ),
        (
            "create function look() returns bigint language sql as 'select count(*) from notes'",
            "look: must set search_path",
        ),
        ("create rule also as on insert to signs do also nothing", "also: there must be no rule"),
        ("create schema aside", "aside: there must be no schema"),
        ("alter table notes owner to sample_svc", "notes: must belong to sample_owner"),
        ("alter role sample_svc bypassrls", "sample_svc: must have no attribute"),
        ("grant sample_owner to sample_feed", "sample_feed: must have no attribute"),
        ("create index strays on notes (text)", "strays: must begin with company"),
        ("create unique index words on seats (text)", "words: must begin with company or user_id"),
        ("create unique index early on data_keys (version, company)", "early: must begin with company"),
        ("create index lowered on notes (lower(text))", "lowered: must begin with company"),
        (
            "alter table lines add constraint loose foreign key (text) references settings (key)",
            "loose: must include company on both sides",
        ),
        (
            "alter table notes add constraint crossed foreign key (note_id, company)"
            " references seats (company, user_id)",
            "crossed: must include company",
        ),
    ],
)
def test_every_slip_is_noticed(look: Look, slip: str, found: str) -> None:
    connection = look(SAMPLE)
    connection.exec_driver_sql(slip)

    assert [text for text in departures(connection, SAMPLE) if found in text] != []


@pytest.mark.parametrize(
    "slip",
    [
        "drop trigger messages_recorded on messages",
        "alter table messages disable trigger messages_recorded",
        "drop trigger messages_recorded on messages; create constraint trigger fewer after insert on messages"
        " deferrable initially deferred for each row execute function require_change()",
    ],
)
def test_a_table_that_no_longer_insists_on_a_change_is_noticed(look: Look, slip: str) -> None:
    service = SERVICES["inbox"]
    connection = look(service)
    for statement in slip.split(";"):
        connection.exec_driver_sql(statement)

    assert [text for text in departures(connection, service) if "messages: must be recorded" in text] != []


@pytest.mark.parametrize(
    "slip",
    [
        "drop trigger change_heads_grow on change_heads",
        "alter table change_heads disable trigger change_heads_grow",
    ],
)
def test_a_log_that_may_go_back_is_noticed(look: Look, slip: str) -> None:
    service = SERVICES["inbox"]
    connection = look(service)
    connection.exec_driver_sql(slip)

    assert departures(connection, service) == ["change_heads: must refuse to go back"]


def test_a_table_of_no_class_is_noticed(look: Look) -> None:
    bare = MetaData()
    Table("bare", bare, Column("number", Integer, primary_key=True, autoincrement=False))
    connection = look(SAMPLE)

    found = departures(connection, replace(SAMPLE, metadata=bare))

    assert found[0].startswith("bare: its class derives from none")


def test_a_sealed_column_that_no_rotation_would_find_is_noticed(look: Look) -> None:
    service = SERVICES["identity"]
    connection = look(service)

    found = departures(connection, replace(service, sealed=()))

    assert {line for line in found if "sealed" in line} == {
        f"{table}: its sealed column must be in `sealed` of the service"
        for table in ("signing_keys", "totps")
    }


def test_a_sealed_table_that_its_owner_cannot_sweep_is_noticed(look: Look) -> None:
    service = SERVICES["shop"]
    table = service.sealed[0].table.name
    connection = look(service)
    connection.exec_driver_sql(f"drop policy {table}_sweep on {table}")

    assert f"{table}: must have the policies of its class" in departures(connection, service)
