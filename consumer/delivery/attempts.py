"""
A batch, sent until Meta says something about its events.

    +--> request -> accepted, refused, too large     that is the answer
    |            -> throttled, blocked, setup        the gate waits
    |            -> transient, for long, while others are well
    |                                                that is an answer too
    |            -> transient ---+
    +------ backoff, the same bytes

What is said of a batch that fails for long is in `delivery/poison_detection.py`, where it
waits in `delivery/slots.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consumer.delivery.asking import Asking
from consumer.delivery.batcher import request_body
from consumer.delivery.in_flight import InFlight
from consumer.delivery.outcomes import Ends, Tally
from consumer.delivery.poison_detection import History, Others
from consumer.delivery.request_limiter import Requests
from consumer.delivery.slots import Slots
from consumer.delivery.terms import Clocks, Terms
from consumer.meta.response import Response, ResponseOutcome, backoff_s

ABOUT_EVENTS = frozenset({ResponseOutcome.ACCEPTED, ResponseOutcome.REJECTED, ResponseOutcome.TOO_LARGE})


class Answer(NamedTuple):
    """
    What there is to say about a batch, as it was sent last.

    Events that have become too old meanwhile are gone. The verdict is None when
    nothing was left to send; `transient` when the fault is the batch's own.
    """

    batch: Sequence[InFlight]
    verdict: Response | None
    history: History


class Attempts:
    """Sends a batch that has a slot, as often as it takes."""

    def __init__(self, requests: Requests, slots: Slots, ends: Ends, terms: Terms, clocks: Clocks) -> None:
        self._requests = requests
        self._slots = slots
        self._ends = ends
        self._terms = terms
        self._clocks = clocks
        self._others = Others()
        self._asking = Asking(terms.backoff_max_s)

    @property
    def asked(self) -> int:
        """How often a few more records were asked for, to know whose fault it is."""
        return self._asking.asked

    async def answer(self, batch: Sequence[InFlight], history: History, tally: Tally) -> Answer:
        """Send until there is an answer that says something about the events."""
        body = b""
        while True:
            admission = await self._admitted(tally)
            fresh = self._ends.fresh(batch, self._clocks.now_s(), tally)
            if not fresh:
                self._requests.give_up(admission)
                return Answer(fresh, None, history)
            if not body or len(fresh) != len(batch):
                batch, body = fresh, request_body(fresh, self._terms.envelope_end)
            verdict = await self._requests.send(body, len(batch), admission)
            if self._requests.is_held:
                self._ends.tell_all_ahead()
            history = self._after(verdict, history, len(batch))
            if verdict.outcome in ABOUT_EVENTS or self._is_its_own_fault(history, len(batch)):
                return Answer(batch, verdict, history)
            self._ends.tell_ahead(tally)
            if verdict.outcome is ResponseOutcome.TRANSIENT:
                self._ask_for_others(history, len(batch))
                await self._wait(verdict, history)

    async def _admitted(self, tally: Tally) -> int:
        """The pixel may wait for an hour: the letters of this batch need not."""
        if self._requests.is_held:
            self._ends.tell_ahead(tally)
        return await self._requests.admitted()

    def _after(self, verdict: Response, history: History, events: int) -> History:
        now = self._clocks.monotonic_s()
        if verdict.outcome is ResponseOutcome.ACCEPTED:
            self._others.accepted(now)
        is_answered = verdict.outcome in ABOUT_EVENTS
        if not history.attempts and (is_answered or verdict.outcome is ResponseOutcome.TRANSIENT):
            self._others.answered_first(now, is_answered=is_answered)
        if verdict.outcome is not ResponseOutcome.TRANSIENT:
            return history.answered()
        return history.failed(now, self._others, events, self._terms.stuck_after_s)

    def _is_its_own_fault(self, history: History, events: int) -> bool:
        now = self._clocks.monotonic_s()
        return history.is_its_own_fault(now, self._others, events, self._terms.stuck_after_s)

    def _ask_for_others(self, history: History, events: int) -> None:
        now = self._clocks.monotonic_s()
        if history.lacks_others(now, self._others, events, self._terms.stuck_after_s):
            self._asking.ask(now, self._others.accepted_at)

    async def _wait(self, verdict: Response, history: History) -> None:
        backoff = backoff_s(history.attempts, self._clocks.chance(), self._terms.backoff_max_s)
        await self._slots.wait(
            max(backoff, verdict.wait_s),
            is_stuck=history.is_stuck(self._clocks.monotonic_s(), self._terms.stuck_after_s),
            are_others_well=self._others.since(history.failing_since).is_well,
        )
