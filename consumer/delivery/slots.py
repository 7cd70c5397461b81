"""
Slots for batches: so many at work, and stuck ones that wait outside.

    slots   [a][b]        line:  e f g ...      first come, first served
    aside    c d                                stuck: waits for its next attempt, then stands in line

A slot is a batch's until its end. But a batch that fails for long would keep
it for long, and as many of those as there are slots would stop everything: so
a stuck one waits outside. In an outage every batch is stuck, and of those that
come in their place too: more and more would fail beside each other. So as long
as the others do not fare well either, no more wait outside than there are
slots, and twice the slots bound the requests of an outage however long it is.

Who is back in line counts no more: so it is not always the same batches that
may stand aside, and among any number of stuck ones those that show that Meta
is well have their turn.
"""

from __future__ import annotations

import asyncio


class Slots:
    """`async with` one of them; `wait` without it, when that is allowed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = asyncio.Semaphore(count)
        self._aside = 0

    async def __aenter__(self) -> None:
        await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._free.release()

    async def wait(self, wait_s: float, *, is_stuck: bool, are_others_well: bool) -> None:
        """Let the time pass between two attempts of a batch that has a slot, and has it again after."""
        if not is_stuck or not (are_others_well or self._aside < self._count):
            await asyncio.sleep(wait_s)
            return
        self._aside += 1
        self._free.release()
        try:
            await asyncio.sleep(wait_s)
        finally:
            self._aside -= 1
            await self._free.acquire()
