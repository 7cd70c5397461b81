"""docker-compose.yml: its form, its order, and names that the program knows."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml
from support.compose import FILE, PROJECT, environment, project, seconds, services
from support.dockerfile import instructions
from support.requirements import require

import consumer
from consumer.cli.commands.run import sandbox
from consumer.config.loading import known_names, unknown_names
from consumer.config.settings import Settings
from consumer.runtime.app import CLOSE_S

OURS = ("topics", "sandbox", "consumer")
OF_OPENTELEMETRY = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRIC_EXPORT_INTERVAL"}

ours = pytest.mark.parametrize("service", OURS)


@pytest.mark.chart
def test_the_compose_specification_takes_the_file() -> None:
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or found.origin is None:
        require(
            "chart", "check-jsonschema, which holds the schema of the Compose specification, is not installed"
        )
    schema = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    validate: Any = jsonschema.validate
    validate(project(), json.loads(schema.read_text(encoding="utf-8")))


def test_no_variable_of_the_host_changes_what_is_run() -> None:
    assert "$" not in FILE.read_text(encoding="utf-8")


def test_images_are_pinned() -> None:
    images = {name: service["image"] for name, service in services().items()}
    assert images == {
        "kafka": f"apache/kafka:{kafka_version()}",
        "otel-collector": "otel/opentelemetry-collector:0.158.0",
        "prometheus": "prom/prometheus:v3.14.0",
        "grafana": "grafana/grafana:12.4.4",
        **dict.fromkeys(OURS, f"capi-consumer:{consumer.__version__}"),
    }


def kafka_version() -> Any:
    """The version that the tests run."""
    pom = (PROJECT / "tests" / "support" / "pom.xml").read_text(encoding="utf-8")
    found = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)</version>", pom)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("service", ["topics", "consumer"])
def test_the_program_knows_each_name(service: str) -> None:
    ours = set(environment(service)) - OF_OPENTELEMETRY
    assert unknown_names(environment(service)) == []
    assert [name for name in ours if name not in known_names()] == []


def test_the_sandbox_knows_each_name() -> None:
    options = [
        parameter.annotation for parameter in inspect.signature(sandbox, eval_str=True).parameters.values()
    ]
    known = {option.envvar for annotation in options for option in annotation.__metadata__}
    assert set(environment("sandbox")) <= known


def test_topics_and_consumer_have_the_same_settings() -> None:
    assert set(environment("consumer")) - set(environment("topics")) == OF_OPENTELEMETRY
    assert environment("topics").items() <= environment("consumer").items()


def test_the_settings_are_taken() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from consumer.config import loading; loading.load_settings(sends=True)"],
        env=environment("consumer"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_consumer_and_sandbox_agree_on_pixel_token_and_address() -> None:
    sends, takes = environment("consumer"), environment("sandbox")
    assert sends["CAPI_PIXEL_ID"] == takes["SANDBOX_PIXEL_ID"]
    assert sends["CAPI_ACCESS_TOKEN"] == takes["SANDBOX_ACCESS_TOKEN"]
    assert sends["CAPI_GRAPH_URL"] == f"http://sandbox:{takes['SANDBOX_PORT']}"


def test_the_consumer_can_be_scaled() -> None:
    assert set(services()["consumer"]) & {"ports", "container_name", "hostname"} == set()
    assert "container_name" not in FILE.read_text(encoding="utf-8")


def test_ports_are_open_to_this_machine_only() -> None:
    opened = [port for service in services().values() for port in service.get("ports", [])]
    assert opened == ["127.0.0.1:18080:8080", "127.0.0.1:19090:9090", "127.0.0.1:13000:3000"]


def test_each_service_waits_for_what_it_needs() -> None:
    order = {
        name: {other: each["condition"] for other, each in service.get("depends_on", {}).items()}
        for name, service in services().items()
    }
    assert order == {
        "kafka": {},
        "topics": {"kafka": "service_healthy"},
        "sandbox": {},
        "consumer": {
            "kafka": "service_healthy",
            "topics": "service_completed_successfully",
            "sandbox": "service_healthy",
            "otel-collector": "service_started",
        },
        "otel-collector": {},
        "prometheus": {},
        "grafana": {"prometheus": "service_healthy"},
    }


def test_nobody_who_sends_events_needs_those_who_watch() -> None:
    optional = services()["consumer"]["depends_on"]["otel-collector"]
    assert optional["required"] is False
    assert all(
        "otel-collector" not in services()[name].get("depends_on", {}) for name in ("topics", "sandbox")
    )


def test_who_is_waited_for_as_healthy_has_a_health_check() -> None:
    for service in services().values():
        for other, each in service.get("depends_on", {}).items():
            if each["condition"] == "service_healthy":
                assert services()[other]["healthcheck"]["test"][0] == "CMD"


def test_health_checks_leave_time_to_answer() -> None:
    for service in services().values():
        if check := service.get("healthcheck"):
            assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_what_serves_comes_back_and_what_is_done_does_not() -> None:
    assert {name: service["restart"] for name, service in services().items()} == {
        "kafka": "unless-stopped",
        "topics": "no",
        "sandbox": "unless-stopped",
        "consumer": "unless-stopped",
        "otel-collector": "unless-stopped",
        "prometheus": "unless-stopped",
        "grafana": "unless-stopped",
    }


def test_the_consumer_has_the_time_to_drain() -> None:
    drain_s = float(Settings.model_fields["drain_timeout_s"].default)
    assert "CAPI_DRAIN_TIMEOUT_S" not in environment("consumer")
    assert seconds(services()["consumer"]["stop_grace_period"]) > drain_s + CLOSE_S


@ours
def test_our_containers_may_do_nothing_but_their_work(service: Any) -> None:
    found = services()[service]
    assert found["read_only"] is True
    assert found["tmpfs"] == ["/tmp"]
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]


@ours
def test_our_commands_are_verbs_of_the_program(service: Any) -> None:
    (verb, *_) = services()[service]["command"]
    assert verb in verbs()


def verbs() -> set[Any]:
    from consumer.cli.main import app

    group: Any = typer.main.get_command(app)
    return set(group.commands)


def test_the_consumer_listens_where_the_image_says() -> None:
    exposed = [rest for word, rest in instructions((PROJECT / "Dockerfile").read_text()) if word == "EXPOSE"]
    assert exposed == ["9090"]
    assert environment("consumer")["CAPI_HEALTH_ADDRESS"] == "0.0.0.0:9090"


def test_the_file_is_one_document_without_repeated_keys() -> None:
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: Any, node: Any) -> Generator[dict[Any, Any], None, None]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return yaml.SafeLoader.construct_yaml_map(loader, node)

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    yaml.load(FILE.read_text(encoding="utf-8"), Loader=Strict)
