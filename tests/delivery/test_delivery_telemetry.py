"""What a batch on its way leaves in metrics and spans: how many, how old, how it ended, and no value."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from support.delivery import NOW_S, payload, refused, scene, stuck

from consumer.observability.telemetry import Telemetry
from consumer.observability.tracing import Tracing


def watched() -> Any:
    """Telemetry, and what gives its spans: those of requests, those of batches."""
    exporter = InMemorySpanExporter()
    telemetry = Telemetry(tracing=Tracing([SimpleSpanProcessor(exporter)], group="capi-consumer"))

    def spans() -> tuple[list[ReadableSpan], list[ReadableSpan]]:
        every = exporter.get_finished_spans()
        return (
            [s for s in every if s.kind is SpanKind.CLIENT],
            [s for s in every if s.kind is SpanKind.CONSUMER],
        )

    return telemetry, spans


def histogram(telemetry: Any, name: Any) -> tuple[float | int, float | int]:
    """How often, and the sum, over all attributes."""
    text = telemetry.exposition().decode()
    counts = re.findall(rf"^{name}_count(?:{{.*}})? ([\d.]+)$", text, re.MULTILINE)
    sums = re.findall(rf"^{name}_sum(?:{{.*}})? ([\d.]+)$", text, re.MULTILINE)
    return sum(map(float, counts)), sum(map(float, sums))


async def test_a_batch_is_one_span_and_each_attempt_one_within_it() -> None:
    telemetry, spans = watched()
    fault = {"kind": "error", "status": 500, "code": 2, "times": 2}
    async with scene(sandbox={"behave": {"faults": [fault]}}, telemetry=telemetry) as at:
        at.accept(*(payload(n) for n in range(5)))
        await at.all_ended()
        await at.delivery.cancel_all()
        requests, (batch,) = spans()
        assert [span.attributes["capi.outcome"] for span in requests] == [
            "transient",
            "transient",
            "accepted",
        ]
        assert {span.parent.span_id for span in requests} == {batch.context.span_id}
        assert batch.attributes["messaging.batch.message_count"] == 5
        assert histogram(telemetry, "capi_batch_size") == (3, 15)
        assert histogram(telemetry, "http_client_request_duration_seconds")[0] == 3


async def test_a_part_of_a_batch_that_is_taken_apart_is_a_span_of_its_own_trace() -> None:
    """It may go on for hours after the batch."""
    telemetry, spans = watched()
    async with scene(poison_after_s=0.1, events_max=4, telemetry=telemetry) as at:
        at.accept(*(payload(n) for n in range(3)), stuck(3))
        number = 100
        while 3 not in at.settled:
            at.accept(payload(number))
            number += 1
            await asyncio.sleep(0.005)
        await at.all_ended()
        await at.delivery.cancel_all()
    _, batches = spans()
    assert {1, 2, 4} == {span.attributes["messaging.batch.message_count"] for span in batches}
    assert [span for span in batches if span.parent] == []
    assert len({span.context.trace_id for span in batches}) == len(batches)


async def test_the_age_is_that_of_the_oldest_event_at_acceptance() -> None:
    telemetry, _ = watched()
    async with scene(telemetry=telemetry) as at:
        at.accept(payload(0, event_time=NOW_S - 100), payload(1, event_time=NOW_S - 40))
        at.accept(payload(2, event_time=NOW_S + 30))
        await at.all_ended()
        assert histogram(telemetry, "capi_event_age_seconds") == (1, 100)


async def test_what_is_refused_has_no_age_and_its_requests_end_as_errors() -> None:
    telemetry, spans = watched()
    async with scene(telemetry=telemetry) as at:
        at.accept(refused(0))
        await at.all_ended()
        await at.delivery.cancel_all()
        (request,), _ = spans()
        assert (request.attributes["capi.meta.code"], request.attributes["capi.meta.subcode"]) == (
            100,
            2804007,
        )
        assert histogram(telemetry, "capi_event_age_seconds") == (0, 0)
        assert 'capi_meta_errors_total{code="100"} 1.0' in telemetry.exposition().decode()
