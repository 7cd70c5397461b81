"""Where a partition begins is asked for until it is known: at its commit, else where the setting says."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from support.faulty_kafka import FaultyKafka, Request
from support.group_members import P0, TOPIC

from consumer.config.settings import StartOffset


@pytest.mark.parametrize(("start", "offset"), [(StartOffset.EARLIEST, 0), (StartOffset.LATEST, 3)])
def test_without_a_committed_offset_the_setting_decides_and_says_so(
    brokers: FaultyKafka, topic: str, join: Any, start: Any, offset: int
) -> None:
    brokers.write(TOPIC, b"0", b"1", b"2")
    member = join(start=start)
    member.until(lambda: member.starts)
    assert member.starts == {P0: offset}


def test_a_committed_offset_wins_over_the_setting(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, b"0", b"1", b"2")
    first = join()
    first.has(3)
    first.source.commit({P0: 2}, wait=True)
    first.source.close()
    second = join(start=StartOffset.LATEST)
    second.has(1)
    assert (second.starts, second.values) == ({P0: 2}, [b"2"])


@pytest.mark.parametrize("request_", [Request.OFFSET_FETCH, Request.LIST_OFFSETS])
def test_a_start_that_cannot_be_asked_for_is_asked_for_again(
    brokers: FaultyKafka, topic: str, join: Any, request_: Any
) -> None:
    brokers.write(TOPIC, b"0")
    member = join()
    brokers.push(request_, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
    member.has(1)
    assert member.starts == {P0: 0}


def test_a_start_that_is_never_told_ends_the_work(brokers: FaultyKafka, topic: str, join: Any) -> None:
    member = join(patience_s=0.5)
    brokers.push(Request.OFFSET_FETCH, *[KafkaError.GROUP_AUTHORIZATION_FAILED] * 20)
    with pytest.raises(KafkaException) as ended:
        member.has(1)
    assert ended.value.args[0].name() == "GROUP_AUTHORIZATION_FAILED"
    assert member.owner.said == []
