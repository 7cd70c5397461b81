"""Permits go out first come, first served, never more than the limit lets, and none gets lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from consumer.delivery.permits import Permits


async def turn() -> None:
    """Let everybody run who can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Line:
    """People who want a permit each; `got` are those who have one, in that order."""

    def __init__(self, permits: Any) -> None:
        self.permits = permits
        self.got = []
        self.tasks = {}

    async def come(self, *names: Any) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._want(name))
        await turn()

    async def _want(self, name: Any) -> None:
        await self.permits.acquire()
        self.got.append(name)

    async def give_back(self, count: int = 1) -> None:
        for _ in range(count):
            self.permits.release()
        await turn()

    async def leave(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    waiting = Line(Permits(2))
    yield waiting
    await waiting.leave()


async def test_as_many_as_the_limit_get_one_and_the_others_in_their_order(line: Line) -> None:
    await line.come(*"abcde")
    assert line.got == ["a", "b"]
    await line.give_back()
    assert line.got == ["a", "b", "c"]
    await line.give_back(2)
    assert line.got == ["a", "b", "c", "d", "e"]


async def test_who_comes_later_does_not_pass_those_who_wait(line: Line) -> None:
    await line.come(*"abc")
    line.permits.release()
    await line.come("d")
    assert line.got == ["a", "b", "c"]


async def test_a_raised_limit_lets_the_first_in_at_once(line: Line) -> None:
    await line.come(*"abcde")
    line.permits.limit = 4
    await turn()
    assert line.got == ["a", "b", "c", "d"]


async def test_a_lowered_limit_stops_nobody_and_lets_nobody_in_until_it_holds(line: Line) -> None:
    line.permits.limit = 4
    await line.come(*"abcdef")
    line.permits.limit = 2
    assert line.permits.is_over
    await line.give_back()
    assert line.permits.is_over
    await line.give_back()
    assert not line.permits.is_over
    assert line.got == ["a", "b", "c", "d"]
    await line.give_back()
    assert line.got == ["a", "b", "c", "d", "e"]


async def test_who_is_cancelled_while_waiting_is_passed_over(line: Line) -> None:
    await line.come(*"abcd")
    line.tasks["c"].cancel()
    await turn()
    await line.give_back()
    assert line.got == ["a", "b", "d"]


async def test_who_is_cancelled_with_a_permit_on_its_way_gives_it_on(line: Line) -> None:
    await line.come(*"abcd")
    line.permits.release()
    line.tasks["c"].cancel()
    await turn()
    assert line.got == ["a", "b", "d"]
    assert line.tasks["c"].cancelled()


async def test_when_all_who_wait_are_cancelled_the_permit_is_there_for_the_next(line: Line) -> None:
    await line.come(*"abcd")
    line.tasks["d"].cancel()
    line.permits.release()
    line.tasks["c"].cancel()
    await turn()
    await line.come("e")
    assert line.got == ["a", "b", "e"]


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_the_order_none_is_lost_and_none_is_given_twice(seed: Any) -> None:
    """Come, release, cancel and change the limit at random; in the end the limit's number is free."""
    chance, permits = random.Random(seed), Permits(3)
    held, tasks = [], []

    async def want() -> None:
        await permits.acquire()
        held.append(None)

    for _ in range(300):
        match chance.randrange(5):
            case 0 | 1:
                tasks.append(asyncio.create_task(want()))
            case 2 if held:
                held.pop()
                permits.release()
            case 3 if tasks:
                chance.choice(tasks).cancel()
            case 4:
                await turn()
                permits.limit = chance.randint(max(1, len(held)), 8)
        if chance.random() < 0.5:
            await turn()
            assert len(held) <= permits.limit
    await turn()
    for task in tasks:
        task.cancel()
    await turn()
    for _ in range(len(held)):
        permits.release()
    held.clear()
    permits.limit = 4
    late = [asyncio.create_task(want()) for _ in range(5)]
    await turn()
    assert len(held) == 4
    late[-1].cancel()
    await turn()
