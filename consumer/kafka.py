"""
How we talk to Kafka: the properties of each client, and what its errors mean for a person.

A user's own librdkafka properties (`CAPI_KAFKA`, `CAPI_KAFKA_FILE`) go below
ours, so that those which carry the delivery promise always win.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from consumer.exits import CannotGoOn
from consumer.load_settings import read_properties
from consumer.settings import Settings

METADATA_TIMEOUT_S = 10.0

Properties = dict[str, Any]


def client_properties(settings: Settings) -> Properties:
    """What every client needs to reach the brokers. librdkafka's own log lines are left to its error callback."""
    own = {**settings.kafka, **(read_properties(settings.kafka_file) if settings.kafka_file else {})}
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in own.items()}
    return {
        "client.id": "capi-consumer",
        "log_level": 3,
        **texts,
        "bootstrap.servers": settings.bootstrap_servers,
    }


def _only(properties: Properties, *, producer: bool) -> Properties:
    """Without the properties of the other kind of client, which librdkafka would warn about."""
    unfit = CONSUMER_ONLY if producer else PRODUCER_ONLY
    return {name: value for name, value in properties.items() if name not in unfit}


CONSUMER_ONLY = frozenset(
    [
        "check.crcs",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.instance.id",
        "group.protocol",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "partition.assignment.strategy",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "session.timeout.ms",
    ]
)
PRODUCER_ONLY = frozenset(
    [
        "batch.num.messages",
        "batch.size",
        "compression.codec",
        "compression.level",
        "compression.type",
        "delivery.timeout.ms",
        "linger.ms",
        "message.send.max.retries",
        "message.timeout.ms",
        "partitioner",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "queue.buffering.max.ms",
        "request.required.acks",
        "request.timeout.ms",
        "retries",
        "sticky.partitioning.linger.ms",
    ]
)


def consumer_properties(settings: Settings, *, group: str | None = None) -> Properties:
    """A member of the group that commits only what it is told to, and never jumps silently."""
    return {
        "partition.assignment.strategy": "cooperative-sticky",
        # librdkafka prefetches 100,000 records or 64 MB a partition by default.
        # Ours is enough for a few polls; the rest of the memory is for what is in flight.
        "queued.min.messages": 2 * settings.poll_records_max,
        "queued.max.messages.kbytes": 16 * 1024,
        **_only(client_properties(settings), producer=False),
        "group.id": group or settings.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": False,
    }


def producer_properties(settings: Settings) -> Properties:
    """A producer whose delivery reports mean that every in-sync replica has the record, once."""
    return {
        "linger.ms": 5,
        "compression.type": "lz4",
        **_only(client_properties(settings), producer=True),
        "acks": "all",
        "enable.idempotence": True,
    }


def admin_client(settings: Settings, on_error: Callable[[KafkaError], None] | None = None) -> AdminClient:
    """A client that looks and creates, and reads no record."""
    properties = {
        n: v for n, v in client_properties(settings).items() if n not in CONSUMER_ONLY | PRODUCER_ONLY
    }
    return AdminClient(properties | ({"error_cb": on_error} if on_error else {"error_cb": _unsaid}))


def _unsaid(error: KafkaError) -> None:
    """The caller learns of the error from its own call; librdkafka need not print it too."""


def new_consumer(properties: Mapping[str, Any], **callbacks: Any) -> Consumer:
    """A Consumer, or CannotGoOn where a property is unknown or malformed."""
    return _made(Consumer, properties, callbacks)


def new_producer(properties: Mapping[str, Any], **callbacks: Any) -> Producer:
    """A Producer, or CannotGoOn where a property is unknown or malformed."""
    return _made(Producer, properties, callbacks)


def _made(kind: Any, properties: Mapping[str, Any], callbacks: dict[str, Any]) -> Any:
    try:
        return kind({"error_cb": _unsaid, **properties, **callbacks})
    except KafkaException as error:
        # librdkafka names the property and may show its value, which may be a password.
        code = error.args[0].name() if isinstance(error.args[0], KafkaError) else "invalid"
        raise CannotGoOn(f"CAPI_KAFKA: librdkafka does not take these properties ({code})") from None


def cannot_reach(settings: Settings, error: KafkaException) -> CannotGoOn:
    """One line for brokers that do not answer, or that turn us away."""
    cause = error.args[0]
    name = cause.name() if isinstance(cause, KafkaError) else "no answer"
    return CannotGoOn(
        f"no answer from the brokers {settings.bootstrap_servers} ({name}): "
        "check CAPI_BOOTSTRAP_SERVERS, the network, and the security settings in CAPI_KAFKA"
    )
