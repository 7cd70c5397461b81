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
import contextlib
import math
from collections.abc import Callable

from consumer.domain.state import State
from consumer.meta.response import Response, ResponseOutcome

Clock = Callable[[], float]

# The first wait after a refusal, doubled up to the setting: a token that was
# changed a moment ago, or a slip of Meta's, is found out soon.
SETUP_FIRST_S = 1.0


class Gate:
    """
    Lets requests through. `clock` is monotonic, in seconds.

    An admission is a number that changes with each refusal and each new token.
    So of the requests that were under way together one refusal counts, and what
    an old token brings is not held against the new one.
    """

    def __init__(self, clock: Clock, setup_retry_s: float) -> None:
        self._clock = clock
        self._setup_retry_s = setup_retry_s
        # What Meta asks for, and what a refused token causes: a new token ends the second only.
        self._throttled_until = -math.inf
        self._next_try_at = -math.inf
        self._refusals = 0
        self._admission = 0
        self._probing = False
        self._changed = asyncio.Event()

    @property
    def state(self) -> State:
        """`running`, `throttled` or `misconfigured`."""
        if self._refusals:
            return State.MISCONFIGURED
        return State.THROTTLED if self._clock() < self._throttled_until else State.RUNNING

    @property
    def throttled_s(self) -> float:
        """For how long Meta asks for patience, from now on; 0 while it does not."""
        return max(0.0, self._throttled_until - self._clock())

    async def admit(self) -> int:
        """Return when a request may be sent: its admission, to be given to one `hear` or `abandon`."""
        while (wait_s := self._wait_s()) > 0:
            changed = self._changed
            # Not wait_for, which in Python 3.11 may lose a cancellation that comes with the news.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait_s) else wait_s):
                    await changed.wait()
        self._probing = self._refusals > 0
        return self._admission

    def hear(self, admission: int, verdict: Response, wait_s: float) -> None:
        """What became of an admitted request; the pixel waits `wait_s` because of it."""
        if admission == self._admission:
            self._probing = False
            # A connection that fails says nothing of the token.
            if verdict.outcome is ResponseOutcome.MISCONFIGURED:
                self._next_try_at = self._clock() + self._count_refusal()
            elif verdict.outcome is not ResponseOutcome.TRANSIENT:
                self._refusals = 0
        if wait_s > 0:
            self._throttled_until = max(self._throttled_until, self._clock() + wait_s)
        self._announce()

    def abandon(self, admission: int) -> None:
        """An admitted request was given up before its answer."""
        if admission == self._admission:
            self._probing = False
        self._announce()

    def retry_now(self) -> None:
        """
        There is a new token: try it without waiting, even for the answer about the old one.

        What Meta asked for beside that is about the account, and holds for each token.
        """
        self._next_try_at = -math.inf
        self._admission += 1
        self._probing = False
        self._announce()

    def _count_refusal(self) -> float:
        """One more; how long to wait for the next try."""
        self._refusals += 1
        self._admission += 1
        return min(self._setup_retry_s, SETUP_FIRST_S * 2.0 ** min(self._refusals - 1, 20))

    def _wait_s(self) -> float:
        if self._refusals and self._probing:
            return math.inf
        return max(self._throttled_until, self._next_try_at) - self._clock()

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
