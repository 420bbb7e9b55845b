"""Changing one's own password (ID4)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import user_pb2
from services.chassis.db.scope import Scope
from services.chassis.errors import Exhausted, Fault, Invalid, NotFound, Unauthenticated
from services.identity import passwords
from services.identity.mail.mails import MailRow
from services.identity.passwords import FormerPasswordRow
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once
from services.identity.tests.proving import with_totp

ANOTHER = "nine quiet otters swim 3 rivers"


class Account:
    """A person, signed in twice, with an access token of the second session."""

    def __init__(self, acts: Acts, **details: Any) -> None:
        self.acts = acts
        self.user = acts.person(**details)
        self.company = acts.company(display_name="Atelier Lumière")
        acts.place(self.company, self.user.name)
        self.elsewhere = acts.sign_in(self.user.login)
        self.client = acts.client(scopes=["account"])
        self.session = acts.sign_in(self.user.login)
        code = acts.code(self.session, self.client.client_id, self.company, scopes=["account"])
        self.tokens = acts.redeem(self.client, code)

    def change(self, current: str, chosen: str) -> user_pb2.User:
        request = user_pb2.ChangePasswordRequest(
            name=self.user.name, current_password=current, new_password=chosen
        )
        token = self.tokens.access_token
        return self.acts.identity.call("UserService/ChangePassword", request, user_pb2.User, token=token)

    def refused(self, current: str, chosen: str) -> list[tuple[str, str]]:
        with pytest.raises(Invalid) as refused:
            self.change(current, chosen)
        return [(each.field, each.rule) for each in refused.value.violations]


@pytest.fixture
def account(acts: Acts) -> Account:
    return Account(acts)


def test_the_new_password_signs_in_and_the_old_one_does_not(acts: Acts, account: Account) -> None:
    changed = account.change(PASSWORD, ANOTHER)

    assert changed.password_change_time.seconds
    assert changed.etag != account.user.etag
    assert acts.sign_in(account.user.login, ANOTHER)
    with pytest.raises(Unauthenticated):
        acts.sign_in(account.user.login)


def test_other_sessions_end_with_their_tokens_and_the_present_one_goes_on(
    acts: Acts, account: Account
) -> None:
    code = acts.code(account.elsewhere, account.client.client_id, account.company, scopes=["account"])
    other = acts.redeem(account.client, code)
    account.change(PASSWORD, ANOTHER)

    with pytest.raises(Unauthenticated):
        acts.touch(account.elsewhere)
    with pytest.raises(Fault) as refused:
        acts.refresh(account.client, other.refresh_token)
    assert refused.value.reason == "INVALID_GRANT"
    update = user_pb2.UpdateUserRequest(user=user_pb2.User(name=account.user.name, title=user_pb2.TITLE_MRS))
    with pytest.raises(Unauthenticated) as ended:
        acts.identity.call("UserService/UpdateUser", update, user_pb2.User, token=other.access_token)
    assert ended.value.reason == "SESSION_ENDED"
    assert acts.touch(account.session).user == account.user.name
    assert acts.refresh(account.client, account.tokens.refresh_token).access_token


def test_the_person_is_told_and_the_record_says_when_but_not_what(acts: Acts, account: Account) -> None:
    account.change(PASSWORD, ANOTHER)
    with acts.identity.resources.database.transaction(Scope(read_only=True)) as db:
        mails = db.scalar(
            select(func.count())
            .select_from(MailRow.__table__)
            .where(MailRow.recipient == account.user.name, MailRow.kind == "password_changed")
        )
    changes = acts.identity.call(
        "UserService/ListUserChanges",
        user_pb2.ListUserChangesRequest(parent=account.user.name, fields=["password_change_time"]),
        user_pb2.ListUserChangesResponse,
        token=account.tokens.access_token,
    ).changes

    assert mails == 1
    assert [change.action for change in changes] == [change_pb2.ACTION_UPDATE, change_pb2.ACTION_CREATE]
    assert list(changes[0].fields) == ["password_change_time"]
    assert ANOTHER not in str(changes)


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ("short 1 phrase", "password_length"),
        ("x1" + "long phrase " * 11, "password_length"),
        ("only letters in this phrase", "password_mixture"),
        ("password1234567", "password_common"),
        ("Les 3 mots de AtelierLumiere", "password_company"),
        ("atelier-lumière, 3 fois vif", "password_company"),
        (PASSWORD, "password_reused"),
    ],
)
def test_each_rule_that_a_new_password_breaks_is_named(account: Account, chosen: str, rule: str) -> None:
    assert ("new_password", rule) in account.refused(PASSWORD, chosen)


def test_the_login_is_refused_in_a_password(acts: Acts) -> None:
    account = Account(acts, login="wintergreen")

    assert account.refused(PASSWORD, "4 phrases about Wintergreen") == [("new_password", "password_personal")]


def test_the_last_four_are_refused_and_the_fifth_may_come_back(account: Account) -> None:
    used = [PASSWORD, *(f"nine quiet otters swim {n} rivers" for n in (31, 52, 73, 94))]
    for before, after in pairwise(used[:4]):
        account.change(before, after)
    for known in used[:4]:
        assert account.refused(used[3], known) == [("new_password", "password_reused")]
    account.change(used[3], used[4])

    assert account.change(used[4], used[0]).name == account.user.name


def test_changes_in_one_instant_are_both_made_and_no_more_is_kept_than_is_needed(
    acts: Acts, account: Account
) -> None:
    passwords = [PASSWORD, *(f"nine quiet otters swim {n} rivers" for n in range(31, 38))]
    for before, after in pairwise(passwords):
        account.change(before, after)
    user_id = account.user.name.removeprefix("users/")
    with acts.identity.resources.database.transaction(Scope(user=user_id, read_only=True)) as db:
        kept = len(db.scalars(select(FormerPasswordRow)).all())

    assert kept == 3


def test_wrong_present_passwords_count_and_right_ones_do_not(
    acts: Acts, account: Account, hands: Hands
) -> None:
    for _ in range(2):
        for _ in range(9):
            assert account.refused("not the password 1", ANOTHER) == [
                ("current_password", "current_password")
            ]
        assert account.refused(PASSWORD, "short") != []
    for _ in range(10):
        account.refused("not the password 1", ANOTHER)
    with pytest.raises(Exhausted) as refused:
        account.change(PASSWORD, ANOTHER)

    assert refused.value.reason == "TOO_MANY_ATTEMPTS"
    assert acts.sign_in(account.user.login)


def test_whoever_locks_the_login_from_outside_keeps_nobody_from_changing_it(
    acts: Acts, account: Account
) -> None:
    for _ in range(11):
        with pytest.raises(Unauthenticated):
            acts.sign_in(account.user.login, "not the password 1")

    assert account.change(PASSWORD, ANOTHER).name == account.user.name


def test_of_twenty_changes_at_once_one_is_made(acts: Acts, account: Account) -> None:
    ends = at_once(20, lambda: account.change(PASSWORD, ANOTHER))
    failed = [end for end in ends if isinstance(end, Fault)]

    assert len(failed) == 19
    assert {end.reason for end in failed} <= {
        "BUSY",
        "INVALID",
        "PASSWORD_CHANGED_MEANWHILE",
        "DATABASE_BUSY",
    }
    assert acts.sign_in(account.user.login, ANOTHER)


def test_nobody_changes_the_password_of_somebody_else(acts: Acts, account: Account) -> None:
    other = acts.person()
    request = user_pb2.ChangePasswordRequest(name=other.name, current_password=PASSWORD, new_password=ANOTHER)
    with pytest.raises(Fault) as refused:
        acts.identity.call(
            "UserService/ChangePassword", request, user_pb2.User, token=account.tokens.access_token
        )

    assert refused.value.reason == "NOT_FOUND"
    assert acts.sign_in(other.login)


def test_a_challenge_that_the_old_password_began_opens_nothing_any_more(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    challenge = person.challenge()
    request = user_pb2.ChangePasswordRequest(
        name=person.user.name, current_password=PASSWORD, new_password="otters 3 12"
    )
    with pytest.raises(Invalid):
        acts.identity.call("UserService/ChangePassword", request, user_pb2.User, token=person.token)
    request.new_password = "otters 3 swim"
    acts.identity.call("UserService/ChangePassword", request, user_pb2.User, token=person.token)
    hands.forward(seconds=30)
    with pytest.raises(Unauthenticated) as refused:
        person.answer(challenge, totp_code=person.code())

    assert refused.value.reason == "CHALLENGE_ENDED"
    assert person.answer(person.challenge(password="otters 3 swim"), totp_code=person.code()).session_token


def test_who_was_erased_meanwhile_is_unknown(acts: Acts) -> None:
    with (
        acts.identity.resources.database.transaction(Scope(user="nobody")) as db,
        pytest.raises(NotFound),
    ):
        passwords.hold(db, "nobody")
