"""
The dead-letter topic, from where somebody left off to its end as it stood at start.

Letters that arrive meanwhile are for the next time: a replay whose letters
fail again would otherwise chase its own tail.

    offsets   0  1  2  3  4  5  6  7  8  9
                    ^ begin         ^ end: 7, the next offset to be written at start

A record's offset is compared with the end, and records are never counted: where
an aborted transaction or a compacted letter stood there is a hole, even at the
very end. What tells that nothing more will come is librdkafka's end-of-partition
event, which stands behind such holes.

Reading one record again where it first stood.

A letter that was too large for the dead-letter topic came without its value.
The value is still in the events topic as long as retention leaves it there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.config.settings import Settings
from consumer.domain.record import Coordinates, Record
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.conversion import as_record, cause
from consumer.kafka.errors import ErrorCollector

POLL_S = 0.2
# As many as a poll of the consumer takes by default. What a caller does between two reads waits for these.
RECORDS_AT_ONCE = 500
# A partition that changes its leader is silent too, for some seconds; behind this sits a person who waits.
IDLE_S_MAX = 30.0
COORDINATOR_S_MAX = 30.0
COORDINATOR_ERRORS = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
# Who only looks belongs to no group, but librdkafka wants a name to make a Consumer.
NO_GROUP = "capi-consumer.looks-only"
DEAD_LETTERS = ("dead-letter", "CAPI_DEAD_LETTER_TOPIC")
PARKING = ("parking", "CAPI_PARKING_TOPIC")


class OffsetRange(NamedTuple):
    """What is read of one partition: from `begin` up to, and without, `end`."""

    begin: int
    end: int


class Commit(NamedTuple):
    """A group's progress in a partition: the next offset, and the word of whoever committed it."""

    next_offset: int
    by: str


class DeadLetterReader:
    """The letters of every partition, each once, up to the end as it stood at start."""

    def __init__(self, consumer: Consumer, topic: str, spans: Mapping[int, OffsetRange]) -> None:
        self.topic = topic
        self.spans = spans
        self.reached = {number: span.begin for number, span in spans.items()}
        self._consumer = consumer
        self._open = {number for number, span in spans.items() if span.begin < span.end}
        self._silent: set[int] = set()
        self._heard_at = time.monotonic()
        consumer.assign([TopicPartition(topic, number, spans[number].begin) for number in sorted(self._open)])

    @property
    def is_done(self) -> bool:
        """Whether every partition was read to its end."""
        return not self._open

    @property
    def offsets_total(self) -> int:
        """How many offsets there are to pass, holes among them: the length of a progress bar."""
        return sum(max(0, span.end - span.begin) for span in self.spans.values())

    @property
    def offsets_passed(self) -> int:
        """How many of them lie behind."""
        return sum(self.reached[number] - span.begin for number, span in self.spans.items())

    def read(self, records_max: int) -> list[Record]:
        """
        The next letters, `records_max` at most; none when none came within a moment, or at the end.

        Raises CannotGoOn when the brokers were silent for half a minute.
        """
        if self.is_done:
            return []
        messages = self._consumer.consume(records_max, POLL_S)
        if messages:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > IDLE_S_MAX:
            if not self._open <= self._silent:
                raise CommandError(f"the brokers stopped answering while {self.topic} was read: run it again")
            self._open.clear()  # the log is shorter than it was: a leader was lost with what it alone had
        return [record for message in messages if (record := self._taken(message)) is not None]

    def __iter__(self) -> Iterator[Record]:
        """Every letter that is left."""
        while not self.is_done:
            yield from self.read(RECORDS_AT_ONCE)

    def _taken(self, message: Message) -> Record | None:
        """The message as a record, when it is one of ours; and where that leaves its partition."""
        error, number, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise CommandError(f"{self.topic} cannot be read ({error.name()})")
        if number not in self._open or offset is None:
            return None
        end = self.spans[number].end
        if error is not None or offset >= end:
            self._reach_end(number, min(offset, end))
            return None
        self.reached[number] = offset + 1
        if offset + 1 == end:
            self._reach_end(number, end)
        return as_record(message)

    def _reach_end(self, number: int, reached: int) -> None:
        """
        Close a partition.

        One that seems to end before its end is given time: a new leader learns
        only by and by how far everybody has read the log.
        """
        self.reached[number] = max(self.reached[number], reached)
        if reached < self.spans[number].end:
            self._silent.add(number)
            return
        self._open.discard(number)
        self._consumer.pause([TopicPartition(self.topic, number)])

    def committed(self) -> dict[int, Commit]:
        """The group's progress as the broker has it, by partition, where there is any."""
        return _committed(self._consumer, self.topic, self.spans)

    def commit(self, marks: Mapping[int, Commit]) -> None:
        """Set the group's progress, and wait until the broker has it. Raises KafkaException."""
        offsets = [TopicPartition(self.topic, number, *mark) for number, mark in marks.items()]
        if offsets:
            _asked_of_the_group(lambda: self._consumer.commit(offsets=offsets, asynchronous=False) or [])


