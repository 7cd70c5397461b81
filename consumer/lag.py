"""
How far behind are we? Per partition: from the lowest unfinished record to the end of its log.

The ends are asked for, of the brokers and by a client of its own. What the
Consumer remembers of them stands still while a partition is paused, and it is
paused just when lag grows: while Meta does not answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # exported, unsaid

from consumer.core.record import Partition
from consumer.records import partition_at

# Whether partitions have come is looked at each second; the ends of all are asked
# for after ten of those looks, oftener than metrics are usually read.
LOOK_EVERY_S = 1.0
LOOKS = 10
# By then the next asking would be due.
ANSWER_S_MAX = 10.0

Offsets = Mapping[Partition, int]


class Lag:
    """
    The lag of our partitions. `done` gives for each the offset below which everything has ended.

    A transaction that is open hides what comes after it, as from the Consumer:
    the end is where it began.
    """

    def __init__(
        self, admin: AdminClient, done: Callable[[], Offsets], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._admin = admin
        self._done = done
        self._clock = clock
        self._ends: dict[Partition, int] = {}
        self._known_at = clock()

    @property
    def known_ago_s(self) -> float:
        """Seconds since all ends were known."""
        return self._clock() - self._known_at

    def by_place(self) -> dict[tuple[str, ...], float]:
        """Topic and partition -> records, of partitions whose end is known."""
        ends = self._ends
        return {
            (partition.topic, str(partition.number)): max(0, ends[partition] - offset)
            for partition, offset in self._done().items()
            if partition in ends
        }

    async def watch(self) -> None:
        """Ask for the ends, again and again; soon, where partitions have come."""
        while True:
            await self.ask()
            for _ in range(LOOKS):
                await asyncio.sleep(LOOK_EVERY_S)
                if self._done().keys() - self._ends.keys():
                    break

    async def ask(self) -> None:
        """Ask once. Where Kafka does not answer, what was known stays."""
        partitions = list(self._done())
        if not partitions:
            self._ends, self._known_at = {}, self._clock()
            return
        try:
            asked = self._admin.list_offsets(
                {TopicPartition(*p): OffsetSpec.latest() for p in partitions},  # type: ignore[no-untyped-call]
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=ANSWER_S_MAX,
            )
        except KafkaException:
            return
        answers = await asyncio.gather(*map(asyncio.wrap_future, asked.values()), return_exceptions=True)
        found = {
            partition_at(place): answer.offset
            for place, answer in zip(asked, answers, strict=True)
            if not isinstance(answer, BaseException)
        }
        if len(found) == len(partitions):
            self._known_at = self._clock()
        self._ends = {
            partition: end for partition, end in {**self._ends, **found}.items() if partition in partitions
        }
