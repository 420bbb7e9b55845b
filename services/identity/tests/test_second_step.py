"""Signing in with two factors, or with a passkey alone (ID10): races, replays, windows, forged answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from comptoir.identity.v1 import session_pb2
from services.chassis.errors import Exhausted, Fault, Unauthenticated
from services.chassis.names import new_id
from services.chassis.testing.tokens import ISSUER
from services.identity.tests.acts import Acts, Hands, at_once
from services.identity.tests.authenticator import PRESENT, VERIFIED, Authenticator, decoded
from services.identity.tests.proving import Person, alone, altered, begin_alone, show, somebody, with_totp

ONE, TWO = "urn:comptoir:acr:1fa", "urn:comptoir:acr:2fa"


def reason(act: Callable[..., Any], *given: Any, **more: Any) -> str:
    """Why the act is refused."""
    with pytest.raises(Fault) as refused:
        act(*given, **more)
    return refused.value.reason


def test_a_person_without_a_factor_signs_in_as_before(acts: Acts) -> None:
    person = somebody(acts)
    claims = person.claims(person.session)

    assert (claims["amr"], claims["acr"]) == (["pwd"], ONE)


def test_a_password_alone_opens_no_session_of_a_person_with_a_factor(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    challenge = person.challenge()
    with pytest.raises(Unauthenticated):
        acts.touch(challenge)
    waiting = show(person, challenge)
    assert (waiting.totp, waiting.recovery_codes, waiting.HasField("passkey")) == (True, True, False)
    hands.forward(seconds=30)
    opened = person.answer(challenge, totp_code=person.code())
    claims = person.claims(opened.session_token)

    assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], TWO)
    assert reason(person.answer, challenge, totp_code=person.code(1)) == "CHALLENGE_ENDED"


def test_codes_of_one_step_on_either_side_are_taken_and_no_others(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    hands.forward(minutes=10)
    for steps in (-2, 2):
        code = person.code(steps)
        assert reason(person.answer, person.challenge(), totp_code=code) == "PROOF_REFUSED"

    assert person.answer(person.challenge(), totp_code=person.code(-1)).session_token
    assert person.answer(person.challenge(), totp_code=person.code()).session_token
    assert person.answer(
        person.challenge(), totp_code=f" {person.code(1)[:3]} {person.code(1)[3:]}"
    ).session_token


def test_a_step_that_was_used_takes_no_code_of_it_or_of_one_before(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    assert reason(person.answer, person.challenge(), totp_code=person.code()) == "PROOF_REFUSED"
    hands.forward(seconds=90)
    assert person.answer(person.challenge(), totp_code=person.code()).session_token

    for steps in (0, -1):
        code = person.code(steps)
        assert reason(person.answer, person.challenge(), totp_code=code) == "PROOF_REFUSED"


def test_of_twenty_who_send_one_code_at_once_one_is_let_in(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    hands.forward(minutes=2)
    code, challenges = person.code(), [person.challenge() for _ in range(20)]
    ends = at_once(20, lambda: person.answer(challenges.pop(), totp_code=code))

    assert sum(not isinstance(end, Fault) for end in ends) == 1
    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"PROOF_REFUSED", "DATABASE_BUSY"}


def test_of_twenty_who_answer_one_challenge_at_once_one_is_let_in(acts: Acts) -> None:
    person = somebody(acts)
    person.add_passkey()
    challenge = person.challenge()
    codes = list(person.codes)
    ends = at_once(20, lambda: person.answer(challenge, recovery_code=codes[0]))

    assert sum(not isinstance(end, Fault) for end in ends) == 1


def test_of_twenty_who_send_one_recovery_code_at_once_one_is_let_in(acts: Acts) -> None:
    person = with_totp(acts)
    challenges = [person.challenge() for _ in range(20)]
    ends = at_once(20, lambda: person.answer(challenges.pop(), recovery_code=person.codes[3]))
    assert sum(not isinstance(end, Fault) for end in ends) == 1
    assert person.remaining() == 9

    typed = person.codes[4].upper().replace("-", " ")
    assert person.answer(person.challenge(), recovery_code=typed).session_token
    assert person.remaining() == 8
    with acts.identity.database.administrator() as connection:
        told = connection.execute(
            "select arguments->>'remaining' from outbox where kind = 'recovery_code_used' and recipient = %s"
            " order by create_time",
            (person.user.name,),
        ).fetchall()
    assert told == [("9",), ("8",)]


def test_a_challenge_takes_five_answers(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    hands.forward(minutes=2)
    challenge = person.challenge()
    wrong = [reason(person.answer, challenge, totp_code=person.code(9)) for _ in range(5)]

    assert wrong == ["PROOF_REFUSED"] * 5
    assert reason(person.answer, challenge, totp_code=person.code()) == "CHALLENGE_ENDED"
    assert person.answer(person.challenge(), totp_code=person.code()).session_token


def test_wrong_answers_sent_at_once_are_all_counted(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    challenge = person.challenge()
    ends = at_once(20, lambda: person.answer(challenge, recovery_code="aaaa-bbbb-cccc-dddd"))
    reasons = [end.reason for end in ends if isinstance(end, Fault)]

    assert len(reasons) == 20
    assert reasons.count("PROOF_REFUSED") <= 5


def test_guessing_over_many_challenges_comes_to_a_pause(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    person.add_passkey()
    hands.forward(minutes=2)
    for _ in range(4):
        challenge = person.challenge()
        for _ in range(5):
            reason(person.answer, challenge, totp_code=person.code(9))
    challenge = person.challenge()
    with pytest.raises(Exhausted):
        person.answer(challenge, totp_code=person.code())
    waiting = show(person, challenge)
    assert person.authenticator
    proof = session_pb2.PasskeyProof(
        challenge=waiting.passkey.challenge,
        credential_json=person.authenticator.get(waiting.passkey.options_json),
    )
    assert person.answer(challenge, passkey=proof).session_token
    hands.forward(minutes=30)

    assert person.answer(person.challenge(), totp_code=person.code()).session_token


def test_a_challenge_lasts_five_minutes(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    challenge = person.challenge()
    hands.forward(minutes=5)

    assert reason(person.answer, challenge, totp_code=person.code()) == "CHALLENGE_ENDED"
    assert reason(show, person, challenge) == "CHALLENGE_ENDED"
    assert reason(person.answer, "never-given-out", totp_code="123456") == "CHALLENGE_ENDED"


def test_the_same_session_goes_on_with_a_newer_proof(acts: Acts, hands: Hands) -> None:
    person = with_totp(acts)
    client = acts.client()
    tokens = acts.redeem(client, acts.code(person.session, client.client_id, person.company))
    hands.forward(minutes=10)
    before = acts.claims(tokens.access_token)
    challenge = person.challenge(session=person.session)
    assert acts.touch(person.session).authenticate_time.seconds == before["auth_time"]
    opened = person.answer(challenge, totp_code=person.code(), session_token=person.session)
    after = acts.claims(acts.refresh(client, tokens.refresh_token).access_token)

    assert reason(acts.touch, person.session) == "SESSION_ENDED"
    assert acts.touch(opened.session_token).user == person.user.name
    assert after["sid"] == before["sid"]
    assert after["auth_time"] == before["auth_time"] + 600


def test_another_persons_session_is_over_and_not_gone_on_with(acts: Acts) -> None:
    person, other = with_totp(acts), somebody(acts)
    opened = person.answer(person.challenge(), recovery_code=person.codes[0], session_token=other.session)

    assert opened.session_token not in (other.session, "")
    assert reason(acts.touch, other.session) == "SESSION_ENDED"
    assert acts.touch(opened.session_token).user == person.user.name


def passkey_of(acts: Acts, authenticator: Authenticator | None = None) -> tuple[Person, Authenticator]:
    person = somebody(acts)
    person.add_passkey(authenticator)
    assert person.authenticator
    return person, person.authenticator


@pytest.fixture(scope="module")
def device(acts: Acts) -> Authenticator:
    """With somebody's passkey, for tests that are refused."""
    return passkey_of(acts)[1]


