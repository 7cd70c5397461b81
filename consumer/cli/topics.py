"""
`capi-consumer topics create` and `list` at work: the topics of the settings, made and looked at.

What is made is made for the promises that rest on it:

    events        kept 7 days: Meta takes no event that is older (62 days for physical_store)
    dead letters  kept 30 days: time for a person to see them, mend them and replay them,
                  and every record of the events topics fits in, with our headers
    parked ones   as dead letters: they are the same records
    all           never compacted: an older event of a user is no less an event;
                  with three replicas, a write counts when two have it

A topic that exists is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import NewTopic
from rich.table import Table

from consumer import errors
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import err, out, pluralize
from consumer.dead_letters.headers import HEADER_BYTES_MAX
from consumer.errors import CommandError
from consumer.kafka import admin as cluster
from consumer.kafka import clients
from consumer.kafka.admin import CLEANUP_POLICY, MAX_MESSAGE_BYTES, Cluster, Configs, QueryFailed, Topic
from consumer.kafka.clients import KafkaAdminClient

REPLICAS_MAX = 3
HOUR_MS = 3_600_000

# Kafka's own default, where the brokers do not say theirs.
RECORD_BYTES_MAX = 1024 * 1024 + 12
# Some twenty headers of a dead letter, with their names.
LETTER_ROOM_BYTES = 64 * HEADER_BYTES_MAX

CREATED_WITHIN_S = 30.0
SEEN_WITHIN_S = 10.0
LOOK_S = 0.1


class Plan(NamedTuple):
    """How topics are to be made."""

    partitions: int
    replicas: int
    event_hours: int
    letter_hours: int


class Made(NamedTuple):
    """What became of one topic: `created`, `exists`, or the name of Kafka's error."""

    name: str
    ended: str

    @property
    def is_there(self) -> bool:
        """Whether the topic can be used."""
        return self.ended in (CREATED, EXISTS)


CREATED = "created"
EXISTS = "exists"
MISSING = "missing"


def create(
    settings_file: Path | None,
    *,
    partitions: int,
    replication_factor: int | None,
    event_hours: int,
    letter_hours: int,
    as_json: bool,
) -> None:
    """Make the topics that are missing, and show all. Exits with 1 where one could not be made."""
    settings = load_settings(file=settings_file)
    admin = clients.admin_client(settings)
    found = cluster.list_cluster(admin, settings)
    replicas = replication_factor or min(REPLICAS_MAX, found.brokers)
    if replicas > found.brokers:
        raise CommandError(
            f"--replication-factor {replicas}: more than there are brokers ({found.brokers})",
            "name as many at most, or leave it out",
        )
    plan = Plan(partitions, replicas, event_hours, letter_hours)
    if not cluster.is_administered(admin):
        _refuse_missing(settings, found)
    made = make_topics(settings, admin, found, plan)
    for one in made:
        if not one.is_there:
            err.print(f"capi-consumer: topic {one.name} cannot be created ({one.ended})", markup=False)
    for note in left_as_they_are(made, found, partitions):
        err.print(f"capi-consumer: {note}", markup=False)
    _show(settings, admin, {one.name: one.ended for one in made if one.is_there}, as_json=as_json)
    raise typer.Exit(errors.EXIT_OK if all(one.is_there for one in made) else errors.EXIT_PARTIAL)


def list_topics(settings_file: Path | None, *, as_json: bool) -> None:
    """Show what is there. Raises CannotGoOn where one is missing that `run` needs."""
    settings = load_settings(file=settings_file)
    admin = clients.admin_client(settings)
    there = cluster.list_cluster(admin, settings).topics
    needed = (*settings.topics, settings.dead_letter_topic)
    names = (*needed, settings.parking_topic)
    _show(settings, admin, {name: EXISTS if name in there else MISSING for name in names}, as_json=as_json)
    if missing := [name for name in needed if name not in there]:
        raise CommandError(f"missing: {', '.join(missing)}", "`capi-consumer topics create` makes them")


def _refuse_missing(settings: Settings, found: Cluster) -> None:
    """Raise CannotGoOn where a topic is to be made by brokers that make none when asked to."""
    names = (*settings.topics, settings.dead_letter_topic, settings.parking_topic)
    if missing := [name for name in names if name not in found.topics]:
        raise CommandError(
            f"the brokers know no CreateTopics request, as those of `demo`, and lack {', '.join(missing)}",
            "use the names of `demo --keep`, which are the defaults, or other brokers",
        )


def left_as_they_are(made: Sequence[Made], found: Cluster, partitions: int) -> list[str]:
    """One line for each topic that existed with another number of partitions than a new one gets."""
    existed = [found.topics[one.name] for one in made if one.ended == EXISTS and one.name in found.topics]
    return [
        f"topic {topic.name} exists and is left at {pluralize(topic.partitions, 'partition')},"
        f" not {partitions}"
        for topic in existed
        if topic.partitions != partitions
    ]


