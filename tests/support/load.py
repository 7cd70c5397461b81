"""
Writing the events to Kafka, and knowing afterwards which record is which event.

A record is known by its place, which the broker's acknowledgement tells: the
dead letter of a record that is no JSON has nothing else to be known by.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message, Producer
from support.events import Event
from support.topics import Place, place_of

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


class _Producers(threading.local):
    """
    The producers of one thread, for the brokers it wrote to last.

    A new one needs half a second before its first record, for the id that makes it idempotent. One that
    failed is not used again.
    """

    def __init__(self) -> None:
        self._servers = ""
        self._known: dict[Callable[[str], Producer], Producer] = {}

    def get(self, bootstrap_servers: str, new: Callable[[str], Producer]) -> Producer:
        if bootstrap_servers != self._servers:
            self.forget()
            self._servers = bootstrap_servers
        if new not in self._known:
            self._known[new] = new(bootstrap_servers)
        return self._known[new]

    def forget(self) -> None:
        self._known.clear()


_producers = _Producers()


def _idempotent(bootstrap_servers: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": 20,
            "delivery.timeout.ms": int(WRITE_S_MAX * 1000),
            "topic.metadata.propagation.max.ms": 1_000,  # how soon a missing topic is an error
            "log_level": 0,
        }
    )


def _transactional(bootstrap_servers: str) -> Producer:
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "transactional.id": uuid.uuid4().hex, "log_level": 0}
    )
    producer.init_transactions(WRITE_S_MAX)
    return producer


def produce(bootstrap_servers: str, topic: str, events: Iterable[Event]) -> list[Produced]:
    """Write every event and wait for all acknowledgements. Raises when one is missing."""
    return _write(_producers.get(bootstrap_servers, _idempotent), topic, events)


def produce_in_transaction(
    bootstrap_servers: str, topic: str, events: Iterable[Event], is_kept: bool
) -> list[Produced]:
    """The same in a transaction, which is committed or aborted. The log has a marker after it."""
    producer = _producers.get(bootstrap_servers, _transactional)
    producer.begin_transaction()
    written = _write(producer, topic, events)
    (producer.commit_transaction if is_kept else producer.abort_transaction)(WRITE_S_MAX)
    return written


def _write(producer: Producer, topic: str, events: Iterable[Event]) -> list[Produced]:
    written: list[Produced] = []
    failed: list[KafkaError] = []
    for event in events:
        _put(producer, topic, event, written, failed)
    left = producer.flush(FLUSH_S_MAX)
    if failed or left:
        _producers.forget()
        raise RuntimeError(f"{len(failed)} events were not written ({failed[:1]}), {left} not acknowledged")
    return written


def _put(
    producer: Producer, topic: str, event: Event, written: list[Produced], failed: list[KafkaError]
) -> None:
    def acknowledged(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failed.append(error)
            return
        written.append(Produced(event, place_of(message), message.timestamp()[1]))

    while True:
        try:
            producer.produce(
                topic,
                value=event.value,
                key=event.key,
                on_delivery=acknowledged,
                timestamp=event.timestamp_ms,
                headers=list(event.headers),
            )
        except BufferError:
            producer.poll(QUEUE_POLL_S)
        else:
            producer.poll(0)
            return


def intended(produced: Sequence[Produced], end: str) -> int:
    """How many should end so."""
    return sum(one.event.end == end for one in produced)
