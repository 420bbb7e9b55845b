"""Places in companies (ID6, ID7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from comptoir.identity.v1 import membership_pb2, user_pb2
from services.chassis.errors import Denied, Exists, Invalid, NotFound, NotReady, Precondition
from services.chassis.rights import PRESETS
from services.identity.tests.acts import Acts, at_once


@pytest.fixture(scope="module")
def operator(acts: Acts) -> str:
    """A token of the platform's staff."""
    return acts.token(acts.person(operator=True).login)


def members(acts: Acts, company: str, token: str, **page: object) -> membership_pb2.ListMembershipsResponse:
    request = membership_pb2.ListMembershipsRequest(parent=company, **page)  # type: ignore[arg-type]
    return acts.identity.call(
        "MembershipService/ListMemberships", request, membership_pb2.ListMembershipsResponse, token=token
    )


def read(acts: Acts, name: str, token: str) -> membership_pb2.Membership:
    return acts.identity.call(
        "MembershipService/GetMembership",
        membership_pb2.GetMembershipRequest(name=name),
        membership_pb2.Membership,
        token=token,
    )


ROLES = [value.name for value in membership_pb2.Role.DESCRIPTOR.values if value.number]


@pytest.mark.parametrize("role", ROLES)
def test_a_place_shows_names_and_the_rights_of_its_role(acts: Acts, operator: str, role: str) -> None:
    company, person = acts.company(display_name="Les Halles"), acts.person()

    given = acts.place(company, person.name, role)

    assert given == read(acts, given.name, operator)
    assert given.name == f"{company}/memberships/{person.name.removeprefix('users/')}"
    assert (given.company_display_name, given.user_display_name) == ("Les Halles", "Ada Exemple")
    assert given.permissions == sorted(PRESETS[role.removeprefix("ROLE_").lower()])


def test_a_place_needs_somebody_in_a_company_that_is_known(acts: Acts) -> None:
    person, company = acts.person(), acts.company()
    acts.identity.acquaintance.on = False
    with pytest.raises(NotReady) as unknown_company:
        acts.place("companies/neverheardof", person.name)
    acts.identity.acquaintance.on = True
    with pytest.raises(Invalid) as nobody:
        acts.place(company, "users/neverexisted")
    acts.place(company, person.name)
    with pytest.raises(Exists) as twice:
        acts.place(company, person.name)

    assert unknown_company.value.retry_after_seconds == 1
    assert [v.field for v in nobody.value.violations] == ["membership.user"]
    assert twice.value.reason == "MEMBERSHIP_EXISTS"


def test_single_shops_are_named_only_where_not_all_are_reached(acts: Acts) -> None:
    company, person = acts.company(), acts.person()
    request = membership_pb2.CreateMembershipRequest(
        parent=company,
        membership=membership_pb2.Membership(
            user=person.name, role=membership_pb2.ROLE_READER, all_shops=True, shop_ids=["12345678"]
        ),
    )
    with pytest.raises(Invalid) as refused:
        acts.identity.call(
            "MembershipService/CreateMembership", request, membership_pb2.Membership, service="bootstrap"
        )
    given = acts.place(company, person.name, "ROLE_READER", ["12345678"])

    assert [v.field for v in refused.value.violations] == ["membership.shop_ids"]
    assert (given.all_shops, list(given.shop_ids)) == (False, ["12345678"])


def test_every_member_is_on_exactly_one_page(acts: Acts) -> None:
    company, people = acts.company(), [acts.person() for _ in range(5)]
    for person in people:
        acts.place(company, person.name)
    token = acts.token(people[0].login, company)

    seen, page_token = [], ""
    for _ in range(3):
        page = members(acts, company, token, page_size=2, page_token=page_token)
        seen += [membership.user for membership in page.memberships]
        page_token = page.next_page_token

    assert page_token == ""
    assert sorted(person.name for person in people) == seen


def test_another_companys_members_are_the_answer_of_a_company_that_never_existed(acts: Acts) -> None:
    mine, theirs, person = acts.company(), acts.company(), acts.person()
    acts.place(mine, person.name)
    hidden = acts.place(theirs, acts.person().name)
    token = acts.token(person.login, mine)
    messages = []
    for name in (hidden.name, "companies/never/memberships/existed"):
        with pytest.raises(NotFound) as refused:
            read(acts, name, token)
        messages.append(refused.value.message.replace(name, "NAME"))

    assert messages[0] == messages[1]


