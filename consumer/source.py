"""
The Consumer, and the one thread that owns it.

What Kafka does to a member of a group arrives here, inside `poll`: partitions
come, are taken back, are lost. The worker says what that means for records in
flight (`Owner`); this module says it to Kafka.

- A partition starts at its committed offset. `auto.offset.reset` is `error`, so
  nothing is ever skipped silently: where there is no committed offset, the
  setting `start` decides once, and what it decided is committed.
- Partitions pause, and polling goes on: a member that does not poll is thrown
  out of its group.
- Commits are asynchronous, and answered inside `poll`. One that is waited for,
  inside `poll` as well, is seen by asking for the committed offsets: the
  coordinator answers in the order in which it is asked.
- A partition whose committed offset is gone stands still, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import structlog
from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from consumer import metrics
from consumer.core.commits import Commits
from consumer.core.record import Partition, Record
from consumer.membership import is_of_member
from consumer.records import as_record, cause, partition_of
from consumer.settings import OutOfRange, Start
from consumer.stopped import Stopped
from consumer.telemetry import Telemetry

log = structlog.get_logger()

BROKER_TIMEOUT_S = 10.0
# How long a commit may take that is waited for. librdkafka's own has no end:
# without a coordinator it waits for a session (45 s), and for each request and
# each repetition of it for socket.timeout.ms (60 s).
COMMIT_S_MAX = 10.0
# How long it is sent again when the broker has not carried it out by the time it
# answers what was asked after it, as between two assignments of the group.
COMMIT_REPEATED_S_MAX = 3.0
COMMIT_PAUSE_S = 0.1
# How long a new partition's start is asked for before the process gives up and
# lets the group hand it to another member: under `max.poll.interval.ms`, which
# is 300 s unless the user says less (`poll_interval.starts_s`). The first pause
# is doubled each time.
STARTS_S_MAX = 120.0
START_PAUSE_S = 0.25


class Owner(Protocol):
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


class Source:
    """The events topics, as records of the partitions that are ours."""

    def __init__(
        self,
        new_consumer: Callable[..., Consumer],
        topics: Iterable[str],
        start: Start,
        out_of_range: OutOfRange,
        telemetry: Telemetry,
        patience_s: float = STARTS_S_MAX,
    ) -> None:
        self._topics = list(topics)
        self._patience_s = patience_s
        self._start = start
        self._out_of_range = out_of_range
        self._telemetry = telemetry
        self._owner: Owner | None = None
        self._is_closing = False
        self._held: set[Partition] = set()
        self._holds_new = False
        self._stopped = Stopped()
        # Partitions that came in the current poll, with their starts; ends and
        # gaps that the last poll saw.
        self._new: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._gone: set[Partition] = set()
        self._began: dict[Partition, int] = {}
        self._commits = Commits()
        self._consumer = new_consumer(on_commit=self._on_commit)

    def subscribe(self, owner: Owner) -> None:
        """Join the group."""
        self._owner = owner
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, records_max: int, timeout_s: float) -> list[Record]:
        """At most `records_max` records, within `timeout_s`. Raises KafkaException for a fatal error."""
        self._pass_on()
        records = []
        for message in self._consumer.consume(records_max, timeout_s):
            error = message.error()
            if error is None:
                records.append(as_record(message))
            else:
                self._hear(message, error)
        return self._of_one_assignment(records) if self._new else records

    def idle(self, records_max: int, timeout_s: float) -> None:
        """Poll, so as to stay in the group, and take nothing: neither what comes nor the ends behind it."""
        self._pass_on()
        self._consumer.consume(records_max, timeout_s)

    def _pass_on(self) -> None:
        """The ends and gaps of the last poll: only now have the records before them been taken."""
        self._new.clear()
        ends, self._ends = self._ends, {}
        for partition, offset in ends.items():
            self._owned().reached_end(partition, offset)
        for partition in self._stopped.to_be_said(time.monotonic()):
            log.error(
                "partition stands still: its committed offset is gone; see CAPI_OUT_OF_RANGE",
                topic=partition.topic,
                partition=partition.number,
            )
        gone, self._gone = self._gone, set()
        for partition in gone:
            self._go_on_after(partition)

    def _of_one_assignment(self, records: list[Record]) -> list[Record]:
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
            self._read_from(partition, self._new[partition])
        return [record for record in records if record.partition not in self._new]

    def commit(self, offsets: Mapping[Partition, int], *, wait: bool = False) -> bool:
        """
        Commit offsets that are not committed yet, or were long ago. False when it failed, as far as is known.

        `wait`: until the broker has them, for a while.
        """
        news = self._commits.due(offsets, time.monotonic())
        if not news:
            return True
        self._commits.sent(news)
        wanted = [TopicPartition(p.topic, p.number, offset) for p, offset in news.items()]
        try:
            self._consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self._on_commit(cause(error), wanted)
            return False
        # Leaving the group waits for the commit by itself, and fetches no offsets any more.
        return self._await_commit(news, wanted) if wait and not self._is_closing else True

    def _await_commit(self, news: Mapping[Partition, int], wanted: list[TopicPartition]) -> bool:
        """
        Whether the coordinator has these offsets, asked until it does, or does not take them, or in the end.

        Its answer to the commit itself comes with a later poll: here we may be in
        the middle of one. So what is not there yet is sent again.
        """
        give_up_at = time.monotonic() + COMMIT_S_MAX
        while (left_s := give_up_at - time.monotonic()) > 0:
            try:
                found = self._consumer.committed(_places(news), timeout=left_s)
                if {Partition(p.topic, p.partition): p.offset for p in found} == dict(news):
                    self._confirm(found)
                # Or the answer to the commit itself has come, and what is there now is another's.
                if self._commits.has_all(news):
                    return True
                give_up_at = min(give_up_at, time.monotonic() + COMMIT_REPEATED_S_MAX)
                self._consumer.commit(offsets=wanted, asynchronous=True)
            except KafkaException as error:
                log.debug("commit not known yet", error=cause(error).name())
            time.sleep(COMMIT_PAUSE_S)
        log.warning("commit not confirmed: what it covers may come again", partitions=len(news))
        return False

    def hold(self, partitions: Iterable[Partition], *, new: bool) -> None:
        """Take nothing from these, nor, with `new`, from any that comes; go on with the others."""
        wanted = {partition for partition in partitions if partition not in self._stopped}
        if more := wanted - self._held:
            self._consumer.pause(_places(more))
        # What was held when it stopped stays paused.
        if fewer := {partition for partition in self._held - wanted if partition not in self._stopped}:
            self._consumer.resume(_places(fewer))
        self._held = wanted
        self._holds_new = new

    def close(self) -> None:
        """Leave the group. Takes no deadline: the process has a watchdog for it."""
        self._is_closing = True
        self._consumer.close()

    def is_member(self) -> bool:
        """Whether the group has taken us in, with or without partitions. Not every group tells us."""
        return is_of_member(self._consumer.consumer_group_metadata())

    @property
    def partitions_stopped(self) -> int:
        """Partitions of ours that stand still because their committed offset is gone."""
        return len(self._stopped)

    # What Kafka says

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._is_closing:  # too late for us, and nobody would answer any more
            return
        starts = {Partition(p.topic, p.partition): p for p in self._starts(consumer, partitions)}
        self._telemetry.add(metrics.REBALANCES, len(partitions), "assigned")
        for partition in starts:
            self._forget(partition)
        offsets = {partition: p.offset for partition, p in starts.items()}
        self._new.update(offsets)
        self._began.update(offsets)
        # Before the partitions are fetched: what a record starts in must be there.
        self._owned().assigned(offsets)
        _take_on(consumer, list(starts.values()))
        if self._holds_new:
            self._held |= starts.keys()
            consumer.pause(list(starts.values()))
        else:
            # librdkafka remembers a pause through a partition's absence.
            consumer.resume(list(starts.values()))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.add(metrics.REBALANCES, len(partitions), "revoked")
        gone = [Partition(p.topic, p.partition) for p in partitions]
        self._owned().revoked(gone)
        for partition in gone:
            self._forget(partition)
        _let_go(consumer, partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.add(metrics.REBALANCES, len(partitions), "lost")
        log.warning("partitions lost: the group went on without us", partitions=len(partitions))
        gone = [Partition(p.topic, p.partition) for p in partitions]
        self._owned().lost(gone)
        for partition in gone:
            self._forget(partition)
        _let_go(consumer, partitions)

    def _forget(self, partition: Partition) -> None:
        self._commits.forget(partition)
        self._began.pop(partition, None)
        self._stopped.discard(partition)
        self._held.discard(partition)
        self._gone.discard(partition)
        self._ends.pop(partition, None)
        self._new.pop(partition, None)

    def _owned(self) -> Owner:
        if self._owner is None:
            raise RuntimeError("the source has no owner: subscribe first")
        return self._owner

    def _starts(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where each partition begins. Brokers that do not answer are asked again; in the end it is fatal."""
        give_up_at = time.monotonic() + self._patience_s
        pause_s = START_PAUSE_S
        while True:
            try:
                committed = consumer.committed(partitions, timeout=BROKER_TIMEOUT_S)
                return [self._start_of(consumer, p) for p in committed]
            except KafkaException as error:
                if time.monotonic() + pause_s > give_up_at:
                    raise
                log.warning("start of partitions not known yet", error=cause(error).name())
            time.sleep(pause_s)
            pause_s *= 2

    def _start_of(self, consumer: Consumer, partition: TopicPartition) -> TopicPartition:
        if partition.error is not None:
            raise KafkaException(partition.error)
        if partition.offset != OFFSET_INVALID:
            return TopicPartition(partition.topic, partition.partition, partition.offset)
        return self._edge(consumer, partition, is_end=self._start is Start.LATEST)

    def _edge(self, consumer: Consumer, partition: TopicPartition, *, is_end: bool) -> TopicPartition:
        low, high = consumer.get_watermark_offsets(partition, timeout=BROKER_TIMEOUT_S, cached=False)
        return TopicPartition(partition.topic, partition.partition, high if is_end else low)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """A commit that failed is not repeated by itself: the next one covers it."""
        failed = error or next((p.error for p in partitions if p.error is not None), None)
        self._telemetry.add(metrics.COMMITS, 1, "failed" if failed else "ok")
        if failed:
            log.warning("commit failed", error=failed.name())
            return
        self._confirm(partitions)

    def _confirm(self, partitions: Iterable[TopicPartition]) -> None:
        """The coordinator has these offsets."""
        now_s = time.monotonic()
        for p in partitions:
            self._commits.done(Partition(p.topic, p.partition), p.offset, now_s)

    def _hear(self, message: Message, error: KafkaError) -> None:
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

    def _go_on_after(self, partition: Partition) -> None:
        """The offset to read from is no longer in the log: records were deleted before we came to them."""
        log.error(
            "committed offset is gone: records were deleted unread",
            topic=partition.topic,
            partition=partition.number,
            policy=self._out_of_range,
        )
        place = TopicPartition(*partition)
        if self._out_of_range is OutOfRange.STOP:
            self._stopped.add(partition, time.monotonic())
            self._consumer.pause([place])
            return
        try:
            start = self._edge(self._consumer, place, is_end=self._out_of_range is OutOfRange.LATEST)
        except KafkaException as error:
            log.warning("where to go on is not known yet", error=cause(error).name())
            self._gone.add(partition)
            return
        self._owned().moved(partition, start.offset)
        self._read_from(partition, start.offset)

    def _read_from(self, partition: Partition, offset: int) -> None:
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
            self._consumer.pause(_places(paused))

    def _others(self, place: TopicPartition) -> Iterator[TopicPartition]:
        """All of ours but one, where they stand: behind the last record taken, else at their start."""
        moved = Partition(place.topic, place.partition)
        others = _places(partition for partition in self._began if partition != moved)
        for other in self._consumer.position(others) if others else []:
            if other.offset < 0:
                other.offset = self._began[Partition(other.topic, other.partition)]
            yield other


def _is_out_of_place(error: KafkaException) -> bool:
    return cause(error).code() == KafkaError._STATE


def _take_on(consumer: Consumer, starts: list[TopicPartition]) -> None:
    """Most groups give and take single partitions; an eager one hands all of them out anew."""
    try:
        consumer.incremental_assign(starts)
    except KafkaException as error:
        if not _is_out_of_place(error):
            raise
        consumer.assign(starts)


def _let_go(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    try:
        consumer.incremental_unassign(partitions)
    except KafkaException as error:
        if not _is_out_of_place(error):
            raise
        consumer.unassign()


def _places(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*partition) for partition in partitions]
