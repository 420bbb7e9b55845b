"""Everybody who may knock: nobody, people of every preset, staff, each service of the platform by its certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from comptoir.identity.v1 import membership_pb2
from services.chassis.caller import Kind
from services.chassis.contract import Method
from services.chassis.errors import Denied
from services.chassis.testing.running import METHODS
from tests.isolation.companies import OWN, ROLES, Company
from tests.isolation.world import World


@dataclass(frozen=True)
class Who:
    """One caller: how they prove who they are, and whose things are theirs."""

    name: str
    kind: Kind
    service: str = "gateway"
    token: str | None = None
    user: str = ""
    companies: tuple[str, ...] = ()
    """Marks of the companies that the person has a place in."""
    reaches: tuple[str, ...] = ()
    """Shops, if not all."""

    def is_trusted(self, world: World, method: Method) -> bool:
        """Whether they may name other companies in this method: staff, and services on the published list."""
        if self.kind is Kind.OPERATOR:
            return Kind.OPERATOR.value in method.callers
        inside = self.kind is Kind.INTERNAL or method.callers == {Kind.INTERNAL.value}
        return (
            inside
            and not self.token
            and Kind.INTERNAL.value in method.callers
            and self._is_listed(world, method)
        )

    def _is_listed(self, world: World, method: Method) -> bool:
        try:
            world.peers.check(self.service, method.path)
        except Denied:
            return False
        return True


def everybody(world: World, ours: Company, theirs: Company) -> list[Who]:
    """All of them, those of one company as strangers to the other."""

    def person(
        name: str, role: str, user: str, companies: tuple[str, ...] = (ours.mark,), **claims: Any
    ) -> Who:
        token = ours.token(sub=user, role=role, **claims)
        return Who(
            name,
            Kind.MERCHANT,
            token=token,
            user=user,
            companies=companies,
            reaches=tuple(claims.get("shops", ())),
        )

    some = ours.admit("owner")
    ours.members.remove(some)
    limited = membership_pb2.UpdateMembershipRequest()
    limited.membership.name = f"companies/{ours.company}/memberships/{some}"
    limited.membership.shop_ids.append(ours.shops[OWN])
    limited.update_mask.paths.extend(["shop_ids", "all_shops"])
    world.ask("MembershipService/UpdateMembership", limited, token=world.mint.operator())
    both, staff, removed = _of_both(world, ours, theirs), _staff(world), ours.admit("owner")
    ours.members.remove(removed)
    people = [
        *(person(role, role, ours.people[role]) for role in ROLES),
        person("some shops", "owner", some, shops=[ours.shops[OWN]]),
        person("two companies", "owner", both, (ours.mark, theirs.mark)),
        person("removed", "owner", removed),
    ]
    gone = membership_pb2.DeleteMembershipRequest(name=f"companies/{ours.company}/memberships/{removed}")
    world.ask("MembershipService/DeleteMembership", gone, token=world.mint.operator())
    for name in world.running:
        if world.rows(name, "select to_regclass('known_grants')")[0][0]:
            world.change(name, "delete from known_grants where user_id = %s", removed)
    return [
        Who("anonymous", Kind.ANONYMOUS),
        *people,
        Who(
            "operator",
            Kind.OPERATOR,
            token=world.mint.token(role="operator", company=None, shops=None, sub=staff),
            user=staff,
        ),
        *(Who(name, Kind.INTERNAL, name) for name in services_of(world) if name != "gateway"),
    ]


def services_of(world: World) -> list[str]:
    """Every service in the published list."""
    return sorted(world.peers.allowed)


def _staff(world: World) -> str:
    """Somebody of the platform's staff."""
    request = METHODS["UserService/CreateUser"].example()
    json_format.ParseDict({"user": {"login": "neutralstaff"}, "operator": True}, request)
    return str(world.ask("UserService/CreateUser", request, service="bootstrap").name).rpartition("/")[2]


def _of_both(world: World, ours: Company, theirs: Company) -> str:
    """Somebody of neutral name with a place in either company."""
    user = Company(world, "neutral", ours.company).admit("owner")
    place = membership_pb2.Membership(user=f"users/{user}", role=membership_pb2.ROLE_OWNER, all_shops=True)
    request = membership_pb2.CreateMembershipRequest(parent=f"companies/{theirs.company}", membership=place)
    world.ask("MembershipService/CreateMembership", request, service="bootstrap")
    return user
