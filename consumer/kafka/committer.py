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

Which offsets are to be committed now?

Those that the coordinator is not known to have, and each one again after a
while: what it once confirmed may be gone. A late commit of who had the
partition before can overwrite ours with a lower one, and on a partition in
which nothing more comes no other commit would ever mend the lag.

    done 7          due at 8: now         due at 7: not before a minute is over

Where a partition begins that had no offset, or whose offset was gone, was
decided by us, and whoever comes after us would decide anew, and skip what came
meanwhile. So that is committed again and again, soon, until it is confirmed;
nothing of the partition is taken until then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.domain.record import Partition
from consumer.kafka.conversion import cause, partition_at, places
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

AGAIN_S = 60.0
# A commit fails while members join, for a second perhaps. The pause is doubled
# each time: it may be that nobody lets us commit.
SOON_S = 0.1
SOON_S_MAX = 5.0


class RequestedCommit(NamedTuple):
    """What the coordinator confirmed, and when, in seconds of the caller's clock."""

    offset: int
    at_s: float


class CommitLedger:
    """What the coordinator has of our partitions, as far as it is known. Time is an argument."""

    def __init__(self) -> None:
        self._done: dict[Partition, RequestedCommit] = {}
        self._decided: dict[Partition, int] = {}
        self._pause_s = SOON_S
        self._again_at_s = float("-inf")

    @property
    def unconfirmed(self) -> Set[Partition]:
        """Those whose decided beginning the coordinator is not known to have."""
        return self._decided.keys()

    def require(self, partition: Partition, offset: int) -> None:
        """It begins there, and nobody else knows."""
        self._decided[partition] = offset
        self._pause_s = SOON_S
        self._again_at_s = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """Whether to commit now, for the sake of what was decided."""
        return bool(self._decided) and now_s >= self._again_at_s

    def due_offsets(self, offsets: Mapping[Partition, int], now_s: float) -> dict[Partition, int]:
        """Those of the offsets that are new, and those that were confirmed long ago."""
        return {p: offset for p, offset in offsets.items() if self._is_due(p, offset, now_s)}

    def _is_due(self, partition: Partition, offset: int, now_s: float) -> bool:
        done = self._done.get(partition)
        return done is None or done.offset != offset or now_s - done.at_s >= AGAIN_S

    def sent(self, partitions: Iterable[Partition], now_s: float) -> None:
        """A commit of these is under way: only its own confirmation counts from now on."""
        for partition in partitions:
            self._done.pop(partition, None)
        self._again_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, SOON_S_MAX)

    def confirmed(self, partition: Partition, offset: int, now_s: float) -> None:
        """The coordinator has confirmed it."""
        self._done[partition] = RequestedCommit(offset, now_s)
        if offset >= self._decided.get(partition, offset):
            self._decided.pop(partition, None)

    def has_all(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether each of these was confirmed."""
        return all(p in self._done and self._done[p].offset == offset for p, offset in offsets.items())

    def forget(self, partition: Partition) -> None:
        """The partition has gone, or come: what it had before says nothing."""
        self._decided.pop(partition, None)
        self._done.pop(partition, None)


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
