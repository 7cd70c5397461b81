"""
Where metrics and spans are sent: to the OTLP endpoint that the environment names, if any.

The variables are OpenTelemetry's own (OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS,
_CERTIFICATE, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, …), as an operator's
platform sets them, and the SDK's exporters and resource read them from the
process's environment themselves. The `environment` that is given here decides
only whether there is anything to send to: without an endpoint nothing is made,
and nothing costs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from consumer import __version__
from consumer.errors import SettingsError
from consumer.observability.telemetry import Telemetry
from consumer.observability.tracing import Tracing

Environment = Mapping[str, str]
# Half of them have up to 16 links: some 3 MB when nobody takes them.
SPANS_WAITING_MAX = 512
SPANS_AT_ONCE = 64
QUEUE_VARIABLES = ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_SCHEDULE_DELAY")


def telemetry(group: str, environment: Environment = os.environ) -> Telemetry:
    """The telemetry of a member of `group`. Where it goes, the process says; whether, `environment` does."""
    us = resource()
    return Telemetry(metric_readers(environment), us, Tracing(span_processors(environment), us, group))


def resource() -> Resource:
    """
    Who we are, to those who receive: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say more, or other.

    `Resource.create` makes up a name where it is given none, and takes what it
    is given before what the environment says: so what that says comes last.
    """
    ours = {"service.name": "capi-consumer", "service.version": __version__}
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def metric_readers(environment: Environment) -> list[MetricReader]:
    """One reader that exports each minute (OTEL_METRIC_EXPORT_INTERVAL), or none."""
    if not has_endpoint("METRICS", environment):
        return []
    exporter = OTLPMetricExporter()
    try:
        return [PeriodicExportingMetricReader(exporter)]
    except ValueError:
        raise SettingsError(["OTEL_METRIC_EXPORT_INTERVAL is to be more than 0"]) from None


def span_processors(environment: Environment) -> list[SpanProcessor]:
    """
    One processor that exports spans in batches, or none.

    Spans that nobody takes wait in its queue: ours is smaller than the SDK's,
    where the environment does not choose.
    """
    if not has_endpoint("TRACES", environment):
        return []
    exporter = OTLPSpanExporter()
    queue, at_once, delay = QUEUE_VARIABLES
    try:
        for name in QUEUE_VARIABLES:
            int(environment.get(name, "1"))  # the SDK would tell of it with a traceback, and go on
        return [
            BatchSpanProcessor(
                exporter,
                max_queue_size=None if queue in environment else SPANS_WAITING_MAX,
                max_export_batch_size=None if at_once in environment else SPANS_AT_ONCE,
            )
        ]
    except ValueError:
        raise SettingsError(
            [
                f"{queue}, {at_once} and {delay} are to be whole numbers above 0, and {queue} "
                f"({SPANS_WAITING_MAX}) no less than {at_once} ({SPANS_AT_ONCE})"
            ]
        ) from None


def has_endpoint(signal: str, environment: Environment) -> bool:
    """Whether `METRICS` or `TRACES` are to be sent anywhere."""
    is_off = (
        environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or environment.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower() == "none"
    )
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return not is_off and any(environment.get(name, "").strip() for name in names)
