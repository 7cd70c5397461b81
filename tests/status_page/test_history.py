"""Totals become rates, bounded, and each watcher gets what it has not seen."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.status_page.history import CounterSample, History, RateSample

NOTHING = CounterSample(0, 0, 0, 0, 0, None)


def test_the_first_reading_makes_no_point() -> None:
    history = History()
    history.append(NOTHING, 1000.0, 1.0)
    assert (history.made, history.since(0)) == (0, [])


RATES = [
    # seconds between the readings, what came meanwhile, the rates
    (2.0, CounterSample(20, 10, 4, 2, 1, 7.0), (10.0, 5.0, 2.0, 1.0, 0.5, 7.0)),
    (4.0, CounterSample(20, 10, 4, 2, 1, None), (5.0, 2.5, 1.0, 0.5, 0.25, None)),
    (3.0, CounterSample(1, 0, 0, 0, 0, 0.0), (0.333, 0.0, 0.0, 0.0, 0.0, 0.0)),
]


@pytest.mark.parametrize(("seconds", "totals", "rates"), RATES)
def test_a_point_is_the_rate_between_two_readings_and_the_lag_at_the_second(
    seconds: Any, totals: Any, rates: Any
) -> None:
    history = History()
    history.append(NOTHING, 1000.0, 50.0)
    history.append(totals, 1000.0 + seconds, 50.0 + seconds)
    assert history.since(0) == [RateSample(1000.0 + seconds, *rates)]


def test_a_clock_that_is_set_back_changes_no_rate() -> None:
    history = History()
    history.append(NOTHING, 1000.0, 50.0)
    history.append(CounterSample(20, 0, 0, 0, 0, None), 10.0, 52.0)
    assert history.since(0)[0].consumed == 10.0


def test_two_readings_at_one_moment_make_no_point() -> None:
    history = History()
    history.append(NOTHING, 1000.0, 50.0)
    history.append(CounterSample(20, 0, 0, 0, 0, None), 1000.0, 50.0)
    assert history.made == 0


def seconds_of(history: Any, seen: Any) -> list[Any]:
    return [point.at_s for point in history.since(seen)]


def test_old_points_go_and_who_missed_them_gets_the_rest() -> None:
    history = History(span_s=6.0, every_s=2.0)
    for second in range(0, 12, 2):
        history.append(NOTHING, float(second), float(second))
    assert history.made == 5
    assert seconds_of(history, 0) == [6.0, 8.0, 10.0]
    assert seconds_of(history, 4) == [10.0]
    assert seconds_of(history, 5) == []
