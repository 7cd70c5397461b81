"""
When may a request be sent? The pixel as a whole waits, or goes on.

    running    every request goes
    throttled  none goes until a time
    setup      Meta refuses token, pixel or version: one request at a time is
               tried, now and then and at once when the token has changed

Requests stand before the gate in their slots, so nothing more is taken in than
the limits allow, and what waits keeps its place.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from consumer.core.verdict import Kind, Verdict
from consumer.state import State

Clock = Callable[[], float]

# The first wait after a refusal, doubled up to the setting: a token that was
# changed a moment ago, or a slip of Meta's, is found out soon.
SETUP_FIRST_S = 1.0


class Gate:
    """Lets requests through. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Clock, setup_retry_s: float) -> None:
        self._clock = clock
        self._setup_retry_s = setup_retry_s
        self._closed_until = -math.inf
        self._refusals = 0
        self._probing = False
        self._changed = asyncio.Event()

    @property
    def state(self) -> State:
        """`running`, `throttled` or `setup`."""
        if self._refusals:
            return State.SETUP
        return State.THROTTLED if self._clock() < self._closed_until else State.RUNNING

    async def admit(self) -> None:
        """Return when a request may be sent. Each return is followed by one `hear` or `abandon`."""
        while (wait_s := self._wait_s()) > 0:
            changed = self._changed
            try:
                await asyncio.wait_for(changed.wait(), None if math.isinf(wait_s) else wait_s)
            except TimeoutError:
                continue
        self._probing = self._refusals > 0

    def hear(self, verdict: Verdict, wait_s: float) -> None:
        """What became of an admitted request; the pixel waits `wait_s` because of it."""
        self._probing = False
        # A connection that fails says nothing of the token.
        if verdict.kind is not Kind.TRANSIENT:
            self._refusals = self._refusals + 1 if verdict.kind is Kind.SETUP else 0
        if self._refusals:
            wait_s = max(wait_s, min(self._setup_retry_s, SETUP_FIRST_S * 2.0 ** min(self._refusals, 20)))
        if wait_s > 0:
            self._closed_until = max(self._closed_until, self._clock() + wait_s)
        self._announce()

    def abandon(self) -> None:
        """An admitted request was given up before its answer."""
        self._probing = False
        self._announce()

    def retry_now(self) -> None:
        """There is a new token: try it without waiting."""
        self._closed_until = -math.inf
        self._announce()

    def _wait_s(self) -> float:
        if self._refusals and self._probing:
            return math.inf
        return self._closed_until - self._clock()

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
