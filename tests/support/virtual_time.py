"""
Hours of an event loop in no time: when nothing can run, its clock goes on to whatever is due next.

    run(hours_of_waiting())      `asyncio.sleep(3600)` and `loop.time()` as ever, at once

There is no chance in it and nothing from outside, so a run is the same each time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Skipping(selectors.SelectSelector):
    """Waits for nothing but the clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all wait, and nothing is due"
            self.now_s += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now_s


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """To its end, from second 0 on."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)
