"""Passwords that are too old for a company (ID9): sign-in leads to another one first, and to nothing else."""

from __future__ import annotations

import pytest

from comptoir.identity.v1 import factor_pb2, password_pb2, session_pb2, user_pb2
from services.chassis.errors import Fault, Invalid, Precondition, Unauthenticated
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once
from services.identity.tests.proving import Person, again, somebody, with_totp

ANOTHER = "nine quiet otters swim 3 rivers"


def choose(acts: Acts, link: str, password: str = ANOTHER) -> None:
    request = password_pb2.ResetPasswordRequest(link=link, new_password=password)
    acts.identity.call("PasswordService/ResetPassword", request, password_pb2.ResetPasswordResponse)


def in_a_strict_company(acts: Acts) -> Person:
    """Somebody who has just chosen a password, in a company that asks for another one in time."""
    person = somebody(acts)
    acts.identity.acquaintance.require_password_renewal(person.company.removeprefix("companies/"))
    return person


def start(person: Person, password: str = PASSWORD) -> session_pb2.StartSessionResponse:
    return person.acts.start(person.user.login, password)


def test_a_password_of_ninety_days_opens_nothing_but_the_way_to_another(acts: Acts, hands: Hands) -> None:
    person = in_a_strict_company(acts)
    hands.forward(days=89)
    before = start(person)
    hands.forward(days=1)
    due = start(person)
    with pytest.raises(Unauthenticated):
        acts.touch(due.password_link)
    with pytest.raises(Fault):
        choose(acts, due.password_link, PASSWORD)
    choose(acts, due.password_link)

    assert (bool(before.session_token), before.password_link) == (True, "")
    assert (due.session_token, due.challenge_token, due.HasField("session")) == ("", "", False)
    assert start(person, ANOTHER).session_token
    with pytest.raises(Precondition):
        choose(acts, due.password_link, "seven tall herons wait 4 rain")


def test_the_age_counts_from_the_last_change(acts: Acts, hands: Hands) -> None:
    person = in_a_strict_company(acts)
    hands.forward(days=90)
    choose(acts, start(person).password_link)
    hands.forward(days=89)
    assert start(person, ANOTHER).session_token
    hands.forward(days=1)

    assert start(person, ANOTHER).password_link


def test_where_nobody_asks_for_it_a_password_lasts(acts: Acts, hands: Hands) -> None:
    elsewhere, staff = somebody(acts), acts.person(operator=True)
    hands.forward(days=400)

    assert start(elsewhere).session_token
    assert acts.sign_in(staff.login)


def test_who_has_a_second_factor_keeps_the_password(acts: Acts, hands: Hands) -> None:
    person = in_a_strict_company(acts)
    person.add_passkey()
    hands.forward(days=400)

    assert start(person).challenge_token


def test_who_lost_the_factors_that_let_a_password_be_short_chooses_another(acts: Acts) -> None:
    person, operator = with_totp(acts), acts.person(operator=True)
    change = user_pb2.ChangePasswordRequest(
        name=person.user.name, current_password=PASSWORD, new_password="wharf 4 gulls"
    )
    acts.identity.call("UserService/ChangePassword", change, user_pb2.User, token=person.token)
    request = factor_pb2.ResetFactorsRequest(name=person.user.name, reason="Lost the phone")
    token = acts.token(operator.login)
    acts.identity.call("FactorService/ResetFactors", request, factor_pb2.ResetFactorsResponse, token=token)
    due = start(person, "wharf 4 gulls")
    with pytest.raises(Invalid):
        choose(acts, due.password_link, "wharf 5 gulls")
    choose(acts, due.password_link)

    assert due.session_token == ""
    assert start(person, ANOTHER).session_token


def test_a_session_that_is_open_goes_on(acts: Acts, hands: Hands) -> None:
    person = somebody(acts)
    hands.forward(days=90)
    again(person, acts.sign_in(person.user.login))
    acts.identity.acquaintance.require_password_renewal(person.company.removeprefix("companies/"))

    assert person.claims(person.session)["amr"] == ["pwd"]
    assert start(person).password_link


def test_a_wrong_password_does_not_tell_that_the_right_one_is_old(acts: Acts, hands: Hands) -> None:
    person = in_a_strict_company(acts)
    hands.forward(days=90)
    with pytest.raises(Unauthenticated) as refused:
        start(person, "not the password 1")

    assert refused.value.reason == "INVALID_CREDENTIALS"


def test_of_twenty_who_use_the_link_at_once_one_succeeds(acts: Acts, hands: Hands) -> None:
    person = in_a_strict_company(acts)
    hands.forward(days=90)
    link = start(person).password_link
    ends = at_once(20, lambda: choose(acts, link))

    assert sum(not isinstance(end, Fault) for end in ends) == 1
