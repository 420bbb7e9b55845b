"""Companies register applications of their own, within what whoever registers them holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from comptoir.identity.v1 import application_pb2, membership_pb2, oauth_pb2, user_pb2
from services.chassis.errors import Denied, Fault, Invalid, NotFound, Stale, Unauthenticated
from services.identity.tests.acts import REDIRECT, Acts, Hands
from services.identity.tests.registering import Registrant, by_itself, jwks, registrant, signed, token

KEY = ECKey.generate_key("P-256", {"kid": "one"})
SIGNS = application_pb2.CLIENT_AUTHENTICATION_PRIVATE_KEY
PUBLIC = application_pb2.CLIENT_AUTHENTICATION_NONE


@pytest.fixture(scope="module")
def owner(acts: Acts) -> Registrant:
    return registrant(acts)


def test_an_application_gets_tokens_for_itself_in_its_company(acts: Acts, owner: Registrant) -> None:
    made = owner.register()
    tokens = by_itself(acts, owner.secret(made.name))
    claims = acts.claims(tokens.access_token)

    assert made.name == f"{owner.company}/applications/{made.client_id}"
    assert (claims["sub"], claims["client_id"]) == (made.client_id, made.client_id)
    assert f"companies/{claims['company']}" == owner.company
    assert (claims["scope"], claims["shops"]) == ("shop.read users.read", "all")
    assert (claims["exp"] - claims["iat"], tokens.expires_in_seconds) == (300, 300)
    assert claims.keys().isdisjoint({"role", "sid", "auth_time"})
    assert (tokens.refresh_token, tokens.id_token) == ("", "")
    listed = acts.identity.call(
        "MembershipService/ListMemberships",
        membership_pb2.ListMembershipsRequest(parent=owner.company),
        membership_pb2.ListMembershipsResponse,
        token=tokens.access_token,
    )
    assert len(listed.memberships) == 1


def test_a_token_of_its_own_reaches_no_other_company_nothing_of_people_and_no_rights(
    acts: Acts, owner: Registrant
) -> None:
    made = owner.register(scopes=["users", "applications"])
    own = by_itself(acts, owner.secret(made.name)).access_token
    other = registrant(acts)
    member = f"{owner.company}/memberships/{owner.person.name.removeprefix('users/')}"

    def ends(method: str, request: Any) -> str:
        with pytest.raises(Fault) as refused:
            acts.identity.call(method, request, object, token=own)  # type: ignore[type-var]
        return refused.value.reason

    assert [
        ends(
            "MembershipService/ListMemberships", membership_pb2.ListMembershipsRequest(parent=other.company)
        ),
        ends("UserService/GetUser", user_pb2.GetUserRequest(name=owner.person.name)),
        ends("MembershipService/SuspendMembership", membership_pb2.SuspendMembershipRequest(name=member)),
        ends(
            "ApplicationService/DeleteApplication", application_pb2.DeleteApplicationRequest(name=made.name)
        ),
        ends(
            "ApplicationService/GenerateApplicationSecret",
            application_pb2.GenerateApplicationSecretRequest(name=made.name),
        ),
    ] == ["NOT_FOUND", "NOT_FOUND", "PERMISSION_DENIED", "PERMISSION_DENIED", "PERMISSION_DENIED"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": ["http://app.example/callback"]}, "application.redirect_uris[0]"),
        ({"redirect_uris": ["https://app.example/#here"]}, "application.redirect_uris[0]"),
        ({"redirect_uris": []}, "application.redirect_uris"),
        ({"scopes": ["openid", "account"]}, "application.scopes[1]"),
        ({"scopes": ["platform"]}, "application.scopes[0]"),
        ({"scopes": ["platform.companies.open"]}, "application.scopes[0]"),
        ({"scopes": ["shops"]}, "application.scopes[0]"),
        ({"scopes": ["openid", "email"]}, "application.scopes"),
        ({"scopes": []}, "application.scopes"),
        ({"grant_types": ["password"]}, "application.grant_types[0]"),
        ({"grant_types": ["refresh_token", "client_credentials"]}, "application.grant_types"),
        ({"grant_types": ["client_credentials"], "client_authentication": PUBLIC}, "application.grant_types"),
        ({"client_authentication": SIGNS}, "application.jwks"),
        ({"jwks": jwks(KEY)}, "application.jwks"),
        ({"shop_ids": ["11111111"]}, "application.shop_ids"),
        ({"display_name": "Two\nlines"}, "application.display_name"),
        ({"client_authentication": 9}, "application.client_authentication"),
    ],
)
def test_what_breaks_a_rule_is_named(owner: Registrant, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        owner.register(**changes)

    assert field in {violation.field for violation in refused.value.violations}


BAD_KEY_SETS = {
    "no JSON": "no JSON",
    "no set": "[]",
    "no key": '{"keys": []}',
    "a private key": json.dumps({"keys": [KEY.as_dict(private=True)]}),
    "a shared secret": json.dumps({"keys": [OctKey.generate_key(256).as_dict(private=True)]}),
    "another curve": jwks(ECKey.generate_key("P-384")),
    "one key twice": jwks(KEY, KEY),
    "too many keys": json.dumps({"keys": [KEY.as_dict(private=False)] * 6}),
    "a type that is none": '{"keys": [{"kty": ["EC"]}]}',
    "no algorithm": json.dumps({"keys": [{**KEY.as_dict(private=False), "alg": "none"}]}),
    "another use": json.dumps({"keys": [{**KEY.as_dict(private=False), "use": "enc"}]}),
    "no point of the curve": json.dumps({"keys": [{**KEY.as_dict(private=False), "x": "AAAA"}]}),
    "half a key": json.dumps({"keys": [{"kty": "EC", "crv": "P-256"}]}),
    "a short key": json.dumps({"keys": [RSAKey.generate_key(1024, auto_kid=True).as_dict(private=False)]}),
    "an odd exponent": json.dumps(
        {"keys": [{**RSAKey.generate_key(2048, auto_kid=True).as_dict(private=False), "e": "Aw"}]}
    ),
    "nothing but brackets": "[" * 5000,
}


@pytest.mark.parametrize("text", BAD_KEY_SETS.values(), ids=BAD_KEY_SETS)
def test_only_public_keys_of_known_strength_are_registered(owner: Registrant, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        owner.register(client_authentication=SIGNS, jwks=text)

    assert {violation.field for violation in refused.value.violations} == {"application.jwks"}
    assert str(KEY.as_dict(private=True)["d"]) not in str(refused.value)


def test_nobody_gives_an_application_what_they_lack(acts: Acts, owner: Registrant) -> None:
    developer = registrant(acts, "ROLE_DEVELOPER", owner.company, shop_ids=["11111111"])
    reader = registrant(acts, "ROLE_READER", owner.company)
    narrow = Registrant(
        acts,
        owner.person,
        owner.company,
        token(acts, owner.person, owner.company, "applications", "shop.read"),
    )

    def ends(who: Registrant, **changes: Any) -> tuple[str, str]:
        with pytest.raises(Denied) as refused:
            who.register(**changes)
        told = refused.value.metadata
        return refused.value.reason, told.get("permission", told.get("scope", ""))

    assert ends(developer, scopes=["shop"], all_shops=False)[1] == "shop.history.read"
    assert ends(developer, scopes=["shop.read"], all_shops=True) == ("SHOPS_NOT_REACHED", "")
    assert ends(developer, scopes=["shop.read"], all_shops=False, shop_ids=["22222222"]) == (
        "SHOPS_NOT_REACHED",
        "",
    )
    assert ends(reader, scopes=["shop.read"]) == ("PERMISSION_DENIED", "applications.manage")
    assert ends(narrow, scopes=["shop.keys.reveal"]) == ("INSUFFICIENT_SCOPE", "shop.keys.reveal")
    assert developer.register(scopes=["shop.read"], all_shops=False, shop_ids=["11111111"]).scopes == [
        "shop.read"
    ]


def test_nobody_touches_an_application_that_holds_more_than_they_do(acts: Acts, owner: Registrant) -> None:
    developer = registrant(acts, "ROLE_DEVELOPER", owner.company)
    powerful = owner.register(scopes=["shop", "users.read"])

    for act in (
        lambda: developer.secret(powerful.name),
        lambda: developer.update(powerful.name, display_name="Mine"),
        lambda: developer.suspend(powerful.name),
        lambda: developer.delete(powerful.name),
    ):
        with pytest.raises(Denied):
            act()
    assert developer.get(powerful.name).display_name == "Order system"


def test_another_companys_application_is_one_that_is_not_there(acts: Acts, owner: Registrant) -> None:
    made, other = owner.register(), registrant(acts)

    for name in (made.name, made.name.replace(owner.company, other.company)):
        for act in (other.get, other.delete, other.suspend, other.secret):
            with pytest.raises(NotFound) as refused:
                act(name)
            assert refused.value.message == f"There is no {name}."


def test_an_update_changes_what_the_mask_names_and_needs_the_present_version(owner: Registrant) -> None:
    made = owner.register()
    changed = owner.update(made.name, made.etag, scopes=["users.read"], display_name="Reporting")

    assert (changed.display_name, list(changed.scopes)) == ("Reporting", ["users.read"])
    assert list(changed.redirect_uris) == [REDIRECT]
    assert owner.update(made.name, changed.etag, display_name="Reporting").etag == changed.etag
    with pytest.raises(Stale):
        owner.update(made.name, made.etag, display_name="Late")
    with pytest.raises(Invalid):
        owner.update(made.name, client_authentication=PUBLIC)


def test_a_suspended_or_removed_application_gets_nothing_and_writes_nothing(
    acts: Acts, owner: Registrant
) -> None:
    made = owner.register(scopes=["users.read"])
    client = owner.secret(made.name)
    owner.suspend(made.name)
    with pytest.raises(Unauthenticated) as refused:
        by_itself(acts, client)
    assert refused.value.reason == "INVALID_CLIENT"
    owner.resume(made.name)
    assert by_itself(acts, client).access_token
    owner.delete(made.name)
    with pytest.raises(Unauthenticated):
        by_itself(acts, client)
    with pytest.raises(NotFound):
        owner.get(made.name)


def test_what_a_person_writes_through_an_application_ends_with_it(acts: Acts, owner: Registrant) -> None:
    made = owner.register(scopes=["applications", "shop.read"])
    client = owner.secret(made.name)
    code = acts.code(
        acts.sign_in(owner.person.login), made.client_id, owner.company, scopes=["applications", "shop.read"]
    )
    through = Registrant(acts, owner.person, owner.company, acts.redeem(client, code).access_token)
    second = through.register(scopes=["shop.read"])
    owner.update(made.name, scopes=["shop.read"])
    with pytest.raises(Denied) as narrowed:
        through.delete(second.name)
    owner.update(made.name, scopes=["applications", "shop.read"])
    owner.suspend(made.name)
    with pytest.raises(Unauthenticated) as ended:
        through.delete(second.name)

    assert (narrowed.value.reason, ended.value.reason) == ("INSUFFICIENT_SCOPE", "APPLICATION_ENDED")
    request = application_pb2.ListApplicationChangesRequest(parent=second.name)
    change = owner.call(
        "ListApplicationChanges", request, application_pb2.ListApplicationChangesResponse
    ).changes[0]
    assert (change.actor, change.client) == (owner.person.name, made.client_id)


def test_an_application_acts_in_the_company_that_registered_it_and_nowhere_else(
    acts: Acts, owner: Registrant
) -> None:
    made, elsewhere = owner.register(), acts.company()
    acts.place(elsewhere, owner.person.name)
    session = acts.sign_in(owner.person.login)
    client = acts.identity.call(
        "OAuthService/GetClient", oauth_pb2.GetClientRequest(client_id=made.client_id), oauth_pb2.Client
    )

    with pytest.raises(Denied) as refused:
        acts.code(session, made.client_id, elsewhere, scopes=["shop.read"])
    assert refused.value.reason == "NOT_A_MEMBER"
    assert (client.company, client.company_display_name) == (owner.company, "Les Halles du Port")


def test_the_record_says_who_registered_what_and_no_secret(acts: Acts, owner: Registrant) -> None:
    made = owner.register()
    secret = owner.secret(made.name).client_secret
    request = application_pb2.ListApplicationChangesRequest(parent=made.name)
    changes = owner.call(
        "ListApplicationChanges", request, application_pb2.ListApplicationChangesResponse
    ).changes

    assert [change.actor for change in changes] == [owner.person.name] * 2
    assert changes[0].fields == ["secret.fingerprint"]
    assert dict(changes[0].after) == {"secret.fingerprint": owner.get(made.name).secret.fingerprint}
    assert secret not in str(changes)


def test_applications_are_listed_page_by_page(acts: Acts) -> None:
    many = registrant(acts)
    names = {many.register().name for _ in range(3)}
    found: set[str] = set()
    page = ""
    while True:
        request = application_pb2.ListApplicationsRequest(parent=many.company, page_size=2, page_token=page)
        answer = many.call("ListApplications", request, application_pb2.ListApplicationsResponse)
        found |= {each.name for each in answer.applications}
        page = answer.next_page_token
        if not page:
            break

    assert found == names


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": "https://gateway.test/"},
        {"aud": ["https://gateway.test", "https://elsewhere.example"]},
        {"aud": None},
        {"iss": "demo-app"},
        {"sub": "demo-app"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 300},
        {"exp": None},
        {"exp": True},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"exp": 10**30},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"header": {"kid": "two"}},
        {"header": {"typ": "at+jwt"}},
        {"header": {"crit": ["exp"]}},
        {"header": {"jku": "https://app.example/jwks"}},
    ],
    ids=str,
)
def test_an_assertion_that_is_not_in_order_lets_nobody_in(
    acts: Acts, owner: Registrant, hands: Hands, changes: dict[str, Any]
) -> None:
    made = owner.register(client_authentication=SIGNS, jwks=jwks(KEY))
    with pytest.raises(Unauthenticated) as refused:
        by_itself(acts, signed(acts, made.client_id, KEY, hands().timestamp(), **changes))

    assert refused.value.reason == "INVALID_CLIENT"
