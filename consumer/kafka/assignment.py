"""
What the Consumer is told of our partitions: take on, read from, pause, let go.

    take_on -----> read --- hold ---> paused     until nobody holds it
                    |  ^--- release ----|
                    |------ stop -----> paused   for as long as it is ours
                    '------ read_from -> read, elsewhere
    let_go  <----- any of them

Paused partitions are not fetched, and polling goes on: a member that does not
poll is thrown out of its group. librdkafka keeps a pause through the absence of
a partition, so one that comes is resumed, unless all are held.

Which partitions stand still because their committed offset is gone, and when to say so again.

Nothing but a person gets such a partition going: by moving the group's offset
and starting anew, or by the setting `out_of_range`. One line in the log of the
night it happened would not be found, so it is said again, as long as it is so.

Where does a partition begin that has come to us?

    committed offset     there         not there
                           |               |
                         there     `start`: earliest -> the log's beginning
                                            latest   -> its end

`auto.offset.reset` is `error`, so nothing is ever skipped silently: what is
decided here is decided once, and committed before a record is taken. Brokers that do not answer are
asked again, each time after twice the pause. A partition that began anywhere
else would lose records, so in the end not knowing ends the process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from consumer.config.settings import StartOffset
from consumer.domain.record import Partition
from consumer.kafka.conversion import cause, partition_at, places

AGAIN_S = 60.0


class StalledPartitions:
    """The partitions that stand still. Time is an argument, in seconds of any one clock."""

    def __init__(self) -> None:
        self._say_at: dict[Partition, float] = {}

    def mark(self, partition: Partition, now_s: float) -> None:
        """It stands still from now on, and that was just said."""
        self._say_at[partition] = now_s + AGAIN_S

    def discard(self, partition: Partition) -> None:
        """It is ours no more, or goes on."""
        self._say_at.pop(partition, None)

    def due_reminders(self, now_s: float) -> list[Partition]:
        """Those of which nothing was said for a while; it is said now."""
        found = [partition for partition, say_at in self._say_at.items() if say_at <= now_s]
        for partition in found:
            self.mark(partition, now_s)
        return found

    def __contains__(self, partition: object) -> bool:
        return partition in self._say_at

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._say_at)

    def __len__(self) -> int:
        return len(self._say_at)


class PartitionAssignment:
    """The partitions that one Consumer has: where each began, and which are paused, for which reason."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._began: dict[Partition, int] = {}
        self._held: set[Partition] = set()
        self._holds_new = False
        self._stalled = StalledPartitions()

    @property
    def partitions_stalled(self) -> int:
        """How many of ours stand still."""
        return len(self._stalled)

    def assign(self, starts: list[TopicPartition]) -> None:
        """
        Read these from their offsets.

        Most groups give and take single partitions; an eager one hands all of them out anew.
        """
        self._began.update({partition_at(p): p.offset for p in starts})
        try:
            self._consumer.incremental_assign(starts)
        except KafkaException as error:
            if not _is_out_of_place(error):
                raise
            self._consumer.assign(starts)
        if self._holds_new:
            self._held |= {partition_at(p) for p in starts}
            self._consumer.pause(starts)
        else:
            # librdkafka remembers a pause through a partition's absence.
            self._consumer.resume(starts)

    def unassign(self, partitions: list[TopicPartition]) -> None:
        """Read these no more. What is known of them is to be forgotten by itself."""
        try:
            self._consumer.incremental_unassign(partitions)
        except KafkaException as error:
            if not _is_out_of_place(error):
                raise
            self._consumer.unassign()

    def __contains__(self, partition: object) -> bool:
        """Whether it is ours."""
        return partition in self._began

    def forget(self, partition: Partition) -> None:
        """It has gone, or comes: what it was before says nothing."""
        self._began.pop(partition, None)
        self._stalled.discard(partition)
        self._held.discard(partition)

    def pause(self, partitions: Iterable[Partition], *, new: bool) -> None:
        """Pause these and no others, and with `new` any that comes. What stands still stays so."""
        wanted = {partition for partition in partitions if partition not in self._stalled}
        if more := wanted - self._held:
            self._consumer.pause(places(more))
        # What was held when it stopped stays paused.
        if fewer := {partition for partition in self._held - wanted if partition not in self._stalled}:
            self._consumer.resume(places(fewer))
        self._held = wanted
        self._holds_new = new

    def stall(self, partition: Partition) -> None:
        """It stands still for as long as it is ours."""
        self._stalled.mark(partition, time.monotonic())
        self._consumer.pause([TopicPartition(*partition)])

    def due_reminders(self) -> list[Partition]:
        """Those that stand still and of which nothing was said for a while; the caller says it now."""
        return self._stalled.due_reminders(time.monotonic())

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on there, whatever was read of it before."""
        self._began[partition] = offset
        place = TopicPartition(*partition, offset)
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            if not _is_out_of_place(error):
                raise
            # librdkafka has given the partition up, as it does with an offset that is gone.
            self._assign_again(place)

    def _assign_again(self, place: TopicPartition) -> None:
        try:
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
        except KafkaException as error:
            if not _is_out_of_place(error):
                raise
            self._consumer.assign([*self._others(place), place])
        if paused := self._held.union(self._stalled) & self._began.keys():
            self._consumer.pause(places(paused))

    def _others(self, place: TopicPartition) -> Iterator[TopicPartition]:
        """All of ours but one, where they stand: behind the last record taken, else at their start."""
        moved = partition_at(place)
        others = places(partition for partition in self._began if partition != moved)
        for other in self._consumer.position(others) if others else []:
            if other.offset < 0:
                other.offset = self._began[partition_at(other)]
            yield other


def _is_out_of_place(error: KafkaException) -> bool:
    return cause(error).code() == KafkaError._STATE


log = structlog.get_logger()

# One answer. With a commit that is waited for it is within the margin of `poll_interval`.
BROKER_TIMEOUT_S = 10.0
# How long a new partition's start is asked for before the process gives up and
# lets the group hand it to another member: under `max.poll.interval.ms`, which
# is 300 s unless the user says less (`poll_interval.starts_s`). The first pause
# is doubled each time.
STARTS_S_MAX = 120.0
START_PAUSE_S = 0.25


class StartOffsets(NamedTuple):
    """Partitions with the offsets at which they begin, and those of them that had none committed."""

    places: list[TopicPartition]
    decided: Set[Partition]


class StartOffsetResolver:
    """Asks where partitions begin. `start` is the setting, `patience_s` how long it may take."""

    def __init__(self, consumer: Consumer, start: StartOffset, patience_s: float = STARTS_S_MAX) -> None:
        self._consumer = consumer
        self._start = start
        self._patience_s = patience_s

    def resolve(self, partitions: list[TopicPartition]) -> StartOffsets:
        """Where these begin. Raises KafkaException when out of patience."""
        give_up_at = time.monotonic() + self._patience_s
        pause_s = START_PAUSE_S
        while True:
            try:
                committed = self._consumer.committed(partitions, timeout=BROKER_TIMEOUT_S)
                return StartOffsets(
                    [self._resolve_one(p) for p in committed],
                    {partition_at(p) for p in committed if p.offset == OFFSET_INVALID},
                )
            except KafkaException as error:
                if time.monotonic() + pause_s > give_up_at:
                    raise
                log.warning("start of partitions not known yet", error=cause(error).name())
            time.sleep(pause_s)
            pause_s *= 2

    def _resolve_one(self, partition: TopicPartition) -> TopicPartition:
        if partition.error is not None:
            raise KafkaException(partition.error)
        if partition.offset != OFFSET_INVALID:
            return TopicPartition(partition.topic, partition.partition, partition.offset)
        offset = log_boundary(self._consumer, partition, is_end=self._start is StartOffset.LATEST)
        return TopicPartition(partition.topic, partition.partition, offset)


def log_boundary(consumer: Consumer, partition: TopicPartition, *, is_end: bool) -> int:
    """The offset at which the partition's log begins, or behind its last record. Raises KafkaException."""
    low, high = consumer.get_watermark_offsets(partition, timeout=BROKER_TIMEOUT_S, cached=False)
    return high if is_end else low
