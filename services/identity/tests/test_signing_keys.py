"""Keys that sign tokens (RFC 7517): made once, published ahead, followed by the next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from comptoir.identity.v1 import user_pb2
from services.chassis.errors import Unauthenticated
from services.chassis.testing.commands import told
from services.chassis.testing.running import Running
from services.identity.oauth.signing_keys import KeyRing
from services.identity.service import IDENTITY
from services.identity.tests.acts import Acts, Hands, at_once


def ring(acts: Acts, hands: Hands) -> KeyRing:
    """The keys as another process of identity has them."""
    resources = acts.identity.resources
    return KeyRing(resources.vault, resources.database, hands)


def kids(acts: Acts) -> list[str]:
    return [key["kid"] for key in acts.jwks()["keys"]]


def test_processes_that_start_at_once_make_one_active_key_and_one_next(
    run_service: Callable[..., Running], hands: Hands
) -> None:
    fresh = Acts(run_service(IDENTITY, clock=hands))
    signers = at_once(8, lambda: ring(fresh, hands).signer().kid)
    with fresh.identity.database.administrator() as db:
        states = db.execute("select state, kid from signing_keys order by state").fetchall()

    assert [state for state, _ in states] == ["ACTIVE", "NEXT"]
    assert {states[0][1]} == set(signers)


def test_only_the_public_half_is_published(acts: Acts) -> None:
    keys = acts.jwks()["keys"]

    assert len(keys) == 2
    for key in keys:
        assert {"kty", "crv", "x", "y", "kid", "use", "alg"} == set(key)
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


def test_private_keys_lie_sealed(acts: Acts, hands: Hands) -> None:
    private = ring(acts, hands).signer().as_dict(private=True)["d"]
    with acts.identity.database.administrator() as db:
        kept = db.execute("select sealed, t::text from signing_keys t").fetchall()

    assert len(kept) == 2
    for sealed, row in kept:
        assert b"PRIVATE KEY" not in sealed
        assert private not in row


def test_the_next_key_signs_after_ninety_days_and_the_former_is_published_a_day_longer(
    acts: Acts, hands: Hands
) -> None:
    active = ring(acts, hands).signer().kid
    following = next(kid for kid in kids(acts) if kid != active)
    hands.forward(days=89, hours=23)
    before = ring(acts, hands).signer().kid
    hands.forward(hours=2)
    after = ring(acts, hands).signer().kid
    published = kids(acts)
    hands.forward(days=1, hours=1)

    assert (before, after) == (active, following)
    assert len(published) == 3
    assert {active, following} < set(published)
    assert active not in kids(acts)
    assert following in kids(acts)


def test_a_token_signed_before_the_keys_moved_on_is_still_accepted(acts: Acts, hands: Hands) -> None:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    active = ring(acts, hands).signer().kid
    hands.forward(days=89, hours=23, minutes=59)
    token = acts.token(person.login, company)
    hands.forward(minutes=2)

    assert read(acts, person.name, token) == person
    assert ring(acts, hands).signer().kid != active


def test_identity_refuses_what_others_signed(acts: Acts) -> None:
    person = acts.person()
    subject = person.name.removeprefix("users/")
    kid = kids(acts)[0]
    for header in ({}, {"kid": kid}, {"kid": "../signing_keys"}, {"kid": "\0"}):
        with pytest.raises(Unauthenticated) as refused:
            read(acts, person.name, acts.identity.mint.token(header, sub=subject))
        assert refused.value.reason == "TOKEN_INVALID"


def read(acts: Acts, name: str, token: str) -> user_pb2.User:
    return acts.identity.call(
        "UserService/GetUser", user_pb2.GetUserRequest(name=name), user_pb2.User, token=token
    )


def test_an_operator_rotates_them_and_what_was_signed_before_is_still_accepted(
    run_service: Callable[..., Running],
) -> None:
    hands = Hands()
    acts = Acts(run_service(IDENTITY, clock=hands))
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    token = acts.token(person.login, company)
    active = ring(acts, hands).signer().kid
    following = next(kid for kid in kids(acts) if kid != active)
    (line,) = told(acts.identity, "rotate-signing-keys")

    assert following == line["kid"] == ring(acts, hands).signer().kid
    assert {active, following} < set(kids(acts))
    assert read(acts, person.name, token) == person
    hands.forward(minutes=2)
    assert read(acts, person.name, acts.token(person.login, company)) == person
    hands.forward(days=1)
    assert active not in kids(acts)


def test_keys_that_somebody_else_may_have_are_forgotten_all_at_once(
    run_service: Callable[..., Running],
) -> None:
    hands = Hands()
    acts = Acts(run_service(IDENTITY, clock=hands))
    before = set(kids(acts))
    (line,) = told(acts.identity, "rotate-signing-keys", "--forget")
    after = kids(acts)

    assert len(before) == len(after) == 2
    assert before.isdisjoint(after)
    assert line["kid"] == ring(acts, hands).signer().kid


def test_their_seals_are_renewed_with_the_data_keys_of_the_platform(acts: Acts, hands: Hands) -> None:
    before = ring(acts, hands).signer().as_dict(private=True)
    told(acts.identity, "vault", "rotate-data-keys", "--older-than", "0", "--of", "-")
    fields = {
        line["field"]: line["under_former_keys"]
        for line in told(acts.identity, "vault", "status")
        if line["event"] == "sealed field"
    }

    assert fields["signing_keys.sealed"] == 0
    assert before == ring(acts, hands).signer().as_dict(private=True)
    with acts.identity.database.administrator() as db:
        versions = db.execute("select distinct substring(sealed from 2 for 4) from signing_keys").fetchall()
    assert versions == [((2).to_bytes(4, "big"),)]
