"""What the alerts and the dashboard ask Prometheus: their files, and the series that a query names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import yaml
from support.chart import CHART
from support.requirements import require

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"


class Selected(NamedTuple):
    """A series that a query selects, and the values it asks of its labels."""

    series: str
    labels: dict[str, str]


def promql() -> ModuleType:
    """A parser of PromQL; without it the test is given up."""
    try:
        import promql_parser
    except ImportError:
        require("chart", "promql-parser is not installed")
    return promql_parser


def alerts() -> list[dict[str, Any]]:
    """The rules of all groups."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return dict(json.loads(DASHBOARD.read_text(encoding="utf-8")))


def panel_queries() -> list[str]:
    """The queries of all panels, with the times that Grafana fills in."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "5m").replace("$__range", "1h") for query in found]


def selected(query: str) -> list[Selected]:
    """Every selector of the query. Raises ValueError for what is no PromQL."""
    return [
        Selected(node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers})
        for node in nodes(promql().parse(query))
        if isinstance(node, promql().VectorSelector)
    ]


def grouped(query: str) -> set[str]:
    """The labels that the query keeps, joins by or brings along."""
    found: set[str] = set()
    for node in nodes(promql().parse(query)):
        modifier = getattr(node, "modifier", None)
        labels = getattr(modifier, "labels", None) or []  # of an aggregation
        matching = getattr(getattr(modifier, "matching", None), "labels", None) or []
        found |= {*labels, *matching}
    return found


def nodes(node: Any) -> Iterator[Any]:
    """The node of a parsed query, and all below it."""
    yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        if (below := getattr(node, name, None)) is not None:
            yield from nodes(below)
    for below in getattr(node, "args", None) or []:
        yield from nodes(below)
