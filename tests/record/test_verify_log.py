"""The stand-alone verifier finds what a superuser of the database can do, at its place (security.md, Record)."""

from __future__ import annotations

import runpy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.chassis.changes import chain
from tests.record.logs import NOON, ONE, THREE, TWO, VERIFIER, Finding, Log, verify

EDITS = {
    "time": "time + interval '1 microsecond'",
    "type": "type || 'x'",
    "resource": "resource || 'x'",
    "history": "history || 'x'",
    "action": "'DELETE'",
    "fields": "array_append(fields, 'url')",
    "actor": "'users/somebody'",
    "client": "'another'",
    "on_behalf_of": "'users/somebody'",
    "reason": "'because'",
    "request_id": "'another'",
    "method": "'/another'",
    "schema_version": "schema_version + 1",
    "commitment": "sha256('another')",
}


def test_an_untouched_log_is_clean(log: Log) -> None:
    answer = log.verify()

    assert (answer.status, answer.findings, answer.error) == (0, set(), "")
    said = {key: value for note in answer.notes for key, value in note.items()}
    assert (said["changes"], said["scopes"], said["newer"], said["newest"]) == (18, 3, 1, 4)


def test_it_knows_the_chain_that_the_services_write() -> None:
    # It may not import it, so it repeats it: here the two are held together.
    assert set(runpy.run_path(str(VERIFIER))["COVERED"]) == set(chain.METADATA)
    assert {*EDITS, "scope", "sequence"} == {*chain.METADATA, "commitment"}


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_column(log: Log, column: str) -> None:
    log.execute(f"update changes set {column} = {EDITS[column]} where scope = '{ONE}' and sequence = 6")

    assert log.verify().findings == {Finding("ALTERED", ONE, 6, 6)}


def test_a_time_that_no_clock_says(log: Log) -> None:
    log.execute(f"update changes set time = 'infinity' where scope = '{ONE}' and sequence = 2")

    assert log.verify().findings == {Finding("ALTERED", ONE, 2, 2)}


def test_an_empty_text_made_null(log: Log) -> None:
    log.execute(
        "alter table changes alter column reason drop not null",
        f"update changes set reason = null where scope = '{TWO}' and sequence = 6",
    )

    assert log.verify().findings == {Finding("ALTERED", TWO, 6, 6)}


def test_an_edited_hash(log: Log) -> None:
    log.execute(f"update changes set hash = sha256('x') where scope = '{ONE}' and sequence = 6")

    assert log.verify().findings == {Finding("ALTERED", ONE, 6, 7)}


def test_changes_deleted_in_the_middle(log: Log) -> None:
    log.execute(f"delete from changes where scope = '{ONE}' and sequence in (2, 3)")

    assert log.verify().findings == {Finding("MISSING", ONE, 2, 3)}


def test_a_change_deleted_and_the_others_renumbered(log: Log) -> None:
    log.execute(
        f"delete from changes where scope = '{THREE}' and sequence = 2",
        f"update changes set sequence = -sequence where scope = '{THREE}' and sequence > 2",
        f"update changes set sequence = -sequence - 1 where scope = '{THREE}' and sequence < 0",
        f"update change_heads set sequence = 4 where scope = '{THREE}'",
    )

    assert log.verify().findings == {
        Finding("ALTERED", THREE, 2, 4),
        Finding("CUT", THREE, 5, 5, 4),
    }


def test_two_changes_in_the_place_of_each_other(log: Log) -> None:
    log.execute(
        f"update changes set sequence = 3 - sequence - 10 where scope = '{THREE}' and sequence in (1, 2)",
        f"update changes set sequence = sequence + 10 where scope = '{THREE}' and sequence < 0",
    )

    assert log.verify().findings == {Finding("ALTERED", THREE, 1, 3)}


def test_the_same_change_twice(log: Log) -> None:
    log.execute("alter table changes drop constraint changes_pkey")
    try:
        log.execute(f"insert into changes select * from changes where scope = '{ONE}' and sequence = 4")
        assert log.verify().findings == {Finding("REPEATED", ONE, 4, 4)}
    finally:
        log.reset()
        log.execute("alter table changes add primary key (scope, sequence)")


def doubled(rows: list[dict[str, Any]]) -> None:
    rows.insert(2, {**rows[2], "actor": "users/somebody"})


def test_a_change_inserted_in_the_middle_with_new_numbers(log: Log) -> None:
    log.rebuild(ONE, doubled)

    assert log.verify().findings == {Finding("REWRITTEN", ONE, 1, 7, 4)}


