"""
Spans: one for each batch on its way, one for each request of it.

    deliver   CONSUMER, with links to its records' `traceparent`s: 16 of them, sampled ones first
      POST    CLIENT, one per attempt
      POST

A link, not a parent: the events of a batch come from as many traces. Of the
producer's headers `traceparent` alone is read, which is hexadecimal; what is
in `tracestate` and `baggage` may be anything, and a span holds nothing of an
event. Of an exception it holds the type. Nothing is passed on to Meta.

Without an endpoint (`consumer/observability/otlp.py`) there are no spans, and no header is read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.trace import (
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from consumer import __version__
from consumer.domain.record import Headers
from consumer.meta.response import Response, ResponseOutcome

TRACEPARENT = "traceparent"
# It has 55 characters; what is much longer is none, and is not looked at.
TRACEPARENT_BYTES_MAX = 256
# Of a batch of a thousand. A link takes some 9 µs until it is sent: with 128, as many as the SDK lets a span
# have by itself, a tenth of what the batch costs. Where nobody takes it, it waits in memory, with 0.7 kB.
LINKS_MAX = 16
_propagator = TraceContextTextMapPropagator()


class Tracing:
    """Makes the spans of one process, or none where there is nobody to send them to."""

    def __init__(
        self, processors: Sequence[SpanProcessor] = (), resource: Resource | None = None, group: str = ""
    ) -> None:
        self._group = group
        self.is_on = bool(processors)
        self._provider: TracerProvider | None = None
        if self.is_on:
            limits = SpanLimits(max_links=LINKS_MAX)
            self._provider = TracerProvider(resource=resource, span_limits=limits, shutdown_on_exit=False)
            for processor in processors:
                self._provider.add_span_processor(processor)
            self._tracer = self._provider.get_tracer("capi-consumer", __version__)
        else:
            self._tracer = NoOpTracer()

    @contextmanager
    def batch(self, headers: Iterable[Headers]) -> Iterator[None]:
        """While a batch is on its way; `headers` are those of its records."""
        if not self.is_on:
            yield
            return
        every = list(headers)
        with self._tracer.start_as_current_span(
            "deliver",
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "deliver",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": self._group,
                "messaging.batch.message_count": len(every),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            # Only now is it known whether anybody will see it.
            if span.is_recording():
                _link(span, every)
            yield

    @contextmanager
    def request(self, host: str, port: int, events: int) -> Iterator[RequestSpan]:
        """While one request is under way."""
        with self._tracer.start_as_current_span(
            "POST",
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": "POST",
                "server.address": host,
                "server.port": port,
                "messaging.batch.message_count": events,
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield RequestSpan(span)

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, verdict: Response, error_type: str) -> None:
        """What became of it: codes and closed words, no text of Meta's."""
        span = self._span
        span.set_attribute("capi.outcome", verdict.outcome.value)
        numbers = {
            "http.response.status_code": verdict.http_status,
            "capi.meta.code": verdict.code,
            "capi.meta.subcode": verdict.subcode,
        }
        for name, number in numbers.items():
            if number is not None:
                span.set_attribute(name, number)
        if error_type:
            span.set_attribute("error.type", error_type)
        if verdict.outcome is not ResponseOutcome.ACCEPTED:
            span.set_status(Status(StatusCode.ERROR))


def _link(span: Span, headers: Iterable[Headers]) -> None:
    """Links as many as there may be; the headers of the other records are not read."""
    for context in itertools.islice(contexts(traceparents(headers)), LINKS_MAX):
        span.add_link(context)


def traceparents(headers: Iterable[Headers]) -> Iterator[bytes]:
    """The distinct values of that header, in their order."""
    seen: set[bytes] = set()
    for those in headers:
        for name, value in those:
            if not value or len(value) > TRACEPARENT_BYTES_MAX or name.lower() != TRACEPARENT:
                continue
            if value not in seen:
                seen.add(value)
                yield value


def contexts(values: Iterable[bytes]) -> Iterator[SpanContext]:
    """Of each `traceparent` that can be read, the span that it names."""
    for value in values:
        context = _propagator.extract({TRACEPARENT: value.decode("ascii", "replace")}, Context())
        found = get_current_span(context).get_span_context()
        if found.is_valid:
            yield found


def ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the span that we are in, for a log line; nothing outside of one."""
    found = get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {"trace_id": f"{found.trace_id:032x}", "span_id": f"{found.span_id:016x}"}
