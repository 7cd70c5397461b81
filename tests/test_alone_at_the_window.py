"""A stuck event in the only partition: our own window ends the traffic that would show whose fault it is."""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

import pytest
from support.delivery import PARTITION
from support.outage_model import Outage
from support.virtual_time import run

from consumer.kafka.backpressure import Backpressure

WINDOW = 1_000
BATCH = 10
HOUR_S = 3600
POLL = 100


async def read_on(
    outage: Any, intake: Any, seconds: Any, is_bad: Any = lambda offset: False, letters: Any = math.inf
) -> int:
    """
    Poll once a second, as the worker does, a log that has no end. How far ahead it came at most.

    It is enough when there are so many letters, and nothing is in flight.
    """
    furthest = 0
    for _ in range(seconds):
        if len(outage.letters.written) >= letters and not outage.tracker.events_in_flight:
            break
        ahead = outage.tracker.uncommittable(PARTITION)
        furthest = max(furthest, ahead)
        held = intake.look(
            outage.tracker.events_in_flight,
            outage.tracker.bytes_in_flight,
            {PARTITION: ahead},
            is_braked=False,
            asked=outage.delivery.asked,
        )
        if not held.partitions:
            first = outage.taken
            outage.accept(
                *(b"stuck" if is_bad(first + n) else b"good" for n in range(intake.poll_records(POLL)))
            )
        await asyncio.sleep(1)
    return furthest


def scene() -> tuple[Outage, Backpressure]:
    outage = Outage(events_max=BATCH)
    outage.meta.fails = lambda body: b"stuck" in body
    return outage, Backpressure(WINDOW, 10**9)


PLACES = [
    # which events are stuck
    [9],
    [0],
    [0, 9],  # in both halves of a batch
    [3, 14, 25, 36, 47],  # in each of five batches
    [3, 1_002],  # among those that came because they were asked for
]


@pytest.mark.parametrize("places", PLACES, ids=str)
def test_a_stuck_event_in_the_only_partition_ends_and_the_partition_goes_on(places: Any) -> None:
    async def hours() -> None:
        outage, intake = scene()
        furthest = await read_on(outage, intake, 2 * HOUR_S, places.__contains__, len(places))
        assert sorted(outage.letters.written) == places
        assert WINDOW < furthest < 2 * WINDOW
        assert outage.tracker.span_in_flight(PARTITION) == 0

    run(hours())


@pytest.mark.parametrize("healthy_s", [5, 100, 400, 700])
def test_an_outage_that_follows_ends_none_of_the_good_ones_and_takes_little_in(healthy_s: int) -> None:
    async def hours() -> None:
        outage, intake = scene()
        await read_on(outage, intake, healthy_s, [3, 7].__contains__)
        outage.meta.fails = lambda body: True
        furthest = await read_on(outage, intake, 12 * HOUR_S)
        assert outage.letters.written == []
        assert furthest < 1.2 * WINDOW
        outage.meta.fails = lambda body: b"stuck" in body
        await read_on(outage, intake, 2 * HOUR_S, letters=2)
        assert sorted(outage.letters.written) == [3, 7]
        assert outage.tracker.span_in_flight(PARTITION) == 0

    run(hours())


def test_a_brown_out_that_follows_ends_none_of_the_good_ones() -> None:
    async def hours() -> None:
        outage, intake = scene()
        chance = random.Random(7)
        await read_on(outage, intake, 100, [3].__contains__)
        outage.meta.fails = lambda body: b"stuck" in body or chance.random() < 0.95
        await read_on(outage, intake, 6 * HOUR_S)
        assert set(outage.letters.written) <= {3}

    run(hours())
