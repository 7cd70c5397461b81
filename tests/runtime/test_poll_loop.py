"""The loop of the thread that owns the Consumer: take, decide, hand over; settle, commit; give back."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from support.faulty_kafka import FaultyKafka, Request
from support.mapping import NOW_S, event
from support.waiting import eventually

from consumer.config.settings import OffsetOutOfRange, Settings, StartOffset
from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record
from consumer.kafka.clients import admin_client, consumer_properties, new_consumer
from consumer.kafka.consumer import KafkaSource
from consumer.kafka.lag import ConsumerLag
from consumer.kafka.offset_tracker import Released
from consumer.mapping.rules import MappingOptions
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.runtime.loop_bridge import DeliveryHandle
from consumer.runtime.poll_loop import PollLoop, PollOptions

TOPIC = "events"
DEADLINE_S = 20
SLOW_S = 0.6

GOOD = orjson.dumps(event())
NO_CONSENT = orjson.dumps(event(consent_categories=["1"]))
NOT_JSON = b"{"
RULES = MappingOptions()


class Shift:
    """A worker at work in its thread; what it hands over stays here until somebody ends it."""

    def __init__(
        self,
        brokers: Any,
        rules: Any = RULES,
        group: str = "group",
        brake_is_on: bool = False,
        start: Any = StartOffset.EARLIEST,
        out_of_range: Any = OffsetOutOfRange.PAUSE,
        **pace: Any,
    ) -> None:
        self.telemetry = Telemetry()
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.events: list[Any] = []
        self.unsendable: list[Any] = []
        self.hurries: list[Any] = []
        self.let_go: list[Any] = []
        self.held: list[Any] = []  # what is held back, as the other thread would
        self.can_deliver = True
        self.decided: list[Any] = []
        self.commits_then: dict[tuple[str, ...], int] | None = (
            None  # by their answers, when the first event was handed over
        )
        self.brake = SimpleNamespace(is_open=brake_is_on, waiting=0)
        settings = Settings(
            bootstrap_servers=brokers.bootstrap_servers,
            group_id=group,
            kafka_properties={"session.timeout.ms": 2000, "heartbeat.interval.ms": 200},
        )
        properties = consumer_properties(settings)
        source = KafkaSource(
            lambda **callbacks: new_consumer(properties | callbacks),
            [TOPIC],
            start,
            out_of_range,
            self.telemetry,
        )
        chosen = {
            "poll_records_max": 10,
            "events_in_flight_max": 1_000,
            "bytes_in_flight_max": 10_000_000,
            "commit_interval_s": 0.05,
            "drain_timeout_s": 5.0,
            "revoke_timeout_s": 5.0,
            **pace,
        }
        handover = DeliveryHandle(
            accept=self.accept,
            flush=self.hurries.append,
            can_deliver=lambda: self.can_deliver,
            record_decisions=self.decided.extend,
            watch_filter_rate=lambda _: None,
            dlq_breaker=self.brake,
            release_delayed=self.give_up,
        )
        self.worker = PollLoop(
            source, rules, handover, PollOptions(**chosen), self.telemetry, self.ended, now_s=lambda: NOW_S
        )
        self.raised: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.worker.run()
        except BaseException as error:
            self.raised = error

    def accept(self, events: Any, unsendable: Any) -> None:
        self.commits_then = self.commits_then or self.telemetry.snapshot()["capi.commits"]
        self.events += events
        self.unsendable += unsendable

    def give_up(self, partitions: Any) -> None:
        self.let_go.append(set(partitions))
        gone = [item for item in self.held if item.record.partition in partitions]
        self.held = [item for item in self.held if item not in gone]
        self.ended.put(Released([item.ticket for item in gone]))

    @property
    def offsets(self) -> list[Any]:
        return [item.record.offset for item in self.events]

    def end(self, *items: Any) -> None:
        self.ended.put([item.ticket for item in items])

    def has(self, count: Any) -> None:
        eventually(lambda: len(self.events) >= count, DEADLINE_S, "events handed over")

    def stop(self) -> None:
        self.worker.stop()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()
        if self.raised is not None:
            raise self.raised


@pytest.fixture
def brokers() -> Iterator[FaultyKafka]:
    with FaultyKafka() as running:
        running.make_topic(TOPIC, 2)
        yield running


@pytest.fixture
def begin(brokers: FaultyKafka) -> Iterator[Any]:
    shifts = []

    def begin(**how: Any) -> Shift:
        shifts.append(Shift(brokers, **how))
        return shifts[-1]

    yield begin
    for shift in shifts:
        shift.can_deliver = False
        shift.worker.stop()
        shift.thread.join(DEADLINE_S)


def committed(brokers: Any, group: str = "group", partitions: Any = (0, 1)) -> list[Any]:
    """What the group has committed, by partition; None where nothing."""
    asking = Consumer({"bootstrap.servers": brokers.bootstrap_servers, "group.id": group, "log_level": 0})
    try:
        found = asking.committed([TopicPartition(TOPIC, number) for number in partitions], timeout=10)
        return [p.offset if p.offset >= 0 else None for p in found]
    finally:
        asking.close()


def commit(brokers: Any, offset: Any, group: str = "group") -> None:
    """As a member did that is gone, of the first partition."""
    gone = Consumer({"bootstrap.servers": brokers.bootstrap_servers, "group.id": group, "log_level": 0})
    try:
        gone.commit(offsets=[TopicPartition(TOPIC, 0, offset)], asynchronous=False)
    finally:
        gone.close()


def stays(predicate: Any, for_s: Any = SLOW_S) -> Any:
    """Whether a fact is so all the time; asked again and again."""
    until = time.monotonic() + for_s
    eventually(lambda: not predicate() or time.monotonic() > until, DEADLINE_S)
    return predicate()


def has_turned(shift: Shift, since: float) -> bool:
    return shift.worker.last_poll_at != since


def turns_on(shift: Any, turns: Any) -> None:
    """Wait for so many turns of its loop, however long each of them takes."""
    for _ in range(turns):
        eventually(partial(has_turned, shift, shift.worker.last_poll_at), DEADLINE_S)


def comes_to_rest(shift: Any) -> Any:
    """How many events were handed over, once no more are."""

    def rests() -> Any:
        taken = len(shift.events)
        return stays(lambda: len(shift.events) == taken) and taken

    return eventually(rests, DEADLINE_S)


# Taking


def test_each_record_is_handed_over_by_its_decision(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(rules=MappingOptions(user_consent_category="3"))
    fine = orjson.dumps(event(consent_categories=["3"]))
    brokers.write(TOPIC, fine, NO_CONSENT, NOT_JSON, None, fine)
    shift.has(2)
    assert shift.offsets == [0, 4]
    assert [(item.record.offset, item.decision.reason) for item in shift.unsendable] == [(2, Reason.NOT_JSON)]
    eventually(lambda: shift.telemetry.total(metrics.CONSUMED) == 5, DEADLINE_S)
    filtered = shift.telemetry.snapshot()["capi.events.filtered"]
    assert {reason[0]: count for reason, count in filtered.items() if count} == {
        "no_consent": 1,
        "tombstone": 1,
    }
    assert shift.decided == [None, "no_consent", "not_json", "tombstone", None]
    assert shift.worker.events_in_flight == 3
    assert shift.worker.bytes_in_flight == 2 * len(fine) + 1


def test_filtered_records_end_by_themselves(brokers: FaultyKafka, begin: Any) -> None:
    begin(rules=MappingOptions(user_consent_category="3"))
    brokers.write(TOPIC, NO_CONSENT, None, NO_CONSENT)
    eventually(lambda: committed(brokers) == [3, 0], DEADLINE_S)


@pytest.mark.parametrize(("start", "begins"), [(StartOffset.EARLIEST, 0), (StartOffset.LATEST, 3)])
def test_where_a_partition_begins_is_committed_at_once(
    brokers: FaultyKafka, begin: Any, start: Any, begins: int
) -> None:
    """Killed before that, a consumer of `latest` would decide anew and skip what came meanwhile."""
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    begin(start=start, commit_interval_s=3600.0)
    eventually(lambda: committed(brokers) == [begins, 0], DEADLINE_S)


# Ending


@pytest.mark.parametrize(
    ("start", "offsets"), [(StartOffset.EARLIEST, [0, 1, 2, 3]), (StartOffset.LATEST, [3])]
)
def test_where_a_partition_begins_is_committed_soon_when_that_fails_and_nothing_is_taken_before(
    brokers: FaultyKafka, begin: Any, start: Any, offsets: list[int]
) -> None:
    """As while members join. Killed then, a consumer of `latest` would skip what it had in flight."""
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    brokers.push(Request.OFFSET_COMMIT, *[KafkaError.REBALANCE_IN_PROGRESS] * 4)
    shift = begin(start=start, commit_interval_s=3600.0)
    eventually(lambda: len(shift.worker.partitions) == 2, DEADLINE_S)
    brokers.write(TOPIC, GOOD)
    shift.has(len(offsets))
    assert shift.offsets == offsets
    assert shift.commits_then == {("ok",): 1, ("failed",): 4}
    assert committed(brokers) == [offsets[0], 0]


def test_where_a_partition_goes_on_after_a_gap_is_committed_before_anything_is_taken(
    brokers: FaultyKafka, begin: Any
) -> None:
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    commit(brokers, 50)
    brokers.push(Request.OFFSET_COMMIT, 0, *[KafkaError.REBALANCE_IN_PROGRESS] * 3)
    shift = begin(out_of_range=OffsetOutOfRange.EARLIEST, commit_interval_s=3600.0)
    shift.has(3)
    assert shift.commits_then[("failed",)] == 3
    assert committed(brokers)[0] == 0


def test_only_what_has_ended_with_all_before_it_is_committed(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    shift.has(3)
    zero, one, two = shift.events
    shift.end(one, two)
    eventually(lambda: shift.worker.events_in_flight == 1, DEADLINE_S)
    assert stays(lambda: committed(brokers)[0] in (None, 0))
    shift.end(zero)
    eventually(lambda: committed(brokers)[0] == 3, DEADLINE_S)
    assert shift.worker.events_in_flight == 0


def test_a_restart_begins_where_the_oldest_unfinished_stands(brokers: FaultyKafka, begin: Any) -> None:
    first = begin()
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    first.has(3)
    first.end(first.events[0], first.events[2])
    eventually(lambda: committed(brokers)[0] == 1, DEADLINE_S)
    first.can_deliver = False
    first.stop()
    second = begin()
    second.has(2)
    assert second.offsets == [1, 2]


def test_a_commit_that_fails_does_not_stop_the_work(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    brokers.write(TOPIC, GOOD)
    shift.has(1)
    brokers.push(Request.OFFSET_COMMIT, 23, 23, 23)  # inconsistent group protocol: never retried
    shift.end(*shift.events)
    eventually(lambda: committed(brokers)[0] == 1, DEADLINE_S)
    assert shift.telemetry.snapshot()["capi.commits"][("failed",)] >= 1


# Limits


def test_no_more_is_taken_than_may_be_in_flight_and_it_goes_on_at_half(
    brokers: FaultyKafka, begin: Any
) -> None:
    shift = begin(events_in_flight_max=20)
    brokers.write(TOPIC, *[GOOD] * 100)
    shift.has(20)
    taken = comes_to_rest(shift)
    assert taken < 20 + 10  # one poll may go over the limit, by less than itself
    shift.end(*shift.events[: taken - 10])
    assert stays(lambda: len(shift.events) == taken)
    shift.end(shift.events[taken - 10])
    shift.has(taken + 1)
    done = taken - 9

    def end_more() -> bool:
        nonlocal done
        shift.end(*shift.events[done:])
        done = len(shift.events)
        return done == 100

    eventually(end_more, DEADLINE_S)
    assert shift.offsets == list(range(100))


def test_bytes_in_flight_hold_too(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(bytes_in_flight_max=5 * len(GOOD), poll_records_max=1)
    brokers.write(TOPIC, *[GOOD] * 20)
    shift.has(5)
    assert stays(lambda: len(shift.events) == 5)  # polls of one record
    shift.end(*shift.events)
    shift.has(10)


def test_one_slow_record_holds_up_its_own_partition_and_no_other(brokers: FaultyKafka, begin: Any) -> None:
    """Behind it everything ends, and would all come again after a crash."""
    shift = begin(events_in_flight_max=20)
    brokers.write(TOPIC, *[GOOD] * 100)
    brokers.write(TOPIC, *[GOOD] * 100, partition=1)
    seen = 0

    def taken_of(number: Any) -> Any:
        return sum(item.record.partition.number == number for item in shift.events)

    def end_all_but_the_first() -> None:
        nonlocal seen
        new = shift.events[seen:]
        seen += len(new)
        shift.end(*(item for item in new if (item.record.partition.number, item.record.offset) != (0, 0)))

    def are_taken(slow: Any, other: Any) -> Any:
        end_all_but_the_first()
        return taken_of(0) >= slow and taken_of(1) >= other

    eventually(lambda: are_taken(20, 100), DEADLINE_S)
    taken = taken_of(0)
    assert taken < 20 + 10  # one poll may go over the limit, by less than itself
    turns_on(shift, 5)
    assert taken_of(0) == taken
    (slow,) = [item for item in shift.events if item.record.partition.number == item.record.offset == 0]
    shift.end(slow)
    eventually(lambda: are_taken(100, 100), DEADLINE_S)


def test_a_full_worker_stays_in_its_group(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(events_in_flight_max=5)
    brokers.write(TOPIC, *[GOOD] * 20)
    shift.has(5)
    assert stays(lambda: len(shift.worker.partitions) == 2, 3.0)
    counts = shift.telemetry.snapshot()["capi.rebalances"]
    assert (counts[("lost",)], counts[("revoked",)]) == (0, 0)


# The flood brake


def test_while_braked_nothing_more_is_taken_and_then_it_goes_on(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    brokers.write(TOPIC, GOOD)
    shift.has(1)
    shift.brake.is_open = True
    turned_at = shift.worker.last_poll_at
    eventually(lambda: shift.worker.last_poll_at > turned_at + 0.1, DEADLINE_S)  # two turns: held by now
    brokers.write(TOPIC, *[GOOD] * 50)
    brokers.write(TOPIC, *[GOOD] * 50, partition=1)
    assert stays(lambda: len(shift.events) == 1)
    shift.brake.is_open = False
    shift.has(101)


def test_a_partition_that_comes_while_braked_is_held_too(brokers: FaultyKafka, begin: Any) -> None:
    brokers.write(TOPIC, *[GOOD] * 5)
    first = begin()
    first.has(5)
    second = begin(brake_is_on=True)
    eventually(lambda: len(second.worker.partitions) == 1, DEADLINE_S)
    brokers.write(TOPIC, *[GOOD] * 5)
    brokers.write(TOPIC, *[GOOD] * 5, partition=1)
    assert stays(lambda: second.events == [])


def test_a_braked_worker_stays_in_its_group_and_turns(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(brake_is_on=True)
    eventually(lambda: len(shift.worker.partitions) == 2, DEADLINE_S)
    assert stays(lambda: time.monotonic() - shift.worker.last_poll_at < 1.0, 3.0)
    counts = shift.telemetry.snapshot()["capi.rebalances"]
    assert (counts[("lost",)], counts[("revoked",)]) == (0, 0)


def test_a_stop_waits_for_what_is_sent_and_not_for_letters_that_the_brake_holds(
    brokers: FaultyKafka, begin: Any
) -> None:
    shift = begin(drain_timeout_s=60.0, commit_interval_s=3600.0)
    brokers.write(TOPIC, GOOD, NOT_JSON, GOOD)
    shift.has(2)
    shift.brake.is_open, shift.brake.waiting = True, 1
    shift.worker.stop()
    eventually(lambda: shift.hurries == [True], DEADLINE_S)
    assert stays(shift.thread.is_alive, 0.3)
    began = time.monotonic()
    shift.end(*shift.events)
    shift.stop()
    assert time.monotonic() - began < 10
    assert committed(brokers)[0] == 1


def test_a_partition_is_given_back_without_its_held_letters(brokers: FaultyKafka, begin: Any) -> None:
    first = begin(revoke_timeout_s=60.0)
    brokers.write(TOPIC, *[NOT_JSON] * 3)
    brokers.write(TOPIC, *[NOT_JSON] * 3, partition=1)
    eventually(lambda: len(first.unsendable) == 6, DEADLINE_S)
    first.brake.is_open, first.brake.waiting = True, 6
    began = time.monotonic()
    second = begin()
    eventually(lambda: len(second.unsendable) == 3, DEADLINE_S)
    assert time.monotonic() - began < 15
    assert committed(brokers) == [0, 0]


# Giving back


def test_what_is_not_finished_in_time_comes_again_elsewhere_and_late_work_counts_for_nothing(
    brokers: FaultyKafka, begin: Any
) -> None:
    first = begin(revoke_timeout_s=0.3)
    brokers.write(TOPIC, *[GOOD] * 3)
    brokers.write(TOPIC, *[GOOD] * 3, partition=1)
    first.has(6)
    second = begin()
    second.has(3)
    (moved,) = second.worker.partitions
    assert {item.record.partition for item in second.events} == {moved}
    late = [item for item in first.events if item.record.partition == moved]
    first.end(*late)
    eventually(lambda: first.worker.events_in_flight == 3, DEADLINE_S)
    assert stays(lambda: committed(brokers)[moved.number] == 0)
    assert moved not in first.worker.partitions


def test_nobody_waits_for_meta_while_the_gate_is_closed(brokers: FaultyKafka, begin: Any) -> None:
    first = begin(revoke_timeout_s=60.0)
    brokers.write(TOPIC, *[GOOD] * 3)
    brokers.write(TOPIC, *[GOOD] * 3, partition=1)
    first.has(6)
    first.can_deliver = False
    second = begin()
    second.has(3)
    assert len(second.events) == 3


def test_partitions_that_are_lost_are_let_go_and_nothing_is_committed(
    brokers: FaultyKafka, begin: Any
) -> None:
    shift = begin()
    brokers.write(TOPIC, *[GOOD] * 3)
    shift.has(3)
    eventually(lambda: committed(brokers)[0] == 0, DEADLINE_S)
    brokers.push(Request.HEARTBEAT, 25)  # unknown member id
    eventually(lambda: shift.telemetry.snapshot()["capi.rebalances"][("lost",)] == 2, DEADLINE_S)
    shift.end(*shift.events)
    shift.has(6)
    assert shift.offsets == [0, 1, 2, 0, 1, 2]
    assert stays(lambda: committed(brokers)[0] == 0)
    shift.end(*shift.events[3:])
    eventually(lambda: committed(brokers)[0] == 3, DEADLINE_S)


def test_a_member_that_an_outage_threw_out_does_not_know_its_lag(
    brokers: FaultyKafka, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert of it was silent: without partitions nothing was asked, and nothing seemed unknown."""
    monkeypatch.setattr("consumer.kafka.lag.ALIVE_S_MAX", 0.5)
    now = [0.0]
    settings = Settings(bootstrap_servers=brokers.bootstrap_servers)
    shift = begin()
    eventually(lambda: len(shift.worker.committable) == 2, DEADLINE_S)
    lag = ConsumerLag(admin_client(settings), lambda: shift.worker.committable, lambda: now[0])
    brokers.down()
    eventually(lambda: shift.worker.partitions == () and not shift.worker.committable, DEADLINE_S)
    for now[0] in (200.0, 400.0):
        asyncio.run(lag.refresh())
        assert lag.age_s == now[0]
    brokers.up()
    eventually(lambda: asyncio.run(lag.refresh()) or lag.age_s == 0.0, DEADLINE_S)


