"""What watches: the monitor finds the pods, and alerts and dashboard travel as they are written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.chart import CHART, minimal, named, only, pod, rendered, values_of
from support.promql_queries import ALERTS, DASHBOARD, alerts, dashboard, selected

pytestmark = pytest.mark.chart

MONITORED = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


def test_the_monitor_asks_where_the_program_answers() -> None:
    monitor = only(rendered(minimal(**MONITORED)), "PodMonitor")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint == {"port": "health", "path": "/metrics", "interval": "30s"}
    (container,) = pod(rendered(minimal()))["containers"]
    assert endpoint["port"] in [port["name"] for port in container["ports"]]


@each_alert
def test_an_alert_says_what_is_wrong_and_where_to_read_on(alert: Any) -> None:
    assert re.fullmatch(r"CapiConsumer[A-Z][A-Za-z]+", alert["alert"])
    assert set(alert) - {"keep_firing_for"} == {"alert", "expr", "for", "labels", "annotations"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["labels"]["severity"] in ("critical", "warning")
    words = re.findall("[A-Z][a-z]+", alert["alert"].removeprefix("CapiConsumer"))
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{'-'.join(words).lower()}"


def test_names_of_alerts_differ() -> None:
    names = [alert["alert"] for alert in alerts()]
    assert len(set(names)) == len(names)


def test_the_rule_means_the_pods_of_the_release() -> None:
    manifests = rendered(minimal(**MONITORED), "shop-fr")
    (group,) = only(manifests, "PrometheusRule")["spec"]["groups"]
    job = "marketing/" + only(manifests, "PodMonitor")["metadata"]["name"]  # as the operator names it
    for rule in group["rules"]:
        assert {labels["job"] for _, labels in selected(rule["expr"])} == {job}


def test_the_rule_is_the_file_but_for_what_was_asked() -> None:
    manifests = rendered(values_of(CHART / "ci" / "monitoring-values.yaml"))
    (group,) = only(manifests, "PrometheusRule")["spec"]["groups"]
    written = {alert["alert"]: alert for alert in alerts()}
    made = {rule["alert"]: rule for rule in group["rules"]}
    assert set(written) - set(made) == {"CapiConsumerTooOld"}
    for name, rule in made.items():
        assert rule["annotations"] == written[name]["annotations"]
        assert rule["for"] == written[name]["for"]
        assert rule.get("keep_firing_for") == written[name].get("keep_firing_for")
        assert rule["labels"] == written[name]["labels"] | {"team": "data"}
        assert rule["expr"] == written[name]["expr"].replace(
            'job="capi-consumer"', 'job="marketing/shop-capi-consumer"'
        )


def test_pods_that_somebody_else_scrapes_have_another_job() -> None:
    rule = only(rendered(minimal(prometheusRule={"enabled": True, "job": "pods"})), "PrometheusRule")
    assert 'job="pods"' in json.dumps(rule).replace("\\", "")
    assert 'job="capi-consumer"' not in json.dumps(rule).replace("\\", "")


def test_the_dashboard_is_the_file_where_grafana_s_sidecar_looks() -> None:
    manifests = rendered(values_of(CHART / "ci" / "monitoring-values.yaml"))
    made = named(manifests, "ConfigMap", "shop-capi-consumer-dashboard")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["annotations"] == {"grafana_folder": "Marketing"}
    assert json.loads(made["data"]["capi-consumer.json"]) == dashboard()


def test_panels_say_what_they_show_and_do_not_overlap() -> None:
    taken: set[Any] = set()
    for panel in dashboard()["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells)
        taken |= cells
    assert len(taken) == 24 * max(
        panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard()["panels"]
    )


def test_identifiers_of_panels_differ() -> None:
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(identifiers)) == len(identifiers)


def test_the_dashboard_belongs_to_no_grafana() -> None:
    assert "id" not in dashboard()
    sources = {json.dumps(panel["datasource"]) for panel in dashboard()["panels"]}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}


def test_the_files_name_no_host() -> None:
    for file in (ALERTS, DASHBOARD):
        assert "://" not in file.read_text(encoding="utf-8")
