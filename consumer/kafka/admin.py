"""
What the brokers say about topics and groups, asked without making anything.

A topic asked for by its name is created by a default broker. So topics are
listed, and only one that is in the list is asked about. What may not be asked,
or gets no answer in time, is unknown: a value, not an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection

# The package exports these without saying so to type checkers.
from confluent_kafka.admin import (
    AclOperation,
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
)

from consumer.config.settings import Settings
from consumer.kafka import clients
from consumer.kafka.clients import KafkaAdminClient

MAX_MESSAGE_BYTES = "max.message.bytes"
CLEANUP_POLICY = "cleanup.policy"

Answer = TypeVar("Answer")
# Operations by Kafka's names, `READ`, `WRITE`; None where the brokers do not
# say, which is so where they have no authoriser.
Allowed = frozenset[str] | None
Configs = Mapping[str, str]


class QueryFailed(NamedTuple):
    """No answer: the name of Kafka's error."""

    error: str

    @property
    def is_refusal(self) -> bool:
        """Whether the brokers said that we have no right to ask."""
        return self.error.endswith("AUTHORIZATION_FAILED")

    @property
    def is_unsupported(self) -> bool:
        """Whether the brokers know no such request, as librdkafka's mock cluster."""
        return self.error == "_UNSUPPORTED_FEATURE"

    @property
    def message(self) -> str:
        """For a person."""
        why = "these brokers cannot be asked for it" if self.is_unsupported else self.error
        return f"not known ({why})"


class Topic(NamedTuple):
    """A topic as listed."""

    name: str
    partitions: int
    replicas: int


class Cluster(NamedTuple):
    """The brokers and their topics."""

    brokers: int
    topics: Mapping[str, Topic]


class Group(NamedTuple):
    """A consumer group: its state in lower case, its members, and what we may do with it."""

    state: str
    members: int
    allowed: Allowed


def list_cluster(admin: KafkaAdminClient, settings: Settings) -> Cluster:
    """Brokers and topics, internal ones left out. Raises CannotGoOn when no broker answers."""
    metadata = _listed(admin, settings)
    topics = {
        name: Topic(name, len(topic.partitions), _replicas(topic.partitions))
        for name, topic in metadata.topics.items()
        if topic.error is None and not name.startswith("__")
    }
    return Cluster(len(metadata.brokers), topics)


def _listed(admin: KafkaAdminClient, settings: Settings) -> ClusterMetadata:
    try:
        return clients.metadata(admin)
    except KafkaException as error:
        admin.poll(0)  # only now is told what became of the connections
        raise clients.cannot_reach(settings, error, admin.faults) from None


def _replicas(partitions: Mapping[int, Any]) -> int:
    return min((len(partition.replicas) for partition in partitions.values()), default=0)


def is_administered(admin: AdminClient) -> bool:
    """
    Whether the brokers make topics and tell of them when asked to; librdkafka's mock cluster does not.

    Of the requests that it does not know this one is refused at once; others wait for their time-out.
    """
    listed = _answer(admin.list_consumer_groups(request_timeout=clients.METADATA_TIMEOUT_S))
    errors = [] if isinstance(listed, QueryFailed) else listed.errors
    return not any(error.code() == KafkaError._UNSUPPORTED_FEATURE for error in errors)


def topic_configs(admin: AdminClient, names: Sequence[str]) -> dict[str, Configs | QueryFailed]:
    """The configuration of topics that exist: name to value, both text."""
    if not names:
        return {}
    asked = admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in names],
        request_timeout=clients.METADATA_TIMEOUT_S,
    )
    answers = {resource.name: _answer(future) for resource, future in asked.items()}
    return {
        name: answer
        if isinstance(answer, QueryFailed)
        else {key: entry.value for key, entry in answer.items() if entry.value is not None}
        for name, answer in answers.items()
    }


def topic_rights(admin: AdminClient, names: Sequence[str]) -> dict[str, Allowed | QueryFailed]:
    """What we may do with topics that exist."""
    if not names:
        return {}
    asked = admin.describe_topics(
        TopicCollection(list(names)),
        include_authorized_operations=True,
        request_timeout=clients.METADATA_TIMEOUT_S,
    )
    answers = {name: _answer(future) for name, future in asked.items()}
    return {
        name: answer if isinstance(answer, QueryFailed) else _allowed(answer.authorized_operations)
        for name, answer in answers.items()
    }


def describe_group(admin: AdminClient, name: str) -> Group | QueryFailed:
    """A consumer group. One that nobody has joined yet is `dead`, or the error `GROUP_ID_NOT_FOUND`."""
    asked = admin.describe_consumer_groups(
        [name], include_authorized_operations=True, request_timeout=clients.METADATA_TIMEOUT_S
    )
    answer = _answer(asked[name])
    if isinstance(answer, QueryFailed):
        return answer
    return Group(answer.state.name.lower(), len(answer.members), _allowed(answer.authorized_operations))


def _allowed(operations: Sequence[AclOperation] | None) -> Allowed:
    return frozenset(operation.name for operation in operations) if operations else None


def _answer(future: Future[Answer]) -> Answer | QueryFailed:
    """The result, or Unknown. librdkafka ends every request within its timeout."""
    try:
        return future.result()
    except KafkaException as error:
        cause = error.args[0]
        return QueryFailed(cause.name() if isinstance(cause, KafkaError) else "no answer")