def test_the_switcher_lists_a_persons_companies_by_name(acts: Acts) -> None:
    person = acts.person()
    companies = {name: acts.company(display_name=name) for name in ("zèbre", "Abeille", "Merle")}
    for company in companies.values():
        acts.place(company, person.name)
    acts.place(companies["Merle"], acts.person().name)
    token = acts.token(person.login, companies["Merle"])

    found = acts.identity.call(
        "UserService/ListUserMemberships",
        user_pb2.ListUserMembershipsRequest(parent=person.name),
        user_pb2.ListUserMembershipsResponse,
        token=token,
    )

    assert [each.company_display_name for each in found.memberships] == ["Abeille", "Merle", "zèbre"]
    assert {person.name} == {each.user for each in found.memberships}


def test_a_company_registered_again_shows_its_new_name(acts: Acts, operator: str) -> None:
    company = acts.company("renamed", "Before")
    given = acts.place(company, acts.person().name)
    acts.company("renamed", "After")

    assert read(acts, given.name, operator).company_display_name == "After"


def test_a_renamed_person_is_renamed_in_every_company(acts: Acts, operator: str) -> None:
    person = acts.person()
    places = [acts.place(acts.company(), person.name) for _ in range(2)]
    token = acts.token(person.login, places[0].name.partition("/memberships")[0])
    rename(acts, token, person.name, "Grace")

    assert [read(acts, place.name, operator).user_display_name for place in places] == ["Grace Exemple"] * 2


def test_a_renaming_misses_no_place_that_is_given_meanwhile(acts: Acts, operator: str) -> None:
    person, home = acts.person(), acts.company()
    acts.place(home, person.name)
    token = acts.token(person.login, home)
    companies = [acts.company() for _ in range(6)]
    with ThreadPoolExecutor(8) as pool:
        renamed = pool.submit(rename, acts, token, person.name, "Grace")
        given = [pool.submit(acts.place, company, person.name) for company in companies]
    renamed.result()
    names = {read(acts, each.result().name, operator).user_display_name for each in given}

    assert names == {"Grace Exemple"}


def test_the_last_owner_stays(acts: Acts, operator: str) -> None:
    company = acts.company()
    owner = acts.place(company, acts.person().name)
    reader = acts.place(company, acts.person().name, "ROLE_READER")
    acts.leave(reader.name, operator)
    with pytest.raises(NotFound):
        acts.leave(reader.name, operator)
    with pytest.raises(Precondition) as refused:
        acts.leave(owner.name, operator)

    assert refused.value.reason == "LAST_OWNER"
    assert read(acts, owner.name, operator) == owner


def test_of_owners_who_leave_at_once_one_stays(acts: Acts, operator: str) -> None:
    company = acts.company()
    owners = [acts.place(company, acts.person().name).name for _ in range(4)]
    waiting = list(owners)
    ends = at_once(4, lambda: acts.leave(waiting.pop(), operator))

    assert len(members(acts, company, operator).memberships) == 1
    assert [end.reason for end in ends if end is not None] == ["LAST_OWNER"]


def test_only_the_platform_gives_a_further_company_to_somebody(acts: Acts) -> None:
    company, owner = acts.company(), acts.person()
    acts.place(company, owner.name)
    membership = membership_pb2.Membership(user=acts.person().name, role=membership_pb2.ROLE_READER)
    request = membership_pb2.CreateMembershipRequest(parent=company, membership=membership)
    with pytest.raises(Denied) as refused:
        acts.identity.call(
            "MembershipService/CreateMembership",
            request,
            membership_pb2.Membership,
            token=acts.token(owner.login, company),
        )

    assert refused.value.metadata["permission"] == "platform.memberships.manage"


def rename(acts: Acts, token: str, name: str, given_name: str) -> None:
    request = user_pb2.UpdateUserRequest(user=user_pb2.User(name=name, given_name=given_name))
    acts.identity.call("UserService/UpdateUser", request, user_pb2.User, token=token)
