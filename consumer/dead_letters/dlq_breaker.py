"""
The flood brake: when most records would be dead letters, their letters wait.

    records decided, batches answered -> Flood -> off: each letter is written
                                                  on:  letters wait, nothing more is taken in

What waits stays in flight and uncommitted, so the group keeps its place; good
events that were taken already are sent. A person releases it (SIGUSR1, or a
restart with `--resume`). Who has mended the settings restarts: the
records are decided anew, by the new settings.

Everything but `is_on` and `held` belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from consumer.dead_letters.dlq_rate import DeadLetterRate
from consumer.domain.decision import Reason

log = structlog.get_logger()

# How often it is said that the brake is on: the log is where somebody looks at night.
REMIND_EVERY_S = 30.0


class DlqBreaker:
    """Holds dead letters while there is a flood of them. `is_wanted` is the setting."""

    def __init__(self, *, is_wanted: bool = True, is_released: bool = False) -> None:
        self._is_wanted = is_wanted
        self._flood = DeadLetterRate(is_released=is_released)
        self._off = asyncio.Event()
        self._off.set()
        self.waiting = 0

    @property
    def is_open(self) -> bool:
        """Whether letters wait. Read by the worker's thread too."""
        return self._flood.is_on

    def record_decisions(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll: reasons of filtered and invalid ones, None for those that are sent."""
        if self._is_wanted:
            self._flood.record_decisions(reasons)
            self._follow()

    def record_responses(self, reasons: Sequence[Reason | None]) -> None:
        """Events of one batch as Meta answered them: None for accepted ones."""
        if self._is_wanted:
            self._flood.record_responses(reasons)
            self._follow()

    async def wait(self) -> None:
        """Return when a letter may be written."""
        self.waiting += 1
        try:
            while self.is_open:
                await self._off.wait()
        finally:
            self.waiting -= 1

    def resume(self) -> None:
        """Let the letters be written. Without effect while the brake is off."""
        if not self.is_open:
            log.info("the brake is not on: nothing to release")
            return
        log.warning("the brake was released", letters_held=self.waiting)
        self._flood.release()
        self._off.set()

    def log_reminder(self) -> None:
        """Say that the brake is on, if it is, and what to do."""
        if self.is_open:
            log.error(
                "the flood brake is on: most records would be dead letters, so nothing more is taken in",
                would_be_dead_letters=self._flood.dead_letters(),
                records_looked_at=self._flood.records,
                letters_held=self.waiting,
                mend="mend events or settings and restart",
                release="to let the letters be written: SIGUSR1, or restart with --resume",
            )

    def _follow(self) -> None:
        if self.is_open and self._off.is_set():
            self._off.clear()
            self.log_reminder()


async def log_reminders(brake: DlqBreaker) -> None:
    """Say it again for as long as the brake is on."""
    while True:
        await asyncio.sleep(REMIND_EVERY_S)
        brake.log_reminder()
