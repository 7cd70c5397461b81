"""Each record of a poll is taken once, decided once, and ends here or is handed over."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.mapping import NOW_S, event

from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record
from consumer.kafka.offset_tracker import OffsetTracker
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.runtime.poll_loop import PollProcessor

P0, P1 = Partition("events", 0), Partition("events", 1)
GOOD = orjson.dumps(event())
NOT_JSON = b"{"


def record(offset: Any, value: Any = GOOD, partition: Any = P0) -> Record:
    return Record(partition, offset, NOW_S * 1000, value)


@pytest.fixture
def tracker() -> OffsetTracker:
    """P0 is ours, from 5 on."""
    made = OffsetTracker()
    made.assign(P0, 5)
    return made


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def take(tracker: OffsetTracker, telemetry: Telemetry) -> Any:
    taking = PollProcessor(tracker, MappingOptions(), telemetry)
    return lambda *records: taking.process(records, NOW_S)


def test_what_is_sent_and_what_is_not_are_told_apart_and_reasons_keep_their_order(take: Any) -> None:
    taken = take(record(5), record(6, NOT_JSON), record(7, None), record(8))
    assert [item.record.offset for item in taken.events] == [5, 8]
    assert [item.record.offset for item in taken.invalid] == [6]
    assert taken.reasons == [None, Reason.NOT_JSON, Reason.TOMBSTONE, None]


def test_a_filtered_record_has_ended_and_the_others_are_in_flight(take: Any, tracker: OffsetTracker) -> None:
    taken = take(record(5, None), record(6), record(7, NOT_JSON))
    assert (tracker.committable(), tracker.events_in_flight) == ({P0: 6}, 2)
    for item in (*taken.events, *taken.invalid):
        tracker.complete(item.ticket)
    assert tracker.committable() == {P0: 8}


def test_what_was_read_before_or_is_not_ours_is_passed_over_and_not_counted(
    take: Any, tracker: OffsetTracker, telemetry: Telemetry
) -> None:
    taken = take(record(4), record(5), record(5), record(0, partition=P1))
    assert [item.record.offset for item in taken.events] == [5]
    assert taken.reasons == [None]
    assert telemetry.total(metrics.CONSUMED) == 1
    assert tracker.events_in_flight == 1


def test_records_are_counted_by_topic_and_filtered_ones_by_reason(take: Any, telemetry: Telemetry) -> None:
    take(record(5), record(6, None), record(7, None), record(8, NOT_JSON))
    counts = telemetry.snapshot()
    assert counts[metrics.CONSUMED.name][("events",)] == 4
    assert {reason: count for reason, count in counts[metrics.FILTERED.name].items() if count} == {
        ("tombstone",): 2
    }


def test_a_filtered_record_is_a_line_that_says_where_it_stands(take: Any) -> None:
    with capture_logs() as lines:
        take(record(5, None), record(6), record(7, NOT_JSON))
    assert lines == [
        {
            "event": "record filtered",
            "log_level": "debug",
            "reason": Reason.TOMBSTONE,
            "topic": "events",
            "partition": 0,
            "offset": 5,
        }
    ]
