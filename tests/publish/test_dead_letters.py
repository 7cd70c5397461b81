"""Mended letters go back with their origin; what would be a dead letter again stays where it is."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.dead_letters import event, letter, record, settings_on, write
from support.mock_kafka import MockKafka
from typer.testing import CliRunner, Result

from consumer.cli.main import app
from consumer.config.settings import Settings
from consumer.dead_letters.jsonl import to_line
from consumer.dead_letters.replay.plan import Recheck, SkipReason, open_replay_target
from consumer.dead_letters.replay.runner import ReplaySender
from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record
from consumer.event_files.json_events import json_lines
from consumer.event_files.lines import numbered_lines
from consumer.kafka.producer import open_producer
from consumer.publish.events import WHY, dead_letter_validator, send_dead_letters
from consumer.publish.runner import PublishReport, PublishRunner, PublishSummary

NOW_MS = 1_767_225_700_000
USER = {"email": "u1@example.com", "country": "FR", "city": "Paris", "zipcode": "75001"}


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


@pytest.fixture
def settings(brokers: MockKafka) -> Settings:
    settings = settings_on(brokers)
    write(settings.bootstrap_servers, settings.topics[0], [record(settings.topics[0], 0, b"{}", b"first")])
    return settings


def purchase(settings: Any, offset: Any, **fields: Any) -> Record:
    failed = record(settings.topics[0], offset, event("purchase", amount=12.5, user=USER, **fields))
    return letter(failed, attempts=1)


def mended(exported: Any, **fields: Any) -> bytes:
    line = json.loads(to_line(exported))
    line["event"] |= fields
    return json.dumps(line).encode() + b"\n"


def publish(settings: Any, content: Any, *, is_judged: bool = True, sending: Any = None) -> PublishSummary:
    """What became of the letters in a file."""
    validity = Recheck(settings.mapping_options, lambda: NOW_MS) if is_judged else None
    sending = sending or ReplaySender(lambda on_failure: open_producer(settings, on_failure))
    report = PublishReport()
    with open_replay_target(settings, None) as way_back:
        return PublishRunner(dead_letter_validator(way_back, validity, report), report).publish(
            lambda: json_lines(numbered_lines(iter([content]))),
            lambda letters: send_dead_letters(letters, sending, report),
        )


def arrived(brokers: Any, settings: Any) -> list[Any]:
    return [found for found in brokers.records(settings.topics[0]) if found.key() != b"first"]


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return capsys.readouterr().err.splitlines()


def test_a_mended_letter_goes_back_with_its_origin_and_its_count_raised(
    brokers: MockKafka, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = purchase(settings, 7)

    assert publish(settings, mended(exported, currency="EUR")) == PublishSummary(read=1, published=1)

    assert said(capsys) == []
    (back,) = arrived(brokers, settings)
    assert json.loads(back.value())["currency"] == "EUR"
    assert (back.key(), back.timestamp()[1]) == (b"u1", exported.timestamp_ms)
    headers = dict(back.headers())
    assert (headers["dlq.origin-offset"], headers["dlq.replay-count"]) == (b"7", b"1")
    assert "dlq.reason" not in headers


def test_letters_that_nobody_mended_are_left_out_and_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    content = to_line(purchase(settings, 1)) + b"\n" + mended(purchase(settings, 2), currency="EUR")

    assert publish(settings, content) == PublishSummary(read=2, published=1, invalid=1)
    assert said(capsys) == ["line 1: left out: it would be a dead letter again: purchase_without_currency"]


def test_letters_that_are_not_judged_go_as_they_are(settings: Settings) -> None:
    assert publish(settings, to_line(purchase(settings, 1)), is_judged=False) == PublishSummary(
        read=1, published=1
    )


def test_a_letter_that_will_be_filtered_goes_and_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    old = mended(purchase(settings, 1), currency="EUR", event_timestamp=NOW_MS // 1000 - 30 * 86_400)
    assert publish(settings, old) == PublishSummary(
        read=1,
        published=1,
        warnings=1,
        would_be_filtered=Counter({Reason.EVENT_TOO_OLD: 1}),
    )
    assert said(capsys) == ["line 1: warning: event: would be filtered: event_too_old"]


def test_a_letter_without_a_time_of_its_own_is_as_old_as_its_record(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    old = replace(purchase(settings, 1, currency="EUR"), timestamp_ms=NOW_MS - 30 * 86_400_000)
    headers = tuple((n, v) for n, v in old.headers if n != "dlq.origin-timestamp")
    timestamp = ("dlq.origin-timestamp", str(old.timestamp_ms).encode())
    publish(settings, to_line(replace(old, headers=(*headers, timestamp))))
    assert said(capsys) == ["line 1: warning: event: would be filtered: event_too_old"]


def test_what_is_no_letter_is_said_with_its_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = to_line(letter(record("foreign", 1, event("page_view"))))
    nobodys = to_line(Record(Partition("letters", 0), 1, 1, event("page_view")))
    tombstone = to_line(letter(record(settings.topics[0], 1, None)))
    content = b"\n".join([b"{broken", b"[]"]) + b"\n\n" + foreign + nobodys + tombstone

    assert publish(settings, content) == PublishSummary(read=5, invalid=5)

    assert [line.partition(",")[0] for line in said(capsys)] == [
        "line 1: left out: not JSON",
        "line 2: left out: no exported dead letter: an object with `headers` is expected",
        "line 4: left out: it comes from foreign",
        "line 5: left out: no origin headers: it cannot go back",
        "line 6: left out: no value: it would delete at its origin",
    ]


class Refusing:
    """Brokers that take all but the second letter."""

    def __init__(self, error: Any) -> None:
        self.error = error

    def send(self, backs: Any) -> dict[Any, Any]:
        return {1: self.error}


def test_what_the_broker_does_not_take_is_said_with_its_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    content = to_line(purchase(settings, 1)) + b"\n" + to_line(purchase(settings, 2))

    done = publish(settings, content, is_judged=False, sending=Refusing("TOPIC_AUTHORIZATION_FAILED"))

    assert done == PublishSummary(read=2, published=1, failed=1)
    assert said(capsys) == ["line 3: not delivered (TOPIC_AUTHORIZATION_FAILED)"]


@pytest.mark.parametrize("error", ["MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"])
def test_what_is_too_large_for_its_topic_is_left_out_as_a_replay_leaves_it_out(
    settings: Settings, capsys: pytest.CaptureFixture[str], error: str
) -> None:
    content = to_line(purchase(settings, 1)) + b"\n" + to_line(purchase(settings, 2))

    done = publish(settings, content, is_judged=False, sending=Refusing(error))

    assert done == PublishSummary(read=2, published=1, invalid=1)
    assert said(capsys) == ["line 3: left out: too large for the topic it would go to"]


def test_every_reason_to_leave_a_letter_out_has_words() -> None:
    assert set(WHY) == set(SkipReason)


def test_a_letter_that_was_not_json_can_be_mended_as_text(brokers: MockKafka, settings: Settings) -> None:
    broken = letter(record(settings.topics[0], 3, b'{"event_name":"page_view"'), Reason.NOT_JSON)
    line = json.loads(to_line(broken))
    line["value"] += "}"

    assert publish(settings, json.dumps(line).encode()).published == 1

    (back,) = arrived(brokers, settings)
    assert back.value() == b'{"event_name":"page_view"}'


# The command


def fresh(settings: Any, offset: Any) -> Any:
    """A letter of today: the command has the clock of the machine."""
    return purchase(settings, offset, event_timestamp=int(time.time()))


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`capi-consumer publish --replay FILE ...` of a file with the given content."""
    monkeypatch.setenv("CAPI_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("CAPI_TOPICS", ",".join(settings.topics))
    monkeypatch.setenv("CAPI_DEAD_LETTER_TOPIC", settings.dead_letter_topic)
    file = tmp_path / "letters.jsonl"

    def run(content: Any, *arguments: Any) -> Result:
        file.write_bytes(content)
        return CliRunner().invoke(app, ["publish", "--replay", str(file), *arguments])

    return run


def test_the_command_publishes_what_is_mended_and_ends_with_1_for_the_rest(
    settings: Settings, brokers: MockKafka, command: Any
) -> None:
    content = to_line(fresh(settings, 1)) + mended(fresh(settings, 2), currency="EUR")

    ended = command(content, "--json")

    assert ended.exit_code == 1
    counts = {"read": 2, "published": 1, "left_out": 1, "warnings": 0, "failed": 0, "would_be_filtered": 0}
    assert json.loads(ended.stdout) == {**counts, "dry_run": False}
    assert "1 published to the topics they came from, 1 left out" in ended.stderr
    assert len(arrived(brokers, settings)) == 1


def test_a_dry_run_says_what_would_go_back_and_sends_nothing(
    settings: Settings, brokers: MockKafka, command: Any
) -> None:
    content = to_line(fresh(settings, 1)) + mended(fresh(settings, 2), currency="EUR")

    ended = command(content, "--dry-run", "--json")

    assert ended.exit_code == 1
    said = json.loads(ended.stdout)
    assert (said["published"], said["left_out"], said["dry_run"]) == (1, 1, True)
    assert "2 events read: 1 would be published to the topics they came from, 1 left out" in ended.stderr
    assert arrived(brokers, settings) == []


def test_strict_publishes_all_or_nothing(settings: Settings, brokers: MockKafka, command: Any) -> None:
    good, bad = mended(fresh(settings, 2), currency="EUR"), to_line(fresh(settings, 1))

    assert command(good + bad, "--strict").exit_code == 1
    assert arrived(brokers, settings) == []
    assert command(good + good, "--strict").exit_code == 0
    assert len(arrived(brokers, settings)) == 2


def test_raw_publishes_what_nobody_mended(settings: Settings, command: Any) -> None:
    assert command(to_line(fresh(settings, 1)), "--raw").exit_code == 0


def test_a_topic_can_be_named_and_must_exist(settings: Settings, brokers: MockKafka, command: Any) -> None:
    good = mended(fresh(settings, 2), currency="EUR")
    retries = f"{settings.topics[0]}-retries"
    assert str(command(good, "--topic", retries).exception) == (
        f"--topic {retries}: there is no such topic: name one that exists, or make it first"
    )
    brokers.make_topic(retries)
    assert command(good, "--topic", retries).exit_code == 0
    assert len(brokers.records(retries)) == 1


def test_a_format_is_a_mistake_in_the_call(command: Any) -> None:
    assert command(b"", "--format", "csv").exit_code == 2
