"""A batch that fails, judged by how the others fare."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.delivery.poison_detection import NEVER, History, Others

STUCK_AFTER_S = 300.0
# Second 0 is when the batch fails for the first time; from then on it fails every 30 s.
EVERY_S = 30.0


def others_at(fates: Any) -> list[Any]:
    """Others, of which each first request came back at its second: + answered and accepted, - failed."""
    return [(float(at), fate == "+") for at, fate in fates]


def row(fates: Any, until_s: Any, events: int = 8, history: Any = None, accepted: Any = ()) -> Any:
    """The history of a batch that fails from 0 to `until_s` beside these others, and the others."""
    others, history = Others(), history or History()
    news = sorted(fates + [(at, None) for at in accepted])
    now = 0.0
    others.answered_first(now, is_answered=False)  # its own first
    while now <= until_s:
        while news and news[0][0] <= now:
            at, is_answered = news.pop(0)
            if is_answered is not None:
                others.answered_first(at, is_answered=is_answered)
            if is_answered is not False:
                others.accepted(at)
        history = history.failed(now, others, events, STUCK_AFTER_S)
        now += EVERY_S
    return history, others, now - EVERY_S


def is_its_own_fault(fates: Any, until_s: Any, events: int = 8, **more: Any) -> Any:
    history, others, now = row(others_at(fates), until_s, events, **more)
    return history.is_its_own_fault(now, others, events, STUCK_AFTER_S)


def each(seconds: Any, fates: Any) -> list[Any]:
    """These fates in turn, one every so many seconds from the first second on, for half an hour."""
    return [(1 + n * seconds, fates[n % len(fates)]) for n in range(int(1800 / seconds))]


JUDGED = [
    # how the others fare, and from which second on it is its own fault; None: never in half an hour
    ("all are answered", each(1, "+"), 330),
    ("all are answered, one a minute", each(60, "+"), 330),
    ("one every five minutes: too few, until there are five", each(300, "+"), 1230),
    ("nobody else is there", [], None),
    ("all fail", each(1, "-"), None),
    ("one of twenty is answered", each(1, "+" + "-" * 19), None),
    ("half of them are answered", each(1, "+-"), None),
    ("two of three are answered", each(1, "++-"), 330),
    ("three bad ones first, then all are answered", [(n, "-") for n in (1, 2, 3)] + each(5, "+"), 330),
    ("an outage of ten minutes first", each(20, "-")[:30] + [(600 + n, "+") for n in range(1, 999)], 930),
    ("an outage that begins before it is stuck", each(1, "+")[:99] + each(1, "-")[99:], None),
]


@pytest.mark.parametrize(("says", "fates", "judged_at"), JUDGED, ids=[says for says, _, _ in JUDGED])
def test_a_batch_is_at_fault_when_it_fails_for_long_while_most_others_are_answered(
    says: Any, fates: Any, judged_at: Any
) -> None:
    found = [second for second in range(0, 1801, 30) if is_its_own_fault(fates, second)]
    assert (found[0] if found else None) == judged_at


def test_its_own_first_request_is_not_among_the_others() -> None:
    others = Others()
    others.answered_first(0.0, is_answered=False)
    history = History().failed(0.0, others, 8, STUCK_AFTER_S)
    assert others.since(history.failing_since) == (0, 0)


def test_only_the_last_ten_others_count() -> None:
    others = Others()
    for second in range(1, 21):
        others.answered_first(float(second), is_answered=second <= 15)
    assert others.since(0.0) == (5, 5)
    assert others.since(18.0) == (0, 2)


def test_it_is_stuck_by_time_alone() -> None:
    """Be it Meta's fault or its own: it gives its slot to others."""
    history = History().failed(0.0, Others(), 8, STUCK_AFTER_S)
    assert not history.is_stuck(299.0, STUCK_AFTER_S)
    assert history.is_stuck(300.0, STUCK_AFTER_S)
    assert not History().is_stuck(1e9, STUCK_AFTER_S)


