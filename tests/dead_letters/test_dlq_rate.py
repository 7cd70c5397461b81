"""When the brake comes on, when not, and when it comes on again after it was released."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.dead_letters.dlq_breaker import DeadLetterRate
from consumer.domain.decision import Reason

SENT = ACCEPTED = None
BAD, FILTERED = Reason.NOT_JSON, Reason.NO_CONSENT
REFUSED, STUCK = Reason.REJECTED, Reason.POISON_EVENT


def on_at(flood: Any, reasons: Any, tell: Any) -> int | None:
    """At which record, told one at a time and counted from 1, the brake comes on; None: at none."""
    for number, reason in enumerate(reasons, 1):
        tell([reason])
        if flood.is_on:
            return number
    return None


def every(number: Any, reason: Any, other: Any, of: Any) -> list[Any]:
    """One in `number` is of one kind, the rest of another."""
    return [reason if place % number == 0 else other for place in range(of)]


DECIDED = [
    # records before, then these, one by one; on at which of these
    ("all bad from the start: 99 letters, and the 100th is held", [], [BAD] * 200, 100),
    ("99 bad records and no more", [], [BAD] * 99, None),
    ("99 bad ones, then good ones for ever", [], [BAD] * 99 + [SENT] * 5_000, None),
    ("fewer than 100 good ones before", [SENT] * 99, [BAD] * 200, 100),
    ("more than 100 good ones before: half of all so far", [SENT] * 150, [BAD] * 200, 150),
    ("999 good ones before", [SENT] * 999, [BAD] * 600, 500),
    ("a burst after ten thousand good ones", [SENT] * 10_000, [BAD] * 600, 500),
    ("a burst of 499", [SENT] * 10_000, [BAD] * 499 + [SENT] * 2_000, None),
    ("two bursts of 250 within 1,000", [SENT] * 10_000, [BAD] * 250 + [SENT] * 500 + [BAD] * 250, 1_000),
    ("two bursts of 250 over 1,001", [SENT] * 10_000, [BAD] * 250 + [SENT] * 501 + [BAD] * 250, None),
    ("one in ten is bad", [], every(10, BAD, SENT, 50_000), None),
    ("one in three is bad", [], every(3, BAD, SENT, 50_000), None),
    ("every other is bad: the 100th bad one", [], every(2, BAD, SENT, 1_000), 199),
    ("filtered ones are no letters", [], [FILTERED] * 5_000, None),
    ("filtered ones count as records", [FILTERED] * 10_000, [BAD] * 600, 500),
    ("any reason of a letter counts", [], [BAD, Reason.PURCHASE_WITHOUT_VALUE] * 100, 100),
]


@pytest.mark.parametrize(
    ("before", "then", "at"), [row[1:] for row in DECIDED], ids=[row[0] for row in DECIDED]
)
def test_invalid_records_put_the_brake_on_at(before: Any, then: Any, at: Any) -> None:
    flood = DeadLetterRate()
    flood.record_decisions(before)
    assert not flood.is_on
    assert on_at(flood, then, flood.record_decisions) == at


ANSWERED = [
    # records decided, answers before, then these answers one by one; on at which of these
    ("all refused from the start", [SENT] * 1_000, [], [REFUSED] * 200, 100),
    ("few records, all refused", [SENT] * 100, [], [REFUSED] * 100, 100),
    ("99 records, all refused", [SENT] * 99, [], [REFUSED] * 99, None),
    ("all of them stuck", [SENT] * 1_000, [], [STUCK] * 200, 100),
    ("after a thousand accepted", [SENT] * 1_000, [ACCEPTED] * 5_000, [REFUSED] * 600, 500),
    ("one in ten is refused", [SENT] * 1_000, [], every(10, REFUSED, ACCEPTED, 50_000), None),
    ("every other is refused", [SENT] * 1_000, [], every(2, REFUSED, ACCEPTED, 1_000), 199),
    ("half is filtered, and all others are refused", [SENT, FILTERED] * 500, [], [REFUSED] * 200, 100),
    ("more than half is filtered: no flood", [SENT, FILTERED, FILTERED] * 400, [], [REFUSED] * 5_000, None),
    ("4 in 10 are invalid, and of the others 1 in 10 refused: 46 %", [BAD, BAD, SENT, SENT, SENT] * 400, [],
     every(10, REFUSED, ACCEPTED, 5_000), None),
    ("4 in 10 are invalid, and of the others 1 in 5 refused: 52 %", [BAD, BAD, SENT, SENT, SENT] * 400,
     [ACCEPTED] * 1_000, every(5, REFUSED, ACCEPTED, 5_000), 831),
    ("three answers say little of a thousand records", [BAD] * 97 + [SENT] * 903, [], [REFUSED] * 3, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("records", "before", "then", "at"), [row[1:] for row in ANSWERED], ids=[row[0] for row in ANSWERED]
)
def test_refused_events_put_the_brake_on_at(records: Any, before: Any, then: Any, at: Any) -> None:
    flood = DeadLetterRate()
    flood.record_decisions(records)
    flood.record_responses(before)
    assert not flood.is_on
    assert on_at(flood, then, flood.record_responses) == at


@pytest.mark.parametrize("records", [[BAD] * 500, [SENT] * 400 + [BAD] * 500, [BAD] * 100])
def test_a_poll_is_counted_as_a_whole(records: Any) -> None:
    """None of its letters is written, and the order within it says nothing."""
    for order in (records, records[::-1]):
        flood = DeadLetterRate()
        flood.record_decisions(order)
        assert flood.is_on


def test_an_outage_makes_no_flood() -> None:
    """Invalid records are decided, and nothing is answered: one in ten stays one in ten."""
    flood = DeadLetterRate()
    for _ in range(200):
        flood.record_decisions(every(10, BAD, SENT, 500))
    assert not flood.is_on


def test_a_batch_is_counted_as_a_whole_though_its_bad_events_are_known_first() -> None:
    flood = DeadLetterRate()
    flood.record_decisions([SENT] * 8_000)
    for _ in range(8):
        flood.record_responses([REFUSED] * 400 + [ACCEPTED] * 600)
        flood.record_responses([ACCEPTED] * 600 + [REFUSED] * 400)
    assert not flood.is_on


def test_once_on_it_stays_on() -> None:
    flood = DeadLetterRate()
    flood.record_decisions([BAD] * 100)
    flood.record_decisions([SENT] * 10_000)
    flood.record_responses([ACCEPTED] * 10_000)
    assert flood.is_on


# Released


def test_a_release_holds_for_as_long_as_the_flood_lasts() -> None:
    flood = DeadLetterRate()
    flood.record_decisions([BAD] * 100)
    flood.release()
    assert not flood.is_on
    assert on_at(flood, [BAD] * 20_000, flood.record_decisions) is None


REARMED = [
    # what comes after the release, and does a new flood put it on
    ("nothing", [], [], False),
    ("a full window of good records, answered", [SENT] * 1_000, [ACCEPTED] * 1_000, True),
    ("the flood is just over", [SENT] * 501, [ACCEPTED] * 1_000, True),
    ("the flood is not quite over", [SENT] * 500, [ACCEPTED] * 1_000, False),
    ("good records that nobody has answered", [SENT] * 1_000, [], False),
    ("one answer too few", [SENT] * 1_000, [ACCEPTED] * 999, False),
]


@pytest.mark.parametrize(
    ("records", "answers", "is_armed"), [row[1:] for row in REARMED], ids=[row[0] for row in REARMED]
)
def test_a_released_brake_is_armed_again_when_both_windows_are_full_and_no_flood(
    records: Any, answers: Any, is_armed: Any
) -> None:
    flood = DeadLetterRate()
    flood.record_decisions([BAD] * 1_000)
    flood.release()
    flood.record_decisions(records)
    flood.record_responses(answers)
    assert not flood.is_on
    flood.record_decisions([BAD] * 1_000)
    assert flood.is_on is is_armed


def test_one_that_starts_released_lets_a_flood_of_refused_events_pass() -> None:
    flood = DeadLetterRate(is_released=True)
    flood.record_decisions([SENT] * 1_000)
    assert on_at(flood, [REFUSED] * 5_000, flood.record_responses) is None


def test_one_that_starts_released_is_armed_after_a_thousand_good_ones() -> None:
    flood = DeadLetterRate(is_released=True)
    assert on_at(flood, [BAD] * 5_000, flood.record_decisions) is None
    flood.record_decisions([SENT] * 1_000)
    flood.record_responses([ACCEPTED] * 1_000)
    assert on_at(flood, [BAD] * 5_000, flood.record_decisions) == 500


# What is said of it


def test_it_knows_what_the_letters_would_be() -> None:
    flood = DeadLetterRate()
    flood.record_decisions([BAD, SENT, FILTERED, BAD, Reason.EVENT_TOO_LARGE])
    flood.record_responses([REFUSED, ACCEPTED])
    assert flood.dead_letters() == {"not_json": 2, "event_too_large": 1, "rejected": 1}
    assert flood.records == 5
