"""Percentiles of what each event waited."""

from __future__ import annotations

import pytest

from benchmarks.drain import rate
from benchmarks.latency import percentile, waits_ms
from benchmarks.ledger import Answer


def test_an_event_has_waited_until_it_was_accepted_first() -> None:
    answers = [Answer(12.0, [1, 0]), Answer(11.5, [1])]
    assert sorted(waits_ms([10.0, 11.0], answers)) == [500.0, 2000.0]


@pytest.mark.parametrize(("share", "found"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, found: int) -> None:
    assert percentile(list(range(1, 101)), share) == found


def test_the_rate_is_that_between_the_first_answer_and_the_last() -> None:
    answers = [Answer(12.0, [0] * 300), Answer(10.0, [0] * 1000), Answer(11.0, [0] * 500)]
    assert rate(answers) == 400.0
