"""
How many requests may be in flight at once.

    acquire -> started -> (the request) -> record -> release
                                             |
                            adaptive_concurrency.py: a new limit

The limit follows from Meta's responses. It may fall while requests are in
flight: none of them is stopped, and `is_over_limit` is true until enough of
them are released.
"""

from __future__ import annotations

import anyio
import structlog

from consumer.delivery.adaptive_concurrency import AdaptiveLimit, says_too_much
from consumer.meta.response import Response

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