def test_a_passkey_signs_in_alone(acts: Acts, hands: Hands) -> None:
    person, authenticator = passkey_of(acts)
    begun = begin_alone(acts)
    opened = alone(acts, begun.challenge, authenticator.get(begun.options_json))
    claims = person.claims(opened.session_token)

    assert opened.session.user == person.user.name
    assert (claims["amr"], claims["acr"]) == (["hwk", "user", "mfa"], TWO)
    assert person.passkeys()[0].use_time.seconds == int(hands.now.timestamp())


def test_a_passkey_answers_a_challenge(acts: Acts) -> None:
    person, authenticator = passkey_of(acts)
    challenge = person.challenge()
    options = show(person, challenge).passkey
    proof = session_pb2.PasskeyProof(
        challenge=options.challenge, credential_json=authenticator.get(options.options_json)
    )
    opened = person.answer(challenge, passkey=proof)

    assert person.claims(opened.session_token)["amr"] == ["pwd", "hwk", "user", "mfa"]


def test_an_assertion_opens_one_session(acts: Acts) -> None:
    _, authenticator = passkey_of(acts, Authenticator(ISSUER, counts=False))
    begun = begin_alone(acts)
    signed = authenticator.get(begun.options_json)
    ends = at_once(20, lambda: alone(acts, begun.challenge, signed))

    assert sum(not isinstance(end, Fault) for end in ends) == 1
    assert reason(alone, acts, begun.challenge, signed) == "PROOF_REFUSED"


