"""Who has a slot, who waits outside, and how many of those there may be."""

from __future__ import annotations

import asyncio
from typing import Any

from support.virtual_time import run

from consumer.delivery.slots import Slots

WAIT_S = 30.0


async def hold(slots: Any, log: Any, name: Any, **how: Any) -> None:
    """Take a slot, say so, wait as a batch does between two attempts, and end."""
    async with slots:
        log.append((asyncio.get_running_loop().time(), name))
        await slots.wait(WAIT_S, **how)


def begun(batches: Any, count: Any) -> list[Any]:
    """When each of these began, in seconds: its name and how it waits."""
    log = []

    async def all_of_them() -> None:
        slots = Slots(count)
        await asyncio.gather(*(hold(slots, log, name, **how) for name, how in batches))

    run(all_of_them())
    return log


NEW = {"is_stuck": False, "are_others_well": True}
STUCK = {"is_stuck": True, "are_others_well": True}
OUTAGE = {"is_stuck": True, "are_others_well": False}


def test_who_is_not_stuck_keeps_the_slot_while_it_waits() -> None:
    assert begun([("a", NEW), ("b", NEW), ("c", NEW)], 2) == [(0, "a"), (0, "b"), (30, "c")]


def test_stuck_ones_let_any_number_of_others_in_while_those_are_well() -> None:
    assert [at for at, _ in begun([(n, STUCK) for n in range(9)], 2)] == [0] * 9


def test_in_an_outage_no_more_wait_outside_than_there_are_slots() -> None:
    assert [at for at, _ in begun([(n, OUTAGE) for n in range(7)], 2)] == [0, 0, 0, 0, 30, 30, 30]


def test_who_has_waited_outside_stands_in_line_and_is_counted_no_more() -> None:
    """Two wait outside and two in their slots; the first two stand in line behind who is there."""
    log = begun([(n, OUTAGE) for n in range(4)] + [("new", NEW)], 2)
    assert log[-1] == (30, "new")


def test_a_slot_comes_back_from_who_is_cancelled_outside() -> None:
    async def cancelled() -> list[Any]:
        slots, log = Slots(1), []
        outside = asyncio.create_task(hold(slots, log, "outside", **STUCK))
        await asyncio.sleep(1)
        outside.cancel()
        await asyncio.gather(outside, return_exceptions=True)
        for name in ("next", "last"):
            await hold(slots, log, name, **NEW)
        return log

    assert run(cancelled()) == [(0, "outside"), (1, "next"), (31, "last")]
