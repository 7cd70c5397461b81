"""A commit counts when the coordinator has it, and one that fails is covered by the next."""

from __future__ import annotations

import time
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition
from support.faulty_kafka import FaultyKafka, Request
from support.group_members import P0, TOPIC, Owner
from support.scripted_consumer import Scripted

from consumer.config import kafka_constraints
from consumer.config.settings import OffsetOutOfRange, StartOffset
from consumer.kafka import assignment, committer
from consumer.kafka.consumer import KafkaSource
from consumer.observability.telemetry import Telemetry


def test_what_was_committed_is_not_committed_again(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    member.has(2)
    member.source.commit({P0: 1}, wait=True)
    member.source.commit({P0: 1}, wait=True)
    member.source.commit({P0: 1})
    member.source.commit({})
    member.until(lambda: True)
    assert member.commits == (1, 0)
    member.source.commit({P0: 2})
    member.until(lambda: member.commits == (2, 0))


def test_what_was_committed_is_committed_again_after_a_while(
    brokers: FaultyKafka, topic: str, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A late commit of who had the partition before may have overwritten it.

    On a partition in which nothing more comes, nobody else would ever mend that.
    """
    monkeypatch.setattr("consumer.kafka.committer.AGAIN_S", 0.0)
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    member.has(2)
    member.source.commit({P0: 2}, wait=True)
    member.until(lambda: member.commits == (1, 0))
    late = member.source._consumer
    late.commit(offsets=[TopicPartition(TOPIC, 0, 1)], asynchronous=False)
    assert late.committed([TopicPartition(TOPIC, 0)], timeout=10)[0].offset == 1
    member.source.commit({P0: 2})
    member.until(lambda: late.committed([TopicPartition(TOPIC, 0)], timeout=10)[0].offset == 2)


RETRIABLE = [
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.REQUEST_TIMED_OUT,
]
FINAL = [
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.OFFSET_METADATA_TOO_LARGE,
]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("code", RETRIABLE + FINAL, ids=lambda code: KafkaError(code).name())
def test_a_commit_that_fails_is_covered_by_the_next_and_never_counts(
    brokers: FaultyKafka, topic: str, join: Any, code: Any, wait: bool
) -> None:
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    member.has(2)
    brokers.push(Request.OFFSET_COMMIT, *[code] * (3 if code in RETRIABLE else 1))
    member.source.commit({P0: 1}, wait=wait)
    member.until(lambda: sum(member.commits) >= 1)

    asked = [1]

    def again() -> bool:
        if member.source._committing._known.has_all({P0: 2}):
            return True
        if len(asked) <= sum(member.commits) and member.source._consumer.assignment():
            member.source.commit({P0: 2})
            asked.append(2)
        return False

    member.until(again)
    committed = member.source._consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)
    assert committed[0].offset == 2


def test_a_commit_is_waited_for_until_the_broker_has_it(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    member.has(2)
    began = time.monotonic()
    member.source.commit({P0: 2}, wait=True)
    assert time.monotonic() - began < 2
    committed = member.source._consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)
    assert committed[0].offset == 2


def test_a_commit_without_a_broker_is_waited_for_so_long_and_no_longer(
    brokers: FaultyKafka, topic: str, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.kafka.committer.COMMIT_S_MAX", 0.5)
    brokers.write(TOPIC, b"0")
    member = join()
    member.has(1)
    brokers.down()
    began = time.monotonic()
    member.source.commit({P0: 1}, wait=True)
    assert 0.5 <= time.monotonic() - began < 3
    brokers.up()
    member.until(lambda: sum(member.commits) >= 1)


def test_what_one_poll_may_wait_for_fits_into_the_margin_of_its_interval() -> None:
    assert committer.COMMIT_S_MAX + assignment.BROKER_TIMEOUT_S <= kafka_constraints.MARGIN_S


# Orders of answers that no broker can be made to give on demand


class NotCommitting(Scripted):
    """A coordinator that answers, and does not carry the commit out."""

    def commit(self, offsets: Any, asynchronous: Any) -> None:
        super().commit(offsets, asynchronous)
        self.did.append(("asynchronous", asynchronous))


def test_a_commit_that_the_coordinator_does_not_take_is_sent_again_and_not_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consumer.kafka.committer.COMMIT_S_MAX", 60.0)
    monkeypatch.setattr("consumer.kafka.committer.COMMIT_REPEATED_S_MAX", 0.1)
    consumer = NotCommitting(committed=5)
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    began = time.monotonic()
    assert source.commit({P0: 7}, wait=True) is False
    assert time.monotonic() - began < 5
    once = [("commit", (0, 7)), ("asynchronous", True)]
    assert consumer.did[:4] == once * 2
    sent = len(consumer.did)
    assert source.commit({P0: 7})
    assert consumer.did[sent:] == once  # it does not count as done


class Confirming(NotCommitting):
    """A coordinator that confirms the commit, and whose offset is another's by the time it is asked for."""

    def committed(self, partitions: Any, timeout: Any) -> Any:
        self.on_commit(None, [TopicPartition(TOPIC, 0, 7)])
        return super().committed(partitions, timeout)


def test_a_commit_that_was_confirmed_meanwhile_is_not_sent_again() -> None:
    consumer = Confirming(committed=5)
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    assert source.commit({P0: 7}, wait=True) is True
    assert consumer.did == [("commit", (0, 7)), ("asynchronous", True)]


def test_a_late_answer_to_a_commit_does_not_hide_a_newer_one() -> None:
    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    source.subscribe(Owner())
    consumer.polls = [[lambda: consumer.assign_now(0)]]
    source.poll(100, 0)
    source.commit({P0: 50})
    consumer.polls = [[lambda: consumer.revoke_now(0), lambda: consumer.assign_now(0)]]
    source.poll(100, 0)
    consumer.on_commit(None, [TopicPartition(TOPIC, 0, 50)])
    source.commit({P0: 80})
    assert consumer.did[-1] == ("commit", (0, 80))


def test_one_partition_whose_commit_failed_makes_the_commit_a_failure() -> None:
    consumer = Scripted()
    telemetry = Telemetry()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, telemetry)
    source.subscribe(Owner())

    class Failed:
        topic, partition, offset, error = TOPIC, 1, 5, KafkaError(KafkaError.NOT_COORDINATOR)

    consumer.on_commit(None, [TopicPartition(TOPIC, 0, 5), Failed])
    counts = telemetry.snapshot()["capi.commits"]
    assert (counts[("ok",)], counts[("failed",)]) == (0, 1)
    source.commit({P0: 5})
    assert consumer.did[-1] == ("commit", (0, 5))
