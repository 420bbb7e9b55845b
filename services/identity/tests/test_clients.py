"""OAuth clients and what people allow them (RFC 6749 2, RFC 8252)."""

from __future__ import annotations

from typing import Any

import pytest

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault, Invalid, NotFound, Unauthenticated
from services.identity.tests.acts import REDIRECT, SECRET, Acts, at_once

CLIENT = oauth_pb2.Client(
    client_id="shown",
    display_name="Shown",
    redirect_uris=[REDIRECT],
    scopes=["openid", "shop.settings.update"],
    grant_types=["authorization_code"],
)


def read(acts: Acts, client_id: str) -> oauth_pb2.Client:
    request = oauth_pb2.GetClientRequest(client_id=client_id)
    return acts.identity.call("OAuthService/GetClient", request, oauth_pb2.Client)


def test_a_registered_client_is_read_back_and_replaced_whole(acts: Acts) -> None:
    registered = acts.put_client(CLIENT)
    replaced = acts.put_client(
        oauth_pb2.Client(
            client_id="shown",
            display_name="Replaced",
            redirect_uris=["https://other.example/"],
            scopes=["shop"],
            grant_types=["authorization_code", "refresh_token"],
            first_party=True,
        ),
        SECRET,
    )

    assert registered == CLIENT
    assert replaced == read(acts, "shown")
    assert (replaced.confidential, replaced.display_name, list(replaced.scopes)) == (
        True,
        "Replaced",
        ["shop"],
    )


@pytest.mark.parametrize("client_id", ["never-registered", "no such\0client", "é", "x" * 128])
def test_an_unknown_client_is_not_found(acts: Acts, client_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        read(acts, client_id)

    assert refused.value.reason == "CLIENT_UNKNOWN"


def test_a_client_registered_again_as_it_is_stays_as_it_is(acts: Acts) -> None:
    assert acts.put_client(CLIENT, SECRET) == acts.put_client(CLIENT, SECRET)


def test_a_client_registered_at_once_by_several_is_there(acts: Acts) -> None:
    client = changed(client_id="at-once")
    ends = at_once(8, lambda: acts.put_client(client))

    assert {end.reason for end in ends if isinstance(end, Fault)} <= {"REGISTERED_AT_ONCE"}
    assert read(acts, "at-once") == client


def test_the_secret_is_kept_as_a_hash(acts: Acts) -> None:
    client = acts.client(secret=SECRET)
    with acts.identity.database.administrator() as db:
        kept = db.execute(
            "select length(secret_digest), strpos(c::text, %s) from clients c where client_id = %s",
            [SECRET, client.client_id],
        ).fetchall()

    assert kept == [(32, 0)]


@pytest.mark.parametrize(
    ("changes", "secret", "field"),
    [
        ({}, "x" * 31, "client_secret"),
        ({"scopes": ["openid", "everything"]}, "", "client.scopes[1]"),
        ({"redirect_uris": [REDIRECT, "http://app.example/callback"]}, "", "client.redirect_uris[1]"),
        ({"redirect_uris": ["https://app.example/callback#part"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["https://app.example/callback#"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["https://user:word@app.example/"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["data:text/html,hello"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["https:///callback"]}, "", "client.redirect_uris[0]"),
        ({"redirect_uris": ["http://localhost.example/"]}, "", "client.redirect_uris[0]"),
    ],
)
def test_refusals_name_the_field(acts: Acts, changes: dict[str, object], secret: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        acts.put_client(changed(**changes), secret)

    assert field in [v.field for v in refused.value.violations]


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example",
        "https://app.example:8443/a?b=c",
        "http://127.0.0.1:9000/callback",
        "http://[::1]/callback",
        "http://localhost/callback",
        "com.example.app:/callback",
    ],
)
def test_apps_of_every_kind_find_a_place_for_answers(acts: Acts, uri: str) -> None:
    assert [uri] == acts.put_client(changed(redirect_uris=[uri])).redirect_uris


@pytest.mark.parametrize(
    ("registered", "shown"), [(SECRET, ""), (SECRET, SECRET + "!"), ("", SECRET), (None, ""), (None, SECRET)]
)
def test_who_proves_nothing_or_the_wrong_thing_is_no_client(
    acts: Acts, registered: str | None, shown: str
) -> None:
    client_id = "never-registered" if registered is None else acts.client(secret=registered).client_id
    pretender = oauth_pb2.ClientCredentials(client_id=client_id, client_secret=shown)
    for act in (
        lambda: acts.redeem(pretender, "any code"),
        lambda: acts.refresh(pretender, "any token"),
        lambda: acts.revoke(pretender, "any token"),
    ):
        with pytest.raises(Unauthenticated) as refused:
            act()
        assert refused.value.reason == "INVALID_CLIENT"


def test_consent_is_remembered_scope_by_scope_for_each_client(acts: Acts) -> None:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    session, client, other = acts.sign_in(person.login), acts.client(), acts.client()

    before = acts.granted(session, client.client_id, "openid")
    acts.code(session, client.client_id, company, scopes=["openid"])
    acts.code(session, client.client_id, company, scopes=["shop"])

    assert not before
    assert acts.granted(session, client.client_id, "openid", "shop")
    assert not acts.granted(session, client.client_id, "openid", "account")
    assert not acts.granted(session, other.client_id, "openid")
    assert not acts.granted(acts.sign_in(acts.person().login), client.client_id, "openid")


def test_a_part_of_the_platform_asks_for_no_consent(acts: Acts) -> None:
    client = acts.client(first_party=True)

    assert acts.granted(acts.sign_in(acts.person().login), client.client_id, "openid")


def changed(**changes: Any) -> oauth_pb2.Client:
    values = {field.name: value for field, value in CLIENT.ListFields()}
    return oauth_pb2.Client(**{**values, **changes})
