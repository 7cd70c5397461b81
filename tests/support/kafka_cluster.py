"""
A real Apache Kafka for a test run: one node, or three.

                     node 1                       nodes 2 and 3
    one node         controller and broker        -
    three brokers    controller and broker        brokers

Each node is a process of its own (KRaft, Java 17 or newer) in its own folder,
on the loopback address only. A node can be stopped, killed, paused and started
again on its port with its data, which is what fault tests need. Node 1 holds
the only controller: a test of a lost broker takes another one.

An existing cluster can be named with KAFKA_BOOTSTRAP_SERVERS; it has no nodes
that a test could kill.
"""

from __future__ import annotations

import base64
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support import children
from support.kafka_node import JVM, KafkaDidNotStart, Node, brokers, environment, java_command
from support.ports import free_ports

# Tests take what they need of a cluster and its nodes from here.
__all__ = [
    "FORMAT_S_MAX",
    "JVM",
    "KafkaCluster",
    "KafkaDidNotStart",
    "Node",
    "brokers",
    "given_cluster",
    "start_cluster",
]

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
GIVEN_S_MAX = 5.0
FORMAT_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Where the brokers are, and the nodes that are ours: none when the cluster was given."""

    bootstrap_servers: str
    nodes: Sequence[Node] = field(default=())

    def end(self) -> None:
        """Kill every node and remove its data; the logs stay."""
        for node in self.nodes:
            node.kill()
            shutil.rmtree(node.folder / "data", ignore_errors=True)


def given_cluster() -> KafkaCluster | None:
    """The cluster that the environment names. Raises KafkaDidNotStart when nobody answers there."""
    servers = os.environ.get(VARIABLE, "")
    if not servers:
        return None
    if not brokers(servers, timeout_s=GIVEN_S_MAX):
        raise KafkaDidNotStart(f"no broker answers at the address in {VARIABLE}")
    return KafkaCluster(servers)


def start_cluster(
    folder: Path,
    broker_count: int = 1,
    properties: Mapping[str, object] | None = None,
    listeners: Mapping[str, str] | None = None,
    jvm: Sequence[str] = (),
) -> KafkaCluster:
    """
    A cluster of its own under `folder`, ready for use.

    `properties` are added to every node's. `listeners`, for one broker only,
    are doors beside the plain one: `NAME://host:port` and its security
    protocol. `jvm` are further options of Java. Raises NotAvailable (no Java,
    no jars) and KafkaDidNotStart.
    """
    ports = free_ports(broker_count + 1)
    nodes = [
        Node(number, port, folder / f"node-{number}", jvm=jvm)
        for number, port in enumerate(ports[1:], start=1)
    ]
    cluster = KafkaCluster(",".join(node.bootstrap for node in nodes), nodes)
    try:
        for node in nodes:
            _write_properties(node, ports[0], broker_count, properties or {}, listeners or {})
        _format(nodes)
        for node in nodes:
            node.begin()
        for node in nodes:
            node.await_ready()
    except BaseException:
        cluster.end()
        raise
    return cluster


def _write_properties(
    node: Node,
    controller_port: int,
    broker_count: int,
    added: Mapping[str, object],
    listeners: Mapping[str, str],
) -> None:
    controller = f"127.0.0.1:{controller_port}"
    is_controller = node.number == 1
    in_sync = min(2, broker_count)
    written = {
        "process.roles": "broker,controller" if is_controller else "broker",
        "node.id": node.number,
        "listeners": ",".join(
            [
                f"PLAINTEXT://{node.bootstrap}",
                *([f"CONTROLLER://{controller}"] if is_controller else []),
                *listeners,
            ]
        ),
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": ",".join(
            [
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                *(f"{at.partition(':')[0]}:{protocol}" for at, protocol in listeners.items()),
            ]
        ),
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": node.folder / "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": broker_count,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": broker_count,
        "transaction.state.log.replication.factor": broker_count,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": broker_count,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Small and quick: internal topics of one partition, groups that do
        # not wait for more members, sessions as short as a test wants.
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # A node that comes back is refused until its last session is over (9 s).
        "broker.session.timeout.ms": 5000,
        "broker.heartbeat.interval.ms": 500,
        # A topic is compacted within a second of being dirty enough (15 s).
        "log.cleaner.backoff.ms": 500,
        "num.network.threads": 2,
        "num.io.threads": 2,
        **added,
    }
    node.folder.mkdir(parents=True)
    text = "".join(f"{name}={value}\n" for name, value in written.items())
    (node.folder / "server.properties").write_text(text)


def _format(nodes: Sequence[Node]) -> None:
    cluster_id = _cluster_id()
    formatting = []
    for node in nodes:
        arguments = ["format", "--cluster-id", cluster_id, "--config", "server.properties"]
        role = ["--standalone"] if node.number == 1 else []
        command = java_command("kafka.tools.StorageTool", *arguments, *role)
        formatting.append(children.start(command, environment(), node.log, node.log, node.folder))
    for node, child in zip(nodes, formatting, strict=True):
        child.wait(FORMAT_S_MAX)
        if children.end(child) != 0:
            raise KafkaDidNotStart(f"node {node.number} cannot be formatted\n{node.last_lines()}")


def _cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):  # would be read as an option
            return text
