"""
Reading Kafka from outside: topics, records, offsets, without the consumer under test.

Everything here is bounded in time and raises when the time is over: a test
that cannot see the log cannot judge anything.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic
from support.waiting import eventually

CALL_S_MAX = 15.0
READ_S_MAX = 60.0
BATCH = 5_000
POLL_S = 0.02  # `consume` waits so long unless it gets a whole batch
NOT_YET = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)

Partition = tuple[str, int]


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as it stands in the log."""

    place: Place
    timestamp_ms: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)


def admin(bootstrap_servers: str) -> AdminClient:
    """A client for questions about the cluster. Hold on to it: with it go the answers it still waits for."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def create_topic(
    bootstrap_servers: str, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
) -> None:
    """A topic with the cluster's own replication, there when this returns."""
    new = NewTopic(name, num_partitions=partitions, replication_factor=-1, config=dict(config or {}))
    client = admin(bootstrap_servers)
    client.create_topics([new], request_timeout=CALL_S_MAX)[name].result(CALL_S_MAX)


def delete_topics(bootstrap_servers: str, names: Sequence[str]) -> None:
    """Delete those of the topics that exist."""
    if not names:
        return
    client = admin(bootstrap_servers)
    for deleted in client.delete_topics(list(names), request_timeout=CALL_S_MAX).values():
        try:
            deleted.result(CALL_S_MAX)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise


def partitions_of(bootstrap_servers: str, topic: str) -> list[int]:
    """Numbers of the topic's partitions; none when there is no such topic."""
    found = admin(bootstrap_servers).list_topics(timeout=CALL_S_MAX).topics.get(topic)
    return sorted(found.partitions) if found else []


def end_offsets(bootstrap_servers: str, topic: str) -> dict[Partition, int]:
    """The offset after the last record, by partition."""
    reader = _reader(bootstrap_servers)
    try:
        return {
            (topic, number): reader.get_watermark_offsets(TopicPartition(topic, number), timeout=CALL_S_MAX)[
                1
            ]
            for number in partitions_of(bootstrap_servers, topic)
        }
    finally:
        reader.close()


def committed_offsets(bootstrap_servers: str, group: str) -> dict[Partition, int]:
    """What the group has committed, by partition; partitions without a commit are left out."""
    client = admin(bootstrap_servers)
    wanted = [ConsumerGroupTopicPartitions(group)]
    answered = _of_coordinator(lambda: client.list_consumer_group_offsets(wanted)[group])
    return {(p.topic, p.partition): p.offset for p in answered.topic_partitions or [] if p.offset >= 0}


def shares(bootstrap_servers: str, group: str) -> list[int]:
    """How many partitions each member of the group has; none while the group is not at rest."""
    client = admin(bootstrap_servers)
    found = _of_coordinator(lambda: client.describe_consumer_groups([group])[group])
    if found.state is not ConsumerGroupState.STABLE:
        return []
    return sorted(len(member.assignment.topic_partitions) for member in found.members)


def read_to_end(bootstrap_servers: str, topic: str) -> list[LogRecord]:
    """Every record of the topic, up to the end of each partition as it is now."""
    numbers = partitions_of(bootstrap_servers, topic)
    reader = _reader(bootstrap_servers)
    records: list[LogRecord] = []
    try:
        reader.assign([TopicPartition(topic, number, 0) for number in numbers])
        unfinished = set(numbers)
        deadline = time.monotonic() + READ_S_MAX
        while unfinished:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the end of {topic} was not reached within {READ_S_MAX:.0f} s")
            for message in reader.consume(BATCH, timeout=POLL_S):
                _take(message, records, unfinished)
        return records
    finally:
        reader.close()


def _of_coordinator(ask: Callable[[], Future[Any]]) -> Any:
    """The group coordinator's answer, asked again while there is none or it is still reading its log."""

    def answers() -> list[Any]:
        try:
            return [ask().result(CALL_S_MAX)]
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET:
                raise
            return []

    return eventually(answers, CALL_S_MAX, "the group coordinator answers")[0]


def _take(message: Message, records: list[LogRecord], unfinished: set[int]) -> None:
    error = message.error()
    if error is None:
        records.append(_record(message))
    elif error.code() == KafkaError._PARTITION_EOF:
        unfinished.discard(message.partition())
    else:
        raise KafkaException(error)


def place_of(message: Message) -> Place:
    """Where a message stands that was read or acknowledged."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Place(topic, partition, offset)


def _record(message: Message) -> LogRecord:
    headers: Any = message.headers()
    return LogRecord(
        place=place_of(message),
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=dict(headers or []),
    )


def _reader(bootstrap_servers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": f"oracle-{uuid.uuid4().hex}",  # never commits, never joins
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,  # the end is known when a broker has had nothing more for so long
            "log_level": 0,
        }
    )
