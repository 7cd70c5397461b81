"""
From decided records to ended ones: batches, requests, verdicts, dead letters.

    accept -> Hold -> Batcher -> one task per batch, in one of N slots -> a permit -> Sink -> Verdict
        accepted                       settle
        transient, throttled, setup    the same batch again, when the gate lets it
        refused, too large             halves; one alone: a dead letter, then settle

A slot is a batch's until its end, a permit its request's: how many of those
there are follows from the verdicts (`core/concurrency.py`). A dead letter is
written when the brake lets it (`consumer/brake.py`).

Everything here runs in the event loop's thread. Whatever has ended is settled:
its ticket goes back to the thread that owns the Consumer, and only there does
it count for a commit. Nothing is given up: an event leaves by being accepted,
by its dead letter, by its age, or stays in flight, uncommitted, until we stop.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog

from consumer import metrics
from consumer.brake import Brake
from consumer.core.batching import Batcher, Limits, halves, request_body, without
from consumer.core.concurrency import AdaptiveLimit, is_too_much
from consumer.core.decision import Deliverable, Invalid, Reason
from consumer.core.hold import Hold
from consumer.core.letter import Failure
from consumer.core.offsets import Ticket
from consumer.core.record import Partition, Record
from consumer.core.verdict import Kind, Verdict, backoff_s, pixel_wait_s
from consumer.dead_letters import DeadLetters
from consumer.gate import Gate
from consumer.permits import Permits
from consumer.sink import Sink
from consumer.telemetry import Telemetry

log = structlog.get_logger()

# A single event that fails so often while others are accepted is the cause.
LONE_FAILURES_MAX = 5
NEVER = math.inf
ABOUT_EVENTS = frozenset({Kind.ACCEPTED, Kind.REFUSED, Kind.TOO_LARGE})


class InFlight(NamedTuple):
    """A deliverable event on its way, with the record it came from."""

    ticket: Ticket
    record: Record
    event: Deliverable

    @property
    def payload(self) -> bytes:
        """The JSON of the event."""
        return self.event.payload

    @property
    def event_time_s(self) -> int:
        """When the event happened, in unix seconds."""
        return self.event.event_time_s


class Unsendable(NamedTuple):
    """A record for the dead-letter topic."""

    ticket: Ticket
    record: Record
    decision: Invalid


class History(NamedTuple):
    """
    What a batch has been through: the requests it was in, and how it fails.

    `failing_since` is when the first request of an unbroken row of failures was
    sent, `failed_at` when the last of them ended, monotonic. NEVER where it
    does not fail.
    """

    attempts: int = 0
    failing_since: float = NEVER
    failed_at: float = NEVER

    def answered(self) -> History:
        """After one more request, whose failure, if it is one, is not the batch's."""
        return History(self.attempts + 1)

    def failed(self, sent_at: float, now: float) -> History:
        """After one more request, which failed."""
        return History(self.attempts + 1, min(self.failing_since, sent_at), now)


