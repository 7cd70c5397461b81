"""Replays in a test: over letters of a mock cluster, at a time that the test says."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from support.dead_letters import FIRST_MS, event, letter, record

from consumer.cli.commands.dead_letters import MAX_REPLAYS
from consumer.cli.replay import passed_without_old, replay_group
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.reader import open_dead_letters
from consumer.dead_letters.replay.plan import Parking, Recheck, ReplayPlanner, open_replay_target
from consumer.dead_letters.replay.runner import RateLimit, ReplayRunner, ReplaySender, ReplaySummary
from consumer.domain.decision import Reason
from consumer.domain.record import Record
from consumer.kafka.producer import open_producer

NOW_MS = FIRST_MS + 60_000
DAY_MS = 86_400_000
ALL = Filter()


def sending_to(settings: Any) -> ReplaySender:
    return ReplaySender(lambda on_failure: open_producer(settings, on_failure))


def fates_of(
    settings: Any,
    way: Any,
    chosen: Any = ALL,
    *,
    is_parking_there: bool = True,
    max_replays: Any = MAX_REPLAYS,
    passed: Any = None,
) -> ReplayPlanner:
    parking = Parking(settings.parking_topic, is_parking_there, max_replays)
    return ReplayPlanner(
        chosen, parking, way, Recheck(settings.mapping_options, lambda: NOW_MS).is_too_old, passed
    )


def replay(
    settings: Any,
    chosen: Any = ALL,
    *,
    to: Any = None,
    limit: Any = None,
    dry_run: bool = False,
    sending: Any = None,
    stop: Any = None,
    pace: Any = None,
    on_progress: Any = None,
    include_old: bool = False,
    **rules: Any,
) -> ReplaySummary:
    group = replay_group(settings, chosen, include_old=include_old, to=to)
    passed = passed_without_old(settings, chosen, to) if include_old else None
    with open_dead_letters(settings, group=group) as letters, open_replay_target(settings, to) as way:
        fates = fates_of(settings, way, chosen, passed=passed, **rules)
        return ReplayRunner(letters, fates, None if dry_run else sending or sending_to(settings)).run(
            pace=pace or RateLimit(None),
            limit=limit,
            stop=stop or threading.Event(),
            on_progress=on_progress or (lambda _: None),
        )


def arrived(brokers: Any, topic: Any) -> list[Any]:
    """What stands in a topic beside the record that made it."""
    return [found for found in brokers.records(topic) if found.key() != b"first"]


def values(brokers: Any, topic: Any) -> list[Any]:
    return sorted(found.value() for found in arrived(brokers, topic))


def committed(settings: Any, chosen: Any = ALL) -> int:
    group = replay_group(settings, chosen)
    consumer = Consumer({"bootstrap.servers": settings.bootstrap_servers, "group.id": group, "log_level": 0})
    place = TopicPartition(settings.dead_letter_topic, 0)
    try:
        return consumer.committed([place], timeout=10)[0].offset
    finally:
        consumer.close()


def some_letters(settings: Any, count: Any) -> list[Any]:
    topic = settings.topics[0]
    return [letter(record(topic, n, event(id=f"o{n}"))) for n in range(count)]


def refused(settings: Any, offset: Any, **failure: Any) -> Record:
    return letter(record(settings.topics[0], offset, event(id=f"o{offset}")), Reason.REJECTED, **failure)


def come_back(settings: Any, offset: Any, times: Any) -> Record:
    return letter(
        record(settings.topics[0], offset, event(id=f"o{offset}"), headers=(replays(times),)), detail="x"
    )


def replays(times: Any) -> tuple[str, bytes]:
    return ("dlq.replay-count", str(times).encode())


def at_age(settings: Any, age_ms: Any, **fields: Any) -> Record:
    """A letter without an event time: its record's is `age_ms` before now."""
    failed = record(settings.topics[0], 0, event(**fields))
    return letter(replace(failed, timestamp_ms=NOW_MS - age_ms))
