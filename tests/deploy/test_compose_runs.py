"""
Each service of docker-compose.yml as a process, with exactly its environment.

Only addresses and folders are replaced: here everything is 127.0.0.1 and a port
that is free. The broker is set up by the code of the image itself, which turns
its environment into server.properties and formats its folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support import children, kafka_node
from support.compose import at, environment, seconds, services
from support.kafka_jars import NotAvailable
from support.kafka_node import Node
from support.mapping import ordinary
from support.otlp_receiver import OtlpReceiver
from support.ports import free_ports
from support.processes import Processes
from support.requirements import require
from support.waiting import eventually

pytestmark = pytest.mark.kafka

READY_S_MAX = 60.0
SET_UP_S_MAX = 60.0


class Ports(NamedTuple):
    """Ports of this machine that stand for addresses of the Compose network."""

    broker: int
    controller: int
    sandbox: int
    consumer: int
    collector: int

    def of(self, service: str) -> dict[str, str]:
        """The environment of a service, here."""
        addresses = {
            "0.0.0.0:9092": f"127.0.0.1:{self.broker}",
            "kafka:9092": f"127.0.0.1:{self.broker}",
            "127.0.0.1:9093": f"127.0.0.1:{self.controller}",
            "sandbox:8080": f"127.0.0.1:{self.sandbox}",
            "0.0.0.0:9090": f"127.0.0.1:{self.consumer}",
            "otel-collector:4318": f"127.0.0.1:{self.collector}",
        }
        here = at(addresses, environment(service))
        if service == "sandbox":
            here |= {"SANDBOX_HOST": "127.0.0.1", "SANDBOX_PORT": str(self.sandbox)}
        return here


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpReceiver]:
    """In the place of the OpenTelemetry collector."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def ports(collector: OtlpReceiver) -> Ports:
    broker, controller, sandbox, consumer = free_ports(4)
    return Ports(broker, controller, sandbox, consumer, int(collector.url.rpartition(":")[2]))


@pytest.fixture(scope="module")
def broker(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Kafka as the image would start it."""
    node = Node(1, ports.broker, tmp_path_factory.mktemp("kafka"))
    (node.folder / "empty").mkdir()
    folders = ["--default-configs-dir=empty", "--mounted-configs-dir=empty", "--final-configs-dir=."]
    data = {"/var/lib/kafka/data": str(node.folder / "data")}
    try:
        command = kafka_node.java_command("kafka.docker.KafkaDockerWrapper", "setup", *folders)
    except NotAvailable as reason:
        require("kafka", str(reason))
    setting_up = children.start(
        command,
        kafka_node.environment() | at(data, ports.of("kafka")),
        node.log,
        node.log,
        node.folder,
    )
    setting_up.wait(SET_UP_S_MAX)
    assert children.end(setting_up) == 0, node.last_lines()
    try:
        node.start()
        yield node
    finally:
        node.kill()
        shutil.rmtree(node.folder / "data", ignore_errors=True)


@pytest.fixture(scope="module")
def stack(broker: Node, ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """The topics made, and the sandbox serving."""
    processes = Processes(tmp_path_factory.mktemp("stack"))
    try:
        made = processes.run(*services()["topics"]["command"], settings=ports.of("topics"))
        assert made.returncode == 0, made.stderr
        processes.start(*services()["sandbox"]["command"], settings=ports.of("sandbox"))
        eventually(lambda: is_healthy("sandbox", 8080, ports.sandbox), READY_S_MAX)
        yield processes
    finally:
        processes.end()


def is_healthy(service: str, port: int, here: int) -> bool:
    """What the health check of the service says, asked at another port."""
    kind, program, *arguments = services()[service]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    asked = [argument.replace(f":{port}/", f":{here}/") for argument in arguments]
    return subprocess.run([sys.executable, *asked], capture_output=True, timeout=30).returncode == 0


def accepted(ports: Ports) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{ports.sandbox}/sandbox/stats", timeout=5) as answer:
        return int(json.load(answer)["events_accepted"])


def publish(stack: Processes, ports: Ports) -> None:
    """One ordinary event of now, by the command that the file's first lines show."""
    event = ordinary() | {"event_timestamp": int(time.time())}
    file = stack.folder / "events.jsonl"
    file.write_text(json.dumps(event) + "\n", encoding="utf-8")
    published = stack.run("publish", str(file), settings=ports.of("consumer"))
    assert published.returncode == 0, published.stderr


def test_topics_can_be_made_again(stack: Processes, ports: Ports) -> None:
    assert stack.run(*services()["topics"]["command"], settings=ports.of("topics")).returncode == 0


def test_the_consumer_gets_ready_sends_and_leaves_in_time(
    stack: Processes, ports: Ports, collector: OtlpReceiver
) -> None:
    consumer = stack.start(*services()["consumer"]["command"], settings=ports.of("consumer"))
    consumer.await_ready(READY_S_MAX)
    assert is_healthy("consumer", 9090, ports.consumer)
    before = accepted(ports)
    publish(stack, ports)
    eventually(lambda: accepted(ports) == before + 1, READY_S_MAX, "the sandbox has the event")
    assert consumer.stop(seconds(services()["consumer"]["stop_grace_period"])) == 0
    assert not is_healthy("consumer", 9090, ports.consumer)
    assert "capi.events.accepted" in collector.metrics()
    assert collector.spans() != []


def test_three_consumers_of_one_service_stand_side_by_side(stack: Processes, ports: Ports) -> None:
    consumers = []
    for port in free_ports(3):
        settings = ports._replace(consumer=port).of("consumer")
        consumers.append(stack.start(*services()["consumer"]["command"], settings=settings))
    for consumer in consumers:
        consumer.await_ready(READY_S_MAX)
    assert [consumer.stop(READY_S_MAX) for consumer in consumers] == [0, 0, 0]


def test_the_broker_makes_no_topic_by_itself(broker: Node, ports: Ports) -> None:
    properties = Path(broker.folder / "server.properties").read_text()
    assert "auto.create.topics.enable=false" in properties
    assert str(broker.folder / "data") in properties
