"""A person has what is kept of them, and can be erased: nothing stays but ids, and their log still verifies."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.api import httpbody_pb2

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import membership_pb2, user_pb2
from deploy import verify_log
from services.chassis.changes import checkpoint_files as files
from services.chassis.changes.checkpoints import write_checkpoint
from services.chassis.errors import Fault, Invalid, NotFound, Precondition, Unauthenticated
from services.identity import personal
from services.identity.service import IDENTITY
from services.identity.tests.acts import REDIRECT, SCOPES, Acts, Hands, at_once
from services.identity.tests.test_managing import Member, member

_numbers = itertools.count(1)


@pytest.fixture
def someone(acts: Acts) -> Member:
    """Somebody with a place, a session, a consent and a refresh token, whose details nobody else has."""
    owner = member(acts, acts.company())
    number = next(_numbers)
    login = f"zephyrine{number:03}"
    person = acts.person(
        login=login,
        email=f"{login}@unique.example",
        given_name=f"Zephyrine{number:03}",
        family_name=f"Unmistakable{number:03}",
        phones=[f"+687701{number:03}"],
    )
    place = acts.place(owner.company, person.name, "ROLE_READER")
    client = acts.client()
    session = acts.sign_in(login)
    acts.redeem(client, acts.code(session, client.client_id, owner.company))
    return Member(acts, person, place)


@pytest.fixture(scope="module")
def operator(acts: Acts) -> user_pb2.User:
    return acts.person(operator=True)


def export(acts: Acts, token: str, person: str) -> list[dict[str, Any]]:
    found, page_token = [], ""
    while True:
        body = acts.identity.call(
            "UserService/ExportUser",
            user_pb2.ExportUserRequest(name=person, page_token=page_token),
            httpbody_pb2.HttpBody,
            token=token,
        )
        found += [json.loads(line) for line in body.data.splitlines()]
        told = change_pb2.ExportedPage()
        body.extensions[0].Unpack(told)
        assert told.file_name.startswith(f"{person.replace('/', '-')}-data-20")
        page_token = told.next_page_token
        if not page_token:
            return found


def delete(acts: Acts, token: str, person: str, key: str = "") -> None:
    acts.identity.call(
        "UserService/DeleteUser",
        user_pb2.DeleteUserRequest(name=person),
        user_pb2.DeleteUserResponse,
        token=token,
        metadata={"idempotency-key": key} if key else None,
    )


def erase(acts: Acts, token: str, person: str, reason: str = "Asked for by letter") -> None:
    acts.identity.call(
        "UserService/EraseUser",
        user_pb2.EraseUserRequest(name=person, reason=reason),
        user_pb2.EraseUserResponse,
        token=token,
    )


def everything(acts: Acts) -> dict[str, str]:
    """Each table's content as text, as nobody but an administrator sees it."""
    with acts.identity.database.administrator() as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            )
        ]
        return {
            table: " ".join(text for (text,) in connection.execute(f"select t::text from {table} t"))
            for table in tables
        }


@pytest.fixture
def verified(acts: Acts, tmp_path: Path) -> Callable[[], int]:
    """Has an auditor's verifier look at the log, which a checkpoint witnessed before: the status it ends with."""
    key = tmp_path / "key"
    files.new_key(key)
    (tmp_path / "seen").mkdir()
    with psycopg.connect(acts.identity.database.urls["feed"], autocommit=True) as connection:
        write_checkpoint(connection, tmp_path / "seen", files.load_key(key), "identity", datetime.now(UTC))

    def verify() -> int:
        place = ("--checkpoints", str(tmp_path / "seen"), "--public-key", f"{key}.pem")
        return verify_log.main(["--database", acts.identity.database.urls["feed"], *place])

    return verify


