"""The pixel as a whole waits: one try at a time while Meta refuses the token, none while it throttles."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.domain.state import State
from consumer.meta.response import Response, ResponseOutcome

ACCEPTED, TRANSIENT, REFUSED, TOO_LARGE = map(
    Response,
    (
        ResponseOutcome.ACCEPTED,
        ResponseOutcome.TRANSIENT,
        ResponseOutcome.REJECTED,
        ResponseOutcome.TOO_LARGE,
    ),
)
SETUP, THROTTLED, BLOCKED = map(
    Response, (ResponseOutcome.MISCONFIGURED, ResponseOutcome.THROTTLED, ResponseOutcome.BLOCKED)
)


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock, auth_retry_max_s=60.0)


async def is_let_through(*waiting: Any) -> list[Any]:
    """Which of the tasks have been admitted, once everything that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)
    return [task.done() for task in waiting]


def waiting(breaker: Any, count: int = 1) -> list[Any]:
    return [asyncio.create_task(breaker.acquire()) for _ in range(count)]


async def give_up(tasks: Any) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def refuse(breaker: Any, clock: Any, times: int = 1) -> None:
    """Let Meta refuse so often, each time when the breaker lets a try through."""
    for _ in range(times):
        clock.now += 100
        breaker.record(await breaker.acquire(), SETUP, 0.0)


# Running


async def test_an_open_gate_lets_all_through_at_once(breaker: CircuitBreaker) -> None:
    tasks = waiting(breaker, 20)
    assert all(await is_let_through(*tasks))
    assert breaker.state is State.RUNNING


@pytest.mark.parametrize("verdict", [ACCEPTED, TRANSIENT, REFUSED, TOO_LARGE])
async def test_what_is_about_the_batch_does_not_close_the_gate(breaker: CircuitBreaker, verdict: Any) -> None:
    breaker.record(await breaker.acquire(), verdict, 0.0)
    assert breaker.state is State.RUNNING
    assert await is_let_through(*waiting(breaker)) == [True]


def state_of(breaker: CircuitBreaker) -> State:
    """Its state now, whatever was asserted of it before."""
    return breaker.state


# Throttled


@pytest.mark.parametrize("verdict", [THROTTLED, BLOCKED, ACCEPTED])
async def test_a_wait_holds_everybody_and_ends_by_itself(
    breaker: CircuitBreaker, clock: Clock, verdict: Any
) -> None:
    admission = await breaker.acquire()
    other = await breaker.acquire()
    breaker.record(admission, verdict, 30.0)
    assert breaker.state is State.THROTTLED
    tasks = waiting(breaker, 3)
    assert await is_let_through(*tasks) == [False] * 3
    clock.now += 29.9
    breaker.record(other, ACCEPTED, 0.0)
    assert await is_let_through(*tasks) == [False] * 3
    clock.now += 0.1
    breaker.cancel(other)
    assert await is_let_through(*tasks) == [True] * 3
    assert state_of(breaker) is State.RUNNING


async def test_the_longest_wait_holds(breaker: CircuitBreaker, clock: Clock) -> None:
    first, second = await breaker.acquire(), await breaker.acquire()
    breaker.record(first, THROTTLED, 30.0)
    breaker.record(second, THROTTLED, 5.0)
    clock.now += 10
    assert breaker.state is State.THROTTLED


async def test_a_wait_ends_without_anything_else_happening() -> None:
    breaker = CircuitBreaker(time.monotonic, 60.0)
    breaker.record(await breaker.acquire(), THROTTLED, 0.05)
    began = time.monotonic()
    await asyncio.wait_for(breaker.acquire(), 5)
    assert 0.03 < time.monotonic() - began < 2


# Setup


