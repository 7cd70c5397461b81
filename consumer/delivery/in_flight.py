"""
Decided records on their way to an outcome, and what delivery needs to know to take them there.

Background tasks of one event loop whose failure must not go unnoticed.

A task that fails is a bug, and the process must not continue as if its records
had an outcome. The first failure is set on `failed`; the application waits for
it and ends the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog

from consumer.delivery.batcher import Limits
from consumer.domain.decision import Deliverable, Invalid, Reason
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import InFlightOffset

log = structlog.get_logger()


@dataclass(slots=True)
class InFlightEvent:
    """An event to send, with the record it came from and that record's offset."""

    ticket: InFlightOffset
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


class InvalidRecord(NamedTuple):
    """A record that goes to the dead-letter topic without being sent."""

    ticket: InFlightOffset
    record: Record
    decision: Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """
    The settings of delivery. Times are in seconds.

    `envelope_end` is what follows the events in a request body. The number of
    concurrent requests adapts between `requests_in_flight_min` and
    `requests_in_flight_max`; it is fixed if both are the same.
    """

    limits: Limits
    envelope_end: bytes
    requests_in_flight_max: int
    backoff_max_s: float
    poison_after_s: float
    send_delay_s: float
    requests_in_flight_min: int = 1


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and randomness as arguments: unix seconds, monotonic seconds, a number from 0 up to 1."""

    now_s: Callable[[], float]
    monotonic_s: Callable[[], float]
    chance: Callable[[], float]


def log_filtered(filtered: Iterable[tuple[Record, Reason]]) -> None:
    """Log one debug line per record that is not sent: its coordinates, never its content."""
    # Building a line that is not written would cost a tenth of what deciding on the record does.
    if not log.is_enabled_for(logging.DEBUG):
        return
    for record, reason in filtered:
        topic, number = record.partition
        log.debug("record filtered", reason=reason, topic=topic, partition=number, offset=record.offset)


class TaskGroup:
    """Like asyncio.TaskGroup, but its tasks are started by callbacks and outlive any one block."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        """Start a task that no one awaits. Without `context`, it inherits the caller's trace span."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._running.add(task)
        task.add_done_callback(self._done)

    def call_safely(self, call: Callable[..., None], *arguments: object) -> None:
        """Make a call whose exception would be lost: a timer's, or one from the other thread."""
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - re-raised by the one that awaits `failed`
            self._fail(error)

    async def cancel_all(self) -> None:
        """Cancel every task and wait until all have ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
