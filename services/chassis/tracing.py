"""Distributed traces (W3C Trace Context): taken over from the caller, or started for one request in a hundred."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.chassis.request_ids import new_number

SAMPLE = 0.01
_NOT_SAMPLED = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-0[02]")
"""A `traceparent` whose sampled flag is not set, with or without the flag for random ids."""

_random = random.Random()  # noqa: S311 - picks a sample, protects nothing
_left_out: ContextVar[str | None] = ContextVar("left_out", default=None)
"""Within a call that is left out of the sample: the `traceparent` that said so, or an empty text."""
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("comptoir")


def configure(service: str) -> None:
    """Names this process in its spans; exporters are added by the standard `OTEL_*` settings where they are wanted."""
    # Whether a trace begins is decided in `server_span`; what the caller decided holds.
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON), resource=Resource.create({"service.name": service})
    )
    trace.set_tracer_provider(provider)


class _LeftOut:
    """Stands where a span would be that nobody records: making one takes longer than many a call."""

    def __init__(self, given: str) -> None:
        self._given = given

    def __enter__(self) -> None:
        self._before: Token[str | None] = _left_out.set(self._given)

    def __exit__(self, *_: object) -> None:
        _left_out.reset(self._before)


def server_span(name: str, metadata: Mapping[str, str]) -> AbstractContextManager[object]:
    """A span around the serving of one call."""
    given = metadata.get("traceparent", "")
    if _NOT_SAMPLED.fullmatch(given):
        return _LeftOut(given)
    # Empty for what is no traceparent at all.
    parent = _propagator.extract(metadata) if given else None
    if not parent and _random.random() >= SAMPLE:
        return _LeftOut("")
    # The text of an exception may quote anything, so neither an event nor the status may carry it.
    return _tracer.start_as_current_span(
        name,
        context=parent,
        kind=SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    )


def outgoing() -> dict[str, str]:
    """Metadata that hands the present trace on, or says that this call is left out of the sample."""
    left_out = _left_out.get()
    if left_out is not None:
        return {"traceparent": left_out or f"00-{new_number()}-{new_number(64)}-00"}
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier
