"""Committable is the offset after the longest run of completed records, and nothing moves it but that."""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from consumer.domain.record import Partition
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker

P0, P1 = Partition("events", 0), Partition("events", 1)


def started(tracker: OffsetTracker, partition: Partition, offset: int, size: int) -> InFlightOffset:
    """A record that is read for the first time, in flight from now on."""
    in_flight = tracker.start(partition, offset, size)
    assert in_flight is not None
    return in_flight


def begun(*offsets: Any, at: Any = None) -> tuple[OffsetTracker, list[InFlightOffset]]:
    """A tracker of one partition with these records in flight."""
    tracker = OffsetTracker()
    tracker.assign(P0, offsets[0] if at is None else at)
    return tracker, [started(tracker, P0, offset, 10) for offset in offsets]


def test_the_oldest_record_holds_the_commit() -> None:
    tracker, (five, six, seven) = begun(5, 6, 7)
    tracker.complete(six)
    tracker.complete(seven)
    assert tracker.committable() == {P0: 5}
    tracker.complete(five)
    assert tracker.committable() == {P0: 8}


def test_the_picture_of_the_module_is_true() -> None:
    tracker, (five, _, seven, nine) = begun(5, 6, 7, 9)
    for ticket in (five, seven, nine):
        tracker.complete(ticket)
    assert tracker.committable() == {P0: 6}


def test_committable_steps_over_holes() -> None:
    tracker, (five, nine) = begun(5, 9)
    tracker.complete(five)
    assert tracker.committable() == {P0: 9}
    tracker.complete(nine)
    assert tracker.committable() == {P0: 10}


def test_a_partition_without_records_is_committable_where_it_begins() -> None:
    tracker = OffsetTracker()
    tracker.assign(P0, 42)
    assert tracker.committable() == {P0: 42}


def test_a_partition_of_which_nothing_is_known_is_not_committed() -> None:
    tracker = OffsetTracker()
    tracker.assign(P0, None)
    assert tracker.committable() == {}
    ticket = started(tracker, P0, 7, 1)
    assert tracker.committable() == {P0: 7}
    tracker.complete(ticket)
    assert tracker.committable() == {P0: 8}


def test_a_record_that_was_read_twice_is_nobodys_work() -> None:
    tracker, (five, _) = begun(5, 6)
    assert tracker.start(P0, 5, 10) is None
    assert tracker.start(P0, 6, 10) is None
    tracker.complete(five)
    assert tracker.committable() == {P0: 6}
    assert tracker.events_in_flight == 1


def test_a_record_below_the_start_is_nobodys_work() -> None:
    tracker = OffsetTracker()
    tracker.assign(P0, 10)
    assert tracker.start(P0, 9, 1) is None
    assert tracker.committable() == {P0: 10}


def test_a_record_of_a_partition_that_is_not_ours_is_nobodys_work() -> None:
    tracker = OffsetTracker()
    assert tracker.start(P0, 0, 1) is None
    assert tracker.committable() == {}
    assert (tracker.events_in_flight, tracker.bytes_in_flight) == (0, 0)


def test_late_work_after_a_revoke_moves_nothing() -> None:
    tracker, (five, six) = begun(5, 6)
    tracker.revoke(P0)
    tracker.complete(five)
    tracker.complete(six)
    assert tracker.committable() == {}


def test_a_ticket_is_void_once_its_partition_was_taken_away_and_stays_so() -> None:
    tracker, (five, six) = begun(5, 6)
    tracker.complete(five)
    assert not six.is_void
    tracker.revoke(P0)
    tracker.assign(P0, 6)
    again = started(tracker, P0, 6, 10)
    assert (six.is_void, again.is_void) == (True, False)


def test_a_ticket_is_not_void_because_reading_goes_on_in_another_log() -> None:
    """Its record comes no more: what becomes of it here is all that becomes of it."""
    tracker, (five,) = begun(5)
    tracker.move(P0, 0)
    assert not five.is_void


