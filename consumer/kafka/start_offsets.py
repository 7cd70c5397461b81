"""
Where does a partition begin that has come to us?

    committed offset     there         not there
                           |               |
                         there     `start`: earliest -> the log's beginning
                                            latest   -> its end

`auto.offset.reset` is `error`, so nothing is ever skipped silently: what is
decided here is decided once, and committed before a record is taken. Brokers that do not answer are
asked again, each time after twice the pause. A partition that began anywhere
else would lose records, so in the end not knowing ends the process.
"""

from __future__ import annotations

import time
from collections.abc import Set
from typing import NamedTuple

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from consumer.config.settings import StartOffset
from consumer.domain.record import Partition
from consumer.kafka.conversion import cause, partition_at

log = structlog.get_logger()

# One answer. With a commit that is waited for it is within the margin of `poll_interval`.
BROKER_TIMEOUT_S = 10.0
# How long a new partition's start is asked for before the process gives up and
# lets the group hand it to another member: under `max.poll.interval.ms`, which
# is 300 s unless the user says less (`poll_interval.starts_s`). The first pause
# is doubled each time.
STARTS_S_MAX = 120.0
START_PAUSE_S = 0.25


class StartOffsets(NamedTuple):
    """Partitions with the offsets at which they begin, and those of them that had none committed."""

    places: list[TopicPartition]
    decided: Set[Partition]


class StartOffsetResolver:
    """Asks where partitions begin. `start` is the setting, `patience_s` how long it may take."""

    def __init__(self, consumer: Consumer, start: StartOffset, patience_s: float = STARTS_S_MAX) -> None:
        self._consumer = consumer
        self._start = start
        self._patience_s = patience_s

    def resolve(self, partitions: list[TopicPartition]) -> StartOffsets:
        """Where these begin. Raises KafkaException when out of patience."""
        give_up_at = time.monotonic() + self._patience_s
        pause_s = START_PAUSE_S
        while True:
            try:
                committed = self._consumer.committed(partitions, timeout=BROKER_TIMEOUT_S)
                return StartOffsets(
                    [self._resolve_one(p) for p in committed],
                    {partition_at(p) for p in committed if p.offset == OFFSET_INVALID},
                )
            except KafkaException as error:
                if time.monotonic() + pause_s > give_up_at:
                    raise
                log.warning("start of partitions not known yet", error=cause(error).name())
            time.sleep(pause_s)
            pause_s *= 2

    def _resolve_one(self, partition: TopicPartition) -> TopicPartition:
        if partition.error is not None:
            raise KafkaException(partition.error)
        if partition.offset != OFFSET_INVALID:
            return TopicPartition(partition.topic, partition.partition, partition.offset)
        offset = log_boundary(self._consumer, partition, is_end=self._start is StartOffset.LATEST)
        return TopicPartition(partition.topic, partition.partition, offset)


def log_boundary(consumer: Consumer, partition: TopicPartition, *, is_end: bool) -> int:
    """The offset at which the partition's log begins, or behind its last record. Raises KafkaException."""
    low, high = consumer.get_watermark_offsets(partition, timeout=BROKER_TIMEOUT_S, cached=False)
    return high if is_end else low
