"""
Which partitions may be read?

Polling goes on either way; what may not be read is held.

    of the limit     below half    from half on    at it, or over
    was read         read          read            held
    was held         read          held            held

- All are held at a limit of what is in flight, events or bytes, and while the
  flood brake is on.
- One is held that is too far ahead of its oldest record in flight: what would
  come again after a crash stays bounded, and the others go on. When these are
  asked for (`delivery/asking.py`), a few records more are read of it, once each
  time, up to twice the limit.

Held at the limit, read again below half of it: a pause throws away what was
prefetched, so the partitions must not flutter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from consumer.domain.record import Partition

RESUME_SHARE = 0.5
# How many records are read past the limit when they are asked for, and how far past it at most: four
# hundred times, which is enough for an outage of a week and what comes after.
ASKED_SHARE = 1 / 400
ASKED_SHARE_MAX = 2.0


class PausedPartitions(NamedTuple):
    """These partitions are not read, nor, with `new`, any that comes."""

    partitions: Collection[Partition]
    new: bool


class Backpressure:
    """The limits, and what was held at the last look."""

    def __init__(self, events_max: int, bytes_max: int) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._is_full = False
        self._far_ahead: frozenset[Partition] = frozenset()
        self._asked = 0
        # Those that are read although they are far ahead, and how far ahead all were when that began.
        self._let_by: frozenset[Partition] = frozenset()
        self._ahead_then: Mapping[Partition, int] = {}

    def update(
        self, events: int, size: int, ahead: Mapping[Partition, int], *, is_braked: bool, asked: int = 0
    ) -> PausedPartitions:
        """
        What is to be held now, with so many events and bytes in flight.

        `ahead` has all of our partitions, each with the number of records from its oldest in flight on.
        `asked` is how often more was asked for.
        """
        share = max(events / self._events_max, size / self._bytes_max)
        self._is_full = _is_at(share, was=self._is_full)
        self._far_ahead = frozenset(
            partition
            for partition, records in ahead.items()
            if _is_at(records / self._events_max, was=partition in self._far_ahead)
        )
        if asked != self._asked:
            self._asked = asked
            self._ahead_then = dict(ahead)
            self._let_by = frozenset(
                partition
                for partition in self._far_ahead
                if ahead[partition] < ASKED_SHARE_MAX * self._events_max
            )
        elif self._let_by and ahead != self._ahead_then:
            self._let_by = frozenset()  # something came, from wherever
        if self._is_full or is_braked:
            return PausedPartitions(ahead.keys(), new=True)
        return PausedPartitions(self._far_ahead - self._let_by, new=False)

    def poll_records(self, records_max: int) -> int:
        """How many records may be read at once, as of the last look."""
        return min(records_max, max(1, int(ASKED_SHARE * self._events_max))) if self._let_by else records_max


def _is_at(share: float, *, was: bool) -> bool:
    """At the limit, or still above where it goes on."""
    return share >= (RESUME_SHARE if was else 1.0)
