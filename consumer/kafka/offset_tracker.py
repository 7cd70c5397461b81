"""
Which offset may be committed, when records finish out of order.

Records of a partition are started in order and completed in any order. What
may be committed is the offset after the longest run of completed records,
counted from the first: everything below it is done.

    started     5   6   7       9
    completed   5       7       9       committable: 6, which is still in flight

Offsets are compared, never counted. A compacted or transactional topic has
holes (8, above), and a hole is nobody's work to wait for.

A lane keeps the tickets of what has not ended (6, above), and forgets the others
at once, wherever they stand. So memory follows what is in flight, and a stuck
record costs one ticket, however much ends behind it in however many partitions:
100 stalled partitions with full windows take 30 kB. With completed tickets kept
in line they took 224 MB (`benchmarks/offsets.py`).

One thread owns a tracker: the one that owns the Consumer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consumer.domain.record import Partition


class PartitionOffsets:
    """
    One partition for as long as it is ours this time.

    Its open tickets stand in a ring, in order. The lane closes it: behind the
    lane is the oldest, before it the newest.
    """

    __slots__ = (
        "before",
        "behind",
        "is_closed",
        "next_offset",
        "partition",
        "released",
        "started",
        "unfinished",
    )

    def __init__(self, partition: Partition, next_offset: int | None) -> None:
        self.partition = partition
        self.next_offset = next_offset
        self.before: InFlightOffset | PartitionOffsets = self
        self.behind: InFlightOffset | PartitionOffsets = self
        self.started = 0
        self.unfinished = 0
        self.released = 0
        self.is_closed = False

    def committable(self) -> int | None:
        """Everything below this offset is done. None until something is known of the partition."""
        oldest = self.behind
        return oldest.offset if isinstance(oldest, InFlightOffset) else self.next_offset

    def span_in_flight(self) -> int:
        """Records from the oldest open one on, by their numbers: most of them may be forgotten."""
        oldest = self.behind
        return self.started - oldest.number if isinstance(oldest, InFlightOffset) else 0


class InFlightOffset:
    """One record in flight: its place in the lane, its number there, and its bytes."""

    __slots__ = ("before", "behind", "is_in_flight", "lane", "number", "offset", "size")

    def __init__(self, lane: PartitionOffsets, offset: int, size: int) -> None:
        """The newest of its lane."""
        self.lane = lane
        self.offset = offset
        self.size = size
        self.number = lane.started
        self.before = lane.before
        self.behind: InFlightOffset | PartitionOffsets = lane
        self.is_in_flight = True

    @property
    def is_void(self) -> bool:
        """The partition was taken away meanwhile: the record comes again, here or elsewhere."""
        return self.lane.is_closed


class Released(NamedTuple):
    """Tickets of records that will not end here, among the lists of those that have ended."""

    tickets: list[InFlightOffset]


class OffsetTracker:
    """The partitions that are ours, and how far each is done."""

    def __init__(self) -> None:
        self._lanes: dict[Partition, PartitionOffsets] = {}
        self.events_in_flight = 0
        self.bytes_in_flight = 0

    def assign(self, partition: Partition, next_offset: int | None) -> None:
        """Begin a partition at `next_offset`. A lane that was left open is forgotten, as in `revoke`."""
        self._lanes[partition] = PartitionOffsets(partition, next_offset)

    def start(self, partition: Partition, offset: int, size: int) -> InFlightOffset | None:
        """
        A ticket for a record that was just read; `size` in bytes.

        None for a record that is not ours to handle: of a partition that was
        taken away, or read a second time, as after a resume.
        """
        lane = self._lanes.get(partition)
        if lane is None or (lane.next_offset is not None and offset < lane.next_offset):
            return None
        ticket = InFlightOffset(lane, offset, size)
        lane.before.behind = ticket
        lane.before = ticket
        lane.next_offset = offset + 1
        lane.started += 1
        lane.unfinished += 1
        self.events_in_flight += 1
        self.bytes_in_flight += size
        return ticket

    def complete(self, ticket: InFlightOffset) -> None:
        """The record has ended. A second time changes nothing."""
        if not ticket.is_in_flight:
            return
        before, behind = ticket.before, ticket.behind
        before.behind = behind
        behind.before = before
        # Whoever still has this ticket is not to keep its neighbours alive, and theirs.
        ticket.before = ticket.behind = ticket.lane
        self._land(ticket)

    def release(self, ticket: InFlightOffset) -> None:
        """
        Nobody waits for the record any more, and it has not ended.

        Nothing is ever committed past it in this lane: it comes again, to us or
        to another consumer.
        """
        if not ticket.is_in_flight:
            return
        ticket.lane.released += 1
        self._land(ticket)

    def _land(self, ticket: InFlightOffset) -> None:
        ticket.is_in_flight = False
        ticket.lane.unfinished -= 1
        self.events_in_flight -= 1
        self.bytes_in_flight -= ticket.size

    def reach_end(self, partition: Partition, offset: int) -> None:
        """The reader stands at `offset` with nothing left below it: what it skipped are holes, and done."""
        lane = self._lanes.get(partition)
        if lane is not None and (lane.next_offset is None or lane.next_offset < offset):
            lane.next_offset = offset

    def move(self, partition: Partition, offset: int) -> None:
        """
        Reading goes on at `offset`, because the log no longer has what comes next.

        Further up: what lies between will never be read, and what is in flight
        still counts. Further down: the log is another one, and begins anew.
        """
        lane = self._lanes.get(partition)
        if lane is not None and lane.next_offset is not None and offset < lane.next_offset:
            self.assign(partition, offset)
        else:
            self.reach_end(partition, offset)

    def revoke(self, partition: Partition) -> None:
        """
        Forget a partition that now belongs to another consumer.

        Tickets still out keep their old lane, which nobody reads any more. So
        work that finishes late commits nothing, even when the same partition
        has come back to us meanwhile.
        """
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            lane.is_closed = True

    def unfinished(self, partitions: Iterable[Partition]) -> int:
        """Records of these partitions that are still in flight."""
        return sum(self._lanes[p].unfinished for p in partitions if p in self._lanes)

    def uncommitted(self) -> int:
        """Records of all partitions that have not ended, given up or in flight: they come again."""
        return sum(lane.unfinished + lane.released for lane in self._lanes.values())

    def span_in_flight(self, partition: Partition) -> int:
        """Records from the oldest unfinished one on, finished or not: what would come again after a crash."""
        lane = self._lanes.get(partition)
        return 0 if lane is None else lane.span_in_flight()

    def committable(self, partitions: Iterable[Partition] | None = None) -> dict[Partition, int]:
        """For each partition (all of ours when not named): the offset below which everything is done."""
        named = self._lanes if partitions is None else partitions
        lanes = [self._lanes[partition] for partition in named if partition in self._lanes]
        offsets = {lane.partition: lane.committable() for lane in lanes}
        return {partition: offset for partition, offset in offsets.items() if offset is not None}

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions that are ours."""
        return tuple(self._lanes)
