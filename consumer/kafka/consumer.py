"""
The Consumer, and the one thread that owns it.

What Kafka does to a member of a group arrives here, inside `poll`: partitions
come, are taken back, are lost. The worker says what that means for records in
flight (`RebalanceListener`); this module says it to Kafka.

    poll --> records, of partitions that were ours before it
     |------ partitions come   starts  -> Owner.assigned -> assigned.take_on
     |       are taken, lost   Owner.revoked, Owner.lost -> assigned.let_go
     |------ a log's end, a gap: told with the next poll, when the records
     |                         before them have been taken
     '------ answers to commits -> committing

`auto.offset.reset` is `error`, so nothing is ever skipped silently: a partition
whose committed offset is gone goes on where the setting says, or stands still.

Has the group taken us in?

librdkafka calls back when partitions come, and a member of a classic group
hears so too when it gets none. Under KIP-848 nothing is said to a member
without partitions, and its id proves nothing, as it has made it itself. What
the coordinator alone gives is the generation (KIP-848: the member epoch): it is
above 0 for a member, and so librdkafka itself asks whether it has joined.

It is the number behind the mark in what `consumer_group_metadata` returns:

    CGMDv2:  02 00 00 00  group \\0 member \\0 ...
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.config.settings import OffsetOutOfRange, StartOffset
from consumer.domain.record import Partition, Record
from consumer.kafka.assignment import STARTS_S_MAX, PartitionAssignment, StartOffsetResolver, log_boundary
from consumer.kafka.committer import OffsetCommitter
from consumer.kafka.conversion import as_record, cause, partition_at, partition_of
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

MARK = b"CGMDv2:"
GENERATION_BYTES = 4


def has_joined_group(metadata: bytes | None) -> bool:
    """Whether this group metadata is a member's. False for a form that is not known."""
    if metadata is None or not metadata.startswith(MARK):
        return False
    generation = metadata[len(MARK) : len(MARK) + GENERATION_BYTES]
    return int.from_bytes(generation, sys.byteorder, signed=True) > 0


log = structlog.get_logger()

# More than there is. What is read as the last is not taken, and comes again.
UNREAD_MAX = 10_000


class RebalanceListener(Protocol):
    """What the worker does when partitions come and go. Called inside `poll`, in the same thread."""

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """These partitions are ours now, and begin at these offsets."""
        ...

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """These are taken back: finish, commit, let go."""
        ...

    def lost(self, partitions: Iterable[Partition]) -> None:
        """These are somebody else's already: let go, commit nothing."""
        ...

    def reached_end(self, partition: Partition, offset: int) -> None:
        """There is nothing to read below `offset` any more."""
        ...

    def moved(self, partition: Partition, offset: int) -> None:
        """What was to be read next is gone from the log; it goes on at `offset`."""
        ...


