"""
How records are written, so that the end of every one of them is known.

    send → librdkafka's queue → broker → delivery report → counted

librdkafka reports the end of a record later, from inside a poll, and only then
is anything known about it. So each record that was sent is counted exactly
once, as delivered or as failed: also one that does not fit, one whose report
is an error, and one that is still waiting when the time is over. The queue is
short; when it is full, `send` serves reports until there is room.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from consumer.config.settings import Settings
from consumer.domain.record import Headers
from consumer.kafka.clients import error_name, new_producer, producer_properties

# Records that wait for their delivery report, and the memory they may take.
QUEUE_RECORDS_MAX = 10_000
QUEUE_KBYTES_MAX = 64 * 1024
# The size of a record is the topic's business: librdkafka's own limit is under
# what a broker takes by default. The topic's answer is a report like any other.
RECORD_BYTES_MAX = 64 * 1024 * 1024

POLL_S = 0.1
PURGE_S = 2.0
# What is left for the reports still out once somebody wants to stop.
STOP_FLUSH_S = 10.0

QUEUE_FULL = KafkaError(KafkaError._QUEUE_FULL).name()

OnFailure = Callable[[int, str], None]


@dataclass(slots=True)
class DeliveryCounts:
    """What became of the records. `errors` counts the failed ones by the name of librdkafka's error."""

    delivered: int = 0
    failed: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class RecordProducer:
    """
    A Producer that loses no report. For one thread.

    `on_failure(place, error)` is told of each record that was not delivered:
    `place` as given to `send`, `error` the name of librdkafka's error. Once
    `in_a_hurry()` is true, a full queue is not waited for, and reports only
    for some seconds.
    """

    def __init__(
        self,
        producer: Producer,
        on_failure: OnFailure | None = None,
        in_a_hurry: Callable[[], bool] = lambda: False,
    ) -> None:
        self._producer = producer
        self._on_failure = on_failure
        self._in_a_hurry = in_a_hurry
        self.counts = DeliveryCounts()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
        *,
        place: int = 0,
    ) -> None:
        """
        Put one record into the queue, waiting for room when there is none.

        `timestamp_ms`: milliseconds since 1970, now where None. `place` is the
        caller's own number of the record, such as its line.
        """
        options: dict[str, Any] = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        if headers:
            options["headers"] = list(headers)
        report = partial(self._report, place)
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=report, **options)
                break
            except BufferError:
                if self._in_a_hurry():
                    self._failed(place, QUEUE_FULL)
                    break
                self._producer.poll(POLL_S)
            except KafkaException as error:
                self._failed(place, error_name(error))
                break
        self._producer.poll(0)

    def finish(self, deadline_s: float) -> DeliveryCounts:
        """
        Wait for the reports still out, `deadline_s` seconds at most, and give the final counts.

        What has no report by then is given up and counted as failed. A record
        that was on its way may have arrived all the same (`_PURGE_INFLIGHT`).
        """
        started = time.monotonic()
        until = started + deadline_s
        while len(self._producer) and time.monotonic() < until:
            self._producer.flush(POLL_S)
            if self._in_a_hurry():
                until = min(until, started + STOP_FLUSH_S)
        if len(self._producer):
            self._producer.purge()
            self._producer.flush(PURGE_S)
        return self.counts

    def _report(self, place: int, error: KafkaError | None, _message: object) -> None:
        if error is None:
            self.counts.delivered += 1
        else:
            self._failed(place, error.name())

    def _failed(self, place: int, error: str) -> None:
        self.counts.failed += 1
        self.counts.errors[error] += 1
        if self._on_failure is not None:
            self._on_failure(place, error)


def open_producer(
    settings: Settings,
    on_failure: OnFailure | None = None,
    in_a_hurry: Callable[[], bool] = lambda: False,
) -> RecordProducer:
    """A Publisher on the brokers of the settings. Raises CannotGoOn where librdkafka takes no property."""
    bounds = {
        "queue.buffering.max.messages": QUEUE_RECORDS_MAX,
        "queue.buffering.max.kbytes": QUEUE_KBYTES_MAX,
        "message.max.bytes": RECORD_BYTES_MAX,
    }
    return RecordProducer(new_producer({**bounds, **producer_properties(settings)}), on_failure, in_a_hurry)
