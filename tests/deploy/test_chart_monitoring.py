"""What watches: the monitor finds the pods, and alerts and dashboard ask for series that the program has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from deploy.chart import CHART, minimal, named, only, pod, rendered, values_of
from deploy.queries import ALERTS, DASHBOARD, alerts, dashboard, panel_queries, selected
from required import require

from consumer import metrics
from consumer.core.decision import FILTERED_REASONS
from consumer.core.verdict import Kind
from consumer.state import State

pytestmark = pytest.mark.chart

OPERATIONS = CHART.parents[1] / "docs" / "operations.md"
ALERT_TESTS = Path(__file__).with_name("alerts.test.yaml")

MONITORED = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}


def at_metrics(metric):
    """The series that a metric is at /metrics, each with its labels."""
    labels = {re.sub("[^a-z0-9]+", "_", name) for name in (*metric.attributes, *metric.constants)}
    name = metric.prometheus_name
    if metric.instrument is not metrics.Instrument.HISTOGRAM:
        return {name: labels}
    return {f"{name}_bucket": labels | {"le"}, f"{name}_count": labels, f"{name}_sum": labels}


SERIES = {series: labels for metric in metrics.REGISTER for series, labels in at_metrics(metric).items()}
OF_PROMETHEUS = {"up": {"instance"}}
OF_THE_SCRAPE = {"job", "namespace", "instance"}
VALUES = {"state": set(State), "reason": set(FILTERED_REASONS), "verdict": set(Kind)}

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


def test_the_monitor_asks_where_the_program_answers():
    monitor = only(rendered(minimal(**MONITORED)), "PodMonitor")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint == {"port": "health", "path": "/metrics", "interval": "30s"}
    (container,) = pod(rendered(minimal()))["containers"]
    assert endpoint["port"] in [port["name"] for port in container["ports"]]


@each_alert
def test_an_alert_says_what_is_wrong_and_where_to_read_on(alert):
    assert re.fullmatch(r"CapiConsumer[A-Z][A-Za-z]+", alert["alert"])
    assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["labels"]["severity"] in ("critical", "warning")
    words = re.findall("[A-Z][a-z]+", alert["alert"].removeprefix("CapiConsumer"))
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{'-'.join(words).lower()}"


@each_alert
def test_an_alert_asks_for_what_there_is(alert):
    found = selected(alert["expr"])
    assert found
    for series, labels in found:
        assert set(labels) <= (SERIES | OF_PROMETHEUS)[series] | OF_THE_SCRAPE
        assert labels["job"] == "capi-consumer"
        for label, value in labels.items():
            assert value in VALUES.get(label, {value})


@pytest.mark.parametrize("query", panel_queries())
def test_a_panel_asks_for_what_there_is(query):
    found = selected(query)
    assert found
    for series, labels in found:
        assert set(labels) <= SERIES[series] | OF_THE_SCRAPE
        assert labels["job"] == "$job"
    grouped = {label for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(", ")}
    known = OF_THE_SCRAPE.union(*(SERIES[series] for series, _ in found))
    assert grouped - {""} <= known


def test_the_runbook_has_a_place_for_each_alert_and_no_other():
    page = OPERATIONS.read_text(encoding="utf-8")
    places = re.findall(r"^### (.+)$", page.partition("## Alerts")[2].partition("\n## ")[0], re.M)
    anchors = {f"docs/operations.md#{place.lower().replace(' ', '-')}" for place in places}
    assert {alert["annotations"]["runbook"] for alert in alerts()} == anchors


def test_names_of_alerts_differ():
    names = [alert["alert"] for alert in alerts()]
    assert len(set(names)) == len(names)


def test_the_rule_means_the_pods_of_the_release():
    manifests = rendered(minimal(**MONITORED), "shop-fr")
    (group,) = only(manifests, "PrometheusRule")["spec"]["groups"]
    job = "marketing/" + only(manifests, "PodMonitor")["metadata"]["name"]  # as the operator names it
    for rule in group["rules"]:
        assert {labels["job"] for _, labels in selected(rule["expr"])} == {job}


def test_the_rule_is_the_file_but_for_what_was_asked():
    manifests = rendered(values_of(CHART / "ci" / "monitoring-values.yaml"))
    (group,) = only(manifests, "PrometheusRule")["spec"]["groups"]
    written = {alert["alert"]: alert for alert in alerts()}
    made = {rule["alert"]: rule for rule in group["rules"]}
    assert set(written) - set(made) == {"CapiConsumerTooOld"}
    for name, rule in made.items():
        assert rule["annotations"] == written[name]["annotations"]
        assert rule["for"] == written[name]["for"]
        assert rule["labels"] == written[name]["labels"] | {"team": "data"}
        assert rule["expr"] == written[name]["expr"].replace(
            'job="capi-consumer"', 'job="marketing/shop-capi-consumer"'
        )


def test_pods_that_somebody_else_scrapes_have_another_job():
    rule = only(rendered(minimal(prometheusRule={"enabled": True, "job": "pods"})), "PrometheusRule")
    assert 'job="pods"' in json.dumps(rule).replace("\\", "")
    assert 'job="capi-consumer"' not in json.dumps(rule).replace("\\", "")


def test_the_dashboard_is_the_file_where_grafana_s_sidecar_looks():
    manifests = rendered(values_of(CHART / "ci" / "monitoring-values.yaml"))
    made = named(manifests, "ConfigMap", "shop-capi-consumer-dashboard")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["annotations"] == {"grafana_folder": "Marketing"}
    assert json.loads(made["data"]["capi-consumer.json"]) == dashboard()


def test_panels_say_what_they_show_and_do_not_overlap():
    taken = set()
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


def test_identifiers_of_panels_differ():
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(identifiers)) == len(identifiers)


def test_the_dashboard_belongs_to_no_grafana():
    assert "id" not in dashboard()
    sources = {json.dumps(panel["datasource"]) for panel in dashboard()["panels"]}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}


def test_the_files_name_no_host():
    for file in (ALERTS, DASHBOARD):
        assert "://" not in file.read_text(encoding="utf-8")


def test_each_alert_fires_when_it_should_and_not_when_all_is_well():
    """By Prometheus' own tool, which Debian's package `prometheus` has."""
    promtool = shutil.which("promtool") or require("prometheus", "no promtool to try the alerts with")
    done = subprocess.run(
        [promtool, "test", "rules", str(ALERT_TESTS)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried():
    tried = ALERT_TESTS.read_text(encoding="utf-8")
    for alert in alerts():
        assert tried.count(alert["alert"].removeprefix("CapiConsumer")) > 1, alert["alert"]
