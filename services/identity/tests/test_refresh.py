"""Refresh tokens (RFC 6749 6, RFC 9700 4.14): rotated for public clients, bound for confidential ones."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from comptoir.identity.v1 import oauth_pb2
from services.chassis.errors import Fault, Invalid, Precondition
from services.identity.tests.acts import SECRET, Acts, Hands, at_once


@dataclass(frozen=True)
class Family:
    """What a person's sign-in to a client gave."""

    acts: Acts
    company: str
    user_id: str
    session: str
    client: oauth_pb2.ClientCredentials
    first: oauth_pb2.TokenSet

    def refresh(self, token: str, *scopes: str) -> oauth_pb2.TokenSet:
        return self.acts.refresh(self.client, token, *scopes)

    def refuses(self, token: str) -> bool:
        try:
            self.refresh(token)
        except Precondition as fault:
            return fault.reason == "INVALID_GRANT"
        return False

    def becomes(self, operator: str, role: str | None, shop_ids: list[str] | None = None) -> None:
        """The person loses the place, and is given another."""
        self.acts.leave(f"{self.company}/memberships/{self.user_id}", operator)
        if role:
            self.acts.place(self.company, f"users/{self.user_id}", role, shop_ids)


def family(acts: Acts, secret: str = "") -> Family:
    person, company, client = acts.person(), acts.company(), acts.client(secret=secret)
    acts.place(company, acts.person().name)
    acts.place(company, person.name, "ROLE_DEVELOPER")
    session = acts.sign_in(person.login)
    first = acts.redeem(client, acts.code(session, client.client_id, company))
    return Family(acts, company, person.name.removeprefix("users/"), session, client, first)


@pytest.fixture
def public(acts: Acts) -> Family:
    return family(acts)


@pytest.fixture
def confidential(acts: Acts) -> Family:
    return family(acts, SECRET)


@pytest.fixture(scope="module")
def operator(acts: Acts) -> str:
    return acts.token(acts.person(operator=True).login)


def test_each_refresh_gives_a_public_client_a_new_token(public: Family, hands: Hands) -> None:
    seen = [public.first.refresh_token]
    for _ in range(4):
        seen.append(public.refresh(seen[-1]).refresh_token)
        hands.forward(minutes=5)

    assert len(set(seen)) == 5


def test_the_same_successor_comes_again_within_ten_seconds(public: Family, hands: Hands) -> None:
    successor = public.refresh(public.first.refresh_token).refresh_token
    hands.forward(seconds=10)
    again = public.refresh(public.first.refresh_token)

    assert again.refresh_token == successor
    assert public.acts.claims(again.access_token)["sub"] == public.user_id
    assert public.refresh(successor).access_token


def test_reuse_after_ten_seconds_ends_the_family(public: Family, hands: Hands) -> None:
    successor = public.refresh(public.first.refresh_token).refresh_token
    hands.forward(seconds=11)

    assert public.refuses(public.first.refresh_token)
    assert public.refuses(successor)


def test_reuse_once_the_successor_was_used_ends_the_family_at_once(public: Family) -> None:
    second = public.refresh(public.first.refresh_token).refresh_token
    third = public.refresh(second).refresh_token

    assert public.refuses(public.first.refresh_token)
    assert public.refuses(second)
    assert public.refuses(third)


def test_the_end_of_one_family_is_nobody_elses(public: Family) -> None:
    other = public.acts.redeem(
        public.client, public.acts.code(public.session, public.client.client_id, public.company)
    )
    second = public.refresh(public.first.refresh_token).refresh_token
    public.refresh(second)

    assert public.refuses(public.first.refresh_token)
    assert public.refresh(other.refresh_token).access_token
    assert public.acts.touch(public.session).user == f"users/{public.user_id}"


def test_twenty_refreshes_at_once_give_exactly_one_distinct_successor(public: Family) -> None:
    ends = at_once(20, lambda: public.refresh(public.first.refresh_token))
    given = [end for end in ends if not isinstance(end, Fault)]
    successors = {tokens.refresh_token for tokens in given}

    assert len(given) == 20
    assert len(successors) == 1
    assert public.first.refresh_token not in successors
    assert public.refresh(successors.pop()).access_token


def test_a_confidential_clients_token_stays_and_is_worth_nothing_to_others(
    confidential: Family, hands: Hands
) -> None:
    token, other = confidential.first.refresh_token, confidential.acts.client(secret=SECRET)
    for _ in range(3):
        assert confidential.refresh(token).refresh_token == token
        hands.forward(minutes=5)
    with pytest.raises(Precondition):
        confidential.acts.refresh(other, token)

    assert confidential.refresh(token).refresh_token == token


