"""The worker in a thread of its own, and how it ended, told to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from consumer.runtime.poll_loop import PollLoop


class PollThread:
    """Runs the worker; `ended` is done when it has ended, with what it raised."""

    def __init__(self, worker: PollLoop) -> None:
        self._loop = asyncio.get_running_loop()
        self._worker = worker
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.start = threading.Thread(target=self._run, name="worker", daemon=True).start

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._worker.run()
        except BaseException as raised:  # noqa: BLE001 - carried to the main thread, which raises it
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for us any more
            self._loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
