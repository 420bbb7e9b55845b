"""Authorization codes (RFC 6749 4.1, RFC 7636): bound, short-lived, single use."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from comptoir.identity.v1 import oauth_pb2, user_pb2
from services.chassis.caller import Kind
from services.chassis.errors import Denied, Fault, Invalid, Precondition, Unauthenticated
from services.chassis.signing_keys import SigningKeys
from services.chassis.testing.tokens import ISSUER
from services.chassis.tokens import TokenVerifier
from services.identity.oauth.codes import s256
from services.identity.tests.acts import REDIRECT, SCOPES, SECRET, VERIFIER, Acts, Hands, at_once


@dataclass(frozen=True)
class Scene:
    """A person, signed in, with a place in a company, before a client."""

    acts: Acts
    person: user_pb2.User
    company: str
    session: str
    client: oauth_pb2.ClientCredentials

    def code(self, **changes: object) -> str:
        return self.acts.code(self.session, self.client.client_id, **{"company": self.company, **changes})  # type: ignore[arg-type]

    def redeem(self, code: str, **changes: str) -> oauth_pb2.TokenSet:
        return self.acts.redeem(self.client, code, **changes)


def scene(acts: Acts, **client: object) -> Scene:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name, "ROLE_DEVELOPER", ["12345678", "87654321"])
    return Scene(acts, person, company, acts.sign_in(person.login), acts.client(**client))  # type: ignore[arg-type]


@pytest.fixture
def here(acts: Acts) -> Scene:
    return scene(acts)


def verifier_of(acts: Acts, hands: Hands) -> TokenVerifier:
    """As every other service verifies: with the published keys."""
    import json

    return TokenVerifier(ISSUER, SigningKeys(lambda: json.dumps(acts.jwks())).find, hands)


def test_the_challenge_is_that_of_the_rfc() -> None:
    assert s256(VERIFIER) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_gives_an_access_token_that_other_services_accept(here: Scene, hands: Hands) -> None:
    tokens = here.redeem(here.code())
    caller = verifier_of(here.acts, hands).verify(tokens.access_token)

    assert (caller.kind, caller.subject) == (Kind.MERCHANT, here.person.name.removeprefix("users/"))
    assert f"companies/{caller.company}" == here.company
    assert caller.shops == frozenset({"12345678", "87654321"})
    assert "shop.keys.manage" in caller.rights
    assert "users.read" not in caller.rights
    assert sorted(SCOPES) == sorted(caller.scopes) == sorted(tokens.scopes)
    assert caller.client_id == here.client.client_id
    assert tokens.expires_in_seconds == 300


def test_an_access_token_lives_five_minutes(here: Scene, hands: Hands) -> None:
    token, verifier = here.redeem(here.code()).access_token, verifier_of(here.acts, hands)
    claims = here.acts.claims(token)
    hands.forward(minutes=5, seconds=4)
    verifier.verify(token)
    hands.forward(seconds=2)

    assert claims["exp"] - claims["iat"] == 300
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(token)
    assert refused.value.reason == "TOKEN_EXPIRED"


def test_the_id_token_says_who_signed_in_when_and_to_whom(here: Scene, hands: Hands) -> None:
    signed_in = int(hands.now.timestamp())
    hands.forward(seconds=20)
    tokens = here.redeem(here.code(nonce="n-0S6_WzA2Mj"))
    access, claims = here.acts.claims(tokens.access_token), here.acts.claims(tokens.id_token)
    half = hashlib.sha256(tokens.access_token.encode()).digest()[:16]

    assert claims == {
        "iss": ISSUER,
        "sub": here.person.name.removeprefix("users/"),
        "aud": here.client.client_id,
        "iat": signed_in + 20,
        "exp": signed_in + 320,
        "auth_time": signed_in,
        "acr": "urn:comptoir:acr:1fa",
        "amr": ["pwd"],
        "nonce": "n-0S6_WzA2Mj",
        "sid": access["sid"],
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
    }


def test_an_id_token_is_no_access_token(here: Scene, hands: Hands) -> None:
    with pytest.raises(Unauthenticated):
        verifier_of(here.acts, hands).verify(here.redeem(here.code()).id_token)


def test_without_openid_there_is_no_id_token_and_without_the_grant_type_no_refresh_token(acts: Acts) -> None:
    there = scene(acts, grant_types=["authorization_code"])
    tokens = there.redeem(there.code(scopes=["shop"]))

    assert (tokens.id_token, tokens.refresh_token, list(tokens.scopes)) == ("", "", ["shop"])


def test_staff_without_a_company_is_an_operator(acts: Acts, hands: Hands) -> None:
    caller = verifier_of(acts, hands).verify(acts.token(acts.person(operator=True).login))

    assert (caller.kind, caller.company, caller.shops) == (Kind.OPERATOR, None, None)
    assert "platform.companies.open" in caller.rights


def test_staff_with_a_place_in_a_company_is_there_what_the_place_says(acts: Acts, hands: Hands) -> None:
    person, company = acts.person(operator=True), acts.company()
    acts.place(company, person.name, "ROLE_READER")
    caller = verifier_of(acts, hands).verify(acts.token(person.login, company))

    assert caller.kind == Kind.MERCHANT
    assert "platform.companies.open" not in caller.rights


@pytest.mark.parametrize(
    "changes",
    [
        {"verifier": "w" + VERIFIER[1:]},
        {"verifier": ""},
        {"verifier": "plain"},
        {"verifier": s256(VERIFIER)},
        {"verifier": VERIFIER[:42]},
        {"verifier": VERIFIER + "\n"},
        {"verifier": "é" * 43},
        {"redirect_uri": ""},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT.upper()},
        {"redirect_uri": REDIRECT + "?a=b"},
        {"redirect_uri": "https://second.example/callback"},
    ],
)
def test_a_code_is_nothing_without_its_verifier_and_redirect_uri(acts: Acts, changes: dict[str, str]) -> None:
    there = scene(acts, redirect_uris=[REDIRECT, "https://second.example/callback"])
    code = there.code()
    with pytest.raises(Precondition) as refused:
        there.redeem(code, **changes)

    assert refused.value.reason == "INVALID_GRANT"
    assert there.redeem(code).access_token


def test_verifiers_as_short_and_as_long_as_the_rfc_allows_do(here: Scene) -> None:
    for verifier in ("v" * 43, "~" * 128):
        assert here.redeem(here.code(code_challenge=s256(verifier)), verifier=verifier).access_token
    with pytest.raises(Precondition):
        here.redeem(here.code(code_challenge=s256("v" * 129)), verifier="v" * 129)


def test_a_code_is_worth_nothing_to_another_client(here: Scene) -> None:
    code, other = here.code(), here.acts.client(secret=SECRET)
    with pytest.raises(Precondition):
        here.acts.redeem(other, code)

    assert here.redeem(code).access_token


def test_a_code_lives_sixty_seconds(here: Scene, hands: Hands) -> None:
    early, late = here.code(), here.code()
    hands.forward(seconds=59)
    assert here.redeem(early).access_token
    hands.forward(seconds=1)
    with pytest.raises(Precondition) as refused:
        here.redeem(late)

    assert refused.value.reason == "INVALID_GRANT"


def test_no_other_value_passes_for_a_code(here: Scene) -> None:
    tokens = here.redeem(here.code())
    for value in ("", "made up", "\0", here.session, tokens.refresh_token, tokens.access_token[:256]):
        with pytest.raises(Precondition) as refused:
            here.redeem(value)
        assert refused.value.reason == "INVALID_GRANT"


def test_a_code_of_a_lost_place_gives_nothing(here: Scene) -> None:
    code = here.code()
    operator = here.acts.token(here.acts.person(operator=True).login)
    here.acts.leave(f"{here.company}/memberships/{here.person.name.removeprefix('users/')}", operator)
    with pytest.raises(Precondition) as refused:
        here.redeem(code)

    assert refused.value.reason == "INVALID_GRANT"


def test_of_twenty_redemptions_at_once_exactly_one_succeeds(here: Scene) -> None:
    code = here.code()
    ends = at_once(20, lambda: here.redeem(code))
    refused = [end for end in ends if isinstance(end, Fault)]

    assert [fault.reason for fault in refused] == ["INVALID_GRANT"] * 19


def test_those_who_lose_a_race_leave_the_winner_what_it_got_and_a_later_replay_does_not(
    here: Scene, hands: Hands
) -> None:
    grant = oauth_pb2.AuthorizationCodeGrant(code=here.code(), redirect_uri=REDIRECT, code_verifier=VERIFIER)
    grant.receive_time.FromDatetime(hands())
    request = oauth_pb2.RedeemGrantRequest(client=here.client, authorization_code=grant)

    def redeem() -> oauth_pb2.TokenSet:
        return here.acts.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)

    ends = at_once(20, redeem)
    (won,) = [end for end in ends if not isinstance(end, Fault)]
    refreshed = here.acts.refresh(here.client, won.refresh_token)

    hands.forward(seconds=1)
    grant.receive_time.FromDatetime(hands())
    request.authorization_code.CopyFrom(grant)
    with pytest.raises(Precondition):
        redeem()
    with pytest.raises(Precondition):
        here.acts.refresh(here.client, refreshed.refresh_token)


def test_a_replayed_code_revokes_what_it_gave_though_the_replay_is_refused(here: Scene) -> None:
    code = here.code()
    tokens = here.redeem(code)
    other = here.redeem(here.code())
    refreshed = here.acts.refresh(here.client, tokens.refresh_token)
    with pytest.raises(Precondition):
        here.redeem(code)
    for token in (tokens.refresh_token, refreshed.refresh_token):
        with pytest.raises(Precondition):
            here.acts.refresh(here.client, token)

    assert here.acts.refresh(here.client, other.refresh_token).access_token


def test_a_replay_by_another_client_revokes_nothing(here: Scene) -> None:
    code = here.code()
    tokens = here.redeem(code)
    with pytest.raises(Precondition):
        here.acts.redeem(here.acts.client(), code)

    assert here.acts.refresh(here.client, tokens.refresh_token).access_token


def test_a_replay_long_after_still_revokes(here: Scene, hands: Hands) -> None:
    code = here.code()
    tokens = here.redeem(code)
    hands.forward(minutes=10)
    with pytest.raises(Precondition):
        here.redeem(code)
    with pytest.raises(Precondition):
        here.acts.refresh(here.client, tokens.refresh_token)


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"redirect_uri": REDIRECT + "/"}, Invalid, "INVALID_REDIRECT_URI"),
        ({"redirect_uri": "https://elsewhere.example/"}, Invalid, "INVALID_REDIRECT_URI"),
        ({"scopes": ["openid", "inbox"]}, Invalid, "INVALID_SCOPE"),
        ({"scopes": []}, Invalid, "INVALID_SCOPE"),
        ({"company": ""}, Denied, "NOT_A_MEMBER"),
        ({"company": "companies/-"}, Invalid, "INVALID"),
        ({"company": "companies/neverregistered"}, Denied, "NOT_A_MEMBER"),
        ({"nonce": "once\0"}, Invalid, "INVALID"),
        ({"code_challenge": "too short"}, Invalid, "INVALID"),
        ({"code_challenge": ""}, Invalid, "INVALID"),
    ],
)
def test_no_code_is_issued_for_what_may_not_be_asked(
    here: Scene, changes: dict[str, object], kind: type[Fault], reason: str
) -> None:
    with pytest.raises(kind) as refused:
        here.code(**changes)

    assert refused.value.reason == reason


def test_no_code_is_issued_for_a_company_of_others(here: Scene) -> None:
    theirs = here.acts.company()
    here.acts.place(theirs, here.acts.person().name)
    with pytest.raises(Denied):
        here.code(company=theirs)


def test_no_code_is_issued_without_a_live_session(here: Scene) -> None:
    for use in (
        lambda: here.acts.code("never a session", here.client.client_id, here.company),
        lambda: here.acts.granted("never a session", here.client.client_id, "openid"),
        _after(lambda: here.acts.end(here.session), here.code),
    ):
        with pytest.raises(Unauthenticated) as refused:
            use()
        assert refused.value.reason == "SESSION_ENDED"


def _after(first: Callable[[], None], then: Callable[[], object]) -> Callable[[], object]:
    def both() -> object:
        first()
        return then()

    return both


def test_a_grant_type_that_was_not_registered_is_refused(acts: Acts) -> None:
    there = scene(acts, grant_types=["refresh_token"])
    for act in (there.code, lambda: there.redeem("any"), lambda: scene_refresh(acts)):
        with pytest.raises(Invalid) as refused:
            act()
        assert refused.value.reason == "UNAUTHORIZED_CLIENT"


def scene_refresh(acts: Acts) -> None:
    acts.refresh(acts.client(grant_types=["authorization_code"]), "any")