def test_late_work_of_an_earlier_assignment_moves_nothing_after_the_partition_came_back() -> None:
    tracker, (old_five,) = begun(5)
    tracker.revoke(P0)
    tracker.assign(P0, 5)
    new_five = started(tracker, P0, 5, 10)
    tracker.complete(old_five)
    assert tracker.committable() == {P0: 5}
    tracker.complete(new_five)
    assert tracker.committable() == {P0: 6}


def test_an_assignment_forgets_the_lane_that_was_left_open() -> None:
    tracker, (five,) = begun(5)
    tracker.assign(P0, 3)
    tracker.complete(five)
    assert tracker.committable() == {P0: 3}


def test_the_end_of_the_log_ends_the_holes_below_it() -> None:
    tracker, (five,) = begun(5)
    tracker.reach_end(P0, 9)
    assert tracker.committable() == {P0: 5}
    tracker.complete(five)
    assert tracker.committable() == {P0: 9}


def test_an_end_below_what_was_read_moves_nothing() -> None:
    tracker, (five,) = begun(5)
    tracker.complete(five)
    tracker.reach_end(P0, 2)
    assert tracker.committable() == {P0: 6}


def test_the_end_of_a_partition_that_is_not_ours_is_nobodys_business() -> None:
    tracker = OffsetTracker()
    tracker.reach_end(P0, 9)
    assert tracker.committable() == {}


def test_completing_twice_counts_once() -> None:
    tracker, (five, _) = begun(5, 6)
    tracker.complete(five)
    tracker.complete(five)
    assert (tracker.events_in_flight, tracker.bytes_in_flight) == (1, 10)
    assert tracker.unfinished([P0]) == 1


def test_what_is_in_flight_is_counted_across_partitions_and_after_a_revoke() -> None:
    tracker, (five,) = begun(5)
    tracker.assign(P1, 0)
    zero = started(tracker, P1, 0, 90)
    tracker.revoke(P0)
    assert (tracker.events_in_flight, tracker.bytes_in_flight) == (2, 100)
    assert (tracker.unfinished([P0]), tracker.unfinished([P1]), tracker.unfinished([P0, P1])) == (0, 1, 1)
    tracker.complete(five)
    tracker.complete(zero)
    assert (tracker.events_in_flight, tracker.bytes_in_flight) == (0, 0)


def test_only_the_named_partitions_are_committable() -> None:
    tracker = OffsetTracker()
    tracker.assign(P0, 3)
    tracker.assign(P1, 4)
    assert tracker.committable([P1]) == {P1: 4}
    assert tracker.committable([Partition("events", 9)]) == {}
    assert tracker.partitions == (P0, P1)


def test_reading_that_goes_on_further_up_still_waits_for_what_is_in_flight() -> None:
    tracker, (five,) = begun(5)
    tracker.move(P0, 100)
    assert tracker.committable() == {P0: 5}
    tracker.complete(five)
    assert tracker.committable() == {P0: 100}


def test_reading_that_goes_on_further_down_begins_anew() -> None:
    tracker, (five,) = begun(5)
    tracker.move(P0, 0)
    assert tracker.committable() == {P0: 0}
    tracker.complete(five)
    assert tracker.committable() == {P0: 0}
    assert tracker.start(P0, 0, 1) is not None


def test_the_reading_of_a_partition_that_is_not_ours_goes_nowhere() -> None:
    tracker = OffsetTracker()
    tracker.move(P0, 7)
    assert tracker.committable() == {}


def test_what_would_come_again_is_counted_from_the_oldest_unfinished_on() -> None:
    tracker, tickets = begun(5, 6, 7, 9)
    assert tracker.span_in_flight(P0) == 4
    for ticket in tickets[1:]:
        tracker.complete(ticket)
    assert tracker.span_in_flight(P0) == 4
    tracker.complete(tickets[0])
    assert tracker.span_in_flight(P0) == 0
    assert tracker.span_in_flight(P1) == 0


