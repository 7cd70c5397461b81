"""
How many requests may be in flight at once.

    acquire -> started -> (the request) -> record -> release
                                             |
                            adaptive_concurrency.py: a new limit

The limit follows from Meta's responses. It may fall while requests are in
flight: none of them is stopped, and `is_over_limit` is true until enough of
them are released.

How many requests may be under way at once?

Nobody says how many Meta takes, so it is found out as TCP does: one more while
all is well, a tenth less when answers slow down or fail, half when Meta says
that it is too much.

    limit
      8 │                  ┌────┐ slower          ╎429
      7 │             ┌────┘    └────┐    ┌────┐  ╎             (not again for an hour)
      6 │        ┌────┘              └────┘    └──┤             ┌────────────
      5 │   ┌────┘                                │        ┌────┘
      4 ├───┘                                     │   ┌────┘
      3 │                                         └───┘
        └───┴────┴────┴────┴────┴────┴────┴────┴──┴───┴────┴────┴────► decisions

There is one decision per mean round trip. It asks, in this order, what was
seen since the last one:

    throttled, or usage at 100 %             half, at once
    usual round trips twice their least      half, not below where it starts
    a failure, or usage from 90 %            a tenth less
    round trips unusually long               a tenth less
    usage from 80 %                          as it is
    never as many at once as are allowed     as it is: nothing shows that more would do
    round trips no longer than usual         one more

What is usual is a mean that forgets, and 2.5 standard deviations over it is
unusual. So a link that is slow as such costs nothing, only a change does. But
a mean that forgets also gets used to a queue that grows by one request at a
time: hence its least. At twice the least half of the requests only stand in
line, and what is usual is learned anew with half of them. Where no queue but
the link itself was the reason, that has happened once and the limit climbs on.

Of all requests that were under way together one trouble counts: what was sent
before the limit was lowered tells only what is known already.
"""

from __future__ import annotations

import math

import anyio
import structlog

from consumer.meta.response import Response, ResponseOutcome

# Where a cold start begins: enough to be of use, too little to do harm.
START = 4
# The numbers of Vector's adaptive request concurrency, as it documents them.
DECREASE_RATIO = 0.9
DEVIATIONS = 2.5
SMOOTHING = 0.4
# Meta throttles at 100 % of what it allows, and its headers say how much is used.
USAGE_HOLD_PERCENT = 80
USAGE_LESS_PERCENT = 90
USAGE_FULL_PERCENT = 100
# Not from Vector: without it, and with a little jitter, the limit grew to three times what a link can serve.
QUEUEING_RATIO = 2.0
# Meta counts calls over an hour, so what was too much is not tried again before. Without this, a throttled
# limit was reached again within a second, and the pixel waited for another minute.
CEILING_S = 3600.0
# Differences of a clock's readings are not exact.
TOLERANCE = 1e-6


class LatencyBaseline:
    """Mean and deviation of what came lately. A new value weighs SMOOTHING, all the older ones the rest."""

    def __init__(self) -> None:
        self.mean = math.inf
        self._variance = 0.0
        self._least = math.inf

    @property
    def high(self) -> float:
        """Above it is unusual; nothing is while nothing is known."""
        return self.mean * (1 + TOLERANCE) + DEVIATIONS * math.sqrt(self._variance)

    @property
    def is_queueing(self) -> bool:
        """Whether it has become usual to wait for as long again as the least that was."""
        return self.mean > QUEUEING_RATIO * self._least

    def observe(self, value: float) -> None:
        """One more value."""
        if math.isinf(self.mean):
            self.mean = value
        else:
            off = value - self.mean
            self.mean += SMOOTHING * off
            self._variance = (1 - SMOOTHING) * (self._variance + SMOOTHING * off * off)
        self._least = min(self._least, self.mean)


def says_too_much(response: Response) -> bool:
    """Whether Meta says that the pixel sends too much."""
    return response.outcome is ResponseOutcome.THROTTLED or response.usage_percent >= USAGE_FULL_PERCENT


