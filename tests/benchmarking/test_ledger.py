"""The oracle of a benchmark finds what would make its speed a lie."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.ledger import Answer, NotHonest, Report, demand, judge, number_of, read_answers

# Seven events in three partitions: 0 3 6 | 1 4 | 2 5
EVENTS, PARTITIONS = 7, 3
DONE = {0: 3, 1: 2, 2: 2}


def judged(
    accepted: Any = range(EVENTS), committed: Any = DONE, letters: int = 0, to_drain: Any = None
) -> Report:
    return judge(EVENTS, PARTITIONS, accepted, committed, letters, to_drain=to_drain)


def test_a_run_in_order_holds() -> None:
    assert judged() == Report(accepted=7, lost=0, strays=0, twice=0, letters=0, unread=0)
    assert demand(judged()).holds


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ({"accepted": [0, 1, 2, 3, 5, 6]}, {"lost": 1}),
        ({"accepted": [0, 1, 2, 3, 5, 5, 6]}, {"lost": 1, "twice": 1}),
        ({"accepted": [*range(EVENTS), 7]}, {"strays": 1}),
        ({"accepted": [*range(EVENTS), -1]}, {"strays": 1}),
        ({"letters": 1}, {"letters": 1}),
        ({"committed": {0: 3, 1: 2, 2: 1}}, {"unread": 1}),
        ({"committed": {}}, {"unread": 7}),
        ({"accepted": [], "committed": {}, "to_drain": 4}, {"accepted": 0, "unread": 4}),
    ],
    ids=[
        "a lost event",
        "one lost and another twice: the count alone would not tell",
        "an event that was never produced",
        "an id that is not ours",
        "a dead letter",
        "a backlog that was not drained",
        "nothing committed",
        "nothing done",
    ],
)
def test_a_planted_fault_is_found_and_the_speed_is_refused(
    planted: dict[str, Any], found: dict[str, Any]
) -> None:
    report = judged(**planted)
    assert {name: getattr(report, name) for name in found} == found
    assert not report.holds
    with pytest.raises(NotHonest, match="counts for nothing"):
        demand(report)


def test_twice_is_counted_and_harmless() -> None:
    report = judged(accepted=[*range(EVENTS), 4, 4])
    assert (report.twice, report.holds) == (2, True)


def test_of_a_part_only_what_is_committed_must_have_been_accepted() -> None:
    assert judged(accepted=[0, 1, 3], committed={0: 2, 1: 1}, to_drain=3).holds
    assert judged(accepted=[0, 1], committed={0: 2, 1: 1}, to_drain=3).lost == 1


def test_what_was_to_be_drained_must_be_committed() -> None:
    assert judged(accepted=[0, 1, 3], committed={0: 1, 1: 1}, to_drain=3).unread == 1


def test_answers_are_read_up_to_the_last_whole_line() -> None:
    lines = b'{"answered_at":5.5,"event_ids":["e-000000007","e-000000008"]}\n{"answered_at":6'
    assert read_answers(lines) == [Answer(5.5, [7, 8])]


@pytest.mark.parametrize(("event_id", "number"), [("e-000000012", 12), ("12", -1), ("e-x", -1), ("", -1)])
def test_an_id_says_its_number(event_id: str, number: int) -> None:
    assert number_of(event_id) == number
