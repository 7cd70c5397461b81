"""Lag is asked for at the brokers: it grows while nothing is read, and stays known while they are away."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_INVALID
from confluent_kafka.admin import AdminClient
from support.faulty_kafka import FaultyKafka
from support.waiting import eventually

from consumer.config.settings import Settings
from consumer.domain.record import Partition
from consumer.kafka import clients
from consumer.kafka.lag import ALIVE_EVERY_S, ConsumerLag

TOPIC = "capi.events"
FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


@pytest.fixture
def brokers() -> Iterator[FaultyKafka]:
    with FaultyKafka() as running:
        running.make_topic(TOPIC, 2)
        yield running


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lag_of(brokers: Any, done: Any, clock: Any) -> ConsumerLag:
    settings = Settings(bootstrap_servers=brokers.bootstrap_servers)
    return ConsumerLag(clients.admin_client(settings), lambda: done, clock)


async def test_it_is_from_the_lowest_unfinished_record_to_the_end(brokers: FaultyKafka) -> None:
    done = {FIRST: 2, SECOND: 0}
    lag = lag_of(brokers, done, Clock())
    brokers.write(TOPIC, *[b"{}"] * 7, partition=0)
    await lag.refresh()
    assert lag.by_place() == {(TOPIC, "0"): 5, (TOPIC, "1"): 0}
    done[FIRST] = 6
    assert lag.by_place()[(TOPIC, "0")] == 1
    brokers.write(TOPIC, *[b"{}"] * 10, partition=0)
    await lag.refresh()
    assert lag.by_place()[(TOPIC, "0")] == 11


async def test_a_partition_that_has_gone_has_none(brokers: FaultyKafka) -> None:
    done = {FIRST: 0, SECOND: 0}
    lag = lag_of(brokers, done, Clock())
    await lag.refresh()
    del done[SECOND]
    assert list(lag.by_place()) == [(TOPIC, "0")]
    done.clear()
    await lag.refresh()
    assert lag.by_place() == {}


async def test_work_that_is_done_before_the_end_is_asked_for_is_no_negative_lag(brokers: FaultyKafka) -> None:
    lag = lag_of(brokers, {FIRST: 3}, Clock())
    await lag.refresh()
    assert lag.by_place() == {(TOPIC, "0"): 0}


async def test_without_kafka_what_was_known_stays_and_its_age_grows(brokers: FaultyKafka) -> None:
    clock = Clock()
    lag = lag_of(brokers, {FIRST: 0}, clock)
    brokers.write(TOPIC, b"{}", partition=0)
    await lag.refresh()
    brokers.down()
    clock.now = 160.0
    await lag.refresh()
    assert lag.by_place() == {(TOPIC, "0"): 1}
    assert lag.age_s == 60.0


async def test_without_partitions_only_a_sign_of_life_counts(
    brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classic member that Kafka does not answer loses its partitions, and so has no ends to ask for."""
    monkeypatch.setattr("consumer.kafka.lag.ALIVE_S_MAX", 0.5)
    clock = Clock()
    lag = lag_of(brokers, {}, clock)
    clock.now += ALIVE_EVERY_S
    await lag.refresh()
    assert lag.age_s == 0.0
    brokers.down()
    clock.now += 400.0
    await lag.refresh()
    assert lag.age_s == 400.0


async def test_a_sign_of_life_is_seldom_asked_for(brokers: FaultyKafka) -> None:
    clock = Clock()
    lag = lag_of(brokers, {}, clock)
    clock.now += ALIVE_EVERY_S - 1
    await lag.refresh()
    assert lag.age_s == ALIVE_EVERY_S - 1


async def test_asking_for_life_makes_no_topic(brokers: FaultyKafka) -> None:
    clock = Clock()
    admin = clients.admin_client(Settings(bootstrap_servers=brokers.bootstrap_servers))
    lag = ConsumerLag(admin, dict, clock)
    clock.now += ALIVE_EVERY_S
    await lag.refresh()
    assert lag.age_s == 0.0
    assert list(admin.list_topics(timeout=10).topics) == [TOPIC]


async def test_errors_of_its_connections_do_not_pile_up(brokers: FaultyKafka) -> None:
    brokers.down()
    admin = clients.admin_client(Settings(bootstrap_servers=brokers.bootstrap_servers))
    lag = ConsumerLag(admin, dict, Clock())
    queued: Any = admin  # the stub of AdminClient has no `__len__`
    eventually(lambda: len(queued), 20)
    await lag.refresh()
    assert admin.faults
    assert len(queued) == 0


class Late:
    """An AdminClient that gives what librdkafka does when a leader does not answer in time."""

    offset = 7

    def poll(self, timeout: Any) -> int:
        return 0

    def list_offsets(self, asked: Any, **_: Any) -> dict[Any, Future[Any]]:
        answers: dict[Any, Future[Any]] = {place: Future() for place in asked}
        for answer in answers.values():
            answer.set_result(SimpleNamespace(offset=self.offset))
        return answers


async def test_an_end_that_was_not_told_in_time_is_not_taken_for_one() -> None:
    clock, admin = Clock(), Late()
    lag = ConsumerLag(cast(AdminClient, admin), lambda: {FIRST: 0}, clock)
    await lag.refresh()
    admin.offset = OFFSET_INVALID
    clock.now += 60.0
    await lag.refresh()
    assert lag.by_place() == {(TOPIC, "0"): 7}
    assert lag.age_s == 60.0
