"""One's own factors: added, shown, taken away (ID10)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest

from comptoir.identity.v1 import factor_pb2, user_pb2
from services.chassis.errors import Denied, Exists, Fault, Invalid, NotFound, Precondition, Unauthenticated
from services.chassis.testing.tokens import ISSUER
from services.chassis.testing.waiting import until
from services.identity.tests.acts import PASSWORD, Acts, Hands, at_once
from services.identity.tests.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator
from services.identity.tests.proving import Person, again, altered, somebody, with_totp


def mails(person: Person) -> list[tuple[str, dict[str, str]]]:
    """Kinds and arguments of what waits to be sent to the person, in the order of their writing."""
    with person.acts.identity.database.administrator() as connection:
        rows = connection.execute(
            "select kind, arguments from outbox where recipient = %s and kind not like 'place%%' order by create_time",
            (person.user.name,),
        ).fetchall()
    return [(kind, dict(arguments)) for kind, arguments in rows]


def changes(person: Person) -> list[str]:
    """The history of the account, newest first: what was changed, by its name below the account."""
    request = user_pb2.ListUserChangesRequest(parent=person.user.name)
    answer = person.acts.identity.call(
        "UserService/ListUserChanges", request, user_pb2.ListUserChangesResponse, token=person.token
    )
    return [change.resource.removeprefix(f"{person.user.name}/") for change in answer.changes]


def test_a_secret_comes_as_text_address_and_picture_of_one_another(acts: Acts) -> None:
    person = somebody(acts)
    made = person.enrol_totp()
    read = pyotp.parse_uri(made.uri)

    assert (read.secret, read.name, read.issuer) == (made.secret, person.user.login, "gateway.test")
    assert made.qr_svg.startswith("<svg ")
    assert "script" not in made.qr_svg


def test_a_secret_counts_only_once_a_code_confirms_it(acts: Acts, hands: Hands) -> None:
    person = somebody(acts)
    person.enrol_totp()
    assert acts.sign_in(person.user.login)
    with pytest.raises(Invalid) as wrong:
        person.confirm_totp(person.code(steps=5))
    assert [violation.field for violation in wrong.value.violations] == ["code"]
    person.confirm_totp(person.code())

    assert person.challenge()


def test_a_session_that_ends_meanwhile_adds_no_factor(acts: Acts) -> None:
    person, database = somebody(acts), acts.identity.database
    begun = person.begin_passkey()
    made = Authenticator(ISSUER).create(begun.options_json)

    def waits() -> bool:
        with database.administrator() as watch:
            query = "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%passwords%'"
            return watch.execute(query).fetchone() is not None

    with ThreadPoolExecutor(1) as pool, database.administrator() as connection:
        connection.execute(
            "begin; select from passwords where user_id = '" + person.user.name[6:] + "' for update"
        )
        adding = pool.submit(person.keep_passkey, begun.challenge, made)
        until(waits, "the passkey is held up")
        acts.end(person.session)
        connection.execute("commit")
        with pytest.raises(Unauthenticated) as refused:
            adding.result()

    assert refused.value.reason == "SESSION_ENDED"
    again(person, acts.sign_in(person.user.login))
    assert not person.passkeys()


def test_a_new_secret_replaces_one_that_was_never_confirmed_and_no_other(acts: Acts, hands: Hands) -> None:
    person = somebody(acts)
    first = person.enrol_totp().secret
    assert person.enrol_totp().secret != first
    with pytest.raises(Invalid):
        person.confirm_totp(pyotp.TOTP(first).at(hands.now))
    person.confirm_totp(person.code())
    with pytest.raises(Exists) as refused:
        person.enrol_totp()

    assert refused.value.reason == "TOTP_EXISTS"


def test_a_secret_waits_a_quarter_of_an_hour_for_its_first_code(acts: Acts, hands: Hands) -> None:
    person = somebody(acts)
    person.enrol_totp()
    hands.forward(minutes=15, seconds=1)
    again(person, acts.sign_in(person.user.login))
    with pytest.raises(Precondition) as refused:
        person.confirm_totp(person.code())

    assert refused.value.reason == "TOTP_NOT_BEGUN"


def test_the_first_factor_brings_ten_recovery_codes_and_ends_the_other_sessions(acts: Acts) -> None:
    person = somebody(acts)
    elsewhere = acts.sign_in(person.user.login)
    person.enrol_totp()
    shown = person.confirm_totp(person.code()).recovery_codes

    assert len(set(shown)) == 10 == person.remaining()
    assert acts.touch(person.session).level == "urn:comptoir:acr:2fa"
    with pytest.raises(Unauthenticated):
        acts.touch(elsewhere)
    person.add_passkey()
    assert person.codes == list(shown)


def test_nothing_that_opens_anything_lies_in_the_database(acts: Acts) -> None:
    person = with_totp(acts)
    with person.acts.identity.database.administrator() as connection:
        kept = str(connection.execute("select * from totps").fetchall())
        kept += str(connection.execute("select * from recovery_codes").fetchall())
        kept += str(connection.execute("select * from change_values").fetchall())

    for secret in (person.secret, *person.codes, person.codes[0].replace("-", "")):
        assert secret not in kept


def test_regenerated_codes_replace_the_former_ones(acts: Acts) -> None:
    person = with_totp(acts)
    request = factor_pb2.RegenerateRecoveryCodesRequest(name=f"{person.user.name}/recoveryCodes")
    answer = person.call("RegenerateRecoveryCodes", request, factor_pb2.RegenerateRecoveryCodesResponse)
    challenge = person.challenge()
    with pytest.raises(Unauthenticated):
        person.answer(challenge, recovery_code=person.codes[0])

    assert not set(answer.codes) & set(person.codes)
    assert person.answer(challenge, recovery_code=answer.codes[0]).session_token


def test_a_passkey_is_listed_renamed_and_taken_away(acts: Acts) -> None:
    person = somebody(acts)
    made = person.add_passkey()
    assert (made.display_name, made.device_bound, made.HasField("use_time")) == ("Office laptop", True, False)
    renamed = person.call(
        "UpdatePasskey",
        factor_pb2.UpdatePasskeyRequest(passkey=factor_pb2.Passkey(name=made.name, display_name="Old one")),
        factor_pb2.Passkey,
    )
    assert person.passkeys() == [renamed]
    assert renamed.display_name == "Old one"
    request = factor_pb2.DeletePasskeyRequest(name=made.name)
    person.call("DeletePasskey", request, factor_pb2.DeletePasskeyResponse)

    assert person.passkeys() == []
    assert acts.sign_in(person.user.login)
    with pytest.raises(NotFound):
        person.remaining()


def test_a_passkey_that_is_copied_around_is_told_from_one_of_a_device(acts: Acts) -> None:
    made = somebody(acts).add_passkey(
        Authenticator(ISSUER, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP, counts=False)
    )

    assert not made.device_bound


def tampered(person: Person) -> Iterator[tuple[str, str]]:
    """Registrations that differ in one thing from a good one, each with a challenge that would do."""

    def by(authenticator: Authenticator, **changes: Any) -> tuple[str, str]:
        begun = person.begin_passkey()
        return begun.challenge, authenticator.create(begun.options_json, **changes)

    yield by(Authenticator("https://gateway.test.example"))
    yield by(Authenticator("http://gateway.test"))
    yield by(Authenticator(ISSUER), rp_id="test")
    yield by(Authenticator(ISSUER), type="webauthn.get")
    yield by(Authenticator(ISSUER), challenge="YW5vdGhlcg")
    yield by(Authenticator(ISSUER, flags=PRESENT))
    yield by(Authenticator(ISSUER, flags=VERIFIED))
    challenge, made = by(Authenticator(ISSUER))
    yield challenge, altered(made, rawId="YW5vdGhlcg")
    yield challenge, altered(made, type="password")
    yield challenge, altered(made, response=None)
    yield challenge, altered(made, response={"clientDataJSON": "", "attestationObject": "oA"})
    yield challenge, "[]"
    yield challenge, "{"
    yield challenge, '{"id": "\\ud800"}'
    yield challenge[:-1] + ("A" if challenge[-1] != "A" else "B"), made
    yield "sign-in:-:9999999999:aaaaaaaaaaaaaaaaaaaaaa.x", made


def test_what_no_authenticator_made_for_this_challenge_is_refused(acts: Acts) -> None:
    person = somebody(acts)
    for challenge, credential in tampered(person):
        with pytest.raises(Invalid) as refused:
            person.keep_passkey(challenge, credential)
        assert [found.field for found in refused.value.violations] == ["credential_json"]

    assert person.passkeys() == []


def test_a_challenge_makes_one_passkey_of_its_person_within_five_minutes(acts: Acts, hands: Hands) -> None:
    person, other = somebody(acts), somebody(acts)
    begun = person.begin_passkey()
    made = Authenticator(ISSUER).create(begun.options_json)
    with pytest.raises(Invalid):
        other.keep_passkey(begun.challenge, made)
    ends = at_once(8, lambda: person.keep_passkey(begun.challenge, made))
    late = person.begin_passkey()
    hands.forward(minutes=5)
    again(person, person.answer(person.challenge(), recovery_code=person.codes[0]).session_token)
    with pytest.raises(Invalid):
        person.keep_passkey(late.challenge, Authenticator(ISSUER).create(late.options_json))

    assert sum(not isinstance(end, Fault) for end in ends) == 1
    assert len(person.passkeys()) == 1


def test_the_same_authenticator_is_not_added_twice(acts: Acts) -> None:
    person = somebody(acts)
    person.add_passkey()
    with pytest.raises(Exists) as refused:
        person.add_passkey(person.authenticator)

    assert refused.value.reason == "PASSKEY_EXISTS"


def test_factors_change_only_against_a_fresh_proof(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    made = person.add_passkey()
    hands.forward(minutes=5, seconds=1)
    client = acts.client()
    session = person.session
    person.token = acts.redeem(client, acts.code(session, client.client_id, person.company)).access_token
    for act in (
        person.delete_totp,
        person.enrol_totp,
        person.begin_passkey,
        lambda: person.call(
            "DeletePasskey", factor_pb2.DeletePasskeyRequest(name=made.name), factor_pb2.DeletePasskeyResponse
        ),
    ):
        with pytest.raises(Unauthenticated) as refused:
            act()
        assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"
        assert refused.value.metadata == {"max_age": "300", "acr_values": "urn:comptoir:acr:2fa"}


def test_the_last_factor_stays_where_a_company_requires_one(acts: Acts) -> None:
    person = with_totp(acts)
    acts.identity.acquaintance.require_second_factor(person.company.removeprefix("companies/"))
    with pytest.raises(Precondition) as refused:
        person.delete_totp()
    assert refused.value.reason == "SECOND_FACTOR_REQUIRED"
    person.add_passkey()
    person.delete_totp()

    assert person.challenge()


def test_the_last_factor_stays_while_the_password_is_short(acts: Acts) -> None:
    person = somebody(acts)

    def change(current: str, chosen: str) -> None:
        request = user_pb2.ChangePasswordRequest(
            name=person.user.name, current_password=current, new_password=chosen
        )
        acts.identity.call("UserService/ChangePassword", request, user_pb2.User, token=person.token)

    with pytest.raises(Invalid) as short:
        change(PASSWORD, "wharf 4 gulls")
    person.enrol_totp()
    person.confirm_totp(person.code())
    change(PASSWORD, "wharf 4 gulls")
    with pytest.raises(Precondition) as refused:
        person.delete_totp()
    change("wharf 4 gulls", "wharf 4 gulls and a buoy")
    person.delete_totp()

    assert [found.rule for found in short.value.violations] == ["password_length"]
    assert refused.value.reason == "PASSWORD_TOO_SHORT"
    assert acts.sign_in(person.user.login, "wharf 4 gulls and a buoy")


def test_the_person_is_told_by_mail_and_finds_it_in_the_history(acts: Acts) -> None:
    person = with_totp(acts)
    made = person.add_passkey()
    person.delete_totp()

    assert mails(person) == [
        ("factor_added", {"factor": "totp"}),
        ("factor_added", {"factor": "passkey"}),
        ("factor_removed", {"factor": "totp"}),
    ]
    passkey = made.name.removeprefix(f"{person.user.name}/")
    assert changes(person)[:-1] == ["totp", passkey, "recoveryCodes", "totp", "totp"]


def test_customer_service_takes_all_factors_away_with_a_reason(acts: Acts) -> None:
    person, operator = with_totp(acts), acts.person(operator=True)
    person.add_passkey()
    token = acts.token(operator.login)
    request = factor_pb2.ResetFactorsRequest(name=person.user.name, reason="Lost the phone")
    with pytest.raises(Denied):
        person.call("ResetFactors", request, factor_pb2.ResetFactorsResponse)
    acts.identity.call("FactorService/ResetFactors", request, factor_pb2.ResetFactorsResponse, token=token)
    with pytest.raises(Unauthenticated):
        acts.touch(person.session)
    again(person, acts.sign_in(person.user.login))

    assert person.passkeys() == []
    assert mails(person)[-1] == ("factors_reset", {})
    listed = user_pb2.ListUserChangesRequest(parent=person.user.name)
    answer = acts.identity.call(
        "UserService/ListUserChanges", listed, user_pb2.ListUserChangesResponse, token=person.token
    )
    gone = [change for change in answer.changes if change.reason == "Lost the phone"]
    assert {change.actor for change in gone} == {operator.name}
    assert len(gone) == 4


def test_another_persons_factors_are_not_there(acts: Acts) -> None:
    person, other = with_totp(acts), somebody(acts)
    name = person.user.name
    for method, request, answer in (
        ("GetTotp", factor_pb2.GetTotpRequest(name=f"{name}/totp"), factor_pb2.Totp),
        ("ListPasskeys", factor_pb2.ListPasskeysRequest(parent=name), factor_pb2.ListPasskeysResponse),
        ("DeleteTotp", factor_pb2.DeleteTotpRequest(name=f"{name}/totp"), factor_pb2.DeleteTotpResponse),
    ):
        with pytest.raises(NotFound):
            other.call(method, request, answer)
