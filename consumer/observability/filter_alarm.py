"""
Are most records filtered for one reason?

Filtered is a success, and a site may well have few visitors who consent. But a
wrong consent category filters everything, silently and for good: what is
filtered is committed. So it is said.

    on    over 500 of the last 1,000 records are filtered for the reason
    off   400 or fewer: a share that stays about one half is said once
"""

from __future__ import annotations

from collections.abc import Sequence

from consumer.domain.decision import FILTERED_REASONS, Reason
from consumer.observability.sliding_counter import SlidingCounter

RECORDS = 1_000
ON_ABOVE = 500
OFF_AT = 400


class FilterRate:
    """Which reasons are too many. A record's end is its reason, None where it is sent."""

    def __init__(self) -> None:
        self._decided: SlidingCounter[Reason | None] = SlidingCounter(RECORDS)
        self.on: frozenset[Reason] = frozenset()

    def update(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll, as they were decided."""
        self._decided.append(reasons)
        self.on = frozenset(
            reason
            for reason in FILTERED_REASONS
            if self.count(reason) > (OFF_AT if reason in self.on else ON_ABOVE)
        )

    def count(self, reason: Reason) -> int:
        """How many of the last records are filtered for this reason."""
        return self._decided.count([reason])