def make_topics(settings: Settings, admin: KafkaAdminClient, found: Cluster, plan: Plan) -> list[Made]:
    """Make what is missing: the events topics first, for the size of dead letters follows from theirs."""
    events = [_made(admin, found, name, plan, _keeping(plan, plan.event_hours)) for name in settings.topics]
    there = [made.name for made in events if made.is_there]
    largest = _largest_record(_configs(admin, there))
    config = _keeping(plan, plan.letter_hours) | {MAX_MESSAGE_BYTES: str(largest + LETTER_ROOM_BYTES)}
    of_letters = (settings.dead_letter_topic, settings.parking_topic)
    return [*events, *(_made(admin, found, name, plan, config) for name in of_letters)]


def _keeping(plan: Plan, hours: int) -> dict[str, str]:
    config = {"retention.ms": str(hours * HOUR_MS), CLEANUP_POLICY: "delete"}
    return config | ({"min.insync.replicas": "2"} if plan.replicas >= REPLICAS_MAX else {})


def _largest_record(configs: Mapping[str, Configs | QueryFailed]) -> int:
    sizes = [
        int(config[MAX_MESSAGE_BYTES])
        for config in configs.values()
        if not isinstance(config, QueryFailed) and MAX_MESSAGE_BYTES in config
    ]
    return max(sizes, default=RECORD_BYTES_MAX)


def _made(admin: KafkaAdminClient, found: Cluster, name: str, plan: Plan, config: dict[str, str]) -> Made:
    if name in found.topics:
        return Made(name, EXISTS)
    new = NewTopic(name, plan.partitions, plan.replicas, config=config)
    try:
        admin.create_topics([new], request_timeout=CREATED_WITHIN_S)[name].result()
    except KafkaException as error:
        code = clients.error_name(error)
        return Made(name, EXISTS if code == "TOPIC_ALREADY_EXISTS" else code)
    return Made(name, CREATED)


def _show(settings: Settings, admin: KafkaAdminClient, states: Mapping[str, str], *, as_json: bool) -> None:
    """What is there now, as a table or one JSON object."""
    seen = _seen(settings, admin, [name for name, state in states.items() if state == CREATED])
    names = [name for name in states if name in seen.topics]
    configs = _configs(admin, names)
    rows = [_row(name, state, seen.topics.get(name), configs.get(name)) for name, state in states.items()]
    if as_json:
        out.print(orjson.dumps({"topics": rows}).decode(), markup=False)
        return
    out.print(
        _table([["topic", "state", "partitions", "replicas", "kept", "largest record"], *map(_cells, rows)])
    )


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> Mapping[str, Configs | QueryFailed]:
    """The configurations, where the brokers can be asked for them."""
    return cluster.topic_configs(admin, names) if cluster.is_administered(admin) else {}


def _table(lines: Sequence[Sequence[str]]) -> Table:
    """As wide as it needs, on any terminal: a name that is cut is no name. The first line is the header."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = Table(
        *lines[0], width=sum(width + 3 for width in widths) + 1
    )  # a space on both sides, and a rule
    for line in lines[1:]:
        table.add_row(*line)
    return table


def _seen(settings: Settings, admin: KafkaAdminClient, created: Sequence[str]) -> Cluster:
    """The cluster, once the brokers show what was created: the news take a moment to reach all of them."""
    until = time.monotonic() + SEEN_WITHIN_S
    found = cluster.list_cluster(admin, settings)
    while not all(name in found.topics for name in created) and time.monotonic() < until:
        time.sleep(LOOK_S)
        found = cluster.list_cluster(admin, settings)
    return found


TopicRow = dict[str, str | int | float | None]


def _row(name: str, state: str, topic: Topic | None, config: Configs | QueryFailed | None) -> TopicRow:
    known = config if config is not None and not isinstance(config, QueryFailed) else {}
    kept_ms = _whole(known.get("retention.ms"))
    return {
        "name": name,
        "state": state,
        "partitions": topic.partitions if topic else None,
        "replicas": topic.replicas if topic else None,
        "retention_hours": kept_ms if kept_ms in (None, -1) else kept_ms / HOUR_MS,
        "max_message_bytes": _whole(known.get(MAX_MESSAGE_BYTES)),
    }


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None


def _cells(row: TopicRow) -> list[str]:
    hours = row["retention_hours"]
    kept = "" if hours is None else "for ever" if hours == -1 else f"{hours:g} h"
    size = row["max_message_bytes"]
    return [
        str(row["name"]),
        str(row["state"]),
        str(row["partitions"] or ""),
        str(row["replicas"] or ""),
        kept,
        "" if size is None else f"{size:,} bytes",
    ]