def test_nothing_is_committed_past_what_was_given_up_and_nobody_waits_for_it() -> None:
    tracker, (five, six, seven) = begun(5, 6, 7)
    tracker.release(six)
    assert (tracker.unfinished([P0]), tracker.events_in_flight, tracker.bytes_in_flight) == (2, 2, 20)
    tracker.complete(five)
    tracker.complete(seven)
    assert (tracker.unfinished([P0]), tracker.events_in_flight, tracker.bytes_in_flight) == (0, 0, 0)
    assert tracker.committable() == {P0: 6}
    assert (tracker.uncommitted(), tracker.span_in_flight(P0)) == (1, 2)


def test_what_was_given_up_stays_so() -> None:
    tracker, (five,) = begun(5)
    tracker.release(five)
    tracker.release(five)
    tracker.complete(five)
    assert (tracker.events_in_flight, tracker.bytes_in_flight, tracker.unfinished([P0])) == (0, 0, 0)
    assert tracker.committable() == {P0: 5}


def test_what_has_ended_cannot_be_given_up() -> None:
    tracker, (five,) = begun(5)
    tracker.complete(five)
    tracker.release(five)
    assert (tracker.committable(), tracker.events_in_flight, tracker.uncommitted()) == ({P0: 6}, 0, 0)


def test_what_was_given_up_after_a_revoke_moves_nothing() -> None:
    tracker, (five,) = begun(5)
    tracker.revoke(P0)
    tracker.assign(P0, 5)
    tracker.release(five)
    assert (tracker.committable(), tracker.events_in_flight) == ({P0: 5}, 0)


# Memory follows what has not ended


def kept(topic: Any) -> list[Any]:
    """Offsets of the tickets of that topic that anybody still has."""
    gc.collect()
    tickets = [each for each in gc.get_objects() if type(each) is InFlightOffset]
    return sorted(ticket.offset for ticket in tickets if ticket.lane.partition.topic == topic)


def test_what_ends_behind_stuck_records_is_not_kept_in_however_many_partitions() -> None:
    tracker = OffsetTracker()
    partitions = [Partition("stuck", number) for number in range(100)]
    stuck = []
    for partition in partitions:
        tracker.assign(partition, 7)
        stuck.append(started(tracker, partition, 7, 10))
        for ticket in [started(tracker, partition, offset, 10) for offset in range(8, 108)]:
            tracker.complete(ticket)
        del ticket
    assert kept("stuck") == [7] * 100
    assert [tracker.span_in_flight(partition) for partition in partitions] == [101] * 100
    for ticket in stuck:
        tracker.complete(ticket)
    assert tracker.committable() == dict.fromkeys(partitions, 108)


def test_an_ended_ticket_that_somebody_still_has_keeps_no_other_one() -> None:
    tracker = OffsetTracker()
    partition = Partition("had", 0)
    tracker.assign(partition, 0)
    tickets = [started(tracker, partition, offset, 10) for offset in range(9)]
    for ticket in tickets[:-1]:
        tracker.complete(ticket)
    had = tickets[4]
    del ticket, tickets
    assert kept("had") == [4, 8]
    assert had.offset == 4


def test_what_was_given_up_is_kept_for_as_long_as_the_partition_is_ours() -> None:
    tracker = OffsetTracker()
    partition = Partition("kept", 0)
    tracker.assign(partition, 0)
    for offset in range(5):
        ticket = started(tracker, partition, offset, 10)
        if offset in (1, 3):
            tracker.release(ticket)
        else:
            tracker.complete(ticket)
    del ticket
    assert kept("kept") == [1, 3]
    tracker.revoke(partition)
    assert kept("kept") == []


# Any interleaving equals a plain model (F26).

PARTITIONS = st.sampled_from([P0, P1])


class Model:
    """One assignment, plainly: every offset that was started, whether it has ended, and what was given up."""

    def __init__(self, start: Any) -> None:
        self.ended: dict[Any, Any] = {}
        self.given_up: set[Any] = set()
        self.next = start
        self.committed = start

    def committable(self) -> Any:
        open_ones = [offset for offset, has_ended in self.ended.items() if not has_ended]
        return min(open_ones) if open_ones else self.next


