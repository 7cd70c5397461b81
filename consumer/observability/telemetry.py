"""
Metrics of one process: counted here, and read at /metrics or exported by OTLP.

    add, add_all   sums, which the SDK's observable counters read
    read_from      a function that is called when a gauge is read
    record         the SDK's histograms

Both threads count, thousands of times a second, and a call of the SDK costs
some microseconds. So counting adds to a dictionary under a lock, once per batch
and set of attributes, and the SDK reads the sums when it is asked. A histogram
is recorded once per poll or request, never per event.

`RecentErrors` keeps what no metric can hold: the trace id and the time of the
last error responses from Meta, one per outcome, code and subcode. Its sentences
are ours, because Meta's text may hold a customer's words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from consumer import __version__
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability.metrics import COUNTERS, GAUGES, HISTOGRAMS, Metric
from consumer.observability.tracing import Tracing

# Meta has about forty codes that matter here; a person reads the first few.
KEPT_MAX = 24


@dataclass(slots=True)
class ErrorResponse:
    """Answers of one kind, code and subcode. `at_s` (unix seconds) and the trace id are the last one's."""

    kind: ResponseOutcome
    code: int | None
    subcode: int | None
    says: str
    answers: int = 0
    at_s: float = 0.0
    fbtrace_id: str | None = None


class RecentErrors:
    """Written by the event loop at each answer, read by the page in the same thread."""

    def __init__(self) -> None:
        self._by_code: dict[tuple[ResponseOutcome, int | None, int | None, str], ErrorResponse] = {}

    def record_error(self, verdict: Response, now_s: float) -> None:
        """Remember an answer, unless it was an acceptance. The one that was heard longest ago gives way."""
        if verdict.outcome is ResponseOutcome.ACCEPTED:
            return
        key = (verdict.outcome, verdict.code, verdict.subcode, verdict.summary)
        known = self._by_code.pop(key, None) or ErrorResponse(*key)
        known.answers += 1
        known.at_s = now_s
        known.fbtrace_id = verdict.fbtrace_id
        self._by_code[key] = known
        if len(self._by_code) > KEPT_MAX:
            del self._by_code[next(iter(self._by_code))]

    def latest(self) -> list[ErrorResponse]:
        """Those that are remembered, the latest first."""
        return list(reversed(self._by_code.values()))


Labels = tuple[str, ...]
L = TypeVar("L", bound=tuple[str, ...])
Reading = Callable[[], Mapping[Labels, float]]

# The attributes that are numbers in the semantic conventions.
INTEGERS = frozenset({"http.response.status_code", "server.port"})
# The last export when we leave may not hold up the end of the process.
CLOSE_S = 3.0


class Telemetry:
    """
    The metrics of one process, its spans (`tracing`), and what Meta refused last (`refusals`).

    `readers` pass the metrics on beside /metrics (`consumer/observability/otlp.py`).
    """

    def __init__(
        self,
        readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.tracing = tracing or Tracing()
        self.recent_errors = RecentErrors()
        self._lock = threading.Lock()
        self._sums: dict[str, dict[Labels, int]] = {metric.name: _zeros(metric) for metric in COUNTERS}
        self._readings: dict[str, Reading] = {}
        self._registry = CollectorRegistry()
        self._provider = MeterProvider(
            [PrometheusMetricReader(registry=self._registry, scope_info_enabled=False), *readers],
            resource=resource or Resource.create({"service.name": "capi-consumer"}),
            shutdown_on_exit=False,
        )
        self._meter = self._provider.get_meter("capi-consumer", __version__)
        self._histograms = {
            metric.name: self._meter.create_histogram(
                metric.name, metric.unit, metric.help, explicit_bucket_boundaries_advisory=metric.bounds
            )
            for metric in HISTOGRAMS
        }
        self._observe()

    def add(self, metric: Metric, amount: int = 1, *labels: str) -> None:
        """
        Count `amount` for one set of attribute values, in the order of the metric's attributes.

        0 makes a series of a set that only the settings know.
        """
        self.add_all(metric, {labels: amount})

    def add_all(self, metric: Metric, amounts: Mapping[L, int]) -> None:
        """Count a batch's sums at once. Raises ValueError for values that the register does not have."""
        sums = self._sums[metric.name]
        with self._lock:
            for labels, amount in amounts.items():
                if labels not in sums:
                    _check(metric, labels)
                sums[labels] = sums.get(labels, 0) + amount

    def record(self, metric: Metric, value: float, *labels: str) -> None:
        """One measurement of a histogram, in the metric's unit. An empty label is left out."""
        self._histograms[metric.name].record(value, _attributes(metric, labels))

    def read_from(self, metric: Metric, reading: Reading) -> None:
        """Where a gauge is read when somebody asks: attribute values -> number."""
        self._readings[metric.name] = reading

    def reading(self, metric: Metric) -> Mapping[Labels, float]:
        """A gauge as it is now; nothing before anybody says where it is read."""
        return self._reading_of(metric)()

    def total(self, metric: Metric) -> int:
        """The sum over all attributes."""
        with self._lock:
            return sum(self._sums[metric.name].values())

    def snapshot(self) -> dict[str, dict[Labels, int]]:
        """All counters as they are now: name -> attribute values -> count."""
        with self._lock:
            return {name: dict(sums) for name, sums in self._sums.items()}

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """
        Pass on what came last, and let the SDK go: some seconds at most.

        The SDK's own time limits are longer, and a receiver that does not
        answer may use them up one after the other.
        """
        closing = threading.Thread(target=self._close, name="last telemetry", daemon=True)
        closing.start()
        closing.join(CLOSE_S)

    def _close(self) -> None:
        self.tracing.close()
        self._provider.shutdown()

    def _observe(self) -> None:
        for metric in COUNTERS:
            self._meter.create_observable_counter(
                metric.name, [self._observer(metric, self._sums_of(metric))], metric.unit, metric.help
            )
        for metric in GAUGES:
            self._meter.create_observable_gauge(
                metric.name, [self._observer(metric, self._reading_of(metric))], metric.unit, metric.help
            )

    def _sums_of(self, metric: Metric) -> Reading:
        def read() -> Mapping[Labels, float]:
            with self._lock:
                return dict(self._sums[metric.name])

        return read

    def _reading_of(self, metric: Metric) -> Reading:
        return lambda: self._readings.get(metric.name, dict)()

    @staticmethod
    def _observer(metric: Metric, read: Reading) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: [Observation(value, _attributes(metric, labels)) for labels, value in read().items()]


def _attributes(metric: Metric, labels: Labels) -> dict[str, str | int]:
    named = zip(metric.attributes, labels, strict=True)
    given = {name: int(value) if name in INTEGERS else value for name, value in named if value}
    return {**metric.constants, **given}


def _check(metric: Metric, labels: Labels) -> None:
    pairs = zip(metric.attributes.values(), labels, strict=True)
    if not all(isinstance(values, str) or label in values for values, label in pairs):
        raise ValueError(f"{metric.name} has no such attribute value")


def _zeros(metric: Metric) -> dict[Labels, int]:
    """
    What is known beforehand, at 0: of an attribute each value.

    Of two attributes most pairs never come. With 638 series of notes, of 749 in
    all, to be read took five times as long (14 ms at /metrics, 25 by OTLP), in
    which nothing is sent.
    """
    match list(metric.attributes.values()):
        case []:
            return {(): 0}
        case [tuple(values)]:
            return {(value,): 0 for value in values}
        case _:
            return {}