class AdaptiveLimit:
    """
    How many requests at once, between two bounds. Time is an argument, in seconds of any one clock.

    It is told of each request twice: `record_request`, with how many are then under way,
    and `record_response`. A request that is given up has no answer. Where the bounds
    are the same number, so is the limit.
    """

    def __init__(self, at_least: int, at_most: int) -> None:
        self._at_least = at_least
        self._at_most = at_most
        self.requests = min(max(START, at_least), at_most)
        self._baseline = LatencyBaseline()
        self._ceiling = at_most
        self._ceiling_until = -math.inf
        self._lowered_at = -math.inf
        self._start_period(math.inf)

    def _start_period(self, decides_at: float) -> None:
        self._decides_at = decides_at
        self._round_trips_s = 0.0
        self._answers = 0
        self._is_reached = False
        self._saw_pressure = False
        self._is_held = False

    def record_request(self, at_once: int) -> None:
        """A request goes out; with it, so many are under way."""
        self._is_reached = self._is_reached or at_once >= self.requests

    def record_response(self, sent_at: float, now: float, response: Response) -> None:
        """
        What became of a request.

        Refusals, token and pixel included, and a blocked account are about events
        and settings: they change nothing, and how long they take says nothing of
        the link.
        """
        is_news = sent_at >= self._lowered_at
        if says_too_much(response):
            if is_news:
                self._throttle(now)
            return
        self._is_held = self._is_held or response.usage_percent >= USAGE_HOLD_PERCENT
        if response.outcome is ResponseOutcome.TRANSIENT or response.usage_percent >= USAGE_LESS_PERCENT:
            self._saw_pressure = self._saw_pressure or is_news
        if response.outcome is ResponseOutcome.ACCEPTED and is_news:
            self._round_trips_s += now - sent_at
            self._answers += 1
        if not (self._answers or self._saw_pressure):
            return
        if math.isinf(self._decides_at):
            # The first of several answers is the quickest of them: too early to learn from.
            self._decides_at = now + (now - sent_at)
        elif now >= self._decides_at:
            self._decide(now)

    def _throttle(self, now: float) -> None:
        self._ceiling = max(self._at_least, self.requests - 1)
        self._ceiling_until = now + CEILING_S
        self._lower(0.5, now)

    def _decide(self, now: float) -> None:
        is_slow = is_quick = False
        if self._answers:
            round_trip_s = self._round_trips_s / self._answers
            is_slow = round_trip_s > self._baseline.high
            is_quick = round_trip_s <= self._baseline.mean * (1 + TOLERANCE)
            self._baseline.observe(round_trip_s)
        if self._baseline.is_queueing and self.requests > START:
            self._lower(0.5, now, START)
            self._baseline = LatencyBaseline()
        elif self._saw_pressure or is_slow:
            self._lower(DECREASE_RATIO, now)
        else:
            if is_quick and self._is_reached and not self._is_held:
                self.requests = min(self.requests + 1, self._most(now))
            self._start_period(now + self._baseline.mean)

    def _most(self, now: float) -> int:
        return self._ceiling if now < self._ceiling_until else self._at_most

    def _lower(self, ratio: float, now: float, at_least: int = 1) -> None:
        self.requests = max(self._at_least, at_least, int(self.requests * ratio))
        self._lowered_at = now
        # In the first round trip only the quick ones of those that count come back.
        self._start_period(now + 2 * self._baseline.mean)


log = structlog.get_logger()


class RequestLimiter:
    """
    First come, first served. A permit belongs to the task that acquired it.

    `in_flight` counts requests that Meta has not answered yet. Permits are more:
    a task may hold one while it waits for the circuit breaker.
    """

    def __init__(self, at_least: int, at_most: int) -> None:
        self._adaptive = AdaptiveLimit(at_least, at_most)
        self._permits = anyio.CapacityLimiter(self._adaptive.requests)
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._permits.total_tokens)

    @property
    def is_over_limit(self) -> bool:
        """Whether more permits are out than the limit allows, because it has been lowered."""
        return self._permits.borrowed_tokens > self._permits.total_tokens

    async def acquire(self) -> None:
        """Wait for a permit. Follow it with one `release` by the same task."""
        await self._permits.acquire()

    def release(self) -> None:
        """Return this task's permit."""
        self._permits.release()

    def started(self) -> None:
        """Count a request as in flight. `record` or `aborted` follows."""
        self.in_flight += 1
        self._adaptive.record_request(self.in_flight)

    def aborted(self) -> None:
        """Count a request out that was cancelled before its response."""
        self.in_flight -= 1

    def record(self, response: Response, sent_at_s: float, now_s: float) -> None:
        """Count a request out and adapt the limit. Times are those of any one clock, in seconds."""
        self.in_flight -= 1
        before = self._adaptive.requests
        self._adaptive.record_response(sent_at_s, now_s, response)
        if self._adaptive.requests != before:
            self._permits.total_tokens = self._adaptive.requests
        if says_too_much(response) and self._adaptive.requests < before:
            log.debug("throttled: concurrency reduced", limit=self._adaptive.requests, before=before)
