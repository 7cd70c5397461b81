"""
Which offsets are to be committed now?

Those that the coordinator is not known to have, and each one again after a
while: what it once confirmed may be gone. A late commit of who had the
partition before can overwrite ours with a lower one, and on a partition in
which nothing more comes no other commit would ever mend the lag.

    done 7          due at 8: now         due at 7: not before a minute is over

Where a partition begins that had no offset, or whose offset was gone, was
decided by us, and whoever comes after us would decide anew, and skip what came
meanwhile. So that is committed again and again, soon, until it is confirmed;
nothing of the partition is taken until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from consumer.domain.record import Partition

AGAIN_S = 60.0
# A commit fails while members join, for a second perhaps. The pause is doubled
# each time: it may be that nobody lets us commit.
SOON_S = 0.1
SOON_S_MAX = 5.0


class RequestedCommit(NamedTuple):
    """What the coordinator confirmed, and when, in seconds of the caller's clock."""

    offset: int
    at_s: float


class CommitLedger:
    """What the coordinator has of our partitions, as far as it is known. Time is an argument."""

    def __init__(self) -> None:
        self._done: dict[Partition, RequestedCommit] = {}
        self._decided: dict[Partition, int] = {}
        self._pause_s = SOON_S
        self._again_at_s = float("-inf")

    @property
    def unconfirmed(self) -> Set[Partition]:
        """Those whose decided beginning the coordinator is not known to have."""
        return self._decided.keys()

    def require(self, partition: Partition, offset: int) -> None:
        """It begins there, and nobody else knows."""
        self._decided[partition] = offset
        self._pause_s = SOON_S
        self._again_at_s = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """Whether to commit now, for the sake of what was decided."""
        return bool(self._decided) and now_s >= self._again_at_s

    def due_offsets(self, offsets: Mapping[Partition, int], now_s: float) -> dict[Partition, int]:
        """Those of the offsets that are new, and those that were confirmed long ago."""
        return {p: offset for p, offset in offsets.items() if self._is_due(p, offset, now_s)}

    def _is_due(self, partition: Partition, offset: int, now_s: float) -> bool:
        done = self._done.get(partition)
        return done is None or done.offset != offset or now_s - done.at_s >= AGAIN_S

    def sent(self, partitions: Iterable[Partition], now_s: float) -> None:
        """A commit of these is under way: only its own confirmation counts from now on."""
        for partition in partitions:
            self._done.pop(partition, None)
        self._again_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, SOON_S_MAX)

    def confirmed(self, partition: Partition, offset: int, now_s: float) -> None:
        """The coordinator has confirmed it."""
        self._done[partition] = RequestedCommit(offset, now_s)
        if offset >= self._decided.get(partition, offset):
            self._decided.pop(partition, None)

    def has_all(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether each of these was confirmed."""
        return all(p in self._done and self._done[p].offset == offset for p, offset in offsets.items())

    def forget(self, partition: Partition) -> None:
        """The partition has gone, or come: what it had before says nothing."""
        self._decided.pop(partition, None)
        self._done.pop(partition, None)
