"""What would become of a letter, were it consumed again now."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consumer.dead_letters.replay.way_back import ReplayRecord
from consumer.domain.decision import Decision, Filtered, Reason
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions


class Recheck(NamedTuple):
    """What tells whether a letter is still invalid, or too old. `now_ms` is the clock."""

    rules: MappingOptions
    now_ms: Callable[[], int]

    def decision(self, back: ReplayRecord) -> Decision:
        """What becomes of it when it is consumed: at the place where it first stood, as its headers say."""
        now_ms = self.now_ms()
        timestamp_ms = now_ms if back.timestamp_ms is None else back.timestamp_ms
        record = Record(Partition(back.topic, 0), 0, timestamp_ms, back.value, back.key, back.headers)
        return decide(record, self.rules, BatchHasher(), now_ms)

    def is_too_old(self, back: ReplayRecord) -> bool:
        """Whether Meta takes it no more: it would be filtered, and nobody would hear of it."""
        decision = self.decision(back)
        return isinstance(decision, Filtered) and decision.reason is Reason.EVENT_TOO_OLD
