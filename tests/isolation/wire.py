"""Calls as bytes: all that comes back is kept, headers and trailers too, so that it can be searched."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from werkzeug.test import TestResponse

from services.chassis import tls
from services.chassis.contract import Method

REQUEST_ID = "isolation-0001"
"""The same for every call, so that no answer differs by it."""
CALLS: Counter[str] = Counter()
"""How many there were, by the way they went."""
_ENCODED = re.compile(rb"[A-Za-z0-9_+/-]{24,}={0,2}")
_CHANGING = frozenset({"date", "ratelimit", "ratelimit-policy", "retry-after", "content-length"})


@dataclass(frozen=True)
class Answer:
    """What came back: a code, a stable reason, and every byte."""

    code: str
    reason: str
    body: bytes
    rest: tuple[tuple[str, bytes], ...] = ()

    @property
    def is_ok(self) -> bool:
        return self.code in ("OK", "200", "304")

    @property
    def is_broken(self) -> bool:
        """Whether it is a mistake of ours, whoever asked for whatever."""
        return self.code in ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS") or self.code.startswith("5")

    def texts(self) -> Iterator[bytes]:
        """Every byte, and what is only encoded in it, such as a page token."""
        for part in (self.body, *(value for _, value in self.rest)):
            yield part.lower()
            for found in _ENCODED.findall(part):
                try:
                    yield base64.urlsafe_b64decode(
                        found.rstrip(b"=") + b"=" * (-len(found.rstrip(b"=")) % 4)
                    ).lower()
                except (binascii.Error, ValueError):
                    continue

    def without(self, *said: str) -> tuple[object, ...]:
        """The answer as somebody reads it who knows what they asked for."""
        told = [self.body, *(f"{name}: ".encode() + value for name, value in self.rest)]
        for word in sorted(filter(None, said), key=len, reverse=True):
            told = [part.replace(word.encode(), b"<said>") for part in told]
        return (self.code, self.reason, *told)


class Wire:
    """Channels to running services, one for each certificate."""

    def __init__(self, ports: Mapping[str, int], certificates: Path) -> None:
        self._ports, self._certificates = ports, certificates
        self._channels: dict[tuple[str, str], grpc.Channel] = {}

    def call(
        self,
        method: Method,
        message: bytes,
        *,
        service: str,
        metadata: Mapping[str, str],
        seconds: float = 30,
    ) -> Answer:
        CALLS["grpc"] += 1
        stub: Any = self._channel(method.service.split(".")[1], service).unary_unary(method.path)
        sent = [("x-request-id", REQUEST_ID), *metadata.items()]
        try:
            body, call = stub.with_call(message, metadata=sent, timeout=seconds)
        except grpc.RpcError as error:
            failed: Any = error
            return _failure(failed)
        return Answer("OK", "", body, _told(call))

    def _channel(self, name: str, service: str) -> grpc.Channel:
        if (name, service) not in self._channels:
            credentials = tls.channel_credentials(self._certificates / service)
            address = f"127.0.0.1:{self._ports[name]}"
            self._channels[name, service] = grpc.secure_channel(address, credentials)
        return self._channels[name, service]

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()


def _told(call: Any) -> tuple[tuple[str, bytes], ...]:
    pairs = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    return tuple((key, value if isinstance(value, bytes) else value.encode()) for key, value in pairs)


def _failure(error: Any) -> Answer:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    body = json_format.MessageToJson(status, ensure_ascii=False) if status else error.details() or ""
    # The status comes a second time among the trailers.
    rest = tuple(pair for pair in _told(error) if pair[0] != "grpc-status-details-bin")
    return Answer(error.code().name, info.reason, body.encode(), rest)


def of_http(response: TestResponse) -> Answer:
    """The same of an answer over HTTP."""
    problem = (
        response.get_json(silent=True) if "problem" in response.headers.get("Content-Type", "") else None
    )
    rest = tuple(
        (name.lower(), value.encode())
        for name, value in response.headers.items()
        if name.lower() not in _CHANGING
    )
    return Answer(str(response.status_code), (problem or {}).get("reason", ""), response.get_data(), rest)
