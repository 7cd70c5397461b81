"""The alerts of helm/capi-consumer/files/alerts.yaml: from which metrics each is, and how bad."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from consumer.observability.metrics import REGISTER, Metric
from generating.tables import table

RULES = Path(__file__).parents[2] / "helm" / "capi-consumer" / "files" / "alerts.yaml"


def alerts() -> list[dict[str, Any]]:
    """Each rule, in the file's order."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def anchor(alert: dict[str, Any]) -> str:
    """Its heading on the page of the operator."""
    return str(alert["annotations"]["runbook"].partition("#")[2])


def metrics_of(alert: dict[str, Any]) -> list[Metric]:
    """What it is computed from."""
    named = set(re.findall(r"[a-z_]+", alert["expr"]))
    return [metric for metric in REGISTER if metric.prometheus_name in named]


def alerts_of(metric: Metric) -> str:
    """Links to the alerts that are computed from it."""
    using = [alert for alert in alerts() if metric in metrics_of(alert)]
    return ", ".join(f"[{_word(alert)}](operations.md#{anchor(alert)})" for alert in using)


def alerts_table() -> Iterator[str]:
    """The table of the operator's page."""
    return table(
        ("alert", "severity", "after", "what it says"),
        (
            (
                f"[`{alert['alert']}`](#{anchor(alert)})",
                alert["labels"]["severity"],
                alert["for"],
                re.sub(r"\{\{.*?\}\}", "…", alert["annotations"]["summary"]),
            )
            for alert in alerts()
        ),
    )


def _word(alert: dict[str, Any]) -> str:
    return str(alert["alert"].removeprefix("CapiConsumer"))
