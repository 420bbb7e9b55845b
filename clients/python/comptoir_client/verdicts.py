"""What the shop service says of signatures: it makes and judges them, and no key ever leaves it (SH11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from comptoir_client import wire
from comptoir_client.shops import Choice, SignatureAlgorithm

_SERVICE = "comptoir.shop.v1.SignatureService"
SIGN_FORM = wire.method(_SERVICE, "SignForm")
SIGN_ANSWER = wire.method(_SERVICE, "SignAnswer")
VERIFY_FORM = wire.method(_SERVICE, "VerifyForm")
VERIFY_ANSWER = wire.method(_SERVICE, "VerifyAnswer")
VERIFY_CREDENTIALS = wire.method(_SERVICE, "VerifyCredentials")
Fields = Mapping[str, str] | Iterable[tuple[str, str]]
"""Fields of a form by name, or as they were received: in order, and with repetitions."""


class Environment(Choice):
    """Environment a key is valid in."""

    UNSPECIFIED = "ENVIRONMENT_UNSPECIFIED"
    TEST = "ENVIRONMENT_TEST"
    PRODUCTION = "ENVIRONMENT_PRODUCTION"


class ValueState(Choice):
    """Which of a key's values it is."""

    UNSPECIFIED = "KEY_VALUE_STATE_UNSPECIFIED"
    CURRENT = "KEY_VALUE_STATE_CURRENT"
    FORMER = "KEY_VALUE_STATE_FORMER"
    RETIRED = "KEY_VALUE_STATE_RETIRED"


class Cause(StrEnum):
    """Why a signature is refused; the contract says what each means."""

    NONE = "CAUSE_UNSPECIFIED"
    UNKNOWN = "CAUSE_UNKNOWN"
    UNKNOWN_SHOP = "CAUSE_UNKNOWN_SHOP"
    OTHER_SHOP = "CAUSE_OTHER_SHOP"
    SHOP_CLOSED = "CAUSE_SHOP_CLOSED"
    KEY_NOT_GENERATED = "CAUSE_KEY_NOT_GENERATED"
    OTHER_ENVIRONMENT = "CAUSE_OTHER_ENVIRONMENT"
    RETIRED_KEY = "CAUSE_RETIRED_KEY"
    WRONG_KEY_FAMILY = "CAUSE_WRONG_KEY_FAMILY"
    WRONG_ALGORITHM = "CAUSE_WRONG_ALGORITHM"
    BODY_REENCODED = "CAUSE_BODY_REENCODED"
    FIELD_ORDER = "CAUSE_FIELD_ORDER"
    CHARSET = "CAUSE_CHARSET"
    TRUNCATED = "CAUSE_TRUNCATED"
    MISSING_FIELD = "CAUSE_MISSING_FIELD"
    REPEATED_FIELD = "CAUSE_REPEATED_FIELD"
    UNREADABLE = "CAUSE_UNREADABLE"
    UNSUPPORTED_KEY = "CAUSE_UNSUPPORTED_KEY"
    UNSUPPORTED_ALGORITHM = "CAUSE_UNSUPPORTED_ALGORITHM"
    MALFORMED_CREDENTIALS = "CAUSE_MALFORMED_CREDENTIALS"
    KEY_UNAVAILABLE = "CAUSE_KEY_UNAVAILABLE"

    @classmethod
    def _missing_(cls, value: object) -> Cause:
        # What a later contract adds is a refusal all the same.
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class SignedForm:
    """The signature of a form."""

    signature: str
    algorithm: SignatureAlgorithm
    environment: Environment
    former_signature: str
    """By the key's former value; empty unless asked for, and outside an overlap."""
    former_expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """The signature of an answer of the REST API."""

    kr_hash: str
    kr_hash_algorithm: str
    former_kr_hash: str
    """By the key's former value; empty unless asked for, and outside an overlap."""
    former_expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a signature is right, by which key, and if not, why."""

    valid: bool
    cause: Cause
    message: str
    """The cause in a sentence for whoever integrates the shop."""
    shop: str
    """Full name of the shop; empty when there is none."""
    key: str
    """Name of the key that made it, where that is known."""
    check_value: str
    environment: Environment
    value_state: ValueState
    retire_time: datetime | None
    undiagnosed: bool


def signed_form(answer: Any) -> SignedForm:
    """From the service's answer."""
    return SignedForm(
        answer.signature,
        SignatureAlgorithm(wire.choice(answer, "algorithm")),
        Environment(wire.choice(answer, "environment")),
        answer.former_signature,
        _time(answer, "former_expire_time"),
    )


def signed_answer(answer: Any) -> SignedAnswer:
    """From the service's answer."""
    return SignedAnswer(
        answer.kr_hash,
        answer.kr_hash_algorithm,
        answer.former_kr_hash,
        _time(answer, "former_expire_time"),
    )


def verdict(answer: Any) -> Verdict:
    """From the service's answer."""
    return Verdict(
        answer.valid,
        Cause(wire.choice(answer, "cause")),
        answer.message,
        answer.shop,
        answer.key,
        answer.check_value,
        Environment(wire.choice(answer, "environment")),
        ValueState(wire.choice(answer, "value_state")),
        _time(answer, "retire_time"),
        answer.undiagnosed,
    )


def received(fields: Fields) -> dict[str, Any]:
    """The fields as the request of `VerifyForm` takes them."""
    if isinstance(fields, Mapping):
        return {"fields": dict(fields)}
    return {"received_fields": [{"name": name, "value": value} for name, value in fields]}


def _time(answer: Any, field: str) -> datetime | None:
    return getattr(answer, field).ToDatetime(UTC) if answer.HasField(field) else None
