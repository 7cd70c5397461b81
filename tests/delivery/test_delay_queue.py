"""An event waits until its time plus the hold, never longer than the hold, and for no clock that jumps."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.delay_queue import DelayQueue

NOW_S = 1_700_000_000
MONOTONIC_S = 50.0


class Item(NamedTuple):
    """An event by its name and its time."""

    name: str
    event_time_s: int


# send_delay_s, the event's time as seconds before (-) or after (+) now, how long it is kept (0: not at all)
WAITS = [
    (3.0, 0, 3.0),
    (3.0, -1, 2.0),
    (3.0, -2, 1.0),
    (3.0, -3, 0),
    (3.0, -4, 0),
    (3.0, -86_400, 0),
    (0.5, 0, 0.5),
    (0.5, -1, 0),
    # A clock that is ahead of ours, as far as an event may be: never longer than the queue.
    (3.0, 1, 3.0),
    (3.0, 300, 3.0),
    (86_400.0, 0, 86_400.0),
    (86_400.0, -86_399, 1.0),
    (0.0, 0, 0),
    (0.0, 300, 0),
]


@pytest.mark.parametrize(("send_delay_s", "ahead_s", "kept_s"), WAITS)
def test_how_long_an_event_is_kept(send_delay_s: Any, ahead_s: Any, kept_s: Any) -> None:
    queue: DelayQueue[Item] = DelayQueue(send_delay_s)
    item = Item("a", NOW_S + ahead_s)
    passed = queue.push([item], NOW_S, MONOTONIC_S)
    if not kept_s:
        assert (list(passed), len(queue), queue.next_due_s) == ([item], 0, None)
        return
    assert (list(passed), len(queue), queue.next_due_s) == ([], 1, MONOTONIC_S + kept_s)
    assert queue.pop_due(MONOTONIC_S + kept_s - 0.001) == []
    assert queue.pop_due(MONOTONIC_S + kept_s) == [item]
    assert (len(queue), queue.next_due_s) == (0, None)


def test_the_picture_of_the_module_is_true() -> None:
    queue: DelayQueue[Item] = DelayQueue(10.0)
    queue.push([Item("a", NOW_S - 4)], NOW_S, MONOTONIC_S)
    assert queue.next_due_s == MONOTONIC_S + 6


def test_those_that_need_not_wait_pass_in_their_order_and_the_others_stay() -> None:
    queue: DelayQueue[Item] = DelayQueue(5.0)
    old, new, older = Item("old", NOW_S - 9), Item("new", NOW_S), Item("older", NOW_S - 99)
    assert list(queue.push([old, new, older], NOW_S, MONOTONIC_S)) == [old, older]
    assert len(queue) == 1


def test_what_is_due_comes_by_its_time_and_what_is_due_together_in_the_order_it_was_taken() -> None:
    queue: DelayQueue[Item] = DelayQueue(10.0)
    items = [Item("late", NOW_S), Item("b", NOW_S - 5), Item("a", NOW_S - 5), Item("early", NOW_S - 9)]
    queue.push(items, NOW_S, MONOTONIC_S)
    assert [item.name for item in queue.pop_due(MONOTONIC_S + 5)] == ["early", "b", "a"]
    assert [item.name for item in queue.pop_due(MONOTONIC_S + 10)] == ["late"]


def test_a_wall_clock_that_is_set_back_or_forward_changes_nothing_for_what_is_kept() -> None:
    queue: DelayQueue[Item] = DelayQueue(3.0)
    first, later = Item("first", NOW_S), Item("later", NOW_S)
    queue.push([first], NOW_S, MONOTONIC_S)
    queue.push([later], NOW_S - 3_600, MONOTONIC_S + 1)  # set back an hour
    assert queue.pop_due(MONOTONIC_S + 3) == [first]
    assert queue.pop_due(MONOTONIC_S + 4) == [later]
    assert list(queue.push([Item("now", NOW_S)], NOW_S + 3_600, MONOTONIC_S + 5)) == [Item("now", NOW_S)]


def test_what_is_dropped_is_never_due_and_the_others_keep_their_times() -> None:
    queue: DelayQueue[Item] = DelayQueue(10.0)
    items = [Item(name, NOW_S - age) for name, age in (("a", 1), ("b", 9), ("c", 5), ("d", 2))]
    queue.push(items, NOW_S, MONOTONIC_S)
    dropped = queue.discard(lambda item: item.name in "bd")
    assert sorted(item.name for item in dropped) == ["b", "d"]
    assert (len(queue), queue.next_due_s) == (2, MONOTONIC_S + 5)
    assert [item.name for item in queue.pop_due(MONOTONIC_S + 99)] == ["c", "a"]


def test_dropping_nothing_drops_nothing() -> None:
    queue: DelayQueue[Item] = DelayQueue(10.0)
    assert queue.discard(lambda _: True) == []
    queue.push([Item("a", NOW_S)], NOW_S, MONOTONIC_S)
    assert queue.discard(lambda _: False) == []
    assert len(queue) == 1


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 5)), max_size=30),
    st.floats(0, 10, allow_nan=False),
)
def test_every_event_leaves_once_in_time_and_never_before(given: Any, send_delay_s: Any) -> None:
    """Taken at any instants, with any times: all come out, none early by its time, none kept too long."""
    queue: DelayQueue[Item] = DelayQueue(send_delay_s)
    clock, out = 0.0, []
    waiting = {}
    for number, (ahead_s, later_s) in enumerate(given):
        clock += later_s
        out += [(item, clock) for item in queue.pop_due(clock)]
        item = Item(str(number), NOW_S + ahead_s)
        waiting[item] = clock
        out += [(item, clock) for item in queue.push([item], NOW_S + clock, clock)]
    while (due_s := queue.next_due_s) is not None:
        clock = max(clock, due_s)
        out += [(item, clock) for item in queue.pop_due(clock)]
    assert sorted(item.name for item, _ in out) == sorted(item.name for item in waiting)
    slack = 1e-5  # unix seconds as a float are that coarse
    for item, left_s in out:
        taken_s = waiting[item]
        assert left_s - taken_s <= send_delay_s + 5 + slack  # looked at every five seconds at the least
        assert left_s >= min(item.event_time_s - NOW_S + send_delay_s, taken_s + send_delay_s) - slack