def test_a_partition_that_is_taken_back_waits_for_nothing_that_is_held_and_the_other_holds_on(
    brokers: FaultyKafka, begin: Any
) -> None:
    first = begin(revoke_timeout_s=60.0)
    brokers.write(TOPIC, *[GOOD] * 3)
    brokers.write(TOPIC, *[GOOD] * 3, partition=1)
    first.has(6)
    for_both = {item.record.partition: item for item in first.events if item.record.offset == 1}
    first.held = list(for_both.values())
    first.end(*(item for item in first.events if item.record.offset != 1))
    second = begin()
    second.has(2)
    (moved,) = second.worker.partitions
    assert first.let_go == [{moved}]
    assert second.offsets == [1, 2]
    assert first.held == [for_both[first.worker.partitions[0]]]
    assert committed(brokers)[moved.number] == 1


def test_what_is_held_of_a_lost_partition_is_given_up(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    brokers.write(TOPIC, GOOD)
    shift.has(1)
    shift.held = list(shift.events)
    brokers.push(Request.HEARTBEAT, 25)  # unknown member id
    shift.has(2)
    assert shift.held == []
    eventually(lambda: shift.worker.events_in_flight == 1, DEADLINE_S)


def test_each_record_taken_has_ended_is_in_flight_or_was_given_up(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    brokers.write(TOPIC, *[GOOD] * 3)
    shift.has(3)
    shift.held = shift.events[:2]
    brokers.push(Request.HEARTBEAT, 25)  # unknown member id: all three come again
    shift.has(6)
    eventually(lambda: shift.telemetry.total(metrics.RELEASED) == 2, DEADLINE_S)
    assert shift.telemetry.total(metrics.CONSUMED) == 6
    assert shift.worker.events_in_flight == 4


# Leaving


def test_a_stop_waits_for_what_is_in_flight_and_commits_it(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(commit_interval_s=3600.0)
    brokers.write(TOPIC, *[GOOD] * 3)
    shift.has(3)
    shift.worker.stop()
    eventually(lambda: shift.hurries == [True], DEADLINE_S)
    assert stays(shift.thread.is_alive, 0.3)
    shift.end(*shift.events)
    shift.stop()
    assert committed(brokers)[0] == 3


def test_a_stop_waits_no_longer_than_it_may(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(drain_timeout_s=0.5)
    brokers.write(TOPIC, *[GOOD] * 3)
    shift.has(3)
    shift.end(shift.events[0])
    began = time.monotonic()
    shift.stop()
    assert time.monotonic() - began < 4
    assert committed(brokers)[0] == 1


def test_a_stop_waits_for_nothing_that_is_held_and_commits_nothing_past_it(
    brokers: FaultyKafka, begin: Any
) -> None:
    shift = begin(drain_timeout_s=60.0)
    brokers.write(TOPIC, *[GOOD] * 4)
    shift.has(4)
    zero, one, two, three = shift.events
    shift.held = [one]
    shift.end(zero, two)
    shift.worker.stop()
    eventually(lambda: len(shift.let_go) == 1, DEADLINE_S)
    assert stays(shift.thread.is_alive, 0.3)  # for what is not held
    shift.end(three)
    began = time.monotonic()
    shift.stop()
    assert time.monotonic() - began < 10
    assert committed(brokers)[0] == 1
    second = begin()
    second.has(3)
    assert second.offsets == [1, 2, 3]


def test_held_events_count_in_what_is_in_flight(brokers: FaultyKafka, begin: Any) -> None:
    """Nothing tells them from others until they are given up: they hold the limit."""
    shift = begin(events_in_flight_max=5, poll_records_max=1)
    brokers.write(TOPIC, *[GOOD] * 9)
    shift.has(5)
    shift.held = list(shift.events)
    assert stays(lambda: len(shift.events) == shift.worker.events_in_flight == 5)


def test_a_stop_does_not_wait_for_a_closed_gate(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin(drain_timeout_s=60.0)
    brokers.write(TOPIC, *[GOOD] * 3)
    shift.has(3)
    shift.can_deliver = False
    began = time.monotonic()
    shift.stop()
    assert time.monotonic() - began < 10
    assert committed(brokers)[0] == 0


def test_while_leaving_nothing_more_is_taken_and_nothing_untaken_is_committed(
    brokers: FaultyKafka, begin: Any
) -> None:
    shift = begin(commit_interval_s=3600.0, events_in_flight_max=10)
    brokers.write(TOPIC, *[GOOD] * 100)
    shift.has(10)
    shift.worker.stop()
    eventually(lambda: shift.hurries == [True], DEADLINE_S)
    brokers.write(TOPIC, *[GOOD] * 50)
    taken = len(shift.events)
    assert stays(lambda: len(shift.events) == taken, 0.3)
    shift.end(*shift.events)
    shift.stop()
    assert committed(brokers)[0] == taken
    second = begin(events_in_flight_max=1_000)
    second.has(150 - taken)
    assert second.offsets == list(range(taken, 150))


def test_a_commit_that_a_rebalance_refuses_while_leaving_is_tried_again(
    brokers: FaultyKafka, begin: Any
) -> None:
    """Found by members that come and go every second: what had ended came again."""
    shift = begin(commit_interval_s=3600.0)
    brokers.write(TOPIC, GOOD, GOOD, GOOD)
    shift.has(3)
    shift.end(*shift.events)
    eventually(lambda: shift.worker.events_in_flight == 0, DEADLINE_S)
    brokers.push(Request.OFFSET_COMMIT, *[KafkaError.REBALANCE_IN_PROGRESS] * 3)
    shift.stop()
    assert committed(brokers)[0] == 3


def test_a_stop_before_the_group_was_joined_ends_at_once(brokers: FaultyKafka, begin: Any) -> None:
    shift = begin()
    began = time.monotonic()
    shift.stop()
    assert time.monotonic() - began < 5


def test_the_worker_turns_while_it_waits_for_anything(brokers: FaultyKafka, begin: Any) -> None:
    """Health asks how long ago the last turn was: waiting for Meta is no reason to be restarted."""
    shift = begin(drain_timeout_s=30.0, events_in_flight_max=3)
    brokers.write(TOPIC, *[GOOD] * 20)
    shift.has(3)
    assert stays(lambda: time.monotonic() - shift.worker.last_poll_at < 1.0)
    shift.worker.stop()
    assert stays(lambda: time.monotonic() - shift.worker.last_poll_at < 1.0)
    assert shift.worker.has_joined


# What no broker can be made to do in that order, or in time: see scripted_consumer.py


class ScriptedSource:
    """A source of two partitions whose polls are given, in the manner of the real one."""

    unconfirmed: frozenset[Any] = frozenset()

    def __init__(self, *polls: Any) -> None:
        self.polls = list(polls)
        self.commits: list[Any] = []

    def subscribe(self, owner: Any) -> None:
        self.owner = owner
        owner.assigned({Partition(TOPIC, 0): 0, Partition(TOPIC, 1): 0})

    def poll(self, records_max: Any, timeout_s: Any) -> Any:
        step = self.polls.pop(0) if self.polls else list
        return step()

    idle = poll

    def pause(self, partitions: Any, *, new: Any) -> None:
        pass

    def is_commit_due(self) -> bool:
        return False

    def commit(self, offsets: Any, *, wait: bool = False) -> bool:
        self.commits.append({partition.number: offset for partition, offset in offsets.items()})
        return True

    def close(self) -> None:
        pass


def scripted(source: Any, ended: Any, accept: Any = lambda *_: None, hurry: Any = lambda _: None) -> PollLoop:
    """A worker that commits at its first turn, and then only where it must."""
    pace = PollOptions(
        poll_records_max=10,
        events_in_flight_max=10,
        bytes_in_flight_max=10_000,
        commit_interval_s=3600.0,
        drain_timeout_s=10.0,
        revoke_timeout_s=10.0,
    )
    handover = DeliveryHandle(
        accept=accept,
        flush=hurry,
        can_deliver=lambda: True,
        record_decisions=lambda _: None,
        watch_filter_rate=lambda _: None,
        dlq_breaker=SimpleNamespace(is_open=False, waiting=0),
        release_delayed=lambda _: None,
    )
    return PollLoop(source, RULES, handover, pace, Telemetry(), ended, now_s=lambda: NOW_S)


def test_a_partition_that_is_taken_back_is_finished_and_committed_first() -> None:
    """By a source of our own: the mock brokers' group goes on without a member that is late by a second."""
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    events: list[Any] = []
    hurries: list[Any] = []

    def take_one_back() -> list[Any]:
        commits = len(source.commits)
        source.owner.revoked([Partition(TOPIC, 1)])
        # It would have been given back by now.
        assert source.commits[commits:] == [{1: 3}]
        assert worker.partitions == (Partition(TOPIC, 0),)
        assert worker.events_in_flight == 3
        worker.stop()
        return []

    def hurry(is_on: Any) -> None:
        hurries.append(is_on)
        number = 1 if len(hurries) == 1 else 0
        ended.put([item.ticket for item in events if is_on and item.record.partition.number == number])

    records = [
        Record(Partition(TOPIC, number), offset, NOW_S * 1000, GOOD, None)
        for number in (0, 1)
        for offset in range(3)
    ]
    source = ScriptedSource(lambda: records, take_one_back)
    worker = scripted(source, ended, accept=lambda taken, _: events.extend(taken), hurry=hurry)
    worker.run()
    assert hurries == [True, False, True]
    assert source.commits == [{0: 0, 1: 0}, {1: 3}, {0: 3}]


def test_where_a_partition_goes_on_is_committed_in_the_next_turn() -> None:
    """Where the log no longer has what comes next, and `latest` would decide further up after a kill."""

    def moves() -> list[Any]:
        source.owner.moved(Partition(TOPIC, 0), 9)
        return []

    def stops() -> list[Any]:
        worker.stop()
        return []

    def look() -> list[Any]:
        commits.extend(source.commits)
        return []

    commits: list[dict[int, int]] = []
    source = ScriptedSource(list, moves, look, stops)
    worker = scripted(source, queue.SimpleQueue())
    worker.run()
    assert commits == [{0: 0, 1: 0}, {0: 9, 1: 0}]


def test_a_bug_ends_the_thread_and_leaves_the_group() -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    class Closing(ScriptedSource):
        closed = False

        def close(self) -> None:
            self.closed = True

    source = Closing(fail)
    with pytest.raises(RuntimeError, match="a bug"):
        scripted(source, queue.SimpleQueue()).run()
    assert source.closed
