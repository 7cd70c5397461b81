"""
How far behind are we? Per partition: from the lowest unfinished record to the end of its log.

The ends are asked for, of the brokers and by a client of its own. What the
Consumer remembers of them stands still while a partition is paused, and it is
paused just when lag grows: while Meta does not answer.

    ours: some   the ends of each --- all there ---> known now
          none   which topics are there? --- told --'    e.g. thrown out of the
                                                         group, by an outage
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.domain.record import Partition
from consumer.kafka.conversion import partition_at

# Whether partitions have come is looked at each second; the ends of all are asked
# for after ten of those looks, oftener than metrics are usually read.
LOOK_EVERY_S = 1.0
LOOKS = 10
# By then the next asking would be due.
ANSWER_S_MAX = 10.0
# Without partitions a sign of life is all there is to ask for. It names no topic,
# so that none is made, and all of a cluster's topics are a long answer: seldom
# asked for, beside the 300 s of the alert. The thread that waits for it holds up
# the end of the process.
ALIVE_EVERY_S = 30.0
ALIVE_S_MAX = 5.0

Offsets = Mapping[Partition, int]


class ConsumerLag:
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
    def age_s(self) -> float:
        """Seconds since all ends were known; without partitions, since Kafka gave a sign of life."""
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
            await self.refresh()
            for _ in range(LOOKS):
                await asyncio.sleep(LOOK_EVERY_S)
                if self._done().keys() - self._ends.keys():
                    break

    async def refresh(self) -> None:
        """Ask once. Where Kafka does not answer, what was known stays."""
        self._admin.poll(0)  # errors of its connections would pile up
        partitions = list(self._done())
        if not partitions:
            self._ends = {}
            await self._ask_for_life()
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
            # Without an answer in time librdkafka says -1001, and not that this is an error.
            if not isinstance(answer, BaseException) and answer.offset >= 0
        }
        if len(found) == len(partitions):
            self._known_at = self._clock()
        self._ends = {
            partition: end for partition, end in {**self._ends, **found}.items() if partition in partitions
        }

    async def _ask_for_life(self) -> None:
        """Whoever has no partitions may have lost them because Kafka is away."""
        if self.age_s < ALIVE_EVERY_S:
            return
        with contextlib.suppress(KafkaException):
            await asyncio.to_thread(self._admin.list_topics, timeout=ALIVE_S_MAX)
            self._known_at = self._clock()
