"""
Are most records filtered for one reason?

Filtered is a success, and a site may well have few visitors who consent. But a
wrong consent category filters everything, silently and for good: what is
filtered is committed. So it is said.

    on    over 500 of the last 1,000 records are filtered for the reason
    off   400 or fewer: a share that stays about one half is said once

The filter alarm, told: a warning when most records are filtered for one reason, and a gauge.

What the last so many of something were, by word.

    add(a a b)   of size 4:   a a b       a: 2  b: 1
    add(b b)                  a b b b     a: 1  b: 3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import structlog

from consumer.domain.decision import FILTERED_REASONS, Reason

W = TypeVar("W", bound=Hashable)


class SlidingCounter(Generic[W]):
    """The last `size` words, counted."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._words: list[W] = []
        self._counts: Counter[W] = Counter()

    def append(self, words: Sequence[W]) -> None:
        """
        Put words in, the oldest first; as many of the oldest leave as are too many.

        Every record comes through here: `Counter` counts in C what it is given at once.
        """
        self._words += words
        self._counts.update(words)
        too_many = max(0, len(self._words) - self._size)
        self._counts.subtract(Counter(self._words[:too_many]))
        del self._words[:too_many]

    def count(self, words: Iterable[W]) -> int:
        """How many of the last were one of these (distinct) words."""
        return sum(self._counts[word] for word in words)

    def counts(self) -> dict[W, int]:
        """How many of each word there are."""
        return {word: count for word, count in self._counts.items() if count}

    @property
    def is_full(self) -> bool:
        """Whether there have been `size` words."""
        return len(self._words) == self._size

    def __len__(self) -> int:
        return len(self._words)


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


log = structlog.get_logger()


class FilterRateAlarm:
    """Hears of each poll's decisions."""

    def __init__(self) -> None:
        self._alarm = FilterRate()

    def record_decisions(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll: reasons of filtered and invalid ones, None for those that are sent."""
        before = self._alarm.on
        self._alarm.update(reasons)
        for reason in sorted(self._alarm.on - before):
            log.warning(
                "most records are filtered for one reason: are the settings right?",
                reason=reason,
                filtered=self._alarm.count(reason),
                of_last=RECORDS,
            )
        for reason in sorted(before - self._alarm.on):
            log.info("no longer are most records filtered for one reason", reason=reason)

    def gauge(self) -> Mapping[tuple[str, ...], float]:
        """1 for a reason that most records are filtered for, 0 for the others."""
        return {(reason.value,): float(reason in self._alarm.on) for reason in FILTERED_REASONS}
