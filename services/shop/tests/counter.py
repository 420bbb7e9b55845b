"""A shop service on a clock that tests move, and those who call it: merchant, operator, payment engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from comptoir.shop.v1 import go_live_pb2, key_pb2, shop_pb2, signature_pb2
from services.chassis.testing.running import METHODS, Running
from services.shop.service import letters_of
from services.shop.timekeeper import Timekeeper

ACCEPTED, REFUSED = "PAYMENT_OUTCOME_ACCEPTED", "PAYMENT_OUTCOME_REFUSED"
SCENARIOS = (ACCEPTED, ACCEPTED, REFUSED, REFUSED)
M = TypeVar("M", bound=Message)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True)
class Counter:
    """Calls by `Service/Method` and the request as JSON has it."""

    running: Running
    clock: Clock

    def token(self, **changes: Any) -> str:
        """A token of the company's owner, who has just proved who they are."""
        now = int(self.clock().timestamp())
        return self.running.mint.token(**{"iat": now, "exp": now + 300, "auth_time": now, **changes})

    def operator(self, **changes: Any) -> str:
        return self.token(role="operator", company=None, shops=None, sub="operatorexample", **changes)

    def call(
        self,
        method: str,
        answer: type[M],
        request: dict[str, Any],
        token: str | None = None,
        service: str = "",
    ) -> M:
        """As the merchant, with another token, or as a service."""
        message = ParseDict(request, METHODS[method].request())
        if service:
            return self.running.call(method, message, answer, service=service)
        return self.running.call(method, message, answer, token=token or self.token())

    def opened(self, *, ready: bool = False, company: str = "acme", **settings: Any) -> str:
        """A new shop; `ready` for production or not."""
        request = {"parent": f"companies/{company}", "shop": {"displayName": "Boutique", **settings}}
        name = self.call("ShopService/CreateShop", shop_pb2.Shop, request, service="bootstrap").name
        if ready:
            for number, outcome in enumerate(SCENARIOS):
                self.tested(name, f"T{number}", outcome)
        return name

    def tested(self, shop: str, transaction: str, outcome: str = ACCEPTED, **more: Any) -> go_live_pb2.GoLive:
        """Reports a payment in TEST."""
        request = {
            "shop": shop,
            "transactionId": transaction,
            "outcome": outcome,
            "brand": "CB",
            "paymentTime": self.clock().isoformat(),
            **more,
        }
        return self.call(
            "GoLiveService/ReportTestPayment", go_live_pb2.GoLive, request, service="payment-engine"
        )

    def paid(self, shop: str) -> go_live_pb2.GoLive:
        """Reports a payment in PRODUCTION."""
        request = {"shop": shop, "transactionId": "P1", "paymentTime": self.clock().isoformat()}
        method = "GoLiveService/ReportProductionPayment"
        return self.call(method, go_live_pb2.GoLive, request, service="payment-engine")

    def key(self, shop: str, key: str) -> key_pb2.Key:
        return self.call("KeyService/GetKey", key_pb2.Key, {"name": f"{shop}/keys/{key}"})

    def act(self, method: str, shop: str, key: str, **request: Any) -> key_pb2.Key:
        """A method of `KeyService` that answers the key."""
        return self.call(f"KeyService/{method}", key_pb2.Key, {"name": f"{shop}/keys/{key}", **request})

    def revealed(self, shop: str, key: str, token: str | None = None) -> str:
        request = {"name": f"{shop}/keys/{key}"}
        return self.call("KeyService/RevealKey", key_pb2.RevealedKey, request, token).value

    def signed(self, shop: str, mode: str = "TEST") -> signature_pb2.SignFormResponse:
        request = {"shop": shop, "fields": {"vads_ctx_mode": mode}, "both": True}
        answer = signature_pb2.SignFormResponse
        return self.call("SignatureService/SignForm", answer, request, service="payment-engine")

    def verdict(self, shop: str, signature: str, mode: str = "TEST") -> signature_pb2.Verdict:
        request = {"shop": shop, "fields": {"vads_ctx_mode": mode}, "signature": signature}
        return self.call(
            "SignatureService/VerifyForm", signature_pb2.Verdict, request, service="payment-engine"
        )

    def keep_time(self) -> None:
        """Does what is due now."""
        resources = self.running.resources
        Timekeeper(resources.database, resources.changes, letters_of(resources), self.clock).work()

    def changes(self, name: str) -> list[tuple[str, list[str], str]]:
        """Action, fields and actor of each change of a resource, oldest first."""
        with self.running.database.administrator() as db:
            query = "select action, fields, actor from changes where resource = %s order by sequence"
            return [(action, fields, actor) for action, fields, actor in db.execute(query, [name])]
