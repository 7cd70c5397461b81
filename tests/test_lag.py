"""Lag is asked for at the brokers: it grows while nothing is read, and stays known while they are away."""

from __future__ import annotations

import pytest
from faulty_kafka import FaultyKafka

from consumer import kafka
from consumer.core.record import Partition
from consumer.lag import Lag
from consumer.settings import Settings

TOPIC = "capi.events"
FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


@pytest.fixture
def brokers():
    with FaultyKafka() as running:
        running.make_topic(TOPIC, 2)
        yield running


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def lag_of(brokers, done, clock):
    settings = Settings(bootstrap_servers=brokers.bootstrap_servers)
    return Lag(kafka.admin_client(settings), lambda: done, clock)


async def test_it_is_from_the_lowest_unfinished_record_to_the_end(brokers):
    done = {FIRST: 2, SECOND: 0}
    lag = lag_of(brokers, done, Clock())
    brokers.write(TOPIC, *[b"{}"] * 7, partition=0)
    await lag.ask()
    assert lag.by_place() == {(TOPIC, "0"): 5, (TOPIC, "1"): 0}
    done[FIRST] = 6
    assert lag.by_place()[(TOPIC, "0")] == 1
    brokers.write(TOPIC, *[b"{}"] * 10, partition=0)
    await lag.ask()
    assert lag.by_place()[(TOPIC, "0")] == 11


async def test_a_partition_that_has_gone_has_none(brokers):
    done = {FIRST: 0, SECOND: 0}
    lag = lag_of(brokers, done, Clock())
    await lag.ask()
    del done[SECOND]
    assert list(lag.by_place()) == [(TOPIC, "0")]
    done.clear()
    await lag.ask()
    assert lag.by_place() == {}


async def test_work_that_is_done_before_the_end_is_asked_for_is_no_negative_lag(brokers):
    lag = lag_of(brokers, {FIRST: 3}, Clock())
    await lag.ask()
    assert lag.by_place() == {(TOPIC, "0"): 0}


async def test_without_kafka_what_was_known_stays_and_its_age_grows(brokers):
    clock = Clock()
    lag = lag_of(brokers, {FIRST: 0}, clock)
    brokers.write(TOPIC, b"{}", partition=0)
    await lag.ask()
    brokers.down()
    clock.now = 160.0
    await lag.ask()
    assert lag.by_place() == {(TOPIC, "0"): 1}
    assert lag.known_ago_s == 60.0
