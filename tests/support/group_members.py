"""Members of a group: a source each, with an owner that writes down what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.waiting import eventually

from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.settings import OffsetOutOfRange, Settings, StartOffset
from consumer.domain.record import Partition, Record
from consumer.kafka.clients import consumer_properties, new_consumer
from consumer.kafka.consumer import KafkaSource
from consumer.observability.telemetry import Telemetry

TOPIC = "events"
P0, P1, P2, P3 = (Partition(TOPIC, number) for number in range(4))
DEADLINE_S = 20


class Owner:
    """Writes down what the source says of partitions; commits on a revoke as the worker does."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.on_revoked: Callable[[Any], None] = lambda partitions: None

    def assigned(self, starts: Any) -> None:
        self.said.append(("assigned", dict(starts)))

    def revoked(self, partitions: Any) -> None:
        self.said.append(("revoked", set(partitions)))
        self.on_revoked(partitions)

    def lost(self, partitions: Any) -> None:
        self.said.append(("lost", set(partitions)))

    def reached_end(self, partition: Any, offset: Any) -> None:
        self.said.append(("end", partition, offset))

    def moved(self, partition: Any, offset: Any) -> None:
        self.said.append(("moved", partition, offset))

    def all_of(self, word: Any) -> list[Any]:
        return [said[1] if len(said) == 2 else said[1:] for said in self.said if said[0] == word]


class Member:
    """A source in a group, and everything it has given."""

    def __init__(
        self,
        brokers: Any,
        group: str = "group",
        start: Any = StartOffset.EARLIEST,
        out_of_range: Any = OffsetOutOfRange.PAUSE,
        topic: Any = TOPIC,
        patience_s: float = 20.0,
        protocol: Any = GroupProtocol.COOPERATIVE,
        instance: str = "",
        **own: Any,
    ) -> None:
        self.telemetry = Telemetry()
        if protocol is not GroupProtocol.CONSUMER:
            own = {"session.timeout.ms": 2000, "heartbeat.interval.ms": 200, **own}
        properties = consumer_properties(
            Settings(
                bootstrap_servers=brokers.bootstrap_servers,
                group_id=group,
                group_protocol=protocol,
                group_instance_id=instance,
                kafka_properties=own,
            )
        )
        self.source = KafkaSource(
            lambda **callbacks: new_consumer(properties | callbacks),
            [topic],
            start,
            out_of_range,
            self.telemetry,
            patience_s,
        )
        self.owner = Owner()
        self.records: list[Any] = []
        self.source.subscribe(self.owner)

    def poll(self) -> list[Record]:
        got = self.source.poll(100, 0.05)
        self.records += got
        return got

    def until(self, predicate: Any) -> Any:
        def turn() -> Any:
            self.poll()
            return predicate()

        return eventually(turn, DEADLINE_S)

    def has(self, count: Any) -> Any:
        return self.until(lambda: len(self.records) >= count)

    @property
    def values(self) -> list[Any]:
        return [record.value for record in self.records]

    @property
    def commits(self) -> tuple[int, int]:
        counts = self.telemetry.snapshot()["capi.commits"]
        return counts[("ok",)], counts[("failed",)]

    @property
    def starts(self) -> dict[Any, Any]:
        return {p: offset for starts in self.owner.all_of("assigned") for p, offset in starts.items()}


@contextmanager
def joining(brokers: Any) -> Iterator[Any]:
    """A function that makes a member; they leave with the block."""
    members = []

    def join(**how: Any) -> Member:
        members.append(Member(brokers, **how))
        return members[-1]

    yield join
    for member in members:
        member.source.close()


def owned(member: Any) -> set[Any]:
    return {Partition(p.topic, p.partition) for p in member.source._consumer.assignment()}
