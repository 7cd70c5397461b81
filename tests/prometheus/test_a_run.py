"""A run under load and under faults, watched by a real Prometheus: no panel of the dashboard stays empty."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from faults.world import World
from prometheus.picture import picture
from prometheus.programs import program
from prometheus.server import EVERY_S
from prometheus.story import Told, told
from support.compose import services
from support.kafka_cluster import KafkaCluster
from support.promql_queries import alerts, dashboard

from consumer.observability.metrics import REGISTER, Instrument

pytestmark = [pytest.mark.prometheus, pytest.mark.kafka]

TARGETS = [(panel, target) for panel in dashboard()["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def prometheus_is_there() -> None:
    program("prometheus")


@pytest.fixture(scope="module")
def run(
    prometheus_is_there: None, kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    with told(World(tmp_path_factory.mktemp("watched"), kafka)) as story:
        yield story


@pytest.mark.parametrize(("panel", "target"), TARGETS, ids=lambda one: one.get("title", one.get("refId")))
def test_a_panel_has_something_to_show(run: Told, panel: Any, target: Any) -> None:
    query = run.query(target["expr"])
    if target.get("instant"):
        found = run.prometheus.query(query, run.to_s)
        values = [one["value"][1] for one in found]
    else:
        found = run.prometheus.query_range(query, run.from_s, run.to_s, EVERY_S)
        values = [value for one in found for _, value in one["values"]]
    assert [value for value in values if value != "NaN"] != []


def test_prometheus_is_well_as_docker_compose_asks(run: Told) -> None:
    *_, url = services()["prometheus"]["healthcheck"]["test"]
    here = url.replace("127.0.0.1:9090", run.prometheus.address)
    assert here != url
    with urllib.request.urlopen(here, timeout=5) as answer:
        assert answer.status == 200


def test_no_alert_fails_to_be_evaluated(run: Told) -> None:
    (group,) = run.prometheus.get("rules", type="alert")["groups"]
    assert [rule["name"] for rule in group["rules"]] == [alert["alert"] for alert in alerts()]
    assert {(rule["health"], rule.get("lastError", "")) for rule in group["rules"]} == {("ok", "")}


def test_alerts_were_about_to_fire_for_what_happened_and_none_in_so_short_a_time(run: Told) -> None:
    span = f"{round(run.to_s - run.from_s)}s"
    seen = run.prometheus.query(f"count by (alertname, alertstate) (max_over_time(ALERTS[{span}]))", run.to_s)
    pending = {one["metric"]["alertname"] for one in seen if one["metric"]["alertstate"] == "pending"}
    assert pending >= {
        "CapiConsumerMisconfigured",
        "CapiConsumerDeadLetters",
        "CapiConsumerTooOld",
        "CapiConsumerFilterAlarm",
    }
    assert [one for one in seen if one["metric"]["alertstate"] == "firing"] == []


def test_prometheus_has_every_metric_of_the_register_and_no_other(run: Told) -> None:
    names = set(run.prometheus.get("label/__name__/values"))
    ours = {name for name in names if not name.startswith(("ALERTS", "scrape_")) and name != "up"}
    of_the_library = {"target_info"}
    assert ours - of_the_library == {name for metric in REGISTER for name in series_of(metric)}


def test_the_run_can_be_drawn(run: Told) -> None:
    words = [
        one.text for one in ElementTree.fromstring(picture(run)).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert [panel["title"] for panel in dashboard()["panels"] if panel["title"] not in words] == []
    assert {
        "running",
        "throttled",
        "misconfigured",
        "accepted",
        "not_json",
        "filter alarm: no_consent",
    } <= set(words)


def series_of(metric: Any) -> set[Any]:
    if metric.instrument is Instrument.HISTOGRAM:
        return {f"{metric.prometheus_name}_{part}" for part in ("bucket", "sum", "count")}
    return {metric.prometheus_name}
