"""Partitions are paused at a limit and resumed below half of it; one that is far ahead is paused alone."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.record import Partition
from consumer.kafka.backpressure import Backpressure

P0, P1 = Partition("events", 0), Partition("events", 1)
NONE: tuple[set[Partition], bool] = (set(), False)
ALL = ({P0, P1}, True)


def paused(
    backpressure: Backpressure,
    events: int = 0,
    size: int = 0,
    spans: tuple[int, int] = (0, 0),
    is_dlq_breaker_open: bool = False,
) -> tuple[set[Partition], bool]:
    partitions = dict(zip((P0, P1), spans, strict=True))
    found = backpressure.update(events, size, partitions, is_dlq_breaker_open=is_dlq_breaker_open)
    return set(found.partitions), found.new


# Each a series of looks at one backpressure: 10 events, 1,000 bytes.
FULL = [
    # events, bytes, held
    [(0, 0, NONE)],
    [(9, 999, NONE), (10, 0, ALL)],
    [(9, 999, NONE), (0, 1_000, ALL)],
    [(11, 0, ALL), (5, 0, ALL), (4, 0, NONE), (9, 0, NONE), (10, 0, ALL)],
    [(0, 1_001, ALL), (0, 500, ALL), (0, 499, NONE), (0, 999, NONE)],
    [(10, 0, ALL), (0, 500, ALL), (4, 499, NONE)],  # one limit holds what the other began to hold
]


@pytest.mark.parametrize("looks", FULL)
def test_all_are_held_at_a_limit_and_read_again_below_half_of_it(looks: Any) -> None:
    backpressure = Backpressure(10, 1_000)
    for events, size, expected in looks:
        assert paused(backpressure, events, size) == expected, (events, size)


ONE, OTHER, BOTH = ({P0}, False), ({P1}, False), ({P0, P1}, False)
FAR_AHEAD = [
    # how far each is ahead, held
    [((9, 9), NONE), ((10, 0), ONE)],
    [((12, 9), ONE), ((5, 9), ONE), ((4, 9), NONE), ((9, 9), NONE)],
    [((10, 10), BOTH), ((4, 5), OTHER), ((5, 4), NONE)],
]


@pytest.mark.parametrize("looks", FAR_AHEAD)
def test_one_that_is_far_ahead_is_held_alone_and_read_again_below_half(looks: Any) -> None:
    backpressure = Backpressure(10, 1_000)
    for ahead, expected in looks:
        assert paused(backpressure, spans=ahead) == expected, ahead


def test_the_brake_holds_all_and_ends_without_half() -> None:
    backpressure = Backpressure(10, 1_000)
    assert paused(backpressure, 9, 999, is_dlq_breaker_open=True) == ALL
    assert paused(backpressure, 9, 999) == NONE


def test_while_all_are_held_it_is_known_which_one_is_far_ahead() -> None:
    backpressure = Backpressure(10, 1_000)
    assert paused(backpressure, is_dlq_breaker_open=True, spans=(10, 0)) == ALL
    assert paused(backpressure, spans=(5, 5)) == ONE


def test_a_partition_that_was_away_is_not_held_for_what_it_was() -> None:
    backpressure = Backpressure(10, 1_000)
    assert paused(backpressure, spans=(10, 0)) == ONE
    backpressure.update(0, 0, {P1: 0}, is_dlq_breaker_open=False)
    assert paused(backpressure, spans=(5, 0)) == NONE


def test_without_partitions_what_comes_is_held_all_the_same() -> None:
    found = Backpressure(10, 1_000).update(10, 0, {}, is_dlq_breaker_open=False)
    assert (set(found.partitions), found.new) == (set(), True)
