"""What is on its way to its end: records that were decided, each with its ticket."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from consumer.core.decision import Deliverable, Invalid, Reason
from consumer.core.offsets import Ticket
from consumer.core.record import Record

log = structlog.get_logger()


class InFlight(NamedTuple):
    """A deliverable event on its way, with the record it came from."""

    ticket: Ticket
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

    ticket: Ticket
    record: Record
    decision: Invalid


def log_filtered(record: Record, reason: Reason) -> None:
    """One line at level debug for a record that is not sent: where it is, never what it holds."""
    topic, number = record.partition
    log.debug("record filtered", reason=reason, topic=topic, partition=number, offset=record.offset)