def test_a_person_has_every_row_of_theirs_and_no_secret(acts: Acts, someone: Member) -> None:
    found = export(acts, someone.token, someone.person.name)
    kinds = {each["kind"] for each in found if "kind" in each}
    account, person = next(each for each in found if each.get("kind") == "users"), someone.person
    text = json.dumps(found)

    assert {"users", "memberships", "sessions", "consents", "families", "passwords"} <= kinds
    assert [account[name] for name in ("login", "email", "phones")] == [
        *(person.login, person.email, list(person.phones))
    ]
    assert any(each.get("name", "").startswith(f"{someone.person.name}/changes/") for each in found)
    assert ("argon2" in text, "digest" in text, "nonce" in text) == (False, False, False)


def test_every_column_of_a_persons_rows_is_theirs_to_have_or_withheld_by_name() -> None:
    """A column that would let somebody in is withheld; a new one says so by what it is called."""
    telling = ("hash", "digest", "secret", "sealed", "challenge", "nonce", "code")
    shown = {
        f"{each.__tablename__}.{column.key}"
        for each in personal.classes()
        for column in each.__table__.columns
        if column.key not in personal.WITHHELD.get(each.__tablename__, ())
        and column.type.python_type is not bytes
    }
    suspicious = {name for name in shown if any(word in name.partition(".")[2] for word in telling)}

    assert {name.partition(".")[2] for name in suspicious} == {"language_code"}, (
        "withhold it in services/identity/personal.py"
    )


def test_nothing_of_a_person_stays_but_their_id_and_the_log_still_verifies(
    acts: Acts, someone: Member, verified: Callable[[], int]
) -> None:
    user_id = someone.person.name.removeprefix("users/")
    before = everything(acts)
    delete(acts, someone.token, someone.person.name, key="once")
    after = everything(acts)
    person = someone.person
    known = (person.login, person.email, person.given_name, person.family_name, person.phones[0])

    assert all(value in before["users"] for value in known)
    assert {table: value for table, text in after.items() for value in known if value in text} == {}
    assert {table for table, text in after.items() if user_id in text} <= {
        *("changes", "change_heads", "change_values", "ended_sessions", "outbox")
    }
    assert verified() == 0


def test_every_table_that_knows_people_lets_go_of_them_with_their_account() -> None:
    """A row that names a person refers to their account, or to what is taken away with it."""
    by_hand = {"bearers", "logins", "memberships", "users"}
    passing = {"ended_sessions"}
    tables = {table.name: table for table in IDENTITY.metadata.sorted_tables if "user_id" in table.columns}
    tied = {
        name
        for name, table in tables.items()
        if any(
            key.ondelete == "CASCADE" and key.column.table.name in {"users", "bearers", "sessions"}
            for key in table.foreign_keys
        )
    }

    assert tables.keys() - tied == by_hand | passing, "refer to users, on delete cascade"


def test_what_the_history_of_an_erased_person_held_opens_no_more(acts: Acts, someone: Member) -> None:
    delete(acts, someone.token, someone.person.name)
    scope = someone.person.name
    with acts.identity.database.administrator() as connection:
        keys = connection.execute("select count(*) from data_keys where company = %s", (scope,)).fetchone()
        values = connection.execute("select count(*) from change_values where scope = %s", (scope,))
        kept = values.fetchone()

    assert keys == (0,)
    assert kept is not None
    assert kept[0] >= 2


def test_an_erased_person_gets_in_nowhere_and_their_login_is_free(acts: Acts, someone: Member) -> None:
    token, session = someone.token, acts.sign_in(someone.person.login)
    delete(acts, token, someone.person.name)
    tries: list[Callable[[], object]] = [
        lambda: acts.touch(session),
        lambda: acts.sign_in(someone.person.login),
        lambda: delete(acts, token, someone.person.name),
    ]
    for act in tries:
        with pytest.raises(Unauthenticated):
            act()

    assert acts.person(login=someone.person.login).name != someone.person.name


def test_the_company_sees_that_they_went(acts: Acts, someone: Member) -> None:
    owner = acts.person()
    acts.place(someone.company, owner.name)
    delete(acts, someone.token, someone.person.name)
    found = acts.identity.call(
        "MembershipService/ListMembershipChanges",
        membership_pb2.ListMembershipChangesRequest(parent=someone.place.name),
        membership_pb2.ListMembershipChangesResponse,
        token=acts.token(owner.login, someone.company),
    )

    assert found.changes[0].action == change_pb2.ACTION_DELETE
    assert found.changes[0].actor == someone.person.name


