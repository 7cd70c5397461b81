"""
Filling a topic: events on which it says which of them stands where.

    python -m benchmarks.backlog BROKERS TOPIC EVENTS PARTITIONS SHARE OF COMPRESSION

Number n goes to partition n mod P, so it stands at offset n div P (the producer is idempotent: in
order, without gaps). Compressed, with lz4 as most producers do. `SHARE OF`: this process
writes the partitions that are SHARE modulo OF, so two cores fill one topic.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from benchmarks.events import drawn, event

FLUSH_S_MAX = 120.0


class Backlog(NamedTuple):
    """Events that wait in a topic."""

    topic: str
    events: int
    partitions: int


def producer(bootstrap_servers: str, compression: str = "lz4", linger_ms: int = 20) -> Producer:
    """As producers are set."""
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "compression.type": compression,
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "batch.size": 262_144,
            "queue.buffering.max.messages": 200_000,
            "log_level": 0,
        }
    )


def values(
    events: int, partitions: int, share: int = 0, of: int = 1, now_ms: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """(partition, JSON) of each event of this share, with the time of now unless another is told."""
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    for number, (who, what) in enumerate(drawn(events)):
        if number % partitions % of == share:
            yield number % partitions, orjson.dumps(event(number, who, what, now_ms))


def write(
    bootstrap_servers: str,
    topic: str,
    made: Iterable[tuple[int, bytes]],
    compression: str,
    *,
    is_traced: bool,
) -> None:
    """
    Write (partition, value) each, with a `traceparent` of its own where `is_traced`.

    Raises KafkaException when a record was not acknowledged.
    """
    failed: list[KafkaException] = []

    def acknowledged(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(KafkaException(error))

    writer = producer(bootstrap_servers, compression)
    for number, (partition, value) in enumerate(made, 1):
        headers: list[tuple[str, str | bytes | None]] | None = None
        if is_traced:
            headers = [("traceparent", b"00-%032x-%016x-01" % (number, number))]
        while True:
            try:
                writer.produce(topic, value, partition=partition, headers=headers, on_delivery=acknowledged)
                break
            except BufferError:
                writer.poll(0.1)
        writer.poll(0)
    left = writer.flush(FLUSH_S_MAX)
    if failed or left:
        raise (failed or [KafkaException(f"{left} records were not acknowledged")])[0]


def main() -> None:
    """One share of one topic."""
    brokers, topic, events, partitions, share, of, compression, traced = sys.argv[1:]
    made = values(int(events), int(partitions), int(share), int(of))
    write(brokers, topic, made, compression, is_traced=traced == "traced")


if __name__ == "__main__":
    main()
