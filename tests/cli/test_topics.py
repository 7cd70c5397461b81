"""The topics of the settings on a real broker: made once, for what rests on them, and looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from support import topics
from support.kafka_cluster import KafkaCluster, brokers
from support.processes import Processes

pytestmark = pytest.mark.kafka

HOUR_MS = 3_600_000


@pytest.fixture
def names(topic_names: Callable[[str], str]) -> Any:
    return topic_names("events"), topic_names("more-events"), topic_names("letters"), topic_names("parked")


@pytest.fixture
def environment(kafka: KafkaCluster, names: Any) -> dict[Any, Any]:
    first, second, letters, parked = names
    return {
        "CAPI_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "CAPI_TOPICS": f"{first},{second}",
        "CAPI_DEAD_LETTER_TOPIC": letters,
        "CAPI_PARKING_TOPIC": parked,
    }


def configs(kafka: Any, name: Any) -> dict[Any, Any]:
    resource = ConfigResource(ResourceType.TOPIC, name)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    found = admin.describe_configs([resource], request_timeout=15)[resource].result()
    return {key: entry.value for key, entry in found.items()}


def test_all_topics_are_made_and_kept_as_long_as_they_are_needed(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    ended = processes.run("topics", "create", "--json", settings=environment)

    assert (ended.returncode, ended.stderr) == (0, "")
    rows = json.loads(ended.stdout)["topics"]
    assert [(row["name"], row["state"]) for row in rows] == [(name, "created") for name in names]
    replicas = min(3, len(brokers(kafka.bootstrap_servers)))
    assert [(row["partitions"], row["replicas"]) for row in rows] == [(6, replicas)] * 4
    assert [row["retention_hours"] for row in rows] == [168, 168, 720, 720]
    for name, hours in zip(names, (168, 168, 720, 720), strict=True):
        assert topics.partitions_of(kafka.bootstrap_servers, name) == [0, 1, 2, 3, 4, 5]
        assert configs(kafka, name)["retention.ms"] == str(hours * HOUR_MS)
        assert configs(kafka, name)["cleanup.policy"] == "delete"


def test_dead_letters_may_be_larger_than_the_largest_event(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    topics.create_topic(kafka.bootstrap_servers, names[1], config={"max.message.bytes": "3000000"})

    assert processes.run("topics", "create", settings=environment).returncode == 0

    assert int(configs(kafka, names[0])["max.message.bytes"]) < 3_000_000
    for name in names[2:]:
        assert int(configs(kafka, name)["max.message.bytes"]) == 3_000_000 + 16_384


def test_what_exists_is_left_as_it_is_and_said_so(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    topics.create_topic(kafka.bootstrap_servers, names[0], partitions=2, config={"retention.ms": "7200000"})

    first = processes.run("topics", "create", "--json", "--partitions", "3", settings=environment)
    second = processes.run("topics", "create", "--json", settings=environment)

    rows = json.loads(first.stdout)["topics"]
    assert [(row["state"], row["partitions"]) for row in rows] == [
        ("exists", 2),
        ("created", 3),
        ("created", 3),
        ("created", 3),
    ]
    assert first.stderr == f"capi-consumer: topic {names[0]} exists and is left at 2 partitions, not 3\n"
    assert [row["retention_hours"] for row in rows] == [2, 168, 720, 720]
    assert (first.returncode, second.returncode) == (0, 0)
    assert [row["state"] for row in json.loads(second.stdout)["topics"]] == ["exists"] * 4


def test_how_topics_are_made_can_be_said(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    said = ("--partitions", "1", "--replication-factor", "1", "--retention-hours", "1488")
    ended = processes.run(
        "topics", "create", *said, "--dead-letter-retention-hours", "2000", settings=environment
    )

    assert ended.returncode == 0
    assert [configs(kafka, name)["retention.ms"] for name in names] == [
        str(1488 * HOUR_MS),
        str(1488 * HOUR_MS),
        str(2000 * HOUR_MS),
        str(2000 * HOUR_MS),
    ]
    assert topics.partitions_of(kafka.bootstrap_servers, names[2]) == [0]
    assert "created" in ended.stdout
    assert "1488 h" in ended.stdout


def test_more_replicas_than_brokers_are_refused_in_one_line(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    count = len(brokers(kafka.bootstrap_servers))
    ended = processes.run("topics", "create", "--replication-factor", str(count + 1), settings=environment)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"capi-consumer: --replication-factor {count + 1}: more than there are brokers ({count}): "
        "name as many at most, or leave it out\n"
    )
    assert topics.partitions_of(kafka.bootstrap_servers, names[0]) == []


def test_a_topic_that_the_brokers_refuse_is_named_and_the_others_are_made(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    other = names[0].replace("-", ".")
    clashing = names[0].replace("-", "_")  # Kafka refuses names that differ only in `.` and `_`
    topics.create_topic(kafka.bootstrap_servers, other)
    environment["CAPI_TOPICS"] = f"{names[0]},{clashing}"
    ended = processes.run("topics", "create", "--json", settings=environment)

    assert ended.returncode == 1
    assert ended.stderr == f"capi-consumer: topic {clashing} cannot be created (TOPIC_EXCEPTION)\n"
    assert [row["name"] for row in json.loads(ended.stdout)["topics"]] == [names[0], names[2], names[3]]
    topics.delete_topics(kafka.bootstrap_servers, [other])


def test_the_list_shows_what_is_there_and_what_is_missing(
    kafka: KafkaCluster, processes: Processes, names: Any, environment: dict[Any, Any]
) -> None:
    topics.create_topic(
        kafka.bootstrap_servers,
        names[0],
        partitions=2,
        config={"retention.ms": "-1", "max.message.bytes": "2000"},
    )
    as_json = processes.run("topics", "list", "--json", settings=environment)
    for_a_person = processes.run("topics", "list", settings=environment | {"COLUMNS": "40"})

    assert json.loads(as_json.stdout)["topics"] == [
        {
            "name": names[0],
            "state": "exists",
            "partitions": 2,
            "replicas": len(brokers(kafka.bootstrap_servers)),
            "retention_hours": -1,
            "max_message_bytes": 2000,
        },
        *(
            {
                "name": name,
                "state": "missing",
                "partitions": None,
                "replicas": None,
                "retention_hours": None,
                "max_message_bytes": None,
            }
            for name in names[1:]
        ),
    ]
    assert (as_json.returncode, for_a_person.returncode) == (1, 1)
    assert (
        for_a_person.stderr
        == as_json.stderr
        == (f"capi-consumer: missing: {names[1]}, {names[2]}: `capi-consumer topics create` makes them\n")
    )
    assert all(name in for_a_person.stdout for name in names)
    assert "┃ partitions ┃" in for_a_person.stdout
    assert "2,000 bytes" in for_a_person.stdout
    assert "for ever" in for_a_person.stdout
    assert for_a_person.stdout.count("missing") == 3
    assert topics.partitions_of(kafka.bootstrap_servers, names[1]) == []