def test_a_count_that_does_not_go_up_is_refused(acts: Acts) -> None:
    _, authenticator = passkey_of(acts)
    for _ in range(2):
        begun = begin_alone(acts)
        alone(acts, begun.challenge, authenticator.get(begun.options_json))
    authenticator.count = 0
    begun = begin_alone(acts)

    assert reason(alone, acts, begun.challenge, authenticator.get(begun.options_json)) == "PROOF_REFUSED"


FORGERIES: tuple[tuple[str, Callable[[Authenticator], dict[str, Any]]], ...] = (
    ("another key", lambda _: {"key": ec.generate_private_key(ec.SECP256R1())}),
    ("another origin", lambda _: {"origin": "https://gateway.test.example"}),
    ("plain http", lambda _: {"origin": "http://gateway.test"}),
    ("another relying party", lambda _: {"rp_id": "test"}),
    ("made for a registration", lambda _: {"type": "webauthn.create"}),
    ("another challenge", lambda _: {"challenge": "YW5vdGhlcg"}),
    ("no signature", lambda _: {"signature": b""}),
    ("no data", lambda _: {"data": b""}),
    ("nobody's handle", lambda _: {"user_handle": new_id().encode()}),
    ("a handle that is no id", lambda _: {"user_handle": b"' or true --"}),
    ("a handle that is no text", lambda _: {"user_handle": b"\xff\xfe"}),
)


@pytest.mark.parametrize("forgery", [change for _, change in FORGERIES], ids=[name for name, _ in FORGERIES])
def test_a_forged_assertion_is_refused(
    acts: Acts, device: Authenticator, forgery: Callable[[Authenticator], dict[str, Any]]
) -> None:
    begun = begin_alone(acts)
    signed = device.get(begun.options_json, **forgery(device))

    assert reason(alone, acts, begun.challenge, signed) == "PROOF_REFUSED"


@pytest.mark.parametrize("flags", [PRESENT, VERIFIED, 0])
def test_an_assertion_without_the_persons_gesture_is_refused(
    acts: Acts, device: Authenticator, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "flags", flags)
    begun = begin_alone(acts)

    assert reason(alone, acts, begun.challenge, device.get(begun.options_json)) == "PROOF_REFUSED"


def test_bytes_that_are_no_assertion_are_refused(acts: Acts, device: Authenticator) -> None:
    begun = begin_alone(acts)
    signed = device.get(begun.options_json)
    for credential in ("", "{}", "[]", "null", altered(signed, rawId="AA"), altered(signed, response={})):
        assert reason(alone, acts, begun.challenge, credential) == "PROOF_REFUSED"


def test_challenges_are_good_for_one_purpose_one_person_and_five_minutes(acts: Acts, hands: Hands) -> None:
    person, authenticator = passkey_of(acts)
    registration = person.begin_passkey()
    options = begin_alone(acts).options_json.replace(
        "challenge", "was"
    )  # what the authenticator is asked with, but for the challenge
    assert decoded("YQ") == b"a"
    begun = begin_alone(acts)
    late = authenticator.get(begun.options_json)
    signed = authenticator.get(begun.options_json)
    assert options
    hands.forward(minutes=5)

    assert reason(alone, acts, registration.challenge, signed) == "PROOF_REFUSED"
    assert reason(alone, acts, begun.challenge, late) == "PROOF_REFUSED"


def test_a_session_opened_while_the_first_factor_is_added_does_not_outlive_it(acts: Acts) -> None:
    for _ in range(5):
        person = somebody(acts)
        person.enrol_totp()
        code = person.code()
        turns = iter([True] + [False] * 3)

        def act(person: Person = person, code: str = code, turns: Any = turns) -> Any:
            return person.confirm_totp(code) if next(turns) else acts.start(person.user.login)

        opened = [end for end in at_once(4, act) if isinstance(end, session_pb2.StartSessionResponse)]
        for each in opened:
            if each.session_token:
                assert reason(acts.touch, each.session_token) == "SESSION_ENDED"
