"""Alerts and dashboard ask for what the register of metrics has."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from prometheus.register import unknown_in
from support.promql_queries import alerts, dashboard, panel_queries, selected

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
PICTURE = Path(__file__).parents[2] / "docs" / "dashboard.svg"

each_query = pytest.mark.parametrize("query", panel_queries())


@each_alert
def test_an_alert_asks_for_what_there_is(alert: Any) -> None:
    assert unknown_in(alert["expr"]) == []


@each_alert
def test_an_alert_asks_for_one_job_alone(alert: Any) -> None:
    jobs = [labels["job"] for _, labels in selected(alert["expr"])]
    assert jobs
    assert set(jobs) == {"capi-consumer"}


@each_query
def test_a_panel_asks_for_what_there_is(query: Any) -> None:
    assert unknown_in(query) == []


@each_query
def test_a_panel_asks_for_the_releases_that_were_chosen(query: Any) -> None:
    jobs = [labels["job"] for _, labels in selected(query)]
    assert jobs
    assert set(jobs) == {"$job"}


@pytest.mark.parametrize(
    ("query", "unknown"),
    [
        ('capi_lag{job="a"}', []),
        ("sum by (topic, instance) (capi_lag)", []),
        ('up{job="a"} == 0', []),
        ("capi_legs", ["capi_legs"]),
        ("rate(capi_batch_size_total[5m])", ["capi_batch_size_total"]),
        ("capi_batch_size_bucket", []),
        ("sum by (le) (capi_batch_size_count)", ["le"]),
        ('capi_lag{reason="x"}', ["capi_lag{reason}"]),
        ('capi_state{state=~"paused|broken"}', ['capi_state{state="broken"}']),
        ("max by (reason) (capi_lag)", ["reason"]),
        ("capi_lag * on (topic, colour) group_left () capi_lag", ["colour"]),
    ],
)
def test_what_there_is_not_is_found(query: str, unknown: Any) -> None:
    assert unknown_in(query) == unknown


def test_the_picture_is_of_these_panels_and_small() -> None:
    drawn = ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    assert [panel["title"] for panel in dashboard()["panels"]] == [
        one.text for one in drawn if one.get("font-weight") == "600" and one.get("text-anchor") == "start"
    ]
    assert PICTURE.stat().st_size < 300_000