def test_a_change_inserted_with_new_numbers_but_old_hashes(log: Log) -> None:
    log.execute(
        f"update changes set sequence = -sequence - 1 where scope = '{ONE}' and sequence >= 3",
        f"update changes set sequence = -sequence where scope = '{ONE}' and sequence < 0",
        f"insert into changes select scope, 3, transaction, position, history, time, type, resource, action,"
        f" fields, actor, client, on_behalf_of, reason, request_id, method, schema_version, commitment, hash"
        f" from changes where scope = '{ONE}' and sequence = 2",
        f"update change_heads set sequence = 8 where scope = '{ONE}'",
    )

    # The last five follow from each other's hashes, but not under their new numbers.
    assert log.verify().findings == {Finding("ALTERED", ONE, 3, 8), Finding("REWRITTEN", ONE, 1, 7, 4)}


def test_a_chain_rebuilt_after_the_last_checkpoint(log: Log) -> None:
    log.rebuild(ONE, lambda rows: rows[5].update(actor="users/somebody"))

    assert log.verify().findings == {Finding("REWRITTEN", ONE, 6, 7, 4)}


def test_a_chain_rebuilt_between_two_checkpoints(log: Log) -> None:
    log.rebuild(ONE, lambda rows: rows[2].update(actor="users/somebody"))
    log.write_checkpoint(5)
    log.rename("one", "Petit quai")
    log.write_checkpoint(6)

    assert log.verify().findings == {Finding("REWRITTEN", ONE, 1, 7, 4, 5)}


def test_a_tail_cut_off_and_the_head_put_back(log: Log) -> None:
    log.rebuild(ONE, lambda rows: rows.__delitem__(slice(4, None)))
    assert log.verify().findings == {Finding("CUT", ONE, 5, 7, 4)}

    log.write_checkpoint(5)
    assert log.verify().findings == {Finding("CUT", ONE, 5, 7, 4, 5)}


def test_a_checkpoint_after_the_deed_vouches_for_nothing_before_it(log: Log) -> None:
    def edit_and_cut(rows: list[dict[str, Any]]) -> None:
        rows[2].update(actor="users/somebody")
        del rows[6]

    log.rebuild(ONE, edit_and_cut)
    log.write_checkpoint(5)

    assert log.verify().findings == {
        Finding("REWRITTEN", ONE, 1, 5, 4, 5),
        Finding("CUT", ONE, 7, 7, 4, 5),
    }


def test_a_tail_cut_off_and_grown_again(log: Log) -> None:
    log.rebuild(ONE, lambda rows: rows.__delitem__(slice(5, None)))
    log.rename("one", "Autre quai")
    log.rename("one", "Encore un quai")
    log.rename("one", "Dernier quai")

    assert log.verify().findings == {Finding("REWRITTEN", ONE, 6, 7, 4)}


def test_a_log_that_went_back_for_a_while(log: Log) -> None:
    log.execute(
        f"delete from changes where scope = '{THREE}'", f"delete from change_heads where scope = '{THREE}'"
    )
    log.write_checkpoint(5)
    log.execute(
        f"insert into changes select * from saved.changes where scope = '{THREE}'",
        f"insert into change_heads select * from saved.change_heads where scope = '{THREE}'",
    )

    assert log.verify().findings == {Finding("WENT_BACK", THREE, 1, 5, 4, 5)}


def test_a_whole_scope_removed(log: Log) -> None:
    log.execute(*(f"delete from {table} where scope = '{THREE}'" for table in ("changes", "change_heads")))

    assert log.verify().findings == {Finding("REMOVED", THREE, 1, 5, 4)}


def test_everything_removed(log: Log) -> None:
    log.execute("truncate changes", "truncate change_heads")

    assert log.verify().findings == {
        Finding("REMOVED", ONE, 1, 7, 4),
        Finding("REMOVED", TWO, 1, 5, 4),
        Finding("REMOVED", THREE, 1, 5, 4),
    }


@pytest.mark.parametrize(
    "statement",
    [
        f"delete from change_heads where scope = '{ONE}'",
        f"update change_heads set sequence = 6 where scope = '{ONE}'",
        f"update change_heads set hash = sha256('x') where scope = '{ONE}'",
    ],
)
def test_a_head_that_is_not_the_end_of_its_chain(log: Log, statement: str) -> None:
    log.execute(statement)

    assert log.verify().findings == {Finding("HEAD", ONE, 7, 7)}


def test_a_head_of_nothing(log: Log) -> None:
    log.execute("insert into change_heads values ('users/nobody', 3, sha256('x'), '0', '0')")

    assert log.verify().findings == {Finding("HEAD", "users/nobody", 0, 0)}


def test_what_no_checkpoint_has_seen_can_be_removed_unnoticed(log: Log) -> None:
    log.rebuild(TWO, lambda rows: rows.__delitem__(5))

    # Documented in docs/verifying.md: this is why they are written hourly.
    assert (0, set()) == log.verify()[:2]


