"""What the alerts and the dashboard ask Prometheus: their files, and the series that a query names."""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any, NamedTuple

import yaml
from deploy.chart import CHART
from required import require

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
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def panel_queries() -> list[str]:
    """The queries of all panels, with the times that Grafana fills in."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "5m").replace("$__range", "1h") for query in found]


def selected(query: str) -> list[Selected]:
    """Every selector of the query. Raises ValueError for what is no PromQL."""
    promql().parse(query)
    selectors = re.findall(r"([a-z_][a-z0-9_]*)\{([^}]*)\}", query)
    return [Selected(series, dict(re.findall(r'(\w+)=~?"([^"]*)"', labels))) for series, labels in selectors]