def test_an_answer_of_another_kind_ends_the_row() -> None:
    history, _, _ = row(others_at(each(1, "+")), 330)
    assert history.attempts == 12
    assert history.answered() == History(13)


WELL = others_at(each(1, "+")[:300])


def test_a_part_is_at_fault_when_something_was_accepted_since_it_was_cut() -> None:
    history, others, now = row(WELL, 330)
    part = history.cut(now, 4).failed(now + 1, others, 4, STUCK_AFTER_S)
    assert not part.is_its_own_fault(now + 1, others, 4, STUCK_AFTER_S)
    others.accepted(now + 2)
    assert part.is_its_own_fault(now + 2, others, 4, STUCK_AFTER_S)


def test_a_part_of_one_event_begins_to_be_a_suspect_anew() -> None:
    """Its neighbours failed with it: what it does alone is not known."""
    history, others, now = row(WELL, 330)
    part = history.cut(now, 1).failed(now + 1, others, 1, STUCK_AFTER_S)
    assert part.is_stuck(now + 1, STUCK_AFTER_S)
    assert not part.is_suspect(now + 300, others, STUCK_AFTER_S)
    assert part.is_suspect(now + 301, others, STUCK_AFTER_S)


LONE = [
    # at which seconds something is accepted, and how many of its failures count
    ("nothing more", [], 0),
    ("twice between two failures", [331, 332], 1),
    ("once between each", [331, 361, 391, 421, 451], 5),
    ("not after the last of them", [331, 361, 391, 421], 4),
]


@pytest.mark.parametrize(("says", "accepted", "failures"), LONE, ids=[says for says, _, _ in LONE])
def test_one_event_is_at_fault_after_five_failures_with_an_acceptance_before_each(
    says: Any, accepted: Any, failures: Any
) -> None:
    history, others, now = row(WELL, 480, events=1, accepted=accepted)
    assert history.lone_failures == failures
    assert history.is_its_own_fault(now, others, 1, STUCK_AFTER_S) is (failures >= 5)


def test_what_does_not_fail_has_failed_never() -> None:
    assert History()[1:4] == (NEVER, NEVER, NEVER)


LACKS = [
    # how the others fare, until when it fails, of how many events, whether it takes more of them
    ("not stuck yet", [], 299, 8, False),
    ("nobody else is there", [], 330, 8, True),
    ("too few", each(100, "+"), 330, 8, True),
    ("all fail", each(1, "-"), 330, 8, True),
    ("it can be taken apart", each(1, "+"), 330, 8, False),
    ("alone: the next failure needs one more", each(1, "+"), 330, 1, True),
]


@pytest.mark.parametrize(
    ("says", "fates", "until_s", "events", "lacks"), LACKS, ids=[one[0] for one in LACKS]
)
def test_a_stuck_one_lacks_others_where_more_of_them_would_tell(
    says: Any, fates: Any, until_s: Any, events: Any, lacks: Any
) -> None:
    history, others, now = row(others_at(fates), until_s, events)
    assert history.lacks_others(now, others, events, STUCK_AFTER_S) is lacks


def test_a_part_lacks_others_until_something_was_accepted_since_it_was_cut() -> None:
    history, others, now = row(WELL, 330)
    part = history.cut(now, 4).failed(now + 1, others, 4, STUCK_AFTER_S)
    assert part.lacks_others(now + 1, others, 4, STUCK_AFTER_S)
    others.accepted(now + 2)
    assert not part.lacks_others(now + 2, others, 4, STUCK_AFTER_S)


def test_one_event_that_has_to_fail_for_longer_lacks_time_and_not_others() -> None:
    history, others, now = row(WELL, 330)
    part = history.cut(now, 1).failed(now + 1, others, 1, STUCK_AFTER_S)
    assert not part.lacks_others(now + 1, others, 1, STUCK_AFTER_S)
