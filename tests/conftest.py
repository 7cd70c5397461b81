"""
Fixtures of the tests that need a real broker.

    kafka         one node of Apache Kafka for the whole run, or the cluster that is given
    topic_names   names that no other test has; the topics are deleted afterwards
    processes     `capi-consumer` as processes, ended afterwards
    scene         both topics' names, a group's, and the oracle that watches them
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support import topics
from support.kafka_cluster import KafkaCluster, given_cluster, start_cluster
from support.kafka_jars import NotAvailable
from support.processes import Processes
from support.requirements import require, skipped_lines
from support.scenario import Scene

# Two shared processors: how long an example takes says nothing of the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

pytest_plugins = ("support.timeouts", "support.worker_scheduling")

# The first of them fetches the broker's jars and starts it.
KAFKA_TEST_S_MAX = 600


def pytest_configure() -> None:
    """A run in the background of a script is started deaf to SIGINT, and so would be what the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on a real broker have more time, unless they say how much."""
    for item in items:
        if item.get_closest_marker("kafka") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(KAFKA_TEST_S_MAX))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests could not run here, by what they need."""
    for line in skipped_lines(terminalreporter.getreports("skipped")):
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A cluster that every test of the run shares. Do not kill its nodes: start a cluster for that."""
    cluster = given_cluster() or started_cluster(tmp_path_factory.mktemp("kafka"))
    yield cluster
    cluster.end()


def started_cluster(folder: Path, broker_count: int = 1) -> KafkaCluster:
    """A new cluster; where Kafka cannot be had the test is skipped, or fails if Kafka is required."""
    try:
        return start_cluster(folder, broker_count)
    except NotAvailable as reason:
        require("kafka", str(reason))


@pytest.fixture
def topic_names(kafka: KafkaCluster) -> Iterator[Callable[[str], str]]:
    """A function that turns a word into a name that is this test's alone."""
    names: list[str] = []

    def name(word: str) -> str:
        names.append(f"{word}-{uuid.uuid4().hex[:12]}")
        return names[-1]

    yield name
    topics.delete_topics(kafka.bootstrap_servers, names)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """`capi-consumer` as processes of this test."""
    running = Processes(tmp_path)
    yield running
    running.end()


@pytest.fixture
def scene(kafka: KafkaCluster, topic_names: Callable[[str], str], processes: Processes) -> Scene:
    """A scenario of this test's own, on the shared cluster. Nothing is created or started yet."""
    return Scene(
        bootstrap_servers=kafka.bootstrap_servers,
        topic=topic_names("events"),
        dead_letter_topic=topic_names("dead-letters"),
        group=f"group-{uuid.uuid4().hex[:12]}",
        processes=processes,
        accepted_file=processes.folder / "accepted.jsonl",
        parking_topic=topic_names("parked"),
    )
