"""Whoever belongs to a company may leave it, without any right there; only its last owner stays (ID8)."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import select

from comptoir.identity.v1 import membership_pb2, user_pb2
from services.chassis.db.database import check_writes, visiting
from services.chassis.db.scope import Scope
from services.chassis.errors import Fault, NotFound, Precondition
from services.identity.memberships import MemberRow
from services.identity.tests.acts import Acts, at_once
from services.identity.tests.test_managing import Member, member, suspend


def leave(acts: Acts, token: str, person: str, company: str) -> None:
    name = f"{person}/memberships/{company.removeprefix('companies/')}"
    acts.identity.call(
        "UserService/DeleteUserMembership",
        user_pb2.DeleteUserMembershipRequest(name=name),
        user_pb2.DeleteUserMembershipResponse,
        token=token,
    )


def places(acts: Acts, member: Member) -> list[str]:
    return [each.name for each in acts.touch(acts.sign_in(member.person.login)).memberships]


@pytest.mark.parametrize("role", ["ROLE_ADMINISTRATOR", "ROLE_DEVELOPER", "ROLE_ACCOUNTANT", "ROLE_READER"])
def test_a_member_leaves_whatever_their_role(acts: Acts, role: str) -> None:
    someone = member(acts, acts.company(), role, None)
    other = acts.place(acts.company(), someone.person.name, "ROLE_READER")
    leave(acts, someone.token, someone.person.name, someone.company)

    assert places(acts, someone) == [other.name]


def test_leaving_stands_in_the_companys_history_as_the_persons_own_act(acts: Acts) -> None:
    owner = member(acts, acts.company())
    reader = member(acts, owner.company, "ROLE_READER")
    leave(acts, reader.token, reader.person.name, owner.company)
    found = acts.identity.call(
        "MembershipService/ListMembershipChanges",
        membership_pb2.ListMembershipChangesRequest(parent=reader.place.name),
        membership_pb2.ListMembershipChangesResponse,
        token=owner.token,
    )
    change = found.changes[0]

    assert (change.actor, change.method.rpartition("/")[2]) == (reader.person.name, "DeleteUserMembership")
    assert change.before["role"] == "ROLE_READER"


def test_a_company_that_one_is_suspended_from_can_be_left_from_another(acts: Acts) -> None:
    owner = member(acts, acts.company())
    reader = member(acts, owner.company, "ROLE_READER")
    here = acts.company()
    acts.place(here, reader.person.name, "ROLE_READER")
    suspend(acts, owner.token, reader.place.name)
    leave(acts, acts.token(reader.person.login, here), reader.person.name, owner.company)

    assert [name.partition("/memberships/")[0] for name in places(acts, reader)] == [here]


def test_the_last_owner_who_can_act_stays(acts: Acts) -> None:
    owner = member(acts, acts.company())
    second = member(acts, owner.company)
    suspend(acts, owner.token, second.place.name)
    with pytest.raises(Precondition) as refused:
        leave(acts, owner.token, owner.person.name, owner.company)

    assert refused.value.reason == "LAST_OWNER"
    assert places(acts, owner) == [owner.place.name]


def test_owners_who_leave_at_once_leave_one(acts: Acts) -> None:
    owner = member(acts, acts.company())
    owners = [owner, *(member(acts, owner.company) for _ in range(3))]
    leavers = [(each.token, each.person.name) for each in owners]
    ends = at_once(4, lambda: leave(acts, *leavers.pop(), owner.company))

    assert sum(isinstance(end, Fault) for end in ends) >= 1
    assert sum(places(acts, each) != [] for each in owners) >= 1


def test_nobody_leaves_for_somebody_else(acts: Acts) -> None:
    owner = member(acts, acts.company())
    reader = member(acts, owner.company, "ROLE_READER")
    with pytest.raises(NotFound):
        leave(acts, owner.token, reader.person.name, owner.company)
    with pytest.raises(NotFound):
        leave(acts, reader.token, reader.person.name, acts.company())

    assert places(acts, reader) == [reader.place.name]


def test_a_write_on_one_side_is_not_covered_by_a_change_on_the_other(acts: Acts) -> None:
    reader = member(acts, acts.company(), "ROLE_READER")
    database, company = acts.identity.resources.database, reader.company.removeprefix("companies/")
    person = reader.person.name.removeprefix("users/")
    with database.open(Scope(user=person)) as session:
        visit = visiting(session, Scope(company=company))
        inner = visit.__enter__()
        inner.delete(inner.scalars(select(MemberRow)).one())
        inner.flush()
        with pytest.raises(psycopg.Error) as refused:
            check_writes(inner)

    assert refused.value.sqlstate == "CM001"
    assert places(acts, reader) == [reader.place.name]
