"""docs/operations.md says nothing that is not so: its figures, and each alert."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from support.doc_pages import ROOT, Page

PAGE = Page("docs/operations.md")
RULES = yaml.safe_load((ROOT / "helm/capi-consumer/files/alerts.yaml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]


def test_no_figure_is_left_out() -> None:
    assert re.findall(r"\bCAPACITY_[A-Z]+", PAGE.text) == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_has_its_own_heading(alert: Any) -> None:
    path, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert path == "docs/operations.md"
    assert PAGE.leads_somewhere(f"#{anchor}")


def test_each_heading_below_alerts_is_some_alerts() -> None:
    section = PAGE.text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.*)$", section, re.MULTILINE)
    anchors = {alert["annotations"]["runbook"].partition("#")[2] for alert in ALERTS}
    assert {heading.lower().replace(" ", "-") for heading in headings} == anchors
