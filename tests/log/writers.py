"""Writers that send each write until it is acknowledged, under one idempotency key and one request id.

They write as services do, by gRPC, and as merchants do, through the gateway.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import Message

from comptoir.company.v1 import company_pb2
from comptoir.identity.v1 import membership_pb2
from comptoir.shop.v1 import key_pb2, shop_pb2
from services.chassis.errors import (
    Fault,
    KeyInUse,
    NotFound,
    NotReady,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from services.chassis.idempotency.keys import METADATA as KEY
from services.chassis.rpc.client import Client
from services.chassis.testing.running import METHODS
from tests.log.door import Door
from tests.log.waiting import PATIENCE_SECONDS
from tests.log.world import Company, Person, World

OF_A_NEW_SHOP = 5
"""Changes: the shop and its four test keys."""
_MOST_SHOPS = 300
"""Of a company: every snapshot tells of them all."""
_PAUSE_SECONDS = 0.1
_ZONES = ("Pacific/Noumea", "Europe/Paris", "Indian/Reunion")
_LANGUAGES = ("fr", "en", "de")
_ROLES = ("ROLE_READER", "ROLE_DEVELOPER")
T = TypeVar("T")


@dataclass
class Place:
    """One that the writer has given, and the role it has by now."""

    name: str
    role: str


@dataclass
class Journal:
    """What was acknowledged: for each service, how many changes each request made."""

    made: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"shop": {}, "company": {}, "identity": {}}
    )
    changes: int = 0
    repeats: int = 0
    """Times that a request had to be sent again."""
    _moved: threading.Condition = field(default_factory=threading.Condition)

    def acknowledged(self, service: str, request: str, changes: int, sent: int) -> None:
        with self._moved:
            self.made[service][request] = changes
            self.changes += changes
            self.repeats += sent - 1
            self._moved.notify_all()

    def wait(self, changes: int, more: Callable[[], bool]) -> None:
        """Returns when so many changes were acknowledged, or there are to be no more."""
        with self._moved:
            self._moved.wait_for(lambda: self.changes >= changes or not more())

    def stir(self) -> None:
        """Has whoever waits look whether there are to be more."""
        with self._moved:
            self._moved.notify_all()


class Writer:
    """One writer in a thread: people of several companies and the set-up tool, by their own connections."""

    def __init__(
        self, world: World, journal: Journal, number: int, seed: int, *, renames: bool = False
    ) -> None:
        """`renames`: nothing but the labels of shops."""
        self._world = world
        self._journal = journal
        self._dice = random.Random(f"{seed} writer {number}")
        self._renames = renames
        self._ids = (f"{world.run}-{number}-{each}" for each in itertools.count())
        self._people = [world.person()]
        self._places: dict[tuple[str, str], Place] = {}
        self._door = Door(world)
        self._clients: dict[tuple[str, str], Client] = {}
        self._pause = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"writer {number}", daemon=True)
        self._more: Callable[[], bool] = lambda: False

    def start(self, more: Callable[[], bool]) -> None:
        """Writes for as long as there is to be more."""
        self._more = more
        self._thread.start()

    def join(self) -> None:
        """Waits for the last acknowledgement; raises what the writer ended with."""
        self._thread.join()
        self.close()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._door.close()

    def write(self) -> None:
        """One write, of whatever kind the dice say."""
        company = self._dice.choice(self._world.companies)
        if self._renames:
            self.rename(company)
            return
        kinds: dict[Callable[[Company], None], int] = {
            self.rename: 45,
            self._rename_through_gateway: 10,
            self._open_shop: 15,
            self._new_key: 12,
            self.correct: 8,
            self.move: 8,
            self._promote: 6,
            self.rename_owner: 8,
        }
        self._dice.choices(list(kinds), list(kinds.values()))[0](company)

    def rename(self, company: Company) -> None:
        """Gives a shop the request's id as its label, which tells every version from every other."""
        request = next(self._ids)
        shop = shop_pb2.Shop(name=self._dice.choice(company.shops), display_name=request)
        update = shop_pb2.UpdateShopRequest(shop=shop)
        update.update_mask.paths.append("display_name")
        self._send("shop", "ShopService/UpdateShop", update, request, 1, company.owner)

    def _rename_through_gateway(self, company: Company) -> None:
        request = next(self._ids)
        self._patch("shop", self._dice.choice(company.shops), {"displayName": request}, request, company)

    def _open_shop(self, company: Company) -> None:
        if len(company.shops) >= _MOST_SHOPS:
            self.rename(company)
            return
        request = next(self._ids)
        shop = shop_pb2.Shop(display_name=request)
        create = shop_pb2.CreateShopRequest(parent=company.name, shop=shop)
        made: Any = self._send("shop", "ShopService/CreateShop", create, request, OF_A_NEW_SHOP)
        company.shops.append(made.name)

    def _new_key(self, company: Company) -> None:
        name = f"{self._dice.choice(company.shops)}/keys/form-test"
        regenerate = key_pb2.RegenerateTestKeyRequest(name=name)
        self._send("shop", "KeyService/RegenerateTestKey", regenerate, next(self._ids), 1, company.owner)

    def correct(self, company: Company) -> None:
        """Changes what other services keep of a company; the street is another each time."""
        request = next(self._ids)
        update = company_pb2.UpdateCompanyRequest(
            company=company_pb2.Company(
                name=company.name,
                time_zone=self._dice.choice(_ZONES),
                language_code=self._dice.choice(_LANGUAGES),
                address=company_pb2.Address(
                    street=f"1 quai {request}", postal_code="98800", locality="Nouméa"
                ),
            )
        )
        update.update_mask.paths.extend(["time_zone", "language_code", "address"])
        self._send("company", "CompanyService/UpdateCompany", update, request, 1, company.owner)

    def move(self, company: Company) -> None:
        """Gives one of the writer's own people a place, or takes it away."""
        person, request = self._dice.choice(self._people), next(self._ids)
        place = self._places.pop((company.name, person.name), None)
        if place:
            delete = membership_pb2.DeleteMembershipRequest(name=place.name)
            self._send(
                "identity", "MembershipService/DeleteMembership", delete, request, 1, self._world.operator
            )
            return
        membership = membership_pb2.Membership(
            user=person.name, role=membership_pb2.Role.Value(_ROLES[0]), all_shops=True
        )
        create = membership_pb2.CreateMembershipRequest(parent=company.name, membership=membership)
        made: Any = self._send("identity", "MembershipService/CreateMembership", create, request, 1)
        self._places[company.name, person.name] = Place(made.name, _ROLES[0])

    def _promote(self, company: Company) -> None:
        """Has the owner give the writer's own person the other role, where there is a place."""
        person = self._dice.choice(self._people)
        place = self._places.get((company.name, person.name))
        if place is None:
            self.move(company)
            return
        (place.role,) = set(_ROLES) - {place.role}
        self._patch("identity", place.name, {"role": place.role}, next(self._ids), company)

    def rename_owner(self, company: Company) -> None:
        """Has the owner change their own account, and with it the name that each company sees of them."""
        request = next(self._ids)
        self._patch("identity", company.owner.name, {"givenName": f"Ada {request}"}, request, company)

    def _run(self) -> None:
        try:
            while self._more():
                self.write()
        except BaseException as error:
            self.failure = error
            self._journal.stir()

    def _send(
        self,
        service: str,
        method: str,
        message: Message,
        request: str,
        changes: int,
        person: Person | None = None,
    ) -> Message:
        """The answer, however often it takes. Without a person, the set-up tool writes."""
        caller = "gateway" if person else "bootstrap"

        def call() -> Message:
            headers = {KEY: request, "x-request-id": request}
            if person:
                headers["authorization"] = f"Bearer {person.token()}"
            return self._client(service, caller).call(METHODS[method], message, metadata=headers)

        return self._acknowledged(service, request, changes, call)

    def _patch(self, service: str, name: str, body: dict[str, str], request: str, company: Company) -> None:
        """One change, by the company's owner through the gateway."""
        self._acknowledged(
            service, request, 1, lambda: self._door.patch(name, body, request, company.owner.token())
        )

    def _acknowledged(self, service: str, request: str, changes: int, call: Callable[[], T]) -> T:
        """What the call answers, however often it has to be made."""
        until = time.monotonic() + PATIENCE_SECONDS
        for sent in itertools.count(1):
            try:
                answer = call()
            except (Unavailable, TimedOut, KeyInUse, NotReady) as fault:
                self._give_up_after(until, fault, request)
                continue
            self._journal.acknowledged(service, request, changes, sent)
            return answer
        raise AssertionError("counting ended")

    def _give_up_after(self, until: float, fault: Fault, request: str) -> None:
        if time.monotonic() > until:
            raise AssertionError(f"{request} is refused for good: {fault.reason}") from fault
        self._pause.wait(_PAUSE_SECONDS)

    def _client(self, service: str, caller: str) -> Client:
        if (service, caller) not in self._clients:
            address = self._world.platform.addresses[service]
            self._clients[service, caller] = Client(address, self._world.certificates(caller))
        return self._clients[service, caller]


def may_write(world: World, company: Company, person: Person) -> bool:
    """Whether the person's next write of the company would be taken: a trial, which leaves nothing."""
    shop = shop_pb2.Shop(name=company.shops[0], display_name="Trial")
    update = shop_pb2.UpdateShopRequest(shop=shop, validate_only=True)
    update.update_mask.paths.append("display_name")
    client = Client(world.platform.addresses["shop"], world.certificates("gateway"))
    try:
        headers = {"authorization": f"Bearer {person.token()}"}
        client.call(METHODS["ShopService/UpdateShop"], update, metadata=headers)
    except (NotFound, NotReady, Unavailable, Unauthenticated, TimedOut):
        return False
    finally:
        client.close()
    return True
