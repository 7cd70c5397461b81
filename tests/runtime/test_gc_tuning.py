"""Python's own collector, while events pass by the thousand."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from consumer.runtime import app


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Circle:
    """Only the collector finds it."""

    def __init__(self) -> None:
        self.self = self
        self.neighbours: list[object] = []


def looks() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


def test_what_passes_by_the_thousand_is_not_looked_through() -> None:
    app.tune()
    before = looks()
    in_flight = [Circle() for _ in range(10_000)]
    assert looks() == before
    assert len(in_flight) == 10_000


def test_what_was_there_at_start_is_looked_at_no_more() -> None:
    app.tune()
    assert gc.get_freeze_count() > 10_000


def test_what_refers_to_itself_goes_all_the_same() -> None:
    app.tune()
    before = looks()
    for _ in range(app.YOUNG_OBJECTS):
        Circle()
    assert looks() > before
    assert sum(isinstance(one, Circle) for one in gc.get_objects()) < app.YOUNG_OBJECTS