def test_a_restore_is_a_finding_until_somebody_vouches_for_it(log: Log) -> None:
    log.rebuild(ONE, lambda rows: rows.__delitem__(6))
    log.execute("update change_feed set epoch = 'restored'")
    log.write_checkpoint(5)
    log.rename("one", "Quai retrouvé")

    assert log.verify().findings == {Finding("REWRITTEN", ONE, 6, 7, 4, 5)}
    assert (0, set()) == log.verify("--restored", "5")[:2]

    log.rebuild(ONE, lambda rows: rows[1].update(actor="users/somebody"))
    assert log.verify("--restored", "5").findings == {Finding("REWRITTEN", ONE, 1, 6, 5)}


def test_a_restore_that_no_checkpoint_records_is_not_believed(log: Log) -> None:
    assert log.verify("--restored", "3").status == 2


def test_a_dump_is_checked_like_a_database(log: Log) -> None:
    clean = log.verify(dump=log.dump(log.place / "clean"))
    log.execute(f"update changes set actor = 'x' where scope = '{ONE}' and sequence = 6")
    log.rebuild(THREE, lambda rows: rows[4].update(fields=["a,b", 'quo"te', "back\\slash", "", "NULL", "é"]))
    edited = log.verify(dump=log.dump(log.place / "edited"))

    assert (clean.status, clean.findings) == (0, set())
    assert edited.findings == {Finding("ALTERED", ONE, 6, 6), Finding("REWRITTEN", THREE, 1, 5, 4)}
    assert edited.findings == log.verify().findings


def test_it_cannot_check_what_it_cannot_see(log: Log) -> None:
    database = log.shop.database
    away = "postgresql://somebody:hunter2@127.0.0.1:1/none"
    # The service's own role sees the company it serves, so nothing here.
    for url in (database.urls["svc"], away):
        answer = log.verify(url=url)
        assert (2, set()) == answer[:2]
        assert "cannot check" in answer.error
        assert "hunter2" not in answer.error
    assert log.verify(dump=log.place).status == 2
    arguments: list[str | Path] = ["--dump", log.dump(log.place / "dump"), "--checkpoints", log.checkpoints]
    assert verify(*arguments, "--public-key", VERIFIER).status == 2
    assert verify(*arguments, "--public-key", log.place / "none.pem").status == 2


def test_hours_that_no_checkpoint_saw_are_a_finding(log: Log) -> None:
    seven, eight = ((NOON + timedelta(hours=7, seconds=each)).isoformat() for each in (0, 1))

    assert log.verify("--now", seven).status == 0
    assert log.verify("--now", eight)[:2] == (1, {Finding("STALE", after=4)})
    assert log.verify("--now", eight, "--max-age", "0").status == 0
    assert log.verify("--now", eight, "--max-age", "3.5").status == 0

    log.write_checkpoint(8)
    assert log.verify()[:2] == (1, {Finding("GAP", after=4, before=5)})
    assert log.verify("--max-gap", "4").status == 0
    assert log.verify("--max-gap", "0").status == 0


@pytest.mark.parametrize("table", ["changes", "change_heads"])
def test_a_rule_that_narrows_what_the_role_sees_is_noticed(log: Log, table: str) -> None:
    log.execute(f"create policy narrow on {table} as restrictive using (scope <> '{ONE}')")
    try:
        answer = log.verify()
    finally:
        log.execute(f"drop policy narrow on {table}")

    assert (2, set()) == answer[:2]
    assert "sees a part of the log only" in answer.error


def test_a_catalogue_of_somebodys_own_is_not_asked(log: Log) -> None:
    log.execute(
        "create schema fake",
        "grant usage on schema fake to public",
        "create view fake.pg_policies as select * from pg_catalog.pg_policies where permissive = 'PERMISSIVE'",
        "grant select on fake.pg_policies to public",
        f"create policy narrow on changes as restrictive using (scope <> '{ONE}')",
    )
    url = f"{log.shop.database.urls['feed']}"
    url += ("&" if "?" in url else "?") + "options=-csearch_path%3Dfake,pg_catalog"
    try:
        assert log.verify(url=url).status == 2
    finally:
        log.execute("drop policy narrow on changes", "drop schema fake cascade")


def test_a_view_in_the_place_of_the_log_is_not_believed(log: Log) -> None:
    log.execute("alter table changes rename to hidden", "create view changes as table saved.changes")
    try:
        assert log.verify(url=str(log.shop.database.urls["owner"])).status == 2
    finally:
        log.execute("drop view changes", "alter table hidden rename to changes")
