"""Dead letters as the consumer writes them, put into the dead-letter topic of a mock cluster by a test."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from consumer.cli.main import app
from consumer.config.settings import Settings
from consumer.dead_letters.headers import FailureInfo, WrittenBy, dead_letter_headers
from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record

FIRST_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
WRITER = WrittenBy("capi-consumer", "0.1.0", "2026-01-01T00:00:05.000+00:00")


def settings_on(mock_kafka: Any, **changes: Any) -> Settings:
    """Settings with topics of their own, so that tests share a cluster and nothing else."""
    name = uuid4().hex[:8]
    return Settings(
        bootstrap_servers=mock_kafka.bootstrap_servers,
        topics=[f"events-{name}"],
        dead_letter_topic=f"letters-{name}",
        parking_topic=f"parked-{name}",
        group_id=f"group-{name}",
        **changes,
    )


def event(name: str = "purchase", **fields: Any) -> bytes:
    return json.dumps({"event_name": name, **fields}, separators=(",", ":")).encode()


def record(
    topic: str, offset: int, value: bytes | None, key: bytes | None = b"u1", headers: Any = ()
) -> Record:
    """A record as it stood in the events topic; offset n is n seconds into 2026."""
    return Record(Partition(topic, 0), offset, FIRST_MS + 1000 * offset, value, key, headers)


def headers_of(
    failed: Record, reason: Reason = Reason.PURCHASE_WITHOUT_CURRENCY, **failure: Any
) -> list[Any]:
    return dead_letter_headers(failed, FailureInfo(reason, **failure), WRITER)


def letter(failed: Record, reason: Reason = Reason.PURCHASE_WITHOUT_CURRENCY, **failure: Any) -> Record:
    """The letter of a record, standing at the same offset of the dead-letter topic."""
    return Record(
        Partition("letters", 0),
        failed.offset,
        failed.timestamp_ms,
        failed.value,
        failed.key,
        tuple(headers_of(failed, reason, **failure)),
    )


def write(bootstrap_servers: str, topic: str, records: list[Record]) -> None:
    """Append records as they are to partition 0 of a topic."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    failed = []
    for one in records:
        producer.produce(
            topic,
            one.value,
            one.key,
            partition=0,
            headers=list(one.headers),
            timestamp=one.timestamp_ms,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
    assert producer.flush(10) == 0
    assert failed == []


def write_letters(settings: Settings, letters: list[Record]) -> None:
    """Append letters to the dead-letter topic, and make sure that the events topics are there."""
    for topic in settings.topics:
        write(settings.bootstrap_servers, topic, [record(topic, 0, b"{}", b"first")])
    write(settings.bootstrap_servers, settings.dead_letter_topic, letters)


def command_on(settings: Settings, monkeypatch: pytest.MonkeyPatch, verb: str) -> Any:
    """`capi-consumer VERB ...` on these topics, which are its `settings`."""
    for name in ("bootstrap_servers", "dead_letter_topic", "parking_topic", "group_id"):
        monkeypatch.setenv(f"CAPI_{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("CAPI_TOPICS", ",".join(settings.topics))

    def run(*arguments: Any) -> Result:
        return CliRunner().invoke(app, [verb, *arguments])

    command: Any = run
    command.settings = settings
    return command
