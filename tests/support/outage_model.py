"""Delivery through an outage of hours, in no time: a sink that answers as it is told, and no brokers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from support.delivery import NOW_S, PARTITION

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.batcher import Limits
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.in_flight import Clock, DeliveryOptions, InFlightEvent
from consumer.delivery.meta_client import MetaClient
from consumer.domain.decision import Deliverable
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability.telemetry import Telemetry

SLOTS = 2
POISON_AFTER_S = 300.0
BACKOFF_MAX_S = 30.0
ROUND_TRIP_S = 0.1


class Meta:
    """
    `fails(body)` says whether a request fails, unless `says(body)` has another verdict on it.

    `sent_at` has the time of each request.
    """

    def __init__(self) -> None:
        self.says: Callable[[bytes], Response | None] = lambda body: None
        self.fails: Callable[[bytes], bool] = lambda event: True
        self.sent_at: list[float] = []

    async def send(self, body: bytes, events: int) -> Response:
        self.sent_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(ROUND_TRIP_S)
        if (verdict := self.says(body)) is not None:
            return verdict
        if self.fails(body):
            return Response(ResponseOutcome.TRANSIENT, http_status=500)
        return Response(ResponseOutcome.ACCEPTED, received=events)

    def requests(self, since_s: float, until_s: float) -> int:
        """How many were sent in that time."""
        return sum(since_s <= at < until_s for at in self.sent_at)


class Letters:
    """The offsets of the records that became dead letters."""

    def __init__(self) -> None:
        self.written: list[int] = []

    async def write(self, record: Record, failure: Any) -> None:
        self.written.append(record.offset)


class Outage:
    """A delivery of two slots. Each batch waits the longest that its backoff may be, and lingers for none."""

    def __init__(self, events_max: int = 1) -> None:
        loop = asyncio.get_running_loop()
        self.meta, self.letters, self.brake = Meta(), Letters(), DlqBreaker()
        self.settled: list[int] = []
        self.delivery = Dispatcher(
            cast(MetaClient, self.meta),
            cast(DeadLetterWriter, self.letters),
            CircuitBreaker(loop.time, 60.0),
            DeliveryOptions(
                limits=Limits(events_max, 4_096, 0.0),
                envelope_end=b"]}",
                requests_in_flight_max=SLOTS,
                backoff_max_s=BACKOFF_MAX_S,
                poison_after_s=POISON_AFTER_S,
                send_delay_s=0.0,
            ),
            Clock(lambda: NOW_S, loop.time, lambda: 1.0),
            self._settle,
            Telemetry(),
            self.brake,
        )
        self.tracker = OffsetTracker()
        self.tracker.assign(PARTITION, 0)
        self._next = 0

    @property
    def taken(self) -> int:
        """How many records were taken; the offset of the next."""
        return self._next

    def accept(self, *events: bytes) -> None:
        """One record each."""
        taken = []
        for event in events:
            record = Record(PARTITION, self._next, NOW_S * 1000, event, None)
            ticket = self.tracker.start(PARTITION, self._next, record.size)
            assert ticket is not None
            taken.append(InFlightEvent(ticket, record, Deliverable(event, "Lead", NOW_S, NOW_S + 86_400, ())))
            self._next += 1
        self.delivery.accept(taken, [])

    def _settle(self, tickets: list[InFlightOffset]) -> None:
        self.settled.extend(ticket.offset for ticket in tickets)
        for ticket in tickets:
            self.tracker.complete(ticket)
