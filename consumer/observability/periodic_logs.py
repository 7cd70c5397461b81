"""
What a running consumer tells from time to time: how many records have ended, and how.

One line every half a minute while something happens, and one at the end. The
numbers are those of the metrics, since the process began.

Each change of state, said in the log once.

Whoever was called wants to know when it began, whether it is over, and, while
Meta asks for patience, until when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from consumer.domain.state import State
from consumer.observability import metrics
from consumer.observability.telemetry import Labels, Telemetry

log = structlog.get_logger()

EVERY_S = 30.0

Ends = dict[str, object]


def outcome_counts(telemetry: Telemetry) -> Ends:
    """The ends of all records so far; filtered and dead letters by reason."""
    counts = telemetry.snapshot()
    return {
        "consumed": sum(counts[metrics.CONSUMED.name].values()),
        "accepted": sum(counts[metrics.ACCEPTED.name].values()),
        "filtered": _by_reason(counts[metrics.FILTERED.name]),
        "dead_letters": _by_reason(counts[metrics.DEAD_LETTERS.name]),
    }


def _by_reason(counts: dict[Labels, int]) -> dict[str, int]:
    return {reason: count for (reason,), count in sorted(counts.items()) if count}


async def log_progress(telemetry: Telemetry) -> None:
    """Write a line every half a minute, unless nothing has happened since the last one."""
    told = outcome_counts(telemetry)
    while True:
        await asyncio.sleep(EVERY_S)
        now = outcome_counts(telemetry)
        if now != told:
            log.info("progress", **now)
            told = now


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
