"""The oracle finds what it is there to find: each fault is planted in a run that is otherwise in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.events import End, Event
from support.load import Produced
from support.oracle import Accepted, Evidence, Report, committed_too_far, judge, read_accepted, read_filtered
from support.topics import LogRecord, Place


def produced_at(
    offset: Any, name: Any, end: Any = End.ACCEPTED, reason: str = "", event_id: str | None = "own"
) -> Produced:
    event = Event(name, event_id and f"px-{name}", b"user-1", b'{"event_name":"%d"}' % offset, end, reason)
    return Produced(event, Place("events", 0, offset), 1_700_000_000_000 + offset)


# Offset 3 is a hole: a transaction marker, or what compaction removed.
PRODUCED = [
    produced_at(0, "shirt"),
    produced_at(1, "no-consent", End.FILTERED, "no_consent"),
    produced_at(2, "broken", End.DEAD_LETTER, "not_json"),
    produced_at(4, "lamp"),
    produced_at(5, "nameless", event_id=None),
]
SHIRT = Accepted("px-shirt", "Purchase", 1_700_000_000)
LAMP = Accepted("px-lamp", "AddToCart", 1_700_000_100)
NAMELESS = Accepted("events-0-5-1700000000005", "PageView", 1_700_000_005)


def letter_of(one: Any, offset: int = 0, **changed: Any) -> LogRecord:
    headers = {
        "dlq.reason": one.event.reason.encode(),
        "dlq.origin-topic": b"events",
        "dlq.origin-partition": b"0",
        "dlq.origin-offset": b"%d" % one.place.offset,
    }
    letter = LogRecord(
        Place("dead-letters", 0, offset), one.timestamp_ms, one.event.key, one.event.value, headers
    )
    return replace(letter, **changed)


BROKEN = letter_of(PRODUCED[2])
IN_ORDER = Evidence(
    accepted=[SHIRT, LAMP, NAMELESS],
    letters=[BROKEN],
    filtered={Place("events", 0, 1): "no_consent"},
    committed={("events", 0): 6},
    ends={("events", 0): 6},
)


def judged(**planted: Any) -> Report:
    return judge(PRODUCED, replace(IN_ORDER, **planted))


def test_a_run_in_order_holds() -> None:
    report = judged()
    assert (report.produced, report.accepted, report.filtered, report.dead_lettered) == (5, 3, 1, 1)
    assert report.holds, report


def test_without_a_log_what_should_be_filtered_and_is_nowhere_counts_as_filtered() -> None:
    report = judged(filtered=None)
    assert (report.filtered, report.lost) == (1, ())
    assert report.holds, report


FAULTS = [
    ("a lost event", {"accepted": [SHIRT, NAMELESS]}, {"lost": ("lamp",)}),
    ("a lost dead letter", {"letters": []}, {"lost": ("broken",)}),
    ("a filtered event that left no log line", {"filtered": {}}, {"lost": ("no-consent",)}),
    (
        "an event in two places",
        {
            "letters": [
                BROKEN,
                letter_of(PRODUCED[3], 1, headers={**BROKEN.headers, "dlq.origin-offset": b"4"}),
            ]
        },
        {"in_two_places": ("lamp",)},
    ),
    (
        "an event accepted that should have been filtered",
        {"accepted": [*IN_ORDER.accepted, Accepted("px-no-consent", "Lead", 1)], "filtered": {}},
        {"misplaced": ("no-consent",)},
    ),
    (
        "the same, without a log",
        {"accepted": [*IN_ORDER.accepted, Accepted("px-no-consent", "Lead", 1)], "filtered": None},
        {"misplaced": ("no-consent",)},
    ),
    (
        "a dead letter for another reason",
        {"letters": [letter_of(PRODUCED[2], headers={**BROKEN.headers, "dlq.reason": b"not_an_object"})]},
        {"misplaced": ("broken",)},
    ),
    (
        "a repeat with another time",
        {"accepted": [*IN_ORDER.accepted, LAMP._replace(event_time=1_700_000_101)]},
        {"changed_repeats": ("px-lamp",), "twice": 1},
    ),
    (
        "a repeat with another name",
        {"accepted": [*IN_ORDER.accepted, LAMP._replace(event_name="Lead")]},
        {"changed_repeats": ("px-lamp",), "twice": 1},
    ),
    (
        "a repeat of a nameless event under another id",
        {"accepted": [*IN_ORDER.accepted, NAMELESS._replace(event_id="events-0-5-1700000000006")]},
        {"strays": ("events-0-5-1700000000006",)},
    ),
    (
        "a letter whose value was changed",
        {"letters": [letter_of(PRODUCED[2], value=b"{}")]},
        {"altered_letters": ("broken",)},
    ),
    (
        "a letter whose key was changed",
        {"letters": [letter_of(PRODUCED[2], key=None)]},
        {"altered_letters": ("broken",)},
    ),
    (
        "a letter whose timestamp was changed",
        {"letters": [letter_of(PRODUCED[2], timestamp_ms=1)]},
        {"altered_letters": ("broken",)},
    ),
    (
        "a letter that does not say where it comes from",
        {"letters": [BROKEN, letter_of(PRODUCED[2], 1, headers={})]},
        {"strays": ("Place(topic='dead-letters', partition=0, offset=1)",)},
    ),
    (
        "an event in flight below the committed offset",
        {"accepted": [SHIRT, NAMELESS], "committed": {("events", 0): 6}},
        {"committed_too_far": (Place("events", 0, 4),)},
    ),
    ("the last records not committed", {"committed": {("events", 0): 4}}, {"uncommitted": 2}),
    ("nothing committed", {"committed": {}}, {"uncommitted": 6}),
]


@pytest.mark.parametrize(
    ("planted", "found"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_planted_fault_is_found(planted: Any, found: Any) -> None:
    report = judged(**planted)
    assert {name: getattr(report, name) for name in found} == found
    assert not report.holds


def test_a_repeat_that_is_the_same_is_counted_and_harmless() -> None:
    report = judged(accepted=[*IN_ORDER.accepted, LAMP, LAMP], letters=[BROKEN, letter_of(PRODUCED[2], 1)])
    assert (report.twice, report.letters_twice) == (2, 1)
    assert report.holds, report


def test_a_letter_whose_value_was_too_large_for_the_topic_is_not_altered() -> None:
    without = letter_of(PRODUCED[2], value=None, headers={**BROKEN.headers, "dlq.value-omitted": b"true"})
    assert judged(letters=[without]).holds


COMMITS = [
    ("at the oldest unfinished record", 4, []),
    ("one past it", 5, [4]),
    ("past a hole and an unfinished record", 6, [4, 5]),
    ("before everything", 0, []),
]


@pytest.mark.parametrize(("offset", "found"), [commit[1:] for commit in COMMITS], ids=[c[0] for c in COMMITS])
def test_an_early_commit_is_found_at_any_instant(offset: Any, found: Any) -> None:
    instant = Evidence([SHIRT], [BROKEN], IN_ORDER.filtered, committed={("events", 0): offset})
    assert [place.offset for place in committed_too_far(PRODUCED, instant)] == found


def test_a_commit_past_a_filtered_record_without_its_log_line_is_early() -> None:
    instant = Evidence([SHIRT], filtered={}, committed={("events", 0): 2})
    assert committed_too_far(PRODUCED, instant) == (Place("events", 0, 1),)


def test_the_accepted_file_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    path.write_bytes(b'{"event_id":"a","event_name":"Lead","event_time":5,"request":1}\n{"event_id":"b","eve')
    assert read_accepted(path) == [("a", "Lead", 5)]


def test_filtered_records_are_read_from_the_log() -> None:
    lines: list[dict[str, Any]] = [
        {"event": "consuming", "topics": ["events"]},
        {"event": "record filtered", "reason": "no_consent", "topic": "events", "partition": 2, "offset": 7},
    ]
    assert read_filtered(lines) == {("events", 2, 7): "no_consent"}
