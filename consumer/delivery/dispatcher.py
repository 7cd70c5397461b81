"""
From decided records to ended ones: taken in here, batched, and sent on their way.

    accept -> Hold -> Batcher -> Batches    one task per batch, in one of N slots
                                    |         accepted                     settled
                                    |         refused, too large           halves; one alone: a dead letter
                                 Attempts   one batch until there is an answer
                                    |         transient, throttled, setup  the same batch again
                                 Requests   one request: a permit, the gate, the Sink, a Verdict

    invalid ----------------------> Ends    dead letters, and tickets that go back

Everything here runs in the event loop's thread. Whatever has ended is settled:
its ticket goes back to the thread that owns the Consumer, and only there does
it count for a commit. Nothing is given up: an event leaves by being accepted,
by its dead letter, by its age, or stays in flight, uncommitted, until we stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.attempts import Attempts
from consumer.delivery.batch_delivery import Batches
from consumer.delivery.batcher import Batcher
from consumer.delivery.circuit_breaker import Gate
from consumer.delivery.delay_queue import Hold
from consumer.delivery.in_flight import InFlight, Unsendable
from consumer.delivery.meta_client import Sink
from consumer.delivery.outcomes import Ends
from consumer.delivery.request_limiter import Requests
from consumer.delivery.slots import Slots
from consumer.delivery.task_group import Tasks
from consumer.delivery.terms import Clocks, Terms
from consumer.domain.record import Partition
from consumer.kafka.offset_tracker import InFlightOffset
from consumer.observability.telemetry import Telemetry


class Delivery:
    """Brings records to their end. `settle` takes the tickets of those that have ended."""

    def __init__(
        self,
        sink: Sink,
        letters: DeadLetterWriter,
        gate: Gate,
        terms: Terms,
        clocks: Clocks,
        settle: Callable[[list[InFlightOffset]], None],
        telemetry: Telemetry,
        brake: DlqBreaker,
    ) -> None:
        self._clocks = clocks
        self._tasks = Tasks()
        self._ends = Ends(letters, brake, settle, telemetry, self._tasks)
        self._requests = Requests(sink, gate, terms, clocks, telemetry)
        slots = Slots(terms.requests_in_flight_max)
        self._attempts = Attempts(self._requests, slots, self._ends, terms, clocks)
        self._batches = Batches(self._attempts, slots, self._ends, clocks, self._tasks, telemetry.tracing)
        self._hold: Hold[InFlight] = Hold(terms.hold_s)
        self._hold_timer: asyncio.TimerHandle | None = None
        self._batcher: Batcher[InFlight] = Batcher(terms.limits)
        self._timer: asyncio.TimerHandle | None = None
        self._hurrying = False

    # What may be asked

    @property
    def requests_in_flight(self) -> int:
        """Requests that Meta is answering."""
        return self._requests.in_flight

    @property
    def requests_limit(self) -> int:
        """How many requests may be under way at once, as it stands now."""
        return self._requests.limit

    @property
    def is_awaiting(self) -> bool:
        """Whether Meta is answering a request at this moment: it may accept what it has, gate or no gate."""
        return self._requests.in_flight > 0

    @property
    def events_held(self) -> int:
        """Events that are kept back until the browser's copy has had its time."""
        return len(self._hold)

    @property
    def asked(self) -> int:
        """How often a few more records were asked for, to know whose fault it is that a batch fails."""
        return self._attempts.asked

    @property
    def broken(self) -> asyncio.Future[None]:
        """Raises the first bug of a task or a call: the process must end."""
        return self._tasks.broken

    # Taking in

    def accept(self, events: Sequence[InFlight], unsendable: Sequence[Unsendable]) -> None:
        """Take records over. They are settled later, in any order."""
        now = self._clocks.monotonic_s()
        self._batch(self._hold.take(events, self._clocks.now_s(), now))
        self._set_hold_timer()
        for item in unsendable:
            self._ends.unsendable(item)

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        """Carry out a call of the other thread. One that fails is a bug, and ends the process too."""
        self._tasks.guarded(call, *given)

    # Giving up

    def let_go(self, partitions: Collection[Partition]) -> list[InFlightOffset]:
        """Give up the held events of these partitions: they are not sent. Their tickets."""
        dropped = self._hold.drop(lambda item: item.record.partition in partitions)
        self._set_hold_timer()
        return [item.ticket for item in dropped]

    async def abandon(self) -> None:
        """Give up what is in flight. It stays uncommitted and comes again."""
        for timer in (self._timer, self._hold_timer):
            if timer is not None:
                timer.cancel()
        await self._tasks.abandon()

    # Held back

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

    # Batched

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
            self._batches.begin(batch)
        if self._hurrying:
            self._close_batch()
        self._set_timer()

    def _close_batch(self) -> None:
        if len(self._batcher):
            self._batches.begin(self._batcher.close())

    def _set_timer(self) -> None:
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and self._timer is None:
            wait_s = max(0.0, closes_at - self._clocks.monotonic_s())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.guarded, self._linger_is_over)

    def _linger_is_over(self) -> None:
        self._timer = None
        closes_at = self._batcher.closes_at_s
        if closes_at is not None and closes_at <= self._clocks.monotonic_s():
            self._close_batch()
        self._set_timer()
