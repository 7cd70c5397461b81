"""
How we talk to Kafka: the properties of each client, and one line where it is refused or not answered.

A user's own librdkafka properties (`CAPI_KAFKA_PROPERTIES`, `CAPI_KAFKA_PROPERTIES_FILE`) go below
ours, so that those which carry the delivery promise always win.

What librdkafka does not take of `CAPI_KAFKA_PROPERTIES`, in a line that shows no value.

Its text may hold a value, a password. So it is compared with sentences that
are librdkafka's own, and else only names that we gave are taken from it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ClusterMetadata

from consumer.config.kafka_constraints import PRESETS
from consumer.config.loading import read_properties
from consumer.config.settings import Settings
from consumer.errors import CommandError
from consumer.kafka.conversion import cause
from consumer.kafka.errors import FAULTS, ErrorCollector

# The mechanisms of confluent-kafka's wheels, which are built without Cyrus SASL.
MECHANISMS = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"

MANDATORY = re.compile(r"`((?:ssl|sasl)\.[a-z.]+)` is mandatory when `")
MECHANISM_NAMES = ("sasl.mechanism", "sasl.mechanisms")


def missing_properties(properties: Mapping[str, object]) -> str | None:
    """What librdkafka would take, only to wait for ever: nobody makes tokens for OAUTHBEARER but itself."""
    is_oauth = any(properties.get(name) == "OAUTHBEARER" for name in MECHANISM_NAMES)
    is_fed = str(properties.get("sasl.oauthbearer.method", "")).lower() == "oidc"
    is_unsecured = str(properties.get("enable.sasl.oauthbearer.unsecure.jwt", "")).lower() == "true"
    if is_oauth and not is_fed and not is_unsecured:
        return "sasl.mechanism OAUTHBEARER needs sasl.oauthbearer.method=oidc"
    return None


def explain_rejection(error: KafkaException, properties: Mapping[str, object]) -> str:
    """What librdkafka refuses."""
    text = cause(error).str()
    if "No provider for SASL mechanism" in text or "Unsupported SASL mechanism" in text:
        return f"librdkafka has no such sasl.mechanism: it takes {MECHANISMS}"
    if text.endswith("sasl.username and sasl.password must be set"):
        return "librdkafka wants sasl.username and sasl.password"
    if found := MANDATORY.search(text):
        return f"librdkafka wants {found[1]}"
    name = max((name for name in properties if name in text), key=len, default=None)
    if name is None:
        return f"librdkafka does not take the properties of CAPI_KAFKA_PROPERTIES ({cause(error).name()})"
    if text.startswith("No such configuration property"):
        return f"librdkafka knows no property {name}"
    return _unread(name, properties[name]) or f"librdkafka does not take the value of {name}"


def _unread(name: str, value: object) -> str | None:
    """The file that a property names and that cannot be read: the name of a file is no secret."""
    if not name.endswith(".location"):
        return None
    try:
        Path(str(value)).open("rb").close()
    except OSError as error:
        return f"librdkafka cannot read the file of {name}, {value} ({error.strerror})"
    except ValueError:  # no name that a file can have
        return None
    return f"librdkafka cannot use what is in the file of {name}, {value}"


METADATA_TIMEOUT_S = 10.0
TURN_S = 1.0

# Of the bytes in flight, what librdkafka may prefetch beside them: 1 in 4. The
# least has room for a partition's part of an answer (`prefetched_kib`), the most
# is librdkafka's own queued.max.messages.kbytes.
PREFETCH_PARTS = 4
PREFETCH_BYTES_MIN = 1024 * 1024
PREFETCH_BYTES_MAX = 64 * 1024 * 1024
# A partition's part of an answer, of that: 1 in 128. librdkafka's own 1 MiB comes no faster, and where it is
# compressed six partitions, unpacked, hold 70 MB more.
PARTITION_PARTS = 128
PARTITION_BYTES_MIN = 64 * 1024
PARTITION_BYTES_MAX = 256 * 1024
# When its queue of a partition is full, librdkafka asks for more only after this. Two polls are taken in tens
# of milliseconds: with its own 1,000 ms the partition would then stand still.
FETCH_BACKOFF_MS = 10

Properties = dict[str, Any]

CHECK_ALL = "check CAPI_BOOTSTRAP_SERVERS, the network, and the security settings in CAPI_KAFKA_PROPERTIES"
MEND = "mend CAPI_KAFKA_PROPERTIES or CAPI_KAFKA_PROPERTIES_FILE"

# What only one kind of client reads; librdkafka warns about it in the other.
CONSUMER_ONLY = frozenset(
    {
        "check.crcs",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.instance.id",
        "group.protocol",
        "group.protocol.type",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "partition.assignment.strategy",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "session.timeout.ms",
    }
)
PRODUCER_ONLY = frozenset(
    {
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
        "request.timeout.ms",
        "retries",
        "sticky.partitioning.linger.ms",
    }
)


def client_properties(settings: Settings) -> Properties:
    """What every client needs to reach the brokers. What librdkafka would print comes back as errors."""
    own = {
        **settings.kafka_properties,
        **(read_properties(settings.kafka_properties_file) if settings.kafka_properties_file else {}),
    }
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in own.items()}
    return {
        "client.id": "capi-consumer",
        "log_level": 2,  # at 3 it prints every failed connection, twenty a second
        **texts,
        "bootstrap.servers": settings.bootstrap_servers,
    }


def _only(properties: Properties, *, producer: bool) -> Properties:
    """Without the properties of the other kind of client, which librdkafka would warn about."""
    unfit = CONSUMER_ONLY if producer else PRODUCER_ONLY
    return {name: value for name, value in properties.items() if name not in unfit}


def consumer_properties(settings: Settings, *, group: str | None = None) -> Properties:
    """
    A member of the group that commits only what it is told to, and never jumps silently.

    A reader with a `group` of its own is no static member: two of them may read at once.
    """
    own = _only(client_properties(settings), producer=False)
    is_static = settings.group_instance_id and group is None
    return {
        **PRESETS[settings.group_protocol],
        # A static member leaves without telling the group: its partitions stay assigned to it until
        # session.timeout.ms. A second process with the same name ends the first.
        **({"group.instance.id": settings.group_instance_id} if is_static else {}),
        # librdkafka prefetches 100,000 records by default. Ours is enough for a few polls.
        "queued.min.messages": 2 * settings.poll_records_max,
        "fetch.queue.backoff.ms": FETCH_BACKOFF_MS,
        "queued.max.messages.kbytes": prefetched_kib(settings.bytes_in_flight_max),
        "max.partition.fetch.bytes": partition_bytes(settings.bytes_in_flight_max),
        **own,
        "group.id": group or settings.group_id,
        # librdkafka can't know when a record is done: Meta, a filter or the dead-letter topic's broker
        # decides that, and only the offset tracker knows.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        # The end of a log tells us which holes nobody will ever fill.
        "enable.partition.eof": True,
    }


def prefetched_kib(bytes_in_flight_max: int) -> int:
    """
    How much librdkafka may hold of what nobody has taken yet, in KiB.

    It counts beside what is in flight, so it is a share of that budget. The
    rest follows by itself: librdkafka lowers `fetch.max.bytes`, one answer of a
    broker, to the same number (50 MiB at most) and raises it to
    `message.max.bytes` where that is more. The least is 1 MiB, librdkafka's own for
    one partition's part, so that a part of any size we ask for has room.
    """
    share = bytes_in_flight_max // PREFETCH_PARTS
    return min(max(share, PREFETCH_BYTES_MIN), PREFETCH_BYTES_MAX) // 1024


def partition_bytes(bytes_in_flight_max: int) -> int:
    """
    How much of one partition a broker sends at once.

    It comes as it was compressed, and librdkafka unpacks all of it whatever its
    queue may hold: text that repeats itself may become fifty times as much. So
    a small budget asks for small parts. A batch that is larger comes all the same.
    """
    part = prefetched_kib(bytes_in_flight_max) * 1024 // PARTITION_PARTS
    return min(max(part, PARTITION_BYTES_MIN), PARTITION_BYTES_MAX)


def producer_properties(settings: Settings) -> Properties:
    """A producer whose delivery reports mean that every in-sync replica has the record, once."""
    return {
        "linger.ms": 5,
        "compression.type": "lz4",
        # The topic's limit counts, and it may be far above librdkafka's own of 1 MB.
        "message.max.bytes": 1_000_000_000,
        **_only(client_properties(settings), producer=True),
        "acks": "all",
        "enable.idempotence": True,
    }


class KafkaAdminClient(AdminClient):
    """An AdminClient that remembers which faults its connections ended with."""

    def __init__(self, properties: Properties) -> None:
        self._heard = ErrorCollector()
        with_memory: Properties = {**properties, "error_cb": self._heard}
        super().__init__(with_memory)

    @property
    def faults(self) -> Set[str]:
        """Of FAULTS."""
        return self._heard.faults


def admin_client(settings: Settings) -> KafkaAdminClient:
    """A client that looks and creates, and reads no record. Raises CannotGoOn like the others."""
    properties = _only(_only(client_properties(settings), producer=True), producer=False)
    with _refusal_in_one_line(properties):
        return KafkaAdminClient(properties)


def new_consumer(properties: Properties) -> Consumer:
    """A Consumer. Raises CannotGoOn where librdkafka does not take a property."""
    with _refusal_in_one_line(properties):
        return Consumer(_quiet(properties))


def new_producer(properties: Properties) -> Producer:
    """A Producer. Raises CannotGoOn where librdkafka does not take a property."""
    with _refusal_in_one_line(properties):
        return Producer(_quiet(properties))


def metadata(client: AdminClient | Consumer) -> ClusterMetadata:
    """
    Brokers and all topics. Raises KafkaException when no broker answers.

    Asked in short turns until the time is over, for Ctrl-C is heard only between
    them. Brokers that were reached and are slow to answer have all that is left.
    """
    until = time.monotonic() + METADATA_TIMEOUT_S
    turn_s = min(TURN_S, METADATA_TIMEOUT_S)
    while True:
        try:
            return client.list_topics(timeout=turn_s)
        except KafkaException as error:
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise
            turn_s = left_s if error_name(error) == "_TIMED_OUT" else min(TURN_S, left_s)


@contextmanager
def _refusal_in_one_line(properties: Properties) -> Iterator[None]:
    if mistake := missing_properties(properties):
        raise CommandError(mistake, MEND)
    try:
        yield
    except KafkaException as error:
        raise CommandError(explain_rejection(error, properties), MEND) from None
    except ImportError:  # aws_iam is an extra of confluent-kafka
        raise CommandError(
            "confluent-kafka lacks an extra that the properties of CAPI_KAFKA_PROPERTIES need"
            " (oauthbearer-aws)",
            MEND,
        ) from None
    except (TypeError, ValueError):
        # confluent-kafka reads some properties itself, and says so in its own way.
        raise CommandError(
            "confluent-kafka does not take the properties of CAPI_KAFKA_PROPERTIES", MEND
        ) from None


def _quiet(properties: Properties) -> Properties:
    """The same, with librdkafka's own complaints unprinted."""
    return {"error_cb": _without_reported_faults, **properties}


def _without_reported_faults(error: KafkaError) -> None:
    """The caller learns of the error from its own call; librdkafka need not print it too."""


def error_name(error: KafkaException) -> str:
    """librdkafka's name of what went wrong: a word of a closed set, unlike its text."""
    return cause(error).name()


def cannot_reach(settings: Settings, error: KafkaException, faults: Set[str] = frozenset()) -> CommandError:
    """One line for brokers that do not answer or that turn us away; `faults` are those of a LookingClient."""
    name = error_name(error)
    word = next((word for word in FAULTS if word in faults or word == name), None)
    says, do = FAULTS[word][:2] if word else (name, CHECK_ALL)
    return CommandError(f"no answer from the brokers {settings.bootstrap_servers} ({says})", do)
