"""
Writing the events to Kafka, and knowing afterwards which record is which event.

A record is known by its place, which the broker's acknowledgement tells: the
dead letter of a record that is no JSON has nothing else to be known by.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message, Producer
from system.events import Event
from system.topics import Place

WRITE_S_MAX = 30.0
FLUSH_S_MAX = 60.0
QUEUE_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Produced:
    """An event with its place in the log."""

    event: Event
    place: Place
    timestamp_ms: int

    @property
    def event_id(self) -> str:
        """The id under which it is sent: its own, or the one that its place gives it."""
        if self.event.event_id is not None:
            return self.event.event_id
        topic, partition, offset = self.place
        return f"{topic}-{partition}-{offset}-{self.timestamp_ms}"


def produce(bootstrap_servers: str, topic: str, events: Iterable[Event]) -> list[Produced]:
    """Write every event and wait for all acknowledgements. Raises when one is missing."""
    written: list[Produced] = []
    failed: list[KafkaError] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": 20,
            "delivery.timeout.ms": int(WRITE_S_MAX * 1000),
            "topic.metadata.propagation.max.ms": 1_000,  # how soon a missing topic is an error
            "log_level": 0,
        }
    )
    for event in events:
        _put(producer, topic, event, written, failed)
    left = producer.flush(FLUSH_S_MAX)
    if failed or left:
        raise RuntimeError(f"{len(failed)} events were not written ({failed[:1]}), {left} not acknowledged")
    return written


def produce_in_transaction(
    bootstrap_servers: str, topic: str, events: Iterable[Event], is_kept: bool
) -> list[Produced]:
    """The same in a transaction, which is committed or aborted. The log has a marker after it."""
    written: list[Produced] = []
    failed: list[KafkaError] = []
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "transactional.id": uuid.uuid4().hex, "log_level": 0}
    )
    producer.init_transactions(WRITE_S_MAX)
    producer.begin_transaction()
    for event in events:
        _put(producer, topic, event, written, failed)
    left = producer.flush(FLUSH_S_MAX)
    if failed or left:
        raise RuntimeError(f"{len(failed)} events were not written ({failed[:1]}), {left} not acknowledged")
    (producer.commit_transaction if is_kept else producer.abort_transaction)(WRITE_S_MAX)
    return written


def _put(
    producer: Producer, topic: str, event: Event, written: list[Produced], failed: list[KafkaError]
) -> None:
    def acknowledged(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failed.append(error)
            return
        place = Place(message.topic(), message.partition(), message.offset())
        written.append(Produced(event, place, message.timestamp()[1]))

    while True:
        try:
            producer.produce(
                topic,
                value=event.value,
                key=event.key,
                on_delivery=acknowledged,
                timestamp=event.timestamp_ms,
            )
        except BufferError:
            producer.poll(QUEUE_POLL_S)
        else:
            producer.poll(0)
            return


def intended(produced: Sequence[Produced], end: str) -> int:
    """How many should end so."""
    return sum(one.event.end == end for one in produced)