@contextmanager
def open_dead_letters(
    settings: Settings, *, group: str | None = None, is_parked: bool = False
) -> Iterator[DeadLetterReader]:
    """
    The dead-letter topic: what `group` has not yet passed, or all of it without a group.

    With `is_parked` the parking topic in its place, which holds the same records.

    The group has no members: its committed offsets are a bookmark. So a run
    that was killed is taken up at once, without waiting for a dead member's
    session to end. Raises CannotGoOn without brokers or topic.
    """
    heard = ErrorCollector()
    properties = clients.consumer_properties(settings, group=group or NO_GROUP)
    consumer = clients.new_consumer(
        {
            **properties,
            "error_cb": heard,
            # Only letters that retention took away while we read can be out of range.
            "auto.offset.reset": "earliest",
        }
    )
    topic = settings.parking_topic if is_parked else settings.dead_letter_topic
    try:
        try:
            numbers = partitions_of(consumer, topic)
            if not numbers:
                what, setting = PARKING if is_parked else DEAD_LETTERS
                raise CommandError(
                    f"the {what} topic {topic} does not exist: "
                    f"check {setting}, or create it with `capi-consumer topics create`"
                )
            spans = _spans(consumer, topic, numbers, with_progress=group is not None)
        except KafkaException as error:
            consumer.poll(0)  # only now is told what became of the connections
            raise clients.cannot_reach(settings, error, heard.faults) from None
        yield DeadLetterReader(consumer, topic, spans)
    finally:
        consumer.close()


def partitions_of(consumer: Consumer, topic: str) -> list[int]:
    """The partitions of a topic; none when it does not exist. Asking for it by name might create it."""
    found = clients.metadata(consumer).topics.get(topic)
    return sorted(found.partitions) if found is not None and found.error is None else []


def _spans(
    consumer: Consumer, topic: str, numbers: Sequence[int], *, with_progress: bool
) -> dict[int, OffsetRange]:
    ends = {number: _watermarks(consumer, topic, number) for number in numbers}
    done = _committed(consumer, topic, ends) if with_progress else {}
    return {
        number: _left(low, high, done[number].next_offset if number in done else low)
        for number, (low, high) in ends.items()
    }


def _left(low: int, high: int, done: int) -> OffsetRange:
    """What is left behind a bookmark. One beyond the end is of a topic that was made anew: all is left."""
    return OffsetRange(low if done > high else max(low, done), high)


def _watermarks(consumer: Consumer, topic: str, number: int) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(
        TopicPartition(topic, number), timeout=clients.METADATA_TIMEOUT_S, cached=False
    )
    return low, high


def _committed(consumer: Consumer, topic: str, numbers: Mapping[int, object]) -> dict[int, Commit]:
    asked = [TopicPartition(topic, number) for number in numbers]
    answered = _asked_of_the_group(lambda: consumer.committed(asked, timeout=clients.METADATA_TIMEOUT_S))
    return {
        found.partition: Commit(found.offset, found.metadata or "") for found in answered if found.offset >= 0
    }


def _asked_of_the_group(ask: Callable[[], list[TopicPartition]]) -> list[TopicPartition]:
    """The answer, once the group's coordinator is up: a new group's, or a moved one's, is not at once."""
    until = time.monotonic() + COORDINATOR_S_MAX
    while True:
        try:
            answered = ask()
            for partition in answered:
                if partition.error is not None:
                    raise KafkaException(partition.error)
            return answered
        except KafkaException as error:
            if cause(error).code() not in COORDINATOR_ERRORS or time.monotonic() > until:
                raise
            time.sleep(POLL_S)


ORIGINAL_POLL_S = 0.5
DEADLINE_S = 30.0


class OriginalReader:
    """The records behind letters, looked up one at a time; the Consumer for it is made when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def find(self, origin: Coordinates) -> Record | None:
        """
        The record of that place and time, None when it is no longer there.

        The time tells a topic that was deleted and made anew from the one that
        the letter came from. Raises CannotGoOn without brokers.
        """
        try:
            return self._find(self._opened(), origin)
        except KafkaException as error:
            raise clients.cannot_reach(self._settings, error) from None

    def close(self) -> None:
        """Let the Consumer go, where there is one."""
        if self._consumer is not None:
            self._consumer.close()

    def _opened(self) -> Consumer:
        if self._consumer is None:
            properties = clients.consumer_properties(self._settings, group=NO_GROUP)
            self._consumer = clients.new_consumer(properties)
        return self._consumer

    def _find(self, consumer: Consumer, origin: Coordinates) -> Record | None:
        if origin.partition not in partitions_of(consumer, origin.topic):
            return None
        place = TopicPartition(origin.topic, origin.partition)
        low, high = consumer.get_watermark_offsets(place, timeout=clients.METADATA_TIMEOUT_S, cached=False)
        if not low <= origin.offset < high:
            return None
        consumer.assign([TopicPartition(origin.topic, origin.partition, origin.offset)])
        try:
            return self._read(consumer, origin)
        finally:
            consumer.unassign()

    def _read(self, consumer: Consumer, origin: Coordinates) -> Record | None:
        """The first record from that offset on, when it is the one; after a hole it is another, or none."""
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            message = consumer.poll(ORIGINAL_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET):
                    return None
                raise KafkaException(error)
            record = as_record(message)
            is_it = (record.offset, record.timestamp_ms) == (origin.offset, origin.timestamp_ms)
            return record if is_it else None
        raise CommandError(f"the brokers stopped answering while {origin.topic} was read: run it again")
