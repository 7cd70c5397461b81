"""
Work that goes on by itself in the event loop, and must not fail unseen.

A task that fails is a bug: the process must not go on as if its records had
ended. So the first failure stands in `broken`, and whoever waits for that ends
the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any


class Tasks:
    """The tasks of one event loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def spawn(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        """Begin it. It is waited for by nobody. Without `context` it is in the span of who spawns it."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._running.add(task)
        task.add_done_callback(self._done)

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        """Carry out a call that nobody hears the failure of: a timer's, or the other thread's."""
        try:
            call(*given)
        except Exception as error:  # noqa: BLE001 - whoever waits for `broken` raises it
            self._break(error)

    async def abandon(self) -> None:
        """End them all where they are."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._break(error)

    def _break(self, error: BaseException) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)
