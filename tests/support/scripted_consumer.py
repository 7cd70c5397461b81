"""A Consumer that is played: orders of events that no broker can be made to produce on demand."""

from __future__ import annotations

from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, TopicPartition
from support.group_members import TOPIC


class Scripted:
    """A Consumer whose every `consume` is a script: messages to give, or callbacks to call first."""

    def __init__(self, committed: int = 0, low: int = 0, high: int = 0) -> None:
        self.polls: list[Any] = []
        self.did: list[Any] = []
        self.committed_offset = committed
        self.edges: tuple[int, int] | Exception = (low, high)

    def __call__(self, **callbacks: Any) -> Any:
        self.on_commit = callbacks["on_commit"]
        return cast(Consumer, self)

    def subscribe(self, topics: Any, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def consume(self, records_max: Any, timeout_s: Any) -> list[Any]:
        given = []
        for step in self.polls.pop(0) if self.polls else []:
            if callable(step):
                step()
            else:
                given.append(step)
        return given

    def assign_now(self, *numbers: Any) -> None:
        self.on_assign(self, [TopicPartition(TOPIC, number) for number in numbers])

    def revoke_now(self, *numbers: Any) -> None:
        self.on_revoke(self, [TopicPartition(TOPIC, number) for number in numbers])

    def committed(self, partitions: Any, timeout: Any) -> list[Any]:
        return [TopicPartition(p.topic, p.partition, self.committed_offset) for p in partitions]

    def get_watermark_offsets(self, partition: Any, timeout: Any, cached: Any) -> Any:
        if isinstance(self.edges, Exception):
            raise self.edges
        return self.edges

    def commit(self, offsets: Any, asynchronous: Any) -> None:
        self.did.append(("commit", *((p.partition, p.offset) for p in offsets)))

    def __getattr__(self, name: Any) -> Any:
        def call(partitions: Any = None, **_: Any) -> None:
            listed = partitions if isinstance(partitions, list) else [partitions] if partitions else []
            self.did.append((name, *((p.partition, p.offset) for p in listed)))

        return call


class Said:
    """An entry of a poll."""

    def __init__(self, offset: Any, error: Any = None, partition: int = 0) -> None:
        self._offset, self._error, self._partition = offset, error, partition

    def error(self) -> KafkaError | None:
        return KafkaError(self._error) if self._error is not None else None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> Any:
        return self._partition

    def offset(self) -> Any:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000

    def value(self) -> bytes:
        return b"%d" % self._offset

    def key(self) -> None:
        return None

    def headers(self) -> None:
        return None
