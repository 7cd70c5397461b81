"""How events end, and what the brake is told of them, and when."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from support.delivery import NOW_S, PARTITION
from support.outage_model import Letters

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.in_flight import InFlightEvent, TaskGroup
from consumer.delivery.outcomes import BatchOutcome, OutcomeRecorder
from consumer.domain.decision import Deliverable, Reason
from consumer.domain.record import Record
from consumer.kafka.offset_tracker import OffsetTracker
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability.telemetry import Telemetry

REFUSED = Response(ResponseOutcome.REJECTED, http_status=400)


class Told:
    """A brake that never holds, and what it was told: good and bad events of each time."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self._brake = DlqBreaker(is_wanted=False)

    def record_responses(self, reasons: Any) -> None:
        self.said.append((reasons.count(None), reasons.count(Reason.REJECTED)))

    async def wait(self) -> None:
        await self._brake.wait()


class Ending:
    """OutcomeRecorder of one partition."""

    def __init__(self, brake: Any) -> None:
        self.settled: list[int] = []
        self.letters, self._tracker = Letters(), OffsetTracker()
        self._tracker.assign(PARTITION, 0)
        self._next = 0
        settle = lambda tickets: self.settled.extend(ticket.offset for ticket in tickets)  # noqa: E731
        self.outcomes = OutcomeRecorder(
            cast(DeadLetterWriter, self.letters), brake, settle, Telemetry(), TaskGroup()
        )

    def events(self, count: Any) -> list[InFlightEvent]:
        taken = []
        for _ in range(count):
            record = Record(PARTITION, self._next, NOW_S * 1000, b"event", None)
            ticket = self._tracker.start(PARTITION, self._next, record.size)
            assert ticket is not None
            taken.append(InFlightEvent(ticket, record, Deliverable(b"{}", "Lead", NOW_S, NOW_S + 60, ())))
            self._next += 1
        return taken

    def refuse(self, events: Any, outcome: Any) -> None:
        for item in events:
            self.outcomes.record_rejected(item, REFUSED, 1, outcome)

    def accept(self, events: Any, outcome: Any) -> None:
        self.outcomes.record_accepted(
            events, Response(ResponseOutcome.ACCEPTED, received=len(events)), NOW_S, outcome
        )


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_brake_is_told_of_a_batch_when_it_has_its_end() -> None:
    brake = Told()
    at = Ending(brake)
    events = at.events(10)
    outcome = BatchOutcome(10)
    at.refuse(events[:2], outcome)
    at.accept(events[2:], outcome)
    assert brake.said == []
    at.outcomes.finish_batch(outcome)
    assert brake.said == [(8, 2)]
    await turns()
    assert at.letters.written == [0, 1]
    assert sorted(at.settled) == list(range(10))


async def test_ahead_what_is_still_out_counts_as_good_and_is_not_counted_again() -> None:
    brake = Told()
    at = Ending(brake)
    events = at.events(10)
    outcome = BatchOutcome(10)
    at.refuse(events[:2], outcome)
    at.accept(events[2:4], outcome)
    at.outcomes.report_so_far(outcome)
    await turns()
    assert at.letters.written == [0, 1]
    at.refuse(events[4:5], outcome)
    at.accept(events[5:], outcome)
    at.outcomes.finish_batch(outcome)
    assert brake.said == [(8, 2), (0, 1)]


async def test_there_is_nothing_to_tell_ahead_without_a_letter() -> None:
    brake = Told()
    at = Ending(brake)
    outcome = BatchOutcome(10)
    at.accept(at.events(5), outcome)
    at.outcomes.report_so_far(outcome)
    at.outcomes.report_all_so_far()
    assert brake.said == []


async def test_what_became_too_old_is_no_longer_out() -> None:
    brake = Told()
    at = Ending(brake)
    events = at.events(10)
    outcome = BatchOutcome(10)
    at.refuse(events[:1], outcome)
    assert at.outcomes.drop_expired(events[1:], NOW_S + 60, outcome) == []
    at.outcomes.report_so_far(outcome)
    assert brake.said == [(0, 1)]
    assert at.settled == list(range(1, 10))


@pytest.mark.parametrize("bad", [0.2, 0.45])
async def test_bad_events_that_are_named_before_the_good_ones_are_no_flood_when_all_must_wait(
    bad: float,
) -> None:
    brake = DlqBreaker()
    brake.record_decisions([None] * 1_000)
    at = Ending(brake)
    for _ in range(4):
        at.refuse(at.events(round(250 * bad)), BatchOutcome(250))
    at.outcomes.report_all_so_far()
    assert not brake.is_open
    await turns()
    assert len(at.letters.written) == 4 * round(250 * bad)


async def test_of_a_flood_no_letter_is_written_though_it_is_told_batch_by_batch() -> None:
    brake = DlqBreaker()
    brake.record_decisions([None] * 1_000)
    at = Ending(brake)
    for _ in range(4):
        at.refuse(at.events(200), BatchOutcome(250))
    at.outcomes.report_all_so_far()
    assert brake.is_open
    await turns()
    assert at.letters.written == []
    assert brake.waiting == 800
    await at.outcomes._tasks.cancel_all()


async def test_a_batch_that_has_its_end_is_told_of_no_more() -> None:
    brake = Told()
    at = Ending(brake)
    outcome = BatchOutcome(1)
    at.refuse(at.events(1), outcome)
    at.outcomes.finish_batch(outcome)
    at.outcomes.report_all_so_far()
    assert brake.said == [(0, 1)]
