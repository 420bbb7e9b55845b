"""Changing an e-mail address, and a login (ID2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comptoir.identity.v1 import password_pb2, user_pb2
from services.chassis.errors import (
    Denied,
    Exhausted,
    Exists,
    Fault,
    Invalid,
    NotFound,
    Precondition,
    Unauthenticated,
)
from services.chassis.testing.relay import Relay
from services.chassis.testing.running import Running
from services.chassis.testing.tokens import ISSUER
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands, at_once
from services.identity.tests.post import Post, address_in, mailing, value_in
from services.look.languages import CODES


@pytest.fixture(scope="module")
def acts(run_service: Callable[..., Running], hands: Hands, relay: Relay) -> Acts:
    return Acts(run_service(IDENTITY, clock=hands, source_tries=1000, **mailing(relay)))


class Account:
    """A person with a token, and what they do about their address."""

    def __init__(self, acts: Acts, name: str, language_code: str = "fr") -> None:
        self.acts = acts
        self.old, self.new = f"{name}@halles.example", f"{name}.new@halles.example"
        self.user = acts.person(email=self.old, language_code=language_code, operator=True)
        self.token = acts.token(self.user.login)

    def _call(self, method: str, request: object) -> user_pb2.User:
        return self.acts.identity.call(f"UserService/{method}", request, user_pb2.User, token=self.token)  # type: ignore[arg-type]

    def ask(self, email: str = "") -> user_pb2.User:
        request = user_pb2.ChangeEmailRequest(name=self.user.name, email=email or self.new)
        return self._call("ChangeEmail", request)

    def ask_again(self) -> user_pb2.User:
        return self._call(
            "ResendEmailConfirmation", user_pb2.ResendEmailConfirmationRequest(name=self.user.name)
        )

    def cancel(self) -> user_pb2.User:
        return self._call("CancelEmailChange", user_pb2.CancelEmailChangeRequest(name=self.user.name))

    def get(self) -> tuple[str, str]:
        user = self._call("GetUser", user_pb2.GetUserRequest(name=self.user.name))
        return user.email, user.unconfirmed_email


def confirm(acts: Acts, link: str) -> str:
    request = user_pb2.ConfirmEmailRequest(link=link)
    acts.identity.call("UserService/ConfirmEmail", request, user_pb2.ConfirmEmailResponse)
    return "confirmed"


def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(acts: Acts, post: Post) -> None:
    account = Account(acts, "moved")
    pending = account.ask()
    (told,), (mail,) = post.arrived(account.old), post.arrived(account.new)

    assert (pending.email, pending.unconfirmed_email) == (account.old, account.new)
    assert address_in(told) == f"{ISSUER}/help/password"
    assert address_in(mail).startswith(f"{ISSUER}/account/email?link=")
    confirm(acts, value_in(mail))
    assert account.get() == (account.new, "")
    assert len(post.arrived(account.old)) == 2
    assert len(post.arrived(account.new)) == 1
    with pytest.raises(Precondition):
        confirm(acts, value_in(mail))


def test_each_change_is_told_to_the_address_that_counted_then_however_late_the_mail_goes(
    acts: Acts, post: Post, relay: Relay, hands: Hands
) -> None:
    account = Account(acts, "hasty")
    account.ask()
    link = value_in(post.arrived(account.new)[0])
    before = post.arrived(account.old)
    relay.to_recipient = lambda: "450 not now"
    confirm(acts, link)
    account.ask("hasty.third@halles.example")
    post.arrived("")
    relay.to_recipient = lambda: "250 OK"
    hands.forward(hours=2)
    (first,), (second,) = post.arrived(account.old)[len(before) :], post.arrived(account.new)[1:]

    assert str(first.message["Subject"]) == "Votre adresse e-mail a changé"
    assert str(second.message["Subject"]) == "Une autre adresse e-mail est demandée pour votre compte"


@pytest.mark.parametrize("language", CODES)
def test_all_of_it_is_said_in_the_readers_language(acts: Acts, post: Post, language: str) -> None:
    account = Account(acts, f"speaks-{language}", language)
    account.ask()
    confirm(acts, value_in(post.arrived(account.new)[0]))
    mails = post.arrived(account.new) + post.arrived(account.old)

    assert len(mails) == len({str(mail.message["Subject"]) for mail in mails}) == 3
    assert {language} == {mail.message["Content-Language"] for mail in mails}


@pytest.mark.parametrize(
    ("wished", "rule"),
    [
        ("no address", "email"),
        ("", "required"),
        ("refused@halles.example", "email_unchanged"),
        ("a@b", "email"),
    ],
)
def test_an_address_that_cannot_be_is_refused_by_name(acts: Acts, wished: str, rule: str) -> None:
    account = Account(acts, "refused")
    request = user_pb2.ChangeEmailRequest(name=account.user.name, email=wished)
    with pytest.raises(Invalid) as refused:
        acts.identity.call("UserService/ChangeEmail", request, user_pb2.User, token=account.token)

    (found,) = refused.value.violations
    assert found.field == "email"
    assert rule in found.rule


def test_it_asks_for_a_fresh_proof(acts: Acts, hands: Hands) -> None:
    account = Account(acts, "stale")
    client = acts.client(scopes=["account"])
    session = acts.sign_in(account.user.login)
    hands.forward(minutes=4)
    account.token = acts.redeem(client, acts.code(session, client.client_id, scopes=["account"])).access_token
    account.ask()
    hands.forward(minutes=1, seconds=1)
    with pytest.raises(Unauthenticated) as refused:
        account.ask()

    assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"
    assert account.cancel().unconfirmed_email == ""


def test_another_link_replaces_the_first_and_none_is_mailed_without_end(acts: Acts, post: Post) -> None:
    account = Account(acts, "again")
    account.ask()
    first = value_in(post.arrived(account.new)[0])
    account.ask_again()
    with pytest.raises(Precondition):
        confirm(acts, first)
    account.ask()
    for _ in range(2):
        account.ask_again()
    with pytest.raises(Exhausted) as refused:
        account.ask_again()

    assert refused.value.reason == "TOO_MANY_ATTEMPTS"
    assert len(post.arrived(account.old)) == 1
    assert confirm(acts, value_in(post.arrived(account.new)[-1]))


def test_what_is_cancelled_is_forgotten(acts: Acts, post: Post) -> None:
    account = Account(acts, "cancelled")
    account.ask()
    link = value_in(post.arrived(account.new)[0])
    account.cancel()

    with pytest.raises(Precondition):
        confirm(acts, link)
    assert account.get() == (account.old, "")
    for act in (account.cancel, account.ask_again):
        with pytest.raises(Precondition) as refused:
            act()
        assert refused.value.reason == "EMAIL_NOT_PENDING"


def test_links_for_a_password_that_went_to_the_old_address_die_and_the_new_one_finds_the_account(
    acts: Acts, post: Post
) -> None:
    account = Account(acts, "found")
    account.ask()
    ask_reset(acts, account.user.login)
    reset = value_in(post.arrived(account.old)[-1])
    confirm(acts, value_in(post.arrived(account.new)[0]))
    with pytest.raises(Precondition):
        set_password(acts, reset)
    before = len(post.arrived(account.old))
    ask_reset(acts, account.old)
    ask_reset(acts, account.new)

    assert len(post.arrived(account.old)) == before
    assert "/password/reset" in address_in(post.arrived(account.new)[-1])


def test_taking_an_account_back_forgets_the_address_that_was_asked_for(acts: Acts, post: Post) -> None:
    account = Account(acts, "takenback")
    account.ask()
    link = value_in(post.arrived(account.new)[0])
    ask_reset(acts, account.user.login)
    set_password(acts, value_in(post.arrived(account.old)[-1]))

    with pytest.raises(Precondition):
        confirm(acts, link)


def test_of_several_who_confirm_at_once_one_does(acts: Acts, post: Post) -> None:
    account = Account(acts, "raced")
    account.ask()
    link = value_in(post.arrived(account.new)[0])
    ends = at_once(20, lambda: confirm(acts, link))

    assert ends.count("confirmed") == 1
    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"LINK_NOT_VALID", "DATABASE_BUSY"}


def ask_reset(acts: Acts, typed: str) -> None:
    request = password_pb2.RequestPasswordResetRequest(login_or_email=typed, source_address="192.0.2.9")
    acts.identity.call(
        "PasswordService/RequestPasswordReset", request, password_pb2.RequestPasswordResetResponse
    )


def set_password(acts: Acts, link: str) -> None:
    request = password_pb2.ResetPasswordRequest(link=link, new_password="nine quiet otters swim 3 rivers")
    acts.identity.call("PasswordService/ResetPassword", request, password_pb2.ResetPasswordResponse)


def change_login(acts: Acts, user: str, login: str, token: str) -> user_pb2.User:
    request = user_pb2.ChangeLoginRequest(name=user, login=login, reason="A new name")
    return acts.identity.call("UserService/ChangeLogin", request, user_pb2.User, token=token)


def test_an_operator_gives_another_login_and_the_person_is_told(acts: Acts, post: Post) -> None:
    operator = acts.token(acts.person(operator=True).login)
    someone = acts.person(login="ada-before", email="renamed@halles.example")
    changed = change_login(acts, someone.name, "Ada.After", operator)

    assert (changed.login, changed.name) == ("Ada.After", someone.name)
    assert acts.sign_in("ada.after")
    with pytest.raises(Unauthenticated):
        acts.sign_in("ada-before")
    assert "Ada.After" in post.arrived("renamed@halles.example")[-1].message.get_content()
    assert change_login(acts, someone.name, "ada.AFTER", operator).login == "ada.AFTER"


def test_a_login_that_is_taken_unknown_or_odd_is_refused(acts: Acts) -> None:
    operator = acts.token(acts.person(operator=True).login)
    someone, other = acts.person(), acts.person(login="Taken.Login")
    for login, kind in (("taken.login", Exists), ("a b", Invalid), (someone.login, Invalid)):
        with pytest.raises(kind):
            change_login(acts, someone.name, login, operator)
    with pytest.raises(NotFound):
        change_login(acts, "users/q7w3n5c2k6x4z7m2h5tb", "nobodys", operator)

    assert acts.sign_in(someone.login)
    assert acts.sign_in(other.login)


def test_merchants_change_no_login(acts: Acts) -> None:
    someone, company = acts.person(), acts.company()
    acts.place(company, someone.name)
    with pytest.raises(Denied):
        change_login(acts, someone.name, "another-login", acts.token(someone.login, company))
