"""
How far our clock is from Meta's, by the `Date` header of an answer.

    asked at ──────── Date: ...:05 GMT ──────── answered at
                   (…:05 to …:06)

Meta's clock is taken to have been read halfway, and half a second after the
second that the header names: that is right to a second or so. By our clock an event
is too old, or ahead of its time; some minutes let good events fall out.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import NamedTuple

from consumer.counted import pluralize
from consumer.diagnostics.preflight import CheckResult
from consumer.mapping.times import AHEAD_MS_MAX

CLOCK = "clock"
# Less than a slow answer may feign.
SKEW_S_GOOD = 10
# What is further ahead is a dead letter: the core's own bound.
SKEW_S_MAX = AHEAD_MS_MAX // 1000
NOT_COMPARED = CheckResult(CLOCK, None, "not known (no answer to compare it with)")
SET_IT = "let NTP set this machine's clock: by it events are too old, or ahead of their time"


class ServerTime(NamedTuple):
    """One answer: its `Date` header, and when it was asked for and came, in milliseconds of our clock."""

    date: str
    asked_ms: int
    came_ms: int


def clock_finding(answered: ServerTime) -> CheckResult:
    """Whether our clock is well. A header that is no date leaves it unknown."""
    try:
        theirs_s = parsedate_to_datetime(answered.date).timestamp() + 0.5
    except (ValueError, OverflowError):
        return CheckResult(CLOCK, None, "not known (the answer has no Date that can be read)")
    ahead_s = round((answered.asked_ms + answered.came_ms) / 2000 - theirs_s)
    way = "ahead of" if ahead_s > 0 else "behind"
    says = f"{pluralize(abs(ahead_s), 'second')} {way} Meta's (its Date header)"
    if abs(ahead_s) <= SKEW_S_GOOD:
        return CheckResult(CLOCK, True, says if abs(ahead_s) > 1 else "as Meta's (its Date header)")
    return CheckResult(CLOCK, None if abs(ahead_s) <= SKEW_S_MAX else False, says, SET_IT)
