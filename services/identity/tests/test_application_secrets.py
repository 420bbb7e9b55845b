"""Secrets of applications: shown once, two valid at a change, made only by those who just proved who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from comptoir.identity.v1 import application_pb2
from services.chassis.errors import Precondition, Unauthenticated
from services.identity.tests.acts import Acts, Hands
from services.identity.tests.registering import Registrant, by_itself, jwks, registrant

KEY = ECKey.generate_key("P-256", {"kid": "one"})
SIGNS = application_pb2.CLIENT_AUTHENTICATION_PRIVATE_KEY
PUBLIC = application_pb2.CLIENT_AUTHENTICATION_NONE
BY_ITSELF: dict[str, Any] = {
    "redirect_uris": [],
    "grant_types": ["client_credentials"],
    "scopes": ["shop.read"],
}


def test_a_secret_is_shown_once_and_the_former_lives_as_long_as_asked(acts: Acts, hands: Hands) -> None:
    fresh = registrant(acts)
    made = fresh.register()
    first = fresh.secret(made.name)
    second = fresh.secret(made.name, timedelta(hours=1))
    by_itself(acts, first)
    by_itself(acts, second)
    shown = fresh.get(made.name)

    assert first.client_secret != second.client_secret
    assert second.client_secret not in str(shown)
    assert shown.former_secret.expire_time.ToSeconds() == int(hands().timestamp()) + 3600
    assert shown.secret.HasField("last_use_time")
    assert shown.former_secret.HasField("last_use_time")
    hands.forward(minutes=61)
    with pytest.raises(Unauthenticated):
        by_itself(acts, first)
    by_itself(acts, second)
    later = registrant(acts, company=fresh.company)
    assert not later.get(made.name).HasField("former_secret")
    third = later.secret(made.name)
    with pytest.raises(Unauthenticated):
        by_itself(acts, second)
    by_itself(acts, third)


def test_a_secret_asks_for_fresh_proof_and_so_do_other_keys_and_where_people_are_sent(
    acts: Acts, hands: Hands
) -> None:
    late = registrant(acts)
    made, signing = late.register(), late.register(client_authentication=SIGNS, jwks=jwks(KEY))
    code = acts.sign_in(late.person.login)
    client = acts.client(scopes=["applications", "shop", "users"])
    first = acts.redeem(
        client, acts.code(code, client.client_id, late.company, scopes=["applications", "shop", "users"])
    )
    hands.forward(minutes=6)
    stale = Registrant(
        acts, late.person, late.company, acts.refresh(client, first.refresh_token).access_token
    )

    for act in (
        lambda: stale.secret(made.name),
        lambda: stale.update(signing.name, jwks=jwks(ECKey.generate_key("P-256", auto_kid=True))),
        lambda: stale.register(client_authentication=SIGNS, jwks=jwks(KEY), **BY_ITSELF),
        lambda: stale.register(),
    ):
        with pytest.raises(Unauthenticated) as refused:
            act()
        assert refused.value.reason == "INSUFFICIENT_USER_AUTHENTICATION"
    assert stale.update(signing.name, display_name="Other").display_name == "Other"
    assert stale.register(**BY_ITSELF).client_id


def test_one_that_signs_or_is_public_has_no_secret(acts: Acts) -> None:
    owner = registrant(acts)
    signing = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    public = owner.register(client_authentication=PUBLIC, grant_types=["authorization_code"])

    for made in (signing, public):
        with pytest.raises(Precondition) as refused:
            owner.secret(made.name)
        assert refused.value.reason == "NO_CLIENT_SECRET"
