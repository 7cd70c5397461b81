"""Every record that is sent is counted once, as delivered or as failed."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import Producer
from support.mock_kafka import MockKafka

from consumer.config.settings import Settings
from consumer.kafka.producer import RecordProducer, open_producer


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_what_was_sent_arrives_with_key_headers_and_timestamp(brokers: MockKafka) -> None:
    publisher = open_producer(Settings(bootstrap_servers=brokers.bootstrap_servers))

    publisher.send("whole", b"u1", b"{}", [("a", b"1"), ("b", None)], 1_700_000_000_000)
    publisher.send("whole", None, None)
    counts = publisher.finish(10)

    assert (counts.delivered, counts.failed) == (2, 0)
    records = {record.key(): record for record in brokers.records("whole")}
    assert records[b"u1"].value() == b"{}"
    assert records[b"u1"].headers() == [("a", b"1"), ("b", None)]
    assert records[b"u1"].timestamp()[1] == 1_700_000_000_000
    assert records[None].value() is None


def test_a_full_queue_waits_for_room_and_loses_nothing(brokers: MockKafka) -> None:
    producer = Producer({"bootstrap.servers": brokers.bootstrap_servers, "queue.buffering.max.messages": 10})
    publisher = RecordProducer(producer)

    for number in range(1_000):
        publisher.send("narrow", None, b"%d" % number)
    counts = publisher.finish(20)

    assert (counts.delivered, counts.failed) == (1_000, 0)
    assert sorted(int(record.value()) for record in brokers.records("narrow")) == list(range(1_000))


def test_a_record_that_does_not_fit_is_a_counted_failure_with_its_place(brokers: MockKafka) -> None:
    failures = []
    producer = Producer({"bootstrap.servers": brokers.bootstrap_servers, "message.max.bytes": 2_000})
    publisher = RecordProducer(producer, lambda place, error: failures.append((place, error)))

    publisher.send("small", None, b"x" * 3_000, place=7)
    publisher.send("small", None, b"x", place=8)
    counts = publisher.finish(10)

    assert (counts.delivered, counts.failed) == (1, 1)
    assert failures == [(7, "MSG_SIZE_TOO_LARGE")]
    assert counts.errors == {"MSG_SIZE_TOO_LARGE": 1}


def test_what_has_no_report_when_the_time_is_over_is_counted_as_failed() -> None:
    failures = []
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{free_port()}", "log_level": 0})
    publisher = RecordProducer(producer, lambda place, error: failures.append((place, error)))

    for line in (1, 2, 3):
        publisher.send("nowhere", None, b"x", place=line)
    counts = publisher.finish(0.2)

    assert (counts.delivered, counts.failed) == (0, 3)
    assert failures == [(1, "_PURGE_QUEUE"), (2, "_PURGE_QUEUE"), (3, "_PURGE_QUEUE")]


def test_a_report_that_is_an_error_is_a_failure() -> None:
    failures = []
    producer = Producer(
        {"bootstrap.servers": f"127.0.0.1:{free_port()}", "log_level": 0, "message.timeout.ms": 50}
    )
    publisher = RecordProducer(producer, lambda place, error: failures.append((place, error)))

    publisher.send("nowhere", None, b"x", place=1)
    counts = publisher.finish(10)

    assert (counts.delivered, counts.failed) == (0, 1)
    assert failures == [(1, "_MSG_TIMED_OUT")]