@dataclass(slots=True)
class Tally:
    """What Meta said of a batch's events since the brake was last told."""

    accepted: int = 0
    refused: list[tuple[InFlight, Failure]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Terms:
    """
    The settings of delivery.

    `envelope_end` is what follows the events in a request body. From
    `requests_in_flight_min` up to the max there are so many requests at once as
    Meta takes well; where both are the same, always so many.
    """

    limits: Limits
    envelope_end: bytes
    requests_in_flight_max: int
    backoff_max_s: float
    stuck_after_s: float
    hold_s: float
    requests_in_flight_min: int = 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time and chance as arguments: unix seconds, monotonic seconds, a number from 0 up to 1."""

    now_s: Callable[[], float]
    monotonic_s: Callable[[], float]
    chance: Callable[[], float]


class Delivery:
    """Brings records to their end. `settle` takes the tickets of those that have ended."""

    def __init__(
        self,
        sink: Sink,
        letters: DeadLetters,
        gate: Gate,
        terms: Terms,
        clocks: Clocks,
        settle: Callable[[list[Ticket]], None],
        telemetry: Telemetry,
        brake: Brake,
    ) -> None:
        self._sink = sink
        self._letters = letters
        self._gate = gate
        self._terms = terms
        self._clocks = clocks
        self._settle = settle
        self._telemetry = telemetry
        self._brake = brake
        self._hold: Hold[InFlight] = Hold(terms.hold_s)
        self._hold_timer: asyncio.TimerHandle | None = None
        self._batcher: Batcher[InFlight] = Batcher(terms.limits)
        self._slots = asyncio.Semaphore(terms.requests_in_flight_max)
        self._limit = AdaptiveLimit(terms.requests_in_flight_min, terms.requests_in_flight_max)
        self._permits = Permits(self._limit.requests)
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._accepted_at = -NEVER
        self._aside = 0
        self._hurrying = False
        self.requests_in_flight = 0
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def requests_limit(self) -> int:
        """How many requests may be under way at once, as it stands now."""
        return self._permits.limit

    @property
    def is_awaiting(self) -> bool:
        """Whether Meta is answering a request at this moment: it may accept what it has, gate or no gate."""
        return self.requests_in_flight > 0

    # Taking in

    def accept(self, events: Sequence[InFlight], unsendable: Sequence[Unsendable]) -> None:
        """Take records over. They are settled later, in any order."""
        now = self._clocks.monotonic_s()
        self._batch(self._hold.take(events, self._clocks.now_s(), now))
        self._set_hold_timer()
        for item in unsendable:
            decision = item.decision
            self._spawn(self._bury(item, Failure(decision.reason, decision.detail)))

    @property
    def events_held(self) -> int:
        """Events that are kept back until the browser's copy has had its time."""
        return len(self._hold)

    def let_go(self, partitions: Collection[Partition]) -> list[Ticket]:
        """Give up the held events of these partitions: they are not sent. Their tickets."""
        dropped = self._hold.drop(lambda item: item.record.partition in partitions)
        self._set_hold_timer()
        return [item.ticket for item in dropped]

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        """Carry out a call of the other thread. One that fails is a bug, and ends the process too."""
        try:
            call(*given)
        except Exception as error:  # noqa: BLE001 - whoever waits for `broken` raises it
            if not self.broken.done():
                self.broken.set_exception(error)

    def hurry(self, is_hurrying: bool) -> None:
        """
        While a partition is given back or the process drains, no batch waits for more events.

        What is held is held all the same: early it would be worse than late.
        """
        self._hurrying = is_hurrying
        if is_hurrying:
            self._close_batch()

    def _batch(self, events: Sequence[InFlight]) -> None:
        for batch in self._batcher.add(events, self._clocks.monotonic_s()):
            self._spawn(self._deliver(batch))
        if self._hurrying:
            self._close_batch()
        self._set_timer()

    def _set_hold_timer(self) -> None:
        """One timer, for whichever held event is due first as things stand now."""
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
        due = self._hold.next_due_s
        if due is not None:
            wait_s = max(0.0, due - self._clocks.monotonic_s())
            self._hold_timer = asyncio.get_running_loop().call_later(wait_s, self.guarded, self._hold_is_over)

    def _hold_is_over(self) -> None:
        self._batch(self._hold.due(self._clocks.monotonic_s()))
        self._set_hold_timer()

    def _close_batch(self) -> None:
        if len(self._batcher):
            self._spawn(self._deliver(self._batcher.close()))

    def _set_timer(self) -> None:
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and self._timer is None:
            wait_s = max(0.0, closes_at - self._clocks.monotonic_s())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._linger_is_over)

    def _linger_is_over(self) -> None:
        self._timer = None
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and closes_at <= self._clocks.monotonic_s():
            self._close_batch()
        self._set_timer()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A task that fails is a bug: the process must not go on as if its records had ended."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self.broken.done():
            self.broken.set_exception(error)

    async def abandon(self) -> None:
        """Give up what is in flight. It stays uncommitted and comes again."""
        for timer in (self._timer, self._hold_timer):
            if timer is not None:
                timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # A batch to its end

    async def _deliver(self, batch: Sequence[InFlight]) -> None:
        async with self._slots:
            tally = Tally()
            await self._end(batch, History(), tally)
            self._tell(tally)

    async def _end(self, batch: Sequence[InFlight], history: History, tally: Tally) -> bool:
        """Bring each event of the batch to its end. True when none of them was refused."""
        is_clean = True
        while True:
            batch, verdict, history = await self._answer(batch, history, tally)
            if verdict is None:
                return is_clean
            if verdict.kind is Kind.ACCEPTED:
                self._settle_accepted(batch, verdict)
                tally.accepted += len(batch)
                return is_clean
            if len(batch) == 1:
                tally.refused.append((batch[0], _failure(verdict, history.attempts)))
                return False
            named = verdict.event_index
            if named is None:
                is_refused = verdict.kind is Kind.REFUSED
                return await self._end_halves(batch, history, tally, is_refused=is_refused) and is_clean
            # The event that Meta names goes alone, then the rest. When it is taken after
            # all, the name was wrong, and only halving finds the right one.
            was_wrong = await self._end([batch[named]], history, tally)
            batch = without(batch, named)
            if was_wrong and len(batch) > 1:
                return await self._end_halves(batch, history, tally, is_refused=True) and is_clean
            is_clean = is_clean and was_wrong

    async def _end_halves(
        self, batch: Sequence[InFlight], history: History, tally: Tally, *, is_refused: bool
    ) -> bool:
        """
        Both halves. When Meta refused the whole and took the left half, the
        right half holds the bad event: it is split without being sent.
        """
        left, right = halves(batch)
        is_left_clean = await self._end(left, history, tally)
        if is_refused and is_left_clean and len(right) > 1:
            return await self._end_halves(right, history, tally, is_refused=True)
        return await self._end(right, history, tally) and is_left_clean

    async def _answer(
        self, batch: Sequence[InFlight], history: History, tally: Tally
    ) -> tuple[Sequence[InFlight], Verdict | None, History]:
        """
        Send until there is an answer that says something about the events.

        Gives the batch as it was sent last (events that have become too old
        meanwhile are gone), the verdict (None when nothing was left to send),
        and the history with these attempts.
        """
        body = b""
        lone_failures = 0
        while True:
            admission = await self._admitted()
            fresh = self._fresh(batch)
            if not fresh:
                self._gate.abandon(admission)
                self._permits.release()
                return fresh, None, history
            if not body or len(fresh) != len(batch):
                batch, body = fresh, request_body(fresh, self._terms.envelope_end)
            sent_at = self._clocks.monotonic_s()
            verdict = await self._send(batch, body, admission, sent_at)
            if verdict.kind not in ABOUT_EVENTS:
                self._tell(tally)  # the batch may wait for long: its letters need not
            if verdict.kind is not Kind.TRANSIENT:
                history = history.answered()
                if verdict.kind in ABOUT_EVENTS:
                    return batch, verdict, history
                continue  # the gate waits
            is_its_own_fault = self._is_stuck(history) and self._accepted_at > history.failed_at
            history = history.failed(sent_at, self._clocks.monotonic_s())
            lone_failures += is_its_own_fault
            if is_its_own_fault and (len(batch) > 1 or lone_failures >= LONE_FAILURES_MAX):
                return batch, verdict, history
            await self._wait(verdict, history)

    async def _admitted(self) -> int:
        """Return with a permit, and the gate's admission. What waited while the limit fell stands back."""
        while True:
            await self._permits.acquire()
            try:
                admission = await self._gate.admit()
            except asyncio.CancelledError:
                self._permits.release()
                raise
            if not self._permits.is_over:
                return admission
            self._gate.abandon(admission)
            self._permits.release()

    async def _send(self, batch: Sequence[InFlight], body: bytes, admission: int, sent_at: float) -> Verdict:
        """One request, with a permit that it gives back. The limit and the gate hear of its verdict."""
        self.requests_in_flight += 1
        self._limit.sent(self.requests_in_flight)
        try:
            verdict = await self._sink.send(body, len(batch))
            self._set_limit(verdict, sent_at)
        except BaseException:
            self._gate.abandon(admission)
            raise
        finally:
            self.requests_in_flight -= 1
            self._permits.release()
        self._gate.hear(admission, verdict, pixel_wait_s(verdict, self._clocks.chance()))
        self._telemetry.add(metrics.REQUESTS, 1, verdict.kind.value)
        if verdict.code is not None:
            self._telemetry.add(metrics.ERRORS, 1, str(verdict.code))
        if verdict.kind is not Kind.ACCEPTED:
            _log(verdict, len(batch))
        return verdict

    def _set_limit(self, verdict: Verdict, sent_at: float) -> None:
        before = self._limit.requests
        self._limit.answered(sent_at, self._clocks.monotonic_s(), verdict)
        self._permits.limit = self._limit.requests
        if is_too_much(verdict) and self._limit.requests < before:
            log.debug("throttled: fewer requests at once", limit=self._limit.requests, before=before)

    def _is_stuck(self, history: History) -> bool:
        """Whether the batch has been failing for long. Whether it is Meta that is ill, others show."""
        return self._clocks.monotonic_s() - history.failing_since >= self._terms.stuck_after_s

    async def _wait(self, verdict: Verdict, history: History) -> None:
        """A stuck batch lets others into its slot meanwhile, so that stuck ones cannot take all slots."""
        backoff = backoff_s(history.attempts, self._clocks.chance(), self._terms.backoff_max_s)
        wait_s = max(backoff, verdict.wait_s)
        if not self._may_stand_aside(history):
            await asyncio.sleep(wait_s)
            return
        self._aside += 1
        self._slots.release()
        try:
            await asyncio.sleep(wait_s)
        finally:
            # Who is back in line counts no more: so it is not always the same batches that may stand
            # aside, and among any number of stuck ones those that show that Meta is well have their turn.
            self._aside -= 1
            await self._slots.acquire()

    def _may_stand_aside(self, history: History) -> bool:
        """
        Whether the batch may wait outside of its slot.

        In an outage every batch is stuck, and of those that come in their
        place too, so more and more would fail beside each other: as long as
        nothing was accepted since the batch began to fail, as many as there
        are slots wait outside, and no more.
        """
        if not self._is_stuck(history):
            return False
        return self._accepted_at > history.failing_since or self._aside < self._terms.requests_in_flight_max

    # Ends

    def _tell(self, tally: Tally) -> None:
        """
        The brake hears what Meta said of a batch, and the letters of the refused may be written.

        Not event by event: of a batch Meta names the bad events first, and
        they would look like a flood.
        """
        refused, tally.refused = tally.refused, []
        accepted, tally.accepted = tally.accepted, 0
        self._brake.answer([*[None] * accepted, *[failure.reason for _, failure in refused]])
        for item, failure in refused:
            self._spawn(self._bury(item, failure))

    def _fresh(self, batch: Sequence[InFlight]) -> Sequence[InFlight]:
        """The batch without events that Meta no longer takes; those have ended as filtered."""
        now_s = self._clocks.now_s()
        old = [item for item in batch if item.event.expires_at_s <= now_s]
        if not old:
            return batch
        self._telemetry.add(metrics.FILTERED, len(old), Reason.EVENT_TOO_OLD.value)
        # The only way in which an outage costs an event: whoever looks at the log must see it.
        log.error("events became too old while they waited for Meta", events=len(old))
        for item in old:
            log_filtered(item.record, Reason.EVENT_TOO_OLD)
        self._settle([item.ticket for item in old])
        return [item for item in batch if item.event.expires_at_s > now_s]

    def _settle_accepted(self, batch: Sequence[InFlight], verdict: Verdict) -> None:
        self._accepted_at = self._clocks.monotonic_s()
        self._telemetry.add_all(metrics.ACCEPTED, Counter((item.event.event_label,) for item in batch))
        self._telemetry.add_all(metrics.MATCH_KEYS, _match_keys(batch))
        if verdict.received < len(batch):
            self._telemetry.add(metrics.UNCONFIRMED, len(batch) - verdict.received)
        self._settle([item.ticket for item in batch])

    async def _bury(self, item: InFlight | Unsendable, failure: Failure) -> None:
        """Write the dead letter, then settle. The letter waits in a task of its own and holds no slot."""
        await self._brake.admit()
        # Held for hours perhaps: whoever has the partition now has its letters too.
        if not item.ticket.is_void:
            await self._letters.put(item.record, failure)
        self._settle([item.ticket])


