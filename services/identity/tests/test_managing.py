"""Owners and administrators manage the places of their company, within what they hold themselves (ID6, ID8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.identity.v1 import membership_pb2, user_pb2
from services.chassis import json_values
from services.chassis.errors import Denied, Fault, Invalid, NotFound, Precondition, Stale
from services.identity.tests.acts import Acts, at_once

Membership = membership_pb2.Membership
SHOPS = ["11111111", "22222222"]


@dataclass(frozen=True)
class Member:
    """Somebody with a place."""

    acts: Acts
    person: user_pb2.User
    place: Membership

    @property
    def company(self) -> str:
        return self.place.name.partition("/memberships/")[0]

    @property
    def token(self) -> str:
        return self.acts.token(self.person.login, self.company)


def member(acts: Acts, company: str, role: str = "ROLE_OWNER", shop_ids: list[str] | None = None) -> Member:
    person = acts.person()
    return Member(acts, person, acts.place(company, person.name, role, shop_ids))


def update(acts: Acts, token: str, name: str, etag: str = "", **values: Any) -> Membership:
    request = membership_pb2.UpdateMembershipRequest(
        membership=Membership(name=name, etag=etag, **values), update_mask=FieldMask(paths=list(values))
    )
    return acts.identity.call("MembershipService/UpdateMembership", request, Membership, token=token)


def suspend(acts: Acts, token: str, name: str) -> Membership:
    request = membership_pb2.SuspendMembershipRequest(name=name, reason="On leave")
    return acts.identity.call("MembershipService/SuspendMembership", request, Membership, token=token)


def resume(acts: Acts, token: str, name: str) -> Membership:
    request = membership_pb2.ResumeMembershipRequest(name=name)
    return acts.identity.call("MembershipService/ResumeMembership", request, Membership, token=token)


def listed(acts: Acts, token: str, company: str) -> dict[str, Membership]:
    found = acts.identity.call(
        "MembershipService/ListMemberships",
        membership_pb2.ListMembershipsRequest(parent=company),
        membership_pb2.ListMembershipsResponse,
        token=token,
    )
    return {each.name: each for each in found.memberships}


def explained(
    acts: Acts, token: str, name: str, permission: str, shop: str = ""
) -> membership_pb2.ExplainPermissionResponse:
    return acts.identity.call(
        "MembershipService/ExplainPermission",
        membership_pb2.ExplainPermissionRequest(name=name, permission=permission, shop=shop),
        membership_pb2.ExplainPermissionResponse,
        token=token,
    )


@pytest.fixture
def company(acts: Acts) -> str:
    return acts.company()


@pytest.fixture
def owner(acts: Acts, company: str) -> Member:
    return member(acts, company)


@pytest.fixture(scope="module")
def operator(acts: Acts) -> str:
    return acts.token(acts.person(operator=True).login)


def test_an_owner_changes_role_and_shops_and_history_says_so(acts: Acts, owner: Member) -> None:
    reader = member(acts, owner.company, "ROLE_READER")
    changed = update(
        acts,
        owner.token,
        reader.place.name,
        role=membership_pb2.ROLE_DEVELOPER,
        all_shops=False,
        shop_ids=SHOPS,
    )
    found = acts.identity.call(
        "MembershipService/ListMembershipChanges",
        membership_pb2.ListMembershipChangesRequest(parent=reader.place.name),
        membership_pb2.ListMembershipChangesResponse,
        token=owner.token,
    )

    assert changed == listed(acts, owner.token, owner.company)[reader.place.name]
    assert (changed.role, list(changed.shop_ids)) == (membership_pb2.ROLE_DEVELOPER, SHOPS)
    assert changed.etag != reader.place.etag
    newest = found.changes[0]
    assert newest.actor == owner.person.name
    assert json_values.values(newest.before) == {"role": "ROLE_READER", "all_shops": True, "shop_ids": []}
    assert json_values.values(newest.after) == {
        "role": "ROLE_DEVELOPER",
        "all_shops": False,
        "shop_ids": SHOPS,
    }


def test_a_change_is_judged_by_the_place_as_it_was_read(acts: Acts, owner: Member) -> None:
    reader = member(acts, owner.company, "ROLE_READER")
    update(acts, owner.token, reader.place.name, reader.place.etag, role=membership_pb2.ROLE_ACCOUNTANT)
    with pytest.raises(Stale):
        update(acts, owner.token, reader.place.name, reader.place.etag, role=membership_pb2.ROLE_DEVELOPER)
    with pytest.raises(Invalid) as both:
        update(acts, owner.token, reader.place.name, shop_ids=SHOPS)

    assert [v.field for v in both.value.violations] == ["membership.shop_ids"]


@pytest.mark.parametrize("role", ["ROLE_OWNER", "ROLE_ADMINISTRATOR"])
def test_nobody_changes_their_own_place(acts: Acts, owner: Member, role: str) -> None:
    mine = member(acts, owner.company, role)
    token, name = mine.token, mine.place.name
    tries: tuple[Callable[[], object], ...] = (
        lambda: update(acts, token, name, role=membership_pb2.ROLE_OWNER),
        lambda: suspend(acts, token, name),
        lambda: resume(acts, token, name),
    )
    for act in tries:
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.reason == "OWN_MEMBERSHIP"


def test_administrators_neither_touch_owners_nor_make_any(acts: Acts, owner: Member) -> None:
    administrator = member(acts, owner.company, "ROLE_ADMINISTRATOR")
    reader = member(acts, owner.company, "ROLE_READER")
    token = administrator.token
    for act in (
        lambda: update(acts, token, owner.place.name, role=membership_pb2.ROLE_READER),
        lambda: suspend(acts, token, owner.place.name),
        lambda: acts.leave(owner.place.name, token),
        lambda: update(acts, token, reader.place.name, role=membership_pb2.ROLE_OWNER),
    ):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.reason == "OWNERS_ONLY"

    made = update(acts, token, reader.place.name, role=membership_pb2.ROLE_ADMINISTRATOR)
    assert made.role == membership_pb2.ROLE_ADMINISTRATOR
    assert owner.place == listed(acts, token, owner.company)[owner.place.name]


def test_nobody_gives_or_touches_shops_that_they_do_not_reach(acts: Acts, owner: Member) -> None:
    limited = member(acts, owner.company, "ROLE_ADMINISTRATOR", SHOPS[:1])
    mine = member(acts, owner.company, "ROLE_READER", SHOPS[:1])
    theirs = member(acts, owner.company, "ROLE_READER", SHOPS[1:])
    everywhere = member(acts, owner.company, "ROLE_READER")
    token = limited.token
    for act in (
        lambda: update(acts, token, mine.place.name, shop_ids=SHOPS),
        lambda: update(acts, token, mine.place.name, all_shops=True, shop_ids=[]),
        lambda: update(acts, token, theirs.place.name, shop_ids=SHOPS[:1]),
        lambda: acts.leave(everywhere.place.name, token),
    ):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.reason == "SHOPS_NOT_REACHED"

    assert update(acts, token, mine.place.name, role=membership_pb2.ROLE_DEVELOPER).all_shops is False


@pytest.mark.parametrize("role", ["ROLE_DEVELOPER", "ROLE_ACCOUNTANT", "ROLE_READER"])
def test_managing_needs_the_right(acts: Acts, owner: Member, role: str) -> None:
    without, other = member(acts, owner.company, role), member(acts, owner.company, "ROLE_READER")
    token = without.token
    for act in (
        lambda: update(acts, token, other.place.name, role=membership_pb2.ROLE_ACCOUNTANT),
        lambda: suspend(acts, token, other.place.name),
        lambda: resume(acts, token, other.place.name),
        lambda: acts.leave(other.place.name, token),
        # Leaving is managing, too: who may not manage asks somebody who may.
        lambda: acts.leave(without.place.name, token),
    ):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.metadata == {"permission": "users.manage"}


def test_another_companys_places_are_unknown(acts: Acts, owner: Member) -> None:
    hidden = member(acts, acts.company())
    for act in (
        lambda: update(acts, owner.token, hidden.place.name, role=membership_pb2.ROLE_READER),
        lambda: suspend(acts, owner.token, hidden.place.name),
        lambda: explained(acts, owner.token, hidden.place.name, "shop.read"),
    ):
        with pytest.raises(NotFound):
            act()


def test_the_last_owner_is_neither_demoted_nor_suspended(acts: Acts, owner: Member, operator: str) -> None:
    second = member(acts, owner.company)
    suspend(acts, owner.token, second.place.name)
    for act in (
        lambda: update(acts, operator, owner.place.name, role=membership_pb2.ROLE_READER),
        lambda: suspend(acts, operator, owner.place.name),
        lambda: acts.leave(owner.place.name, owner.token),
    ):
        with pytest.raises(Precondition) as refused:
            act()
        assert refused.value.reason == "LAST_OWNER"

    resume(acts, owner.token, second.place.name)
    acts.leave(owner.place.name, owner.token)
    assert list(listed(acts, operator, owner.company)) == [second.place.name]


def test_owners_who_demote_each_other_at_once_leave_one(acts: Acts, owner: Member, operator: str) -> None:
    second = member(acts, owner.company)
    moves = [(owner.token, second.place.name), (second.token, owner.place.name)]
    ends = at_once(2, lambda: update(acts, *moves.pop(), role=membership_pb2.ROLE_READER))
    roles = sorted(each.role for each in listed(acts, operator, owner.company).values())

    assert roles == [membership_pb2.ROLE_OWNER, membership_pb2.ROLE_READER]
    assert sum(isinstance(end, Fault) for end in ends) == 1


def test_what_is_taken_is_felt_by_the_next_write(acts: Acts, owner: Member) -> None:
    administrator = member(acts, owner.company, "ROLE_ADMINISTRATOR")
    reader = member(acts, owner.company, "ROLE_READER")
    token = administrator.token
    suspend(acts, token, reader.place.name)
    update(acts, owner.token, administrator.place.name, role=membership_pb2.ROLE_READER)
    with pytest.raises(Denied):
        resume(acts, token, reader.place.name)
    update(acts, owner.token, administrator.place.name, role=membership_pb2.ROLE_ADMINISTRATOR)
    suspend(acts, owner.token, administrator.place.name)
    with pytest.raises(NotFound):
        resume(acts, token, reader.place.name)


def test_the_suspended_get_no_tokens_until_they_are_resumed(acts: Acts, owner: Member) -> None:
    reader = member(acts, owner.company, "ROLE_READER")
    client = acts.client()
    session = acts.sign_in(reader.person.login)
    tokens = acts.redeem(client, acts.code(session, client.client_id, owner.company))
    code = acts.code(session, client.client_id, owner.company)
    suspended = suspend(acts, owner.token, reader.place.name)
    for act in (
        lambda: acts.refresh(client, tokens.refresh_token),
        lambda: acts.redeem(client, code),
        lambda: acts.code(session, client.client_id, owner.company),
    ):
        with pytest.raises(Fault):
            act()

    assert suspended.suspended
    assert listed(acts, owner.token, owner.company)[reader.place.name] == suspended
    assert [each.suspended for each in acts.touch(session).memberships] == [True]
    resume(acts, owner.token, reader.place.name)
    assert acts.redeem(client, acts.code(session, client.client_id, owner.company)).access_token


def test_every_answer_on_a_right_has_its_reason(acts: Acts, owner: Member) -> None:
    developer = member(acts, owner.company, "ROLE_DEVELOPER", SHOPS[:1])
    away = member(acts, owner.company, "ROLE_READER")
    suspend(acts, owner.token, away.place.name)
    nobody = f"{owner.company}/memberships/nobodyatall"
    shops = [f"{owner.company}/shops/{shop}" for shop in SHOPS]
    asked = [
        (developer.place.name, "shop.settings.update", shops[0], "GRANTED_BY_PRESET"),
        (developer.place.name, "shop.settings.update", "", "GRANTED_BY_PRESET"),
        (developer.place.name, "shop.settings.update", shops[1], "SHOP_NOT_REACHED"),
        (developer.place.name, "users.manage", shops[1], "PRESET_LACKS_RIGHT"),
        (owner.place.name, "users.manage", shops[1], "GRANTED_BY_PRESET"),
        (away.place.name, "shop.read", "", "SUSPENDED"),
        (nobody, "shop.read", "", "NO_PLACE"),
    ]
    found = [explained(acts, owner.token, name, right, shop) for name, right, shop, _ in asked]

    reasons = [membership_pb2.PermissionReason.Name(each.reason) for each in found]
    assert [f"PERMISSION_REASON_{each}" for *_, each in asked] == reasons
    assert [each.allowed for each in found] == [each == "GRANTED_BY_PRESET" for *_, each in asked]
    assert all(each.explanation.endswith(".") for each in found)


def test_only_rights_that_a_place_can_give_are_explained(acts: Acts, owner: Member, operator: str) -> None:
    for right in ("shop.raed", "platform.shops.open"):
        with pytest.raises(Invalid) as refused:
            explained(acts, owner.token, owner.place.name, right)
        assert [v.field for v in refused.value.violations] == ["permission"]
    with pytest.raises(NotFound):
        explained(acts, operator, owner.place.name, "shop.read", "companies/other/shops/11111111")
