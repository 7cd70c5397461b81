"""A partition that stands still is said again and again, as long as it does."""

from __future__ import annotations

from consumer.domain.record import Partition
from consumer.kafka.assignment import AGAIN_S, StalledPartitions

P0, P1 = Partition("events", 0), Partition("events", 1)


def test_what_was_just_said_is_said_again_after_a_while_and_then_again() -> None:
    stalled = StalledPartitions()
    stalled.mark(P0, 100.0)
    assert stalled.due_reminders(100.0 + AGAIN_S - 1) == []
    assert stalled.due_reminders(100.0 + AGAIN_S) == [P0]
    assert stalled.due_reminders(100.0 + AGAIN_S) == []
    assert stalled.due_reminders(100.0 + 2 * AGAIN_S) == [P0]


def test_each_partition_has_its_own_time() -> None:
    stalled = StalledPartitions()
    stalled.mark(P0, 0.0)
    stalled.mark(P1, 30.0)
    assert stalled.due_reminders(AGAIN_S) == [P0]
    assert stalled.due_reminders(AGAIN_S + 30) == [P1]


def test_what_goes_on_or_is_taken_away_is_said_no_more() -> None:
    stalled = StalledPartitions()
    stalled.mark(P0, 0.0)
    stalled.mark(P1, 0.0)
    stalled.discard(P0)
    stalled.discard(P0)
    assert stalled.due_reminders(AGAIN_S) == [P1]
    assert (P0 in stalled, P1 in stalled, list(stalled), len(stalled)) == (False, True, [P1], 1)
