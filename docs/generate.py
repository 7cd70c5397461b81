"""
Writes docs/metrics.md from the register of metrics (`consumer/metrics.py`).

    python docs/generate.py           write it
    python docs/generate.py --check   exit 1 if it is not as it would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from consumer.metrics import REGISTER, Instrument, Metric, Values

PAGE = Path(__file__).parent / "metrics.md"
HEAD = """\
# Metrics

Written by `make docs` from `consumer/metrics.py`, which holds all there are. They are at `/metrics` in
Prometheus's text form under the names in the second column, and go by OTLP under those in the first to where
`OTEL_EXPORTER_OTLP_ENDPOINT` says ([operations](operations.md#metrics-traces-and-logs)). A counter with
one attribute whose values are listed here starts at 0 for each of them; of two, a pair begins when it comes.
"""
SECTIONS = (
    ("Counters", Instrument.COUNTER),
    ("Gauges", Instrument.GAUGE),
    ("Histograms", Instrument.HISTOGRAM),
)


def page() -> str:
    """The text of docs/metrics.md."""
    return "\n".join([HEAD, *(line for section in SECTIONS for line in _section(*section))]).rstrip() + "\n"


def _section(title: str, instrument: Instrument) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| metric | at /metrics | unit | what it says | attributes |"
    yield "|---|---|---|---|---|"
    for metric in REGISTER:
        if metric.instrument is instrument:
            cells = (
                f"`{metric.name}`",
                f"`{metric.prometheus_name}`",
                _unit(metric),
                metric.says,
                _attributes(metric),
            )
            yield f"| {' | '.join(cells)} |"
    yield ""


def _unit(metric: Metric) -> str:
    return {"1": "", "By": "bytes", "s": "seconds"}.get(metric.unit, metric.unit.strip("{}"))


def _attributes(metric: Metric) -> str:
    named = [f"`{name}`: {_values(values)}" for name, values in metric.attributes.items()]
    return "<br>".join([*named, *(f"`{name}`: `{value}`" for name, value in metric.constants.items())])


def _values(values: Values) -> str:
    return values if isinstance(values, str) else " ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())
