"""
How fast it went in the last quarter of an hour: totals, read every two seconds, as rates.

    read at      0 s    2 s    4 s        a counter's total, or a gauge
    accepted      10     30     30   ->   10/s, 0/s
    lag          500    100      0   ->   100,  0

A point belongs to the time between two readings, so the first makes none.
Counters only grow while a process lives, so no rate is below 0.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SPAN_S = 900.0
EVERY_S = 2.0


class CounterSample(NamedTuple):
    """What was read at one moment: totals since the start, and the lag, None while it is not known."""

    consumed: int
    accepted: int
    filtered: int
    dead_letters: int
    requests: int
    lag: float | None


class RateSample(NamedTuple):
    """Rates in 1/s up to `at_s` (unix seconds), and the lag then."""

    at_s: float
    consumed: float
    accepted: float
    filtered: float
    dead_letters: float
    requests: float
    lag: float | None


class History:
    """A bounded row of points, numbered from 0 without a gap: who has seen some asks for those after."""

    def __init__(self, span_s: float = SPAN_S, every_s: float = EVERY_S) -> None:
        self._points: deque[RateSample] = deque(maxlen=round(span_s / every_s))
        self._last: tuple[float, CounterSample] | None = None
        self.made = 0

    def append(self, totals: CounterSample, at_s: float, monotonic_s: float) -> None:
        """What was read at `at_s` (unix seconds); rates are over the clock that nobody sets."""
        before, self._last = self._last, (monotonic_s, totals)
        if before is None:
            return
        then_s, last = before
        seconds = monotonic_s - then_s
        if seconds <= 0:
            return
        consumed, accepted, filtered, dead_letters, requests = (
            round((now - was) / seconds, 3) for now, was in zip(totals[:5], last[:5], strict=True)
        )
        self._points.append(
            RateSample(round(at_s, 1), consumed, accepted, filtered, dead_letters, requests, totals.lag)
        )
        self.made += 1

    def since(self, seen: int) -> list[RateSample]:
        """The points that were made after the first `seen`, as far as they are kept."""
        new = self.made - seen
        return list(self._points)[-new:] if new > 0 else []
