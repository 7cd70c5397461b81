"""
A link with answers, as a model: requests go out as the limit allows, and come back when the link says.

There are always more requests waiting. Nothing here takes real time, and chance
comes from a seed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from consumer.delivery.request_limiter import AdaptiveLimit
from consumer.meta.response import Response, ResponseOutcome

ACCEPTED = Response(ResponseOutcome.ACCEPTED, 200)
THROTTLED = Response(ResponseOutcome.THROTTLED, 429)
TRANSIENT = Response(ResponseOutcome.TRANSIENT, 503)
REQUESTS_MAX = 300_000

# What becomes of a request: the round trip in seconds and the verdict, from
# chance, how many are under way with it, and the time it is sent.
Link = Callable[[random.Random, int, float], tuple[float, Response]]


@dataclass
class Run:
    """What happened: the limit after each answer, and when each request was accepted."""

    limits: list[tuple[float, int]] = field(default_factory=list)
    accepted_at: list[float] = field(default_factory=list)
    throttled: int = 0
    at_once_max: int = 0

    def usual_limits(self, after_s: float) -> tuple[int, int]:
        """Between which the limit was nine answers out of ten."""
        seen = sorted(limit for at, limit in self.limits if at >= after_s)
        return seen[len(seen) // 20], seen[-1 - len(seen) // 20]

    def accepted(self, after_s: float = 0.0) -> int:
        return sum(at >= after_s for at in self.accepted_at)


def play(link: Link, limit: AdaptiveLimit, for_s: float, *, seed: int = 1, throttle_s: float = 60.0) -> Run:
    """Send for so long. After a throttled answer nobody sends for `throttle_s`, as the breaker has it."""
    chance = random.Random(seed)
    run, now, closed_until, number = Run(), 0.0, 0.0, 0
    under_way: list[tuple[float, int, float, Response]] = []
    while now < for_s:
        while len(under_way) < limit.requests and now >= closed_until:
            number += 1
            assert number < REQUESTS_MAX
            at_once = len(under_way) + 1
            round_trip_s, verdict = link(chance, at_once, now)
            heapq.heappush(under_way, (now + round_trip_s, number, now, verdict))
            limit.record_request(at_once)
            run.at_once_max = max(run.at_once_max, at_once)
        if not under_way:
            now = closed_until
            continue
        now, _, sent_at, verdict = heapq.heappop(under_way)
        limit.record_response(sent_at, now, verdict)
        run.limits.append((now, limit.requests))
        if verdict.outcome is ResponseOutcome.ACCEPTED:
            run.accepted_at.append(now)
        if verdict.outcome is ResponseOutcome.THROTTLED:
            run.throttled += 1
            closed_until = max(closed_until, now + throttle_s)
    return run


def constant(round_trip_s: float) -> Link:
    return lambda chance, at_once, now: (round_trip_s, ACCEPTED)


def jittery(round_trip_s: float, spread: float) -> Link:
    """`spread` is the standard deviation of the logarithm."""
    return lambda chance, at_once, now: (round_trip_s * chance.lognormvariate(0, spread), ACCEPTED)


def with_knee(round_trip_s: float, capacity: int, spread: float) -> Link:
    """Serves so many at a time; the others stand in line."""

    def link(chance: random.Random, at_once: int, now: float) -> tuple[float, Response]:
        return round_trip_s * max(1.0, at_once / capacity) * chance.lognormvariate(0, spread), ACCEPTED

    return link


def throttling(round_trip_s: float, most: int, spread: float) -> Link:
    """Answers 429, and soon, above so many at once."""

    def link(chance: random.Random, at_once: int, now: float) -> tuple[float, Response]:
        own_s = round_trip_s * chance.lognormvariate(0, spread)
        return (own_s, ACCEPTED) if at_once <= most else (own_s / 4, THROTTLED)

    return link


def between(before: Link, ill: Link, from_s: float, to_s: float) -> Link:
    """`before`, but `ill` for a while."""
    return lambda chance, at_once, now: (ill if from_s <= now < to_s else before)(chance, at_once, now)


def failing(after_s: float) -> Link:
    return lambda chance, at_once, now: (after_s, TRANSIENT)
