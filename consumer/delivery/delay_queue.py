"""
How long an event is kept back, so that the browser's copy of it comes first.

    event time        taken           due
        |---------------|--------------|
        |<------ hold_s -------------->|
                        |<-- wait ---->|     at most hold_s

An event that is older than `hold_s` when it is taken passes at once. The wait
is worked out once, when the event is taken, and measured on the monotonic
clock from then on: a wall clock that is set back, or an event from a clock
that is ahead of ours, keeps nothing longer than `hold_s`.

What is kept here is in flight and holds up the commit of its partition, but
takes no slot and is in no batch. Nobody waits for it when a partition is taken
back or the process stops: `drop` gives it up.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from typing import Generic, NamedTuple, Protocol, TypeVar


class Happened(Protocol):
    """Anything that has the time of its event."""

    @property
    def event_time_s(self) -> int:
        """When the event happened, in unix seconds."""
        ...


T = TypeVar("T", bound=Happened)


class Kept(NamedTuple, Generic[T]):
    """What waits. `number` keeps what is due together in the order in which it came."""

    due_s: float
    number: int
    item: T


class Hold(Generic[T]):
    """Events that are not due yet. `now_s` is unix time, `monotonic_s` the clock that never jumps."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._kept: list[Kept[T]] = []
        self._numbers = count()

    def take(self, items: Sequence[T], now_s: float, monotonic_s: float) -> Sequence[T]:
        """Keep those that must wait; those that need not, in their order."""
        if not self._hold_s:
            return items
        passed = []
        for item in items:
            wait_s = min(item.event_time_s + self._hold_s - now_s, self._hold_s)
            if wait_s <= 0:
                passed.append(item)
            else:
                heapq.heappush(self._kept, Kept(monotonic_s + wait_s, next(self._numbers), item))
        return passed

    def due(self, monotonic_s: float) -> list[T]:
        """Those whose wait is over, the earliest first. They are kept no longer."""
        found = []
        while self._kept and self._kept[0].due_s <= monotonic_s:
            found.append(heapq.heappop(self._kept).item)
        return found

    def drop(self, is_meant: Callable[[T], bool]) -> list[T]:
        """Give up what is meant, due or not."""
        dropped = [kept.item for kept in self._kept if is_meant(kept.item)]
        if dropped:
            self._kept = [kept for kept in self._kept if not is_meant(kept.item)]
            heapq.heapify(self._kept)
        return dropped

    @property
    def next_due_s(self) -> float | None:
        """When the first of them is due, on the monotonic clock. None while nothing is kept."""
        return self._kept[0].due_s if self._kept else None

    def __len__(self) -> int:
        return len(self._kept)