def test_scopes_are_narrowed_for_one_access_token_and_never_widened(public: Family) -> None:
    narrow = public.refresh(public.first.refresh_token, "shop")
    whole = public.refresh(narrow.refresh_token)
    with pytest.raises(Invalid) as refused:
        public.refresh(whole.refresh_token, "shop", "inbox")

    assert (list(narrow.scopes), narrow.id_token) == (["shop"], "")
    assert public.acts.claims(narrow.access_token)["scope"] == "shop"
    assert set(whole.scopes) == set(public.first.scopes)
    assert (refused.value.reason, refused.value.metadata["scope"]) == ("INVALID_SCOPE", "inbox")
    assert public.refresh(whole.refresh_token).access_token


def test_a_scope_that_the_client_lost_is_not_given_again(public: Family) -> None:
    registered = oauth_pb2.Client(
        client_id=public.client.client_id,
        display_name="Narrower",
        redirect_uris=["https://app.example/callback"],
        scopes=["shop"],
        grant_types=["authorization_code", "refresh_token"],
    )
    public.acts.put_client(registered)

    assert list(public.refresh(public.first.refresh_token).scopes) == ["shop"]


def test_tokens_follow_the_persons_role_and_shops(public: Family, operator: str) -> None:
    before = public.acts.claims(public.first.access_token)
    public.becomes(operator, "ROLE_READER", ["12345678"])
    after = public.acts.claims(public.refresh(public.first.refresh_token).access_token)

    assert (before["role"], before["shops"]) == ("developer", "all")
    assert (after["role"], after["shops"]) == ("reader", ["12345678"])
    assert before["company"] == after["company"]


def test_who_lost_the_place_gets_no_tokens(public: Family, operator: str) -> None:
    public.becomes(operator, None)

    assert public.refuses(public.first.refresh_token)


def test_a_refreshed_id_token_keeps_the_time_of_the_proof_and_repeats_no_nonce(
    public: Family, hands: Hands
) -> None:
    hands.forward(minutes=3)
    first = public.acts.claims(public.first.id_token)
    second = public.acts.claims(public.refresh(public.first.refresh_token).id_token)

    assert second["auth_time"] == first["auth_time"]
    assert second["iat"] > first["iat"]
    assert "nonce" not in second


def test_refreshing_is_a_use_of_the_session_and_an_idle_session_refreshes_nothing(
    public: Family, hands: Hands
) -> None:
    hands.forward(minutes=14)
    second = public.refresh(public.first.refresh_token).refresh_token
    hands.forward(minutes=14)
    third = public.refresh(second).refresh_token
    public.acts.touch(public.session)
    hands.forward(minutes=15)

    assert public.refuses(third)


def test_no_other_value_passes_for_a_refresh_token(public: Family) -> None:
    token = public.first.refresh_token
    family_id, number, mac = token.split(".")
    forged = [
        "",
        "made up",
        "\0",
        public.session,
        public.first.access_token[:256],
        token[:-1],
        token + "A",
        token + "=",
        f"{family_id}.{int(number) + 1}.{mac}",
        f"{family_id}.0{number}.{mac}",
        f"{family_id}.-1.{mac}",
        f"{family_id[::-1]}.{number}.{mac}",
        f"{family_id}.{number}.{'A' * 43}",
        f"{family_id}.{number}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'Q'}",
        f"{family_id}.{number}",
        f"{token}.{token}"[:256],
    ]

    assert [True] * len(forged) == [public.refuses(value) for value in forged]
    assert public.refresh(token).access_token


def test_a_revoked_family_is_over_whichever_of_its_tokens_was_shown(public: Family) -> None:
    second = public.refresh(public.first.refresh_token).refresh_token
    public.acts.revoke(public.client, public.first.refresh_token)
    public.acts.revoke(public.client, public.first.refresh_token)

    assert public.refuses(second)


def test_a_client_revokes_only_what_is_its_own(public: Family) -> None:
    token = public.first.refresh_token
    public.acts.revoke(public.acts.client(), token)
    for unknown in ("made up", token[:-1] + "!", public.first.access_token):
        public.acts.revoke(public.client, unknown)

    assert public.refresh(token).access_token


def test_nothing_that_refreshes_lies_in_the_database(public: Family) -> None:
    mac = public.first.refresh_token.rpartition(".")[2]
    with public.acts.identity.database.administrator() as db:
        tables = db.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        found = [
            table
            for (table,) in tables
            if db.execute(
                f"select count(*) from {table} t where strpos(t::text, %s) > 0",
                [mac],
            ).fetchone()
            != (0,)
        ]

    assert found == []
