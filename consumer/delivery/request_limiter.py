"""
One request: a permit, the gate, the answer, and who hears of it.

    permit -> gate -> Sink.send -> Verdict -> the limit   (how many at once)
                                           -> the gate    (whether the pixel waits)
                                           -> metrics, log

A permit is one request's, and how many there are follows from the verdicts
(`delivery/adaptive_concurrency.py`). Who waits for the next attempt holds none: at a limit
of one, everything else would wait for what fails.
"""

from __future__ import annotations

import asyncio

import structlog

from consumer.delivery.adaptive_concurrency import AdaptiveLimit, is_too_much
from consumer.delivery.circuit_breaker import Gate
from consumer.delivery.meta_client import Sink
from consumer.delivery.permits import Permits
from consumer.delivery.terms import Clocks, Terms
from consumer.domain.state import State
from consumer.meta.error_codes import code_word
from consumer.meta.response import Response, ResponseOutcome, pixel_wait_s
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()


class Requests:
    """Sends, as many at once as Meta takes well."""

    def __init__(self, sink: Sink, gate: Gate, terms: Terms, clocks: Clocks, telemetry: Telemetry) -> None:
        self._sink = sink
        self._gate = gate
        self._clocks = clocks
        self._telemetry = telemetry
        self._limit = AdaptiveLimit(terms.requests_in_flight_min, terms.requests_in_flight_max)
        self._permits = Permits(self._limit.requests)
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """How many may be under way at once, as it stands now."""
        return self._permits.limit

    @property
    def is_held(self) -> bool:
        """Whether the pixel as a whole waits, for an hour perhaps."""
        return self._gate.state is not State.RUNNING

    async def admitted(self) -> int:
        """
        Return with a permit, and the gate's admission: `send` takes both, `give_up` gives both back.

        What waited at the gate while the limit fell stands back.
        """
        while True:
            await self._permits.acquire()
            try:
                admission = await self._gate.admit()
            except asyncio.CancelledError:
                self._permits.release()
                raise
            if not self._permits.is_over:
                return admission
            self.give_up(admission)

    def give_up(self, admission: int) -> None:
        """There is nothing to send after all."""
        self._gate.abandon(admission)
        self._permits.release()

    async def send(self, body: bytes, events: int, admission: int) -> Response:
        """The request itself. Its permit is given back."""
        sent_at = self._clocks.monotonic_s()
        self.in_flight += 1
        self._limit.sent(self.in_flight)
        try:
            verdict = await self._sink.send(body, events)
            self._set_limit(verdict, sent_at)
        except BaseException:
            self._gate.abandon(admission)
            raise
        finally:
            self.in_flight -= 1
            self._permits.release()
        self._gate.hear(admission, verdict, pixel_wait_s(verdict, self._clocks.chance()))
        self._telemetry.record(metrics.BATCH_SIZE, events)
        self._telemetry.add(metrics.REQUESTS, 1, verdict.outcome.value)
        if verdict.code is not None:
            self._telemetry.add(metrics.ERRORS, 1, code_word(verdict.code))
        if verdict.outcome is not ResponseOutcome.ACCEPTED:
            self._telemetry.recent_errors.record_error(verdict, self._clocks.now_s())
            _log(verdict, events)
        return verdict

    def _set_limit(self, verdict: Response, sent_at: float) -> None:
        before = self._limit.requests
        self._limit.answered(sent_at, self._clocks.monotonic_s(), verdict)
        self._permits.limit = self._limit.requests
        if is_too_much(verdict) and self._limit.requests < before:
            log.debug("throttled: fewer requests at once", limit=self._limit.requests, before=before)


def _log(verdict: Response, events: int) -> None:
    """A refused batch of many is only on the way to the event that matters: twenty lines of no use."""
    is_search = verdict.outcome in (ResponseOutcome.REJECTED, ResponseOutcome.TOO_LARGE) and events > 1
    # A block has no state of its own, and does not always pass by itself: a person must look.
    unusual = log.error if verdict.outcome is ResponseOutcome.BLOCKED else log.warning
    (log.debug if is_search else unusual)(
        "request not accepted",
        verdict=verdict.outcome,
        says=verdict.summary,
        events=events,
        http_status=verdict.http_status,
        code=verdict.code,
        subcode=verdict.subcode,
        fbtrace_id=verdict.fbtrace_id,
        title=verdict.title or None,
    )
