"""What is held gives nothing, and goes on where it stood when nobody holds it any more."""

from __future__ import annotations

import time
from typing import Any

from support.faulty_kafka import FaultyKafka
from support.group_members import DEADLINE_S, P0, P1, P2, P3, TOPIC
from support.waiting import eventually


def test_a_held_partition_gives_nothing_and_the_others_go_on(brokers: FaultyKafka, join: Any) -> None:
    brokers.make_topic(TOPIC, 2)
    member = join()
    member.until(lambda: len(member.starts) == 2)
    member.source.pause([P0], new=False)
    for number in (0, 1):
        brokers.write(TOPIC, b"x", partition=number)
    member.has(1)
    began = time.monotonic()
    member.until(lambda: time.monotonic() - began > 0.5)
    assert [record.partition for record in member.records] == [P1]
    member.source.pause([], new=False)
    member.has(2)
    assert {record.partition for record in member.records} == {P0, P1}


def test_what_is_held_again_and_again_is_given_once(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, *(b"%d" % n for n in range(50)))
    member = join()
    for _ in range(10):
        member.source.pause([P0], new=True)
        member.source.pause([P0], new=True)
        member.poll()
        member.source.pause([], new=False)
        member.source.pause([], new=False)
        member.poll()
    member.has(50)
    assert member.values == [b"%d" % n for n in range(50)]


def test_a_partition_that_comes_while_all_is_held_is_held(
    brokers: FaultyKafka, topic: str, join: Any
) -> None:
    brokers.write(TOPIC, b"0")
    member = join()
    member.source.pause([], new=True)
    member.until(lambda: member.starts)
    began = time.monotonic()
    member.until(lambda: time.monotonic() - began > 0.5)
    assert member.records == []
    member.source.pause([], new=False)
    member.has(1)


def test_a_partition_that_was_taken_away_while_held_is_read_when_it_comes_back(
    brokers: FaultyKafka, join: Any
) -> None:
    """librdkafka remembers the pause; nobody else would ever end it."""
    brokers.make_topic(TOPIC, 4)
    first = join()
    first.until(lambda: len(first.starts) == 4)
    first.source.pause([P0, P1, P2, P3], new=True)
    second = join()
    eventually(lambda: (first.poll(), second.poll(), len(second.starts) == 2)[-1], DEADLINE_S)
    first.source.pause([], new=False)
    second.source.close()
    first.until(lambda: len([p for starts in first.owner.all_of("assigned") for p in starts]) == 6)
    for number in range(4):
        brokers.write(TOPIC, b"%d" % number, partition=number)
    first.has(4)
    assert {record.partition for record in first.records} == {P0, P1, P2, P3}
