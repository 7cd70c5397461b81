"""
Take decided records over from the poll loop, and group the events into batches.

    accept -> DelayQueue -> Batcher -> BatchDelivery -> RequestLimiter, CircuitBreaker -> MetaClient
         |                                  |
         invalid -------------------> OutcomeRecorder -> dead letters, finished offsets

Everything here runs in the event loop's thread. The offset of a record that has
an outcome goes back to the poll loop's thread, and only there does it count for
a commit. An event leaves by being accepted, dead-lettered or expired; until
then it is in flight and uncommitted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.batch_delivery import BatchDelivery
from consumer.delivery.batcher import Batcher
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.delay_queue import DelayQueue
from consumer.delivery.in_flight import Clock, DeliveryOptions, InFlightEvent, InvalidRecord, TaskGroup
from consumer.delivery.meta_client import MetaClient
from consumer.delivery.outcomes import OutcomeRecorder
from consumer.domain.record import Partition
from consumer.kafka.offset_tracker import InFlightOffset
from consumer.observability.telemetry import Telemetry


class Dispatcher:
    """Delivers records. `finish` gets the offsets of those that have an outcome."""

    def __init__(
        self,
        client: MetaClient,
        writer: DeadLetterWriter,
        breaker: CircuitBreaker,
        options: DeliveryOptions,
        clock: Clock,
        finish: Callable[[list[InFlightOffset]], None],
        telemetry: Telemetry,
        dlq_breaker: DlqBreaker,
    ) -> None:
        self._clock = clock
        self._tasks = TaskGroup()
        self._outcomes = OutcomeRecorder(writer, dlq_breaker, finish, telemetry, self._tasks)
        self._batches = BatchDelivery(client, breaker, self._outcomes, options, clock, self._tasks, telemetry)
        self._delayed: DelayQueue[InFlightEvent] = DelayQueue(options.send_delay_s)
        self._has_delay = options.send_delay_s > 0
        self._delay_timer: asyncio.TimerHandle | None = None
        self._batcher: Batcher[InFlightEvent] = Batcher(options.limits)
        self._linger_timer: asyncio.TimerHandle | None = None
        self._is_flushing = False

    # State, for gauges and the poll loop

    @property
    def requests_in_flight(self) -> int:
        """Requests that Meta hasn't answered yet."""
        return self._batches.limiter.in_flight

    @property
    def requests_limit(self) -> int:
        """How many requests may be in flight now."""
        return self._batches.limiter.limit

    @property
    def has_requests_in_flight(self) -> bool:
        """Whether a response may still arrive, also while the circuit breaker is open."""
        return self._batches.limiter.in_flight > 0

    @property
    def events_delayed(self) -> int:
        """Events that wait until the browser's copy has had its time."""
        return len(self._delayed)

    @property
    def failed(self) -> asyncio.Future[None]:
        """Raises the first bug of a task or a call. The process must end then."""
        return self._tasks.failed

    # Calls of the poll loop

    def accept(self, events: Sequence[InFlightEvent], invalid: Sequence[InvalidRecord]) -> None:
        """Take records over. Each gets its outcome later, in any order."""
        if self._has_delay:
            events = self._delayed.push(events, self._clock.now_s(), self._clock.monotonic_s())
            self._set_delay_timer()
        self._add_to_batch(events)
        for item in invalid:
            self._outcomes.dead_letter_invalid(item)

    def call_safely(self, call: Callable[..., None], *arguments: object) -> None:
        """Make a call for the other thread. If it fails, that is a bug, and ends the process."""
        self._tasks.call_safely(call, *arguments)

    def flush(self, is_flushing: bool) -> None:
        """
        While a partition is revoked or the process drains, no batch waits for more events.

        Delayed events stay delayed: before the browser's copy they would do harm.
        """
        self._is_flushing = is_flushing
        if is_flushing:
            self._close_batch()

    def release_delayed(self, partitions: Collection[Partition]) -> list[InFlightOffset]:
        """Discard the delayed events of these partitions; they are not sent. Their offsets."""
        discarded = self._delayed.discard(lambda item: item.record.partition in partitions)
        self._set_delay_timer()
        return [item.ticket for item in discarded]

    async def cancel_all(self) -> None:
        """Cancel what is in flight. It stays uncommitted and is redelivered."""
        for timer in (self._linger_timer, self._delay_timer):
            if timer is not None:
                timer.cancel()
        await self._tasks.cancel_all()

    # Delay

    def _set_delay_timer(self) -> None:
        """One timer, for the delayed event that is due first."""
        if self._delay_timer is not None:
            self._delay_timer.cancel()
            self._delay_timer = None
        due_s = self._delayed.next_due_s
        if due_s is not None:
            self._delay_timer = self._call_at(due_s, self._delay_is_over)

    def _delay_is_over(self) -> None:
        self._add_to_batch(self._delayed.pop_due(self._clock.monotonic_s()))
        self._set_delay_timer()

    # Batch

    def _add_to_batch(self, events: Sequence[InFlightEvent]) -> None:
        for batch in self._batcher.fill(events, self._clock.monotonic_s()):
            self._batches.start(batch)
        if self._is_flushing:
            self._close_batch()
        self._set_linger_timer()

    def _close_batch(self) -> None:
        if len(self._batcher):
            self._batches.start(self._batcher.close_batch())

    def _set_linger_timer(self) -> None:
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and self._linger_timer is None:
            self._linger_timer = self._call_at(closes_at, self._linger_is_over)

    def _linger_is_over(self) -> None:
        self._linger_timer = None
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and closes_at <= self._clock.monotonic_s():
            self._close_batch()
        self._set_linger_timer()

    def _call_at(self, monotonic_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        wait_s = max(0.0, monotonic_s - self._clock.monotonic_s())
        return asyncio.get_running_loop().call_later(wait_s, self.call_safely, call)
