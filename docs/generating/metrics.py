"""docs/metrics.md: the register of metrics."""

from __future__ import annotations

from collections.abc import Iterator

from consumer.observability.metrics import REGISTER, Instrument, Metric, Values
from generating import tables
from generating.alerts import alerts_of

HEAD = """\
# Metrics

Written by `make docs` from `consumer/observability/metrics.py`, which lists all of them. They are at
`/metrics` in Prometheus's text form under the names in the second column, and go by OTLP under those in
the first to where
`OTEL_EXPORTER_OTLP_ENDPOINT` says ([operations](operations.md#metrics-traces-and-logs)). A counter whose
values are listed here starts at 0 for each of them; of two attributes a pair begins when it comes. What each
reason and note means: [reasons](reasons.md).
"""
SECTIONS = (
    ("Counters", Instrument.COUNTER),
    ("Gauges", Instrument.GAUGE),
    ("Histograms", Instrument.HISTOGRAM),
)
COLUMNS = ("metric", "at /metrics", "unit", "what it says", "attributes", "alerts")


def page() -> str:
    """The text of docs/metrics.md."""
    return tables.page([HEAD, *(line for section in SECTIONS for line in _section(*section))])


def _section(title: str, instrument: Instrument) -> Iterator[str]:
    yield f"## {title}\n"
    yield from tables.table(COLUMNS, map(_row, (one for one in REGISTER if one.instrument is instrument)))


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        tables.code(metric.name),
        tables.code(metric.prometheus_name),
        {"1": "", "By": "bytes", "s": "seconds"}.get(metric.unit, metric.unit.strip("{}")),
        metric.help,
        _attributes(metric),
        alerts_of(metric),
    )


def _attributes(metric: Metric) -> str:
    named = [f"`{name}`: {_values(values)}" for name, values in metric.attributes.items()]
    return "<br>".join([*named, *(f"`{name}`: `{value}`" for name, value in metric.constants.items())])


def _values(values: Values) -> str:
    return values if isinstance(values, str) else " ".join(f"`{value}`" for value in values)
