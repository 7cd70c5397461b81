"""Held at a limit, read again below half of it; one that is far ahead is held alone."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.record import Partition
from consumer.kafka.backpressure import Backpressure

P0, P1 = Partition("events", 0), Partition("events", 1)
NONE, ALL = (set(), False), ({P0, P1}, True)


def held(
    intake: Any, events: int = 0, size: int = 0, ahead: Any = (0, 0), is_braked: bool = False, asked: int = 0
) -> Any:
    partitions = dict(zip((P0, P1), ahead, strict=True))
    found = intake.update(events, size, partitions, is_braked=is_braked, asked=asked)
    return set(found.partitions), found.new


# Each a series of looks at one intake: 10 events, 1,000 bytes.
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
    intake = Backpressure(10, 1_000)
    for events, size, expected in looks:
        assert held(intake, events, size) == expected, (events, size)


ONE, OTHER, BOTH = ({P0}, False), ({P1}, False), ({P0, P1}, False)
FAR_AHEAD = [
    # how far each is ahead, held
    [((9, 9), NONE), ((10, 0), ONE)],
    [((12, 9), ONE), ((5, 9), ONE), ((4, 9), NONE), ((9, 9), NONE)],
    [((10, 10), BOTH), ((4, 5), OTHER), ((5, 4), NONE)],
]


@pytest.mark.parametrize("looks", FAR_AHEAD)
def test_one_that_is_far_ahead_is_held_alone_and_read_again_below_half(looks: Any) -> None:
    intake = Backpressure(10, 1_000)
    for ahead, expected in looks:
        assert held(intake, ahead=ahead) == expected, ahead


def test_the_brake_holds_all_and_ends_without_half() -> None:
    intake = Backpressure(10, 1_000)
    assert held(intake, 9, 999, is_braked=True) == ALL
    assert held(intake, 9, 999) == NONE


def test_while_all_are_held_it_is_known_which_one_is_far_ahead() -> None:
    intake = Backpressure(10, 1_000)
    assert held(intake, is_braked=True, ahead=(10, 0)) == ALL
    assert held(intake, ahead=(5, 5)) == ONE


def test_a_partition_that_was_away_is_not_held_for_what_it_was() -> None:
    intake = Backpressure(10, 1_000)
    assert held(intake, ahead=(10, 0)) == ONE
    intake.update(0, 0, {P1: 0}, is_braked=False)
    assert held(intake, ahead=(5, 0)) == NONE


def test_without_partitions_what_comes_is_held_all_the_same() -> None:
    found = Backpressure(10, 1_000).update(10, 0, {}, is_braked=False)
    assert (set(found.partitions), found.new) == (set(), True)


ASKED = [
    # how often it was asked, how far each is ahead, held
    [(0, (10, 0), ONE), (1, (10, 0), NONE), (1, (10, 0), NONE), (1, (11, 0), ONE), (2, (11, 0), NONE)],
    [(1, (9, 0), NONE), (1, (10, 0), ONE)],  # it was not far ahead when it was asked
    [(1, (10, 10), NONE), (1, (10, 11), BOTH)],  # of whichever something came
    [(1, (10, 3), NONE), (1, (10, 4), ONE)],
    [(1, (10, 0), NONE), (1, (4, 0), NONE), (1, (10, 0), ONE)],
    [(1, (19, 0), NONE), (2, (20, 0), ONE), (3, (20, 0), ONE)],  # not at twice the limit
]


@pytest.mark.parametrize("looks", ASKED)
def test_what_is_asked_for_is_read_past_the_limit_until_something_came(looks: Any) -> None:
    intake = Backpressure(10, 1_000)
    for asked, ahead, expected in looks:
        assert held(intake, ahead=ahead, asked=asked) == expected, (asked, ahead)


def test_what_is_asked_for_is_held_like_all_when_it_is_full_or_braked() -> None:
    intake = Backpressure(10, 1_000)
    assert held(intake, events=10, ahead=(10, 0), asked=1) == ALL
    assert held(intake, ahead=(10, 0), asked=2, is_braked=True) == ALL


def test_only_a_few_records_are_read_at_once_past_the_limit() -> None:
    intake = Backpressure(20_000, 1_000)
    assert intake.poll_records(500) == 500
    held(intake, ahead=(20_000, 0), asked=1)
    assert (intake.poll_records(500), intake.poll_records(10)) == (50, 10)
    held(intake, ahead=(20_050, 0), asked=1)
    assert intake.poll_records(500) == 500
    few = Backpressure(10, 1_000)
    held(few, ahead=(10, 0), asked=1)
    assert few.poll_records(500) == 1
