"""
Which partitions to pause.

    share of the limit   below half    from half on    at the limit, or above
    was read             read          read            paused
    was paused           read          paused          paused

- All partitions are paused at a limit of what is in flight, in events or bytes,
  and while the DLQ breaker is open.
- A single partition is paused if it is too far ahead of its oldest record in
  flight. That bounds what is redelivered after a crash, and the other
  partitions go on.

A paused partition is resumed below half of the limit, because a pause discards
what was prefetched: partitions must not flutter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from consumer.domain.record import Partition

RESUME_SHARE = 0.5


class PausedPartitions(NamedTuple):
    """Partitions not to read. With `new`, partitions that are assigned later are paused too."""

    partitions: Collection[Partition]
    new: bool


class Backpressure:
    """The limits, and what was paused at the last update."""

    def __init__(self, events_max: int, bytes_max: int) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._is_full = False
        self._far_ahead: frozenset[Partition] = frozenset()

    def update(
        self, events: int, size: int, spans: Mapping[Partition, int], *, is_dlq_breaker_open: bool
    ) -> PausedPartitions:
        """
        What to pause now, with this number of events and bytes in flight.

        `spans` has every assigned partition, with the number of records from
        its oldest one in flight to the newest.
        """
        share = max(events / self._events_max, size / self._bytes_max)
        self._is_full = _is_at_limit(share, was_paused=self._is_full)
        self._far_ahead = frozenset(
            partition
            for partition, records in spans.items()
            if _is_at_limit(records / self._events_max, was_paused=partition in self._far_ahead)
        )
        if self._is_full or is_dlq_breaker_open:
            return PausedPartitions(spans.keys(), new=True)
        return PausedPartitions(self._far_ahead, new=False)


def _is_at_limit(share: float, *, was_paused: bool) -> bool:
    return share >= (RESUME_SHARE if was_paused else 1.0)
