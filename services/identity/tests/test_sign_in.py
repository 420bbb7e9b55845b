"""Signing in: one answer for every failure, throttles, lock-out (ID1, ID9)."""

from __future__ import annotations

from collections.abc import Callable

import argon2
import pytest

from services.chassis.errors import Exhausted, Fault, Unauthenticated
from services.chassis.testing.running import Running
from services.identity.service import IDENTITY
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once, details_of
from services.identity.tests.work import work


def failure(acts: Acts, login: str, password: str = "not the password 1", **more: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refused:
        acts.sign_in(login, password, **more)
    return refused.value


def answer(fault: Fault) -> tuple[object, ...]:
    return (type(fault), fault.message, fault.reason, str(fault.metadata), fault.retry_after_seconds)


def test_a_login_signs_in_however_its_letters_are_typed(acts: Acts) -> None:
    person = acts.person(login="Ada.Lovelace")

    for typed in ("Ada.Lovelace", "ada.lovelace", "ADA.LOVELACE", "\uff21da.Lovelace"):
        assert acts.touch(acts.sign_in(typed)).user == person.name


def test_compatible_forms_of_the_password_are_one(acts: Acts) -> None:
    acts.create(details_of(login="forms"), "five \uff14 you and me")

    assert acts.sign_in("forms", "\ufb01ve 4 you and me")


def test_the_answer_shows_whose_session_it_is(acts: Acts, hands: Hands) -> None:
    person = acts.person(language_code="de")
    place = acts.place(acts.company(), person.name, "ROLE_READER")

    session = acts.start(person.login).session

    assert (session.user, session.language_code, session.operator) == (person.name, "de", False)
    assert session.user_display_name == "Ada Exemple"
    assert list(session.memberships) == [place]
    assert session.authenticate_time.seconds == int(hands.now.timestamp())


def test_unknown_wrong_and_locked_are_one_answer(acts: Acts) -> None:
    known, locked = acts.person().login, acts.person().login
    for _ in range(10):
        failure(acts, locked)
    answers = {
        answer(failure(acts, "nobody-at-all")),
        answer(failure(acts, "no\0body")),
        answer(failure(acts, known)),
        answer(failure(acts, locked)),
        answer(failure(acts, locked, PASSWORD)),
    }

    assert {fault[2] for fault in answers} == {"INVALID_CREDENTIALS"}
    assert len(answers) == 1


def test_unknown_wrong_and_locked_cost_the_same_work(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    known, locked = acts.person().login, acts.person().login
    for _ in range(10):
        failure(acts, locked)
    done = []
    for login, password in (
        ("never-registered", PASSWORD),
        (known, "not the password 1"),
        (locked, "not the password 1"),
        (locked, PASSWORD),
    ):
        with work(acts, monkeypatch) as seen:
            failure(acts, login, password)
        done.append(seen)

    assert sum(step.startswith("verify") for step in done[0]) == 1
    assert len(done[0]) > 3
    assert [done[0]] * 3 == done[1:]


def test_ten_failures_lock_for_thirty_minutes(acts: Acts, hands: Hands) -> None:
    login = acts.person().login
    for _ in range(10):
        failure(acts, login)
    failure(acts, login, PASSWORD)
    hands.forward(minutes=29, seconds=59)
    failure(acts, login, PASSWORD)
    hands.forward(seconds=1)

    assert acts.sign_in(login)


def test_a_tenth_try_still_counts_and_a_success_forgets_the_failures(acts: Acts) -> None:
    login = acts.person().login
    for _ in range(2):
        for _ in range(9):
            failure(acts, login)
        assert acts.sign_in(login)


def test_guesses_sent_at_once_are_all_counted(acts: Acts) -> None:
    login = acts.person().login
    ends = at_once(20, lambda: acts.sign_in(login, "not the password 1"))
    reasons = [end.reason for end in ends if isinstance(end, Fault)]
    judged = reasons.count("INVALID_CREDENTIALS")
    while judged < 10:
        failure(acts, login)
        judged += 1

    assert reasons.count("INVALID_CREDENTIALS") + reasons.count("BUSY") == 20
    assert failure(acts, login, PASSWORD).reason == "INVALID_CREDENTIALS"


def test_a_try_that_found_no_place_for_its_work_does_not_count(acts: Acts) -> None:
    login = acts.person().login
    ends = at_once(20, lambda: acts.sign_in(login))

    assert {"BUSY"} >= {end.reason for end in ends if isinstance(end, Fault)}
    assert any(isinstance(end, str) for end in ends)
    assert acts.sign_in(login)


def test_a_hash_of_other_parameters_is_renewed_when_the_password_is_seen(acts: Acts) -> None:
    person = acts.person()
    weaker = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    where = "where user_id = %s"
    user_id = person.name.removeprefix("users/")
    with acts.identity.database.administrator() as db:
        db.execute(f"update passwords set hash = %s {where}", [weaker, user_id])
    failure(acts, person.login)
    with acts.identity.database.administrator() as db:
        unseen = db.execute(f"select hash from passwords {where}", [user_id]).fetchone()
    acts.sign_in(person.login)
    with acts.identity.database.administrator() as db:
        renewed = db.execute(f"select hash from passwords {where}", [user_id]).fetchone()

    assert unseen == (weaker,)
    assert renewed is not None
    assert renewed[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert acts.sign_in(person.login)


@pytest.fixture(scope="module")
def throttled(run_service: Callable[..., Running], hands: Hands) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=5, source_pause_seconds=600))


def test_a_source_that_failed_too_often_waits_before_anything_is_judged(
    throttled: Acts, hands: Hands
) -> None:
    login = throttled.person().login
    for n in range(5):
        failure(throttled, f"guess{n}", source="198.51.100.9")
    hands.forward(seconds=200)
    with pytest.raises(Exhausted) as refused:
        throttled.sign_in(login, source="198.51.100.9")

    assert (refused.value.reason, refused.value.retry_after_seconds) == ("TOO_MANY_ATTEMPTS", 400)
    assert throttled.sign_in(login, source="198.51.100.10")
    hands.forward(seconds=400)
    assert throttled.sign_in(login, source="198.51.100.9")


def test_successes_use_up_nothing_of_a_source(throttled: Acts) -> None:
    login = throttled.person().login
    for _ in range(8):
        assert throttled.sign_in(login, source="198.51.100.20")


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:3::1", "2001:db8:1:4::1", False),
        ("198.51.100.30", "::ffff:198.51.100.30", True),
        ("not an address", "", True),
    ],
)
def test_what_one_subscriber_can_choose_from_is_one_source(
    throttled: Acts, first: str, second: str, one: bool
) -> None:
    login = throttled.person().login
    for _ in range(5):
        failure(throttled, "guess", source=first)
    if not one:
        assert throttled.sign_in(login, source=second)
        return
    with pytest.raises(Exhausted):
        throttled.sign_in(login, source=second)


def test_counters_hold_nothing_typed_and_die_out(throttled: Acts, hands: Hands) -> None:
    failure(throttled, "a password typed as login", source="198.51.100.40")
    hands.forward(days=2)
    for n in range(6):
        failure(throttled, "one login", source=f"203.0.113.{n}")
    with throttled.identity.database.administrator() as db:
        kept = db.execute("select length(digest), expire_time > %s from attempts", [hands.now]).fetchall()

    assert {(32, True)} == set(kept)
