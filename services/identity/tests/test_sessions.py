"""Sessions: idle 15 minutes, absolute 12 hours, and what ends with them (ID9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from services.chassis.errors import Fault, Precondition, Unauthenticated
from services.identity.tests.acts import Acts, Hands, at_once


def rows(acts: Acts, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What lies in the database, seen past every policy."""
    with acts.identity.database.administrator() as db:
        return db.execute(query, values).fetchall()


def ended(acts: Acts, session: str) -> bool:
    try:
        acts.touch(session)
    except Unauthenticated as fault:
        return fault.reason == "SESSION_ENDED"
    return False


def test_an_idle_session_ends_after_fifteen_minutes(acts: Acts, hands: Hands) -> None:
    session = acts.sign_in(acts.person().login)
    hands.forward(minutes=14, seconds=59)
    acts.touch(session)
    hands.forward(minutes=14, seconds=59)
    acts.touch(session)
    hands.forward(minutes=15)

    assert ended(acts, session)


def test_a_used_session_ends_after_twelve_hours(acts: Acts, hands: Hands) -> None:
    session = acts.sign_in(acts.person().login)
    for _ in range(51):
        hands.forward(minutes=14)
        acts.touch(session)
    hands.forward(minutes=6)

    assert ended(acts, session)


def test_the_proof_is_as_old_as_the_sign_in_however_much_the_session_is_used(
    acts: Acts, hands: Hands
) -> None:
    started = acts.start(acts.person().login)
    hands.forward(minutes=10)

    assert acts.touch(started.session_token) == started.session


def test_use_is_written_at_most_once_a_minute(acts: Acts, hands: Hands) -> None:
    person = acts.person()
    session, began = acts.sign_in(person.login), hands.now
    written = []
    for _ in range(6):
        hands.forward(seconds=29)
        acts.touch(session)
        query = "select use_time from sessions where user_id = %s"
        written += rows(acts, query, person.name.removeprefix("users/"))

    assert [round((time - began).total_seconds()) for (time,) in written] == [0, 0, 87, 87, 87, 174]


def test_an_ended_session_is_over_and_so_are_its_refresh_tokens_and_codes(acts: Acts) -> None:
    person, company, client = acts.person(), acts.company(), acts.client()
    acts.place(company, person.name)
    session, other = acts.sign_in(person.login), acts.sign_in(person.login)
    refresh = acts.redeem(client, acts.code(session, client.client_id, company)).refresh_token
    code = acts.code(session, client.client_id, company)
    kept = acts.redeem(client, acts.code(other, client.client_id, company)).refresh_token
    acts.end(session)
    acts.end(session)
    acts.end("never-was-a-session")

    assert ended(acts, session)
    assert not ended(acts, other)
    assert acts.refresh(client, kept).access_token
    with pytest.raises(Precondition):
        acts.refresh(client, refresh)
    with pytest.raises(Precondition):
        acts.redeem(client, code)


@pytest.mark.parametrize("whose", ["another's", "one's own, but idle"])
def test_a_new_session_ends_the_one_that_the_browser_had(acts: Acts, hands: Hands, whose: str) -> None:
    person = acts.person()
    before = acts.sign_in(person.login if whose == "one's own, but idle" else acts.person().login)
    hands.forward(minutes=16 if whose == "one's own, but idle" else 1)
    opened = acts.start(person.login, brought=before)
    kept = "select 1 from sessions join ended_sessions using (user_id, session_id) where user_id = %s"

    assert ended(acts, before)
    assert acts.touch(opened.session_token).user == person.name
    assert rows(acts, kept, person.name.removeprefix("users/")) == []


def test_two_who_change_places_at_once_both_arrive_or_are_told_to_come_again(acts: Acts) -> None:
    logins = [acts.person().login for _ in range(2)]
    sessions = [acts.sign_in(login) for login in logins]
    waiting = [
        partial(acts.start, login, brought=brought)
        for login, brought in zip(logins, reversed(sessions), strict=True)
    ]
    ends = at_once(2, lambda: waiting.pop()())

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"DATABASE_BUSY", "BUSY"}


def test_whatever_is_done_at_once_while_a_session_ends_is_done_or_refused(acts: Acts, hands: Hands) -> None:
    person, company, client = acts.person(), acts.company(), acts.client()
    acts.place(company, person.name)
    session = acts.sign_in(person.login)
    tokens = acts.redeem(client, acts.code(session, client.client_id, company))
    hands.forward(minutes=1)
    codes = [acts.code(session, client.client_id, company) for _ in range(4)]
    uses: list[Callable[[], object]] = [
        *[partial(acts.touch, session)] * 4,
        *[partial(acts.refresh, client, tokens.refresh_token)] * 4,
        *[partial(acts.redeem, client, code) for code in codes],
        *[partial(acts.redeem, client, codes[0])] * 2,
        *[partial(acts.code, session, client.client_id, company)] * 2,
        *[partial(acts.revoke, client, tokens.refresh_token)] * 2,
        *[partial(acts.end, session)] * 2,
        *[partial(acts.touch, session)] * 2,
    ]
    waiting = list(reversed(uses))
    ends = at_once(len(uses), lambda: waiting.pop()())

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"SESSION_ENDED", "INVALID_GRANT"}
    assert ended(acts, session)


def test_the_cookies_value_is_nowhere_in_the_database(acts: Acts) -> None:
    session = acts.sign_in(acts.person().login)
    tables = [name for (name,) in rows(acts, "select tablename from pg_tables where schemaname = 'public'")]
    found = [
        table
        for table in tables
        for query in (f"select count(*) from {table} t where strpos(t::text, %s) > 0",)
        if rows(acts, query, session) != [(0,)]
    ]

    assert len(session) == 43
    assert "sessions" in tables
    assert found == []


def test_where_and_with_what_is_kept_for_its_person_to_read(acts: Acts) -> None:
    person = acts.person()
    acts.start(person.login, source="2001:db8::7", agent="Example/1.0\0\n(made up)")
    query = "select source_address, user_agent from sessions where user_id = %s"

    assert rows(acts, query, person.name.removeprefix("users/")) == [
        ("2001:db8::7", "Example/1.0  (made up)")
    ]


def test_what_has_expired_is_swept_at_later_sign_ins(acts: Acts, hands: Hands) -> None:
    person, company, client = acts.person(), acts.company(), acts.client()
    acts.place(company, person.name)
    acts.redeem(client, acts.code(acts.sign_in(person.login), client.client_id, company))
    hands.forward(hours=14)
    for _ in range(4):
        acts.sign_in(person.login)
    user_id = person.name.removeprefix("users/")
    left = {
        table: rows(acts, f"select count(*) from {table} where user_id = %s", user_id)[0][0]
        for table in ("bearers", "sessions", "codes", "families")
    }

    assert left == {"bearers": 4, "sessions": 4, "codes": 0, "families": 0}
