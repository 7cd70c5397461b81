"""Spans hold codes and closed words; links are made of `traceparent` alone; log lines name their span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from consumer.meta.response import Response, ResponseOutcome
from consumer.observability.tracing import LINKS_MAX, Tracing, contexts, ids, traceparents

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = b"00-11111111111111111111111111111111-2222222222222222-00"


@pytest.fixture
def spans() -> Iterator[Any]:
    exporter = InMemorySpanExporter()
    tracing = Tracing([SimpleSpanProcessor(exporter)])
    yield tracing, exporter.get_finished_spans
    tracing.close()


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"00-00000000000000000000000000000000-b7ad6b7169203331-01",
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        PARENT + b"-" + b"x" * 300,
    ],
)
def test_what_is_no_traceparent_is_no_link(value: bytes | None) -> None:
    assert list(contexts(traceparents([[("traceparent", value)]]))) == []


def test_each_distinct_traceparent_is_one_link(spans: Any) -> None:
    tracing, finished = spans
    with tracing.batch(
        [[("traceparent", PARENT)], [("Traceparent", OTHER)], [("traceparent", PARENT)], [("other", OTHER)]]
    ):
        pass
    assert [f"{link.context.trace_id:032x}" for link in finished()[0].links] == [
        "0af7651916cd43dd8448eb211c80319c",
        "11111111111111111111111111111111",
    ]


def test_of_the_other_headers_nothing_is_read(spans: Any) -> None:
    tracing, finished = spans
    canary = b"jane@example.test"
    headers = [("tracestate", b"vendor=" + canary), ("baggage", canary), ("traceparent", PARENT)]
    with tracing.batch([headers]):
        pass
    (span,) = finished()
    assert canary.decode() not in span.to_json()
    assert not span.links[0].context.trace_state


TWENTY = [[("traceparent", b"00-%032x-%016x-01" % (n, n))] for n in range(1, 21)]


def test_of_many_the_first_16_are_links_and_the_others_are_not_read(spans: Any) -> None:
    tracing, finished = spans
    with tracing.batch([*TWENTY, _unread()]):
        pass
    (span,) = finished()
    assert [link.context.span_id for link in span.links] == list(range(1, LINKS_MAX + 1))
    assert (LINKS_MAX, span.attributes["messaging.batch.message_count"]) == (16, 21)


def test_of_a_batch_whose_span_nobody_will_see_no_header_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    exporter = InMemorySpanExporter()
    tracing = Tracing([SimpleSpanProcessor(exporter)])
    with tracing.batch([_unread()]):
        pass
    assert exporter.get_finished_spans() == ()
    tracing.close()


def test_an_exception_leaves_no_text_in_a_span(spans: Any) -> None:
    tracing, finished = spans
    with pytest.raises(RuntimeError), tracing.batch([[]]), tracing.request("h", 1, 1):
        raise RuntimeError("jane@example.test")
    assert all("jane@" not in span.to_json() and not span.events for span in finished())


@pytest.mark.parametrize(
    ("verdict", "error_type", "told"),
    [
        (
            Response(ResponseOutcome.ACCEPTED, 200),
            "",
            {"capi.outcome": "accepted", "http.response.status_code": 200},
        ),
        (
            Response(ResponseOutcome.TRANSIENT),
            "timeout",
            {"capi.outcome": "transient", "error.type": "timeout"},
        ),
        (
            Response(ResponseOutcome.REJECTED, 400, code=100, subcode=2804003, title="Jane's e-mail"),
            "400",
            {
                "capi.outcome": "rejected",
                "http.response.status_code": 400,
                "error.type": "400",
                "capi.meta.code": 100,
                "capi.meta.subcode": 2804003,
            },
        ),
    ],
)
def test_a_request_says_how_it_ended_in_codes(
    spans: Any, verdict: Any, error_type: str, told: dict[str, Any]
) -> None:
    tracing, finished = spans
    with tracing.request("graph.test", 443, 2) as span:
        span.end(verdict, error_type)
    (ended,) = finished()
    place = {
        "http.request.method": "POST",
        "server.address": "graph.test",
        "server.port": 443,
        "messaging.batch.message_count": 2,
    }
    assert dict(ended.attributes) == {**place, **told}
    assert ended.status.is_ok is (verdict.outcome is ResponseOutcome.ACCEPTED)
    assert ended.status.description is None


def test_inside_a_span_its_ids_are_known_and_outside_none(spans: Any) -> None:
    tracing, finished = spans
    assert ids() == {}
    with tracing.batch([[]]):
        inside = ids()
    assert ids() == {}
    context = finished()[0].context
    assert inside == {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def test_without_anybody_to_send_them_to_there_are_no_spans() -> None:
    quiet = Tracing()
    with quiet.batch(_unread()), quiet.request("h", 1, 1) as span:
        span.end(Response(ResponseOutcome.ACCEPTED, 200), "")
        assert ids() == {}
    quiet.close()


def _unread() -> Any:
    raise AssertionError("headers are read although there are no spans")
    yield
