"""Delivery with everything real around it: a sandbox for Meta, mock brokers for dead letters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from support.faulty_kafka import FaultyKafka

from consumer.config.settings import Settings
from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.headers import WrittenBy
from consumer.dead_letters.writer import ONE_BY_ONE, DeadLetterWriter
from consumer.delivery.batcher import Limits, envelope_end
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.in_flight import Clock, DeliveryOptions, InFlightEvent, InvalidRecord
from consumer.delivery.meta_client import AccessToken, MetaClient
from consumer.domain.decision import Deliverable, Invalid, Reason
from consumer.domain.record import Partition, Record
from consumer.kafka.clients import new_producer, producer_properties
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker
from consumer.observability.telemetry import Telemetry
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

DEADLINE_S = 30
PARTITION = Partition("capi.events", 0)
NOW_S = int(time.time())
LETTERS = "letters"
# SHA-256 of user@example.com
EM = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"


def payload(number: int, **changes: Any) -> dict[str, Any]:
    """A good event, some of its keys changed."""
    return {
        "event_name": "PageView",
        "event_time": NOW_S - 60,
        "event_id": f"event-{number}",
        "action_source": "website",
        "user_data": {"em": EM, "client_user_agent": "Mozilla/5.0"},
        "custom_data": {},
        **changes,
    }


def refused(number: int, asked: str = "100/2804007") -> dict[str, Any]:
    """An event that Meta refuses without saying which of its batch it is."""
    return payload(number, custom_data={"sandbox_refuse": asked})


def named(number: int) -> dict[str, Any]:
    """An event that Meta refuses by its index in the batch."""
    return payload(number, surprise=1)


def stuck(number: int) -> dict[str, Any]:
    """An event whose request always answers 500."""
    return payload(number, custom_data={"sandbox_status": "500"})


class Scene:
    """A delivery at work. `settled` holds the offsets that have ended, in that order."""

    def __init__(
        self, sandbox: Sandbox, brokers: FaultyKafka, settings: Settings, terms: dict[str, Any]
    ) -> None:
        self.sandbox = sandbox
        self.brokers = brokers
        self.now_s = float(NOW_S)
        self.settled: list[int] = []
        self.telemetry = terms.pop("telemetry", None) or Telemetry()
        self._gate_ahead_s = 0.0
        self.breaker = CircuitBreaker(
            lambda: time.monotonic() + self._gate_ahead_s, settings.auth_retry_max_s
        )
        self.token = AccessToken(settings)
        self.sink = MetaClient(settings, self.token, self.telemetry)
        properties = producer_properties(settings) | ONE_BY_ONE
        writer = WrittenBy("capi-consumer", "0.1.0", "2026-11-23T20:00:00.000+00:00")
        self._letters = DeadLetterWriter(
            LETTERS, lambda: new_producer(properties), lambda: writer, self.telemetry, lambda: 0.01
        )
        limits = Limits(
            terms.pop("events_max", 1000), terms.pop("bytes_max", 4 * 1024 * 1024), terms.pop("linger_s", 0.0)
        )
        chance = terms.pop("chance", 0.0)
        self.brake = DlqBreaker(is_wanted=terms.pop("brake", False))
        self.delivery = Dispatcher(
            self.sink,
            self._letters,
            self.breaker,
            DeliveryOptions(
                limits=limits,
                envelope_end=envelope_end("capi-consumer", ""),
                requests_in_flight_max=settings.requests_in_flight_max,
                requests_in_flight_min=settings.requests_in_flight_min,
                backoff_max_s=terms.pop("backoff_max_s", 0.05),
                poison_after_s=terms.pop("poison_after_s", 300.0),
                send_delay_s=terms.pop("send_delay_s", 0.0),
            ),
            Clock(lambda: self.now_s, time.monotonic, lambda: chance),
            lambda tickets: self.settled.extend(ticket.offset for ticket in tickets),
            self.telemetry,
            self.brake,
        )
        assert not terms, terms
        self.tracker = OffsetTracker()
        self.tracker.assign(PARTITION, 0)
        self._next = 0

    def accept(self, *payloads: dict[str, Any], expires_at_s: int = NOW_S + 86_400) -> range:
        """Give events in, one record each; their offsets."""
        first = self._next
        self.brake.record_decisions([None] * len(payloads))
        events = [self._in_flight(one, expires_at_s) for one in payloads]
        self.delivery.accept(events, [])
        return range(first, self._next)

    def skip_the_wait(self) -> None:
        """The time that Meta asked for is over at once."""
        self._gate_ahead_s += 3600.0
        self.breaker.cancel(-1)

    def accept_invalid(self, reason: Reason, detail: str = "") -> int:
        ticket, record = self._take(b"not json")
        self.brake.record_decisions([reason])
        self.delivery.accept([], [InvalidRecord(ticket, record, Invalid(reason, detail=detail))])
        return record.offset

    def _take(self, value: bytes) -> tuple[InFlightOffset, Record]:
        record = Record(PARTITION, self._next, NOW_S * 1000, value, b"key")
        self._next += 1
        ticket = self.tracker.start(PARTITION, record.offset, record.size)
        assert ticket is not None
        return ticket, record

    def _in_flight(self, one: dict[str, Any], expires_at_s: int) -> InFlightEvent:
        body = orjson.dumps(one)
        ticket, record = self._take(b"value of " + str(one["event_id"]).encode())
        event = Deliverable(body, one["event_name"], one["event_time"], expires_at_s, tuple(one["user_data"]))
        return InFlightEvent(ticket, record, event)

    async def until(self, predicate: Any, deadline_s: float = DEADLINE_S) -> None:
        """Wait for a fact without holding the loop up. A bug in a task of the delivery is raised."""
        deadline = time.monotonic() + deadline_s
        while not predicate():
            if self.delivery.failed.done():
                self.delivery.failed.result()
            assert time.monotonic() < deadline, (len(self.settled), self.sandbox.stats)
            await asyncio.sleep(0.005)

    async def all_ended(self, deadline_s: float = DEADLINE_S) -> None:
        await self.until(lambda: len(self.settled) == self._next, deadline_s)
        assert sorted(self.settled) == list(range(self._next))

    @property
    def accepted_ids(self) -> list[str]:
        return [event["event_id"] for event in self.sandbox.accepted]

    def letters(self) -> list[tuple[int, dict[str, str]]]:
        """Each dead letter: the offset of its record, and our headers."""
        found = []
        for letter in self.brokers.records(LETTERS):
            headers = {name.removeprefix("dlq."): value.decode() for name, value in letter.headers()}
            found.append((int(headers["origin-offset"]), headers))
        return sorted(found, key=lambda one: one[0])

    def lettered(self) -> list[int]:
        """The offsets of the records that have a letter."""
        return [offset for offset, _ in self.letters()]


@asynccontextmanager
async def scene(
    *, sandbox: dict[str, Any] | None = None, settings: dict[str, Any] | None = None, **terms: Any
) -> AsyncIterator[Scene]:
    """A delivery between a sandbox and brokers of its own; all of it ends with the block."""
    with FaultyKafka() as brokers:
        brokers.make_topic(LETTERS)
        async with Sandbox(SandboxSettings(now=lambda: NOW_S, **(sandbox or {}))) as running:
            given = {
                "pixel_id": "1234567890",
                "access_token": "sandbox-token",
                "graph_url": running.url,
                "bootstrap_servers": brokers.bootstrap_servers,
                "requests_in_flight_max": 4,
                **(settings or {}),
            }
            if "access_token_file" in given:
                del given["access_token"]
            playing = Scene(running, brokers, Settings(**given), terms)
            async with playing.sink:
                try:
                    yield playing
                finally:
                    await playing.delivery.cancel_all()
                    playing.telemetry.close()


def offsets(*ranges: Sequence[int]) -> list[int]:
    """The offsets of some ranges, in order."""
    return sorted(offset for one in ranges for offset in one)
