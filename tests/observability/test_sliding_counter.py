"""The last words, counted."""

from __future__ import annotations

import pytest

from consumer.observability.filter_alarm import SlidingCounter

STEPS = [
    # words that come, then: how many of each, is it full
    ("", {}, False),
    ("aab", {"a": 2, "b": 1}, False),
    ("b", {"a": 2, "b": 2}, True),
    ("bb", {"b": 4}, True),
    ("cdefg", {"d": 1, "e": 1, "f": 1, "g": 1}, True),
]


def test_the_oldest_leave_when_there_are_too_many() -> None:
    window: SlidingCounter[str] = SlidingCounter(4)
    for words, counts, is_full in STEPS:
        window.append(words)
        assert window.counts() == counts
        assert len(window) == sum(counts.values())
        assert window.is_full is is_full


@pytest.mark.parametrize(("asked", "count"), [("a", 1), ("ab", 3), ("xyz", 0), ("bx", 2), ("", 0)])
def test_several_words_are_counted_together(asked: str, count: int) -> None:
    window: SlidingCounter[str] = SlidingCounter(10)
    window.append("abbc")
    assert window.count(asked) == count
