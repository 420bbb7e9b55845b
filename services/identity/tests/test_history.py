"""The history of one's own account, and of the places in a company."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from google.api import httpbody_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from comptoir.changes.v1 import change_pb2
from comptoir.identity.v1 import membership_pb2, user_pb2
from services.chassis import json_values
from services.chassis.errors import Denied, NotFound, Precondition
from services.identity.tests.acts import PASSWORD, Acts, Hands

User = user_pb2.User
Changes = user_pb2.ListUserChangesResponse
Places = membership_pb2.ListMembershipChangesResponse


def own(acts: Acts, user: user_pb2.User) -> str:
    """A token of that person, who belongs to one company or to none."""
    company = next(iter(belonging.get(user.name, [])), "")
    return acts.token(user.login, company)


belonging: dict[str, list[str]] = {}
"""The companies of the people made here."""


def member(acts: Acts, role: str = "ROLE_OWNER", company: str = "", **place: Any) -> user_pb2.User:
    """A new person with a place in the company, a new one unless it is named."""
    person = acts.person()
    belonging[person.name] = [company or acts.company()]
    acts.place(belonging[person.name][0], person.name, role, **place)
    return person


def update(acts: Acts, user: user_pb2.User, **values: Any) -> user_pb2.User:
    request = user_pb2.UpdateUserRequest(
        user=User(name=user.name, **values), update_mask=FieldMask(paths=list(values))
    )
    return acts.identity.call("UserService/UpdateUser", request, User, token=own(acts, user))


def changes(acts: Acts, user: user_pb2.User, token: str | None = None, **asked: Any) -> Changes:
    request = user_pb2.ListUserChangesRequest(parent=user.name, **asked)
    token = token or own(acts, user)
    return acts.identity.call("UserService/ListUserChanges", request, Changes, token=token)


def revert(acts: Acts, user: user_pb2.User, number: int, token: str | None = None) -> user_pb2.User:
    request = user_pb2.RevertUserChangeRequest(name=f"{user.name}/changes/{number}")
    return acts.identity.call("UserService/RevertUserChange", request, User, token=token or own(acts, user))


def places(acts: Acts, parent: str, token: str) -> Places:
    request = membership_pb2.ListMembershipChangesRequest(parent=parent)
    return acts.identity.call("MembershipService/ListMembershipChanges", request, Places, token=token)


@pytest.fixture
def user(acts: Acts) -> user_pb2.User:
    return member(acts)


def test_people_read_the_history_of_their_own_account(acts: Acts, user: user_pb2.User) -> None:
    update(acts, user, given_name="Zoé", phones=["+687 26 12 34"])
    newest, oldest = changes(acts, user).changes

    assert list(newest.fields) == ["given_name", "phones"]
    assert newest.before["given_name"] == "Ada"
    assert json_values.values(newest.after) == {"given_name": "Zoé", "phones": ["+687261234"]}
    assert (newest.actor, newest.name) == (user.name, f"{user.name}/changes/{newest.sequence}")
    assert oldest.action == change_pb2.ACTION_CREATE
    request = user_pb2.GetUserChangeRequest(name=newest.name)
    read = acts.identity.call("UserService/GetUserChange", request, change_pb2.Change, token=own(acts, user))
    assert read == newest


def test_nobody_reads_the_history_of_somebody_else(acts: Acts, user: user_pb2.User) -> None:
    stranger, staff = own(acts, member(acts)), acts.token(acts.person(operator=True).login)
    for token in (stranger, staff):
        for act in (
            lambda token: changes(acts, user, token=token),
            lambda token: revert(acts, user, 1, token=token),
        ):
            with pytest.raises(NotFound):
                act(token)


def test_an_account_is_read_as_it_stood(acts: Acts, user: user_pb2.User, hands: Hands) -> None:
    hands.forward(seconds=1)
    first = update(acts, user, given_name="Zoé")
    hands.forward(seconds=1)
    update(acts, user, given_name="Ada", phones=["+687 26 12 34"])
    request = user_pb2.GetUserRequest(name=user.name, read_time=first.update_time)
    stood = acts.identity.call("UserService/GetUser", request, User, token=own(acts, user))
    first.etag = ""

    assert stood == first
    request.read_time.FromDatetime(user.create_time.ToDatetime(UTC))
    was = acts.identity.call("UserService/GetUser", request, User, token=own(acts, user))
    assert was.given_name == "Ada"
    assert not was.phones


def test_people_take_back_changes_of_their_own_account(acts: Acts, user: user_pb2.User) -> None:
    update(acts, user, given_name="Zoé", family_name="Autre")
    number = changes(acts, user).changes[0].sequence
    after = revert(acts, user, number)
    name = f"{belonging[user.name][0]}/memberships/{user.name.removeprefix('users/')}"
    place = acts.identity.call(
        "MembershipService/GetMembership",
        membership_pb2.GetMembershipRequest(name=name),
        membership_pb2.Membership,
        token=own(acts, user),
    )

    assert (after.given_name, after.family_name) == ("Ada", "Exemple")
    assert place.user_display_name == "Ada Exemple"
    with pytest.raises(Precondition) as refused:
        revert(acts, user, number)
    assert refused.value.reason == "CHANGED_SINCE"
    with pytest.raises(Precondition) as creation:
        revert(acts, user, 1)
    assert creation.value.reason == "NOT_REVERTIBLE"


def test_a_file_of_ones_own_history_holds_no_password(acts: Acts, user: user_pb2.User) -> None:
    request = user_pb2.ExportUserChangesRequest(parent=user.name)
    body = acts.identity.call(
        "UserService/ExportUserChanges", request, httpbody_pb2.HttpBody, token=own(acts, user)
    )

    assert b"given_name" in body.data
    assert b"argon2" not in body.data
    assert PASSWORD.encode() not in body.data


def test_the_history_of_places_tells_who_came_and_who_went(acts: Acts) -> None:
    company = acts.company()
    owner, clerk = member(acts, company=company), acts.person()
    place = acts.place(company, clerk.name, "ROLE_READER", shop_ids=["12345678"])
    staff = acts.token(acts.person(operator=True).login)
    acts.leave(place.name, staff)
    token = own(acts, owner)
    found = places(acts, f"{company}/memberships/-", token).changes

    assert [each.action for each in found] == [
        change_pb2.ACTION_DELETE,
        change_pb2.ACTION_CREATE,
        change_pb2.ACTION_CREATE,
    ]
    assert found[0].before["role"] == "ROLE_READER"
    assert json_values.values(found[0].before)["shop_ids"] == ["12345678"]
    assert found[0].on_behalf_of == company
    assert list(places(acts, place.name, token).changes) == list(found[:2])
    request = membership_pb2.GetMembershipChangeRequest(name=found[1].name)
    read = acts.identity.call(
        "MembershipService/GetMembershipChange", request, change_pb2.Change, token=token
    )
    assert read == found[1]


def test_only_holders_of_the_right_read_the_history_of_places(acts: Acts) -> None:
    company = acts.company()
    token = own(acts, member(acts, "ROLE_READER", company))
    with pytest.raises(Denied) as refused:
        places(acts, f"{company}/memberships/-", token)
    with pytest.raises(NotFound):
        places(acts, f"{acts.company()}/memberships/-", token)

    assert refused.value.metadata == {"permission": "users.history.read"}
