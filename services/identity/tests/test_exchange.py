"""Going on in another company by token exchange: the same sign-in, membership as it is now, nothing kept (ID7)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from comptoir.identity.v1 import membership_pb2, oauth_pb2
from services.chassis.errors import Denied, Fault, Invalid
from services.identity.oauth.clients import TOKEN_EXCHANGE
from services.identity.tests.acts import SECRET, Acts, Hands
from services.identity.tests.registering import by_itself, registrant

GRANTS = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]
SCOPES = ["openid", "shop", "users"]


def exchange(
    acts: Acts, client: oauth_pb2.ClientCredentials, token: str, company: str, *scopes: str
) -> oauth_pb2.TokenSet:
    grant = oauth_pb2.TokenExchangeGrant(subject_token=token, company=company, scopes=scopes)
    request = oauth_pb2.RedeemGrantRequest(client=client, token_exchange=grant)
    return acts.identity.call("OAuthService/RedeemGrant", request, oauth_pb2.TokenSet)


class Encounter:
    """A person of two companies who has signed in to an application for the first of them."""

    def __init__(self, acts: Acts, **client: Any) -> None:
        self.acts, self.person = acts, acts.person()
        self.first, self.second = acts.company(), acts.company()
        acts.place(self.first, self.person.name)
        self.place = acts.place(self.second, self.person.name, "ROLE_READER")
        self.client = acts.client(grant_types=GRANTS, scopes=SCOPES, **client)
        self.session = acts.sign_in(self.person.login)
        code = acts.code(self.session, self.client.client_id, self.first, scopes=SCOPES)
        self.tokens = acts.redeem(self.client, code)

    def exchange(self, company: str, *scopes: str) -> oauth_pb2.TokenSet:
        return exchange(self.acts, self.client, self.tokens.access_token, company, *scopes)


@pytest.mark.parametrize("secret", ["", SECRET])
def test_a_person_goes_on_in_another_company_by_the_same_sign_in(acts: Acts, secret: str) -> None:
    met = Encounter(acts, secret=secret)
    tokens = met.exchange(met.second)
    before, after = acts.claims(met.tokens.access_token), acts.claims(tokens.access_token)

    assert (tokens.refresh_token, tokens.id_token) == ("", "")
    assert (after["company"], after["role"]) == (met.second.removeprefix("companies/"), "reader")
    for name in ("sub", "sid", "auth_time", "client_id", "scope"):
        assert after[name] == before[name]
    assert acts.claims(met.exchange(met.first, "shop").access_token)["scope"] == "shop"
    assert exchange(acts, met.client, tokens.access_token, met.first).access_token


def test_what_was_revoked_is_exchanged_for_nothing(acts: Acts) -> None:
    met = Encounter(acts)
    assert met.exchange(met.second).access_token
    acts.revoke(met.client, met.tokens.access_token)
    with pytest.raises(Invalid) as refused:
        met.exchange(met.second)

    assert refused.value.reason == "INVALID_SUBJECT_TOKEN"


def test_an_exchange_gains_no_time(acts: Acts, hands: Hands) -> None:
    """Or one stolen token would be good as long as the sign-in, whatever was revoked."""
    met = Encounter(acts)
    hands.forward(minutes=4)
    tokens = met.exchange(met.second)
    again = exchange(acts, met.client, tokens.access_token, met.first)
    end = acts.claims(met.tokens.access_token)["exp"]

    assert [acts.claims(each.access_token)["exp"] for each in (tokens, again)] == [end, end]
    assert 0 < tokens.expires_in_seconds <= 60
    hands.forward(minutes=2)
    with pytest.raises(Invalid) as refused:
        exchange(acts, met.client, again.access_token, met.second)
    assert refused.value.reason == "INVALID_SUBJECT_TOKEN"


def test_what_is_not_given_is_not_got_by_exchange(acts: Acts) -> None:
    met, other = Encounter(acts), acts.client(grant_types=GRANTS)
    owner = registrant(acts)
    made = owner.register()
    own = by_itself(acts, owner.secret(made.name)).access_token
    closed = acts.client(scopes=SCOPES)

    def ends(act: Any) -> str:
        with pytest.raises(Fault) as refused:
            act()
        return refused.value.reason

    assert [
        ends(lambda: met.exchange(acts.company())),
        ends(lambda: met.exchange("companies/unknown")),
        ends(lambda: met.exchange(met.second, "inbox")),
        ends(lambda: exchange(acts, other, met.tokens.access_token, met.second)),
        ends(lambda: exchange(acts, met.client, own, met.second)),
        ends(lambda: exchange(acts, met.client, met.tokens.id_token, met.second)),
        ends(lambda: exchange(acts, met.client, met.tokens.refresh_token, met.second)),
        ends(lambda: exchange(acts, closed, met.tokens.access_token, met.second)),
    ] == [
        "NOT_A_MEMBER",
        "NOT_A_MEMBER",
        "INVALID_SCOPE",
        "INVALID_SUBJECT_TOKEN",
        "INVALID_SUBJECT_TOKEN",
        "INVALID_SUBJECT_TOKEN",
        "INVALID_SUBJECT_TOKEN",
        "UNAUTHORIZED_CLIENT",
    ]


@pytest.mark.parametrize("company", ["", "x", "pr5k42ylrdtgfwy6eziq", "companies/ABC", "companies/a/shops/1"])
def test_what_is_no_name_of_a_company_is_said_to_be_none(acts: Acts, company: str) -> None:
    with pytest.raises(Invalid) as refused:
        Encounter(acts).exchange(company)

    assert [violation.field for violation in refused.value.violations] == ["token_exchange.company"]


def test_membership_and_session_count_as_they_are_now(acts: Acts) -> None:
    met = Encounter(acts)
    owner = acts.person()
    acts.place(met.second, owner.name)
    request = membership_pb2.SuspendMembershipRequest(name=met.place.name)
    acts.identity.call(
        "MembershipService/SuspendMembership",
        request,
        membership_pb2.Membership,
        token=acts.token(owner.login, met.second),
    )
    with pytest.raises(Denied):
        met.exchange(met.second)
    assert met.exchange(met.first).access_token
    acts.end(met.session)
    with pytest.raises(Invalid) as refused:
        met.exchange(met.first)
    assert refused.value.reason == "INVALID_SUBJECT_TOKEN"


def test_an_exchange_takes_five_statements(acts: Acts) -> None:
    met, sent = Encounter(acts), []
    engine = acts.identity.resources.database.engine

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    met.exchange(met.second)
    event.listen(engine, "before_cursor_execute", count)
    try:
        met.exchange(met.second)
    finally:
        event.remove(engine, "before_cursor_execute", count)

    # Client, session, place, what the company asks of members; the scope, which the driver sets, is the fifth.
    assert len(sent) == 4, sent
