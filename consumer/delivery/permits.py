"""
Permits to send one request, as many as a limit that may change.

    limit 3      [a][b][c]  waiting: d e f       first come, first served
    limit 2      [a][b][c]  nobody is stopped; is_over until one of them releases
    limit 4      [a][b][c][d]  waiting: e f

Who was sent on by a release and is cancelled before it runs gives the permit
on to the next, so none gets lost.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Permits:
    """Each `acquire` that returned is followed by one `release`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._given = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many may be out at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._give()

    @property
    def is_over(self) -> bool:
        """Whether more are out than the limit, as it was lowered, allows."""
        return self._given > self._limit

    async def acquire(self) -> None:
        """Return when there is a permit for the caller."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self._give()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """One permit back."""
        self._given -= 1
        self._give()

    def _give(self) -> None:
        while self._waiting and self._given < self._limit:
            first = self._waiting.popleft()
            if not first.done():
                self._given += 1
                first.set_result(None)
