"""Traces: the caller's decision holds, one undecided call in a hundred begins one, and the rest say so onwards."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.chassis import tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"
UNDECIDED = [{}, {"traceparent": ""}, {"traceparent": "nonsense"}, {"traceparent": "nonsense-00"}]


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    tracing.configure("test")
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    found = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(found))
    return found


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def served(**metadata: str) -> str:
    """What a call hands on to the services that it calls."""
    with tracing.server_span("/Service/Method", metadata):
        return tracing.outgoing().get("traceparent", "")


def test_a_sampled_trace_goes_on_and_is_handed_on(spans: InMemorySpanExporter) -> None:
    handed_on = served(traceparent=SAMPLED)

    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert format(span.context.trace_id, "032x") == TRACE
    assert handed_on == f"00-{TRACE}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"
    assert span.context.trace_flags.sampled


@pytest.mark.parametrize("flags", ["00", "02"])
def test_a_trace_that_was_left_out_stays_left_out(spans: InMemorySpanExporter, flags: str) -> None:
    given = f"00-{TRACE}-00f067aa0ba902b7-{flags}"
    handed_on = [served(traceparent=given) for _ in range(1000)]

    assert spans.get_finished_spans() == ()
    assert set(handed_on) == {given}


@pytest.mark.parametrize("metadata", UNDECIDED, ids=["none", "empty", "nonsense", "nonsense that ends well"])
def test_of_undecided_calls_one_in_a_hundred_begins_a_trace_and_the_others_decide_for_those_behind(
    spans: InMemorySpanExporter, metadata: dict[str, str]
) -> None:
    handed_on = [served(**metadata) for _ in range(10_000)]

    begun = spans.get_finished_spans()
    left_out = [header for header in handed_on if header.endswith("-00")]
    assert 40 <= len(begun) <= 170
    assert len(left_out) == 10_000 - len(begun)
    assert len(set(handed_on)) == 10_000


def test_outside_any_call_nothing_is_decided() -> None:
    assert tracing.outgoing() == {}
