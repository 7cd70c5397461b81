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
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from consumer import metrics
from consumer.core.decide import decide
from consumer.core.decision import Decision, Deliverable, Filtered, Invalid, Reason
from consumer.core.hashing import BatchHasher
from consumer.core.offsets import GivenUp, OffsetTracker, Ticket
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.delivery import InFlight, Unsendable, log_filtered
from consumer.source import Source
from consumer.telemetry import Telemetry

log = structlog.get_logger()

# The longest that a turn waits for records, and so that an ended record waits
# to be committed. `consume` waits this long unless it gets all it asks for.
POLL_S = 0.05
# Paused at the limit, resumed at half of it: a pause throws away what was
# prefetched, so the partitions must not flutter.
RESUME_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits of taking in, and the times of giving back."""

    poll_records_max: int
    events_in_flight_max: int
    bytes_in_flight_max: int
    commit_interval_s: float
    drain_timeout_s: float
    revoke_timeout_s: float


class Holding(Protocol):
    """What the worker reads of the flood brake."""

    @property
    def is_on(self) -> bool:
        """Take nothing more in."""
        ...

    @property
    def held(self) -> int:
        """Records that do not end before the brake is released."""
        ...


@dataclass(frozen=True, slots=True)
class Handover:
    """
    The way from this thread to the event loop: called here, carried out there.

    `let_go` gives up the held events of some partitions; their tickets come
    back among the ended ones, as `GivenUp`.
    """

    accept: Callable[[Sequence[InFlight], Sequence[Unsendable]], None]
    hurry: Callable[[bool], None]
    can_deliver: Callable[[], bool]
    decided: Callable[[Sequence[Reason | None]], None]
    brake: Holding
    let_go: Callable[[Collection[Partition]], None]


class Worker:
    """The loop of the thread that owns the Consumer. `ended` brings the tickets that are settled."""

    def __init__(
        self,
        source: Source,
        rules: Rules,
        handover: Handover,
        pace: Pace,
        telemetry: Telemetry,
        ended: queue.SimpleQueue[list[Ticket] | GivenUp],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._rules = rules
        self._handover = handover
        self._pace = pace
        self._telemetry = telemetry
        self._now_s = now_s
        self._tracker = OffsetTracker()
        self._is_full = False
        self._far_ahead: set[Partition] = set()
        self._has_drained = False
        self._commit_due = 0.0
        self._stopping = threading.Event()
        self._ended = ended
        self.turned_at = time.monotonic()
        self.has_subscribed = False
        self.has_joined = False
        # For each of our partitions the offset below which everything has ended, as of the last commit.
        self.done: Mapping[Partition, int] = {}

    def run(self) -> None:
        """Work until told to stop, then drain, commit and leave the group."""
        try:
            self._source.subscribe(self)
            self.has_subscribed = True
            while not self._stopping.is_set():
                self._turn()
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
    def partitions_stopped(self) -> int:
        """Those of them that stand still because their committed offset is gone."""
        return self._source.partitions_stopped

    # A turn

    def _turn(self) -> None:
        self._settle()
        self._commit_when_due()
        self._hold_back()
        records = self._source.poll(self._pace.poll_records_max, POLL_S)
        if records:
            self._take(records)
        self.has_joined = self.has_joined or self._source.is_member()
        self.turned_at = time.monotonic()

    def _settle(self, wait_s: float = 0.0) -> None:
        """Complete the tickets of what has ended; wait for the first of it at most `wait_s`."""
        try:
            tickets = self._ended.get(timeout=wait_s) if wait_s else self._ended.get_nowait()
            while True:
                self._put_down(tickets)
                tickets = self._ended.get_nowait()
        except queue.Empty:
            return

    def _put_down(self, tickets: list[Ticket] | GivenUp) -> None:
        if isinstance(tickets, GivenUp):
            for ticket in tickets.tickets:
                self._tracker.give_up(ticket)
            return
        for ticket in tickets:
            self._tracker.complete(ticket)

    def _commit_when_due(self) -> None:
        now = time.monotonic()
        if now >= self._commit_due:
            self._commit_due = now + self._pace.commit_interval_s
            self.done = self._tracker.committable()
            self._source.commit(self.done)

    def _hold_back(self) -> None:
        """
        Hold all partitions at a limit, and one that is too far ahead of its oldest record in flight.

        Go on at half of it. The flood brake holds all of them too. Polling goes on either way.
        """
        share = max(
            self._tracker.events_in_flight / self._pace.events_in_flight_max,
            self._tracker.bytes_in_flight / self._pace.bytes_in_flight_max,
        )
        self._is_full = share >= (RESUME_SHARE if self._is_full else 1.0)
        ours = self._tracker.partitions
        self._far_ahead = {partition for partition in ours if self._is_far_ahead(partition)}
        holds_all = self._is_full or self._handover.brake.is_on
        self._source.hold(ours if holds_all else self._far_ahead, new=holds_all)

    def _is_far_ahead(self, partition: Partition) -> bool:
        """One slow record holds up its own partition: what would come again after a crash stays bounded."""
        share = self._tracker.uncommittable(partition) / self._pace.events_in_flight_max
        return share >= (RESUME_SHARE if partition in self._far_ahead else 1.0)

    def _take(self, records: Sequence[Record]) -> None:
        """Decide on what was read, and pass it on."""
        began_s = time.perf_counter()
        hasher = BatchHasher()
        now_ms = int(self._now_s() * 1000)
        events: list[InFlight] = []
        unsendable: list[Unsendable] = []
        decisions: list[Decision] = []
        taken: list[Record] = []
        for record in records:
            ticket = self._tracker.start(record.partition, record.offset, record.size)
            if ticket is None:
                continue
            taken.append(record)
            decision = decide(record, self._rules, hasher, now_ms)
            decisions.append(decision)
            match decision:
                case Deliverable():
                    events.append(InFlight(ticket, record, decision))
                case Invalid():
                    unsendable.append(Unsendable(ticket, record, decision))
                case Filtered(reason=reason):
                    log_filtered(record, reason)
                    self._tracker.complete(ticket)
        self._telemetry.record(metrics.PROCESS_DURATION, time.perf_counter() - began_s)
        self._telemetry.add_all(metrics.CONSUMED, Counter((record.partition.topic,) for record in taken))
        self._count(decisions)
        # Before the records themselves: the brake is to know of them when their letters come.
        self._handover.decided([None if isinstance(d, Deliverable) else d.reason for d in decisions])
        if events or unsendable:
            self._handover.accept(events, unsendable)

    def _count(self, decisions: Sequence[Decision]) -> None:
        filtered = Counter((d.reason.value,) for d in decisions if isinstance(d, Filtered))
        notes = Counter((note.field, note.word.value) for d in decisions for note in d.notes)
        self._telemetry.add_all(metrics.FILTERED, filtered)
        self._telemetry.add_all(metrics.NOTES, notes)

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
        self._handover.let_go(gone)
        self._finish(gone, self._pace.revoke_timeout_s)
        self._source.commit(self._tracker.committable(gone), wait=True)
        self._forget(gone)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """Let go; what ends later counts for nothing."""
        gone = frozenset(partitions)
        self._handover.let_go(gone)
        self._forget(gone)

    def _forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._tracker.revoke(partition)

    def reached_end(self, partition: Partition, offset: int) -> None:
        """Holes at the end of a log are done: nobody will read them."""
        self._tracker.reach_end(partition, offset)

    def moved(self, partition: Partition, offset: int) -> None:
        """Reading goes on elsewhere."""
        self._tracker.move(partition, offset)
        self._commit_due = 0.0  # as in `assigned`

    def _finish(self, partitions: Iterable[Partition], timeout_s: float) -> None:
        """
        Wait until these partitions have nothing in flight, or until the deadline.

        Waiting for Meta would be in vain while the gate is closed, and for
        letters that the brake holds: what is not done comes again. Nor is an
        event that was kept back waited for: it was given up.
        """
        wanted = list(partitions)
        deadline = time.monotonic() + timeout_s
        self._settle()
        if self._has_drained or not self._tracker.unfinished(wanted):
            return
        self._handover.hurry(True)
        while self._tracker.unfinished(wanted) and time.monotonic() < deadline and self._can_go_on():
            self._settle(POLL_S)
            self.turned_at = time.monotonic()
        self._handover.hurry(False)

    def _can_go_on(self) -> bool:
        """Whether anything in flight may end: Meta can be asked, and not everything waits for the brake."""
        held = self._handover.brake.held
        return self._handover.can_deliver() and self._tracker.events_in_flight > held

    def _drain(self) -> None:
        """
        Take no more in, give up what is held, finish the rest, commit.

        Polling goes on, so the group does not throw us out.
        """
        deadline = time.monotonic() + self._pace.drain_timeout_s
        self._source.hold(self._tracker.partitions, new=True)
        self._handover.let_go(frozenset(self._tracker.partitions))
        self._handover.hurry(True)
        while time.monotonic() < deadline:
            self._settle()
            if not self._tracker.unfinished(self._tracker.partitions) or not self._can_go_on():
                break
            self._commit_when_due()
            self._source.idle(self._pace.poll_records_max, POLL_S)
            self.turned_at = time.monotonic()
        # Leaving the group takes the partitions back once more: no second wait.
        self._has_drained = True
        # While the group hands out partitions it may take no commit: it comes to an end as we poll.
        while not self._source.commit(self._tracker.committable(), wait=True) and time.monotonic() < deadline:
            self._source.idle(self._pace.poll_records_max, POLL_S)
            self.turned_at = time.monotonic()
        log.info("drained", left_uncommitted=self._tracker.uncommitted())
