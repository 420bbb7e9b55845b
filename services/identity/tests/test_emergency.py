"""Break-glass: the operator hears of it by mail, and a second factor goes only if that is said."""

from __future__ import annotations

import pytest

from comptoir.identity.v1 import user_pb2
from services.chassis.errors import Unauthenticated
from services.chassis.testing.commands import run_command
from services.identity.mail.letters import WORDS
from services.identity.tests.acts import Acts
from services.identity.tests.proving import Person, again, with_totp
from services.identity.tests.test_factors import mails
from services.identity.tests.test_reset_password import ANOTHER, reset
from services.look.languages import CODES

REASON = "Telephone lost at sea"


def locked_out(acts: Acts, *options: str) -> tuple[Person, str]:
    """An operator with two factors, and what the link bears that the console shows."""
    person = with_totp(acts, operator=True)
    person.add_passkey()
    given = ("--login", person.user.login, "--by", "Noé Exemple", "--reason", REASON, *options)
    done = run_command(acts.identity, "break-glass", *given)
    assert done.returncode == 0, done.stderr
    return person, done.stdout.splitlines()[-1].partition("link=")[2]


def removed(person: Person) -> list[str]:
    """What the access took away, by its name below the account, as the history says it."""
    request = user_pb2.ListUserChangesRequest(parent=person.user.name)
    answer = person.acts.identity.call(
        "UserService/ListUserChanges", request, user_pb2.ListUserChangesResponse, token=person.token
    )
    found = [change for change in answer.changes if change.reason == REASON]
    assert {change.actor for change in found} == {"services/break-glass"}
    return sorted(change.resource.removeprefix(f"{person.user.name}/").partition("/")[0] for change in found)


def test_the_operator_is_told_and_the_factors_stay(acts: Acts) -> None:
    person, link = locked_out(acts)
    told = mails(person)[-1]
    reset(acts, link)
    session = person.answer(person.challenge(password=ANOTHER), totp_code=person.code(1)).session_token
    again(person, session)

    assert told == ("emergency_access", {})
    assert removed(person) == ["emergencyAccesses"]


def test_the_factors_go_with_everything_written_down_if_that_is_said(acts: Acts) -> None:
    person, link = locked_out(acts, "--remove-factors")
    told = [kind for kind, _ in mails(person)[-2:]]
    with pytest.raises(Unauthenticated):
        acts.touch(person.session)
    reset(acts, link)
    again(person, acts.sign_in(person.user.login, ANOTHER))

    assert sorted(told) == ["emergency_access", "factors_reset"]
    assert removed(person) == ["emergencyAccesses", "passkeys", "recoveryCodes", "sessions", "totp"]


@pytest.mark.parametrize(
    "command",
    [
        ("break-glass", "--login", "nobody", "--by", "Noé Exemple", "--reason", REASON),
        ("create-operator", "--login=olga", "--email=o@x.example", "--given-name=O", "--family-name=E"),
        ("rotate-signing-keys",),
    ],
)
def test_the_url_of_the_owner_is_refused_in_a_sentence(acts: Acts, command: tuple[str, ...]) -> None:
    refused = run_command(acts.identity, *command, url_of="owner")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "identity: COMPTOIR_DATABASE_URL_FILE holds the URL of identity_owner; this is done as identity_svc\n"
    )


@pytest.mark.parametrize("command", [("migrate",), ("compact",), ("vault", "status")])
def test_the_url_of_the_service_is_refused_where_the_owner_is_needed(
    acts: Acts, command: tuple[str, ...]
) -> None:
    refused = run_command(acts.identity, *command, owner_url_of="svc")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "identity: COMPTOIR_OWNER_DATABASE_URL_FILE holds the URL of identity_svc; this is done as identity_owner\n"
    )


def test_every_language_has_the_words() -> None:
    said = {code: WORDS.into(code)("emergency_access.text", time="noon") for code in CODES}

    assert len(set(said.values())) == len(CODES)
    assert all("noon" in text for text in said.values())
