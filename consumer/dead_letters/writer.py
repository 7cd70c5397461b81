"""
No dead letter, no commit: writing letters until the broker has them.

A record is ended by its letter only when the broker has acknowledged it. A
write that fails is tried again for as long as we run; a letter that the broker
refuses for its size goes without its value, and says so.

confluent-kafka's asynchronous producer refuses headers, so this is the
ordinary one, whose delivery reports come when it is polled: by one task, as
long as a letter is under way, and else now and then, as errors of its
connections would pile up. An idempotent producer can fail for good; then
another takes its place, and the old one is polled to the last of its reports.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from consumer.dead_letters.headers import PREFIX, VALUE_OMITTED, FailureInfo, WrittenBy, dead_letter_headers
from consumer.domain.record import Record
from consumer.kafka.conversion import cause
from consumer.meta.response import backoff_s
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

# So long may a report lie in the producer before anybody hears of it. Without a letter under way nobody asks.
POLL_S = 0.005
IDLE_POLL_S = 10.0
# The longest pause before a letter is written again: so soon are brokers that are back made use of.
RETRY_S_MAX = 10.0
# A broker judges the size of what comes at once. So each letter goes alone:
# else small ones would be refused, and lose their values, for their number.
ONE_BY_ONE = {"batch.num.messages": 1, "linger.ms": 0}
OVERSIZE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


# How often it is said that letters cannot be written.
WARN_EVERY_S = 30.0


class DeadLetterRecord(NamedTuple):
    """A letter as it is produced. A time of 0 is the present."""

    value: bytes | None
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp_ms: int


class DeadLetterWriter:
    """The dead-letter topic, as a place to write to."""

    def __init__(
        self,
        topic: str,
        new_producer: Callable[[], Producer],
        writer: Callable[[], WrittenBy],
        telemetry: Telemetry,
        chance: Callable[[], float],
    ) -> None:
        self._topic = topic
        self._new_producer = new_producer
        self._producer = new_producer()
        self._writer = writer
        self._telemetry = telemetry
        self._chance = chance
        self._under_way: Counter[Producer] = Counter()
        self._poller: asyncio.Task[None] | None = None
        self._warn_at_s = 0.0
        self._waiting = 0

    async def write(self, record: Record, failure: FailureInfo) -> None:
        """Write the letter of a record; returns when the broker has acknowledged it."""
        letter = DeadLetterRecord(
            record.value,
            record.key,
            dead_letter_headers(record, failure, self._writer()),
            # 0 is librdkafka's word for "now", and a record without a time has -1.
            max(record.timestamp_ms, 0),
        )
        self._waiting += 1
        try:
            await self._write_until_acknowledged(letter)
        finally:
            self._waiting -= 1
        self._telemetry.add(metrics.DEAD_LETTERS, 1, failure.reason.value)
        topic, number = record.partition
        log.debug(
            "record dead-lettered", reason=failure.reason, topic=topic, partition=number, offset=record.offset
        )

    async def watch(self) -> None:
        """Hear of the connections' errors while no letter is under way."""
        while True:
            await asyncio.sleep(IDLE_POLL_S)
            _hear(self._producer)

    async def _write_until_acknowledged(self, letter: DeadLetterRecord) -> None:
        attempt = 0
        while True:
            producer = self._producer
            error = await self._produce(producer, letter)
            if error is None:
                return
            acceptable = _acceptable(letter, error)
            if acceptable is not None:
                letter = acceptable
                continue
            self._telemetry.add(metrics.DEAD_LETTER_RETRIES)
            attempt += 1
            self._warn(error)
            if error.fatal() or error.code() == KafkaError._FATAL:
                self._replace(producer)
            await asyncio.sleep(backoff_s(attempt, self._chance(), RETRY_S_MAX))

    def _warn(self, error: KafkaError) -> None:
        """Said again for as long as letters wait: the log is where somebody looks at night."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._warn_at_s:
            self._warn_at_s = now_s + WARN_EVERY_S
            log.warning(
                "dead letter not written, trying again",
                error=error.name(),
                topic=self._topic,
                letters_waiting=self._waiting,
            )

    async def _produce(self, producer: Producer, letter: DeadLetterRecord) -> KafkaError | None:
        """One attempt: None when the broker has it, else why not."""
        done: asyncio.Future[KafkaError | None] = asyncio.get_running_loop().create_future()

        def report(error: KafkaError | None, _: object) -> None:
            # Runs inside `poll`, so in the event loop's own thread.
            if not done.done():
                done.set_result(error)

        self._under_way[producer] += 1
        try:
            producer.produce(
                self._topic,
                value=letter.value,
                key=letter.key,
                headers=[*letter.headers],
                on_delivery=report,
                timestamp=letter.timestamp_ms,
            )
            self._keep_polling()
            return await done
        except BufferError:
            return KafkaError(KafkaError._QUEUE_FULL)
        except KafkaException as error:
            return cause(error)
        finally:
            self._under_way[producer] -= 1
            self._under_way += Counter()  # without those that have none

    def _replace(self, producer: Producer) -> None:
        """What the old producer had under way is reported as failed."""
        if producer is self._producer:
            self._producer = self._new_producer()
            producer.purge()

    def _keep_polling(self) -> None:
        if self._poller is None or self._poller.done():
            # In no span: it outlives that of the batch whose letter began it.
            self._poller = asyncio.get_running_loop().create_task(
                self._poll(), name="dead-letter reports", context=Context()
            )

    async def _poll(self) -> None:
        while self._under_way:
            for producer in list(self._under_way):
                _hear(producer)
            await asyncio.sleep(POLL_S)


def _hear(producer: Producer) -> None:
    # Raises once what has made the producer fail for good. Each write hears of it itself.
    with contextlib.suppress(KafkaException):
        producer.poll(0)


def _ours(letter: DeadLetterRecord) -> list[tuple[str, bytes | None]]:
    return [(name, value) for name, value in letter.headers if name.startswith(PREFIX)]


def _acceptable(letter: DeadLetterRecord, error: KafkaError) -> DeadLetterRecord | None:
    """
    What the broker may take instead of a letter that it will never take; None when trying again may help.

    Without its value when it is too large, without its key and the record's own
    headers when it is so even then, with the present time when its own
    is not allowed in the topic: the headers say where the record first stood,
    and when.
    """
    if error.code() in OVERSIZE and letter.value is not None:
        return letter._replace(value=None, headers=[*letter.headers, (VALUE_OMITTED, b"true")])
    ours = _ours(letter)
    if error.code() in OVERSIZE and (letter.key is not None or len(letter.headers) > len(ours)):
        return letter._replace(key=None, headers=ours)
    if error.code() == KafkaError.INVALID_TIMESTAMP and letter.timestamp_ms:
        return letter._replace(timestamp_ms=0)
    return None
