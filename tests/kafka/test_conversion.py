"""What confluent-kafka gives is a record, whatever it holds."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage

from consumer.domain.record import Partition, Record
from consumer.kafka.conversion import as_record, cause, partition_at, places


class Message:
    """A message with the headers, or the failure, of the test: no producer of ours can write some of them."""

    def __init__(
        self, headers: Any = None, timestamp: Any = (TIMESTAMP_CREATE_TIME, 1_700_000_000_000)
    ) -> None:
        self._headers, self._timestamp = headers, timestamp

    def topic(self) -> str:
        return "events"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 17

    def timestamp(self) -> Any:
        return self._timestamp

    def key(self) -> bytes:
        return b"u-1"

    def value(self) -> bytes:
        return b"{}"

    def headers(self) -> Any:
        if isinstance(self._headers, Exception):
            raise self._headers
        return self._headers


def read(message: Message) -> Record:
    return as_record(cast(KafkaMessage, message))


def test_a_header_whose_name_is_not_text_costs_the_headers_and_not_the_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for failure in (
        SystemError("<method 'headers'> returned a result with an exception set"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ):
        record = read(Message(headers=failure))
        assert (record.partition, record.offset, record.value) == (Partition("events", 3), 17, b"{}")
        assert record.headers == ()


def test_a_record_without_a_time_has_minus_one() -> None:
    assert read(Message(timestamp=(TIMESTAMP_NOT_AVAILABLE, 0))).timestamp_ms == -1


def test_a_record_without_headers_has_none() -> None:
    assert read(Message()).headers == ()


def test_headers_are_kept_in_order_and_repeated() -> None:
    assert read(Message([("a", b"1"), ("a", None)])).headers == [("a", b"1"), ("a", None)]


def test_the_cause_of_an_exception_is_its_error() -> None:
    assert cause(KafkaException(KafkaError(KafkaError._TRANSPORT))).code() == KafkaError._TRANSPORT
    assert cause(KafkaException("text")).code() == KafkaError._FAIL
    assert cause(KafkaException()).code() == KafkaError._FAIL


def test_a_place_leads_back_to_its_partition() -> None:
    (place,) = places([Partition("events", 3)])
    assert (place.topic, place.partition) == ("events", 3)
    assert partition_at(place) == Partition("events", 3)
