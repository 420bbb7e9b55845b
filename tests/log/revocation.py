"""How soon writes feel that somebody's place was taken away."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.identity.v1 import membership_pb2
from comptoir.shop.v1 import shop_pb2
from deploy.local.platforms import Platform
from services.chassis.errors import NotFound
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from tests.log.waiting import until
from tests.log.world import Company, Person, World
from tests.log.writers import may_write

_LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Felt:
    """Seconds from the answer of each DeleteMembership to the end of the first write that was refused."""

    seconds: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The least that so many of a hundred did not exceed."""
        return percentile(self.seconds, percent)


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def revocations(platform: Platform, rounds: int) -> Felt:
    """Gives somebody a place and takes it away, so many times, while they write without pause."""
    world = World(platform, 1)
    company, person = world.companies[0], world.person()
    membership = world.place(company.name, person)
    shop = Client(platform.addresses["shop"], world.certificates("gateway"))
    identity = Client(platform.addresses["identity"], world.certificates("gateway"))
    try:
        seconds = []
        for _ in range(rounds):
            until(lambda: may_write(world, company, person), "the place is heard of")
            seconds.append(_felt(world, company, person, membership, shop, identity))
            world.place(company.name, person)
        return Felt(tuple(seconds))
    finally:
        shop.close()
        identity.close()
        world.close()


def _felt(
    world: World, company: Company, person: Person, membership: str, shop: Client, identity: Client
) -> float:
    request = membership_pb2.DeleteMembershipRequest(name=membership)
    operator = {"authorization": f"Bearer {world.operator.token()}"}
    own = {"authorization": f"Bearer {person.token()}"}
    identity.call(METHODS["MembershipService/DeleteMembership"], request, metadata=operator)
    taken = time.monotonic()
    number = 0
    while time.monotonic() < taken + _LONGEST_SECONDS:
        number += 1
        update = shop_pb2.UpdateShopRequest(
            shop=shop_pb2.Shop(name=company.shops[0], display_name=f"Still {number}")
        )
        update.update_mask.paths.append("display_name")
        try:
            shop.call(METHODS["ShopService/UpdateShop"], update, metadata=own)
        except NotFound:
            return time.monotonic() - taken
    raise AssertionError("a place that was taken away is never felt")