async def test_a_refused_token_is_setup_until_something_is_accepted(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    await refuse(breaker, clock)
    assert breaker.state is State.MISCONFIGURED
    clock.now += 1_000
    assert breaker.state is State.MISCONFIGURED
    breaker.record(await breaker.acquire(), ACCEPTED, 0.0)
    assert state_of(breaker) is State.RUNNING


@pytest.mark.parametrize("verdict", [ACCEPTED, REFUSED, TOO_LARGE, THROTTLED, BLOCKED])
async def test_any_answer_to_a_try_but_a_refused_token_ends_setup(
    breaker: CircuitBreaker, clock: Clock, verdict: Any
) -> None:
    await refuse(breaker, clock, 3)
    clock.now += 100
    breaker.record(await breaker.acquire(), verdict, 0.0)
    assert breaker.state is State.RUNNING


async def test_a_connection_that_fails_says_nothing_of_the_token(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    await refuse(breaker, clock)
    clock.now += 100
    breaker.record(await breaker.acquire(), TRANSIENT, 0.0)
    assert breaker.state is State.MISCONFIGURED
    assert await is_let_through(*waiting(breaker)) == [True]


WAITS = [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (40, 60.0), (2_000, 60.0)]


@pytest.mark.parametrize(("refusals", "wait_s"), WAITS)
async def test_the_wait_doubles_from_a_second_up_to_the_setting(
    breaker: CircuitBreaker, clock: Clock, refusals: Any, wait_s: Any
) -> None:
    await refuse(breaker, clock, refusals)
    task = waiting(breaker)
    clock.now += wait_s - 0.01
    breaker.cancel(-1)
    assert await is_let_through(*task) == [False]
    clock.now += 0.01
    breaker.cancel(-1)
    assert await is_let_through(*task) == [True]


async def test_one_request_at_a_time_is_tried(breaker: CircuitBreaker, clock: Clock) -> None:
    await refuse(breaker, clock)
    clock.now += 100
    tasks = waiting(breaker, 5)
    assert sum(await is_let_through(*tasks)) == 1
    clock.now += 100
    breaker.cancel(-1)
    assert sum(await is_let_through(*tasks)) == 1
    (tried,) = [task for task in tasks if task.done()]
    breaker.record(tried.result(), ACCEPTED, 0.0)
    assert all(await is_let_through(*tasks))


async def test_a_try_that_is_given_up_lets_another_one_through(breaker: CircuitBreaker, clock: Clock) -> None:
    await refuse(breaker, clock)
    clock.now += 100
    tasks = waiting(breaker, 2)
    await is_let_through(*tasks)
    breaker.cancel(next(task for task in tasks if task.done()).result())
    assert await is_let_through(*tasks) == [True, True]


async def test_refusals_of_requests_that_were_under_way_together_count_once(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    admissions = [await breaker.acquire() for _ in range(8)]
    for admission in admissions:
        breaker.record(admission, SETUP, 0.0)
    task = waiting(breaker)
    clock.now += 1.0
    breaker.cancel(-1)
    assert await is_let_through(*task) == [True]


async def test_a_late_refusal_does_not_let_a_second_try_through(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    slow, quick = await breaker.acquire(), await breaker.acquire()
    breaker.record(quick, SETUP, 0.0)
    clock.now += 100
    tasks = waiting(breaker, 2)
    assert sum(await is_let_through(*tasks)) == 1
    breaker.record(slow, SETUP, 0.0)
    breaker.cancel(slow)
    assert sum(await is_let_through(*tasks)) == 1
    await give_up(tasks)


async def test_late_success_of_an_older_request_is_no_news_of_the_token(breaker: CircuitBreaker) -> None:
    slow, quick = await breaker.acquire(), await breaker.acquire()
    breaker.record(quick, SETUP, 0.0)
    breaker.record(slow, ACCEPTED, 0.0)
    assert breaker.state is State.MISCONFIGURED


async def test_a_late_throttling_holds_the_pixel_all_the_same(breaker: CircuitBreaker, clock: Clock) -> None:
    slow, quick = await breaker.acquire(), await breaker.acquire()
    breaker.record(quick, SETUP, 0.0)
    breaker.record(slow, THROTTLED, 30.0)
    task = waiting(breaker)
    clock.now += 5
    breaker.cancel(-1)
    assert await is_let_through(*task) == [False]
    await give_up(task)


# A new token


async def test_a_new_token_is_tried_at_once(breaker: CircuitBreaker, clock: Clock) -> None:
    await refuse(breaker, clock, 10)
    tasks = waiting(breaker, 3)
    assert await is_let_through(*tasks) == [False] * 3
    breaker.retry_now()
    assert sum(await is_let_through(*tasks)) == 1
    assert breaker.state is State.MISCONFIGURED
    await give_up(tasks)


async def test_what_the_old_token_brings_is_not_held_against_the_new_one(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    """The file changes while a try with the old token is under way, whose refusal comes afterwards."""
    await refuse(breaker, clock, 10)
    clock.now += 100
    with_the_old_one = await breaker.acquire()
    breaker.retry_now()
    (task,) = waiting(breaker)
    assert await is_let_through(task) == [True]
    breaker.record(with_the_old_one, SETUP, 0.0)
    breaker.record(task.result(), ACCEPTED, 0.0)
    assert breaker.state is State.RUNNING
    assert await is_let_through(*waiting(breaker)) == [True]


@pytest.mark.parametrize("verdict", [THROTTLED, BLOCKED, SETUP])
async def test_a_new_token_does_not_cut_short_what_meta_asked_for(
    breaker: CircuitBreaker, clock: Clock, verdict: Any
) -> None:
    """Throttling and blocks are about the account: a token only ends the wait that the old one caused."""
    slow = await breaker.acquire()
    await refuse(breaker, clock, 10)
    breaker.record(slow, verdict, 300.0)
    breaker.retry_now()
    task = waiting(breaker)
    clock.now += 299.9
    breaker.cancel(-1)
    assert await is_let_through(*task) == [False]
    clock.now += 0.1
    breaker.cancel(-1)
    assert await is_let_through(*task) == [True]


async def test_who_gives_up_waiting_takes_nothing_along(breaker: CircuitBreaker, clock: Clock) -> None:
    await refuse(breaker, clock)
    tasks = waiting(breaker, 2)
    await is_let_through(*tasks)
    await give_up(tasks[:1])
    clock.now += 100
    breaker.cancel(-1)
    assert await is_let_through(tasks[1]) == [True]


@pytest.mark.parametrize("steps", range(5))
async def test_who_is_told_to_give_up_in_the_moment_of_news_gives_up(
    breaker: CircuitBreaker, clock: Clock, steps: Any
) -> None:
    """However far the news has come; else a stop would wait for as long as the pixel does."""
    breaker.record(await breaker.acquire(), THROTTLED, 3_600.0)
    (one,) = waiting(breaker)
    await is_let_through(one)
    breaker.record(-1, ACCEPTED, 0.0)
    for _ in range(steps):
        await asyncio.sleep(0)
    one.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert one.cancelled()


async def test_how_long_meta_asks_for_patience_is_known_and_a_refused_token_asks_for_none(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    assert breaker.throttled_s == 0
    breaker.record(await breaker.acquire(), THROTTLED, 90.0)
    clock.now += 30
    assert breaker.throttled_s == 60
    clock.now += 600
    assert breaker.throttled_s == 0
    breaker.record(await breaker.acquire(), SETUP, 0.0)
    assert breaker.throttled_s == 0
