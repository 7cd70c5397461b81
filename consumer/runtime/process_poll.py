"""
From the records of one poll to what is handed over: each gets its ticket, and is decided.

    records -> tracker.start -> decide -> deliverable   events
                   |                      invalid       unsendable
                   |                      filtered      complete, here
               not ours, or read twice: passed over

What a poll shares goes with it: values that repeat are hashed once. What many
people share is kept for the next poll too. Counted here are the records that
were taken, the filtered ones, and the notes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from consumer.delivery.in_flight import InFlight, Unsendable, log_filtered
from consumer.domain.decision import Deliverable, Filtered, Invalid, MappingWarning, Reason
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import OffsetTracker
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry


class ProcessedPoll(NamedTuple):
    """Of the records of a poll: those on their way; and of each its reason, None for those that are sent."""

    events: Sequence[InFlight]
    unsendable: Sequence[Unsendable]
    reasons: Sequence[Reason | None]


class PollProcessor:
    """Takes records in, with tickets of this tracker and by these rules."""

    def __init__(self, tracker: OffsetTracker, rules: MappingOptions, telemetry: Telemetry) -> None:
        self._tracker = tracker
        self._rules = rules
        self._telemetry = telemetry
        self._shared = SharedDigestCache()

    def process(self, records: Sequence[Record], now_s: float) -> ProcessedPoll:
        """Decide on what was read. `now_s` in unix seconds."""
        began_s = time.perf_counter()
        hasher = BatchHasher(self._shared)
        now_ms = int(now_s * 1000)
        events: list[InFlight] = []
        unsendable: list[Unsendable] = []
        filtered: list[tuple[Record, Reason]] = []
        reasons: list[Reason | None] = []
        topics: list[str] = []
        notes: list[MappingWarning] = []
        for record in records:
            ticket = self._tracker.start(record.partition, record.offset, record.size)
            if ticket is None:
                continue
            decision = decide(record, self._rules, hasher, now_ms)
            topics.append(record.partition.topic)
            notes += decision.warnings
            match decision:
                case Deliverable():
                    events.append(InFlight(ticket, record, decision))
                    reasons.append(None)
                case Invalid(reason=reason):
                    unsendable.append(Unsendable(ticket, record, decision))
                    reasons.append(reason)
                case Filtered(reason=reason):
                    self._tracker.complete(ticket)
                    filtered.append((record, reason))
                    reasons.append(reason)
        self._telemetry.record(metrics.PROCESS_DURATION, time.perf_counter() - began_s)
        log_filtered(filtered)
        self._count(topics, [reason for _, reason in filtered], notes)
        return ProcessedPoll(events, unsendable, reasons)

    def _count(
        self, topics: Sequence[str], filtered: Sequence[Reason], notes: Sequence[MappingWarning]
    ) -> None:
        """What repeats is counted as it is, and labels are made of the few that differ."""
        add_all = self._telemetry.add_all
        add_all(metrics.CONSUMED, {(topic,): count for topic, count in Counter(topics).items()})
        add_all(metrics.FILTERED, {(reason.value,): count for reason, count in Counter(filtered).items()})
        add_all(
            metrics.VALUES_DROPPED, {(n.field, n.code.value): count for n, count in Counter(notes).items()}
        )
