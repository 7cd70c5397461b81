"""
Deliver a batch: send it, retry it, bisect it.

    wait for a slot, a permit and the circuit breaker
      |
      +--> request -> accepted                          finished
      |            -> rejected, and Meta names an event that event alone, then the rest
      |            -> rejected, too large               halves; a single event is dead-lettered
      |            -> throttled, blocked, misconfigured the breaker opens; the same bytes again
      |            -> transient: poison                 halves as batches of their own; a single
      |                                                 event is dead-lettered (poison_detection.py)
      |            -> transient ---+
      +------ backoff -------------+

    [. . . . . x . .]  rejected
    [. . . .]          accepted: so the other half holds the bad event, and is split without being sent
            [. x]      rejected
            [.]        accepted
              [x]      rejected, alone: dead-lettered
                [. .]  accepted

What is sent again is byte for byte the same, with the same event ids and times.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from contextvars import Context
from typing import NamedTuple

import structlog

from consumer.delivery.batcher import halves, request_body, without
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.in_flight import Clock, DeliveryOptions, InFlightEvent, TaskGroup
from consumer.delivery.meta_client import MetaClient
from consumer.delivery.outcomes import BatchOutcome, OutcomeRecorder
from consumer.delivery.poison_detection import FailureHistory, PeerOutcomes
from consumer.delivery.request_limiter import RequestLimiter
from consumer.meta.error_codes import code_word
from consumer.meta.response import Response, ResponseOutcome, backoff_s, pixel_wait_s
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

# These answers are about the events of the batch.
ABOUT_EVENTS = frozenset({ResponseOutcome.ACCEPTED, ResponseOutcome.REJECTED, ResponseOutcome.TOO_LARGE})


class DeliveryResult(NamedTuple):
    """
    What is known of a batch as it was last sent, without events that have expired since.

    `response` is None if nothing was left to send. It is transient if the batch is poison.
    """

    batch: Sequence[InFlightEvent]
    response: Response | None
    history: FailureHistory


class BatchDelivery:
    """Delivers each batch in a task of its own, `requests_in_flight_max` of them at a time."""

    def __init__(
        self,
        client: MetaClient,
        breaker: CircuitBreaker,
        outcomes: OutcomeRecorder,
        options: DeliveryOptions,
        clock: Clock,
        tasks: TaskGroup,
        telemetry: Telemetry,
    ) -> None:
        self._client = client
        self._breaker = breaker
        self._outcomes = outcomes
        self._options = options
        self._clock = clock
        self._tasks = tasks
        self._telemetry = telemetry
        self.limiter = RequestLimiter(options.requests_in_flight_min, options.requests_in_flight_max)
        # A slot bounds the requests of an outage: a batch keeps it until it is done, or backs off. A permit
        # of the limiter is for one request: at a limit of 1, a batch that waits to retry must not hold it.
        self._slots = asyncio.Semaphore(options.requests_in_flight_max)
        self._peers = PeerOutcomes()
        self._failures_in_a_row = 0
        self._accepted = asyncio.Event()

    def start(self, batch: Sequence[InFlightEvent], history: FailureHistory | None = None) -> None:
        """
        Deliver it in the background. `history` is that of a part of a bisected batch.

        The task has a context of its own: a part may be retried for hours after
        the span of its batch has ended.
        """
        self._tasks.start(self._deliver_batch(batch, history or FailureHistory()), Context())

    async def _deliver_batch(self, batch: Sequence[InFlightEvent], history: FailureHistory) -> None:
        async with self._slots:
            tracing = self._telemetry.tracing
            headers = (item.record.headers for item in batch)
            with tracing.batch(headers) if tracing.is_on else contextlib.nullcontext():
                outcome = BatchOutcome(len(batch))
                await self._deliver(batch, history, outcome)
                self._outcomes.finish_batch(outcome)

    # Bisect

    async def _deliver(
        self, batch: Sequence[InFlightEvent], history: FailureHistory, outcome: BatchOutcome
    ) -> bool:
        """Deliver each event of the batch. True if none was rejected."""
        is_clean = True
        while True:
            batch, response, history = await self._send_until_answered(batch, history, outcome)
            if response is None:
                return is_clean
            if response.outcome is ResponseOutcome.ACCEPTED:
                self._outcomes.record_accepted(batch, response, self._clock.now_s(), outcome)
                return is_clean
            if len(batch) == 1:
                self._outcomes.record_rejected(batch[0], response, history.attempts, outcome)
                return False
            if response.outcome is ResponseOutcome.TRANSIENT:
                self._split(batch, history, outcome)
                return False
            is_rejected = response.outcome is ResponseOutcome.REJECTED
            # The index in another answer isn't about an event, whatever the text says.
            named = response.event_index if is_rejected else None
            if named is None:
                return await self._deliver_halves(batch, history, outcome, is_bad=is_rejected) and is_clean
            # Alone, because Meta's text may hold a customer's words that look like an index. If Meta accepts
            # the event after all, the index was wrong, and only bisecting finds the right one.
            was_wrong = await self._deliver([batch[named]], history, outcome)
            batch = without(batch, named)
            if was_wrong and len(batch) > 1:
                return await self._deliver_halves(batch, history, outcome, is_bad=True) and is_clean
            is_clean = is_clean and was_wrong

    async def _deliver_halves(
        self, batch: Sequence[InFlightEvent], history: FailureHistory, outcome: BatchOutcome, *, is_bad: bool
    ) -> bool:
        """Both halves. If a bad batch's left half is accepted, the right half is split without being sent."""
        left, right = halves(batch)
        is_left_clean = await self._deliver(left, history, outcome)
        if is_bad and is_left_clean and len(right) > 1:
            return await self._deliver_halves(right, history, outcome, is_bad=True)
        return await self._deliver(right, history, outcome) and is_left_clean

    def _split(self, batch: Sequence[InFlightEvent], history: FailureHistory, outcome: BatchOutcome) -> None:
        """
        Deliver the halves of a poison batch independently: the bad one may fail for hours.

        The good half is accepted, which shows that Meta is healthy even if
        there is no other traffic because every partition is paused.
        """
        outcome.pending -= len(batch)
        for half in halves(batch):
            self.start(half, history.split(self._clock.monotonic_s(), len(half)))

    # Send and retry

    async def _send_until_answered(
        self, batch: Sequence[InFlightEvent], history: FailureHistory, outcome: BatchOutcome
    ) -> DeliveryResult:
        """Send the batch until Meta answers about its events, or until it is poison."""
        body = b""
        while True:
            generation = await self._acquire(outcome)
            now_s = self._clock.now_s()
            if any(item.event.expires_at_s <= now_s for item in batch):
                batch, body = self._outcomes.drop_expired(batch, now_s, outcome), b""
                if not batch:
                    self._cancel(generation)
                    return DeliveryResult(batch, None, history)
            body = body or request_body(batch, self._options.envelope_end)
            response = await self._send(body, len(batch), generation)
            history = self._with_response(history, response, len(batch))
            if response.outcome in ABOUT_EVENTS or self._is_poison(history, len(batch)):
                return DeliveryResult(batch, response, history)
            self._outcomes.report_so_far(outcome)
            if response.outcome is ResponseOutcome.TRANSIENT:
                await self._back_off(response, history)

    async def _acquire(self, outcome: BatchOutcome) -> int:
        """Wait for a permit and for the circuit breaker; the breaker's generation."""
        if not self._breaker.is_closed:
            # The pixel may wait for an hour. The dead letters of this batch need not.
            self._outcomes.report_so_far(outcome)
        while True:
            await self.limiter.acquire()
            try:
                generation = await self._breaker.acquire()
            except asyncio.CancelledError:
                self.limiter.release()
                raise
            if not self.limiter.is_over_limit:
                return generation
            # The limit fell while this batch waited at the breaker: others go first. Cancel, because a
            # half-open breaker lets no other request pass until this one has a response.
            self._cancel(generation)

    def _cancel(self, generation: int) -> None:
        self._breaker.cancel(generation)
        self.limiter.release()

    async def _send(self, body: bytes, events: int, generation: int) -> Response:
        """One request. Returns the permit; tells limiter, breaker and telemetry."""
        sent_at_s = self._clock.monotonic_s()
        self.limiter.started()
        try:
            response = await self._client.send(body, events)
        except BaseException:
            self.limiter.aborted()
            self._cancel(generation)
            raise
        self.limiter.record(response, sent_at_s, self._clock.monotonic_s())
        self.limiter.release()
        self._breaker.record(generation, response, pixel_wait_s(response, self._clock.chance()))
        self._telemetry.record(metrics.BATCH_SIZE, events)
        self._telemetry.add(metrics.REQUESTS, 1, response.outcome.value)
        if response.code is not None:
            self._telemetry.add(metrics.ERRORS, 1, code_word(response.code))
        if response.outcome is not ResponseOutcome.ACCEPTED:
            self._telemetry.recent_errors.record_error(response, self._clock.now_s())
            _log(response, events)
        if not self._breaker.is_closed:
            self._outcomes.report_all_so_far()
        return response

    def _with_response(self, history: FailureHistory, response: Response, events: int) -> FailureHistory:
        now = self._clock.monotonic_s()
        is_transient = response.outcome is ResponseOutcome.TRANSIENT
        is_answered = response.outcome in ABOUT_EVENTS
        if response.outcome is ResponseOutcome.ACCEPTED:
            self._peers.record_acceptance(now)
            self._notify_accepted()
        if not history.attempts and (is_answered or is_transient):
            self._peers.record_first_request(now, is_answered=is_answered)
        if not is_transient:
            return history.after_answer()
        self._failures_in_a_row += 1
        return history.after_failure(now, self._peers, events, self._options.poison_after_s)

    def _is_poison(self, history: FailureHistory, events: int) -> bool:
        now = self._clock.monotonic_s()
        return history.is_poison(now, self._peers, events, self._options.poison_after_s)

    def _notify_accepted(self) -> None:
        self._failures_in_a_row = 0
        accepted, self._accepted = self._accepted, asyncio.Event()
        accepted.set()

    async def _back_off(self, response: Response, history: FailureHistory) -> None:
        """
        Wait for the batch's next attempt, at first with its slot, then in line for one.

        The slot is kept for the backoff of the pixel as a whole: it grows with
        the failures in a row, from one per slot on, and ends with the next acceptance. So in an outage
        the number of requests follows from the backoff, however many batches
        there are and however long it lasts; otherwise a batch that fails by
        itself holds up no other. And as many poison batches as there are slots
        can't keep the others from being sent, because each attempt waits its turn.
        """
        chance, longest_s = self._clock.chance(), self._options.backoff_max_s
        own_s = max(backoff_s(history.attempts, chance, longest_s), response.wait_s)
        failures = self._failures_in_a_row - self._options.requests_in_flight_max
        pixel_s = backoff_s(failures, chance, longest_s) if failures > 0 else 0.0
        next_attempt_at = self._clock.monotonic_s() + own_s
        accepted = self._accepted
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pixel_s):
                await accepted.wait()
        self._slots.release()
        try:
            await asyncio.sleep(next_attempt_at - self._clock.monotonic_s())
        finally:
            await self._slots.acquire()


def _log(response: Response, events: int) -> None:
    """Log a response that is not an acceptance; at debug while a batch is bisected, which takes many."""
    is_bisecting = response.outcome in (ResponseOutcome.REJECTED, ResponseOutcome.TOO_LARGE) and events > 1
    # A block is shown as `throttled`, but it doesn't always end by itself: the operator must look.
    unusual = log.error if response.outcome is ResponseOutcome.BLOCKED else log.warning
    (log.debug if is_bisecting else unusual)(
        "request not accepted",
        outcome=response.outcome,
        summary=response.summary,
        events=events,
        http_status=response.http_status,
        code=response.code,
        subcode=response.subcode,
        fbtrace_id=response.fbtrace_id,
        title=response.title or None,
    )
