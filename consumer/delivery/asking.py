"""
Asking for a few more records, when nothing else is left to show whose fault it is.

    a stuck event fails  -> asked -> a few records come past the window -> accepted -> its next failure counts
         |<- pause_s ->|    and so on, once per pause, as long as that helps

    nothing is accepted     asked -- 2 pauses -- asked -- 4 -- asked ... at most an hour

A partition whose oldest record is stuck is held at its window, and when it is
the only one, or each has such a record, our own hold ends the traffic that
would judge it (`delivery/poison_detection.py`). In an outage this would take in more and more
to no end: hence the longer pauses, until something is accepted again.
"""

from __future__ import annotations

import math

PAUSE_S_MAX = 3600.0


class Asking:
    """How often it was asked for. Another thread may read `asked`. Time is an argument, of any one clock."""

    def __init__(self, pause_s: float) -> None:
        self._first_pause_s = pause_s
        self._pause_s = pause_s
        self._last = -math.inf
        self.asked = 0

    def ask(self, now: float, accepted_at: float) -> None:
        """Ask, unless it was a short time ago. `accepted_at` is when something was accepted last."""
        if accepted_at > self._last:
            self._pause_s = self._first_pause_s
        if now < self._last + self._pause_s:
            return
        if accepted_at <= self._last:
            self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
        self._last = now
        self.asked += 1
