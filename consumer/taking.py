"""
From the records of one poll to what is handed over: each gets its ticket, and is decided.

    records -> tracker.start -> decide -> deliverable   events
                   |                      invalid       unsendable
                   |                      filtered      complete, here
               not ours, or read twice: passed over

What a poll shares goes with it: values that repeat are hashed once. Counted
here are the records that were taken, the filtered ones, and the notes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from consumer import metrics
from consumer.core.decide import decide
from consumer.core.decision import Decision, Deliverable, Filtered, Invalid, Reason
from consumer.core.hashing import BatchHasher
from consumer.core.offsets import OffsetTracker
from consumer.core.record import Record
from consumer.core.rules import Rules
from consumer.in_flight import InFlight, Unsendable, log_filtered
from consumer.telemetry import Telemetry


class Taken(NamedTuple):
    """Of the records of a poll: those on their way; and of each its reason, None for those that are sent."""

    events: Sequence[InFlight]
    unsendable: Sequence[Unsendable]
    reasons: Sequence[Reason | None]


class Taking:
    """Takes records in, with tickets of this tracker and by these rules."""

    def __init__(self, tracker: OffsetTracker, rules: Rules, telemetry: Telemetry) -> None:
        self._tracker = tracker
        self._rules = rules
        self._telemetry = telemetry

    def take(self, records: Sequence[Record], now_s: float) -> Taken:
        """Decide on what was read. `now_s` in unix seconds."""
        began_s = time.perf_counter()
        hasher = BatchHasher()
        now_ms = int(now_s * 1000)
        events: list[InFlight] = []
        unsendable: list[Unsendable] = []
        decisions: list[Decision] = []
        taken: list[Record] = []
        for record in records:
            ticket = self._tracker.start(record.partition, record.offset, record.size)
            if ticket is None:
                continue
            taken.append(record)
            decision = decide(record, self._rules, hasher, now_ms)
            decisions.append(decision)
            match decision:
                case Deliverable():
                    events.append(InFlight(ticket, record, decision))
                case Invalid():
                    unsendable.append(Unsendable(ticket, record, decision))
                case Filtered(reason=reason):
                    log_filtered(record, reason)
                    self._tracker.complete(ticket)
        self._telemetry.record(metrics.PROCESS_DURATION, time.perf_counter() - began_s)
        self._count(taken, decisions)
        return Taken(
            events, unsendable, [None if isinstance(d, Deliverable) else d.reason for d in decisions]
        )

    def _count(self, taken: Sequence[Record], decisions: Sequence[Decision]) -> None:
        filtered = Counter((d.reason.value,) for d in decisions if isinstance(d, Filtered))
        notes = Counter((note.field, note.word.value) for d in decisions for note in d.notes)
        self._telemetry.add_all(metrics.CONSUMED, Counter((record.partition.topic,) for record in taken))
        self._telemetry.add_all(metrics.FILTERED, filtered)
        self._telemetry.add_all(metrics.NOTES, notes)
