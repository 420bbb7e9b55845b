"""Times and durations that are none are refused by their path, wherever they stand in a request."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from comptoir.identity.v1 import application_pb2, oauth_pb2
from comptoir.shop.v1 import rules_pb2
from services.chassis.times import impossible


def redeeming(time: Timestamp) -> oauth_pb2.RedeemGrantRequest:
    grant = oauth_pb2.AuthorizationCodeGrant(receive_time=time)
    return oauth_pb2.RedeemGrantRequest(authorization_code=grant)


def asking(time: Timestamp) -> rules_pb2.ResolvePaymentRulesRequest:
    return rules_pb2.ResolvePaymentRulesRequest(transaction=rules_pb2.PaymentFacts(time=time))


def overlapping(overlap: Duration) -> application_pb2.GenerateApplicationSecretRequest:
    return application_pb2.GenerateApplicationSecretRequest(overlap=overlap)


@pytest.mark.parametrize(
    ("request_", "paths"),
    [
        (redeeming(Timestamp(nanos=-1)), ["authorization_code.receive_time"]),
        (redeeming(Timestamp(nanos=1_000_000_000)), ["authorization_code.receive_time"]),
        (redeeming(Timestamp(seconds=253_402_300_800)), ["authorization_code.receive_time"]),
        (redeeming(Timestamp(seconds=253_402_300_799, nanos=999_999_999)), []),
        (redeeming(Timestamp(seconds=-62_135_596_800)), []),
        (asking(Timestamp(seconds=-62_135_596_801)), ["transaction.time"]),
        (overlapping(Duration(seconds=315_576_000_001)), ["overlap"]),
        (overlapping(Duration(seconds=1, nanos=-1)), ["overlap"]),
        (overlapping(Duration(seconds=-1, nanos=1)), ["overlap"]),
        (overlapping(Duration(nanos=-1)), []),
        (overlapping(Duration(seconds=-315_576_000_000)), []),
        (oauth_pb2.RedeemGrantRequest(), []),
    ],
)
def test_what_is_no_time_is_named_by_its_path(request_: Message, paths: list[str]) -> None:
    descriptor: Any = request_.DESCRIPTOR

    assert [violation.field for violation in impossible(request_, descriptor)] == paths
