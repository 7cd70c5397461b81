"""Metrics and spans go where the environment says, in OpenTelemetry's own protocol; else nowhere."""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from support.otlp_receiver import OtlpReceiver, attributes

from consumer import __version__
from consumer.errors import SettingsError
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability import metrics, otlp
from consumer.observability.telemetry import CLOSE_S
from consumer.observability.tracing import Tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


@pytest.mark.parametrize(
    ("environment", "is_there"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_there_are_spans_where_there_is_an_endpoint_for_them(
    environment: dict[str, Any], is_there: bool
) -> None:
    assert otlp.has_endpoint("TRACES", environment) is is_there


def test_without_an_endpoint_nothing_is_made() -> None:
    assert otlp.metric_readers({}) == []
    assert otlp.span_processors({}) == []
    quiet = otlp.telemetry("capi-consumer", {})
    assert not quiet.tracing.is_on
    quiet.close()


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "capi-consumer"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}, "capi-consumer"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=of-attributes"}, "of-attributes"),
        ({"OTEL_SERVICE_NAME": "of-name"}, "of-name"),
        ({"OTEL_SERVICE_NAME": "of-name", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other"}, "of-name"),
    ],
)
def test_who_we_are_has_a_name_and_the_environment_may_give_another(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any], name: str
) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    otlp.telemetry("capi-consumer").close()
    receiver.metrics()
    assert [(one["service.name"], one["service.version"]) for one in receiver.resources] == [
        (name, __version__)
    ]


def test_metrics_arrive_with_unit_attributes_and_numbers(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "capi-shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    telemetry = otlp.telemetry("capi-consumer")
    telemetry.add(metrics.FILTERED, 3, "no_consent")
    telemetry.read_from(metrics.LAG, lambda: {("capi.events", "4"): 17.0})
    telemetry.record(metrics.REQUEST_DURATION, 0.2, "graph.test", "443", "200", "")
    telemetry.close()
    came = receiver.metrics()
    assert receiver.resources[0]["service.name"] == "capi-shop"
    assert receiver.resources[0]["deployment.environment.name"] == "test"
    points = {
        attributes(p.attributes)["reason"]: p.as_int for p in came["capi.events.filtered"].sum.data_points
    }
    assert points["no_consent"] == 3
    assert points["event_too_old"] == 0
    (lag,) = came["capi.lag"].gauge.data_points
    assert (attributes(lag.attributes), lag.as_double) == ({"topic": "capi.events", "partition": "4"}, 17.0)
    (duration,) = came["http.client.request.duration"].histogram.data_points
    assert came["http.client.request.duration"].unit == "s"
    assert attributes(duration.attributes) == {
        "http.request.method": "POST",
        "server.address": "graph.test",
        "server.port": 443,
        "http.response.status_code": 200,
    }


def test_spans_arrive_with_links_to_the_producers(receiver: OtlpReceiver) -> None:
    telemetry = otlp.telemetry("capi-consumer")
    headers = [[("traceparent", PARENT.encode())], [("traceparent", PARENT.encode())], []]
    with (
        telemetry.tracing.batch(headers),
        telemetry.tracing.request("graph.test", 443, 3) as span,
    ):
        span.end(Response(ResponseOutcome.THROTTLED, 400, code=4), "400")
    telemetry.close()
    request, batch = receiver.spans()
    assert (batch.name, request.name) == ("deliver", "POST")
    assert request.parent_span_id == batch.span_id
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in batch.links] == [
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    ]
    assert attributes(batch.attributes)["messaging.batch.message_count"] == 3
    assert attributes(batch.attributes)["messaging.consumer.group.name"] == "capi-consumer"
    told = attributes(request.attributes)
    assert (told["capi.outcome"], told["capi.meta.code"], told["error.type"]) == ("throttled", 4, "400")
    assert request.status.code == request.status.STATUS_CODE_ERROR


MISTAKES = [
    ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10000"),
    ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
]


@pytest.mark.parametrize(("name", "value"), MISTAKES)
def test_what_the_sdk_does_not_take_is_one_line_that_names_the_variable(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, name: Any, value: Any
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as raised:
        otlp.telemetry("capi-consumer")
    (line,) = raised.value.problems
    assert "\n" not in line


def test_the_queue_of_spans_is_what_the_environment_says(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    telemetry = otlp.telemetry("capi-consumer")
    with telemetry.tracing.batch([[]]):
        pass
    telemetry.close()
    assert len(receiver.spans()) == 1


def test_spans_that_nobody_takes_wait_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that hangs: of 700 batches of a thousand links half a thousand spans wait."""
    for name in ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    hanging = threading.Event()
    monkeypatch.setattr(OTLPSpanExporter, "export", lambda *_: hanging.wait())
    monkeypatch.setattr(OTLPSpanExporter, "shutdown", lambda *_: None)
    tracing = Tracing(otlp.span_processors(os.environ), otlp.resource())
    headers = [[("traceparent", b"00-%032x-%016x-01" % (n, n))] for n in range(1, 1001)]
    tracemalloc.start()
    for _ in range(700):
        with tracing.batch(headers):
            pass
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    hanging.set()
    tracing.close()
    assert held < 50_000_000


def test_an_endpoint_that_does_not_answer_holds_up_the_end_for_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    telemetry = otlp.telemetry("capi-consumer")
    with telemetry.tracing.batch([[]]):
        pass
    began_s = time.monotonic()
    telemetry.close()
    assert time.monotonic() - began_s < CLOSE_S + 1