class AnyInterleaving(RuleBasedStateMachine):
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.tracker = OffsetTracker()
        self.models: dict[Any, Any] = {}
        self.out: list[Any] = []  # (ticket, the model it belongs to, offset, size)

    @rule(partition=PARTITIONS, start=st.integers(0, 30))
    def assign(self, partition: Any, start: Any) -> None:
        self.tracker.assign(partition, start)
        self.models[partition] = Model(start)

    @rule(partition=PARTITIONS)
    def revoke(self, partition: Any) -> None:
        self.tracker.revoke(partition)
        self.models.pop(partition, None)

    @rule(target=tickets, partition=PARTITIONS, hole=st.integers(0, 3), size=st.integers(0, 9))
    def start(self, partition: Any, hole: Any, size: Any) -> Any:
        model = self.models.get(partition)
        offset = (model.next if model else 0) + hole
        ticket = self.tracker.start(partition, offset, size)
        assert (ticket is None) == (model is None)
        if model is not None:
            model.ended[offset] = False
            model.next = offset + 1
            self.out.append((ticket, model, offset, size))
        return ticket, model, offset

    @rule(partition=PARTITIONS, back=st.integers(1, 5))
    def read_again(self, partition: Any, back: Any) -> None:
        model = self.models.get(partition)
        offset = (model.next if model else back) - back
        assert self.tracker.start(partition, offset, 1) is None

    @rule(one=tickets)
    def complete(self, one: Any) -> None:
        ticket, model, offset = one
        if ticket is not None:
            self.tracker.complete(ticket)
            model.ended[offset] = offset not in model.given_up

    @rule(one=tickets)
    def give_up(self, one: Any) -> None:
        ticket, model, offset = one
        if ticket is not None:
            self.tracker.release(ticket)
            if not model.ended[offset]:
                model.given_up.add(offset)

    @rule(partition=PARTITIONS, offset=st.integers(0, 60))
    def reach_end(self, partition: Any, offset: Any) -> None:
        self.tracker.reach_end(partition, offset)
        if partition in self.models:
            model = self.models[partition]
            model.next = max(model.next, offset)

    @rule(partition=PARTITIONS, offset=st.integers(0, 60))
    def move(self, partition: Any, offset: Any) -> None:
        self.tracker.move(partition, offset)
        if partition in self.models:
            model = self.models[partition]
            if offset < model.next:
                self.models[partition] = Model(offset)
            else:
                model.next = offset

    @invariant()
    def committable_equals_the_model(self) -> None:
        assert self.tracker.committable() == {p: model.committable() for p, model in self.models.items()}

    @invariant()
    def committable_is_not_above_the_lowest_unfinished_and_never_goes_back(self) -> None:
        for partition, offset in self.tracker.committable().items():
            model = self.models[partition]
            assert all(offset <= open_one for open_one, ended in model.ended.items() if not ended)
            assert offset >= model.committed
            model.committed = offset

    @invariant()
    def what_is_in_flight_is_what_was_started_and_has_not_ended(self) -> None:
        flying = [
            size
            for _, model, offset, size in self.out
            if not model.ended[offset] and offset not in model.given_up
        ]
        assert (self.tracker.events_in_flight, self.tracker.bytes_in_flight) == (len(flying), sum(flying))
        for partition, model in self.models.items():
            unfinished = [o for o, ended in model.ended.items() if not ended and o not in model.given_up]
            assert self.tracker.unfinished([partition]) == len(unfinished)
            behind = [offset for offset in model.ended if offset >= model.committable()]
            assert self.tracker.span_in_flight(partition) == len(behind)
        never_ended = [ended for model in self.models.values() for ended in model.ended.values()].count(False)
        assert self.tracker.uncommitted() == never_ended


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)


def test_a_partition_that_is_not_ours_may_be_revoked() -> None:
    tracker = OffsetTracker()
    tracker.revoke(P0)
    assert tracker.partitions == ()


def test_a_ticket_is_void_once_its_partition_was_taken_away() -> None:
    tracker = OffsetTracker()
    tracker.assign(P0, 0)
    ticket = started(tracker, P0, 0, 10)
    assert not ticket.is_void
    tracker.revoke(P0)
    assert ticket.is_void
