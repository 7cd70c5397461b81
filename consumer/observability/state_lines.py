"""
Each change of state, said in the log once.

Whoever was called wants to know when it began, whether it is over, and, while
Meta asks for patience, until when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from consumer.domain.state import State

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
# The other states pass by themselves, or are what was asked for.
WANTS_SOMEBODY = frozenset({State.MISCONFIGURED, State.PAUSED})


class StateLogger:
    """Remembers the state that was told last. `throttled_s` is how long Meta asks us to wait, from now."""

    def __init__(self, state: Callable[[], State], throttled_s: Callable[[], float]) -> None:
        self._state = state
        self._throttled_s = throttled_s
        self._told = State.STARTING

    def poll(self) -> None:
        """Write a line where the state is another one than before."""
        state = self._state()
        if state is self._told:
            return
        tell = log.error if state in WANTS_SOMEBODY else log.info
        wait_s = round(self._throttled_s()) if state is State.THROTTLED else None
        tell("state", state=state, before=self._told, wait_s=wait_s)
        self._told = state

    async def watch(self) -> None:
        """Look each second."""
        while True:
            self.poll()
            await asyncio.sleep(LOOK_EVERY_S)
