"""
A batch to its end: as it is, by the event that Meta names, or by halves.

    accepted               settled
    refused, and named     the named event alone, then the rest
    refused, too large     halves; one alone: a dead letter
    its own fault          halves, each in a slot of its own; one alone: a dead letter

    [. . . . . x . .]  refused
    [. . . .]          accepted: so the other half holds the bad one, and is split unsent
            [. x]      refused
            [.]        accepted
              [x]      refused, alone: its letter
                [. .]  accepted
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context

from consumer.delivery.attempts import Attempts
from consumer.delivery.batcher import halves, without
from consumer.delivery.in_flight import InFlight
from consumer.delivery.outcomes import Ends, Tally
from consumer.delivery.poison_detection import History
from consumer.delivery.slots import Slots
from consumer.delivery.task_group import Tasks
from consumer.delivery.terms import Clocks
from consumer.meta.response import ResponseOutcome
from consumer.observability.tracing import Tracing


class Batches:
    """Each batch in a task of its own, which waits for a slot."""

    def __init__(
        self, attempts: Attempts, slots: Slots, ends: Ends, clocks: Clocks, tasks: Tasks, tracing: Tracing
    ) -> None:
        self._attempts = attempts
        self._slots = slots
        self._ends = ends
        self._clocks = clocks
        self._tasks = tasks
        self._tracing = tracing

    def begin(self, batch: Sequence[InFlight], history: History | None = None) -> None:
        """
        Bring it to its end, some time. `history` is that of a part of a batch.

        In a context of its own: a part may go on for hours after the batch, whose span has ended.
        """
        self._tasks.spawn(self._deliver(batch, history or History()), Context())

    async def _deliver(self, batch: Sequence[InFlight], history: History) -> None:
        async with self._slots:
            with self._tracing.batch(item.record.headers for item in batch):
                await self._to_its_end(batch, history)

    async def _to_its_end(self, batch: Sequence[InFlight], history: History) -> None:
        tally = self._ends.begin(len(batch))
        await self._end(batch, history, tally)
        self._ends.finish(tally)

    async def _end(self, batch: Sequence[InFlight], history: History, tally: Tally) -> bool:
        """Bring each event of the batch to its end. True when none of them was refused."""
        is_clean = True
        while True:
            batch, verdict, history = await self._attempts.answer(batch, history, tally)
            if verdict is None:
                return is_clean
            if verdict.outcome is ResponseOutcome.ACCEPTED:
                self._ends.accepted(batch, verdict, self._clocks.now_s(), tally)
                return is_clean
            if len(batch) == 1:
                self._ends.refused(batch[0], verdict, history.attempts, tally)
                return False
            if verdict.outcome is ResponseOutcome.TRANSIENT:
                self._take_apart(batch, history, tally)
                return False
            # An answer of another kind is not about one event, whatever its text names.
            named = verdict.event_index if verdict.outcome is ResponseOutcome.REJECTED else None
            if named is None:
                is_refused = verdict.outcome is ResponseOutcome.REJECTED
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

    def _take_apart(self, batch: Sequence[InFlight], history: History, tally: Tally) -> None:
        """
        Halves that do not wait for each other: the one that fails on may do so for long.

        The good one shows that Meta is well, also when there is no other
        traffic: the partitions of a batch that does not end may all be paused.
        """
        tally.out -= len(batch)
        for half in halves(batch):
            self.begin(half, history.cut(self._clocks.monotonic_s(), len(half)))
