"""The broker of the tests: it is a real one, it can be hurt, and it ends with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import started_cluster
from support import kafka_jars, topics
from support.events import shop_events
from support.kafka_cluster import KafkaCluster, KafkaDidNotStart, brokers, given_cluster, start_cluster
from support.kafka_jars import NotAvailable
from support.load import produce
from support.requirements import require
from support.waiting import eventually

TESTS = Path(__file__).parents[1]
EVENTS = shop_events(seed=1, count=300, now_s=1_790_000_000)


@pytest.mark.kafka
def test_what_is_produced_is_read_back_to_the_end(
    kafka: KafkaCluster, topic_names: Callable[[str], str]
) -> None:
    topic = topic_names("events")
    topics.create_topic(kafka.bootstrap_servers, topic, partitions=3)
    produced = produce(kafka.bootstrap_servers, topic, EVENTS)
    found = {record.place: record for record in topics.read_to_end(kafka.bootstrap_servers, topic)}
    assert {one.place: (one.event.value, one.timestamp_ms) for one in produced} == {
        place: (record.value, record.timestamp_ms) for place, record in found.items()
    }
    assert sum(topics.end_offsets(kafka.bootstrap_servers, topic).values()) == 300


@pytest.mark.kafka
def test_no_topic_is_created_by_asking_for_it(kafka: KafkaCluster, topic_names: Callable[[str], str]) -> None:
    topic = topic_names("nobody-made-it")
    assert topics.partitions_of(kafka.bootstrap_servers, topic) == []
    with pytest.raises(RuntimeError, match="UNKNOWN_TOPIC"):
        produce(kafka.bootstrap_servers, topic, EVENTS[:1])
    assert topics.partitions_of(kafka.bootstrap_servers, topic) == []


@pytest.mark.kafka
def test_a_group_that_committed_nothing_has_no_offsets(kafka: KafkaCluster) -> None:
    assert topics.committed_offsets(kafka.bootstrap_servers, "nobody") == {}


@pytest.mark.kafka
def test_one_node_keeps_its_data_through_a_kill_and_answers_nothing_while_paused(tmp_path: Path) -> None:
    cluster = started_cluster(tmp_path)
    try:
        node, servers = cluster.nodes[0], cluster.bootstrap_servers
        topics.create_topic(servers, "events")
        produce(servers, "events", EVENTS)
        node.kill()
        assert brokers(servers) == frozenset()
        node.start()
        assert len(topics.read_to_end(servers, "events")) == 300
        node.pause()
        assert brokers(servers) == frozenset()
        node.resume()
        eventually(lambda: brokers(servers), 30, "the node answers again")
    finally:
        cluster.end()


@pytest.mark.kafka
def test_three_brokers_hold_every_record_when_one_is_killed(tmp_path: Path) -> None:
    cluster = started_cluster(tmp_path, broker_count=3)
    try:
        servers = cluster.bootstrap_servers
        assert brokers(servers) == {1, 2, 3}
        topics.create_topic(servers, "events", partitions=3)
        produce(servers, "events", EVENTS)
        cluster.nodes[2].kill()
        produce(servers, "events", EVENTS)
        assert len(topics.read_to_end(servers, "events")) == 600
        cluster.nodes[2].start()
        assert brokers(servers) == {1, 2, 3}
        cluster.nodes[1].stop()
        assert brokers(servers) == {1, 3}
    finally:
        cluster.end()


@pytest.mark.kafka
def test_a_node_that_cannot_start_says_why_and_leaves_no_process(tmp_path: Path, kafka: KafkaCluster) -> None:
    with pytest.raises(KafkaDidNotStart) as said:
        start_cluster(tmp_path, properties={"log.retention.hours": "for ever"})
    assert "for ever" in str(said.value)


def test_a_given_cluster_that_does_not_answer_is_an_error_and_no_skip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(KafkaDidNotStart, match="KAFKA_BOOTSTRAP_SERVERS"):
        given_cluster()


def test_no_cluster_is_given_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert given_cluster() is None


def test_without_java_kafka_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(NotAvailable, match="no java"):
        kafka_jars.java()


def test_without_maven_kafka_cannot_be_had_and_nothing_half_fetched_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotAvailable, match="no mvn"):
        kafka_jars.jars(build=tmp_path / "build")
    assert not [path for path in (tmp_path / "build").iterdir() if path.is_dir()]


def test_jars_that_are_there_are_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_bytes(b"<project/>")
    # SHA-256 of `<project/>`, its first 16 digits.
    there = tmp_path / "build" / "618a333ca21cdc97"
    there.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kafka_jars.jars(build=tmp_path / "build", pom=pom) == there


MAVEN_THAT_IS_COUNTED = """#!/bin/sh
echo run >> "$0.runs"
exec {maven} "$@"
"""
ASK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.kafka_jars import jars
print(len(list(jars(build=Path(sys.argv[2])).glob("*.jar"))))
"""


@pytest.mark.kafka
def test_two_processes_that_ask_at_once_both_get_all_jars_of_one_fetch(tmp_path: Path) -> None:
    real = shutil.which("mvn") or require("kafka", "no mvn to fetch the broker's jars with")
    maven = tmp_path / "mvn"
    maven.write_text(MAVEN_THAT_IS_COUNTED.format(maven=real))
    maven.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", ASK, str(TESTS), str(tmp_path / "build")]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(2)]
    first, second = (int(process.communicate(timeout=300)[0]) for process in asking)
    assert first == second > 30
    assert (tmp_path / "mvn.runs").read_text() == "run\n"


PARENT = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support import children
folder = Path(sys.argv[2])
child = children.start(["sleep", "60"], dict(os.environ), folder / "out", folder / "err")
print(child.pid, flush=True)
sys.stdin.read()
"""


def is_there(pid: Any) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie waits for its new parent to reap it; it has ended all the same.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_child_ends_with_a_test_run_that_is_interrupted(ending: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(TESTS), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_there(child)
        parent.send_signal(ending)
        parent.wait(10)
        eventually(lambda: not is_there(child), 10, "the child has ended")
