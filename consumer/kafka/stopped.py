"""
Which partitions stand still because their committed offset is gone, and when to say so again.

Nothing but a person gets such a partition going: by moving the group's offset
and starting anew, or by the setting `out_of_range`. One line in the log of the
night it happened would not be found, so it is said again, as long as it is so.
"""

from __future__ import annotations

from collections.abc import Iterator

from consumer.domain.record import Partition

AGAIN_S = 60.0


class StalledPartitions:
    """The partitions that stand still. Time is an argument, in seconds of any one clock."""

    def __init__(self) -> None:
        self._say_at: dict[Partition, float] = {}

    def add(self, partition: Partition, now_s: float) -> None:
        """It stands still from now on, and that was just said."""
        self._say_at[partition] = now_s + AGAIN_S

    def discard(self, partition: Partition) -> None:
        """It is ours no more, or goes on."""
        self._say_at.pop(partition, None)

    def due_reminders(self, now_s: float) -> list[Partition]:
        """Those of which nothing was said for a while; it is said now."""
        found = [partition for partition, say_at in self._say_at.items() if say_at <= now_s]
        for partition in found:
            self.add(partition, now_s)
        return found

    def __contains__(self, partition: object) -> bool:
        return partition in self._say_at

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._say_at)

    def __len__(self) -> int:
        return len(self._say_at)
