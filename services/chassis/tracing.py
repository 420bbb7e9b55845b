"""Distributed traces (W3C Trace Context): taken over from the caller, or started for one request in a hundred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SAMPLE = 0.01

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("comptoir")


def configure(service: str) -> None:
    """Names this process in its spans; exporters are added by the standard `OTEL_*` settings where they are wanted."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(SAMPLE)), resource=Resource.create({"service.name": service})
    )
    trace.set_tracer_provider(provider)


@contextmanager
def server_span(name: str, metadata: Mapping[str, str]) -> Iterator[None]:
    """A span around the serving of one call."""
    parent = _propagator.extract(metadata) if "traceparent" in metadata else None
    with _tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER, record_exception=False):
        yield


def outgoing() -> dict[str, str]:
    """Metadata that hands the present trace on."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier
