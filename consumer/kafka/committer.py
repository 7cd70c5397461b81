"""
Offsets on their way to the group's coordinator: sent, answered, waited for.

    commit -> which are due -> sent, asynchronously
                                |         |
          a later poll: answered          wait: committed? --yes--> confirmed
                                               ^   | no, and no answer yet
                                               +-- sent again, for a while

Commits are asynchronous, and answered inside `poll`. One that is waited for,
inside `poll` as well, is seen by asking for the committed offsets: the
coordinator answers in the order in which it is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Set

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.domain.record import Partition
from consumer.kafka.commits import CommitLedger
from consumer.kafka.conversion import cause, partition_at, places
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

# How long a commit may take that is waited for. librdkafka's own has no end:
# without a coordinator it waits for a session (45 s), and for each request and
# each repetition of it for socket.timeout.ms (60 s).
COMMIT_S_MAX = 10.0
# How long it is sent again when the broker has not carried it out by the time it
# answers what was asked after it, as between two assignments of the group.
COMMIT_REPEATED_S_MAX = 3.0
COMMIT_PAUSE_S = 0.1


class OffsetCommitter:
    """Commits of one Consumer, and what the coordinator is known to have."""

    def __init__(self, consumer: Consumer, telemetry: Telemetry) -> None:
        self._consumer = consumer
        self._telemetry = telemetry
        self._known = CommitLedger()

    def commit(self, offsets: Mapping[Partition, int], *, wait: bool) -> bool:
        """Send those that are due. False when it failed, as far as is known."""
        now_s = time.monotonic()
        news = self._known.due_offsets(offsets, now_s)
        if not news:
            return True
        self._known.sent(news, now_s)
        wanted = [TopicPartition(p.topic, p.number, offset) for p, offset in news.items()]
        try:
            self._consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self.on_commit(cause(error), wanted)
            return False
        return self._await(news, wanted) if wait else True

    def _await(self, news: Mapping[Partition, int], wanted: list[TopicPartition]) -> bool:
        """
        Whether the coordinator has these offsets, asked until it does, or does not take them, or in the end.

        Its answer to the commit itself comes with a later poll: here we may be in
        the middle of one. So what is not there yet is sent again.
        """
        give_up_at = time.monotonic() + COMMIT_S_MAX
        while (left_s := give_up_at - time.monotonic()) > 0:
            try:
                found = self._consumer.committed(places(news), timeout=left_s)
                if {partition_at(p): p.offset for p in found} == dict(news):
                    self._confirm(found)
                # Or the answer to the commit itself has come, and what is there now is another's.
                if self._known.has_all(news):
                    return True
                give_up_at = min(give_up_at, time.monotonic() + COMMIT_REPEATED_S_MAX)
                self._consumer.commit(offsets=wanted, asynchronous=True)
            except KafkaException as error:
                log.debug("commit not known yet", error=cause(error).name())
            time.sleep(COMMIT_PAUSE_S)
        log.warning("commit not confirmed: what it covers may come again", partitions=len(news))
        return False

    def on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """
        Kafka's answer to a commit. One that failed is not repeated by itself: the next one covers it.

        It comes soon where a beginning was decided (`are_wanted`).
        """
        failed = error or next((p.error for p in partitions if p.error is not None), None)
        self._telemetry.add(metrics.COMMITS, 1, "failed" if failed else "ok")
        if failed:
            log.warning("commit failed", error=failed.name())
            return
        self._confirm(partitions)

    @property
    def unconfirmed(self) -> Set[Partition]:
        """Those whose decided beginning the coordinator is not known to have."""
        return self._known.unconfirmed

    def require(self, partition: Partition, offset: int) -> None:
        """It begins there, by our own decision: to be committed before anything of it is taken."""
        self._known.require(partition, offset)

    def is_due(self) -> bool:
        """Whether to commit now, whatever the interval."""
        return self._known.is_due(time.monotonic())

    def forget(self, partition: Partition) -> None:
        """It has gone, or comes: what the coordinator had of it says nothing."""
        self._known.forget(partition)

    def _confirm(self, partitions: Iterable[TopicPartition]) -> None:
        """The coordinator has these offsets."""
        now_s = time.monotonic()
        for p in partitions:
            self._known.confirmed(partition_at(p), p.offset, now_s)
