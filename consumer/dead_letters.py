"""
No dead letter, no commit: writing letters until the broker has them.

A record is ended by its letter only when the broker has acknowledged it. A
write that fails is tried again for as long as we run; a letter that the broker
refuses for its size goes without its value, and says so.

confluent-kafka's asynchronous producer refuses headers, so this is the
ordinary one, whose delivery reports come when it is polled: by one task, as
long as a letter is under way. An idempotent producer can fail for good; then
another takes its place, and the old one is polled to the last of its reports.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from consumer import metrics
from consumer.core.letter import VALUE_OMITTED, Failure, Writer, letter_headers
from consumer.core.record import Headers, Record
from consumer.core.verdict import backoff_s
from consumer.telemetry import Telemetry

log = structlog.get_logger()

POLL_S = 0.005
RETRY_MOST_S = 10.0
# A broker judges the size of what comes at once. So each letter goes alone:
# else small ones would be refused, and lose their values, for their number.
ONE_BY_ONE = {"batch.num.messages": 1, "linger.ms": 0}
OVERSIZE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class DeadLetters:
    """The dead-letter topic, as a place to write to."""

    def __init__(
        self,
        topic: str,
        new_producer: Callable[[], Producer],
        writer: Callable[[], Writer],
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

    async def put(self, record: Record, failure: Failure) -> None:
        """Write the letter of a record; returns when the broker has acknowledged it."""
        headers = letter_headers(record, failure, self._writer())
        value = record.value
        attempt = 0
        while True:
            producer = self._producer
            error = await self._write(producer, record, value, headers)
            if error is None:
                break
            self._telemetry.add(metrics.DEAD_LETTER_RETRIES)
            if error.code() in OVERSIZE and value is not None:
                value = None
                headers = [*headers, (VALUE_OMITTED, b"true")]
                continue
            attempt += 1
            if attempt == 1:
                log.warning("dead letter not written, trying again", error=error.name(), topic=self._topic)
            if error.fatal() or error.code() == KafkaError._FATAL:
                self._replace(producer)
            await asyncio.sleep(backoff_s(attempt, self._chance(), RETRY_MOST_S))
        self._telemetry.add(metrics.DEAD_LETTERS, 1, failure.reason.value)
        topic, number = record.partition
        log.debug(
            "record dead-lettered", reason=failure.reason, topic=topic, partition=number, offset=record.offset
        )

    async def _write(
        self, producer: Producer, record: Record, value: bytes | None, headers: Headers
    ) -> KafkaError | None:
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
                value=value,
                key=record.key,
                headers=list(headers),
                on_delivery=report,
                # 0 is librdkafka's word for "now", and a record without a time has -1.
                timestamp=max(record.timestamp_ms, 0),
            )
            self._keep_polling()
            return await done
        except BufferError:
            return KafkaError(KafkaError._QUEUE_FULL)
        except KafkaException as error:
            return _cause(error)
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
            self._poller = asyncio.get_running_loop().create_task(self._poll(), name="dead-letter reports")

    async def _poll(self) -> None:
        while self._under_way:
            for producer in list(self._under_way):
                # Raises once what has made the producer fail for good. Each write hears of it itself.
                with contextlib.suppress(KafkaException):
                    producer.poll(0)
            await asyncio.sleep(POLL_S)


def _cause(error: KafkaException) -> KafkaError:
    cause = error.args[0]
    return cause if isinstance(cause, KafkaError) else KafkaError(KafkaError._FAIL)