def log_filtered(record: Record, reason: Reason) -> None:
    """One line at level debug for a record that is not sent: where it is, never what it holds."""
    topic, number = record.partition
    log.debug("record filtered", reason=reason, topic=topic, partition=number, offset=record.offset)


def _log(verdict: Verdict, events: int) -> None:
    """A refused batch of many is only on the way to the event that matters: twenty lines of no use."""
    is_search = verdict.kind in (Kind.REFUSED, Kind.TOO_LARGE) and events > 1
    # A block has no state of its own, and does not always pass by itself: a person must look.
    unusual = log.error if verdict.kind is Kind.BLOCKED else log.warning
    (log.debug if is_search else unusual)(
        "request not accepted",
        verdict=verdict.kind,
        says=verdict.says,
        events=events,
        http_status=verdict.http_status,
        code=verdict.code,
        subcode=verdict.subcode,
        fbtrace_id=verdict.fbtrace_id,
        title=verdict.title or None,
    )


def _match_keys(batch: Iterable[InFlight]) -> Counter[tuple[str, ...]]:
    sums = Counter(item.event.match_keys for item in batch)
    counts: Counter[tuple[str, ...]] = Counter()
    for keys, events in sums.items():
        for key in keys:
            counts[(key,)] += events
    return counts


REASONS = {Kind.REFUSED: Reason.REFUSED, Kind.TOO_LARGE: Reason.EVENT_TOO_LARGE}


def _failure(verdict: Verdict, attempts: int) -> Failure:
    return Failure(
        REASONS.get(verdict.kind, Reason.UNACCEPTABLE),
        detail=verdict.says,
        meta_code=verdict.code,
        meta_subcode=verdict.subcode,
        fbtrace_id=verdict.fbtrace_id,
        http_status=verdict.http_status,
        attempts=attempts,
    )
