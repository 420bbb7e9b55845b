"""On both sides of each commit: what was not committed is done again, what was is not done twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from comptoir.shop.v1 import key_pb2, shop_pb2
from deploy.local.platforms import Platform
from services.chassis import fault_points
from services.chassis.errors import TimedOut, Unavailable
from services.chassis.idempotency.keys import METADATA as KEY
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from tests.log.waiting import until
from tests.log.world import World
from tests.log.writers import OF_A_NEW_SHOP, may_write

pytestmark = pytest.mark.slow
"""Each kills processes of the platform and waits until they are back."""


@pytest.fixture(scope="module")
def world(platform: Platform) -> Iterator[World]:
    world = World(platform, 1)
    company = world.companies[0]
    until(lambda: may_write(world, company, company.owner), "the owner's grant is heard of")
    yield world
    world.close()


def arm(world: World, name: str, point: str) -> int:
    """Has the process end at the next passage of the point, and start again unarmed; its number."""
    process = world.platform.process(name)
    process.told = fault_points.environment(f"{point}=kill@1")
    world.platform.kill(name)
    process.wait_healthy()
    process.told = {}
    return process.pid


def came_back(world: World, name: str, armed: int) -> bool:
    process = world.platform.process(name)
    return process.pid != armed and process.healthy


def changes_of(world: World, service: str, request: str) -> int:
    ((count,),) = world.rows(service, "select count(*) from changes where request_id = %s", request)
    return int(count)


@pytest.mark.parametrize(("point", "left"), [("call.before_commit", 0), ("call.after_commit", OF_A_NEW_SHOP)])
def test_a_write_that_a_kill_left_unanswered_is_sent_again_and_has_one_effect(
    world: World, point: str, left: int
) -> None:
    request = f"{world.run}-{point.replace('.', '-')}"
    create = shop_pb2.CreateShopRequest(
        parent=world.companies[0].name, shop=shop_pb2.Shop(display_name="Boutique")
    )
    armed = arm(world, "shop", point)
    client = Client(world.platform.addresses["shop"], world.certificates("bootstrap"))

    def send(headers: dict[str, str]) -> Any:
        try:
            return client.call(METHODS["ShopService/CreateShop"], create, metadata=headers)
        except (Unavailable, TimedOut):
            return None

    # Without a key the client does not send it again by itself; what the handler did is there to be counted.
    assert send({"x-request-id": f"{request}-once"}) is None
    until(lambda: came_back(world, "shop", armed), "the shop service ended itself")
    assert left == changes_of(world, "shop", f"{request}-once")

    armed = arm(world, "shop", point)
    until(lambda: send({"x-request-id": request, KEY: request}), "the write is acknowledged")
    client.close()
    assert armed != world.platform.process("shop").pid
    assert changes_of(world, "shop", request) == OF_A_NEW_SHOP


@pytest.mark.parametrize("point", ["mirror.before_commit", "mirror.after_commit"])
def test_a_reaction_that_a_kill_interrupted_posts_one_message(world: World, point: str) -> None:
    request = f"{world.run}-{point.replace('.', '-')}"
    armed = arm(world, "inbox", point)
    new_key(world, request)

    until(lambda: came_back(world, "inbox", armed), "the inbox ended itself")
    until(lambda: changes_of(world, "inbox", request) > 0, "the message is there")
    query = "select count(*) from changes where request_id = %s and type = 'comptoir.inbox/Message'"
    # What comes after it in the feed was heard, and it is still one.
    new_key(world, f"{request}-later")
    until(lambda: changes_of(world, "inbox", f"{request}-later") > 0, "the next message is there")
    assert world.rows("inbox", query, request) == [(1,)]


def new_key(world: World, request: str) -> None:
    """Makes a new key, of which the inbox tells."""
    company = world.companies[0]
    regenerate = key_pb2.RegenerateTestKeyRequest(name=f"{company.shops[0]}/keys/form-test")
    client = Client(world.platform.addresses["shop"], world.certificates("gateway"))
    headers = {"authorization": f"Bearer {company.owner.token()}", "x-request-id": request}
    client.call(METHODS["KeyService/RegenerateTestKey"], regenerate, metadata=headers)
    client.close()
