"""
Counting: what happened, to be read at /metrics.

Two threads count (the one that decides, the one that sends), thousands of
times a second. So counting is adding to a dictionary under a lock, once per
batch and set of attributes, and the OpenTelemetry SDK reads the sums when it
is asked (observable counters).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from consumer import __version__
from consumer.metrics import COUNTERS, GAUGES, Metric

Labels = tuple[str, ...]
L = TypeVar("L", bound=tuple[str, ...])
Reading = Callable[[], Mapping[Labels, float]]


class Telemetry:
    """The counters and gauges of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[str, Counter[Labels]] = {metric.name: _zeros(metric) for metric in COUNTERS}
        self._readings: dict[str, Reading] = {}
        self._registry = CollectorRegistry()
        self._provider = MeterProvider(
            [PrometheusMetricReader(registry=self._registry)],
            resource=Resource.create({"service.name": "capi-consumer", "service.version": __version__}),
            shutdown_on_exit=False,
        )
        self._register()

    def add(self, metric: Metric, amount: int = 1, *labels: str) -> None:
        """Count `amount` for one set of attribute values, in the order of the metric's attributes."""
        self.add_all(metric, {labels: amount})

    def add_all(self, metric: Metric, amounts: Mapping[L, int]) -> None:
        """Count a batch's sums at once."""
        sums = self._sums[metric.name]
        with self._lock:
            for labels, amount in amounts.items():
                sums[labels] += amount

    def read_from(self, metric: Metric, reading: Reading) -> None:
        """Where a gauge is read when somebody asks: attribute values -> number."""
        self._readings[metric.name] = reading

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
        """Let the SDK go."""
        self._provider.shutdown()

    def _register(self) -> None:
        meter = self._provider.get_meter("capi-consumer", __version__)
        for metric in COUNTERS:
            meter.create_observable_counter(
                metric.name, [self._observer(metric, self._sums_of(metric))], metric.unit, metric.says
            )
        for metric in GAUGES:
            meter.create_observable_gauge(
                metric.name, [self._observer(metric, self._reading_of(metric))], metric.unit, metric.says
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
        names = tuple(metric.attributes)
        return lambda _: [
            Observation(value, dict(zip(names, labels, strict=True))) for labels, value in read().items()
        ]


def _zeros(metric: Metric) -> Counter[Labels]:
    """Every combination that is known beforehand, at 0."""
    if not metric.attributes:
        return Counter({(): 0})
    bounded = [values for values in metric.attributes.values() if values is not None]
    if len(metric.attributes) == 1 and bounded:
        return Counter({(value,): 0 for value in bounded[0]})
    return Counter()
