"""What the register of metrics (`consumer/observability/metrics.py`) makes of the words of a query."""

from __future__ import annotations

from collections.abc import Iterator

from support.promql_queries import grouped, selected

from consumer.observability.metrics import REGISTER, Instrument, Metric

# What Prometheus itself adds: to each series, and as series.
OF_THE_SCRAPE = {"job", "namespace", "instance"}
OF_PROMETHEUS = {"up"}


def of_series(name: str) -> tuple[Metric, dict[str, tuple[str, ...] | str]] | None:
    """The metric that a series belongs to, and its labels with their values; None where there is none."""
    for metric in REGISTER:
        labels = {label.replace(".", "_"): values for label, values in metric.attributes.items()}
        labels |= {label.replace(".", "_"): (value,) for label, value in metric.constants.items()}
        if metric.instrument is not Instrument.HISTOGRAM:
            names = {metric.prometheus_name: labels}
        else:
            names = {f"{metric.prometheus_name}_{part}": labels for part in ("sum", "count")}
            names[f"{metric.prometheus_name}_bucket"] = labels | {"le": "an upper bound"}
        if name in names:
            return metric, names[name]
    return None


def unknown_in(query: str) -> list[str]:
    """What a query asks for and the register does not have: series, labels, values of labels."""
    return [*_unknown_selected(query), *_unknown_grouped(query)]


def _unknown_selected(query: str) -> Iterator[str]:
    for series, asked in selected(query):
        if series in OF_PROMETHEUS:
            continue
        if (found := of_series(series)) is None:
            yield series
            continue
        _, labels = found
        for label, text in asked.items():
            if label in OF_THE_SCRAPE:
                continue
            if label not in labels:
                yield f"{series}{{{label}}}"
            elif not isinstance(values := labels[label], str):
                yield from (f'{series}{{{label}="{one}"}}' for one in text.split("|") if one not in values)


def _unknown_grouped(query: str) -> Iterator[str]:
    known = set(OF_THE_SCRAPE)
    for series, _ in selected(query):
        known |= set((of_series(series) or (None, {}))[1])
    yield from sorted(grouped(query) - known)