class KafkaSource:
    """The events topics, as records of the partitions that are ours."""

    def __init__(
        self,
        new_consumer: Callable[..., Consumer],
        topics: Iterable[str],
        start: StartOffset,
        out_of_range: OffsetOutOfRange,
        telemetry: Telemetry,
        patience_s: float = STARTS_S_MAX,
    ) -> None:
        self._topics = list(topics)
        self._out_of_range = out_of_range
        self._telemetry = telemetry
        self._owner: RebalanceListener | None = None
        self._is_closing = False
        # Partitions that came in the current poll, with their starts; ends and
        # gaps that the last poll saw.
        self._new: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._gone: set[Partition] = set()
        self._consumer = new_consumer(on_commit=self._on_commit)
        self._starts = StartOffsetResolver(self._consumer, start, patience_s)
        self._assigned = PartitionAssignment(self._consumer)
        self._committing = OffsetCommitter(self._consumer, telemetry)

    def subscribe(self, owner: RebalanceListener) -> None:
        """Join the group."""
        self._owner = owner
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, records_max: int, timeout_s: float) -> list[Record]:
        """At most `records_max` records, within `timeout_s`. Raises KafkaException for a fatal error."""
        self._log_stalled_partitions()
        if self._report_partition_ends():
            return []
        records = []
        for message in self._consumer.consume(records_max, timeout_s):
            error = message.error()
            if error is None:
                records.append(as_record(message))
            else:
                self._handle_error(message, error)
        self._drop_unassigned()
        return self._since_assignment(records) if self._new else records

    def idle(self, records_max: int, timeout_s: float) -> None:
        """Poll, so as to stay in the group, and take nothing: neither what comes nor the ends behind it."""
        self._log_stalled_partitions()
        self._report_partition_ends()
        self._consumer.consume(records_max, timeout_s)

    def _report_partition_ends(self) -> bool:
        """
        Report the ends and gaps that the last poll returned. True if a partition continues elsewhere.

        They come in the same poll as the records before them, which are tracked
        only afterwards: reported at once, they would declare those records done.
        Where a partition continues is committed before a record of it is consumed.
        """
        self._new.clear()
        ends, self._ends = self._ends, {}
        for partition, offset in ends.items():
            self._owned().reached_end(partition, offset)
        gone, self._gone = self._gone, set()
        moved = [partition for partition in gone if self._resume_after(partition)]
        return bool(moved)

    def _log_stalled_partitions(self) -> None:
        for partition in self._assigned.due_reminders():
            log.error(
                "partition stands still: its committed offset is gone; see CAPI_OFFSET_OUT_OF_RANGE",
                topic=partition.topic,
                partition=partition.number,
            )

    def _drop_unassigned(self) -> None:
        """Ends and gaps of partitions that were taken away in the very poll that told of them."""
        self._ends = {p: offset for p, offset in self._ends.items() if p in self._assigned}
        self._gone = {p for p in self._gone if p in self._assigned}

    def _since_assignment(self, records: list[Record]) -> list[Record]:
        """
        Without the records and ends of partitions that came to us in this very poll.

        They may have been read before the partition was taken away and given
        back, so that there is a gap below them. The partition is read again
        from its start.
        """
        read = {record.partition for record in records} | self._ends.keys() | self._gone
        for partition in read & self._new.keys():
            self._ends.pop(partition, None)
            self._gone.discard(partition)
            self._assigned.seek(partition, self._new[partition])
        return [record for record in records if record.partition not in self._new]

    def commit(self, offsets: Mapping[Partition, int], *, wait: bool = False) -> bool:
        """
        Commit offsets that are not committed yet, or were long ago. False when it failed, as far as is known.

        `wait`: until the broker has them, for a while.
        """
        # Leaving the group waits for the commit by itself, and fetches no offsets any more.
        return self._committing.commit(offsets, wait=wait and not self._is_closing)

    @property
    def unconfirmed(self) -> Set[Partition]:
        """
        Partitions that begin where we decided, and the group is not known to have it.

        Until it has, nothing of them should be taken: who came after us would decide anew.
        """
        return self._committing.unconfirmed

    def is_commit_due(self) -> bool:
        """Whether to commit now, whatever the interval: because of those."""
        return self._committing.is_due()

    def pause(self, partitions: Iterable[Partition], *, new: bool) -> None:
        """Take nothing from these, nor, with `new`, from any that comes; go on with the others."""
        self._assigned.pause(partitions, new=new)

    def close(self) -> None:
        """
        Leave the group. Takes no deadline: the process has a watchdog for it.

        What the group has said since the last poll is answered first, by a member
        that may commit. The Consumer leaves without that answer when it closes,
        and may wait for ever for one that comes just then (librdkafka 2.16).
        """
        # An answer that arrives just after leaving is dropped and waited for forever, with Python's lock
        # held (librdkafka issue 4884). One may still come after this last poll: then `app._watched` ends the
        # process. Closing calls `on_revoke` even for a static member, so what has an outcome is committed.
        if self._is_closing:
            return
        self._is_closing = True
        try:
            with suppress(KafkaException):  # where Kafka has ended our work, nobody is left to hear
                self._consumer.consume(UNREAD_MAX, 0)
        finally:
            self._consumer.close()

    def is_member(self) -> bool:
        """Whether the group has taken us in, with or without partitions. Not every group tells us."""
        # `committed()` proves nothing: while the coordinator of a classic group delays a join, it answers
        # nothing else on that connection.
        return has_joined_group(self._consumer.consumer_group_metadata())

    @property
    def partitions_stalled(self) -> int:
        """Partitions of ours that stand still because their committed offset is gone."""
        return self._assigned.partitions_stalled

    # What Kafka says

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if self._is_closing:  # too late for us, and nobody would answer any more
            return
        starts, decided = self._starts.resolve(partitions)
        self._telemetry.add(metrics.REBALANCES, len(partitions), "assigned")
        offsets = {partition_at(p): p.offset for p in starts}
        for partition in offsets:
            self._forget(partition)
        for partition in decided:
            self._committing.require(partition, offsets[partition])
        self._new.update(offsets)
        # Before the partitions are fetched: what a record starts in must be there.
        self._owned().assigned(offsets)
        self._assigned.assign(starts)

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.add(metrics.REBALANCES, len(partitions), "revoked")
        self._owned().revoked([partition_at(p) for p in partitions])
        self._unassign(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.add(metrics.REBALANCES, len(partitions), "lost")
        log.warning("partitions lost: the group went on without us", partitions=len(partitions))
        self._owned().lost([partition_at(p) for p in partitions])
        self._unassign(partitions)

    def _unassign(self, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            self._forget(partition_at(p))
        self._assigned.unassign(partitions)

    def _forget(self, partition: Partition) -> None:
        self._committing.forget(partition)
        self._assigned.forget(partition)
        self._gone.discard(partition)
        self._ends.pop(partition, None)
        self._new.pop(partition, None)

    def _owned(self) -> RebalanceListener:
        if self._owner is None:
            raise RuntimeError("the source has no owner: subscribe first")
        return self._owner

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._committing.on_commit(error, partitions)

    def _handle_error(self, message: Message, error: KafkaError) -> None:
        """One entry of a poll that is no record."""
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            self._ends[partition_of(message)] = message.offset() or 0
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            self._gone.add(partition_of(message))
        elif error.fatal() or code == KafkaError._FATAL:
            raise KafkaException(error)
        else:
            log.warning(
                "Kafka reports", error=error.name(), topic=message.topic(), partition=message.partition()
            )

    def _resume_after(self, partition: Partition) -> bool:
        """
        The offset to read from is no longer in the log: records were deleted before we came to them.

        Whether it goes on.
        """
        log.error(
            "committed offset is gone: records were deleted unread",
            topic=partition.topic,
            partition=partition.number,
            policy=self._out_of_range,
        )
        if self._out_of_range is OffsetOutOfRange.PAUSE:
            self._assigned.stall(partition)
            return False
        is_end = self._out_of_range is OffsetOutOfRange.LATEST
        try:
            offset = log_boundary(self._consumer, TopicPartition(*partition), is_end=is_end)
        except KafkaException as error:
            log.warning("where to go on is not known yet", error=cause(error).name())
            self._gone.add(partition)
            return False
        self._committing.require(partition, offset)
        self._owned().moved(partition, offset)
        self._assigned.seek(partition, offset)
        return True
