"""
One turn after another: take records, decide, hand over; settle, commit.

    source.poll -> tracker.start -> decide -> delivery.accept   (other thread)
                                       |             |
                                    filtered       ended
                                       v             v
    source.commit(tracker.committable()) <-- tracker.complete

This thread owns the Consumer and the tracker. It decides too, because deciding
is work for a processor and the event loop is for waiting. Two queues lie
between the threads: decided records go to the loop, ended tickets come back.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from consumer.domain.record import Partition, Record
from consumer.kafka.backpressure import Backpressure
from consumer.kafka.consumer import KafkaSource
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker, Released
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.runtime.loop_bridge import DeliveryHandle
from consumer.runtime.process_poll import PollProcessor

log = structlog.get_logger()

# The longest that a turn waits for records, and so that an ended record waits
# to be committed. `consume` waits this long unless it gets all it asks for.
POLL_S = 0.05
# How often others may see how far each partition is done: lag is made of it.
PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOptions:
    """The limits of taking in, and the times of giving back."""

    poll_records_max: int
    events_in_flight_max: int
    bytes_in_flight_max: int
    commit_interval_s: float
    drain_timeout_s: float
    revoke_timeout_s: float


class PollLoop:
    """The loop of the thread that owns the Consumer. `ended` brings the tickets that are settled."""

    def __init__(
        self,
        source: KafkaSource,
        rules: MappingOptions,
        handover: DeliveryHandle,
        pace: PollOptions,
        telemetry: Telemetry,
        ended: queue.SimpleQueue[list[InFlightOffset] | Released],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._handover = handover
        self._pace = pace
        self._telemetry = telemetry
        self._now_s = now_s
        self._tracker = OffsetTracker()
        self._taking = PollProcessor(self._tracker, rules, telemetry)
        self._intake = Backpressure(pace.events_in_flight_max, pace.bytes_in_flight_max)
        self._has_drained = False
        self._commit_due = 0.0
        self._progress_due = 0.0
        self._stopping = threading.Event()
        self._ended = ended
        self.last_poll_at = time.monotonic()
        self.has_subscribed = False
        self.has_joined = False
        # For each of our partitions the offset below which everything has ended, as of a second ago.
        self.done: Mapping[Partition, int] = {}

    def run(self) -> None:
        """Work until told to stop, then drain, commit and leave the group."""
        try:
            self._source.subscribe(self)
            self.has_subscribed = True
            while not self._stopping.is_set():
                self._poll_once()
            self._drain()
        finally:
            self._source.close()

    def stop(self) -> None:
        """Take no more in. Called from any thread."""
        self._stopping.set()

    @property
    def events_in_flight(self) -> int:
        """Records taken and not yet ended."""
        return self._tracker.events_in_flight

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of those records."""
        return self._tracker.bytes_in_flight

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions that are ours."""
        return self._tracker.partitions

    @property
    def partitions_stalled(self) -> int:
        """Those of them that stand still because their committed offset is gone."""
        return self._source.partitions_stalled

    # A turn

    def _poll_once(self) -> None:
        self._settle()
        self._commit_when_due()
        self._apply_backpressure()
        records = self._source.poll(self._intake.poll_records(self._pace.poll_records_max), POLL_S)
        if records:
            self._process(records)
        self.has_joined = self.has_joined or self._source.is_member()
        self.last_poll_at = time.monotonic()

    def _settle(self, wait_s: float = 0.0) -> None:
        """Complete the tickets of what has ended; wait for the first of it at most `wait_s`."""
        try:
            tickets = self._ended.get(timeout=wait_s) if wait_s else self._ended.get_nowait()
            while True:
                self._release(tickets)
                tickets = self._ended.get_nowait()
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
            self._commit_due = now + self._pace.commit_interval_s
            self._source.commit(self._tracker.committable())
        if now >= self._progress_due:
            self._progress_due = now + PROGRESS_EVERY_S
            self.done = self._tracker.committable()

    def _apply_backpressure(self) -> None:
        """Read only what may be read; polling goes on either way."""
        tracker = self._tracker
        ahead = {partition: tracker.span_in_flight(partition) for partition in tracker.partitions}
        held = self._intake.update(
            tracker.events_in_flight,
            tracker.bytes_in_flight,
            ahead,
            is_braked=self._handover.dlq_breaker.is_open,
            asked=self._handover.asked(),
        )
        self._source.pause({*held.partitions, *self._source.unconfirmed}, new=held.new)

    def _process(self, records: Sequence[Record]) -> None:
        """Decide on what was read, and pass it on."""
        taken = self._taking.process(records, self._now_s())
        # Before the records themselves: the brake is to know of them when their letters come.
        self._handover.record_decisions(taken.reasons)
        if taken.events or taken.unsendable:
            self._handover.accept(taken.events, taken.unsendable)

    # Partitions come and go: called by the source, inside `poll`

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """These partitions are ours now. Without any we have joined all the same, and stand by."""
        self.has_joined = True
        for partition, offset in starts.items():
            self._tracker.assign(partition, offset)
        if starts:
            self._commit_due = 0.0  # where each begins was decided just now, and for good

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """Finish what is in flight as far as the deadline lets us, commit, let go."""
        gone = frozenset(partitions)
        self._handover.release_delayed(gone)
        self._finish(gone, self._pace.revoke_timeout_s)
        self._source.commit(self._tracker.committable(gone), wait=True)
        self._forget(gone)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """Let go; what ends later counts for nothing."""
        gone = frozenset(partitions)
        self._handover.release_delayed(gone)
        self._forget(gone)

    def _forget(self, partitions: Collection[Partition]) -> None:
        self.done = {p: offset for p, offset in self.done.items() if p not in partitions}
        for partition in partitions:
            self._tracker.revoke(partition)

    def reached_end(self, partition: Partition, offset: int) -> None:
        """Holes at the end of a log are done: nobody will read them."""
        self._tracker.reach_end(partition, offset)

    def moved(self, partition: Partition, offset: int) -> None:
        """Reading goes on elsewhere."""
        self._tracker.move(partition, offset)
        self._commit_due = 0.0  # as in `assigned`

    def _finish(self, partitions: Collection[Partition], timeout_s: float) -> None:
        """
        Wait until these partitions have nothing in flight, or until the deadline.

        Waiting for Meta would be in vain while the gate is closed, and for
        letters that the brake holds: what is not done comes again. Nor is an
        event that was kept back waited for: it was given up.
        """
        deadline = time.monotonic() + timeout_s
        self._settle()
        if self._has_drained or not self._tracker.unfinished(partitions):
            return
        self._handover.flush(True)
        while self._tracker.unfinished(partitions) and time.monotonic() < deadline and self._can_progress():
            self._settle(POLL_S)
            self.last_poll_at = time.monotonic()
        self._handover.flush(False)

    def _can_progress(self) -> bool:
        """Whether anything in flight may end: Meta can be asked, and not everything waits for the brake."""
        held = self._handover.dlq_breaker.waiting
        return self._handover.can_deliver() and self._tracker.events_in_flight > held

    def _drain(self) -> None:
        """
        Take no more in, give up what is held, finish the rest, commit.

        Polling goes on, so the group does not throw us out.
        """
        deadline = time.monotonic() + self._pace.drain_timeout_s
        self._source.pause(self._tracker.partitions, new=True)
        self._handover.release_delayed(frozenset(self._tracker.partitions))
        self._handover.flush(True)
        while time.monotonic() < deadline:
            self._settle()
            if not self._tracker.unfinished(self._tracker.partitions) or not self._can_progress():
                break
            self._commit_when_due()
            self._source.idle(self._pace.poll_records_max, POLL_S)
            self.last_poll_at = time.monotonic()
        # Leaving the group takes the partitions back once more: no second wait.
        self._has_drained = True
        # While the group hands out partitions it may take no commit: it comes to an end as we poll.
        while not self._source.commit(self._tracker.committable(), wait=True) and time.monotonic() < deadline:
            self._source.idle(self._pace.poll_records_max, POLL_S)
            self.last_poll_at = time.monotonic()
        log.info("drained", left_uncommitted=self._tracker.uncommitted())
