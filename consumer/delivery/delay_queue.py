"""
Delay events, so that the browser's copy of an event reaches Meta first.

    event time       consumed          due
        |---------------|--------------|
        |<-- send_delay_s ------------>|
                        |<-- wait ---->|     at most send_delay_s

An event that is older than `send_delay_s` when it is consumed isn't delayed.
The wait is computed once and measured on the monotonic clock: if the wall clock
is set back, or an event's clock is ahead of ours, nothing waits for longer than
`send_delay_s`. Event times are whole seconds, so up to a second of the delay is
lost to rounding.

A delayed event is in flight and holds up the commit of its partition, but it is
in no batch. If its partition is revoked or the process stops, it is discarded
and redelivered: sent early, it would reach Meta before the browser's copy.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from typing import Generic, NamedTuple, Protocol, TypeVar


class HasEventTime(Protocol):
    """An item with the time of its event."""

    @property
    def event_time_s(self) -> int:
        """When the event happened, in unix seconds."""
        ...


T = TypeVar("T", bound=HasEventTime)


class Delayed(NamedTuple, Generic[T]):
    """A waiting item. `number` keeps items that are due together in the order in which they came."""

    due_s: float
    number: int
    item: T


class DelayQueue(Generic[T]):
    """Events that aren't due yet. `now_s` is unix time, `monotonic_s` the clock that never jumps."""

    def __init__(self, send_delay_s: float) -> None:
        self._send_delay_s = send_delay_s
        self._delayed: list[Delayed[T]] = []
        self._numbers = count()

    def push(self, items: Sequence[T], now_s: float, monotonic_s: float) -> Sequence[T]:
        """Queue the items that must wait. Returns the others, in their order."""
        if not self._send_delay_s:
            return items
        due = []
        for item in items:
            wait_s = min(item.event_time_s + self._send_delay_s - now_s, self._send_delay_s)
            if wait_s <= 0:
                due.append(item)
            else:
                heapq.heappush(self._delayed, Delayed(monotonic_s + wait_s, next(self._numbers), item))
        return due

    def pop_due(self, monotonic_s: float) -> list[T]:
        """Remove and return the items whose wait is over, earliest first."""
        found = []
        while self._delayed and self._delayed[0].due_s <= monotonic_s:
            found.append(heapq.heappop(self._delayed).item)
        return found

    def discard(self, is_meant: Callable[[T], bool]) -> list[T]:
        """Remove and return the items that are meant, due or not."""
        discarded = [one.item for one in self._delayed if is_meant(one.item)]
        if discarded:
            self._delayed = [one for one in self._delayed if not is_meant(one.item)]
            heapq.heapify(self._delayed)
        return discarded

    @property
    def next_due_s(self) -> float | None:
        """When the first item is due, on the monotonic clock. None if the queue is empty."""
        return self._delayed[0].due_s if self._delayed else None

    def __len__(self) -> int:
        return len(self._delayed)
