"""Asked once per pause while something is accepted; at longer and longer pauses while nothing is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from consumer.delivery.asking import PAUSE_S_MAX, Asking

NEVER = float("-inf")
PAUSE_S = 30.0


def asked_at(until_s: Any, accepted_at: Any = lambda now: NEVER, asking: Any = None) -> list[int]:
    """The seconds at which it was asked, by one that would ask every second."""
    asking, found = asking or Asking(PAUSE_S), []
    for now in range(int(until_s)):
        before = asking.asked
        asking.ask(float(now), accepted_at(now))
        if asking.asked > before:
            found.append(now)
    return found


def test_while_something_is_accepted_it_is_asked_once_per_pause() -> None:
    assert asked_at(100, accepted_at=lambda now: now - 1.0) == [0, 30, 60, 90]


def test_while_nothing_is_accepted_the_pauses_grow_to_an_hour() -> None:
    times = asked_at(86_400)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[:4] == [60, 120, 240, 480]
    assert set(pauses[6:]) == {PAUSE_S_MAX}


def test_what_is_accepted_ends_the_long_pauses() -> None:
    asking = Asking(PAUSE_S)
    for now in (0.0, 60.0, 180.0):
        asking.ask(now, NEVER)
    assert asking.asked == 3
    asking.ask(209.0, 190.0)
    assert asking.asked == 3
    asking.ask(210.0, 190.0)
    assert asking.asked == 4
