"""A Consumer that is played: orders of events that no broker can be made to produce on demand."""

from __future__ import annotations

from confluent_kafka import KafkaError, TopicPartition
from support.group_members import TOPIC


class Scripted:
    """A Consumer whose every `consume` is a script: messages to give, or callbacks to call first."""

    def __init__(self, committed=0, low=0, high=0):
        self.polls = []
        self.did = []
        self.committed_offset = committed
        self.edges = (low, high)

    def __call__(self, **callbacks):
        self.on_commit = callbacks["on_commit"]
        return self

    def subscribe(self, topics, on_assign, on_revoke, on_lost):
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def consume(self, records_max, timeout_s):
        given = []
        for step in self.polls.pop(0) if self.polls else []:
            if callable(step):
                step()
            else:
                given.append(step)
        return given

    def assign_now(self, *numbers):
        self.on_assign(self, [TopicPartition(TOPIC, number) for number in numbers])

    def revoke_now(self, *numbers):
        self.on_revoke(self, [TopicPartition(TOPIC, number) for number in numbers])

    def committed(self, partitions, timeout):
        return [TopicPartition(p.topic, p.partition, self.committed_offset) for p in partitions]

    def get_watermark_offsets(self, partition, timeout, cached):
        if isinstance(self.edges, Exception):
            raise self.edges
        return self.edges

    def commit(self, offsets, asynchronous):
        self.did.append(("commit", *((p.partition, p.offset) for p in offsets)))

    def __getattr__(self, name):
        def call(partitions=None, **_):
            listed = partitions if isinstance(partitions, list) else [partitions] if partitions else []
            self.did.append((name, *((p.partition, p.offset) for p in listed)))

        return call


class Said:
    """An entry of a poll."""

    def __init__(self, offset, error=None, partition=0):
        self._offset, self._error, self._partition = offset, error, partition

    def error(self):
        return KafkaError(self._error) if self._error is not None else None

    def topic(self):
        return TOPIC

    def partition(self):
        return self._partition

    def offset(self):
        return self._offset

    def timestamp(self):
        return 1, 1_700_000_000_000

    def value(self):
        return b"%d" % self._offset

    def key(self):
        return None

    def headers(self):
        return None
