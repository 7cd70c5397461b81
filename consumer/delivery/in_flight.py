"""Decided records on their way to an outcome, and what delivery needs to know to take them there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

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
