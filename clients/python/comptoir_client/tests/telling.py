"""What a feed tells, made by hand from the wire's own messages, and a clock that stands until it is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from comptoir_client.copies import Clock
from comptoir_client.following import WATCH

COMPANY = "k4t2mc7xq5wz3bnd6hra"
NAME = f"companies/{COMPANY}/shops/69876357"
STATE: dict[str, Any] = {
    "display_name": "Boutique du port",
    "url": "https://boutique.example",
    "capture_delay_days": 2,
    "validation_mode": "VALIDATION_MODE_MANUAL",
    "extra_attempts": 4,
    "notify_refused_attempts": True,
    "signature_algorithm": "SIGNATURE_ALGORITHM_HMAC_SHA_256",
    "state": "SHOP_STATE_TEST_ONLY",
}
_TYPE = "comptoir.shop/Shop"


@dataclass
class Hands:
    """A clock's hands, moved by the test."""

    monotonic: float = 1000.0
    wall: float = 1_790_000_000.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: self.monotonic, lambda: self.wall)

    def pass_(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds


def resource(name: str = NAME, **state: Any) -> Any:
    """One of a snapshot."""
    answer = WATCH.response()
    answer.resource.type, answer.resource.name = _TYPE, name
    answer.resource.state.update({**STATE, **state})
    return answer


def snapshot_end(cursor: str) -> Any:
    answer = WATCH.response(cursor=cursor)
    answer.snapshot_end.SetInParent()
    return answer


def change(cursor: str, sequence: int, name: str = NAME, *, gone: bool = False, **state: Any) -> Any:
    """A change of that shop, which stands so by now."""
    answer = WATCH.response(cursor=cursor)
    told = answer.change
    told.type, told.resource, told.sequence, told.schema_version = _TYPE, name, sequence, 1
    told.action = "ACTION_DELETE" if gone else "ACTION_UPDATE"
    told.scope = "/".join(name.split("/")[:2])
    told.fields.extend(state)
    if not gone:
        told.state.update({**STATE, **state})
    return answer


def heartbeat(cursor: str, age: float | None) -> Any:
    answer = WATCH.response(cursor=cursor)
    answer.heartbeat.SetInParent()
    if age is not None:
        answer.heartbeat.age.FromMilliseconds(round(age * 1000))
    return answer


def resync() -> Any:
    answer = WATCH.response()
    answer.resync.reason = "RESYNC_REASON_COMPACTED"
    return answer
