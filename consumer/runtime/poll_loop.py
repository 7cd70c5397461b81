"""
The poll loop: consume records, decide on them, pass them on; finish and commit them.

    source.poll -> tracker.start -> decide -> delivery.accept   (event loop's thread)
                                       |             |
                                    filtered     has an outcome
                                       v             v
    source.commit(tracker.committable()) <-- tracker.complete

This thread owns the Consumer and the tracker, so neither needs a lock. librdkafka
calls back inside `poll` when partitions are assigned or revoked, and a revoked
partition has to be drained before it is given back: this thread waits there
while the event loop goes on sending. Deciding is done here, because in the event
loop it would delay every response of Meta by the time of a poll.

Decide on the records of one poll.

    records -> tracker.start -> decide -> deliverable  -> events
                   |                      invalid      -> invalid
                   |                      filtered     -> completed here
               not assigned, or read twice: skipped

Values that repeat within a poll are hashed once; those that many people share,
such as cities, once for many polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from consumer.delivery.in_flight import InFlightEvent, InvalidRecord, log_filtered
from consumer.domain.decision import Deliverable, Filtered, Invalid, MappingWarning, Reason
from consumer.domain.record import Partition, Record
from consumer.kafka.backpressure import Backpressure
from consumer.kafka.consumer import KafkaSource
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker, Released
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.runtime.loop_bridge import DeliveryHandle


class ProcessedPoll(NamedTuple):
    """The records to deliver, and for each record of the poll its reason; None for those that are sent."""

    events: Sequence[InFlightEvent]
    invalid: Sequence[InvalidRecord]
    reasons: Sequence[Reason | None]


class PollProcessor:
    """Decides on records with these options, and tracks their offsets."""

    def __init__(self, tracker: OffsetTracker, options: MappingOptions, telemetry: Telemetry) -> None:
        self._tracker = tracker
        self._options = options
        self._telemetry = telemetry
        self._shared = SharedDigestCache()

    def process(self, records: Sequence[Record], now_s: float) -> ProcessedPoll:
        """Decide on each record. `now_s` is in unix seconds."""
        began_s = time.perf_counter()
        hasher = BatchHasher(self._shared)
        now_ms = int(now_s * 1000)
        events: list[InFlightEvent] = []
        invalid: list[InvalidRecord] = []
        filtered: list[tuple[Record, Reason]] = []
        reasons: list[Reason | None] = []
        topics: list[str] = []
        warnings: list[MappingWarning] = []
        for record in records:
            ticket = self._tracker.start(record.partition, record.offset, record.size)
            if ticket is None:
                continue
            decision = decide(record, self._options, hasher, now_ms)
            topics.append(record.partition.topic)
            warnings += decision.warnings
            match decision:
                case Deliverable():
                    events.append(InFlightEvent(ticket, record, decision))
                    reasons.append(None)
                case Invalid(reason=reason):
                    invalid.append(InvalidRecord(ticket, record, decision))
                    reasons.append(reason)
                case Filtered(reason=reason):
                    self._tracker.complete(ticket)
                    filtered.append((record, reason))
                    reasons.append(reason)
        self._telemetry.record(metrics.PROCESS_DURATION, time.perf_counter() - began_s)
        if filtered:
            log_filtered(filtered)
        self._count(topics, [reason for _, reason in filtered], warnings)
        return ProcessedPoll(events, invalid, reasons)

    def _count(
        self, topics: Sequence[str], filtered: Sequence[Reason], warnings: Sequence[MappingWarning]
    ) -> None:
        """Count first, then build labels: a poll has many records and few distinct labels."""
        add_all = self._telemetry.add_all
        add_all(metrics.CONSUMED, {(topic,): count for topic, count in Counter(topics).items()})
        add_all(metrics.FILTERED, {(reason.value,): count for reason, count in Counter(filtered).items()})
        add_all(
            metrics.VALUES_DROPPED, {(w.field, w.code.value): count for w, count in Counter(warnings).items()}
        )


log = structlog.get_logger()

# The longest that a round waits for records, and so that a finished record waits
# to be committed. `consume` waits this long unless it gets all it asks for.
POLL_S = 0.05
# How often the committable offsets are published: the lag is computed from them.
PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOptions:
    """Limits of consuming, and how long draining may take."""

    poll_records_max: int
    events_in_flight_max: int
    bytes_in_flight_max: int
    commit_interval_s: float
    drain_timeout_s: float
    revoke_timeout_s: float


class PollLoop:
    """The loop of the thread that owns the Consumer. `finished` brings offsets of records with an outcome."""

    def __init__(
        self,
        source: KafkaSource,
        rules: MappingOptions,
        delivery: DeliveryHandle,
        options: PollOptions,
        telemetry: Telemetry,
        finished: queue.SimpleQueue[list[InFlightOffset] | Released],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._delivery = delivery
        self._options = options
        self._telemetry = telemetry
        self._now_s = now_s
        self._tracker = OffsetTracker()
        self._processor = PollProcessor(self._tracker, rules, telemetry)
        self._backpressure = Backpressure(options.events_in_flight_max, options.bytes_in_flight_max)
        self._has_drained = False
        self._commit_due = 0.0
        self._progress_due = 0.0
        self._stopping = threading.Event()
        self._finished = finished
        self.last_poll_at = time.monotonic()
        self.has_subscribed = False
        self.has_joined = False
        # Per assigned partition, the offset below which every record has an outcome; at most a second old.
        self.committable: Mapping[Partition, int] = {}

    def run(self) -> None:
        """Run until `stop` is called, then drain, commit and leave the group."""
        try:
            self._source.subscribe(self)
            self.has_subscribed = True
            while not self._stopping.is_set():
                self._poll_once()
            self._drain()
        finally:
            self._source.close()

    def stop(self) -> None:
        """Stop consuming. May be called from any thread."""
        self._stopping.set()

    @property
    def events_in_flight(self) -> int:
        """Records consumed that have no outcome yet."""
        return self._tracker.events_in_flight

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of those records."""
        return self._tracker.bytes_in_flight

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The assigned partitions."""
        return self._tracker.partitions

    @property
    def partitions_stalled(self) -> int:
        """Assigned partitions that are paused because their committed offset is out of range."""
        return self._source.partitions_stalled

    # One round

    def _poll_once(self) -> None:
        self._settle()
        self._commit_when_due()
        self._apply_backpressure()
        records = self._source.poll(self._options.poll_records_max, POLL_S)
        if records:
            self._process(records)
        self.has_joined = self.has_joined or self._source.is_member()
        self.last_poll_at = time.monotonic()

    def _settle(self, wait_s: float = 0.0) -> None:
        """Complete the offsets of finished records; wait for the first of them at most `wait_s`."""
        try:
            tickets = self._finished.get(timeout=wait_s) if wait_s else self._finished.get_nowait()
            while True:
                self._release(tickets)
                tickets = self._finished.get_nowait()
        except queue.Empty:
            return

    def _release(self, tickets: list[InFlightOffset] | Released) -> None:
        if isinstance(tickets, Released):
            for ticket in tickets.tickets:
                self._tracker.release(ticket)
            self._telemetry.add(metrics.RELEASED, len(tickets.tickets))
            return
        for ticket in tickets:
            self._tracker.complete(ticket)

    def _commit_when_due(self) -> None:
        now = time.monotonic()
        if now >= self._commit_due or self._source.is_commit_due():
            self._commit_due = now + self._options.commit_interval_s
            self._source.commit(self._tracker.committable())
        if now >= self._progress_due:
            self._progress_due = now + PROGRESS_EVERY_S
            self.committable = self._tracker.committable()

    def _apply_backpressure(self) -> None:
        """Pause and resume partitions. Polling goes on, or the group would expel this member."""
        tracker = self._tracker
        spans = {partition: tracker.span_in_flight(partition) for partition in tracker.partitions}
        paused = self._backpressure.update(
            tracker.events_in_flight,
            tracker.bytes_in_flight,
            spans,
            is_dlq_breaker_open=self._delivery.dlq_breaker.is_open,
        )
        # Unconfirmed: with start_offset=latest, if this process died before the start of a partition is
        # committed, the next owner would start at a later end and skip what came meanwhile.
        self._source.pause({*paused.partitions, *self._source.unconfirmed}, new=paused.new)

    def _process(self, records: Sequence[Record]) -> None:
        """Decide on the records, and pass them on."""
        polled = self._processor.process(records, self._now_s())
        # First, so that the DLQ breaker opens before a dead letter of a poll of bad records is written.
        self._delivery.record_decisions(polled.reasons)
        self._delivery.watch_filter_rate(polled.reasons)
        if polled.events or polled.invalid:
            self._delivery.accept(polled.events, polled.invalid)

    # Rebalances: called by the source, inside `poll`

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """Start tracking these partitions. A member without any has joined too, and stands by."""
        self.has_joined = True
        for partition, offset in starts.items():
            self._tracker.assign(partition, offset)
        if starts:
            self._commit_due = 0.0  # commit where each begins before its first record is consumed

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """Drain these partitions until the deadline, commit, and release them."""
        gone = frozenset(partitions)
        self._delivery.release_delayed(gone)
        self._finish(gone, self._options.revoke_timeout_s)
        self._source.commit(self._tracker.committable(gone), wait=True)
        self._forget(gone)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """Release these partitions. Outcomes that come later have no effect."""
        gone = frozenset(partitions)
        self._delivery.release_delayed(gone)
        self._forget(gone)

    def _forget(self, partitions: Collection[Partition]) -> None:
        self.committable = {p: offset for p, offset in self.committable.items() if p not in partitions}
        for partition in partitions:
            self._tracker.revoke(partition)

    def reached_end(self, partition: Partition, offset: int) -> None:
        """Mark the gap at the end of a log as done: it holds no record."""
        self._tracker.reach_end(partition, offset)

    def moved(self, partition: Partition, offset: int) -> None:
        """Continue at another offset."""
        self._tracker.move(partition, offset)
        self._commit_due = 0.0  # as in `assigned`

    def _finish(self, partitions: Collection[Partition], timeout_s: float) -> None:
        """
        Wait until these partitions have nothing in flight, or until the deadline.

        It stops early if nothing can finish: the circuit breaker is open, or
        only dead letters are left and the DLQ breaker is open. What isn't
        finished is redelivered. Delayed events have been released before.
        """
        deadline = time.monotonic() + timeout_s
        self._settle()
        if self._has_drained or not self._tracker.unfinished(partitions):
            return
        self._delivery.flush(True)
        while self._tracker.unfinished(partitions) and time.monotonic() < deadline and self._can_progress():
            self._settle(POLL_S)
            self.last_poll_at = time.monotonic()
        self._delivery.flush(False)

    def _can_progress(self) -> bool:
        """Whether anything in flight can finish."""
        waiting = self._delivery.dlq_breaker.waiting
        return self._delivery.can_deliver() and self._tracker.events_in_flight > waiting

    def _drain(self) -> None:
        """
        Stop consuming, release delayed events, finish the rest, commit.

        Polling goes on, or the group would expel this member.
        """
        deadline = time.monotonic() + self._options.drain_timeout_s
        self._source.pause(self._tracker.partitions, new=True)
        self._delivery.release_delayed(frozenset(self._tracker.partitions))
        self._delivery.flush(True)
        while time.monotonic() < deadline:
            self._settle()
            if not self._tracker.unfinished(self._tracker.partitions) or not self._can_progress():
                break
            self._commit_when_due()
            self._source.idle(self._options.poll_records_max, POLL_S)
            self.last_poll_at = time.monotonic()
        # Leaving the group revokes the partitions once more: don't wait a second time.
        self._has_drained = True
        # During a rebalance the group may reject commits. Polling completes the rebalance.
        while not self._source.commit(self._tracker.committable(), wait=True) and time.monotonic() < deadline:
            self._source.idle(self._options.poll_records_max, POLL_S)
            self.last_poll_at = time.monotonic()
        log.info("drained", left_uncommitted=self._tracker.uncommitted())


class PollThread:
    """Runs the poll loop in a thread. `ended` is done when it has ended, with what it raised."""

    def __init__(self, poll_loop: PollLoop) -> None:
        self._loop = asyncio.get_running_loop()
        self._poll_loop = poll_loop
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.start = threading.Thread(target=self._run, name="poll loop", daemon=True).start

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._poll_loop.run()
        except BaseException as raised:  # noqa: BLE001 - carried to the main thread, which raises it
            error = raised
        with contextlib.suppress(RuntimeError):  # the event loop is closed already
            self._loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
