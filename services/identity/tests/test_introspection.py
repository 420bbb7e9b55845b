"""What a token stands for is told to the client that got it, as it is at the moment, and to nobody else."""

from __future__ import annotations

import pytest

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Unauthenticated
from services.identity.tests.acts import SECRET, Acts
from services.identity.tests.registering import by_itself, registrant


def introspect(
    acts: Acts, client: oauth_pb2.ClientCredentials, token: str
) -> oauth_pb2.IntrospectTokenResponse:
    request = oauth_pb2.IntrospectTokenRequest(client=client, token=token)
    return acts.identity.call("OAuthService/IntrospectToken", request, oauth_pb2.IntrospectTokenResponse)


def test_tokens_of_a_person_are_good_as_long_as_their_session(acts: Acts) -> None:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    client, other = acts.client(secret=SECRET), acts.client(secret=SECRET)
    session = acts.sign_in(person.login)
    tokens = acts.redeem(client, acts.code(session, client.client_id, company))
    access = introspect(acts, client, tokens.access_token)
    refresh = introspect(acts, client, tokens.refresh_token)
    claims = acts.claims(tokens.access_token)

    assert (access.active, access.token_type, access.company) == (True, "access_token", company)
    assert (access.subject, access.token_id) == (claims["sub"], claims["jti"])
    assert (access.expire_time.seconds, access.issue_time.seconds) == (claims["exp"], claims["iat"])
    assert (refresh.active, refresh.token_type, refresh.subject) == (True, "refresh_token", claims["sub"])
    nothing = oauth_pb2.IntrospectTokenResponse()
    assert [introspect(acts, other, each) for each in (tokens.access_token, tokens.refresh_token)] == [
        nothing
    ] * 2
    assert introspect(acts, client, tokens.access_token + "x") == nothing
    acts.revoke(client, tokens.refresh_token)
    assert introspect(acts, client, tokens.refresh_token) == nothing
    acts.end(session)
    assert introspect(acts, client, tokens.access_token) == nothing


def test_an_application_sees_its_own_token(acts: Acts) -> None:
    owner = registrant(acts)
    client = owner.secret(owner.register().name)
    found = introspect(acts, client, by_itself(acts, client).access_token)

    assert (found.active, found.subject, found.company) == (True, client.client_id, owner.company)


def test_who_proves_nothing_is_told_nothing(acts: Acts) -> None:
    person, company = acts.person(), acts.company()
    acts.place(company, person.name)
    public = acts.client()
    tokens = acts.redeem(public, acts.code(acts.sign_in(person.login), public.client_id, company))

    with pytest.raises(Unauthenticated) as refused:
        introspect(acts, public, tokens.access_token)
    assert refused.value.reason == "INVALID_CLIENT"
