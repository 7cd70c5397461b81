"""Those who watch in docker-compose.yml: their files are there, and say what they mean to."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from opentelemetry.sdk import environment_variables as of_opentelemetry
from prometheus.programs import promtool
from support.compose import environment, mounts, project, seconds, services
from support.promql_queries import alerts, dashboard, selected

PROMETHEUS = PurePosixPath("/etc/prometheus")
PROVISIONING = "/etc/grafana/provisioning"


def read(service: Any, place: Any) -> Any:
    return yaml.safe_load(mounts(service)[place].read_text(encoding="utf-8"))


def prometheus_config() -> Any:
    return read("prometheus", str(PROMETHEUS / "prometheus.yml"))


def jobs() -> dict[Any, Any]:
    return {job["job_name"]: job for job in prometheus_config()["scrape_configs"]}


def provisioned(kind: Any) -> Any:
    (file,) = (mounts("grafana")[PROVISIONING] / kind).glob("*.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("service", services())
def test_each_mounted_file_is_there_and_may_not_be_written(service: Any) -> None:
    assert [place for place, file in mounts(service).items() if not file.exists()] == []
    written = [volume for volume in services()[service].get("volumes", []) if volume.startswith("./")]
    assert [volume for volume in written if not volume.endswith(":ro")] == []


def test_each_volume_is_declared() -> None:
    named = [
        volume.split(":")[0]
        for service in services().values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    ]
    assert sorted(named) == sorted(project()["volumes"])


@pytest.mark.prometheus
def test_prometheus_takes_its_configuration_with_the_alerts(tmp_path: Path) -> None:
    for place, file in mounts("prometheus").items():
        shutil.copy(file, tmp_path / PurePosixPath(place).name)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_prometheus_reads_the_alerts_that_the_chart_has() -> None:
    (rules,) = prometheus_config()["rule_files"]
    assert mounts("prometheus")[str(PROMETHEUS / rules)].parts[-4:] == (
        "helm",
        "capi-consumer",
        "files",
        "alerts.yaml",
    )


def test_prometheus_finds_each_replica_at_its_health_port() -> None:
    job = jobs()["capi-consumer"]
    (lookup,) = job["dns_sd_configs"]
    port = environment("consumer")["CAPI_HEALTH_ADDRESS"].rpartition(":")[2]
    assert (lookup["names"], lookup["type"], str(lookup["port"])) == (["consumer"], "A", port)
    assert "metrics_path" not in job


def test_the_alerts_are_of_the_job_that_is_scraped() -> None:
    asked = {labels["job"] for alert in alerts() for _, labels in selected(alert["expr"])}
    assert asked == {"capi-consumer"}
    assert asked <= set(jobs())


def test_the_collector_takes_what_the_consumer_sends_and_says_how_it_is() -> None:
    config = read("otel-collector", "/etc/otelcol/config.yaml")
    (command,) = services()["otel-collector"]["command"]
    assert command == "--config=/etc/otelcol/config.yaml"
    endpoint = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert environment("consumer")["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint.replace(
        "0.0.0.0", "http://otel-collector"
    )
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    own = reader["pull"]["exporter"]["prometheus"]
    (target,) = jobs()["otel-collector"]["static_configs"][0]["targets"]
    assert target == f"otel-collector:{own['port']}"


def test_the_collector_uses_what_it_is_given() -> None:
    config = read("otel-collector", "/etc/otelcol/config.yaml")
    pipelines = config["service"]["pipelines"]
    assert set(pipelines) == {"traces", "metrics"}
    for part in ("receivers", "processors", "exporters"):
        assert {name for pipeline in pipelines.values() for name in pipeline[part]} == set(config[part])


def test_names_for_opentelemetry_are_opentelemetry_s() -> None:
    known = {value for name, value in vars(of_opentelemetry).items() if name.startswith("OTEL_")}
    theirs = {name for name in environment("consumer") if not name.startswith("CAPI_")}
    assert theirs
    assert theirs <= known


def test_grafana_asks_this_prometheus_and_knows_how_often_it_scrapes() -> None:
    (source,) = provisioned("datasources")["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == (
        "prometheus",
        "http://prometheus:9090",
        True,
    )
    assert source["jsonData"]["timeInterval"] == prometheus_config()["global"]["scrape_interval"]


def test_grafana_finds_the_dashboard_of_the_chart_and_begins_with_it() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    (place,) = (place for place in mounts("grafana") if place.endswith(".json"))
    assert str(PurePosixPath(place).parent) == provider["options"]["path"]
    assert place == environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounts("grafana")[place].parts[-4:] == ("helm", "capi-consumer", "files", "dashboard.json")
    assert dashboard()["title"]


def test_grafana_calls_nobody() -> None:
    told = environment("grafana")
    assert {name for name in told if name.startswith(("GF_ANALYTICS", "GF_NEWS"))} == {
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED",
    }
    assert {value for name, value in told.items() if name.startswith(("GF_ANALYTICS", "GF_NEWS"))} == {
        "false"
    }
    assert told["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_what_is_scraped_can_be_scraped_in_time() -> None:
    scraped = prometheus_config()["global"]
    assert seconds(scraped["scrape_interval"]) <= seconds(scraped["evaluation_interval"])
