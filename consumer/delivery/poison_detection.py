"""
Is it the batch that fails, or is it Meta?

A request that ends with 500 may be the fault of one event in it, or nobody's.
The others tell: how the last ten of them fared since this batch began to fail.

    others        + + + + + + - + + + + + +     most were answered: perhaps it is the batch
    this batch    x x  x    x       x     x     failing_since at the first x, alone_since at the second
                    |---- stuck_after_s --->    then it is a suspect

    others        - - - + - - - - - - - - -     an outage, or a brown-out: nobody's fault
                  (none)                        nobody knows

Of a batch only the first request counts among the others: that is a fair
sample. What fails is sent again and again, so in a brown-out most requests
would be those of a few unlucky batches, and a few bad events would look like
a brown-out.

A suspect is taken apart, which ends nothing. Its parts are a suspect each, and
taken apart further when something was accepted since they were cut: what
failed beside the others an hour ago may fail in an outage now. One event is at
fault when it is a suspect by its own requests, alone, and fails five times
more, and each time something was accepted since the time before: the good
neighbours of a bad event fail now and then too while Meta is half ill. Where
our own window keeps the others away, some are asked for (`delivery/asking.py`).

Time is an argument, in seconds of any one clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

NEVER = math.inf
# So many of the others are looked at: enough that a brown-out cannot look well for minutes by chance
# (nineteen of twenty failing, more than half of ten are answered 3 times in a million), few enough to
# follow an outage that begins.
OTHERS = 10
# Fewer than these say nothing. With one batch a minute they are there when `stuck_after_s` is over.
OTHERS_MIN = 5
# A single event that fails so often while others are accepted is the cause.
LONE_FAILURES = 5


class Beside(NamedTuple):
    """How the others fared: Meta answered about their events, or their requests failed."""

    answered: int
    failed: int

    @property
    def is_mostly_answered(self) -> bool:
        """More than half, of however few."""
        return self.answered > self.failed

    @property
    def is_well(self) -> bool:
        """More than half, and of so many that it says something."""
        return self.is_mostly_answered and self.answered + self.failed >= OTHERS_MIN


class Others:
    """What became of the first requests of the last batches."""

    def __init__(self) -> None:
        self._first: deque[tuple[float, bool]] = deque(maxlen=OTHERS)
        self.accepted_at = -NEVER

    def answered_first(self, now: float, *, is_answered: bool) -> None:
        """The first request of a batch came back: with an answer about its events, or it failed."""
        self._first.append((now, is_answered))

    def accepted(self, now: float) -> None:
        """Something was accepted, at whichever attempt, whole or in parts."""
        self.accepted_at = now

    def since(self, failing_since: float) -> Beside:
        """
        Beside a batch that fails since then.

        Its own first request is not among them: that came back then, or before.
        """
        fates = [is_answered for at, is_answered in self._first if at > failing_since]
        return Beside(sum(fates), len(fates) - sum(fates))


class History(NamedTuple):
    """
    What a batch, or a part of one, has been through: its requests, and an unbroken row of failures.

    `failing_since` is when the first of the row came back, `failed_at` the last;
    `alone_since` the first beside which most others were answered. `cut_at` is
    when the batch was taken apart. `lone_failures` counts those of one event
    that nothing but itself explains. NEVER where it is not so.
    """

    attempts: int = 0
    failing_since: float = NEVER
    failed_at: float = NEVER
    alone_since: float = NEVER
    cut_at: float = -NEVER
    lone_failures: int = 0

    def answered(self) -> History:
        """After one more request, whose failure, if it is one, is not the batch's."""
        return History(self.attempts + 1)

    def failed(self, now: float, others: Others, events: int, stuck_after_s: float) -> History:
        """After one more request, of so many events, which failed."""
        is_news = others.accepted_at > self.failed_at
        failing_since = min(self.failing_since, now)
        beside = others.since(failing_since)
        alone_since = self.alone_since
        if beside.is_mostly_answered:
            alone_since = min(alone_since, now)
        elif beside.failed:
            alone_since = NEVER
        after = self._replace(
            attempts=self.attempts + 1, failing_since=failing_since, failed_at=now, alone_since=alone_since
        )
        if events == 1 and is_news and after.is_suspect(now, others, stuck_after_s):
            return after._replace(lone_failures=self.lone_failures + 1)
        return after

    def cut(self, now: float, events: int) -> History:
        """Of a part with so many events. One event begins to be a suspect anew: by what it does alone."""
        return self._replace(cut_at=now, alone_since=self.alone_since if events > 1 else NEVER)

    def is_stuck(self, now: float, stuck_after_s: float) -> bool:
        """Whether it has been failing for long, be it Meta's fault or its own."""
        return now - self.failing_since >= stuck_after_s

    def is_suspect(self, now: float, others: Others, stuck_after_s: float) -> bool:
        """Whether it has been failing for long while others were answered, as they still are."""
        return now - self.alone_since >= stuck_after_s and others.since(self.failing_since).is_well

    def is_its_own_fault(self, now: float, others: Others, events: int, stuck_after_s: float) -> bool:
        """Whether what fails is to be taken apart, or, alone, is at its end."""
        if events == 1:
            return self.lone_failures >= LONE_FAILURES
        return others.accepted_at > self.cut_at and self.is_suspect(now, others, stuck_after_s)

    def lacks_others(self, now: float, others: Others, events: int, stuck_after_s: float) -> bool:
        """Whether, after a failure, it takes others to know whose fault it is, and no more time."""
        if not self.is_stuck(now, stuck_after_s):
            return False
        if not others.since(self.failing_since).is_well:
            return True
        return self.is_suspect(now, others, stuck_after_s) and (
            events == 1 or others.accepted_at <= self.cut_at
        )