def test_the_last_owner_of_a_company_is_not_erased(acts: Acts, operator: user_pb2.User) -> None:
    owner = member(acts, acts.company())
    acts.place(acts.company(), owner.person.name, "ROLE_READER")
    staff = acts.token(operator.login)
    tries: list[Callable[[], object]] = [
        lambda: delete(acts, owner.token, owner.person.name),
        lambda: erase(acts, staff, owner.person.name),
    ]
    for act in tries:
        with pytest.raises(Precondition) as refused:
            act()
        assert refused.value.reason == "LAST_OWNER"

    assert len(acts.touch(acts.sign_in(owner.person.login)).memberships) == 2


def test_an_operator_erases_with_a_reason_that_stays(
    acts: Acts, someone: Member, operator: user_pb2.User
) -> None:
    staff = acts.token(operator.login)
    with pytest.raises(Invalid):
        erase(acts, staff, someone.person.name, reason="")
    erase(acts, staff, someone.person.name)
    with acts.identity.database.administrator() as connection:
        found = connection.execute(
            "select actor, reason, action from changes where scope = %s and type = 'comptoir.identity/User'"
            " order by sequence desc limit 1",
            (someone.person.name,),
        ).fetchone()
        keys = connection.execute(
            "select count(*) from data_keys where company = %s", (someone.person.name,)
        ).fetchone()

    assert found == (operator.name, "Asked for by letter", "DELETE")
    assert keys == (0,)
    with pytest.raises(NotFound):
        erase(acts, staff, someone.person.name)


def test_erasing_asks_for_a_fresh_proof(acts: Acts, someone: Member, hands: Hands) -> None:
    client = acts.client()
    session = acts.sign_in(someone.person.login)
    hands.forward(minutes=6)
    code = acts.code(session, client.client_id, someone.company, scopes=[*SCOPES], redirect_uri=REDIRECT)
    token = acts.redeem(client, code).access_token
    tries: list[Callable[[], object]] = [
        lambda: delete(acts, token, someone.person.name),
        lambda: export(acts, token, someone.person.name),
    ]
    for act in tries:
        with pytest.raises(Unauthenticated) as refused:
            act()
        assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"


def test_a_place_given_while_a_person_is_erased_goes_with_them_or_is_refused(
    acts: Acts, someone: Member
) -> None:
    elsewhere = acts.company()
    token = someone.token
    moves: list[Callable[[], object]] = [
        lambda: delete(acts, token, someone.person.name),
        lambda: acts.place(elsewhere, someone.person.name, "ROLE_READER"),
    ]
    at_once(2, lambda: moves.pop()())
    with acts.identity.database.administrator() as connection:
        left = connection.execute(
            "select count(*) from memberships where user_id = %s", (someone.person.name[6:],)
        ).fetchone()

    assert left == (0,)


def test_nobody_is_erased_by_somebody_else(acts: Acts, someone: Member) -> None:
    other = member(acts, someone.company)
    tries: list[Callable[[], object]] = [
        lambda: delete(acts, other.token, someone.person.name),
        lambda: erase(acts, other.token, someone.person.name),
    ]
    for act in tries:
        with pytest.raises(Fault):
            act()

    assert acts.touch(acts.sign_in(someone.person.login)).memberships


@pytest.mark.parametrize("owner", ["users/{user}", "companies/{company}", "-"])
def test_the_service_deletes_no_key_while_the_account_is_there(
    acts: Acts, someone: Member, owner: str
) -> None:
    user, company = someone.person.name.removeprefix("users/"), someone.company.removeprefix("companies/")
    scope = owner.format(user=user, company=company)
    with psycopg.connect(acts.identity.database.urls["svc"]) as connection:
        connection.execute("select set_config('app.user', %s, true)", (user,))
        gone = connection.execute(
            "delete from data_keys where company = %s", (scope.removeprefix("companies/"),)
        )

    assert gone.rowcount == 0
