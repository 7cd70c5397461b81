"""
Decide on the records of one poll.

    records -> tracker.start -> decide -> deliverable  -> events
                   |                      invalid      -> invalid
                   |                      filtered     -> completed here
               not assigned, or read twice: skipped

Values that repeat within a poll are hashed once; those that many people share,
such as cities, once for many polls.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from consumer.delivery.in_flight import InFlightEvent, InvalidRecord, log_filtered
from consumer.domain.decision import Deliverable, Filtered, Invalid, MappingWarning, Reason
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import OffsetTracker
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry


class ProcessedPoll(NamedTuple):
    """The records to deliver, and for each record of the poll its reason; None for those that are sent."""

    events: Sequence[InFlightEvent]
    invalid: Sequence[InvalidRecord]
    reasons: Sequence[Reason | None]


class PollProcessor:
    """Decides on records with these options, and tracks their offsets."""

    def __init__(self, tracker: OffsetTracker, options: MappingOptions, telemetry: Telemetry) -> None:
        self._tracker = tracker
        self._options = options
        self._telemetry = telemetry
        self._shared = SharedDigestCache()

    def process(self, records: Sequence[Record], now_s: float) -> ProcessedPoll:
        """Decide on each record. `now_s` is in unix seconds."""
        began_s = time.perf_counter()
        hasher = BatchHasher(self._shared)
        now_ms = int(now_s * 1000)
        events: list[InFlightEvent] = []
        invalid: list[InvalidRecord] = []
        filtered: list[tuple[Record, Reason]] = []
        reasons: list[Reason | None] = []
        topics: list[str] = []
        warnings: list[MappingWarning] = []
        for record in records:
            ticket = self._tracker.start(record.partition, record.offset, record.size)
            if ticket is None:
                continue
            decision = decide(record, self._options, hasher, now_ms)
            topics.append(record.partition.topic)
            warnings += decision.warnings
            match decision:
                case Deliverable():
                    events.append(InFlightEvent(ticket, record, decision))
                    reasons.append(None)
                case Invalid(reason=reason):
                    invalid.append(InvalidRecord(ticket, record, decision))
                    reasons.append(reason)
                case Filtered(reason=reason):
                    self._tracker.complete(ticket)
                    filtered.append((record, reason))
                    reasons.append(reason)
        self._telemetry.record(metrics.PROCESS_DURATION, time.perf_counter() - began_s)
        log_filtered(filtered)
        self._count(topics, [reason for _, reason in filtered], warnings)
        return ProcessedPoll(events, invalid, reasons)

    def _count(
        self, topics: Sequence[str], filtered: Sequence[Reason], warnings: Sequence[MappingWarning]
    ) -> None:
        """Count first, then build labels: a poll has many records and few distinct labels."""
        add_all = self._telemetry.add_all
        add_all(metrics.CONSUMED, {(topic,): count for topic, count in Counter(topics).items()})
        add_all(metrics.FILTERED, {(reason.value,): count for reason, count in Counter(filtered).items()})
        add_all(
            metrics.VALUES_DROPPED, {(w.field, w.code.value): count for w, count in Counter(warnings).items()}
        )
