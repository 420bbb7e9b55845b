"""A forgotten password or a locked login (ID5): one procedure, which tells nothing about who has an account."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from comptoir.identity.v1 import password_pb2, user_pb2
from services.chassis.errors import Exhausted, Fault, Invalid, Precondition, Unauthenticated
from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.identity.service import IDENTITY
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once
from services.identity.tests.post import Post, address_in, mailing, text_of, value_in
from services.identity.tests.proving import somebody
from services.identity.tests.work import work
from services.look.languages import CODES

ANOTHER = "nine quiet otters swim 3 rivers"
_places = itertools.count(1)


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands, relay: Relay) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000, **mailing(relay)))


def ask(acts: Acts, typed: str, source: str = "") -> password_pb2.RequestPasswordResetResponse:
    """From a place of its own, unless one is named."""
    source = source or f"2001:db8:0:{next(_places):x}::1"
    request = password_pb2.RequestPasswordResetRequest(login_or_email=typed, source_address=source)
    return acts.identity.call(
        "PasswordService/RequestPasswordReset", request, password_pb2.RequestPasswordResetResponse
    )


def check(acts: Acts, link: str) -> int:
    """How long the new password is at least."""
    request, answer = (
        password_pb2.CheckPasswordResetRequest(link=link),
        password_pb2.CheckPasswordResetResponse,
    )
    return acts.identity.call("PasswordService/CheckPasswordReset", request, answer).shortest_password


def reset(acts: Acts, link: str, password: str = ANOTHER) -> str:
    request = password_pb2.ResetPasswordRequest(link=link, new_password=password)
    acts.identity.call("PasswordService/ResetPassword", request, password_pb2.ResetPasswordResponse)
    return "reset"


def change(acts: Acts, someone: user_pb2.User, password: str, token: str = "") -> str:
    """By the person, who is signed in."""
    request = user_pb2.ChangePasswordRequest(
        name=someone.name, current_password=PASSWORD, new_password=password
    )
    token = token or acts.token(someone.login)
    acts.identity.call("UserService/ChangePassword", request, user_pb2.User, token=token)
    return "changed"


def lock(acts: Acts, login: str) -> None:
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            acts.sign_in(login, "not the password 1")


def test_the_link_sets_a_password_ends_all_sessions_and_unlocks(acts: Acts, post: Post) -> None:
    someone = acts.person(email="forgetful@halles.example")
    session = acts.sign_in(someone.login)
    lock(acts, someone.login)
    ask(acts, someone.login)
    locked, mail = post.arrived("forgetful@halles.example")
    check(acts, value_in(mail))
    reset(acts, value_in(mail))

    assert address_in(locked) == f"{ISSUER}/help/password"
    assert address_in(mail).startswith(f"{ISSUER}/password/reset?link=")
    with pytest.raises(Unauthenticated):
        acts.touch(session)
    assert acts.sign_in(someone.login, ANOTHER)
    subjects = [str(each.message["Subject"]) for each in post.arrived("forgetful@halles.example")]
    assert subjects[-1] == "Votre mot de passe a changé"
    for act in (check, reset):
        with pytest.raises(Precondition) as refused:
            act(acts, value_in(mail))
        assert refused.value.reason == "LINK_NOT_VALID"


def test_a_link_dies_with_the_password_that_it_was_to_replace(acts: Acts, post: Post) -> None:
    someone = acts.person(email="careful@halles.example", operator=True)
    ask(acts, someone.login)
    link = value_in(post.arrived("careful@halles.example")[0])
    change(acts, someone, ANOTHER)

    with pytest.raises(Precondition) as refused:
        reset(acts, link, "eight loud badgers dig 4 holes")
    assert refused.value.reason == "LINK_NOT_VALID"
    assert acts.sign_in(someone.login, ANOTHER)


def test_of_a_change_and_a_link_at_once_one_sets_the_password(acts: Acts, post: Post) -> None:
    someone = acts.person(email="doubled@halles.example", operator=True)
    token = acts.token(someone.login)
    ask(acts, someone.login)
    link = value_in(post.arrived("doubled@halles.example")[0])
    passwords = iter((ANOTHER, "eight loud badgers dig 4 holes"))
    turns = iter((partial(change, acts, someone, token=token), partial(reset, acts, link)))
    ends = at_once(2, lambda: next(turns)(next(passwords)))

    assert len([end for end in ends if isinstance(end, Fault)]) == 1


def test_everybody_with_the_address_gets_a_mail_however_it_is_typed(acts: Acts, post: Post) -> None:
    for _ in range(2):
        acts.person(email="shared@Halles.example")
    ask(acts, "shared@halles.example")
    first = len(post.arrived("shared@halles.example"))
    ask(acts, " Shared@HALLES.example")

    assert (first, len(post.arrived("shared@halles.example"))) == (2, 4)


@pytest.mark.parametrize("language", CODES)
def test_the_mail_is_in_the_readers_language(acts: Acts, post: Post, language: str) -> None:
    someone = acts.person(language_code=language, email=f"reader-{language}@halles.example")
    ask(acts, someone.login)
    lock(acts, someone.login)
    mails = post.arrived(f"reader-{language}@halles.example")

    assert len(mails) == 2
    assert {language} == {mail.message["Content-Language"] for mail in mails}
    assert len({text_of(mail) for mail in mails}) == 2


def test_nobody_gets_nothing_and_the_answer_is_the_same(acts: Acts, post: Post, relay: Relay) -> None:
    someone = acts.person(email="known@halles.example")

    assert ask(acts, "nobody-at-all") == ask(acts, "nobody@halles.example") == ask(acts, someone.login)
    assert [mail.recipients for mail in relay.taken if mail.recipients != ["known@halles.example"]] == []
    assert len(post.arrived("known@halles.example")) == 1


def test_asking_costs_the_same_work_whoever_it_is_and_however_often(
    acts: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = acts.person(email="measured@halles.example")
    done = []
    for typed in ("never-registered", someone.login, "never@halles.example", "measured@halles.example"):
        for _ in range(4):
            with work(acts, monkeypatch) as seen:
                ask(acts, typed)
            done.append(seen)

    assert len(done[0]) > 5
    assert all(each == done[0] for each in done)


def test_the_tenth_failure_costs_the_same_whoever_it_is(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    for login in ("never-seen-before", acts.person().login):
        for _ in range(9):
            with pytest.raises(Unauthenticated):
                acts.sign_in(login, "not the password 1")
        with work(acts, monkeypatch) as seen, pytest.raises(Unauthenticated):
            acts.sign_in(login, "not the password 1")
        done.append(seen)

    assert done[0] == done[1]


def test_mails_are_bounded_and_while_none_comes_the_last_link_is_good(
    acts: Acts, post: Post, hands: Hands
) -> None:
    address = "bothered@halles.example"
    someone = acts.person(email=address)
    for typed in (someone.login, address, someone.login, address, someone.login):
        ask(acts, typed)
    mails = post.arrived(address)
    assert len(mails) == 1, "of what was asked before it was sent, only the last link is good"
    hands.forward(minutes=29, seconds=59)
    ask(acts, someone.login)
    assert len(post.arrived(address)) == 1
    check(acts, value_in(mails[0]))
    hands.forward(seconds=1)
    ask(acts, someone.login)

    assert len(post.arrived(address)) == 2


def test_the_link_says_how_long_the_password_is_at_least(acts: Acts, post: Post) -> None:
    found = []
    for factors in (0, 1):
        person = somebody(acts, email=f"owner-of-{factors}@halles.example")
        for _ in range(factors):
            person.add_passkey()
        ask(acts, person.user.login)
        found.append(check(acts, value_in(post.arrived(person.user.email)[-1])))

    assert found == [15, 12]


def test_only_the_last_link_is_good(acts: Acts, post: Post) -> None:
    address = "twice@halles.example"
    someone = acts.person(email=address)
    ask(acts, someone.login)
    first = value_in(post.arrived(address)[0])
    ask(acts, someone.login)
    second = value_in(post.arrived(address)[1])

    with pytest.raises(Precondition):
        reset(acts, first)
    assert reset(acts, second)


def test_a_link_lives_half_an_hour(acts: Acts, post: Post, hands: Hands) -> None:
    address = "late@halles.example"
    ask(acts, acts.person(email=address).login)
    value = value_in(post.arrived(address)[0])
    hands.forward(minutes=30)

    with pytest.raises(Precondition):
        reset(acts, value)


def test_a_password_that_breaks_the_rule_leaves_the_link_as_it_was(acts: Acts, post: Post) -> None:
    address = "weak@halles.example"
    ask(acts, acts.person(email=address).login)
    value = value_in(post.arrived(address)[0])
    for chosen, rule in (("short 1", "password_length"), (PASSWORD, "password_reused")):
        with pytest.raises(Invalid) as refused:
            reset(acts, value, chosen)
        assert ("new_password", rule) in {(each.field, each.rule) for each in refused.value.violations}

    assert reset(acts, value)


def test_of_twenty_who_use_a_link_at_once_one_succeeds(acts: Acts, post: Post) -> None:
    address = "raced@halles.example"
    someone = acts.person(email=address)
    ask(acts, someone.login)
    value = value_in(post.arrived(address)[0])
    ends = at_once(20, lambda: reset(acts, value))

    assert ends.count("reset") == 1
    reasons = {end.reason for end in ends if isinstance(end, Fault)}
    assert reasons <= {"LINK_NOT_VALID", "BUSY", "DATABASE_BUSY"}
    assert acts.sign_in(someone.login, ANOTHER)


def test_links_that_open_nothing_keep_nobody_from_hashing(acts: Acts) -> None:
    ends = at_once(20, lambda: reset(acts, f"{'a' * 20}.{'A' * 43}"))

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"LINK_NOT_VALID", "DATABASE_BUSY"}


def test_a_link_is_not_tried_without_end(acts: Acts, post: Post) -> None:
    address = "tries@halles.example"
    ask(acts, acts.person(email=address).login)
    value = value_in(post.arrived(address)[0])
    for _ in range(20):
        with pytest.raises(Invalid):
            reset(acts, value, "short")
    with pytest.raises(Exhausted) as refused:
        reset(acts, value)

    assert refused.value.reason == "TOO_MANY_ATTEMPTS"


def test_a_source_that_asks_too_often_waits_whatever_it_asks_for(acts: Acts) -> None:
    for n in range(20):
        ask(acts, f"guess{n}", "198.51.100.9")
    for typed in ("guess", acts.person().login):
        with pytest.raises(Exhausted) as refused:
            ask(acts, typed, "198.51.100.9")
        assert refused.value.reason == "TOO_MANY_ATTEMPTS"
    assert ask(acts, "guess", "198.51.100.10") == password_pb2.RequestPasswordResetResponse()


def test_neither_queue_nor_counters_hold_what_was_typed_or_what_opens(acts: Acts, post: Post) -> None:
    address = "private@halles.example"
    someone = acts.person(email=address)
    ask(acts, address)
    mac = value_in(post.arrived(address)[0]).split(".")[1]
    with acts.identity.database.administrator() as db:
        texts = [
            text
            for table in ("outbox", "links", "attempts", "addresses")
            for (text,) in db.execute(f"select row_to_json({table})::text from {table}").fetchall()
        ]

    assert texts
    assert not [text for text in texts if address in text or someone.login in text or mac in text]
