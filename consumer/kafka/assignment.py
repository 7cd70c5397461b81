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
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.domain.record import Partition
from consumer.kafka.conversion import cause, partition_at, places
from consumer.kafka.stopped import StalledPartitions


class PartitionAssignment:
    """The partitions that one Consumer has: where each began, and which are paused, for which reason."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._began: dict[Partition, int] = {}
        self._held: set[Partition] = set()
        self._holds_new = False
        self._stopped = StalledPartitions()

    @property
    def partitions_stalled(self) -> int:
        """How many of ours stand still."""
        return len(self._stopped)

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
        self._stopped.discard(partition)
        self._held.discard(partition)

    def pause(self, partitions: Iterable[Partition], *, new: bool) -> None:
        """Pause these and no others, and with `new` any that comes. What stands still stays so."""
        wanted = {partition for partition in partitions if partition not in self._stopped}
        if more := wanted - self._held:
            self._consumer.pause(places(more))
        # What was held when it stopped stays paused.
        if fewer := {partition for partition in self._held - wanted if partition not in self._stopped}:
            self._consumer.resume(places(fewer))
        self._held = wanted
        self._holds_new = new

    def stall(self, partition: Partition) -> None:
        """It stands still for as long as it is ours."""
        self._stopped.add(partition, time.monotonic())
        self._consumer.pause([TopicPartition(*partition)])

    def due_reminders(self) -> list[Partition]:
        """Those that stand still and of which nothing was said for a while; the caller says it now."""
        return self._stopped.due_reminders(time.monotonic())

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
        if paused := self._held.union(self._stopped) & self._began.keys():
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
