"""
What confluent-kafka gives, in our words: a record, and what went wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import cast

import structlog
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, KafkaException, Message, TopicPartition

from consumer.domain.record import Headers, Partition, Record

log = structlog.get_logger()


def as_record(message: Message) -> Record:
    """A message without error, as a record. A record without a time has the time -1."""
    kind, timestamp_ms = message.timestamp()
    return Record(
        partition_of(message),
        message.offset() or 0,
        -1 if kind == TIMESTAMP_NOT_AVAILABLE else timestamp_ms,
        message.value(),
        message.key(),
        _headers(message),
    )


def partition_of(message: Message) -> Partition:
    """Where a message, or an error about a place, belongs."""
    return _partition(message.topic() or "", message.partition() or 0)


@cache
def _partition(topic: str, number: int) -> Partition:
    """One object for each, not for each record. There are as many as the topics have partitions."""
    return Partition(topic, number)


def places(partitions: Iterable[Partition]) -> list[TopicPartition]:
    """Partitions in confluent-kafka's words, without an offset."""
    return [TopicPartition(*partition) for partition in partitions]


def partition_at(place: TopicPartition) -> Partition:
    """The way back from one of `places`."""
    return Partition(place.topic, place.partition)


def cause(error: KafkaException) -> KafkaError:
    """What went wrong, with its code; "failed" where confluent-kafka does not say."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, KafkaError) else KafkaError(KafkaError._FAIL)


def _headers(message: Message) -> Headers:
    """
    The headers, or none where confluent-kafka cannot read them.

    Kafka allows any bytes as a header's name; confluent-kafka wants UTF-8 and
    fails otherwise with one of these. One such record must not stop a topic.
    """
    try:
        return cast("Headers", message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        log.warning(
            "headers of a record cannot be read, and are left out",
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
        )
        return ()
