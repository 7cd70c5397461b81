"""
Whether requests may be sent to the pixel at all.

    closed      every request passes
    open        none passes until a time: Meta throttles, or it has just
                rejected the token, the pixel or the API version
    half-open   one request at a time probes whether Meta still rejects them

Requests wait here while they hold a permit, so nothing more is consumed than
the limits allow, and each keeps its place in line.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable

from consumer.domain.state import State
from consumer.meta.response import Response, ResponseOutcome

# The wait after the first rejection of the token, pixel or version. It doubles up to the setting, so a token
# that was replaced a moment ago, or a single wrong answer of Meta, is noticed soon.
FIRST_PROBE_AFTER_S = 1.0


class CircuitBreaker:
    """
    `clock` is monotonic, in seconds. `auth_retry_max_s` is the longest wait between two probes.

    `acquire` returns a generation: a number that changes with each rejection
    and each new token. Of the requests in flight together, one rejection counts,
    and a response to the old token doesn't count against the new one.
    """

    def __init__(self, clock: Callable[[], float], auth_retry_max_s: float) -> None:
        self._clock = clock
        self._auth_retry_max_s = auth_retry_max_s
        # Two times, because a new token ends the second wait and not the first.
        self._throttled_until = -math.inf
        self._next_probe_at = -math.inf
        self._rejections = 0
        self._generation = 0
        self._is_probing = False
        self._changed = asyncio.Event()

    @property
    def state(self) -> State:
        """`running` (closed), `throttled` (open) or `misconfigured` (open or half-open)."""
        if self._rejections:
            return State.MISCONFIGURED
        return State.THROTTLED if self._clock() < self._throttled_until else State.RUNNING

    @property
    def is_closed(self) -> bool:
        """Whether every request passes."""
        return self.state is State.RUNNING

    @property
    def throttled_s(self) -> float:
        """Seconds until the current throttling window ends; 0 if there is none."""
        return max(0.0, self._throttled_until - self._clock())

    async def acquire(self) -> int:
        """Wait until a request may be sent. Pass the generation on to one `record` or `cancel`."""
        while (wait_s := self._wait_s()) > 0:
            changed = self._changed
            # Not wait_for: in Python 3.11 it may lose a cancellation that arrives together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait_s) else wait_s):
                    await changed.wait()
        self._is_probing = self._rejections > 0
        return self._generation

    def record(self, generation: int, response: Response, wait_s: float) -> None:
        """Take in the response to a request. The pixel waits for `wait_s` seconds because of it."""
        if generation == self._generation:
            self._is_probing = False
            # A failed connection says nothing about the token.
            if response.outcome is ResponseOutcome.MISCONFIGURED:
                self._next_probe_at = self._clock() + self._count_rejection()
            elif response.outcome is not ResponseOutcome.TRANSIENT:
                self._rejections = 0
        if wait_s > 0:
            self._throttled_until = max(self._throttled_until, self._clock() + wait_s)
        self._notify()

    def cancel(self, generation: int) -> None:
        """Take back an acquired request that gets no response."""
        if generation == self._generation:
            self._is_probing = False
        self._notify()

    def retry_now(self) -> None:
        """
        Try a new token without waiting, not even for the response to the old one.

        A throttling window goes on: it is about the account, whatever the token.
        """
        self._next_probe_at = -math.inf
        self._generation += 1
        self._is_probing = False
        self._notify()

    def _count_rejection(self) -> float:
        """Count one more; return the seconds until the next probe."""
        self._rejections += 1
        self._generation += 1
        doublings = min(self._rejections - 1, 20)
        return min(self._auth_retry_max_s, FIRST_PROBE_AFTER_S * 2.0**doublings)

    def _wait_s(self) -> float:
        if self._rejections and self._is_probing:
            return math.inf
        return max(self._throttled_until, self._next_probe_at) - self._clock()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
