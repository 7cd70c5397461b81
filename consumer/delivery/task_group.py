"""
Background tasks of one event loop whose failure must not go unnoticed.

A task that fails is a bug, and the process must not continue as if its records
had an outcome. The first failure is set on `failed`; the application waits for
it and ends the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any


class TaskGroup:
    """Like asyncio.TaskGroup, but its tasks are started by callbacks and outlive any one block."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        """Start a task that no one awaits. Without `context`, it inherits the caller's trace span."""
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._running.add(task)
        task.add_done_callback(self._done)

    def call_safely(self, call: Callable[..., None], *arguments: object) -> None:
        """Make a call whose exception would be lost: a timer's, or one from the other thread."""
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - re-raised by the one that awaits `failed`
            self._fail(error)

    async def cancel_all(self) -> None:
        """Cancel every task and wait until all have ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
