"""
Which offset may be committed, when records finish out of order.

Records of a partition are started in order and completed in any order. What
may be committed is the offset after the longest run of completed records,
counted from the first: everything below it is done.

    started     5   6   7       9
    completed   5       7       9       committable: 6, which is still in flight

Offsets are compared, never counted. A compacted or transactional topic has
holes (8, above), and a hole is nobody's work to wait for.

One thread owns a tracker: the one that owns the Consumer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from consumer.core.record import Partition


class Lane:
    """One partition for as long as it is ours this time."""

    __slots__ = ("is_closed", "next_offset", "partition", "tickets", "unfinished")

    def __init__(self, partition: Partition, next_offset: int | None) -> None:
        self.partition = partition
        self.next_offset = next_offset
        self.tickets: deque[Ticket] = deque()
        self.unfinished = 0
        self.is_closed = False

    def committable(self) -> int | None:
        """Everything below this offset is done. None until something is known of the partition."""
        self.drop_done()
        return self.tickets[0].offset if self.tickets else self.next_offset

    def drop_done(self) -> None:
        """Forget the completed records that no unfinished one stands before."""
        while self.tickets and self.tickets[0].is_complete:
            self.tickets.popleft()


class Ticket:
    """One record in flight: its place in the lane, and its bytes."""

    __slots__ = ("is_complete", "is_given_up", "lane", "offset", "size")

    def __init__(self, lane: Lane, offset: int, size: int) -> None:
        self.lane = lane
        self.offset = offset
        self.size = size
        self.is_complete = False
        self.is_given_up = False

    @property
    def is_void(self) -> bool:
        """The partition was taken away meanwhile: the record comes again, here or elsewhere."""
        return self.lane.is_closed


class GivenUp(NamedTuple):
    """Tickets of records that will not end here, among the lists of those that have ended."""

    tickets: list[Ticket]


class OffsetTracker:
    """The partitions that are ours, and how far each is done."""

    def __init__(self) -> None:
        self._lanes: dict[Partition, Lane] = {}
        self.events_in_flight = 0
        self.bytes_in_flight = 0

    def assign(self, partition: Partition, next_offset: int | None) -> None:
        """Begin a partition at `next_offset`. A lane that was left open is forgotten, as in `revoke`."""
        self._lanes[partition] = Lane(partition, next_offset)

    def start(self, partition: Partition, offset: int, size: int) -> Ticket | None:
        """
        A ticket for a record that was just read; `size` in bytes.

        None for a record that is not ours to handle: of a partition that was
        taken away, or read a second time, as after a resume.
        """
        lane = self._lanes.get(partition)
        if lane is None or (lane.next_offset is not None and offset < lane.next_offset):
            return None
        ticket = Ticket(lane, offset, size)
        lane.tickets.append(ticket)
        lane.next_offset = offset + 1
        lane.unfinished += 1
        self.events_in_flight += 1
        self.bytes_in_flight += size
        return ticket

    def complete(self, ticket: Ticket) -> None:
        """The record has ended. A second time changes nothing."""
        if not self._is_in_flight(ticket):
            return
        ticket.is_complete = True
        self._land(ticket)

    def give_up(self, ticket: Ticket) -> None:
        """
        Nobody waits for the record any more, and it has not ended.

        Nothing is ever committed past it in this lane: it comes again, to us or
        to another consumer.
        """
        if not self._is_in_flight(ticket):
            return
        ticket.is_given_up = True
        self._land(ticket)

    @staticmethod
    def _is_in_flight(ticket: Ticket) -> bool:
        return not (ticket.is_complete or ticket.is_given_up)

    def _land(self, ticket: Ticket) -> None:
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
        return sum(not ticket.is_complete for lane in self._lanes.values() for ticket in lane.tickets)

    def uncommittable(self, partition: Partition) -> int:
        """Records from the oldest unfinished one on, finished or not: what would come again after a crash."""
        lane = self._lanes.get(partition)
        if lane is None:
            return 0
        lane.drop_done()
        return len(lane.tickets)

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
