"""
Reading one record again where it first stood.

A letter that was too large for the dead-letter topic came without its value.
The value is still in the events topic as long as retention leaves it there.
"""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.config.settings import Settings
from consumer.dead_letters.reader import NO_GROUP, partitions_of
from consumer.domain.record import Coordinates, Record
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.conversion import as_record

ORIGINAL_POLL_S = 0.5
DEADLINE_S = 30.0


class OriginalReader:
    """The records behind letters, looked up one at a time; the Consumer for it is made when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def find(self, origin: Coordinates) -> Record | None:
        """
        The record of that place and time, None when it is no longer there.

        The time tells a topic that was deleted and made anew from the one that
        the letter came from. Raises CannotGoOn without brokers.
        """
        try:
            return self._find(self._opened(), origin)
        except KafkaException as error:
            raise clients.cannot_reach(self._settings, error) from None

    def close(self) -> None:
        """Let the Consumer go, where there is one."""
        if self._consumer is not None:
            self._consumer.close()

    def _opened(self) -> Consumer:
        if self._consumer is None:
            properties = clients.consumer_properties(self._settings, group=NO_GROUP)
            self._consumer = clients.new_consumer(properties)
        return self._consumer

    def _find(self, consumer: Consumer, origin: Coordinates) -> Record | None:
        if origin.partition not in partitions_of(consumer, origin.topic):
            return None
        place = TopicPartition(origin.topic, origin.partition)
        low, high = consumer.get_watermark_offsets(place, timeout=clients.METADATA_TIMEOUT_S, cached=False)
        if not low <= origin.offset < high:
            return None
        consumer.assign([TopicPartition(origin.topic, origin.partition, origin.offset)])
        try:
            return self._read(consumer, origin)
        finally:
            consumer.unassign()

    def _read(self, consumer: Consumer, origin: Coordinates) -> Record | None:
        """The first record from that offset on, when it is the one; after a hole it is another, or none."""
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            message = consumer.poll(ORIGINAL_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET):
                    return None
                raise KafkaException(error)
            record = as_record(message)
            is_it = (record.offset, record.timestamp_ms) == (origin.offset, origin.timestamp_ms)
            return record if is_it else None
        raise CommandError(f"the brokers stopped answering while {origin.topic} was read: run it again")
