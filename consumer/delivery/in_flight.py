"""What is on its way to its end: records that were decided, each with its ticket."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from consumer.domain.decision import Deliverable, Invalid, Reason
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import InFlightOffset

log = structlog.get_logger()


@dataclass(slots=True)
class InFlight:
    """A deliverable event on its way, with the record it came from."""

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


class Unsendable(NamedTuple):
    """A record for the dead-letter topic."""

    ticket: InFlightOffset
    record: Record
    decision: Invalid


def log_filtered(filtered: Iterable[tuple[Record, Reason]]) -> None:
    """One line at level debug for each record that is not sent: where it is, never what it holds."""
    # A line that is not written would cost a tenth of what deciding on the record does.
    if not log.is_enabled_for(logging.DEBUG):
        return
    for record, reason in filtered:
        topic, number = record.partition
        log.debug("record filtered", reason=reason, topic=topic, partition=number, offset=record.offset)
